#include "ring/due.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { SLOTS = 1 << 16, GROUP = 64 };

static struct due due;

static void make(void)
{
	due_place(&due, calloc(1, due_bytes(SLOTS)), SLOTS);
}

TestSuite(due, .init = make);

Test(due, shouldSayNeverWhenItsMemoryIsZero)
{
	cr_assert_eq(due_earliest(&due), DUE_NEVER);
	cr_assert_eq(due_take(&due, 0, UINT64_MAX - 1), -1);
}

Test(due, shouldKnowTheEarliestOfAll)
{
	due_lower(&due, 5000, 300);
	due_lower(&due, 5001, 200);
	due_lower(&due, 60000, 250);
	cr_assert_eq(due_earliest(&due), 200);
}

Test(due, shouldNotBeRaisedByALaterDeadline)
{
	due_lower(&due, 10, 100);
	due_lower(&due, 11, 500);
	cr_assert_eq(due_earliest(&due), 100);
}

Test(due, shouldTakeEachGroupThatIsDueOnceAndInOrder)
{
	int64_t group;

	due_lower(&due, 0, 100);
	due_lower(&due, 4096, 90);
	due_lower(&due, 65535, 100);
	due_lower(&due, 30000, 101);
	group = due_take(&due, 0, 100);
	cr_assert_eq(group, 0);
	group = due_take(&due, 1, 100);
	cr_assert_eq(group, 4096 / GROUP);
	group = due_take(&due, 4096 / GROUP + 1, 100);
	cr_assert_eq(group, 65535 / GROUP);
	cr_assert_eq(due_take(&due, 65535 / GROUP + 1, 100), -1);
	cr_assert_eq(due_take(&due, 0, 100), -1);
	cr_assert_eq(due_earliest(&due), 101, "what is left is known again");
}

Test(due, shouldNotTakeWhatIsNotDueYet)
{
	due_lower(&due, 77, 1000);
	cr_assert_eq(due_take(&due, 0, 999), -1);
	cr_assert_eq(due_take(&due, 0, 1000), 77 / GROUP);
}

Test(due, shouldTakeAGroupAgainAfterItWasLoweredAgain)
{
	due_lower(&due, 130, 50);
	cr_assert_eq(due_take(&due, 0, 60), 2);
	due_lower(&due, 131, 55);
	cr_assert_leq(due_earliest(&due), 55, "too early is allowed, too late is not");
	cr_assert_eq(due_take(&due, 0, 60), 2);
}

/* A kill after the group's word and before its summary. */
Test(due, shouldMendASummaryThatALoweringLeftBehind)
{
	due_lower(&due, 200, 100);
	exchange_seq(&due.summary[0], 0);
	cr_assert_eq(due_earliest(&due), DUE_NEVER);
	due_lower(&due, 201, 100);
	cr_assert_eq(due_earliest(&due), 100);
	cr_assert_eq(due_take(&due, 0, 100), 200 / GROUP);
}

Test(due, shouldServeRingsSmallerThanAGroup)
{
	struct due small;

	due_place(&small, calloc(1, due_bytes(2)), 2);
	due_lower(&small, 1, 10);
	cr_assert_eq(due_take(&small, 0, 10), 0);
	cr_assert_eq(due_take(&small, 1, 10), -1);
	cr_assert_eq(due_earliest(&small), DUE_NEVER);
}
