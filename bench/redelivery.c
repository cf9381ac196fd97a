/* How late do messages come back whose lease has ended? With an engine, 1 M leases outstanding, 1,000
 * of them due in each millisecond; then 1 M due in the same millisecond. */
#include "bench/hist.h"
#include "bench/pair.h"
#include "bench/queue.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 1000, LEAD_MS = 3000, HOUR_MS = 3600000, LATE_LIMIT_MS = 10 };
#define PATIENCE_NS UINT64_C(20000000000)

struct scene {
	struct place place;
	struct opened opened;
	struct rlq_message *messages;
	uint64_t *due_ns; /* by message number */
	uint64_t count;
};

/* The clock of leases. */
static uint64_t boot_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void send_numbers(struct scene *scene)
{
	struct rlq_send_entry entries[BATCH];
	uint64_t bodies[BATCH][8] = {0};

	for (int i = 0; i < BATCH; i++)
		entries[i] = (struct rlq_send_entry){
			.body = bodies[i], .body_bytes = sizeof(bodies[i]), .delay_ms = RLQ_DEFAULT};
	for (uint64_t number = 0; number < scene->count; number += BATCH) {
		for (int i = 0; i < BATCH; i++)
			bodies[i][0] = number + (uint64_t)i;
		if (must(NULL, rlq_send_batch(scene->opened.queue, entries, BATCH, NULL, NULL), "send") != BATCH) {
			fprintf(stderr, "redelivery: a batch was not sent whole\n");
			exit(1);
		}
	}
}

static uint64_t number_of(const struct scene *scene, const struct rlq_message *message)
{
	uint64_t number;

	memcpy(&number, message->body, sizeof(number));
	if (number >= scene->count) {
		fprintf(stderr, "redelivery: no message has number %llu\n", (unsigned long long)number);
		exit(1);
	}
	return number;
}

/* Leases all messages; batch k until start + LEAD_MS + k * step_ms. */
static void lease_all(struct scene *scene, uint64_t step_ms)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	uint64_t start_ms = boot_ns() / 1000000, leased = 0;

	for (uint64_t k = 0; leased < scene->count; k++) {
		uint64_t now_ns = boot_ns();
		int got;

		options.visibility_ms = (int64_t)(start_ms + LEAD_MS + k * step_ms - now_ns / 1000000);
		if (options.visibility_ms < 1) {
			fprintf(stderr, "redelivery: leasing took too long; the machine is too busy\n");
			exit(1);
		}
		got = must(NULL, rlq_receive(scene->opened.queue, scene->messages, BATCH, &options), "receive");
		for (int i = 0; i < got; i++)
			scene->due_ns[number_of(scene, &scene->messages[i])] =
				now_ns + (uint64_t)options.visibility_ms * 1000000;
		leased += (uint64_t)got;
	}
}

/* Receives what comes back, leasing it for an hour, so that 1 M leases stay outstanding. */
static void take_back(struct scene *scene, struct hist *late)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	uint64_t taken = 0;

	options.visibility_ms = HOUR_MS;
	options.wait_ms = 5000;
	while (taken < scene->count) {
		int got = must(NULL, rlq_receive(scene->opened.queue, scene->messages, BATCH, &options), "receive");
		uint64_t now = boot_ns();

		if (got == 0) {
			fprintf(stderr, "redelivery: %llu messages have not come back\n",
				(unsigned long long)(scene->count - taken));
			exit(1);
		}
		for (int i = 0; i < got; i++) {
			uint64_t due = scene->due_ns[number_of(scene, &scene->messages[i])];

			if (now < due) {
				fprintf(stderr, "redelivery: a message came back before its lease had ended\n");
				exit(1);
			}
			hist_add(late, now - due);
		}
		taken += (uint64_t)got;
	}
}

static uint64_t visible(struct scene *scene)
{
	struct rlq_queue_stat stat = {.size = sizeof(stat)};

	must(NULL, rlq_queue_stat(scene->opened.queue, &stat), "stat");
	return stat.visible;
}

static void scene_start(struct scene *scene)
{
	place_open(&scene->place, true);
	place_queue(&scene->place, "bench", capacity_of(21), HOUR_MS);
	scene->opened = queue_open(NULL, &scene->place, "bench");
	send_numbers(scene);
}

static void scene_end(struct scene *scene)
{
	queue_close(&scene->opened);
	place_close(&scene->place);
}

static bool spread(struct scene *scene)
{
	struct hist late;
	double p99;

	hist_clear(&late);
	scene_start(scene);
	lease_all(scene, 1);
	take_back(scene, &late);
	scene_end(scene);
	hist_print(&late, "late, 1,000 due per ms");
	p99 = (double)hist_at(&late, 0.99) / 1e6;
	figure_report("redelivery p99 after the lease has ended", p99, "ms", "10 ms", p99 <= LATE_LIMIT_MS);
	return p99 <= LATE_LIMIT_MS;
}

static bool at_once(struct scene *scene)
{
	uint64_t last = 0;
	struct timespec at;
	double took;

	scene_start(scene);
	lease_all(scene, 0);
	for (uint64_t i = 0; i < scene->count; i++)
		last = scene->due_ns[i] > last ? scene->due_ns[i] : last;
	at = (struct timespec){.tv_sec = (time_t)(last / 1000000000), .tv_nsec = (long)(last % 1000000000)};
	while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
	while (visible(scene) < scene->count && boot_ns() < last + PATIENCE_NS)
		sched_yield();
	took = (double)(boot_ns() - last) / 1e6;
	scene_end(scene);
	figure_report("all due in one ms: until all are visible", took, "ms", "1000 ms", took <= 1000);
	return took <= 1000;
}

int main(int argc, char **argv)
{
	struct scene scene;
	bool good;

	bench_start(argc, argv);
	scene.count = bench_options.quick ? 10000 : 1000000;
	scene.messages = malloc(BATCH * sizeof(*scene.messages));
	scene.due_ns = calloc(scene.count, sizeof(*scene.due_ns));
	if (!scene.messages || !scene.due_ns)
		return 1;
	report_title("redelivery with an engine, 1 M leases outstanding");
	good = spread(&scene);
	good = at_once(&scene) && good;
	free(scene.messages);
	free(scene.due_ns);
	return good || bench_options.quick ? 0 : 1;
}
