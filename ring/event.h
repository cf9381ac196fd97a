/* Eventcount: sleep only if nothing changed. One 32-bit futex word: count:30 | waking:1 | sleepers:1.
 *
 *   sleeper                                   waker
 *   ticket = event_prepare()   sets sleepers  make the message READY
 *   look at the queue again                   [E1] if the sleepers bit is set: event_advance()
 *   futex_wait(word, ticket)                  woken = futex_wake(n)
 *                                             if woken < n: event_quiet() takes the bit away
 *
 * [E1] pairs with [E2] in event_prepare: READY then load, bit then look (store-load, seq_cst at both
 * ends). A sleeper killed in its sleep leaves the bit behind; the next sender pays one system call and
 * takes it away. No count can leak.
 *
 * Taking the bit away must not meet somebody who has just gone to sleep believing in it. Hence the
 * waking bit: event_advance sets it, the first event_prepare after that takes it away, and so changes
 * the word under an event_quiet that is still to come ([E3]).
 *
 * The count wraps after 2^30 wake-ups; a sleeper would have to stand still between its ticket and
 * the system call for exactly that many to miss one, and its slice of sleep ends anyway.
 */
#ifndef RL_EVENT_H
#define RL_EVENT_H

#include "ring/atomic.h"
#include "ring/crashpoint.h"

#define EVENT_SLEEPERS UINT32_C(1)
#define EVENT_WAKING UINT32_C(2)
#define EVENT_ONE UINT32_C(4)

/* Says that somebody is about to sleep; returns the value to sleep on. */
static inline uint32_t event_prepare(atomic_u32 *event)
{
	uint32_t seen = load32_acquire(event); /* [E2], [E3]: of who set the bit before us */

	while ((seen & (EVENT_SLEEPERS | EVENT_WAKING)) != EVENT_SLEEPERS) {
		uint32_t ticket = (seen | EVENT_SLEEPERS) & ~EVENT_WAKING;

		if (cas32_seq(event, seen, ticket)) {
			CRASH_POINT(event_prepared);
			return ticket;
		}
		seen = load32_acquire(event); /* [E2] */
	}
	return seen;
}

/* [E1] One load: must the caller wake somebody? */
static inline bool event_has_sleepers(const atomic_u32 *event)
{
	return load32_seq(event) & EVENT_SLEEPERS;
}

/* [E1] Makes every ticket given out so far old. Returns the new value. Whoever prepares after it sees what was
 * done before it. */
static inline uint32_t event_advance(atomic_u32 *event)
{
	uint32_t seen, next;

	do {
		seen = load32_relaxed(event); /* relaxed: the CAS decides */
		next = (seen + EVENT_ONE) | EVENT_WAKING;
	} while (!cas32_release(event, seen, next));
	CRASH_POINT(event_advanced);
	return next;
}

/* [E3] Nobody was left to wake: take the bit away, unless somebody prepared or advanced since `seen`. */
static inline void event_quiet(atomic_u32 *event, uint32_t seen)
{
	/* relaxed: one word, and the CAS names its value */
	cas32_relaxed(event, seen, seen & ~(EVENT_SLEEPERS | EVENT_WAKING));
	CRASH_POINT(event_quieted);
}

#endif
