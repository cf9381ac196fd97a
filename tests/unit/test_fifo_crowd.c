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

static void find_crowd(int count, char (*ret_groups)[16])
{
	uint32_t order = order_of_table();

	for (int found = 0, i = 0; found < count; i++) {
		snprintf(ret_groups[found], sizeof(ret_groups[found]), "c%d", i);
		found += is_of_crowd(ret_groups[found], order);
	}
}

static void send_crowd(void)
{
	char groups[CROWD][16];

	find_crowd(CROWD, groups);
	for (int i = 0; i < CROWD; i++)
		cr_assert_eq(fifo_test_send(groups[i], groups[i]), 0);
}

static uint64_t list_of_tables(void)
{
	return tables_list(queue->seg->header, TABLE_GROUPS);
}

static void send_others(void)
{
	char group[16];

	fifo_test_make();
	for (int i = 0; i < OTHERS; i++) {
		snprintf(group, sizeof(group), "o%d", i);
		cr_assert_eq(fifo_test_send(group, group), 0);
	}
	for (int i = 0; i < 10; i++)
		sweep_now(queue);
	cr_assert_geq(order_of_table(), SPREAD_ORDER);
}

/* Of the one that was free first. */
static void take_one(void)
{
	struct rlq_message message;

	cr_assert_eq(receive_now(queue, &message, 1), 1);
	cr_assert_eq(rlq_delete(queue, &message.receipt), 0);
}

static void receive_all(void)
{
	struct rlq_message message;

	while (receive_now(queue, &message, 1) == 1)
		;
}

/* They are elsewhere from the ninth on: otherwise the table was replaced again and again. */
Test(fifo_crowd, shouldKeepItsTableWhereACrowdStays)
{
	uint64_t list;

	send_others();
	list = list_of_tables();
	send_crowd();
	for (int i = 0; i < 10; i++)
		sweep_now(queue);
	cr_expect_eq(list_of_tables(), list);
}

/* Each seals what the other has left, but only until their windows are not the same. */
Test(fifo_crowd, shouldKeepItsTableWhereTwoComeAndGoByTurns)
{
	char pair[2][16], id[16];
	uint64_t list;

	send_others();
	receive_all();
	list = list_of_tables();
	find_crowd(2, pair);
	for (int i = 0; i < LATER; i++) {
		snprintf(id, sizeof(id), "%d", i);
		cr_assert_eq(fifo_test_send(pair[i % 2], id), 0);
		if (i > 0)
			take_one();
	}
	sweep_now(queue);
	cr_expect_eq(list_of_tables(), list);
}
