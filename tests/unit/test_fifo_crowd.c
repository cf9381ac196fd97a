/* More groups than a window has cells begin at one place, among thousands, and stay. */
#include "shm/fifo.h"
#include "shm/ids.h"
#include "tests/support/queue_fixture.h"
#include "tests/unit/fifo_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { OTHERS = 10000, CROWD = GROUP_WINDOW + 1, LATER = 1000 };

TestSuite(fifo_crowd, .init = fifo_test_begin, .fini = fifo_test_end, .timeout = 60);

static uint32_t order_of_table(void)
{
	return queue->seg->groups.table[queue->seg->groups.table_count - 1].order;
}

static bool is_of_crowd(const char *group, uint32_t order)
{
	uint64_t hash = id_group_hash(queue->seg->incarnation, group, strlen(group));

	return (hash & ((UINT64_C(1) << order) - 1)) == 0;
}

static void send_crowd(void)
{
	uint32_t order = order_of_table();
	char group[16];

	for (int found = 0, i = 0; found < CROWD; i++) {
		snprintf(group, sizeof(group), "c%d", i);
		if (!is_of_crowd(group, order))
			continue;
		cr_assert_eq(fifo_test_send(group, group), 0);
		found++;
	}
}

static uint64_t list_of_tables(void)
{
	return tables_list(queue->seg->header, TABLE_GROUPS);
}

/* A table of the same size has no room for them either: it was replaced again and again. */
Test(fifo_crowd, shouldHaveALargerTableWhereACrowdStays)
{
	char group[16];
	uint64_t list;
	uint32_t order;

	fifo_test_make();
	for (int i = 0; i < OTHERS; i++) {
		snprintf(group, sizeof(group), "o%d", i);
		cr_assert_eq(fifo_test_send(group, group), 0);
	}
	for (int i = 0; i < 10; i++)
		sweep_now(queue);
	order = order_of_table();
	send_crowd();
	for (int i = 0; i < 10; i++)
		sweep_now(queue);
	list = list_of_tables();
	for (int i = 0; i < LATER; i++) {
		snprintf(group, sizeof(group), "%d", i);
		cr_assert_eq(fifo_test_send("o1", group), 0);
	}
	sweep_now(queue);
	cr_expect_eq(list_of_tables(), list);
	cr_expect_eq(queue->seg->groups.table_count, 1);
	cr_expect_eq(order_of_table(), order + 1);
}
