#include "shm/durable.h"

#include <criterion/criterion.h>
#include <string.h>

static struct seg_engine_page page;
static uint32_t ticket[2];

static void begin(void)
{
	memset(&page, 0, sizeof(page));
}

TestSuite(turn_waiters, .init = begin, .timeout = 60);

/* Somebody sleeps for an even turn, and somebody for an odd one. */
static void sleepers(void)
{
	for (int i = 0; i < 2; i++)
		ticket[i] = event_prepare(&page.durable[i]);
}

static bool is_woken(uint64_t turn)
{
	return load32_seq(&page.durable[turn % 2]) != ticket[turn % 2];
}

Test(turn_waiters, theTurnWakesWhoWaitsForIt)
{
	for (uint64_t turn = 1; turn < 5; turn++) {
		sleepers();
		cr_assert_eq(seg_turn_begin(&page), turn);
		seg_turn_done(&page, turn);
		cr_expect(is_woken(turn));
		cr_expect_not(is_woken(turn + 1), "who waits for turn %d sleeps on", (int)turn + 1);
	}
}

/* It has failed, and the next one has what it should have had. */
Test(turn_waiters, theTurnWakesWhoWaitsForTheOneBefore)
{
	sleepers();
	seg_turn_begin(&page);
	seg_turn_done(&page, seg_turn_begin(&page));
	cr_expect(is_woken(1));
	cr_expect(is_woken(2));
}

Test(turn_waiters, theEndOfTurnsWakesAll)
{
	sleepers();
	seg_turn_begin(&page);
	seg_turn_failed(&page, -5);
	cr_expect(is_woken(1));
	cr_expect(is_woken(2));
	cr_expect_eq(load_seq(&page.journal_error), 5);
}

Test(turn_waiters, nobodyIsWokenWhereNobodySleeps)
{
	seg_turn_done(&page, seg_turn_begin(&page));
	cr_expect_eq(load32_seq(&page.durable[0]), 0);
	cr_expect_eq(load32_seq(&page.durable[1]), 0);
}
