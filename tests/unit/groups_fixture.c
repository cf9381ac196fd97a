#include "tests/unit/groups_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

struct groups_test test;

void groups_test_make(void)
{
	memset(&test, 0, sizeof(test));
	for (int i = 0; i < GROUPS_RINGS; i++)
		test.rings[i] = (struct ring){.slots = test.slots[i], .order = 6, .mask = GROUPS_SLOTS - 1};
	test.view = (struct groups){.rings = test.rings,
				    .listed = (1 << GROUPS_RINGS) - 1,
				    .sequence = &test.sequence,
				    .list = &test.list};
}

void groups_test_free(void)
{
	while (test.view.table_count > 0)
		groups_test_retire();
}

void groups_test_begin(void)
{
	groups_test_make();
	groups_test_append(4);
}

void groups_test_append(uint32_t order)
{
	struct group_table *table = &test.view.table[test.view.table_count++];

	table->order = order;
	table->cells = aligned_alloc(16, group_table_bytes(order));
	memset(table->cells, 0, group_table_bytes(order));
	test.view.list_seen = ++test.list;
}

void groups_test_retire(void)
{
	free(test.view.table[0].cells);
	memmove(test.view.table, test.view.table + 1, sizeof(test.view.table[0]) * --test.view.table_count);
	test.view.list_seen = ++test.list;
}

struct slot *groups_test_slot(uint64_t link)
{
	return &test.slots[link_ring(link)][link_slot(link)];
}

struct fifo_links *groups_test_links(uint64_t link)
{
	return fifo_links(groups_test_slot(link));
}

struct word128 *groups_test_cell(uint32_t table, uint64_t index)
{
	return &test.view.table[table].cells[index];
}

uint64_t groups_test_claim(uint64_t group)
{
	for (uint32_t i = 0; i < GROUPS_RINGS * GROUPS_SLOTS; i++) {
		struct slot *slot = &test.slots[i % GROUPS_RINGS][i / GROUPS_RINGS];
		struct slot_word word = slot_read(slot);

		if (word_state(word) != SLOT_FREE)
			continue;
		slot->word.low = word_with_state(word, SLOT_WRITING).bits.low;
		fifo_begin(slot, group);
		return link_pack(i % GROUPS_RINGS, i / GROUPS_RINGS, word_generation(word));
	}
	return 0;
}

uint64_t groups_test_send(uint64_t group)
{
	uint64_t link = groups_test_claim(group);
	enum group_result result;

	cr_assert_neq(link, 0, "no slot is free");
	result = groups_join(&test.view, link);
	cr_assert(result == GROUP_OK || result == GROUP_FIRST, "join: %d", result);
	return link;
}

void groups_test_free_slot(uint64_t link)
{
	struct slot *slot = groups_test_slot(link);
	struct slot_word word = slot_read(slot);

	cr_assert(link_is_of(link, word), "freed twice");
	slot->word.low = word_freed(word).bits.low;
}

uint64_t groups_test_consume(uint64_t group)
{
	uint64_t head;
	enum group_result result = groups_head(&test.view, group, &head);

	if (result == GROUP_NONE)
		return 0;
	cr_assert_eq(result, GROUP_OK);
	cr_assert_eq(groups_pop(&test.view, group, head), GROUP_OK);
	groups_test_free_slot(head);
	return head;
}

uint64_t groups_test_head(uint64_t group)
{
	uint64_t head = 0;

	groups_head(&test.view, group, &head);
	return head;
}

uint64_t groups_test_leave_tail_behind(uint64_t group)
{
	uint64_t tail = groups_test_send(group), next = groups_test_send(group);

	groups_test_cell(0, group)->high = tail;
	return next;
}

uint64_t groups_test_leave_closed(uint64_t group)
{
	uint64_t last = groups_test_send(group);

	groups_test_links(last)->next = link_closed(last);
	return last;
}
