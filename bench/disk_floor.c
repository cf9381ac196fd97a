/* How fast the disk takes frames of a journal, by each way there is: the choice of docs/adr/0009-disk.md. All ways
 * in turn, round after round. BENCH_DATA: a folder on the disk; BENCH_SECONDS: of each way in a round. */
#include "bench/floor.h"
#include "bench/pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS_MAX = TEAM_SAMPLES, BATCH_SIZES = 4, BODY_SIZES = 2, FLIGHTS = 3 };

static const size_t batch_sizes[BATCH_SIZES] = {4 << 10, 64 << 10, 256 << 10, 1 << 20};
static const uint32_t body_sizes[BODY_SIZES] = {128, 1024};
static const uint32_t in_flight[FLIGHTS] = {1, 2, 4};

struct way {
	const struct floor_method *method;
	struct floor_shape shape;
	char name[128];
	bool is_refused;
	uint32_t rounds;
	double rate[ROUNDS_MAX];			    /* records/s */
	uint64_t batches, p50[ROUNDS_MAX], p99[ROUNDS_MAX]; /* ns */
	double cpu_seconds;
};

static struct way *ways;
static uint32_t way_count;

static const char *bytes_text(size_t bytes, char ret_text[24])
{
	if (bytes >= 1 << 20)
		snprintf(ret_text, 24, "%zu MiB", bytes >> 20);
	else if (bytes >= 1 << 10)
		snprintf(ret_text, 24, "%zu KiB", bytes >> 10);
	else
		snprintf(ret_text, 24, "%zu B", bytes);
	return ret_text;
}

static void add_way(const struct floor_method *method, size_t batch, uint32_t body, uint32_t flights)
{
	struct way *way = &ways[way_count];
	char batch_text[24], body_text[24];

	way->method = method;
	way->shape = (struct floor_shape){.in_flight = flights, .batch_bytes = batch, .body_bytes = body};
	snprintf(way->name, sizeof(way->name), "%s, %s, %s x %u", bytes_text(body, body_text), method->name,
		 bytes_text(batch, batch_text), flights);
	if (bench_wants(way->name))
		way_count++;
}

static void add_ways(void)
{
	ways = calloc((size_t)floor_method_count * BATCH_SIZES * BODY_SIZES * FLIGHTS + 1, sizeof(*ways));
	if (ways == NULL)
		exit(1);
	for (size_t batch = 0; batch < (bench_options.quick ? 1 : BATCH_SIZES); batch++)
		for (size_t body = 0; body < BODY_SIZES; body++)
			for (uint32_t i = 0; i < floor_method_count; i++)
				for (size_t n = 0; n < (floor_methods[i].is_queued ? FLIGHTS : 1); n++)
					add_way(&floor_methods[i], batch_sizes[batch], body_sizes[body],
						in_flight[n]);
}

static void run_way(struct way *way, const char *folder, double seconds, bool counts)
{
	static struct hist times;
	struct floor *floor = way->is_refused ? NULL : floor_open(folder, way->method, &way->shape);
	struct floor_figures figures;

	way->is_refused = floor == NULL;
	if (floor == NULL)
		return;
	hist_clear(&times);
	figures = floor_run(floor, seconds, 0, &times);
	floor_close(floor);
	if (!counts)
		return;
	way->rate[way->rounds] = (double)figures.records / figures.seconds;
	way->p50[way->rounds] = hist_at(&times, 0.5);
	way->p99[way->rounds++] = hist_at(&times, 0.99);
	way->batches += figures.batches;
	way->cpu_seconds += figures.cpu_seconds;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_of(const uint64_t *values, uint32_t count)
{
	double sorted[ROUNDS_MAX];

	for (uint32_t i = 0; i < count; i++)
		sorted[i] = (double)values[i];
	qsort(sorted, count, sizeof(*sorted), compare);
	return sorted[count / 2];
}

static void print_way(struct way *way)
{
	double frames = (double)(way->shape.batch_bytes / floor_records(&way->shape)), *rate = way->rate;
	double p50, p99, cpu;

	if (way->is_refused) {
		printf(bench_options.json ? "{\"case\":\"%s\",\"refused\":true}\n" : "  %-60s refused\n",
		       way->name);
		return;
	}
	qsort(rate, way->rounds, sizeof(*rate), compare);
	p50 = median_of(way->p50, way->rounds) / 1e3;
	p99 = median_of(way->p99, way->rounds) / 1e3;
	cpu = way->cpu_seconds / (double)way->batches;
	printf(bench_options.json
		       ? "{\"case\":\"%s\",\"records_per_s\":%.0f,\"min\":%.0f,\"max\":%.0f,\"bytes_per_s\":%.0f,"
			 "\"p50_us\":%.1f,\"p99_us\":%.1f,\"cpu_us\":%.1f,\"batches\":%llu}\n"
		       : "  %-60s %9.0f (%9.0f..%9.0f) %7.0f %8.1f %8.1f %8.1f %8llu\n",
	       way->name, rate[way->rounds / 2], rate[0], rate[way->rounds - 1],
	       bench_options.json ? rate[way->rounds / 2] * frames : rate[way->rounds / 2] * frames / 1e6, p50, p99,
	       cpu * 1e6, (unsigned long long)way->batches);
}

int main(int argc, char **argv)
{
	const char *folder = getenv("BENCH_DATA"), *text = getenv("BENCH_SECONDS");
	double seconds;

	bench_start(argc, argv);
	seconds = text ? strtod(text, NULL) : bench_options.quick ? 0.001 : 0.15;
	add_ways();
	report_title("the disk alone: frames of a journal, by each way to write and flush them");
	for (uint32_t round = 0; round <= bench_options.rounds; round++)
		for (uint32_t i = 0; i < way_count; i++)
			run_way(&ways[i], folder ? folder : "/var/tmp", seconds, round > 0 || bench_options.quick);
	if (!bench_options.json)
		printf("  %-60s %9s (%9s..%9s) %7s %8s %8s %8s %8s\n", "body, way, batch x in flight", "records/s",
		       "min", "max", "MB/s", "p50 us", "p99 us", "CPU us", "batches");
	for (uint32_t i = 0; i < way_count; i++)
		print_way(&ways[i]);
	free(ways);
	return 0;
}
