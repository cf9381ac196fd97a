/* Eventcount: sleep only if nothing changed. One 32-bit futex word: count:31 | sleepers:1.
 *
 *   sleeper                                   waker
 *   ticket = event_prepare()   sets sleepers  make the message READY
 *   look at the queue again                   [E1] if the sleepers bit is set: event_advance()
 *   futex_wait(word, ticket)                  woken = futex_wake(n)
 *                                             if woken < n: event_quiet() takes the bit away
 *
 * [E1] pairs with [E2] in event_prepare: READY then load, bit then look (store-load, seq_cst at both
 * ends). The bit is in the futex word itself, so taking it away changes the word and a sleeper on its
 * way into the kernel comes back and sets it again. A sleeper killed in its sleep leaves the bit
 * behind; the next sender pays one system call and takes it away. No count can leak.
 *
 * The count wraps after 2^31 wake-ups; a sleeper would have to stand still between its ticket and
 * the system call for exactly that many to miss one, and its slice of sleep ends anyway.
 */
#ifndef RL_EVENT_H
#define RL_EVENT_H

#include "ring/atomic.h"

#define EVENT_SLEEPERS UINT32_C(1)

/* Says that somebody is about to sleep; returns the value to sleep on. */
static inline uint32_t event_prepare(atomic_u32 *event)
{
	uint32_t seen = load32_seq(event);

	/* [E2] */
	while (!(seen & EVENT_SLEEPERS)) {
		if (cas32_seq(event, seen, seen | EVENT_SLEEPERS))
			return seen | EVENT_SLEEPERS;
		seen = load32_seq(event);
	}
	return seen;
}

/* One load: must the caller wake somebody? */
static inline bool event_has_sleepers(const atomic_u32 *event)
{
	return load32_seq(event) & EVENT_SLEEPERS;
}

/* Makes every ticket given out so far old. Returns the new value. */
static inline uint32_t event_advance(atomic_u32 *event)
{
	uint32_t seen;

	do {
		seen = load32_seq(event);
	} while (!cas32_seq(event, seen, seen + 2));
	return seen + 2;
}

/* Nobody was left to wake: take the bit away, unless something happened since `seen`. */
static inline void event_quiet(atomic_u32 *event, uint32_t seen)
{
	cas32_seq(event, seen, seen & ~EVENT_SLEEPERS);
}

#endif
