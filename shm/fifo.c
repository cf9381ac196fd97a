#include "shm/fifo.h"

#include "ring/crashpoint.h"
#include "ringlease.h"
#include "shm/durable.h"
#include "shm/message.h"
#include "shm/rings.h"
#include "shm/room.h"
#include "shm/seen.h"

#include <errno.h>

enum {
	LOOKS_MAX = 1000,    /* at what others change meanwhile, in one call */
	SETTLED_A_JOIN = 32, /* cells of older tables */
	SETTLED_A_TIME = 4096,
};
#define TICKET_MASK ((UINT64_C(1) << 48) - 1)

/* ---- view ------------------------------------------------------------------------------------- */

static int open_groups(struct segment *segment)
{
	struct groups *groups = &segment->groups;
	uint64_t list = tables_list(segment->header, TABLE_GROUPS);
	uint32_t count = rings_count(list);
	struct table_place table;

	if (count == 0 || count > TABLES_OF_A_KIND)
		return RLQ_EDAMAGED;
	for (uint32_t i = 0; i < count; i++) {
		if (!table_open(segment, TABLE_GROUPS, list, i, &table))
			return RLQ_EDAMAGED;
		groups->table[i] =
			(struct group_table){.cells = (struct word128 *)(void *)table.memory, .order = table.order};
	}
	groups->table_count = count;
	groups->rings = segment->ring;
	groups->listed = segment->listed;
	groups->sequence = &segment->header->sequence;
	groups->list = &segment->header->tables[TABLE_GROUPS];
	groups->list_seen = list;
	return 0;
}

static int open_tokens(struct segment *segment)
{
	uint64_t list = tables_list(segment->header, TABLE_TOKENS);
	uint32_t count = rings_count(list);
	struct table_place table;

	if (count == 0 || count > TABLES_OF_A_KIND)
		return RLQ_EDAMAGED;
	for (uint32_t i = 0; i < count; i++) {
		if (!table_open(segment, TABLE_TOKENS, list, i, &table))
			return RLQ_EDAMAGED;
		segment->tokens[i] = (struct ready){.ends = &segment->header->tokens[table.nth],
						    .cells = (atomic_u64 *)(void *)table.memory,
						    .order = table.order};
		segment->token_id[i] = table.id;
	}
	segment->token_count = count;
	segment->tokens_seen = list;
	return 0;
}

int fifo_open(struct segment *segment)
{
	int error = open_groups(segment);

	if (!error)
		error = open_tokens(segment);
	return error ? error : seen_open(segment);
}

int fifo_refresh(struct segment *segment)
{
	return load_seq(&segment->header->rings) != segment->rings ? seg_refresh(segment) : fifo_open(segment);
}

static bool has_newer_tokens(const struct segment *segment)
{
	return tables_list(segment->header, TABLE_TOKENS) != segment->tokens_seen;
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

enum {
	WEAR_ENOUGH = 4096,  /* cells to be looked at before a judgement */
	ORDER_TOO_LARGE = 4, /* above the one that fits */
};

/* A number of cells of which `live` are in use at a time, as an order. */
static uint32_t order_for(uint64_t live)
{
	uint32_t order = TABLE_ORDER_FIRST;

	while (order < TABLE_ORDER_MAX && (UINT64_C(1) << order) < live * 4)
		order++;
	return order;
}

/* The same for groups. Each that begins meets another one's cell once in cells/live times, and seals it: half of
 * the table is sealed when cells * cells / (2 * live) have begun. That is to be two million at least, a second's.
 */
static uint32_t group_order_for(uint64_t live)
{
	uint32_t order = order_for(live);

	while (order < TABLE_ORDER_MAX && (UINT64_C(1) << 2 * order) < live << 22)
		order++;
	return order;
}

static uint32_t newest_order(const struct segment *segment)
{
	return segment->groups.table[segment->groups.table_count - 1].order;
}

static uint32_t order_by_wear(const struct segment *segment, const struct group_wear *wear)
{
	uint32_t order = newest_order(segment);

	return wear->looked == 0 ? order : group_order_for((wear->live << order) / wear->looked);
}

/* The newest table has no cell for a group: there are more groups, or it is worn out, perhaps by few that come and
 * go with the same cells. */
static int append_larger(struct segment *segment)
{
	struct group_wear wear = {0};
	uint64_t from = segment->groups.list_seen; /* anywhere */
	uint32_t order = newest_order(segment), wanted;
	int error;

	groups_wear(&segment->groups, &from, WEAR_ENOUGH / 4, &wear);
	wanted = order_by_wear(segment, &wear);
	if (wanted > order)
		order = wanted < order + 2 ? wanted : order + 2;
	error = tables_append(segment, TABLE_GROUPS, segment->groups.list_seen, order);
	if (error)
		return error == -ENOSPC ? RLQ_ENOSPACE : error == -EBUSY ? ROOM_GROWING : error;
	return fifo_refresh(segment);
}

/* A part of emptying the older tables. True if there is more to do at once. */
static bool empty_older(struct segment *segment, uint32_t budget)
{
	enum group_result result = groups_settle(&segment->groups, &segment->settled, budget);

	if (result == GROUP_FULL)
		return append_larger(segment) == 0;
	if (result != GROUP_OK)
		return result == GROUP_STALE && fifo_refresh(segment) == 0;
	if (segment->settled != 0)
		return true;
	return groups_oldest_is_done(&segment->groups) &&
	       tables_drop_oldest(segment, TABLE_GROUPS, segment->groups.list_seen) && fifo_refresh(segment) == 0 &&
	       segment->groups.table_count > 1;
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

int fifo_head(struct segment *segment, uint64_t group, uint64_t *ret_head)
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

/* A ticket as a message keeps it: 15 bits of the table's id, 48 of the number. */
static uint64_t ticket_pack(uint32_t table_id, uint64_t ticket)
{
	return (uint64_t)(table_id & 0x7fff) << 48 | (ticket & TICKET_MASK);
}

/* A larger table of tokens; the last region is for as many as there can be messages. */
static int append_tokens(struct segment *segment)
{
	uint32_t order = segment->tokens[segment->token_count - 1].order + 2;
	uint32_t most = segment->capacity_order < TABLE_ORDER_MAX ? segment->capacity_order : TABLE_ORDER_MAX;
	int error;

	if (order > most || segment->token_count == TABLES_OF_A_KIND - 1)
		order = most > TABLE_ORDER_FIRST ? most : TABLE_ORDER_FIRST;
	error = tables_append(segment, TABLE_TOKENS, segment->tokens_seen, order);
	return error ? error : fifo_refresh(segment);
}

/* Pushes to the newest table. 0: there is no room, and no memory for more; then the sweep comes again. */
static uint64_t push_token(struct segment *segment, uint64_t link)
{
	for (;;) {
		uint32_t newest = segment->token_count - 1;
		uint64_t ticket = ready_push(&segment->tokens[newest], link);

		CRASH_POINT(fifo_offered);
		if (has_newer_tokens(segment)) { /* nobody may look there any more */
			if (fifo_refresh(segment) != 0)
				return 0;
			continue;
		}
		if (ticket != 0)
			return ticket_pack(segment->token_id[newest], ticket);
		if (append_tokens(segment) != 0)
			return 0;
	}
}

/* A group whose turn comes. Killed before its ticket is noted: there will be a token too many. */
static void offer(struct segment *segment, struct fifo_links *links, uint64_t link)
{
	uint64_t ticket = push_token(segment, link);

	if (ticket == 0)
		return;
	store_relaxed(&links->ticket, ticket); /* relaxed: for the sweep */
	CRASH_POINT(fifo_ticket_noted);
	seg_notify(segment, 1);
}

/* Is the token that was pushed last for it still there? */
static bool is_offered(const struct segment *segment, const struct fifo_links *links)
{
	uint64_t ticket = load_relaxed(&links->ticket); /* relaxed: a hint */

	if (ticket == 0 || (ticket & TICKET_IS_ATTEMPT))
		return false;
	for (uint32_t i = 0; i < segment->token_count; i++)
		if (ticket >> 48 == (segment->token_id[i] & 0x7fff))
			return !ready_has_passed(&segment->tokens[i], ticket & TICKET_MASK);
	return false;
}

/* The same, unless it waits for its turn already. Who took its token before it was READY, or before it was the
 * head, is seen here, or sees what we have changed. */
static void offer_once(struct segment *segment, struct fifo_links *links, uint64_t link)
{
	if (!is_offered(segment, links))
		offer(segment, links, link);
}

/* ---- send ------------------------------------------------------------------------------------- */

/* What a message becomes that has joined. */
static struct slot_word published(const struct segment *segment, const struct fifo_links *links,
				  struct slot_word writing, uint64_t *ret_due_ms)
{
	uint64_t delay_ms = seg_attribute(segment, ATTRIBUTE_DELAY_MS), generation = word_generation(writing);
	uint64_t due_ms =
		load_relaxed(&links->boot_ms) + OS_CLOCK_SLACK_MS + delay_ms; /* relaxed: behind the word */

	*ret_due_ms = delay_ms > 0 ? due_ms : 0;
	if (segment->durability == RLQ_SYNC)
		return word_make(SLOT_PENDING, generation, delay_ms > 0 ? PENDING_DELAYED : PENDING_READY, 0,
				 (uint32_t)*ret_due_ms);
	if (delay_ms > 0)
		return word_make(SLOT_DELAYED, generation, OWNER_NONE, 0, (uint32_t)due_ms);
	return word_make(SLOT_READY, generation, OWNER_NONE, 0, 0);
}

/* It was decided: what it becomes. Only who does it hears true. */
static bool publish_first(struct segment *segment, const struct ring *ring, uint32_t slot, struct slot_word writing)
{
	uint64_t due_ms;
	struct slot_word to = published(segment, fifo_links(&ring->slots[slot]), writing, &due_ms);

	if (!slot_change(&ring->slots[slot], writing, to)) /* [G1] */
		return false;
	CRASH_POINT(fifo_published);
	if (due_ms != 0)
		due_lower(&ring->due, slot, due_ms);
	ring_mark(ring, slot);
	return true;
}

static bool drop_duplicate(struct segment *segment, const struct ring *ring, uint32_t slot,
			   struct slot_word writing)
{
	struct slot_word held = word_with_owner(word_held(writing, seg_turn(segment)), OWNER_NEVER);
	uint64_t group = fifo_group(&ring->slots[slot]);

	if (!slot_change(&ring->slots[slot], writing, held)) /* [G1] */
		return false;
	CRASH_POINT(fifo_dropped);
	fifo_settle(segment, group);
	return true;
}

static bool is_being_sent(uint64_t link, struct slot_word word)
{
	return link_is_of(link, word) && (word_state(word) == SLOT_WRITING || word_state(word) == SLOT_PASSED);
}

/* Decides and does what follows, whoever asks. `*ret_is_ours`: it was we who made it what it is. */
static enum dedup_result deal_with(struct segment *segment, const struct dedup_message *message,
				   struct dedup_answer *ret, bool *ret_is_ours)
{
	enum dedup_result fate = seen_decide(segment, message, ret);
	uint32_t index, at;
	const struct ring *ring = fifo_place(segment, message->link, &index, &at);
	struct slot_word word;

	*ret_is_ours = false;
	if (ring == NULL || (fate != DEDUP_FIRST && fate != DEDUP_DUPLICATE && fate != DEDUP_LATE))
		return DEDUP_DAMAGED;
	/* Before it is published, by whomever: what is not WRITING any more needs no completion when it is freed.
	 */
	if (fate == DEDUP_FIRST)
		dedup_fill(ret->entry, message);
	for (word = slot_read(&ring->slots[at]); !*ret_is_ours && is_being_sent(message->link, word);
	     word = slot_read(&ring->slots[at]))
		*ret_is_ours = fate == DEDUP_FIRST ? publish_first(segment, ring, at, word)
						   : drop_duplicate(segment, ring, at, word);
	return fate;
}

void fifo_publish(struct segment *segment, uint64_t link)
{
	uint32_t index, at;
	const struct ring *ring = fifo_place(segment, link, &index, &at);
	struct dedup_message message;
	struct dedup_answer answer;
	bool is_ours;

	/* Read after it was seen WRITING: nobody writes it any more. */
	if (ring != NULL && is_being_sent(link, slot_read(&ring->slots[at])) &&
	    dedup_read(&segment->dedup, link, &message))
		deal_with(segment, &message, &answer, &is_ours);
}

int fifo_join(struct segment *segment, uint64_t link, bool *ret_is_head)
{
	enum group_result result;
	uint32_t looks = 0;
	int error;

	/* Each that comes does a little, so that an older table is empty long before the next one is full. */
	if (__builtin_expect(segment->groups.table_count > 1, 0))
		empty_older(segment, SETTLED_A_JOIN);
	do
		result = groups_join(&segment->groups, link);
	while (is_to_try_again(segment, result, &looks, &error));
	CRASH_POINT(fifo_joined);
	*ret_is_head = result == GROUP_FIRST;
	return error;
}

bool fifo_find(struct segment *segment, const uint64_t key[2], struct fifo_sent *ret_first)
{
	struct dedup_answer answer;

	if (!seen_look(segment, key, &answer))
		return false;
	*ret_first = (struct fifo_sent){
		.is_duplicate = true,
		.id = {answer.id[0], answer.id[1]},
		.sequence = answer.sequence,
		.link = answer.link,
	};
	return true;
}

int fifo_reserve(struct segment *segment)
{
	return seen_reserve(segment);
}

void fifo_unreserve(struct segment *segment)
{
	seen_unreserve(segment);
}

/* The number that the join gave it; 0: others have dealt with it so fast that its slot is another one's. */
static uint64_t own_sequence(const struct slot *slot, uint64_t link)
{
	uint64_t sequence = load_acquire(&fifo_links(slot)->sequence);

	return link_is_of(link, slot_read(slot)) ? sequence : 0;
}

/* What its sender is told. */
static int tell(const struct dedup_message *message, enum dedup_result fate, const struct dedup_answer *answer,
		bool is_ours, struct fifo_sent *ret_sent)
{
	if (fate == DEDUP_LATE)
		return is_ours ? -EAGAIN : RLQ_EUNKNOWN;
	if (fate != DEDUP_FIRST && fate != DEDUP_DUPLICATE)
		return RLQ_EUNKNOWN;
	if (fate == DEDUP_DUPLICATE && answer->is_void) /* so neither was sent */
		return -EAGAIN;
	*ret_sent = (struct fifo_sent){.is_duplicate = fate == DEDUP_DUPLICATE,
				       .id = {answer->id[0], answer->id[1]},
				       .link = answer->link,
				       .sequence = answer->sequence ? answer->sequence : message->sequence};
	return 0;
}

int fifo_send(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word writing,
	      struct fifo_sent *ret_sent)
{
	struct slot *at = &segment->ring[ring].slots[slot];
	uint64_t link = fifo_link(ring, slot, writing);
	struct dedup_message message;
	struct dedup_answer answer;
	enum dedup_result fate;
	bool is_head, is_ours;
	int error;

	seen_stamp(segment, at, link, &message);
	error = fifo_join(segment, link, &is_head);
	if (error)
		return error;
	message.sequence = own_sequence(at, link);
	fate = deal_with(segment, &message, &answer, &is_ours);
	/* Behind another one, who makes it the head looks at it. It was the head a moment ago, and if it is READY
	 * it has hardly been taken since. */
	if (is_head && fate == DEDUP_FIRST && word_state(slot_read(at)) == SLOT_READY)
		offer(segment, fifo_links(at), link);
	return tell(&message, fate, &answer, is_ours, ret_sent);
}

/* ---- the head --------------------------------------------------------------------------------- */

bool fifo_is_head(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word word)
{
	uint64_t head;

	/* What was freed meanwhile is nobody's head. */
	return fifo_head(segment, fifo_group(&segment->ring[ring].slots[slot]), &head) == 1 &&
	       head == fifo_link(ring, slot, word);
}

void fifo_became_ready(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word word)
{
	/* [G1] READY, then the cell. */
	if (word_state(word) == SLOT_READY && fifo_is_head(segment, ring, slot, word))
		offer_once(segment, fifo_links(&segment->ring[ring].slots[slot]), fifo_link(ring, slot, word));
}

/* Takes what is HELD at the head off, and frees it. False: something is wrong. */
static bool pop(struct segment *segment, uint64_t group, uint64_t head, uint32_t ring, uint32_t slot)
{
	enum group_result result;
	uint32_t looks = 0;
	int error;

	/* Whoever takes it back may have been killed before its id was free. */
	if (segment->durability == RLQ_SYNC &&
	    word_owner(slot_read(&segment->ring[ring].slots[slot])) == OWNER_NEVER)
		seen_take_back(segment, head);
	do
		result = groups_pop(&segment->groups, group, head);
	while (is_to_try_again(segment, result, &looks, &error));
	CRASH_POINT(fifo_popped);
	if (result == GROUP_OK)
		message_free_popped(segment, ring, slot);
	return !error;
}

/* What is at the head, and what to do with it. True: look again. */
static bool head_settle(struct segment *segment, uint64_t group, uint64_t head)
{
	uint32_t index, at;
	const struct ring *ring = fifo_place(segment, head, &index, &at);
	struct slot_word word;

	if (ring == NULL)
		return false;
	word = slot_read(&ring->slots[at]); /* [G2] behind the cell */
	if (!link_is_of(head, word))
		return true; /* it has gone on meanwhile */
	switch (word_state(word)) {
	case SLOT_HELD:
		return pop(segment, group, head, index, at);
	case SLOT_WRITING:
	case SLOT_PASSED:
		fifo_publish(segment, head);
		return true;
	case SLOT_READY:
		offer_once(segment, fifo_links(&ring->slots[at]), head);
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
		if (fifo_head(segment, group, &head) != 1 || !head_settle(segment, group, head))
			return;
}

void fifo_settle_held(struct segment *segment, uint64_t group, uint32_t ring, uint32_t slot, struct slot_word held)
{
	/* Most often it is the head; if not, that is looked for as ever. */
	if (pop(segment, group, fifo_link(ring, slot, held), ring, slot))
		fifo_settle(segment, group);
}

bool fifo_take_back(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word pending)
{
	struct slot_word held = word_with_owner(word_held(pending, seg_turn(segment)), OWNER_NEVER);
	uint64_t group = fifo_group(&segment->ring[ring].slots[slot]);

	if (!slot_change(&segment->ring[ring].slots[slot], pending, held))
		return false;
	CRASH_POINT(fifo_taken_back);
	ring_mark(&segment->ring[ring], slot);
	seen_take_back(segment, fifo_link(ring, slot, held));
	fifo_settle_held(segment, group, ring, slot, held);
	return true;
}

int fifo_first_was_sent(struct segment *segment, uint64_t link, const uint64_t key[2])
{
	uint32_t index, at;
	const struct ring *ring = fifo_place(segment, link, &index, &at);
	struct slot_word word;

	if (link == 0)
		return 1;
	/* The slot before the entry: it is freed after that is void. */
	word = ring ? slot_read(&ring->slots[at]) : (struct slot_word){0};
	if (ring && link_is_of(link, word)) {
		if (word_state(word) == SLOT_PENDING || is_being_sent(link, word))
			return -EAGAIN;
		if (word_state(word) == SLOT_HELD && word_owner(word) == OWNER_NEVER)
			return 0;
	}
	return !seen_is_void(segment, link, key);
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
static uint64_t take_token(struct segment *segment, uint64_t *ret_ticket)
{
	for (uint32_t i = 0; i < segment->token_count; i++) {
		uint64_t ticket, token = ready_pop(&segment->tokens[i], &ticket);

		*ret_ticket = ticket_pack(segment->token_id[i], ticket);
		if (token != 0)
			return token;
	}
	return 0;
}

/* Was another one pushed for it since, because it had been leased without this one? Who has just pushed may not
 * have noted his ticket yet. */
static bool is_outdated(uint64_t ticket, uint64_t noted)
{
	uint64_t newer = (noted >> 48) - (ticket >> 48);

	if (noted == 0 || (noted & TICKET_IS_ATTEMPT))
		return false;
	return newer == 0 ? (noted & TICKET_MASK) > (ticket & TICKET_MASK) : (newer & 0x7fff) < 0x4000;
}

/* The link of the message in a token's slot, if it is READY and the head of its group, and this is its turn. 0: it
 * is not. */
static int head_by_token(struct segment *segment, uint64_t token, uint64_t ticket, uint64_t *ret_head)
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
	if (is_outdated(ticket, load_relaxed(&fifo_links(&ring->slots[at])->ticket))) /* relaxed: a hint */
		return 0;
	link = fifo_link(index, at, word);
	found = fifo_head(segment, fifo_group(&ring->slots[at]), &head);
	if (found < 0)
		return found;
	*ret_head = link;
	return found == 1 && head == link;
}

void fifo_takes_turn(struct segment *segment, uint64_t link)
{
	uint32_t index, at;
	const struct ring *ring = fifo_place(segment, link, &index, &at);

	if (ring != NULL)
		store_relaxed(&fifo_links(&ring->slots[at])->ticket, 0); /* relaxed: a hint */
	CRASH_POINT(fifo_ticket_noted);
}

int fifo_next(struct segment *segment, uint64_t *ret_head)
{
	for (;;) {
		uint64_t ticket, token = take_token(segment, &ticket);
		int result;

		CRASH_POINT(fifo_token_taken);
		if (token == 0 && !has_newer_tokens(segment))
			return 0;
		result = token == 0 ? fifo_refresh(segment) : head_by_token(segment, token, ticket, ret_head);
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

void fifo_unblock(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word word)
{
	if (fifo_is_head(segment, ring, slot, word))
		fifo_settle(segment, fifo_group(&segment->ring[ring].slots[slot]));
}

void fifo_offer_again(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word word)
{
	fifo_became_ready(segment, ring, slot, word);
}

/* ---- tables ----------------------------------------------------------------------------------- */

enum { CELL_SAMPLED = 16, CELL_SETTLED = 32 }; /* what they cost, in slots that are looked at */

/* Does the newest table want a successor? Of this order; 0: no. */
static uint32_t successor_order(const struct segment *segment, const struct group_wear *wear)
{
	uint32_t order = segment->groups.table[segment->groups.table_count - 1].order;
	uint32_t wanted = order_by_wear(segment, wear);

	if (wear->sealed * 2 > wear->looked || wanted > order || order >= wanted + ORDER_TOO_LARGE)
		return wanted;
	return 0;
}

/* Tables of tokens that are empty and not the newest go; one far too large gets a small successor. */
static void tend_tokens(struct segment *segment)
{
	const struct ready *newest = &segment->tokens[segment->token_count - 1];
	int64_t live = seg_live(segment);

	if (segment->token_count > 1 && !ready_any(&segment->tokens[0])) {
		tables_drop_oldest(segment, TABLE_TOKENS, segment->tokens_seen);
	} else if (newest->order >= order_for(live > 0 ? (uint64_t)live : 0) + ORDER_TOO_LARGE &&
		   !ready_any(newest)) {
		tables_append(segment, TABLE_TOKENS, segment->tokens_seen, TABLE_ORDER_FIRST);
	}
}

bool fifo_tend(struct segment *segment, struct fifo_care *care, uint32_t budget)
{
	uint32_t order;

	if (fifo_refresh(segment) != 0)
		return false;
	tend_tokens(segment);
	if (segment->groups.table_count > 1)
		return empty_older(segment, budget / CELL_SETTLED);
	groups_wear(&segment->groups, &care->sampled, budget / CELL_SAMPLED, &care->wear);
	if (care->wear.looked < UINT64_C(1) << segment->groups.table[0].order && care->wear.looked < WEAR_ENOUGH)
		return false;
	order = successor_order(segment, &care->wear);
	care->wear = (struct group_wear){0};
	if (order != 0 && tables_append(segment, TABLE_GROUPS, segment->groups.list_seen, order) == 0)
		fifo_refresh(segment);
	return order != 0;
}

void fifo_make_way(struct segment *segment)
{
	if (seg_enter(segment) != 0)
		return;
	for (uint32_t steps = 0; segment->groups.table_count > 1 && steps < RING_STEPS_MAX; steps++)
		if (!empty_older(segment, SETTLED_A_TIME))
			break;
	seg_leave(segment);
	tables_settle(segment);
}
