#include "tests/unit/groups_fixture.h"

#include <criterion/criterion.h>

TestSuite(groups_tables, .init = groups_test_begin, .fini = groups_test_free);

static bool is_sealed(uint32_t table, uint64_t index)
{
	return groups_test_cell(table, index)->high & GROUP_SEALED;
}

/* All of the older tables, or until something stands in the way. */
static enum group_result settle(void)
{
	uint64_t cursor = 0;
	enum group_result result;

	do
		result = groups_settle(&test.view, &cursor, 3);
	while (result == GROUP_OK && cursor != 0);
	return result;
}

/* ---- paths and seals ---------------------------------------------------------------------------- */

/* Its cells are all different, and each of them is found. */
static void expect_path(uint32_t order, uint64_t group)
{
	uint32_t count = group_path_cells(order);

	for (uint32_t nth = 0; nth < count; nth++) {
		uint64_t cell = group_path_cell(order, group, nth);

		cr_assert_lt(cell, UINT64_C(1) << order);
		cr_assert_eq(group_path_find(order, group, cell), nth, "order %u, group %llx, cell %u", order,
			     (unsigned long long)group, nth);
	}
}

Test(groups_tables, shouldHaveAPathOfDifferentCells)
{
	uint64_t group = 1;

	for (uint32_t order = 1; order <= GROUP_ORDER_MAX; order++)
		for (int i = 0; i < 1000; i++) {
			group = group * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
			expect_path(order, group ^ group >> 32);
		}
}

Test(groups_tables, shouldPartTwoThatBeginAtOneCellOfALargeTable)
{
	uint64_t one = UINT64_C(0x123456789abcdef0), other = one ^ UINT64_C(0x0040004000400000);

	cr_assert_eq(group_path_cell(16, one, 0), group_path_cell(16, other, 0));
	for (uint32_t nth = GROUP_WINDOW; nth < group_path_cells(16); nth += GROUP_WINDOW)
		cr_expect_eq(group_path_find(16, other, group_path_cell(16, one, nth)), group_path_cells(16),
			     "cell %u", nth);
}

Test(groups_tables, shouldSealACellThatAnotherGroupHas)
{
	uint64_t mine, other = GROUP + 16; /* the same cell of sixteen */

	groups_test_send(GROUP);
	cr_assert_not(is_sealed(0, GROUP));
	mine = groups_test_send(other);
	cr_assert(is_sealed(0, GROUP));
	cr_assert_eq(groups_test_cell(0, GROUP + 1)->low, mine);
	cr_assert_eq(groups_test_head(other), mine);
}

Test(groups_tables, shouldKeepASealWhenItsGroupJoinsPopsAndEnds)
{
	groups_test_send(GROUP);
	groups_test_send(GROUP + 16);
	groups_test_send(GROUP);
	cr_assert(is_sealed(0, GROUP));
	groups_test_consume(GROUP);
	cr_assert(is_sealed(0, GROUP));
	groups_test_consume(GROUP);
	cr_assert(is_sealed(0, GROUP));
	cr_assert_eq(groups_test_cell(0, GROUP)->low, 0);
}

Test(groups_tables, shouldNotBeginInASealedCellAgain)
{
	uint64_t again;

	groups_test_send(GROUP);
	groups_test_send(GROUP + 16);
	groups_test_consume(GROUP);
	again = groups_test_send(GROUP);
	cr_assert_eq(groups_test_cell(0, GROUP)->low, 0);
	cr_assert(is_sealed(0, GROUP + 1), "the other group is there");
	cr_assert_eq(groups_test_cell(0, GROUP + 2)->low, again);
}

Test(groups_tables, shouldSealNothingWhenItOnlyLooks)
{
	uint64_t first = groups_test_send(GROUP);

	cr_assert_eq(groups_test_head(GROUP + 16), 0);
	cr_assert_eq(groups_pop(&test.view, GROUP + 16, first), GROUP_NONE);
	cr_assert_not(is_sealed(0, GROUP));
}

Test(groups_tables, shouldWrapItsWindowAtTheEndOfATable)
{
	uint64_t second;

	groups_test_send(15);
	second = groups_test_send(31);
	cr_assert_eq(groups_test_cell(0, 0)->low, second);
	cr_assert_eq(groups_test_head(31), second);
}

Test(groups_tables, shouldSayFullWhenNoCellOfTheWindowIsFree)
{
	uint64_t link;

	for (uint64_t i = 0; i < GROUP_WINDOW; i++)
		groups_test_send(GROUP + 16 * i);
	link = groups_test_claim(GROUP + 16 * GROUP_WINDOW);
	cr_assert_eq(groups_join(&test.view, link), GROUP_FULL);
	groups_test_append(4);
	cr_assert_eq(groups_join(&test.view, link), GROUP_FIRST);
	cr_assert_eq(groups_test_cell(1, GROUP)->low, link);
}

Test(groups_tables, shouldServeTablesSmallerThanAWindow)
{
	groups_test_retire();
	groups_test_append(1);
	groups_test_send(1);
	groups_test_send(2);
	cr_assert_eq(groups_join(&test.view, groups_test_claim(3)), GROUP_FULL);
	cr_assert_neq(groups_test_head(1), 0);
	cr_assert_neq(groups_test_head(2), 0);
}

Test(groups_tables, shouldBeginOnlyInTheNewestTable)
{
	uint64_t link;

	groups_test_append(4);
	link = groups_test_send(GROUP);
	cr_assert(is_sealed(0, GROUP));
	cr_assert_eq(groups_test_cell(1, GROUP)->low, link);
	cr_assert_eq(groups_test_head(GROUP), link);
}

Test(groups_tables, shouldJoinAGroupWhereItIsThoughANewerTableIsThere)
{
	uint64_t first = groups_test_send(GROUP);

	groups_test_append(4);
	groups_test_send(GROUP);
	cr_assert_eq(groups_test_head(GROUP), first);
	cr_assert_eq(groups_test_cell(1, GROUP)->low, 0);
}

/* ---- a view that is old ------------------------------------------------------------------------- */

Test(groups_tables, shouldSayStaleToAViewThatLacksTheNewestTable)
{
	struct groups old = test.view;
	uint64_t link, head;

	groups_test_append(4);
	cr_assert_eq(settle(), GROUP_OK);
	link = groups_test_send(GROUP);
	cr_assert_eq(groups_head(&old, GROUP, &head), GROUP_STALE);
	cr_assert_eq(groups_pop(&old, GROUP, link), GROUP_STALE);
	cr_assert_eq(groups_join(&old, groups_test_claim(GROUP)), GROUP_STALE);
}

Test(groups_tables, shouldMoveWhatAnOldViewHasBegunInAnOldTable)
{
	struct groups old = test.view;
	uint64_t first = groups_test_claim(GROUP), second;

	groups_test_append(4);
	cr_assert_eq(groups_join(&old, first), GROUP_FIRST);
	second = groups_test_send(GROUP);
	cr_assert_eq(settle(), GROUP_OK);
	cr_assert(groups_oldest_is_done(&test.view));
	cr_assert_eq(groups_test_consume(GROUP), first);
	cr_assert_eq(groups_test_consume(GROUP), second);
}

Test(groups_tables, shouldSayStaleOfARingThatIsNotListed)
{
	struct groups old = test.view;
	uint64_t head;

	groups_test_send(GROUP);
	old.listed = 2;
	cr_assert_eq(groups_head(&old, GROUP, &head), GROUP_STALE);
}

Test(groups_tables, shouldWalkOverATableThatIsRetired)
{
	struct groups old;
	uint64_t link, head = 0;

	groups_test_append(4);
	cr_assert_eq(settle(), GROUP_OK);
	link = groups_test_send(GROUP);
	old = test.view;
	test.list++;
	cr_assert_eq(groups_head(&old, GROUP, &head), GROUP_OK);
	cr_assert_eq(head, link);
}

/* ---- tables that go ----------------------------------------------------------------------------- */

Test(groups_tables, shouldMoveChainsAndKeepTheirOrder)
{
	uint64_t sent[3];

	for (int i = 0; i < 3; i++)
		sent[i] = groups_test_send(GROUP);
	groups_test_append(3);
	cr_assert_not(groups_oldest_is_done(&test.view));
	cr_assert_eq(settle(), GROUP_OK);
	cr_assert(groups_oldest_is_done(&test.view));
	groups_test_retire();
	for (int i = 0; i < 3; i++)
		cr_assert_eq(groups_test_consume(GROUP), sent[i]);
}

Test(groups_tables, shouldNotFreezeAGroupThatHasNoCellToGoTo)
{
	uint64_t first = groups_test_send(GROUP);

	groups_test_append(0);
	groups_test_send(3);
	cr_assert_eq(settle(), GROUP_FULL);
	cr_assert_eq(groups_test_cell(0, GROUP)->low, first, "not frozen");
	groups_test_append(4);
	cr_assert_eq(settle(), GROUP_OK);
	cr_assert_eq(groups_test_consume(GROUP), first);
}

/* Killed after the freeze, or after the move into the new cell. */
static void leave_frozen(bool is_moved)
{
	struct word128 *cell = groups_test_cell(0, GROUP);

	groups_test_append(4);
	if (is_moved) {
		groups_test_cell(1, GROUP)->low = cell->low;
		groups_test_cell(1, GROUP)->high = cell->high;
	}
	cell->low |= GROUP_FROZEN;
	cell->high |= GROUP_SEALED;
}

Test(groups_tables, shouldLookAtAFrozenGroupWithoutMovingIt)
{
	uint64_t first = groups_test_send(GROUP);

	leave_frozen(false);
	cr_assert_eq(groups_test_head(GROUP), first);
	cr_assert_eq(groups_keep(&test.view, first), GROUP_OK);
	cr_assert_neq(groups_test_cell(0, GROUP)->low, 0);
}

Test(groups_tables, shouldMoveAFrozenGroupBeforeAPop)
{
	for (int moved = 0; moved < 2; moved++) {
		uint64_t first = groups_test_send(GROUP), second = groups_test_send(GROUP);

		leave_frozen(moved);
		cr_assert_eq(groups_pop(&test.view, GROUP, first), GROUP_OK);
		cr_assert_eq(groups_test_cell(0, GROUP)->low, 0);
		cr_assert_eq(groups_test_cell(1, GROUP)->low, second);
		groups_test_free();
		groups_test_begin();
	}
}

Test(groups_tables, shouldMoveAFrozenGroupBeforeAJoin)
{
	for (int moved = 0; moved < 2; moved++) {
		uint64_t first = groups_test_send(GROUP), second;

		leave_frozen(moved);
		second = groups_test_send(GROUP);
		cr_assert_eq(groups_test_cell(0, GROUP)->low, 0);
		cr_assert_eq(groups_test_consume(GROUP), first);
		cr_assert_eq(groups_test_consume(GROUP), second);
		groups_test_free();
		groups_test_begin();
	}
}

/* A join may come through by the tail's link while the cell is frozen. */
Test(groups_tables, shouldMoveAChainWhoseTailLags)
{
	uint64_t second = groups_test_leave_tail_behind(GROUP), third;

	groups_test_append(4);
	cr_assert_eq(settle(), GROUP_OK);
	third = groups_test_send(GROUP);
	groups_test_consume(GROUP);
	cr_assert_eq(groups_test_consume(GROUP), second);
	cr_assert_eq(groups_test_consume(GROUP), third);
}

Test(groups_tables, shouldMoveAChainThatIsClosed)
{
	uint64_t closed = groups_test_leave_closed(GROUP);

	groups_test_append(4);
	cr_assert_eq(settle(), GROUP_OK);
	cr_assert_eq(groups_pop(&test.view, GROUP, closed), GROUP_OK);
	cr_assert_eq(groups_test_cell(1, GROUP)->low, 0);
}

Test(groups_tables, shouldSayHowWornTheNewestTableIs)
{
	struct group_wear wear = {0};
	uint64_t cursor = 0;

	groups_test_send(GROUP);
	groups_test_send(GROUP + 16);
	groups_wear(&test.view, &cursor, 10, &wear);
	groups_wear(&test.view, &cursor, 6, &wear);
	cr_assert_eq(wear.looked, 16);
	cr_assert_eq(wear.live, 2);
	cr_assert_eq(wear.sealed, 1);
	groups_wear(&test.view, &cursor, 6, &wear);
	cr_assert_eq(wear.live, 3, "begins again");
}

Test(groups_tables, shouldSayDamagedOfAGroupThatIsNotOnItsPath)
{
	uint64_t first = groups_test_send(GROUP);

	groups_test_append(4);
	groups_test_links(first)->group = GROUP + 1;
	cr_assert_eq(settle(), GROUP_DAMAGED);
}
