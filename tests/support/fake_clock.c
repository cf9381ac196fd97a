#include "tests/support/fake_clock.h"

#define START_BOOT_MS UINT64_C(1000000)
#define START_WALL_MS UINT64_C(1700000000000)

void fake_clock_start(struct os_clock_words *words)
{
	__atomic_store_n(&words->boot_ms, START_BOOT_MS, __ATOMIC_RELEASE);
	__atomic_store_n(&words->wall_ms, START_WALL_MS, __ATOMIC_RELEASE);
	os_clock_fake(words);
}

void fake_clock_advance(struct os_clock_words *words, uint64_t ms)
{
	__atomic_fetch_add(&words->wall_ms, ms, __ATOMIC_ACQ_REL);
	__atomic_fetch_add(&words->boot_ms, ms, __ATOMIC_ACQ_REL);
}
