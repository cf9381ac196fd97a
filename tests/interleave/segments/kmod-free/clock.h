/* In the place of kmod-free/clock.h: one clock, which stands still but for the scenario's ticks. No time-stamp
 * counter, whose values would make equal states differ. */
#ifndef OS_CLOCK_H
#define OS_CLOCK_H

#include <stdint.h>

enum { OS_CLOCK_SLACK_MS = 2 };

struct os_clock {
	uint64_t boot_ms, wall_ms;
};

void os_clock_start(struct os_clock *clock);
void os_clock_read(struct os_clock *clock);
uint64_t os_boot_ms(void);

#endif
