#include "tests/unit/groups_fixture.h"

#include <criterion/criterion.h>

TestSuite(groups, .init = groups_test_begin, .fini = groups_test_free);

static uint64_t sequence_of(uint64_t link)
{
	return groups_test_links(link)->sequence;
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
	uint64_t first = groups_test_claim(GROUP), second = groups_test_claim(GROUP);

	cr_assert_eq(groups_join(&test.view, first), GROUP_FIRST);
	cr_assert_eq(groups_join(&test.view, second), GROUP_OK);
	cr_assert_eq(groups_test_head(GROUP), first);
}

Test(groups, shouldHandOutInTheOrderOfJoining)
{
	uint64_t sent[5];

	for (int i = 0; i < 5; i++)
		sent[i] = groups_test_send(GROUP);
	for (int i = 0; i < 5; i++)
		cr_assert_eq(groups_test_consume(GROUP), sent[i]);
	cr_assert_eq(groups_test_consume(GROUP), 0);
}

Test(groups, shouldNumberMessagesUpwards)
{
	uint64_t a = groups_test_send(GROUP), b = groups_test_send(GROUP + 1), c = groups_test_send(GROUP);

	cr_assert_lt(sequence_of(a), sequence_of(b));
	cr_assert_lt(sequence_of(b), sequence_of(c));
}

Test(groups, shouldKnowTheFollower)
{
	uint64_t first = groups_test_send(GROUP), follower = 0, second;

	cr_assert_eq(groups_follower(&test.view, first, &follower), GROUP_NONE);
	second = groups_test_send(GROUP);
	cr_assert_eq(groups_follower(&test.view, first, &follower), GROUP_OK);
	cr_assert_eq(follower, second);
	cr_assert_eq(groups_follower(&test.view, second, &follower), GROUP_NONE);
}

Test(groups, shouldPopOnlyTheHead)
{
	uint64_t first = groups_test_send(GROUP), second = groups_test_send(GROUP);

	cr_assert_eq(groups_pop(&test.view, GROUP, second), GROUP_NONE);
	cr_assert_eq(groups_pop(&test.view, GROUP + 1, first), GROUP_NONE, "of another group");
	cr_assert_eq(groups_pop(&test.view, GROUP, first), GROUP_OK);
	cr_assert_eq(groups_pop(&test.view, GROUP, first), GROUP_NONE);
	cr_assert_eq(groups_test_head(GROUP), second);
}

Test(groups, shouldSayWhoIsTheHeadAfterAPop)
{
	uint64_t first = groups_test_send(GROUP), second = groups_test_send(GROUP), next = 1;

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
	uint64_t last = groups_test_send(GROUP), first;

	cr_assert_eq(groups_test_consume(GROUP), last);
	cr_assert_eq(groups_test_cell(0, GROUP)->low, 0);
	cr_assert_eq(groups_test_cell(0, GROUP)->high, last, "no value comes twice");
	first = groups_test_send(GROUP);
	cr_assert_eq(groups_test_cell(0, GROUP)->low, first);
}

Test(groups, shouldNotTakeWhatIsNewInASlotForWhatWasThere)
{
	uint64_t old = groups_test_send(GROUP);

	cr_assert_eq(groups_test_consume(GROUP), old);
	cr_assert_eq(groups_test_send(GROUP + 1), old + (UINT64_C(1) << 27), "the same slot, a lap later");
	cr_assert_eq(groups_test_head(GROUP), 0);
	cr_assert_eq(groups_pop(&test.view, GROUP + 1, old), GROUP_NONE);
}

/* ---- what a kill leaves ------------------------------------------------------------------------- */

Test(groups, shouldJoinBehindATailThatLags)
{
	uint64_t second = groups_test_leave_tail_behind(GROUP), third = groups_test_send(GROUP);

	groups_test_consume(GROUP);
	cr_assert_eq(groups_test_consume(GROUP), second);
	cr_assert_eq(groups_test_consume(GROUP), third);
}

Test(groups, shouldNotLetTheHeadPassATailThatLags)
{
	uint64_t second = groups_test_leave_tail_behind(GROUP), third;

	groups_test_consume(GROUP);
	third = groups_test_send(GROUP);
	cr_assert_eq(groups_test_consume(GROUP), second);
	cr_assert_eq(groups_test_consume(GROUP), third);
	cr_assert_eq(groups_test_consume(GROUP), 0);
}

Test(groups, shouldBeginAnewAfterAChainThatWasLeftClosed)
{
	uint64_t closed = groups_test_leave_closed(GROUP), first = groups_test_claim(GROUP);

	cr_assert_eq(groups_join(&test.view, first), GROUP_FIRST);
	cr_assert_eq(groups_test_head(GROUP), first);
	cr_assert_eq(groups_pop(&test.view, GROUP, closed), GROUP_OK, "its slot can be freed by who comes back");
	cr_assert_eq(groups_keep(&test.view, closed), GROUP_NONE, "or by the sweep");
}

Test(groups, shouldFinishAPopThatWasLeftClosed)
{
	uint64_t closed = groups_test_leave_closed(GROUP);

	cr_assert_eq(groups_pop(&test.view, GROUP, closed), GROUP_OK);
	cr_assert_eq(groups_test_head(GROUP), 0);
}

Test(groups, shouldKeepWhatIsGoneUntilThoseBeforeAre)
{
	uint64_t first = groups_test_send(GROUP), second = groups_test_send(GROUP);

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
	uint64_t before = groups_test_claim(GROUP), first, last, amid;

	cr_assert_eq(groups_contain(&test.view, before), GROUP_NONE, "it had not begun to");
	groups_test_links(before)->sequence = ++test.sequence;
	groups_test_links(before)->next = link_unset(before);
	cr_assert_eq(groups_contain(&test.view, before), GROUP_NONE, "just before, to an empty group");
	first = groups_test_send(GROUP);
	amid = groups_test_send(GROUP);
	last = groups_test_send(GROUP);
	cr_assert_eq(groups_contain(&test.view, before), GROUP_NONE, "just before, to one with messages");
	cr_assert_eq(groups_contain(&test.view, first), GROUP_OK);
	cr_assert_eq(groups_contain(&test.view, amid), GROUP_OK);
	cr_assert_eq(groups_contain(&test.view, last), GROUP_OK);
	groups_test_cell(0, GROUP)->high = amid;
	cr_assert_eq(groups_contain(&test.view, last), GROUP_OK, "though the tail lags");
}

/* What a slot says that its new owner has not written yet. */
Test(groups, shouldNotBelieveTheLinksOfAnOlderMessage)
{
	uint64_t old = groups_test_send(GROUP), next = groups_test_send(GROUP), again;

	cr_assert_eq(groups_test_consume(GROUP), old);
	again = old + (UINT64_C(1) << 27);
	cr_assert_eq(groups_contain(&test.view, again), GROUP_NONE);
	cr_assert_eq(groups_test_head(GROUP), next);
}

/* ---- damage ------------------------------------------------------------------------------------- */

Test(groups, shouldSayDamagedOfALinkThatLeadsNowhere)
{
	uint64_t first = groups_test_send(GROUP), follower;

	groups_test_send(GROUP);
	groups_test_links(first)->next = link_pack(0, GROUPS_SLOTS, 0);
	cr_assert_eq(groups_follower(&test.view, first, &follower), GROUP_DAMAGED);
	cr_assert_eq(groups_pop(&test.view, GROUP, first), GROUP_DAMAGED);
	groups_test_links(first)->next = 0;
	cr_assert_eq(groups_pop(&test.view, GROUP, first), GROUP_DAMAGED);
	groups_test_cell(0, GROUP)->low = 12345;
	cr_assert_eq(groups_head(&test.view, GROUP, &follower), GROUP_DAMAGED);
}

Test(groups, shouldNotGoRoundInACircle)
{
	uint64_t first = groups_test_send(GROUP), second = groups_test_send(GROUP), third;

	third = groups_test_send(GROUP);
	groups_test_links(second)->next = first;
	groups_test_cell(0, GROUP)->high = second;
	cr_assert_eq(groups_join(&test.view, groups_test_claim(GROUP)), GROUP_DAMAGED);
	cr_assert_eq(groups_contain(&test.view, third), GROUP_DAMAGED);
}

Test(groups, shouldSayDamagedOfALastOneThatHasNoFollowerBeforeTheTail)
{
	uint64_t first = groups_test_send(GROUP);

	groups_test_send(GROUP);
	groups_test_links(first)->next = link_unset(first);
	cr_assert_eq(groups_pop(&test.view, GROUP, first), GROUP_DAMAGED);
}

Test(groups, shouldSayDamagedOfACounterBelowTheTail)
{
	groups_test_send(GROUP);
	groups_test_send(GROUP);
	test.sequence = 0;
	cr_assert_eq(groups_join(&test.view, groups_test_claim(GROUP)), GROUP_DAMAGED);
}

/* What a link that leads nowhere is answered with by all who are given it. */
static void expect_refused(uint64_t link, enum group_result answer)
{
	uint64_t follower;

	cr_expect_eq(groups_join(&test.view, link), answer);
	cr_expect_eq(groups_pop(&test.view, GROUP, link), answer);
	cr_expect_eq(groups_follower(&test.view, link, &follower), answer);
	cr_expect_eq(groups_keep(&test.view, link), answer);
	cr_expect_eq(groups_contain(&test.view, link), answer);
}

Test(groups, shouldRefuseALinkThatIsNone)
{
	uint64_t first = groups_test_send(GROUP);

	expect_refused(first | LINK_FLAG, GROUP_DAMAGED);
	expect_refused(first & ~LINK_USED, GROUP_DAMAGED);
	expect_refused(link_pack(0, GROUPS_SLOTS, 0), GROUP_DAMAGED);
	expect_refused(link_pack(GROUPS_RINGS, 0, 0), GROUP_STALE);
	cr_expect_eq(groups_test_head(GROUP), first);
}

Test(groups, shouldSayDamagedOfATailThatLeadsNowhere)
{
	groups_test_send(GROUP);
	groups_test_cell(0, GROUP)->high = link_pack(0, GROUPS_SLOTS, 0);
	cr_assert_eq(groups_join(&test.view, groups_test_claim(GROUP)), GROUP_DAMAGED);
}

Test(groups, shouldSayDamagedOfAChainThatLeadsNowhere)
{
	uint64_t first = groups_test_send(GROUP), second = groups_test_send(GROUP);

	groups_test_links(first)->next = link_pack(0, GROUPS_SLOTS, 0);
	cr_assert_eq(groups_contain(&test.view, second), GROUP_DAMAGED);
}

Test(groups, shouldSayDamagedOfACellThatLeadsNowhere)
{
	uint64_t first = groups_test_send(GROUP), cursor = 0;

	groups_test_append(4);
	groups_test_cell(0, GROUP)->low = link_pack(0, GROUPS_SLOTS, 0);
	cr_expect_eq(groups_settle(&test.view, &cursor, 100), GROUP_DAMAGED);
	cr_expect_eq(cursor, GROUP, "no further");
	cr_expect_eq(groups_pop(&test.view, GROUP, first), GROUP_DAMAGED);
	cr_expect_eq(groups_keep(&test.view, first), GROUP_DAMAGED);
	cr_expect_eq(groups_contain(&test.view, first), GROUP_DAMAGED);
}

Test(groups, shouldSayDamagedOfAGroupThatIsInTwoTablesWithTwoHeads)
{
	uint64_t first = groups_test_send(GROUP), second = groups_test_send(GROUP), cursor = 0;
	struct word128 *cell = groups_test_cell(0, GROUP), *newer;

	groups_test_append(4);
	newer = groups_test_cell(1, GROUP);
	newer->low = newer->high = second;
	cell->high |= GROUP_SEALED;
	cell->low |= GROUP_FROZEN;
	cr_expect_eq(groups_settle(&test.view, &cursor, 100), GROUP_DAMAGED);
	newer->low = first;
	cr_expect_eq(groups_settle(&test.view, &cursor, 100), GROUP_OK, "amid the move of who was killed");
	cr_expect_eq(groups_test_head(GROUP), first);
}
