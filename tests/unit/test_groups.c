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

TestSuite(groups, .init = make, .fini = done);

enum { GROUP = 5 };

static uint64_t head_of(uint64_t group)
{
	uint64_t head = 0;

	groups_head(&test.view, group, &head);
	return head;
}

static uint64_t sequence_of(uint64_t link)
{
	return groups_test_links(&test, link)->sequence;
}

/* ---- a chain ---------------------------------------------------------------------------------- */

Test(groups, shouldKnowOfNoGroupWhenItsMemoryIsZero)
{
	uint64_t head = 77;

	cr_assert_eq(groups_head(&test.view, GROUP, &head), GROUP_NONE);
	cr_assert_eq(head, 77, "untouched");
}

Test(groups, shouldSayThatTheFirstMessageIsTheHead)
{
	uint64_t first = groups_test_claim(&test, GROUP), second = groups_test_claim(&test, GROUP);

	cr_assert_eq(groups_join(&test.view, first), GROUP_FIRST);
	cr_assert_eq(groups_join(&test.view, second), GROUP_OK);
	cr_assert_eq(head_of(GROUP), first);
}

Test(groups, shouldHandOutInTheOrderOfJoining)
{
	uint64_t sent[5];

	for (int i = 0; i < 5; i++)
		sent[i] = groups_test_send(&test, GROUP);
	for (int i = 0; i < 5; i++)
		cr_assert_eq(groups_test_consume(&test, GROUP), sent[i]);
	cr_assert_eq(groups_test_consume(&test, GROUP), 0);
}

Test(groups, shouldNumberMessagesUpwards)
{
	uint64_t a = groups_test_send(&test, GROUP), b = groups_test_send(&test, GROUP + 1),
		 c = groups_test_send(&test, GROUP);

	cr_assert_lt(sequence_of(a), sequence_of(b));
	cr_assert_lt(sequence_of(b), sequence_of(c));
}

Test(groups, shouldKnowTheFollower)
{
	uint64_t first = groups_test_send(&test, GROUP), follower = 0, second;

	cr_assert_eq(groups_follower(&test.view, first, &follower), GROUP_NONE);
	second = groups_test_send(&test, GROUP);
	cr_assert_eq(groups_follower(&test.view, first, &follower), GROUP_OK);
	cr_assert_eq(follower, second);
	cr_assert_eq(groups_follower(&test.view, second, &follower), GROUP_NONE);
}

Test(groups, shouldPopOnlyTheHead)
{
	uint64_t first = groups_test_send(&test, GROUP), second = groups_test_send(&test, GROUP);

	cr_assert_eq(groups_pop(&test.view, GROUP, second), GROUP_NONE);
	cr_assert_eq(groups_pop(&test.view, GROUP + 1, first), GROUP_NONE, "of another group");
	cr_assert_eq(groups_pop(&test.view, GROUP, first), GROUP_OK);
	cr_assert_eq(groups_pop(&test.view, GROUP, first), GROUP_NONE);
	cr_assert_eq(head_of(GROUP), second);
}

Test(groups, shouldSayWhoIsTheHeadAfterAPop)
{
	uint64_t first = groups_test_send(&test, GROUP), second = groups_test_send(&test, GROUP), next = 1;

	cr_assert_eq(groups_pop_to(&test.view, GROUP, first, &next), GROUP_OK);
	cr_assert_eq(next, second);
	cr_assert_eq(groups_pop_to(&test.view, GROUP, second, &next), GROUP_OK);
	cr_assert_eq(next, 0);
	next = 1;
	cr_assert_eq(groups_pop_to(&test.view, GROUP, second, &next), GROUP_OK, "again, closed");
	cr_assert_eq(next, 0);
}

Test(groups, shouldBeginAgainInACellThatWasLeftEmpty)
{
	uint64_t last = groups_test_send(&test, GROUP), first;

	cr_assert_eq(groups_test_consume(&test, GROUP), last);
	cr_assert_eq(groups_test_cell(&test, 0, GROUP)->low, 0);
	cr_assert_eq(groups_test_cell(&test, 0, GROUP)->high, last, "no value comes twice");
	first = groups_test_send(&test, GROUP);
	cr_assert_eq(groups_test_cell(&test, 0, GROUP)->low, first);
}

Test(groups, shouldNotTakeWhatIsNewInASlotForWhatWasThere)
{
	uint64_t old = groups_test_send(&test, GROUP);

	cr_assert_eq(groups_test_consume(&test, GROUP), old);
	cr_assert_eq(groups_test_send(&test, GROUP + 1), old + (UINT64_C(1) << 27), "the same slot, a lap later");
	cr_assert_eq(head_of(GROUP), 0);
	cr_assert_eq(groups_pop(&test.view, GROUP + 1, old), GROUP_NONE);
}

/* ---- what a kill leaves ------------------------------------------------------------------------- */

Test(groups, shouldJoinBehindATailThatLags)
{
	uint64_t second = groups_test_leave_tail_behind(&test, GROUP), third = groups_test_send(&test, GROUP);

	groups_test_consume(&test, GROUP);
	cr_assert_eq(groups_test_consume(&test, GROUP), second);
	cr_assert_eq(groups_test_consume(&test, GROUP), third);
}

Test(groups, shouldNotLetTheHeadPassATailThatLags)
{
	uint64_t second = groups_test_leave_tail_behind(&test, GROUP), third;

	groups_test_consume(&test, GROUP);
	third = groups_test_send(&test, GROUP);
	cr_assert_eq(groups_test_consume(&test, GROUP), second);
	cr_assert_eq(groups_test_consume(&test, GROUP), third);
	cr_assert_eq(groups_test_consume(&test, GROUP), 0);
}

Test(groups, shouldBeginAnewAfterAChainThatWasLeftClosed)
{
	uint64_t closed = groups_test_leave_closed(&test, GROUP), first = groups_test_claim(&test, GROUP);

	cr_assert_eq(groups_join(&test.view, first), GROUP_FIRST);
	cr_assert_eq(head_of(GROUP), first);
	cr_assert_eq(groups_pop(&test.view, GROUP, closed), GROUP_OK, "its slot can be freed by who comes back");
	cr_assert_eq(groups_keep(&test.view, closed), GROUP_NONE, "or by the sweep");
}

Test(groups, shouldFinishAPopThatWasLeftClosed)
{
	uint64_t closed = groups_test_leave_closed(&test, GROUP);

	cr_assert_eq(groups_pop(&test.view, GROUP, closed), GROUP_OK);
	cr_assert_eq(head_of(GROUP), 0);
}

Test(groups, shouldKeepWhatIsGoneUntilThoseBeforeAre)
{
	uint64_t first = groups_test_send(&test, GROUP), second = groups_test_send(&test, GROUP);

	cr_assert_eq(groups_keep(&test.view, second), GROUP_OK);
	cr_assert_eq(groups_keep(&test.view, first), GROUP_OK);
	groups_pop(&test.view, GROUP, first);
	cr_assert_eq(groups_keep(&test.view, first), GROUP_NONE);
	cr_assert_eq(groups_keep(&test.view, second), GROUP_OK);
	groups_pop(&test.view, GROUP, second);
	cr_assert_eq(groups_keep(&test.view, second), GROUP_NONE);
}

Test(groups, shouldKnowWhetherADeadProducerHadJoined)
{
	uint64_t before = groups_test_claim(&test, GROUP), first, last, amid;

	cr_assert_eq(groups_contain(&test.view, before), GROUP_NONE, "it had not begun to");
	groups_test_links(&test, before)->sequence = ++test.sequence;
	groups_test_links(&test, before)->next = link_unset(before);
	cr_assert_eq(groups_contain(&test.view, before), GROUP_NONE, "just before, to an empty group");
	first = groups_test_send(&test, GROUP);
	amid = groups_test_send(&test, GROUP);
	last = groups_test_send(&test, GROUP);
	cr_assert_eq(groups_contain(&test.view, before), GROUP_NONE, "just before, to one with messages");
	cr_assert_eq(groups_contain(&test.view, first), GROUP_OK);
	cr_assert_eq(groups_contain(&test.view, amid), GROUP_OK);
	cr_assert_eq(groups_contain(&test.view, last), GROUP_OK);
	groups_test_cell(&test, 0, GROUP)->high = amid;
	cr_assert_eq(groups_contain(&test.view, last), GROUP_OK, "though the tail lags");
}

/* What a slot says that its new owner has not written yet. */
Test(groups, shouldNotBelieveTheLinksOfAnOlderMessage)
{
	uint64_t old = groups_test_send(&test, GROUP), next = groups_test_send(&test, GROUP), again;

	cr_assert_eq(groups_test_consume(&test, GROUP), old);
	again = old + (UINT64_C(1) << 27);
	cr_assert_eq(groups_contain(&test.view, again), GROUP_NONE);
	cr_assert_eq(head_of(GROUP), next);
}

/* ---- damage ------------------------------------------------------------------------------------- */

Test(groups, shouldSayDamagedOfALinkThatLeadsNowhere)
{
	uint64_t first = groups_test_send(&test, GROUP), follower;

	groups_test_send(&test, GROUP);
	groups_test_links(&test, first)->next = link_pack(0, GROUPS_SLOTS, 0);
	cr_assert_eq(groups_follower(&test.view, first, &follower), GROUP_DAMAGED);
	cr_assert_eq(groups_pop(&test.view, GROUP, first), GROUP_DAMAGED);
	groups_test_links(&test, first)->next = 0;
	cr_assert_eq(groups_pop(&test.view, GROUP, first), GROUP_DAMAGED);
	groups_test_cell(&test, 0, GROUP)->low = 12345;
	cr_assert_eq(groups_head(&test.view, GROUP, &follower), GROUP_DAMAGED);
}

Test(groups, shouldNotGoRoundInACircle)
{
	uint64_t first = groups_test_send(&test, GROUP), second = groups_test_send(&test, GROUP), third;

	third = groups_test_send(&test, GROUP);
	groups_test_links(&test, second)->next = first;
	groups_test_cell(&test, 0, GROUP)->high = second;
	cr_assert_eq(groups_join(&test.view, groups_test_claim(&test, GROUP)), GROUP_DAMAGED);
	cr_assert_eq(groups_contain(&test.view, third), GROUP_DAMAGED);
}

Test(groups, shouldSayDamagedOfALastOneThatHasNoFollowerBeforeTheTail)
{
	uint64_t first = groups_test_send(&test, GROUP);

	groups_test_send(&test, GROUP);
	groups_test_links(&test, first)->next = link_unset(first);
	cr_assert_eq(groups_pop(&test.view, GROUP, first), GROUP_DAMAGED);
}

Test(groups, shouldSayDamagedOfACounterBelowTheTail)
{
	groups_test_send(&test, GROUP);
	groups_test_send(&test, GROUP);
	test.sequence = 0;
	cr_assert_eq(groups_join(&test.view, groups_test_claim(&test, GROUP)), GROUP_DAMAGED);
}
