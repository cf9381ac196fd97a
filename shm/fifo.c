#include "shm/fifo.h"

#include "ring/crashpoint.h"
#include "ringlease.h"
#include "shm/message.h"
#include "shm/rings.h"
#include "shm/room.h"

#include <errno.h>

enum { LOOKS_MAX = 1000 }; /* at what others change meanwhile, in one call */

/* ---- view ------------------------------------------------------------------------------------- */

static int tables_open(struct segment *segment, uint64_t tables)
{
	struct groups *groups = &segment->groups;
	uint32_t count = rings_count(tables);

	if (count == 0 || count > TABLES_OF_A_KIND)
		return RLQ_EDAMAGED;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t index = rings_at(tables, i), order;
		unsigned char *memory;

		if (index < SEG_RING_COUNT || index >= SEG_RING_COUNT + TABLES_OF_A_KIND)
			return RLQ_EDAMAGED;
		order = table_order(segment, index);
		if (order == UINT32_MAX)
			return RLQ_EDAMAGED;
		memory = table_at(segment, index);
		groups->table[i] = (struct group_table){.cells = (struct word128 *)(void *)memory, .order = order};
		segment->tokens[i] = (struct ready){
			.ends = &segment->header->tokens[index - SEG_RING_COUNT],
			.cells = (atomic_u64 *)(void *)(memory + group_table_bytes(order)),
			.order = order + 1,
		};
	}
	groups->table_count = count;
	return 0;
}

int fifo_open(struct segment *segment)
{
	uint64_t tables = load_seq(&segment->header->tables[TABLE_GROUPS]);
	int error = tables_open(segment, tables);

	if (error)
		return error;
	segment->tables_seen = tables;
	segment->groups.rings = segment->ring;
	segment->groups.listed = segment->listed;
	segment->groups.sequence = &segment->header->sequence;
	segment->groups.list = &segment->header->tables[TABLE_GROUPS];
	segment->groups.list_seen = tables;
	return 0;
}

/* The same in the midst of a call, which works with what it needs of older rings: that stays. */
static int fifo_refresh(struct segment *segment)
{
	return load_seq(&segment->header->rings) != segment->rings ? seg_refresh(segment) : fifo_open(segment);
}

static bool has_newer_tables(const struct segment *segment)
{
	return load_seq(&segment->header->tables[TABLE_GROUPS]) != segment->tables_seen;
}

const struct ring *fifo_place(const struct segment *segment, uint64_t link, uint32_t *ret_ring, uint32_t *ret_slot)
{
	uint32_t ring = link_ring(link), slot = link_slot(link);

	if (link == 0 || !(segment->listed >> ring & 1) || slot > segment->ring[ring].mask)
		return NULL;
	*ret_ring = ring;
	*ret_slot = slot;
	return &segment->ring[ring];
}

/* A table with room for more groups, or a fresh one of the same size if this one is as large as they come. */
static int append_larger(struct segment *segment)
{
	uint32_t order = segment->groups.table[segment->groups.table_count - 1].order;
	int error = tables_append(segment, TABLE_GROUPS, segment->tables_seen,
				  order < TABLE_ORDER_MAX ? order + 1 : order);

	if (error)
		return error == -ENOSPC ? RLQ_ENOSPACE : error == -EBUSY ? ROOM_GROWING : error;
	return fifo_refresh(segment);
}

/* What an answer asks for. True: try again; else `*ret_error` says what is wrong, 0 for nothing. */
static bool is_to_try_again(struct segment *segment, enum group_result result, uint32_t *looks, int *ret_error)
{
	*ret_error = 0;
	if (result == GROUP_OK || result == GROUP_NONE || result == GROUP_FIRST)
		return false;
	if (result == GROUP_DAMAGED || ++*looks > LOOKS_MAX)
		*ret_error = RLQ_EDAMAGED;
	else
		*ret_error = result == GROUP_FULL ? append_larger(segment) : fifo_refresh(segment);
	return *ret_error == 0;
}

/* The head of a group. 1: there is one; 0: it has no messages. Else a code. */
static int head_of(struct segment *segment, uint64_t group, uint64_t *ret_head)
{
	enum group_result result;
	uint32_t looks = 0;
	int error;

	do
		result = groups_head(&segment->groups, group, ret_head);
	while (is_to_try_again(segment, result, &looks, &error));
	return error ? error : result == GROUP_OK;
}

/* ---- tokens ----------------------------------------------------------------------------------- */

static uint64_t ticket_pack(const struct segment *segment, uint64_t ticket)
{
	return (uint64_t)(rings_version(segment->tables_seen) & 0x7fff) << 48 | (ticket & ((UINT64_C(1) << 48) - 1));
}

/* A group whose turn comes. Killed before its ticket is noted: there is a token too many. */
static void offer(struct segment *segment, struct fifo_links *links, uint64_t link)
{
	uint64_t ticket;

	do {
		if (has_newer_tables(segment) && fifo_refresh(segment) != 0)
			return;
		ticket = ready_push(&segment->tokens[segment->groups.table_count - 1], link);
		CRASH_POINT(fifo_offered);
	} while (has_newer_tables(segment)); /* nobody may look there any more */
	if (ticket == 0)
		return; /* full of tokens: the sweep comes again */
	store_relaxed(&links->ticket, ticket_pack(segment, ticket)); /* relaxed: for the sweep */
	CRASH_POINT(fifo_ticket_noted);
	seg_notify(segment, 1);
}

/* Has a token that was pushed for it been taken, or lost? */
static bool is_offered(const struct segment *segment, const struct fifo_links *links)
{
	uint64_t ticket = load_relaxed(&links->ticket); /* relaxed: a hint */

	return ticket != 0 && ticket >> 48 == (rings_version(segment->tables_seen) & 0x7fff) &&
	       !ready_has_passed(&segment->tokens[segment->groups.table_count - 1],
				 ticket & ((UINT64_C(1) << 48) - 1));
}

/* ---- send ------------------------------------------------------------------------------------- */

/* What a message becomes that has joined. */
static struct slot_word published(const struct segment *segment, const struct fifo_links *links,
				  struct slot_word writing, uint64_t *ret_due_ms)
{
	uint64_t delay_ms = seg_attribute(segment, ATTRIBUTE_DELAY_MS), generation = word_generation(writing);
	uint64_t due_ms = load_relaxed(&links->boot_ms) + OS_CLOCK_SLACK_MS + delay_ms; /* relaxed: behind the word */

	*ret_due_ms = delay_ms > 0 ? due_ms : 0;
	if (segment->durability == RLQ_SYNC)
		return word_make(SLOT_PENDING, generation, delay_ms > 0 ? PENDING_DELAYED : PENDING_READY, 0,
				 (uint32_t)*ret_due_ms);
	if (delay_ms > 0)
		return word_make(SLOT_DELAYED, generation, OWNER_NONE, 0, (uint32_t)due_ms);
	return word_make(SLOT_READY, generation, OWNER_NONE, 0, 0);
}

void fifo_publish(struct segment *segment, uint64_t link)
{
	uint32_t index, at;
	const struct ring *ring = fifo_place(segment, link, &index, &at);
	struct slot_word word, to;
	uint64_t due_ms;

	if (ring == NULL)
		return;
	word = slot_read(&ring->slots[at]);
	while (link_is_of(link, word) && (word_state(word) == SLOT_WRITING || word_state(word) == SLOT_PASSED)) {
		to = published(segment, fifo_links(&ring->slots[at]), word, &due_ms);
		if (slot_change(&ring->slots[at], word, to)) { /* [G1] */
			CRASH_POINT(fifo_published);
			if (due_ms != 0)
				due_lower(&ring->due, at, due_ms);
			ring_mark(ring, at);
			return;
		}
		word = slot_read(&ring->slots[at]);
	}
}

int fifo_send(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word writing)
{
	uint64_t link = fifo_link(ring, slot, writing);
	enum group_result result;
	uint32_t looks = 0;
	int error;

	do
		result = groups_join(&segment->groups, link);
	while (is_to_try_again(segment, result, &looks, &error));
	if (error)
		return error;
	CRASH_POINT(fifo_joined);
	fifo_publish(segment, link);
	/* Behind another one, who makes it the head looks at it. */
	if (result == GROUP_FIRST)
		fifo_became_ready(segment, ring, slot, slot_read(&segment->ring[ring].slots[slot]));
	return 0;
}

/* ---- the head --------------------------------------------------------------------------------- */

void fifo_became_ready(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word word)
{
	struct fifo_links *links = fifo_links(&segment->ring[ring].slots[slot]);
	uint64_t link = fifo_link(ring, slot, word), head;

	if (word_state(word) != SLOT_READY)
		return;
	/* [G1] READY, then the cell. What was freed meanwhile is nobody's head. */
	if (head_of(segment, fifo_group(&segment->ring[ring].slots[slot]), &head) == 1 && head == link)
		offer(segment, links, link);
}

/* What is at the head, and what to do with it. True: look again. */
static bool head_settle(struct segment *segment, uint64_t group, uint64_t head)
{
	uint32_t index, at, looks = 0;
	const struct ring *ring = fifo_place(segment, head, &index, &at);
	struct slot_word word;
	enum group_result result;
	int error;

	if (ring == NULL)
		return false;
	word = slot_read(&ring->slots[at]); /* [G2] behind the cell */
	if (!link_is_of(head, word))
		return true; /* it has gone on meanwhile */
	switch (word_state(word)) {
	case SLOT_HELD:
		do
			result = groups_pop(&segment->groups, group, head);
		while (is_to_try_again(segment, result, &looks, &error));
		CRASH_POINT(fifo_popped);
		if (result == GROUP_OK)
			message_free_popped(segment, index, at);
		return !error;
	case SLOT_WRITING:
	case SLOT_PASSED:
		fifo_publish(segment, head);
		return true;
	case SLOT_READY:
		offer(segment, fifo_links(&ring->slots[at]), head);
		return false;
	default:
		return false;
	}
}

void fifo_settle(struct segment *segment, uint64_t group)
{
	uint64_t head;

	/* As many as are gone: each is taken off by one of us. */
	for (uint32_t looks = 0; looks < RING_STEPS_MAX; looks++)
		if (head_of(segment, group, &head) != 1 || !head_settle(segment, group, head))
			return;
}

bool fifo_keeps(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word held)
{
	enum group_result result;
	uint32_t looks = 0;
	int error;

	do
		result = groups_keep(&segment->groups, fifo_link(ring, slot, held));
	while (is_to_try_again(segment, result, &looks, &error));
	return error || result != GROUP_NONE;
}

/* ---- receive ---------------------------------------------------------------------------------- */

/* The first token of all tables, the oldest first. 0: there is none. */
static uint64_t take_token(struct segment *segment)
{
	for (uint32_t i = 0; i < segment->groups.table_count; i++) {
		uint64_t token = ready_pop(&segment->tokens[i]);

		if (token != 0)
			return token;
	}
	return 0;
}

/* The link of the message in a token's slot, if it is READY and the head of its group. 0: it is not. */
static int head_by_token(struct segment *segment, uint64_t token, uint64_t *ret_head)
{
	uint32_t index, at;
	const struct ring *ring = fifo_place(segment, token, &index, &at);
	uint64_t link, head;
	struct slot_word word;
	int found;

	if (ring == NULL)
		return 0;
	word = slot_read(&ring->slots[at]);
	if (word_state(word) != SLOT_READY)
		return 0;
	link = fifo_link(index, at, word);
	found = head_of(segment, fifo_group(&ring->slots[at]), &head);
	if (found < 0)
		return found;
	*ret_head = link;
	return found == 1 && head == link;
}

int fifo_next(struct segment *segment, uint64_t *ret_head)
{
	for (;;) {
		uint64_t token = take_token(segment);
		int result;

		CRASH_POINT(fifo_token_taken);
		if (token == 0 && !has_newer_tables(segment))
			return 0;
		result = token == 0 ? fifo_refresh(segment) : head_by_token(segment, token, ret_head);
		if (result != 0)
			return result;
	}
}

bool fifo_follower(struct segment *segment, uint64_t link, uint64_t *ret_follower)
{
	enum group_result result;
	uint32_t looks = 0;
	int error;

	do
		result = groups_follower(&segment->groups, link, ret_follower);
	while (is_to_try_again(segment, result, &looks, &error));
	return !error && result == GROUP_OK;
}

/* ---- sweep ------------------------------------------------------------------------------------ */

bool fifo_rescue(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word word)
{
	uint64_t link = fifo_link(ring, slot, word);
	enum group_result result;
	uint32_t looks = 0;
	int error;

	do
		result = groups_contain(&segment->groups, link);
	while (is_to_try_again(segment, result, &looks, &error));
	if (!error && result == GROUP_NONE)
		return false;
	if (error)
		return true; /* not now */
	fifo_publish(segment, link);
	fifo_became_ready(segment, ring, slot, slot_read(&segment->ring[ring].slots[slot]));
	return true;
}

void fifo_offer_again(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word word)
{
	const struct fifo_links *links = fifo_links(&segment->ring[ring].slots[slot]);

	if (!is_offered(segment, links))
		fifo_became_ready(segment, ring, slot, word);
}

/* ---- tables ----------------------------------------------------------------------------------- */

enum { WEAR_LEAST = 256 }; /* cells to be looked at before a judgement */

/* The order that fits what lives: four cells a group. */
static uint32_t order_for(uint64_t live)
{
	uint32_t order = TABLE_ORDER_FIRST;

	while (order < TABLE_ORDER_MAX && (UINT64_C(1) << order) < live * 4)
		order++;
	return order;
}

/* Does the newest table want a successor? Of this order; 0: no. */
static uint32_t successor_order(const struct segment *segment, const struct group_wear *wear)
{
	uint32_t order = segment->groups.table[segment->groups.table_count - 1].order, wanted;
	uint64_t live;

	if (wear->looked < WEAR_LEAST)
		return 0;
	live = (wear->live << order) / wear->looked;
	wanted = order_for(live);
	if (wear->sealed * 2 > wear->looked || wanted > order || order >= wanted + 4)
		return wanted;
	return 0;
}

/* Empties the older tables. True if there is more to do. */
static bool empty_older(struct segment *segment, struct fifo_care *care, uint32_t budget)
{
	enum group_result result = groups_settle(&segment->groups, &care->settled, budget);

	if (result == GROUP_FULL)
		append_larger(segment);
	else if (result == GROUP_STALE)
		fifo_refresh(segment);
	else if (care->settled == 0 && groups_oldest_is_done(&segment->groups) &&
		 tables_drop_oldest(segment, TABLE_GROUPS, segment->tables_seen))
		fifo_refresh(segment);
	return segment->groups.table_count > 1;
}

bool fifo_tend(struct segment *segment, struct fifo_care *care, uint32_t budget)
{
	uint32_t order;

	if (has_newer_tables(segment) && fifo_refresh(segment) != 0)
		return false;
	if (segment->groups.table_count > 1)
		return empty_older(segment, care, budget);
	groups_wear(&segment->groups, &care->sampled, budget, &care->wear);
	if (care->sampled != 0)
		return false;
	order = successor_order(segment, &care->wear);
	care->wear = (struct group_wear){0};
	if (order != 0 && tables_append(segment, TABLE_GROUPS, segment->tables_seen, order) == 0)
		fifo_refresh(segment);
	return order != 0;
}
