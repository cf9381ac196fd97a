/* `sync` queues against the disk's floor, in one run: the same bytes, written and flushed by the best way found,
 * and no queue (bench/floor.h). Subject and floor alternate. */
#include "bench/floor.h"
#include "bench/pair.h"
#include "bench/queue.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	PRODUCERS = 16,
	BODY_MAX = 1024,
	ORDER = 16, /* of the queue's ring */
	CAPACITY = 50000,
	/* Sent before all is taken away again. */
	CHUNK_MESSAGES = 40000,
	CHUNK_BYTES = 16 << 20,
	CHUNKS = 8,
};

/* The best ways, as docs/adr/0009-disk.md found. */
static const char *const one_flush_method = "direct: write DSYNC";
static const char *const many_method = "direct uring: write DSYNC";

static struct place place;
static const char *floor_folder;
static unsigned char body[BODY_MAX];

/* CPU seconds of this process and of the engine. */
static double cpu_now(void)
{
	struct timespec own = {0}, engine = {0};
	clockid_t clock;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
	if (clock_getcpuclockid(place.engine_pid, &clock) == 0)
		clock_gettime(clock, &engine);
	return (double)(own.tv_sec + engine.tv_sec) + (double)(own.tv_nsec + engine.tv_nsec) / 1e9;
}

/* ---- producers -------------------------------------------------------------------------------- */

struct producer {
	pthread_t thread;
	struct opened opened;
	uint32_t batch, body_bytes;
	uint64_t calls, done; /* to make; messages acknowledged */
	double end;	      /* instead of calls */
	struct hist *times;   /* of each call; NULL: nowhere */
};

static void send_once(struct producer *producer, const struct rlq_send_entry *entries)
{
	uint64_t before = ns_now();

	if (producer->batch == 1) {
		must(NULL, rlq_send(producer->opened.queue, body, producer->body_bytes, NULL, NULL), "send");
		producer->done++;
	} else {
		producer->done += (uint64_t)must(
			NULL, rlq_send_batch(producer->opened.queue, entries, producer->batch, NULL, NULL), "send");
	}
	if (producer->times)
		hist_add(producer->times, ns_now() - before);
}

static void *produce(void *context)
{
	struct producer *producer = context;
	struct rlq_send_entry entries[RLQ_BATCH_MAX];

	for (uint32_t i = 0; i < producer->batch; i++)
		entries[i] = (struct rlq_send_entry){
			.body = body, .body_bytes = producer->body_bytes, .delay_ms = RLQ_DEFAULT};
	for (uint64_t i = 0; producer->end > 0 ? seconds_now() < producer->end : i < producer->calls; i++)
		send_once(producer, entries);
	return NULL;
}

/* So many are received and deleted; not purged, for that would take away what keeps the ring large. */
static void take_away(struct rlq_queue *queue, uint64_t count)
{
	static struct rlq_message messages[RLQ_BATCH_MAX];
	static struct rlq_receipt receipts[RLQ_BATCH_MAX];

	while (count > 0) {
		int got = must(NULL, rlq_receive(queue, messages, RLQ_BATCH_MAX, NULL), "receive");

		for (int i = 0; i < got; i++)
			receipts[i] = messages[i].receipt;
		count -= (uint64_t)got;
		if (got > 0)
			must(NULL, rlq_delete_batch(queue, receipts, (size_t)got, NULL), "delete");
	}
}

/* Their handles stay open, so that no page is touched for the first time while time is taken. */
static void open_producers(struct producer *producers, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		producers[i].opened = queue_open(NULL, &place, "durable");
}

static void close_producers(struct producer *producers, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		queue_close(&producers[i].opened);
}

struct produced {
	uint64_t messages; /* acknowledged */
	double seconds, cpu_seconds;
};

/* So many producers, of so many calls each or so long. What they sent is gone afterwards, as with consumers that
 * keep up. */
static void produce_all(struct producer *producers, uint32_t count, const struct producer *each, double seconds,
			struct produced *sum)
{
	double start = seconds_now(), cpu = cpu_now();
	uint64_t messages = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct opened opened = producers[i].opened;

		producers[i] = *each;
		producers[i].opened = opened;
		producers[i].end = seconds > 0 ? start + seconds : 0;
		if (pthread_create(&producers[i].thread, NULL, produce, &producers[i]) != 0)
			exit(1);
	}
	for (uint32_t i = 0; i < count; i++)
		pthread_join(producers[i].thread, NULL);
	sum->seconds += seconds_now() - start;
	sum->cpu_seconds += cpu_now() - cpu;
	for (uint32_t i = 0; i < count; i++)
		messages += producers[i].done;
	sum->messages += messages;
	take_away(producers[0].opened.queue, messages);
}

/* ---- the floor -------------------------------------------------------------------------------- */

static struct floor *open_floor(const char *name, const struct floor_shape *shape)
{
	for (uint32_t i = 0; i < floor_method_count; i++)
		if (strcmp(floor_methods[i].name, name) == 0)
			return floor_open(floor_folder, &floor_methods[i], shape);
	return NULL;
}

/* The kernel may refuse io_uring. */
static struct floor *best_floor(const struct floor_shape *shape)
{
	struct floor_shape plain = *shape;
	struct floor *floor = open_floor(shape->in_flight > 1 ? many_method : one_flush_method, shape);

	plain.in_flight = 1;
	return floor ? floor : open_floor(one_flush_method, &plain);
}

/* ---- pairs ------------------------------------------------------------------------------------ */

static uint64_t scaled(uint64_t count)
{
	return bench_options.quick ? 1 + count / 500 : count;
}

static void note(struct team *team, uint32_t round, double subject, double yardstick)
{
	if (round == 0)
		return; /* thrown away */
	team->samples[round - 1] = (struct pair_sample){.subject = subject, .yardstick = yardstick};
	team->sample_count = round;
}

static bool one_at_a_time(struct team *team)
{
	const struct pair middle = {.name = "sync send of 128 B, one at a time, p50",
				    .unit = "us",
				    .scale = 1e-3,
				    .less_is_better = true,
				    .limit = 1.3},
			  tail = {.name = "the same, p99",
				  .unit = "us",
				  .scale = 1e-3,
				  .less_is_better = true,
				  .limit = 1.5};
	const struct floor_shape shape = {.in_flight = 1, .batch_bytes = 4096, .body_bytes = 128};
	static struct hist times, floor_times, all, floor_all;
	struct producer producer, one = {.batch = 1, .body_bytes = 128, .calls = scaled(2000), .times = &times};
	double tails[TEAM_SAMPLES][2];
	struct produced produced = {0};
	bool good;

	if (!bench_wants(middle.name))
		return true;
	open_producers(&producer, 1);
	for (uint32_t round = 0; round <= bench_options.rounds; round++) {
		struct floor *floor = best_floor(&shape);

		hist_clear(&times);
		hist_clear(&floor_times);
		produce_all(&producer, 1, &one, 0, &produced);
		floor_run(floor, 1e9, one.calls, &floor_times);
		floor_close(floor);
		note(team, round, (double)hist_at(&times, 0.5), (double)hist_at(&floor_times, 0.5));
		if (round == 0)
			continue;
		hist_merge(&all, &times);
		hist_merge(&floor_all, &floor_times);
		tails[round - 1][0] = (double)hist_at(&times, 0.99);
		tails[round - 1][1] = (double)hist_at(&floor_times, 0.99);
	}
	close_producers(&producer, 1);
	good = pair_report(&middle, team);
	for (uint32_t round = 1; round <= bench_options.rounds; round++)
		note(team, round, tails[round - 1][0], tails[round - 1][1]);
	good = pair_report(&tail, team) && good;
	hist_print(&all, "sync send");
	hist_print(&floor_all, "one flush of the floor");
	return good;
}

static bool many_alone(struct team *team)
{
	const struct pair pair = {
		.name = "16 producers, one at a time each", .unit = "k/s", .scale = 1e-3, .limit = 0.6};
	const struct floor_shape shape = {.in_flight = 1, .batch_bytes = 4096, .body_bytes = 128};
	const struct producer each = {.batch = 1, .body_bytes = 128};
	struct producer producers[PRODUCERS];
	double seconds = bench_options.quick ? 0.02 : 0.5;

	if (!bench_wants(pair.name))
		return true;
	open_producers(producers, PRODUCERS);
	for (uint32_t round = 0; round <= bench_options.rounds; round++) {
		struct floor *floor = best_floor(&shape);
		struct produced produced = {0};
		struct floor_figures figures;

		produce_all(producers, PRODUCERS, &each, seconds, &produced);
		figures = floor_run(floor, seconds, 0, NULL);
		floor_close(floor);
		note(team, round, (double)produced.messages / produced.seconds,
		     PRODUCERS * (double)figures.batches / figures.seconds);
	}
	close_producers(producers, PRODUCERS);
	return pair_report(&pair, team);
}

static uint64_t calls_of_chunk(size_t bytes, uint32_t messages)
{
	uint64_t calls = CHUNK_BYTES / bytes, most = CHUNK_MESSAGES / messages;

	return bench_options.quick ? 1 : calls < most ? calls : most;
}

/* Each producer sends as many messages a call as fill so many bytes of the journal, and waits; for those that are
 * more than fit into a call there are as many more producers. */
static bool in_batches(struct team *team, const char *name, uint32_t body_bytes, size_t batch_bytes,
		       uint32_t in_flight)
{
	struct pair pair = {.name = name, .unit = "k/s", .scale = 1e-3, .limit = 0.8};
	const struct floor_shape shape = {
		.in_flight = in_flight, .batch_bytes = batch_bytes, .body_bytes = body_bytes};
	uint32_t want = floor_records(&shape), parts = (want + RLQ_BATCH_MAX - 1) / RLQ_BATCH_MAX;
	struct producer each = {.batch = want / parts, .body_bytes = body_bytes}, producers[PRODUCERS];
	uint32_t count = parts * in_flight, chunks = bench_options.quick ? 1 : CHUNKS;
	struct produced all = {0};
	struct floor_figures floor_all = {0};
	bool good;

	if (!bench_wants(name))
		return true;
	each.calls = calls_of_chunk(batch_bytes * in_flight, each.batch * count);
	open_producers(producers, count);
	for (uint32_t round = 0; round <= bench_options.rounds; round++) {
		struct floor *floor = best_floor(&shape);
		struct produced produced = {0};
		struct floor_figures figures;

		for (uint32_t i = 0; i < chunks; i++)
			produce_all(producers, count, &each, 0, &produced);
		figures = floor_run(floor, 1e9, each.calls * in_flight * chunks, NULL);
		floor_close(floor);
		all.messages += produced.messages;
		all.cpu_seconds += produced.cpu_seconds;
		floor_all.records += figures.records;
		floor_all.cpu_seconds += figures.cpu_seconds;
		note(team, round, (double)produced.messages / produced.seconds,
		     (double)figures.records / figures.seconds);
	}
	close_producers(producers, count);
	good = pair_report(&pair, team);
	figure_report("  CPU a message, producers and engine", all.cpu_seconds / (double)all.messages * 1e9, "ns",
		      "stated", true);
	figure_report("  CPU a record, floor", floor_all.cpu_seconds / (double)floor_all.records * 1e9, "ns",
		      "stated", true);
	return good;
}

static void open_queue(void)
{
	struct opened opened;

	place_queue_durable(&place, "durable", CAPACITY, RLQ_SYNC);
	opened = queue_open(NULL, &place, "durable");
	if (!bench_options.quick)
		queue_grow(opened.queue, ORDER);
	queue_close(&opened);
}

int main(int argc, char **argv)
{
	struct team *team;
	bool good;

	bench_start(argc, argv);
	floor_folder = getenv("BENCH_DATA") ? getenv("BENCH_DATA") : "/var/tmp";
	team = team_new(1);
	if (!team)
		return 1;
	report_title("sync queues against the floor of the disk: the same frames, flushed, and no queue");
	place_open_durable(&place);
	open_queue();
	good = one_at_a_time(team);
	good = many_alone(team) && good;
	good = in_batches(team, "batches of 64 KiB, 128 B", 128, 64 << 10, 1) && good;
	good = in_batches(team, "batches of 64 KiB, 1 KiB", 1024, 64 << 10, 1) && good;
	good = in_batches(team, "batches of 64 KiB, 128 B, 2 in flight", 128, 64 << 10, 2) && good;
	good = in_batches(team, "batches of 64 KiB, 1 KiB, 2 in flight", 1024, 64 << 10, 2) && good;
	good = in_batches(team, "batches of 1 MiB, 128 B", 128, 1 << 20, 1) && good;
	good = in_batches(team, "batches of 1 MiB, 1 KiB", 1024, 1 << 20, 1) && good;
	good = in_batches(team, "batches of 1 MiB, 128 B, 2 in flight", 128, 1 << 20, 2) && good;
	good = in_batches(team, "batches of 1 MiB, 1 KiB, 2 in flight", 1024, 1 << 20, 2) && good;
	place_close(&place);
	team_free(team);
	return good ? 0 : 1;
}
