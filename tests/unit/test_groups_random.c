/* Random calls, by one at a time, beside a model that is obviously right: for each group an array of what is in it.
 */
#include "tests/unit/groups_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { GROUPS = 40, STEPS = 60000, MESSAGES = GROUPS_RINGS * GROUPS_SLOTS };

static uint64_t random_state;

/* The model. */
static struct {
	uint64_t links[MESSAGES];
	uint32_t count;
} model[GROUPS + 1];
static uint32_t message_count;

static struct {
	uint64_t joins, pops, appends, retires, fulls, moves;
} tally;

static uint32_t draw(uint32_t below)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % below;
}

/* In small tables many share a path; in the largest each has a cell of its own. */
static uint64_t hash_of(uint32_t number)
{
	return (uint64_t)number << 20 | number * 5 % 64;
}

static void append(void)
{
	cr_assert_lt(test.view.table_count, GROUP_TABLES_MAX, "no place for a further table");
	/* The last one that is possible must have room for all. */
	groups_test_append(test.view.table_count + 1 == GROUP_TABLES_MAX ? 6 : 3 + draw(4));
	tally.appends++;
}

/* All older tables: appends where there is no cell. */
static void settle_all(void)
{
	uint64_t cursor = 0;

	while (test.view.table_count > 1) {
		enum group_result result = groups_settle(&test.view, &cursor, 1 + draw(20));

		if (result == GROUP_FULL && test.view.table_count < GROUP_TABLES_MAX)
			append();
		else
			cr_assert_eq(result, GROUP_OK);
		if (cursor == 0 && groups_oldest_is_done(&test.view)) {
			groups_test_retire();
			tally.retires++;
		}
	}
}

static void settle_some(void)
{
	static uint64_t cursor;
	enum group_result result = groups_settle(&test.view, &cursor, 1 + draw(6));

	cr_assert(result == GROUP_OK || result == GROUP_FULL, "settle: %d", result);
	tally.moves++;
	if (groups_oldest_is_done(&test.view)) {
		groups_test_retire();
		tally.retires++;
		cursor = 0;
	}
}

static void join(uint32_t number)
{
	uint64_t link = groups_test_claim(hash_of(number));
	enum group_result result;

	if (link == 0)
		return;
	cr_assert_eq(groups_contain(&test.view, link), GROUP_NONE);
	while ((result = groups_join(&test.view, link)) == GROUP_FULL) {
		tally.fulls++;
		if (test.view.table_count == GROUP_TABLES_MAX)
			settle_all();
		append();
	}
	cr_assert_eq(result, model[number].count == 0 ? GROUP_FIRST : GROUP_OK);
	model[number].links[model[number].count++] = link;
	message_count++;
	tally.joins++;
}

static void pop(uint32_t number)
{
	uint64_t head = model[number].links[0];

	if (model[number].count == 0)
		return;
	if (model[number].count > 1)
		cr_assert_eq(groups_pop(&test.view, hash_of(number), model[number].links[1]), GROUP_NONE);
	cr_assert_eq(groups_pop(&test.view, hash_of(number), head), GROUP_OK);
	cr_assert_eq(groups_keep(&test.view, head), GROUP_NONE);
	groups_test_free_slot(head);
	memmove(model[number].links, model[number].links + 1, sizeof(head) * --model[number].count);
	message_count--;
	tally.pops++;
}

static void compare(uint32_t number)
{
	uint64_t link = 0, above = 0;
	enum group_result result = groups_head(&test.view, hash_of(number), &link);

	for (uint32_t i = 0; i < model[number].count; i++) {
		cr_assert_eq(result, GROUP_OK, "group %u ends after %u of %u", number, i, model[number].count);
		cr_assert_eq(link, model[number].links[i]);
		cr_assert_gt(groups_test_links(link)->sequence, above);
		cr_assert_eq(groups_keep(&test.view, link), GROUP_OK);
		cr_assert_eq(groups_contain(&test.view, link), GROUP_OK);
		above = groups_test_links(link)->sequence;
		result = groups_follower(&test.view, link, &link);
	}
	cr_assert_eq(result, GROUP_NONE);
}

/* Each message is between the ends of one cell only. */
static void count_cells(void)
{
	uint32_t live = 0, groups = 0;

	for (uint32_t table = 0; table < test.view.table_count; table++)
		for (uint64_t i = 0; i < UINT64_C(1) << test.view.table[table].order; i++)
			live += groups_test_cell(table, i)->low != 0;
	for (uint32_t number = 1; number <= GROUPS; number++)
		groups += model[number].count > 0;
	cr_assert_eq(live, groups);
}

static void step(void)
{
	uint32_t number = 1 + draw(GROUPS);

	switch (draw(8)) {
	case 0:
	case 1:
	case 2:
		join(number);
		break;
	case 3:
	case 4:
	case 5:
		for (uint32_t i = draw(3) == 0 ? model[number].count : 1; i > 0; i--)
			pop(number);
		break;
	case 6:
		compare(number);
		break;
	default:
		if (draw(20) == 0 && test.view.table_count < GROUP_TABLES_MAX)
			append();
		settle_some();
	}
}

static void play(uint64_t seed)
{
	random_state = seed;
	groups_test_make();
	groups_test_append(3);
	for (uint32_t i = 0; i < STEPS; i++) {
		step();
		if (i % 64 == 0)
			count_cells();
	}
	for (uint32_t number = 1; number <= GROUPS; number++) {
		compare(number);
		while (model[number].count > 0)
			pop(number);
	}
	count_cells();
	settle_all();
	cr_assert_eq(message_count, 0);
	groups_test_free();
}

Test(groups_random, shouldDoAsAnArrayForEachGroup, .timeout = 60)
{
	const char *seed = getenv("TEST_SEED");

	for (uint64_t i = 1; i <= 8; i++)
		play(i * (seed ? strtoull(seed, NULL, 0) : 1));
	cr_assert(tally.joins > 10000 && tally.pops > 10000 && tally.retires > 100 && tally.fulls > 100,
		  "joins %lu pops %lu retires %lu fulls %lu: the draw is too tame", tally.joins, tally.pops,
		  tally.retires, tally.fulls);
}
