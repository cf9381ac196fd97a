#include "ring/event.h"

#include <criterion/criterion.h>

static atomic_u32 event;

Test(event, shouldHaveNoSleepersAtFirst)
{
	cr_assert_not(event_has_sleepers(&event));
}

Test(event, shouldSayThatSomebodyIsAboutToSleep)
{
	uint32_t ticket = event_prepare(&event);

	cr_assert(event_has_sleepers(&event));
	cr_assert_eq(ticket, load32_seq(&event), "the ticket is the word to sleep on");
	cr_assert_eq(event_prepare(&event), ticket, "a second sleeper gets the same");
}

Test(event, shouldMakeEveryTicketOldWhenItAdvances)
{
	uint32_t ticket = event_prepare(&event);

	cr_assert_eq(event_advance(&event), load32_seq(&event));
	cr_assert_neq(load32_seq(&event), ticket);
	cr_assert(event_has_sleepers(&event), "who is still asleep stays noted");
}

Test(event, shouldForgetSleepersOnceNobodyWasLeftToWake)
{
	uint32_t ticket = event_prepare(&event), seen = event_advance(&event);

	event_quiet(&event, seen);
	cr_assert_not(event_has_sleepers(&event));
	cr_assert_neq(load32_seq(&event), ticket, "a sleeper on its way comes back");
}

Test(event, shouldKeepASleeperThatCameAfterTheWakeUp)
{
	uint32_t seen;

	event_prepare(&event);
	seen = event_advance(&event);
	event_quiet(&event, seen);
	event_prepare(&event);
	event_quiet(&event, seen);
	cr_assert(event_has_sleepers(&event), "a late answer of the kernel takes nothing away");
}

Test(event, shouldWrapWithoutLosingASleeper)
{
	cas32_seq(&event, 0, (UINT32_MAX & ~(EVENT_ONE - 1)) | EVENT_SLEEPERS);
	event_advance(&event);
	cr_assert_eq(load32_seq(&event) / EVENT_ONE, 0, "the count has wrapped");
	cr_assert(event_has_sleepers(&event));
}
