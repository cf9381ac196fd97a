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

/* Where a sleep until `until_ms` ends for the kernel; `*ret_end` NULL: nowhere. False: it has ended. */
static bool sleep_end(uint64_t until_ms, struct timespec *time, struct timespec **ret_end)
{
	/* Further away than a machine stays up: no end, and no overflow. */
	bool is_endless = until_ms > UINT64_MAX / 1000000, is_faked = os_clock_faked != NULL;

	*ret_end = is_endless && !is_faked ? NULL : time;
	if (*ret_end) {
		uint64_t now_us = os_boot_us(), until_us = is_endless ? UINT64_MAX : until_ms * 1000;

		if (until_us <= now_us)
			return false;
		*time = monotonic_in(is_faked ? FAKED_SLICE_US : until_us - now_us);
	}
	return true;
}

int os_futex_wait(const _Atomic uint32_t *word, uint32_t expected, uint64_t until_ms)
{
	struct timespec time, *end;

	if (!sleep_end(until_ms, &time, &end))
		return atomic_load(word) == expected ? -ETIMEDOUT : -EAGAIN;
	if (os_sys.futex(word, FUTEX_WAIT_BITSET, expected, end, FUTEX_BITSET_MATCH_ANY) == 0)
		return 0;
	return errno == ETIMEDOUT && os_clock_faked != NULL ? 0 : -errno;
}

/* On the first word alone, for so long that the others are looked at often enough. */
static int wait_on_first(const struct os_futex_awaited *words, uint64_t until_ms)
{
	uint64_t slice_ms = os_boot_ms() + OS_FUTEX_SLICE_MS;
	int error = os_futex_wait((const _Atomic uint32_t *)(uintptr_t)words->address, (uint32_t)words->expected,
				  until_ms < slice_ms ? until_ms : slice_ms);

	return error == -ETIMEDOUT && slice_ms < until_ms ? 0 : error;
}

int os_futex_wait_many(const struct os_futex_awaited *words, uint32_t count, uint64_t until_ms)
{
	struct timespec time, *end;

	if (!sleep_end(until_ms, &time, &end))
		return -ETIMEDOUT;
	if (os_sys.futex_waitv(words, count, 0, end, CLOCK_MONOTONIC) >= 0)
		return 0;
	if (errno == ETIMEDOUT && os_clock_faked != NULL)
		return 0;
	if (errno == EAGAIN || errno == ETIMEDOUT || errno == EINTR)
		return -errno;
	return wait_on_first(words, until_ms);
}

int os_futex_wake(const _Atomic uint32_t *word, int count)
{
	long woken = os_sys.futex(word, FUTEX_WAKE, (uint32_t)count, NULL, 0);

	return woken < 0 ? -errno : (int)woken;
}
