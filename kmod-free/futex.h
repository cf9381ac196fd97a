/* Shared futexes (no FUTEX_PRIVATE_FLAG: the words lie in files mapped by many processes). */
#ifndef OS_FUTEX_H
#define OS_FUTEX_H

#include <stdint.h>

/* Sleeps while *word == expected, at most until CLOCK_BOOTTIME reaches `until_ms` (UINT64_MAX: no
 * end; the kernel waits on CLOCK_MONOTONIC, so a suspended machine wakes late but not early: callers
 * look at the clock again). Returns 0 (woken, maybe spuriously), -EAGAIN (word differs), -ETIMEDOUT,
 * -EINTR. With a faked clock the sleep is cut into slices of 1 ms of real time and ends with 0. */
int os_futex_wait(const _Atomic uint32_t *word, uint32_t expected, uint64_t until_ms);

/* A word to wait on, as the kernel's struct futex_waitv has it. */
struct os_futex_awaited {
	uint64_t expected, address;
	uint32_t flags, unused;
};

enum {
	OS_FUTEX_MANY_MAX = 128,
	OS_FUTEX_SLICE_MS = 5,
	OS_FUTEX_32_BITS = 2, /* FUTEX_32, shared */
};

static inline struct os_futex_awaited os_futex_await(const _Atomic uint32_t *word, uint32_t expected)
{
	return (struct os_futex_awaited){
		.expected = expected, .address = (uintptr_t)word, .flags = OS_FUTEX_32_BITS};
}

/* Sleeps while 1 .. OS_FUTEX_MANY_MAX words all have their expected values; else as os_futex_wait(). Which of them
 * has changed the caller sees by himself. Where the kernel cannot wait on many (before Linux 5.16, or forbidden by
 * a filter) it sleeps on the first one alone, and at most OS_FUTEX_SLICE_MS: nothing is missed, but what changes
 * elsewhere is seen so much later. */
int os_futex_wait_many(const struct os_futex_awaited *words, uint32_t count, uint64_t until_ms);

/* Wakes up to `count` sleepers; returns how many were woken, or a negative errno. */
int os_futex_wake(const _Atomic uint32_t *word, int count);

#endif
