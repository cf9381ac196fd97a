/* The one lease clock: CLOCK_BOOTTIME in milliseconds, suspension included, and wall time beside it.
 *
 * A struct os_clock belongs to one thread. It is read once per call: while the time-stamp counter says
 * that less than 1 ms has gone by since the last real reading, the cached values serve. So `boot_ms`
 * is never ahead of the kernel's clock and less than OS_CLOCK_SLACK_MS behind (under 1 ms of age and
 * under 1 ms cut off): leases are stamped OS_CLOCK_SLACK_MS later, expiry is judged as it is. Where
 * the counter may stop or run unevenly (no invariant TSC), every call asks the kernel.
 *
 * Processes in different time namespaces agree: the namespace's offset is taken off.
 *
 * Tests replace the clock for a whole process tree: os_clock_fake() makes all clocks read two words,
 * boot_ms and wall_ms, in memory of the test's own (shared with children if mapped so).
 */
#ifndef OS_CLOCK_H
#define OS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { OS_CLOCK_SLACK_MS = 2 };

struct os_clock {
	uint64_t boot_ms, wall_ms; /* as last read */
	uint64_t ticks;		   /* counter at that reading */
	uint64_t ticks_max;	   /* counter steps for which it serves; 0: always ask */
};

struct os_clock_words {
	uint64_t boot_ms, wall_ms;
};

extern const struct os_clock_words *os_clock_faked; /* NULL: real time */

void os_clock_start(struct os_clock *clock);
void os_clock_refresh(struct os_clock *clock);
void os_clock_fake(const struct os_clock_words *words);

/* Milliseconds of CLOCK_BOOTTIME from the kernel; for slow paths without a struct os_clock. */
uint64_t os_boot_ms(void);
/* The same in microseconds; with a faked clock 1000 x boot_ms. */
uint64_t os_boot_us(void);

static inline uint64_t os_ticks(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t ticks;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
	return ticks;
#else
	return 0;
#endif
}

/* Brings boot_ms and wall_ms up to date. */
static inline void os_clock_read(struct os_clock *clock)
{
	if (__builtin_expect(os_ticks() - clock->ticks >= clock->ticks_max || os_clock_faked != 0, 0))
		os_clock_refresh(clock);
}

#endif
