/* One-way latency to a consumer that spins on rlq_receive(): from before the send to after the
 * receive, one message every GAP_NS, against the one-way time of a cache line. */
#include "bench/hist.h"
#include "bench/pair.h"
#include "bench/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GAP_NS = 3000, COUNT = 20000 };

struct body {
	uint64_t sent;
	unsigned char rest[56];
};

struct task {
	struct place place;
	struct pair pair;
	struct rlq_queue *queue;
	struct hist *block, *all;
	uint64_t *ticks; /* of each message of the block, the consumer's own */
	double share;
	uint32_t count;
};

static void produce(struct team *team, const struct task *task)
{
	uint64_t next = ns_now();
	uint32_t spins = 0;

	for (uint32_t i = 0; i < task->count; i++) {
		struct body body = {0};
		int result;

		next += GAP_NS;
		while (ns_now() < next)
			wait_a_little(team, &spins);
		body.sent = ticks_now();
		/* Full when the consumer was away for milliseconds; the time counts from the first try. */
		while ((result = rlq_send(task->queue, &body, sizeof(body), NULL, NULL)) == RLQ_EFULL)
			wait_a_little(team, &spins);
		must(team, result, "send");
	}
}

static void receive_all(struct team *team, const struct task *task)
{
	for (uint32_t i = 0; i < task->count; i++) {
		struct rlq_message message;
		struct body body;
		uint32_t spins = 0;
		uint64_t now;

		while (must(team, rlq_receive(task->queue, &message, 1, NULL), "receive") == 0)
			wait_a_little(team, &spins);
		now = ticks_now();
		memcpy(&body, message.body, sizeof(body));
		task->ticks[i] = now > body.sent ? now - body.sent : 0;
		must(team, rlq_delete(task->queue, &message.receipt), "delete");
	}
}

/* The counter's rate follows from how long the block took by either clock. */
static void consume(struct team *team, const struct task *task)
{
	uint64_t start_ns = ns_now(), start = ticks_now();
	double ns_a_tick;

	receive_all(team, task);
	ns_a_tick = (double)(ns_now() - start_ns) / (double)(ticks_now() - start);
	for (uint32_t i = 0; i < task->count; i++)
		hist_add(task->block, (uint64_t)((double)task->ticks[i] * ns_a_tick));
}

static double queue_block(struct team *team, uint32_t me, void *context)
{
	struct task *task = context;
	double value;

	team_meet(team);
	if (me == 0)
		produce(team, task);
	else
		consume(team, task);
	team_meet(team);
	value = (double)hist_at(task->block, task->share);
	team_meet(team);
	if (me == 1) {
		hist_merge(task->all, task->block);
		hist_clear(task->block);
	}
	team_meet(team);
	return value;
}

static double ping_block(struct team *team, uint32_t me, void *context)
{
	(void)context;
	return team_ping(team, me);
}

static void work(struct team *team, uint32_t me, void *context)
{
	struct task *task = context;
	struct opened opened = queue_open(team, &task->place, "bench");

	task->queue = opened.queue;
	task->ticks = calloc(task->count, sizeof(*task->ticks));
	if (!task->ticks)
		team_fail(team, "no memory");
	pair_play(team, me, &task->pair, queue_block, ping_block, task);
	free(task->ticks);
	queue_close(&opened);
}

static bool play(const struct place *place, const char *name, double share, double limit, double aim)
{
	if (!bench_wants(name))
		return true;
	struct task task = {
		.place = *place,
		.pair = {.name = name,
			 .unit = "ns",
			 .scale = 1,
			 .less_is_better = true,
			 .limit = limit,
			 .aim = aim,
			 .rounds = bench_options.quick ? 1 : 11},
		.block = shared_memory(sizeof(struct hist)),
		.all = shared_memory(sizeof(struct hist)),
		.share = share,
		.count = bench_options.quick ? 500 : COUNT,
	};
	bool good;

	if (!task.block || !task.all)
		return false;
	good = pair_run(&task.pair, 2, work, &task);
	hist_print(task.all, name);
	return good;
}

int main(int argc, char **argv)
{
	struct place place;
	bool good;

	bench_start(argc, argv);
	report_title("one-way latency, spinning consumer, a message every 3 us, against the ping-pong time");
	place_open(&place, true);
	place_queue(&place, "bench", 896, 30000);
	good = play(&place, "latency p50", 0.5, 5, 3);
	good = play(&place, "latency p99", 0.99, 0, 0) && good;
	good = play(&place, "latency p99.9", 0.999, 0, 0) && good;
	place_close(&place);
	return good ? 0 : 1;
}
