#include "kmod-free/futex.h"
#include "kmod-free/clock.h"
#include "kmod-free/sysops.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)

enum { FAKED_SLICE_US = 1000 };

/* CLOCK_MONOTONIC, `us` from now. The kernel takes a time namespace's offset off by itself. */
static struct timespec monotonic_in(uint64_t us)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += (time_t)(us / 1000000);
	at.tv_nsec += (long)(us % 1000000) * 1000;
	if (at.tv_nsec >= NS_PER_S) {
		at.tv_nsec -= NS_PER_S;
		at.tv_sec++;
	}
	return at;
}

int os_futex_wait(const _Atomic uint32_t *word, uint32_t expected, uint64_t until_ms)
{
	/* Further away than a machine stays up: no end, and no overflow. */
	bool is_endless = until_ms > UINT64_MAX / 1000000, is_faked = os_clock_faked != NULL;
	struct timespec until;

	if (!is_endless || is_faked) {
		uint64_t now_us = os_boot_us(), until_us = is_endless ? UINT64_MAX : until_ms * 1000;

		if (until_us <= now_us)
			return atomic_load(word) == expected ? -ETIMEDOUT : -EAGAIN;
		until = monotonic_in(is_faked ? FAKED_SLICE_US : until_us - now_us);
	}
	if (os_sys.futex(word, FUTEX_WAIT_BITSET, expected, is_endless && !is_faked ? NULL : &until,
			 FUTEX_BITSET_MATCH_ANY) == 0)
		return 0;
	return errno == ETIMEDOUT && is_faked ? 0 : -errno;
}

int os_futex_wake(const _Atomic uint32_t *word, int count)
{
	long woken = os_sys.futex(word, FUTEX_WAKE, (uint32_t)count, NULL, 0);

	return woken < 0 ? -errno : (int)woken;
}
