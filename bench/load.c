/* The canonical workload: one producer on a schedule, one consumer that waits, 64 B, open loop. The
 * latency of a message counts from the moment it was meant to be sent, so a stall is charged to all
 * that it delayed. BENCH_RATE in the environment asks for one rate, in messages a second. */
#include "bench/hist.h"
#include "bench/pair.h"
#include "bench/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECONDS = 5 };

static const uint64_t rates[] = {1000, 100000, 1000000};

struct task {
	struct place place;
	struct hist *hist;
	uint64_t rate, count;
};

struct body {
	uint64_t intended_ns;
	unsigned char rest[56];
};

static void produce(struct team *team, const struct task *task, struct rlq_queue *queue)
{
	uint64_t start = ns_now();
	uint32_t spins = 0;

	for (uint64_t i = 0; i < task->count; i++) {
		struct body body = {.intended_ns = start + i * 1000000000 / task->rate};
		int result;

		while (ns_now() < body.intended_ns)
			wait_a_little(team, &spins);
		while ((result = rlq_send(queue, &body, sizeof(body), NULL, NULL)) == RLQ_EFULL)
			wait_a_little(team, &spins);
		must(team, result, "send");
	}
}

static void consume(struct team *team, const struct task *task, struct rlq_queue *queue)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;

	options.wait_ms = 5000;
	for (uint64_t i = 0; i < task->count; i++) {
		struct rlq_message message;
		struct body body;
		uint64_t now;

		if (must(team, rlq_receive(queue, &message, 1, &options), "receive") != 1)
			team_fail(team, "message %llu did not come", (unsigned long long)i);
		now = ns_now();
		memcpy(&body, message.body, sizeof(body));
		hist_add(task->hist, now > body.intended_ns ? now - body.intended_ns : 0);
		must(team, rlq_delete(queue, &message.receipt), "delete");
	}
}

static void work(struct team *team, uint32_t me, void *context)
{
	struct task *task = context;
	struct opened opened = queue_open(team, &task->place, "bench");

	team_meet(team);
	if (me == 0)
		produce(team, task, opened.queue);
	else
		consume(team, task, opened.queue);
	team_meet(team);
	queue_close(&opened);
}

static bool play(uint64_t rate)
{
	struct task task = {.rate = rate, .hist = shared_memory(sizeof(struct hist))};
	struct team *team = team_new(2);
	char name[48];
	bool good;

	if (!team || !task.hist)
		return false;
	task.count = bench_options.quick ? 1000 : rate * SECONDS;
	place_open(&task.place, true);
	place_queue(&task.place, "bench", RLQ_CAPACITY_DEFAULT, 30000);
	good = team_run(team, work, &task);
	place_close(&task.place);
	snprintf(name, sizeof(name), "%llu msg/s", (unsigned long long)rate);
	if (good)
		hist_print(task.hist, name);
	team_free(team);
	return good;
}

int main(int argc, char **argv)
{
	const char *rate = getenv("BENCH_RATE");
	bool good = true;

	bench_start(argc, argv);
	report_title("open loop: latency from the intended send time to the return of a waiting receive");
	if (rate)
		return play(strtoull(rate, NULL, 10)) ? 0 : 1;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		good = play(rates[i]) && good;
	return good ? 0 : 1;
}
