/* Shared futexes (no FUTEX_PRIVATE_FLAG: the words lie in files mapped by many processes). */
#ifndef OS_FUTEX_H
#define OS_FUTEX_H

#include <stdint.h>

/* Sleeps while *word == expected, at most until CLOCK_BOOTTIME reaches `until_ms` (UINT64_MAX: no
 * end; the kernel waits on CLOCK_MONOTONIC, so a suspended machine wakes late but not early: callers
 * look at the clock again). Returns 0 (woken, maybe spuriously), -EAGAIN (word differs), -ETIMEDOUT,
 * -EINTR. With a faked clock the sleep is cut into slices of 1 ms of real time and ends with 0. */
int os_futex_wait(const _Atomic uint32_t *word, uint32_t expected, uint64_t until_ms);

/* Wakes up to `count` sleepers; returns how many were woken, or a negative errno. */
int os_futex_wake(const _Atomic uint32_t *word, int count);

#endif
