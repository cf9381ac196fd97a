/* A log-linear histogram of nanoseconds, after HdrHistogram: 64 steps to each power of two, so a value
 * is off by at most 1.6 %. Ours because Debian 12 has no package of HdrHistogram_c. */
#ifndef BENCH_HIST_H
#define BENCH_HIST_H

#include <stdint.h>

enum { HIST_STEPS = 64, HIST_POWERS = 42, HIST_COUNT = HIST_STEPS * HIST_POWERS };

struct hist {
	uint64_t count, max;
	uint64_t at[HIST_COUNT];
};

void hist_clear(struct hist *hist);
void hist_add(struct hist *hist, uint64_t ns);
void hist_merge(struct hist *into, const struct hist *from);
/* The value that `share` (0 .. 1) of the samples do not pass; 0 without samples. */
uint64_t hist_at(const struct hist *hist, double share);
/* p50 p90 p99 p99.9 p99.99 max, in microseconds, on one line. */
void hist_print(const struct hist *hist, const char *name);

#endif
