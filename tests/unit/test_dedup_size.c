/* How many ids a queue takes, and how large its tables are. */
#include "tests/unit/dedup_fixture.h"

#include <criterion/criterion.h>

TestSuite(dedup_size, .init = dedup_test_begin);

Test(dedup_size, shouldTakeAsManyIdsAsItSaysAndRefuseTheNext)
{
	cr_assert_eq(dedup_test_reserve_until(DEDUP_FULL), IDS_MAX);
	now += WINDOW - 1;
	cr_assert_eq(dedup_test_reserve_until(DEDUP_FULL), 0);
	now += 1;
	cr_assert_eq(dedup_test_reserve_until(DEDUP_GROW), 0, "a window later there is room");
	dedup_test_append(dedup_next_order(&dedup, now));
	cr_assert_eq(dedup_test_reserve_until(DEDUP_FULL), IDS_MAX);
}

Test(dedup_size, shouldCountAnewAfterAPurge)
{
	dedup_purge(&dedup);
	cr_assert_eq(dedup_test_reserve_until(DEDUP_FULL), IDS_MAX, "of nothing it is none");
	dedup_test_send(5);
	cr_assert_not(dedup_is_purged(&dedup));
	dedup_purge(&dedup);
	cr_assert(dedup_is_purged(&dedup));
	cr_assert_eq(dedup_test_reserve_until(DEDUP_GROW), 0);
	dedup_test_append(dedup_next_order(&dedup, now));
	cr_assert_not(dedup_is_purged(&dedup));
	cr_assert_eq(dedup_test_reserve_until(DEDUP_FULL), IDS_MAX);
}

Test(dedup_size, shouldCountDuplicatesAndClosedHandlesOut)
{
	struct dedup_quota other = {0};

	dedup_give_back(&dedup, &other);
	cr_assert_eq(dedup_reserve(&dedup, &other, now), DEDUP_OK);
	cr_assert_eq(dedup_reserve(&dedup, &quota, now), DEDUP_OK);
	dedup_unreserve(&dedup, &quota);
	dedup_give_back(&dedup, &other);
	cr_assert_eq(dedup_test_reserve_until(DEDUP_FULL), IDS_MAX - 1);
	for (int i = 0; i < 20; i++)
		dedup_unreserve(&dedup, &quota);
	dedup_give_back(&dedup, &quota);
	cr_assert_eq(dedup.table[0].head->used, IDS_MAX - 20);
	dedup_give_back(&dedup, &quota);
	cr_assert_eq(dedup.table[0].head->used, IDS_MAX - 20, "once");
}

Test(dedup_size, shouldNotTakeAnOldReservationForOneOfATableInItsPlace)
{
	cr_assert_eq(dedup_reserve(&dedup, &quota, now), DEDUP_OK);
	dedup.table[0].head->used = IDS_MAX;
	dedup.table[0].head->born_ms++;
	quota.left = 5;
	cr_assert_eq(dedup_reserve(&dedup, &quota, now), DEDUP_FULL);
}

Test(dedup_size, shouldBeFollowedByATableOfTheNewWindow)
{
	cr_assert_eq(dedup_reserve(&dedup, &quota, now), DEDUP_OK);
	cr_assert_not(dedup_is_due(&dedup, now));
	dedup.window_ms = 2 * WINDOW;
	cr_assert(dedup_is_due(&dedup, now));
	dedup_test_append(4);
	cr_assert_eq(dedup.table[1].head->window_ms, 2 * WINDOW);
}

Test(dedup_size, shouldHaveFourTablesAtMost)
{
	dedup.ids_max = 100000;
	dedup_test_append(4);
	dedup_test_append(4);
	cr_assert_eq(dedup_next_order(&dedup, now), 18, "the last one is a full one");
	dedup_test_append(4);
	dedup_test_reserve_until(DEDUP_FULL);
	cr_assert_not(dedup_is_due(&dedup, now));
	cr_assert_not(dedup_is_due(&dedup, now + WINDOW));
}

Test(dedup_size, shouldGrowFromASmallTableByWayOfALargerToOneOfTheFullSize)
{
	dedup.ids_max = 100000;
	cr_assert_eq(dedup.table[0].order, DEDUP_ORDER_MIN);
	cr_assert_eq(dedup_test_reserve_until(DEDUP_GROW), 1u << (DEDUP_ORDER_MIN - 1));
	cr_assert_eq(dedup_next_order(&dedup, now), 15);
	dedup_test_append(15);
	cr_assert_eq(dedup_test_reserve_until(DEDUP_GROW), (1u << 14) - (1u << (DEDUP_ORDER_MIN - 1)));
	cr_assert_eq(dedup_next_order(&dedup, now), 18);
	dedup_test_append(18);
	cr_assert_eq(dedup_test_reserve_until(DEDUP_FULL), 100000 - (1u << 14));
}

Test(dedup_size, shouldFollowWhatAWindowNeeds)
{
	dedup.ids_max = 100000;
	for (int i = 0; i < 500; i++)
		cr_assert_eq(dedup_reserve(&dedup, &quota, now), DEDUP_OK);
	now += WINDOW;
	cr_assert(dedup_is_due(&dedup, now));
	cr_assert_eq(dedup_next_order(&dedup, now), 12);
	dedup_test_append(dedup_next_order(&dedup, now));
	cr_assert_not(dedup_is_due(&dedup, now + WINDOW), "the others are left for growth");
	dedup_test_drop_oldest();
	cr_assert(dedup_is_due(&dedup, now + WINDOW));
	cr_assert_eq(dedup_next_order(&dedup, now + WINDOW), DEDUP_ORDER_MIN, "nothing was sent");
	now += WINDOW;
	dedup_test_append(DEDUP_ORDER_MIN);
	dedup_test_drop_oldest();
	cr_assert_not(dedup_is_due(&dedup, now + WINDOW), "and nothing is to be done");
}

/* The table before it goes a margin after its own window is over, and is not to be waited for. */
Test(dedup_size, shouldGrowAlsoPastTheWindowWhileTheOlderTableIsThere)
{
	dedup.ids_max = 100000;
	dedup_test_append(DEDUP_ORDER_MIN);
	now += WINDOW;
	cr_assert_eq(dedup_test_reserve_until(DEDUP_GROW), 1u << (DEDUP_ORDER_MIN - 1));
	dedup_test_append(dedup_next_order(&dedup, now));
	now += WINDOW;
	cr_assert_eq(dedup_test_reserve_until(DEDUP_GROW), 1u << (dedup.table[2].order - 1));
	cr_assert_eq(dedup_next_order(&dedup, now), 18, "none comes after the fourth");
}

Test(dedup_size, shouldBeginWithoutATable)
{
	struct dedup_message message;
	struct dedup_answer answer;

	dedup.count = 0;
	cr_assert_eq(dedup_reserve(&dedup, &quota, now), DEDUP_GROW);
	dedup_unreserve(&dedup, &quota);
	cr_assert(dedup_is_due(&dedup, now));
	cr_assert_eq(dedup_next_order(&dedup, now), DEDUP_ORDER_MIN);
	message = dedup_test_join(5, now);
	cr_assert_eq(dedup_decide(&dedup, &message, &answer), DEDUP_GROW);
	cr_assert_eq(dedup_void(&dedup, &message), DEDUP_NONE);
}

Test(dedup_size, shouldHaveCellsForTwiceTheIds)
{
	cr_assert_eq(dedup_order_for(0), DEDUP_ORDER_MIN);
	cr_assert_eq(dedup_order_for(512), 10);
	cr_assert_eq(dedup_order_for(513), 11);
	cr_assert_eq(dedup_order_for(1000000), 21);
	cr_assert_eq(dedup_order_for(DEDUP_IDS_MAX), DEDUP_ORDER_MAX);
	cr_assert_eq(dedup_order_for(UINT64_MAX / 4), DEDUP_ORDER_MAX);
	cr_assert_eq(dedup_table_bytes(21), 128 + (UINT64_C(64) << 21));
}
