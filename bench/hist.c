#include "bench/hist.h"

#include "bench/pair.h"

#include <stdio.h>
#include <string.h>

void hist_clear(struct hist *hist)
{
	memset(hist, 0, sizeof(*hist));
}

/* Below 64 one cell a value; above, the top seven bits choose the cell. */
static uint32_t cell_of(uint64_t ns)
{
	uint32_t power = 0;

	while (ns >> power >= 2 * HIST_STEPS)
		power++;
	if (ns < 2 * HIST_STEPS)
		return (uint32_t)ns;
	return (power + 1) * HIST_STEPS + (uint32_t)(ns >> power) - HIST_STEPS;
}

static uint64_t cell_value(uint32_t cell)
{
	uint32_t power = cell / HIST_STEPS;

	if (cell < 2 * HIST_STEPS)
		return cell;
	return ((uint64_t)(cell % HIST_STEPS) + HIST_STEPS) << (power - 1);
}

void hist_add(struct hist *hist, uint64_t ns)
{
	uint32_t cell = cell_of(ns);

	hist->at[cell < HIST_COUNT ? cell : HIST_COUNT - 1]++;
	hist->count++;
	if (ns > hist->max)
		hist->max = ns;
}

void hist_merge(struct hist *into, const struct hist *from)
{
	for (uint32_t i = 0; i < HIST_COUNT; i++)
		into->at[i] += from->at[i];
	into->count += from->count;
	if (from->max > into->max)
		into->max = from->max;
}

uint64_t hist_at(const struct hist *hist, double share)
{
	uint64_t want = (uint64_t)(share * (double)hist->count), seen = 0;

	for (uint32_t i = 0; i < HIST_COUNT; i++) {
		seen += hist->at[i];
		if (seen > want)
			return cell_value(i);
	}
	return hist->max;
}

void hist_print(const struct hist *hist, const char *name)
{
	static const double shares[] = {0.5, 0.9, 0.99, 0.999, 0.9999};
	static const char *const names[] = {"p50", "p90", "p99", "p99.9", "p99.99"};

	if (bench_options.json)
		printf("{\"histogram\":\"%s\",\"count\":%llu", name, (unsigned long long)hist->count);
	else
		printf("  %-40s n=%llu us:", name, (unsigned long long)hist->count);
	for (int i = 0; i < 5; i++)
		printf(bench_options.json ? ",\"%s_us\":%.3f" : "  %s %.2f", names[i],
		       (double)hist_at(hist, shares[i]) / 1e3);
	printf(bench_options.json ? ",\"max_us\":%.3f}\n" : "  max %.2f\n", (double)hist->max / 1e3);
	fflush(stdout);
}
