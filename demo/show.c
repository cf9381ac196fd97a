/* What people see: progress, histogram, numbers. */
#include "demo/demo.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR_WIDTH = 50, SHARE_BITS = 3 };

const char *number_text(uint64_t number)
{
	static char text[8][32];
	static unsigned int turn;
	char *at = text[turn++ % 8] + 31;
	int digits = 0;

	*at = '\0';
	do {
		if (digits > 0 && digits % 3 == 0)
			*--at = ',';
		*--at = (char)('0' + number % 10);
		number /= 10;
		digits++;
	} while (number > 0);
	return at;
}

/* ---- progress --------------------------------------------------------------------------------- */

static bool line_is_open;

void tell(const char *format, ...)
{
	va_list arguments;

	if (line_is_open)
		printf("\r\033[K");
	line_is_open = false;
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout);
}

void progress_show(struct progress *progress, uint64_t done, uint64_t queued)
{
	uint64_t now = now_ns(), every = progress->is_terminal ? 100000000 : 1000000000;
	uint64_t rate;
	int filled = (int)(done * 30 / progress->total);
	char bar[31];

	if (now - progress->shown_ns < every)
		return;
	rate = (done - progress->shown_done) * 1000000000 / (now - progress->shown_ns);
	progress->shown_ns = now;
	progress->shown_done = done;
	memset(bar, '.', 30);
	memset(bar, '#', (size_t)filled);
	bar[30] = '\0';
	printf("%s  [%s] %3d %%  %9s lines  %9s lines/s  %6s in the queue%s",
	       progress->is_terminal ? "\r\033[K" : "", bar, (int)(done * 100 / progress->total), number_text(done),
	       number_text(rate), number_text(queued), progress->is_terminal ? "" : "\n");
	line_is_open = progress->is_terminal;
	fflush(stdout);
}

void progress_end(struct progress *progress)
{
	if (progress->is_terminal && line_is_open)
		putchar('\n');
	line_is_open = false;
}

/* ---- histogram -------------------------------------------------------------------------------- */

/* Eight buckets to a doubling: a value is known to 12.5 %. */
static size_t bucket_of(uint64_t ns)
{
	int top = 63 - __builtin_clzll(ns | 8);

	return (size_t)(top - SHARE_BITS) * 8 + (size_t)(ns >> (top - SHARE_BITS) & 7);
}

/* The first value of the next bucket. */
static uint64_t bucket_end(size_t bucket)
{
	return (8 + bucket % 8 + 1) << (bucket / 8);
}

/* Upper end of a row of the picture. */
static uint64_t row_end(int row)
{
	static const uint64_t step[] = {1000, 2000, 5000};
	uint64_t end = step[row % 3];

	for (; row >= 3; row -= 3)
		end *= 10;
	return end;
}

void histogram_add(struct histogram *histogram, uint64_t ns)
{
	int row = 0;

	while (row < HISTOGRAM_ROWS - 1 && ns > row_end(row))
		row++;
	atomic_fetch_add_explicit(&histogram->row[row], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&histogram->bucket[bucket_of(ns)], 1, memory_order_relaxed);
}

static uint64_t histogram_count(const struct histogram *histogram)
{
	uint64_t count = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		count += histogram->bucket[i];
	return count;
}

uint64_t histogram_at(const struct histogram *histogram, double share)
{
	uint64_t count = histogram_count(histogram), seen = 0;
	double wanted = share * (double)count;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += histogram->bucket[i];
		if (seen > 0 && (double)seen >= wanted)
			return bucket_end(i);
	}
	return 0;
}

const char *time_text(uint64_t ns)
{
	static const char *const unit[] = {"us", "ms", "s"};
	static char text[8][32];
	static unsigned int turn;
	char *at = text[turn++ % 8];
	double value = (double)ns / 1000;
	int at_unit = 0;

	for (; value >= 1000 && at_unit < 2; at_unit++)
		value /= 1000;
	snprintf(at, 32, value < 10 && value - (double)(int)value > 0 ? "%.1f %s" : "%.0f %s", value,
		 unit[at_unit]);
	return at;
}

void show_histogram(const struct histogram *histogram)
{
	uint64_t most = 0, count = histogram_count(histogram);
	int first = -1, last = -1;

	for (int row = 0; row < HISTOGRAM_ROWS; row++) {
		if (histogram->row[row] == 0)
			continue;
		most = histogram->row[row] > most ? histogram->row[row] : most;
		first = first < 0 ? row : first;
		last = row;
	}
	for (int row = first; row >= 0 && row <= last; row++) {
		uint64_t here = histogram->row[row];
		char bar[BAR_WIDTH + 1] = "";

		memset(bar, '#', (size_t)((here * BAR_WIDTH + most - 1) / most));
		printf("  up to %6s %9s %5.1f %% %s\n", time_text(row_end(row)), number_text(here),
		       100.0 * (double)here / (double)count, bar);
	}
	printf("  half within %s, 99 %% within %s, 99.9 %% within %s, all within %s\n",
	       time_text(histogram_at(histogram, 0.5)), time_text(histogram_at(histogram, 0.99)),
	       time_text(histogram_at(histogram, 0.999)), time_text(histogram_at(histogram, 1)));
}
