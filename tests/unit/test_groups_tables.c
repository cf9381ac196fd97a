#include "tests/unit/groups_fixture.h"

#include <criterion/criterion.h>

static struct groups_test test;

static void make(void)
{
	groups_test_make(&test);
	groups_test_append(&test, 4);
}

static void done(void)
{
	groups_test_free(&test);
}

TestSuite(groups_tables, .init = make, .fini = done);

enum { GROUP = 5 };

static uint64_t head_of(uint64_t group)
{
	uint64_t head = 0;

	groups_head(&test.view, group, &head);
	return head;
}

static bool is_sealed(uint32_t table, uint64_t index)
{
	return groups_test_cell(&test, table, index)->high & GROUP_SEALED;
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

Test(groups_tables, shouldSealACellThatAnotherGroupHas)
{
	uint64_t mine, other = GROUP + 16; /* the same cell of sixteen */

	groups_test_send(&test, GROUP);
	cr_assert_not(is_sealed(0, GROUP));
	mine = groups_test_send(&test, other);
	cr_assert(is_sealed(0, GROUP));
	cr_assert_eq(groups_test_cell(&test, 0, GROUP + 1)->low, mine);
	cr_assert_eq(head_of(other), mine);
}

Test(groups_tables, shouldKeepASealWhenItsGroupJoinsPopsAndEnds)
{
	groups_test_send(&test, GROUP);
	groups_test_send(&test, GROUP + 16);
	groups_test_send(&test, GROUP);
	cr_assert(is_sealed(0, GROUP));
	groups_test_consume(&test, GROUP);
	cr_assert(is_sealed(0, GROUP));
	groups_test_consume(&test, GROUP);
	cr_assert(is_sealed(0, GROUP));
	cr_assert_eq(groups_test_cell(&test, 0, GROUP)->low, 0);
}

Test(groups_tables, shouldNotBeginInASealedCellAgain)
{
	uint64_t again;

	groups_test_send(&test, GROUP);
	groups_test_send(&test, GROUP + 16);
	groups_test_consume(&test, GROUP);
	again = groups_test_send(&test, GROUP);
	cr_assert_eq(groups_test_cell(&test, 0, GROUP)->low, 0);
	cr_assert(is_sealed(0, GROUP + 1), "the other group is there");
	cr_assert_eq(groups_test_cell(&test, 0, GROUP + 2)->low, again);
}

Test(groups_tables, shouldSealNothingWhenItOnlyLooks)
{
	uint64_t first = groups_test_send(&test, GROUP);

	cr_assert_eq(head_of(GROUP + 16), 0);
	cr_assert_eq(groups_pop(&test.view, GROUP + 16, first), GROUP_NONE);
	cr_assert_not(is_sealed(0, GROUP));
}

Test(groups_tables, shouldWrapItsWindowAtTheEndOfATable)
{
	uint64_t second;

	groups_test_send(&test, 15);
	second = groups_test_send(&test, 31);
	cr_assert_eq(groups_test_cell(&test, 0, 0)->low, second);
	cr_assert_eq(head_of(31), second);
}

Test(groups_tables, shouldSayFullWhenNoCellOfTheWindowIsFree)
{
	uint64_t link;

	for (uint64_t i = 0; i < GROUP_WINDOW; i++)
		groups_test_send(&test, GROUP + 16 * i);
	link = groups_test_claim(&test, GROUP + 16 * GROUP_WINDOW);
	cr_assert_eq(groups_join(&test.view, link), GROUP_FULL);
	groups_test_append(&test, 4);
	cr_assert_eq(groups_join(&test.view, link), GROUP_FIRST);
	cr_assert_eq(groups_test_cell(&test, 1, GROUP)->low, link);
}

Test(groups_tables, shouldServeTablesSmallerThanAWindow)
{
	groups_test_retire(&test);
	groups_test_append(&test, 1);
	groups_test_send(&test, 1);
	groups_test_send(&test, 2);
	cr_assert_eq(groups_join(&test.view, groups_test_claim(&test, 3)), GROUP_FULL);
	cr_assert_neq(head_of(1), 0);
	cr_assert_neq(head_of(2), 0);
}

Test(groups_tables, shouldBeginOnlyInTheNewestTable)
{
	uint64_t link;

	groups_test_append(&test, 4);
	link = groups_test_send(&test, GROUP);
	cr_assert(is_sealed(0, GROUP));
	cr_assert_eq(groups_test_cell(&test, 1, GROUP)->low, link);
	cr_assert_eq(head_of(GROUP), link);
}

Test(groups_tables, shouldJoinAGroupWhereItIsThoughANewerTableIsThere)
{
	uint64_t first = groups_test_send(&test, GROUP);

	groups_test_append(&test, 4);
	groups_test_send(&test, GROUP);
	cr_assert_eq(head_of(GROUP), first);
	cr_assert_eq(groups_test_cell(&test, 1, GROUP)->low, 0);
}

/* ---- a view that is old ------------------------------------------------------------------------- */

Test(groups_tables, shouldSayStaleToAViewThatLacksTheNewestTable)
{
	struct groups old = test.view;
	uint64_t link, head;

	groups_test_append(&test, 4);
	cr_assert_eq(settle(), GROUP_OK);
	link = groups_test_send(&test, GROUP);
	cr_assert_eq(groups_head(&old, GROUP, &head), GROUP_STALE);
	cr_assert_eq(groups_pop(&old, GROUP, link), GROUP_STALE);
	cr_assert_eq(groups_join(&old, groups_test_claim(&test, GROUP)), GROUP_STALE);
}

Test(groups_tables, shouldMoveWhatAnOldViewHasBegunInAnOldTable)
{
	struct groups old = test.view;
	uint64_t first = groups_test_claim(&test, GROUP), second;

	groups_test_append(&test, 4);
	cr_assert_eq(groups_join(&old, first), GROUP_FIRST);
	second = groups_test_send(&test, GROUP);
	cr_assert_eq(settle(), GROUP_OK);
	cr_assert(groups_oldest_is_done(&test.view));
	cr_assert_eq(groups_test_consume(&test, GROUP), first);
	cr_assert_eq(groups_test_consume(&test, GROUP), second);
}

Test(groups_tables, shouldSayStaleOfARingThatIsNotListed)
{
	struct groups old = test.view;
	uint64_t head;

	groups_test_send(&test, GROUP);
	old.listed = 2;
	cr_assert_eq(groups_head(&old, GROUP, &head), GROUP_STALE);
}

Test(groups_tables, shouldWalkOverATableThatIsRetired)
{
	struct groups old;
	uint64_t link, head = 0;

	groups_test_append(&test, 4);
	cr_assert_eq(settle(), GROUP_OK);
	link = groups_test_send(&test, GROUP);
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
		sent[i] = groups_test_send(&test, GROUP);
	groups_test_append(&test, 3);
	cr_assert_not(groups_oldest_is_done(&test.view));
	cr_assert_eq(settle(), GROUP_OK);
	cr_assert(groups_oldest_is_done(&test.view));
	groups_test_retire(&test);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(groups_test_consume(&test, GROUP), sent[i]);
}

Test(groups_tables, shouldNotFreezeAGroupThatHasNoCellToGoTo)
{
	uint64_t first = groups_test_send(&test, GROUP);

	groups_test_append(&test, 0);
	groups_test_send(&test, 3);
	cr_assert_eq(settle(), GROUP_FULL);
	cr_assert_eq(groups_test_cell(&test, 0, GROUP)->low, first, "not frozen");
	groups_test_append(&test, 4);
	cr_assert_eq(settle(), GROUP_OK);
	cr_assert_eq(groups_test_consume(&test, GROUP), first);
}

/* Killed after the freeze, or after the move into the new cell. */
static void leave_frozen(bool is_moved)
{
	struct word128 *cell = groups_test_cell(&test, 0, GROUP);

	groups_test_append(&test, 4);
	if (is_moved) {
		groups_test_cell(&test, 1, GROUP)->low = cell->low;
		groups_test_cell(&test, 1, GROUP)->high = cell->high;
	}
	cell->low |= GROUP_FROZEN;
	cell->high |= GROUP_SEALED;
}

Test(groups_tables, shouldLookAtAFrozenGroupWithoutMovingIt)
{
	uint64_t first = groups_test_send(&test, GROUP);

	leave_frozen(false);
	cr_assert_eq(head_of(GROUP), first);
	cr_assert_eq(groups_keep(&test.view, first), GROUP_OK);
	cr_assert_neq(groups_test_cell(&test, 0, GROUP)->low, 0);
}

Test(groups_tables, shouldMoveAFrozenGroupBeforeAPop)
{
	for (int moved = 0; moved < 2; moved++) {
		uint64_t first = groups_test_send(&test, GROUP), second = groups_test_send(&test, GROUP);

		leave_frozen(moved);
		cr_assert_eq(groups_pop(&test.view, GROUP, first), GROUP_OK);
		cr_assert_eq(groups_test_cell(&test, 0, GROUP)->low, 0);
		cr_assert_eq(groups_test_cell(&test, 1, GROUP)->low, second);
		groups_test_free(&test);
		make();
	}
}

Test(groups_tables, shouldMoveAFrozenGroupBeforeAJoin)
{
	for (int moved = 0; moved < 2; moved++) {
		uint64_t first = groups_test_send(&test, GROUP), second;

		leave_frozen(moved);
		second = groups_test_send(&test, GROUP);
		cr_assert_eq(groups_test_cell(&test, 0, GROUP)->low, 0);
		cr_assert_eq(groups_test_consume(&test, GROUP), first);
		cr_assert_eq(groups_test_consume(&test, GROUP), second);
		groups_test_free(&test);
		make();
	}
}

/* A join may come through by the tail's link while the cell is frozen. */
Test(groups_tables, shouldMoveAChainWhoseTailLags)
{
	uint64_t second = groups_test_leave_tail_behind(&test, GROUP), third;

	groups_test_append(&test, 4);
	cr_assert_eq(settle(), GROUP_OK);
	third = groups_test_send(&test, GROUP);
	groups_test_consume(&test, GROUP);
	cr_assert_eq(groups_test_consume(&test, GROUP), second);
	cr_assert_eq(groups_test_consume(&test, GROUP), third);
}

Test(groups_tables, shouldMoveAChainThatIsClosed)
{
	uint64_t closed = groups_test_leave_closed(&test, GROUP);

	groups_test_append(&test, 4);
	cr_assert_eq(settle(), GROUP_OK);
	cr_assert_eq(groups_pop(&test.view, GROUP, closed), GROUP_OK);
	cr_assert_eq(groups_test_cell(&test, 1, GROUP)->low, 0);
}

Test(groups_tables, shouldSayHowWornTheNewestTableIs)
{
	struct group_wear wear = {0};
	uint64_t cursor = 0;

	groups_test_send(&test, GROUP);
	groups_test_send(&test, GROUP + 16);
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
	uint64_t first = groups_test_send(&test, GROUP);

	groups_test_append(&test, 4);
	groups_test_links(&test, first)->group = GROUP + 1;
	cr_assert_eq(settle(), GROUP_DAMAGED);
}
