/* Full cycles of 64-byte messages on an `async` queue against a `memory` one, in the same processes. */
#include "bench/cycle.h"
#include "bench/pair.h"

#include <stdio.h>

/* Messages that wait all the time: sent long before they are deleted, so that each is written. */
enum { ORDER = 18, BEHIND = 150000, COUNT = 400000, BATCH_MOST = 64 };

struct setting {
	const char *name;
	uint32_t members, batch;
	bool is_behind;
	double limit;
};

/* One process on one core leaves the other to the journal. */
static const struct setting settings[] = {
	{"a core to spare, elided, one a call", 1, 1, false, 0.7},
	{"a core to spare, elided, batches of 10", 1, 10, false, 0.7},
	{"a core to spare, behind, one a call", 1, 1, true, 0.7},
	{"a core to spare, behind, batches of 10", 1, 10, true, 0.7},
	{"1P1C on two cores, elided, one a call", 2, 1, false, 0.4},
	{"1P1C on two cores, elided, batches of 10", 2, 10, false, 0.4},
	{"1P1C on two cores, behind, one a call", 2, 1, true, 0.4},
	{"1P1C on two cores, behind, batches of 10", 2, 10, true, 0.4},
};

struct task {
	struct pair pair;
	struct cycle cycle;
	struct rlq_queue *async, *memory;
};

static struct place place;

static void send_some(struct rlq_queue *queue, uint32_t batch)
{
	static const unsigned char body[VYUKOV_PAYLOAD];
	struct rlq_send_entry entries[BATCH_MOST];

	if (batch == 1) {
		must(NULL, rlq_send(queue, body, sizeof(body), NULL, NULL), "send");
		return;
	}
	for (uint32_t i = 0; i < batch; i++)
		entries[i] =
			(struct rlq_send_entry){.body = body, .body_bytes = sizeof(body), .delay_ms = RLQ_DEFAULT};
	must(NULL, rlq_send_batch(queue, entries, batch, NULL, NULL), "send");
}

static void take_some(struct rlq_queue *queue, uint32_t batch)
{
	struct rlq_message messages[BATCH_MOST];
	struct rlq_receipt receipts[BATCH_MOST];
	int got = must(NULL, rlq_receive(queue, messages, batch, NULL), "receive");

	for (int i = 0; i < got; i++)
		receipts[i] = messages[i].receipt;
	if (got == 1)
		must(NULL, rlq_delete(queue, &receipts[0]), "delete");
	else
		must(NULL, rlq_delete_batch(queue, receipts, (size_t)got, NULL), "delete");
	if ((uint32_t)got != batch)
		must(NULL, RLQ_EDAMAGED, "a message is missing");
}

/* Messages per second; one process, or a producer and a consumer. */
static double play(struct team *team, uint32_t me, struct task *task, struct rlq_queue *queue)
{
	double start;

	task->cycle.queue = queue;
	if (team->members > 1)
		return cycle_queue(team, me, &task->cycle);
	start = seconds_now();
	for (uint64_t i = 0; i < task->cycle.count; i += task->cycle.batch) {
		send_some(queue, task->cycle.batch);
		take_some(queue, task->cycle.batch);
	}
	return (double)task->cycle.count / (seconds_now() - start);
}

static double subject(struct team *team, uint32_t me, void *context)
{
	return play(team, me, context, ((struct task *)context)->async);
}

static double yardstick(struct team *team, uint32_t me, void *context)
{
	return play(team, me, context, ((struct task *)context)->memory);
}

static void work(struct team *team, uint32_t me, void *context)
{
	struct task *task = context;
	struct opened async = queue_open(team, &place, "async"), memory = queue_open(team, &place, "memory");

	task->async = async.queue;
	task->memory = memory.queue;
	pair_play(team, me, &task->pair, subject, yardstick, task);
	queue_close(&async);
	queue_close(&memory);
}

/* Both queues with so many messages waiting. */
static void open_queues(uint64_t waiting)
{
	const char *const names[] = {"async", "memory"};

	place_open_durable(&place);
	place_queue_durable(&place, "async", capacity_of(ORDER), RLQ_ASYNC);
	place_queue(&place, "memory", capacity_of(ORDER), 3600000);
	for (size_t i = 0; i < 2; i++) {
		struct opened opened = queue_open(NULL, &place, names[i]);

		if (!bench_options.quick)
			queue_grow(opened.queue, ORDER);
		if (waiting > 0)
			queue_fill(NULL, opened.queue, waiting, 0);
		queue_close(&opened);
	}
}

static bool play_setting(const struct setting *setting)
{
	struct task task = {
		.pair = {.name = setting->name,
			 .unit = "M/s",
			 .scale = 1e-6,
			 .limit = setting->limit,
			 .rounds = bench_options.rounds},
		.cycle = {.count = bench_options.quick ? 2000 : COUNT,
			  .batch = setting->batch,
			  .is_deep = setting->is_behind},
	};
	bool good;

	open_queues(!setting->is_behind ? 0 : bench_options.quick ? 2000 : BEHIND);
	good = pair_run(&task.pair, setting->members, work, &task);
	place_close(&place);
	return good;
}

int main(int argc, char **argv)
{
	bool good = true;

	bench_start(argc, argv);
	report_title("async queues against memory queues: send + receive + delete, 64 B");
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (bench_wants(settings[i].name))
			good = play_setting(&settings[i]) && good;
	return good ? 0 : 1;
}
