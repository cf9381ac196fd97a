/* Threads hammer a few FIFO groups: two producers, two consumers, and one who replaces the tables all the time.
 * Each group is served in order by one at a time, nothing is lost, nothing comes twice, and every token that is
 * needed is pushed: nobody sweeps here. What is known of a group is plain memory, so that ThreadSanitizer sees
 * whether one who serves it hands over to the next. Needs ring/ only. */
#include "ring/groups.h"
#include "ring/ready.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PRODUCERS = 2,
	CONSUMERS = 2,
	EACH = 60000, /* messages per producer */
	GROUPS = 24,
	SLOTS = 64, /* per producer, who has a ring of its own */
	READY_ORDER = 10,
	TABLES_ALL = 20000,
	IDLE_MAX = 50000000, /* looks without a message */
};

static struct slot slots[PRODUCERS][SLOTS];
static struct ring rings[PRODUCERS];
static struct ring_ends ends;
static atomic_u64 tokens[1 << READY_ORDER];
static const struct ready ready = {.ends = &ends, .cells = tokens, .order = READY_ORDER};

/* Lists of tables: never changed once shown, and kept to the end. */
static struct groups views[TABLES_ALL];
static atomic_u64 list, views_made, sequence, left = PRODUCERS * EACH, moves;

/* What the last one who served a group knows. */
static struct {
	uint64_t sequence;
	uint32_t next[PRODUCERS];
} served[GROUPS];

static void fail(const char *what, uint64_t number)
{
	printf("%s: %llu\n", what, (unsigned long long)number);
	exit(1);
}

static const struct groups *view_now(void)
{
	return &views[load_acquire(&list)];
}

static uint64_t group_of(uint32_t number)
{
	return (uint64_t)(number + 1) << 32 | number * 5 % 64;
}

/* ---- tables ----------------------------------------------------------------------------------- */

/* Shows a list made from `old`, if that is still the list. */
static void replace(const struct groups *old, const struct group_table *added)
{
	uint64_t number = fetch_add_seq(&views_made, 1) + 1;
	struct groups *view = &views[number];

	if (number >= TABLES_ALL)
		fail("too many tables", number);
	*view = *old;
	view->list_seen = number;
	if (added) {
		view->table[view->table_count++] = *added;
	} else {
		memmove(view->table, view->table + 1, sizeof(view->table[0]) * (view->table_count - 1));
		view->table_count--;
	}
	cas_seq(&list, old->list_seen, number);
}

static void append(const struct groups *old, uint32_t order)
{
	struct group_table table = {.order = order};

	if (old->table_count == GROUP_TABLES_MAX)
		return;
	table.cells = aligned_alloc(16, group_table_bytes(order));
	memset(table.cells, 0, group_table_bytes(order));
	replace(old, &table);
}

static void *move(void *argument)
{
	uint32_t turn = 0;

	(void)argument;
	while (load_acquire(&left) > 0) {
		const struct groups *view = view_now();
		uint64_t cursor = 0;
		enum group_result result = GROUP_OK;

		if (view->table_count == 1 && load_relaxed(&views_made) < TABLES_ALL - 1000)
			append(view, 3 + turn++ % 3);
		view = view_now();
		do
			result = groups_settle(view, &cursor, 4);
		while (result == GROUP_OK && cursor != 0);
		if (result == GROUP_DAMAGED)
			fail("damaged in settle", 0);
		if (result == GROUP_FULL)
			append(view, 6);
		if (groups_oldest_is_done(view)) {
			replace(view, NULL);
			fetch_add_seq(&moves, 1);
		}
		sched_yield();
	}
	return NULL;
}

/* The list is new, or has to become so. */
static void refresh(enum group_result result, const struct groups *old)
{
	if (result == GROUP_FULL)
		append(old, 6);
	else if (result != GROUP_STALE)
		fail("damaged", result);
	sched_yield();
}

/* ---- groups ----------------------------------------------------------------------------------- */

static struct slot *slot_of(uint64_t link)
{
	return &slots[link_ring(link)][link_slot(link)];
}

static bool find_head(uint64_t group, uint64_t *ret_head)
{
	for (;;) {
		const struct groups *view = view_now();
		enum group_result result = groups_head(view, group, ret_head);

		if (result == GROUP_OK || result == GROUP_NONE)
			return result == GROUP_OK;
		refresh(result, view);
	}
}

static void pop(uint64_t group, uint64_t head)
{
	for (;;) {
		const struct groups *view = view_now();
		enum group_result result = groups_pop(view, group, head);
		struct slot_word word;

		if (result == GROUP_NONE)
			return;
		if (result != GROUP_OK) {
			refresh(result, view);
			continue;
		}
		word = slot_read(slot_of(head));
		if (link_is_of(head, word) && slot_change(slot_of(head), word, word_freed(word)))
			fetch_add_seq(&left, UINT64_MAX);
		return;
	}
}

/* Something of this group has become READY, or HELD: pops what is gone, pushes a token for the head if it is READY.
 */
static void look_at(uint64_t group)
{
	uint64_t head;

	while (find_head(group, &head)) {
		struct slot_word word = slot_read(slot_of(head));

		if (!link_is_of(head, word))
			continue;
		if (word_state(word) == SLOT_READY && ready_push(&ready, head) == 0)
			fail("the ring of tokens is full", 0);
		if (word_state(word) != SLOT_HELD)
			return;
		pop(group, head);
	}
}

/* ---- producers -------------------------------------------------------------------------------- */

static uint64_t claim(uint32_t producer)
{
	for (uint32_t i = 0;; i++) {
		struct slot *slot = &slots[producer][i % SLOTS];
		struct slot_word word = slot_read(slot);

		if (word_state(word) == SLOT_FREE && slot_change(slot, word, word_with_state(word, SLOT_WRITING)))
			return link_pack(producer, i % SLOTS, word_generation(word));
		if (i % SLOTS == SLOTS - 1)
			sched_yield();
	}
}

static void *produce(void *argument)
{
	uint32_t producer = *(const uint32_t *)argument, sent[GROUPS] = {0};

	for (uint32_t i = 0; i < EACH; i++) {
		/* A few at a time for the same group. */
		uint32_t number = (i / 3 * 7 + producer) % GROUPS;
		uint64_t link = claim(producer), group = group_of(number);
		struct slot *slot = slot_of(link);
		struct slot_word word = slot_read(slot);
		enum group_result result;

		fifo_begin(slot, group);
		slot->message.id[0] = number;
		slot->message.id[1] = sent[number]++;
		for (;;) {
			const struct groups *view = view_now();

			result = groups_join(view, link);
			if (result == GROUP_OK || result == GROUP_FIRST)
				break;
			refresh(result, view);
		}
		if (!slot_change(slot, word, word_with_state(word, SLOT_READY)))
			fail("publish refused", i);
		look_at(group);
	}
	return NULL;
}

/* ---- consumers -------------------------------------------------------------------------------- */

/* READY -> LEASED. */
static bool lease(uint64_t link, struct slot_word *ret)
{
	struct slot_word word = slot_read(slot_of(link));

	*ret = word_with_state(word, SLOT_LEASED);
	return link_is_of(link, word) && word_state(word) == SLOT_READY && slot_change(slot_of(link), word, *ret);
}

static void serve(uint64_t link)
{
	const struct slot *slot = slot_of(link);
	uint64_t number = slot->message.id[0], given = load_acquire(&fifo_links(slot)->sequence);
	uint32_t producer = link_ring(link);

	if (number >= GROUPS || slot->message.id[1] != served[number].next[producer])
		fail("lost, twice, or not in order of its producer", number);
	if (given <= served[number].sequence)
		fail("not in order of its number", number);
	served[number].next[producer]++;
	served[number].sequence = given;
}

static void delete (uint64_t group, uint64_t link, struct slot_word leased)
{
	if (!slot_change(slot_of(link), leased, word_with_state(leased, SLOT_HELD)))
		fail("delete refused", link);
	look_at(group);
}

/* Leases the message of a token if it is the head of its group, and its follower; deletes that one first. */
static bool consume(uint64_t token)
{
	struct slot *slot = slot_of(token);
	struct slot_word word = slot_read(slot), head_word, follower_word;
	uint64_t link = link_pack(link_ring(token), link_slot(token), word_generation(word));
	uint64_t group = load_acquire(&fifo_links(slot)->group), head, follower;
	bool has_follower;

	if (word_state(word) != SLOT_READY || !find_head(group, &head) || head != link || !lease(link, &head_word))
		return false;
	serve(link);
	has_follower = groups_follower(view_now(), link, &follower) == GROUP_OK && lease(follower, &follower_word);
	if (has_follower) {
		serve(follower);
		delete (group, follower, follower_word);
	}
	delete (group, link, head_word);
	return true;
}

static void *work(void *argument)
{
	uint64_t idle = 0;

	(void)argument;
	while (load_acquire(&left) > 0) {
		uint64_t token = ready_pop(&ready, NULL);

		if (token != 0 && consume(token))
			idle = 0;
		else if (++idle == IDLE_MAX)
			fail("a token was lost; messages left", load_acquire(&left));
		else if (token == 0)
			sched_yield();
	}
	return NULL;
}

/* ----------------------------------------------------------------------------------------------- */

static void check_end(void)
{
	for (uint32_t number = 0; number < GROUPS; number++) {
		uint64_t head;

		if (find_head(group_of(number), &head))
			fail("a group has messages at the end", number);
	}
	if (ready_pop(&ready, NULL) != 0 && load_acquire(&left) != 0)
		fail("messages left", load_acquire(&left));
	if (load_acquire(&moves) == 0)
		fail("no table was replaced", 0);
}

int main(void)
{
	static void *(*const roles[])(void *) = {produce, produce, work, work, move};
	static uint32_t numbers[] = {0, 1, 2, 3, 4};
	pthread_t threads[5];

	for (uint32_t i = 0; i < PRODUCERS; i++)
		rings[i] = (struct ring){.slots = slots[i], .mask = SLOTS - 1};
	views[0] = (struct groups){.rings = rings, .listed = 3, .sequence = &sequence, .list = &list};
	append(&views[0], 3);
	for (int i = 0; i < 5; i++)
		if (pthread_create(&threads[i], NULL, roles[i], &numbers[i]) != 0)
			return 1;
	for (int i = 0; i < 5; i++)
		pthread_join(threads[i], NULL);
	check_end();
	return 0;
}
