/* Full cycles of 64-byte messages against the bare ring with the same number of slots. */
#include "bench/cycle.h"
#include "bench/pair.h"

#include <stdio.h>
#include <sys/mman.h>

struct setting {
	const char *name;
	uint32_t order, batch, members;
	double limit, aim;
};

static const struct setting settings[] = {
	{"1P1C, one a call, N=1024", 10, 1, 2, 0.5, 0.8},     {"1P1C, one a call, N=2^20", 20, 1, 2, 0.5, 0.8},
	{"1P1C, batches of 10, N=1024", 10, 10, 2, 0.8, 1.2}, {"1P1C, batches of 10, N=2^20", 20, 10, 2, 0.8, 1.2},
	{"1P1C, batches of 64, N=1024", 10, 64, 2, 0.8, 1.2}, {"1P1C, batches of 64, N=2^20", 20, 64, 2, 0.8, 1.2},
	{"2P2C, one a call, N=1024", 10, 1, 4, 0.5, 0},	      {"2P2C, one a call, N=2^20", 20, 1, 4, 0.5, 0},
};

struct task {
	struct pair pair;
	struct place place;
	struct cycle cycle;
	uint32_t order;
};

static double subject(struct team *team, uint32_t me, void *context)
{
	return cycle_queue(team, me, &((struct task *)context)->cycle);
}

static double yardstick(struct team *team, uint32_t me, void *context)
{
	return cycle_ring(team, me, &((struct task *)context)->cycle);
}

static void work(struct team *team, uint32_t me, void *context)
{
	struct task *task = context;
	struct opened opened = queue_open(team, &task->place, "bench");

	touch(task->cycle.ring, vyukov_bytes(task->order));
	task->cycle.queue = opened.queue;
	pair_play(team, me, &task->pair, subject, yardstick, task);
	queue_close(&opened);
}

/* A run must go round the ring once, so that the warm-up touches every slot. */
static uint64_t messages(const struct setting *setting, uint32_t order)
{
	if (bench_options.quick)
		return UINT64_C(2) << order;
	return setting->order > 10 ? UINT64_C(3) << 20 : UINT64_C(1) << 20;
}

static bool play(const struct setting *setting)
{
	uint32_t order = bench_options.quick && setting->order > 12 ? 12 : setting->order;
	struct task task = {
		.pair = {.name = setting->name,
			 .unit = "M/s",
			 .scale = 1e-6,
			 .limit = setting->limit,
			 .aim = setting->aim,
			 .rounds = bench_options.rounds},
		.cycle = {.count = messages(setting, order), .batch = setting->batch},
		.order = order,
	};
	struct opened opened;
	bool good;

	task.cycle.ring = shared_memory(vyukov_bytes(order));
	if (!task.cycle.ring) {
		fprintf(stderr, "throughput: no memory\n");
		return false;
	}
	vyukov_start(task.cycle.ring, order);
	place_open(&task.place, true);
	place_queue(&task.place, "bench", capacity_of(order), 3600000);
	opened = queue_open(NULL, &task.place, "bench");
	queue_grow(opened.queue, order);
	queue_close(&opened);
	good = pair_run(&task.pair, setting->members, work, &task);
	place_close(&task.place);
	munmap(task.cycle.ring, vyukov_bytes(order));
	return good;
}

int main(int argc, char **argv)
{
	bool good = true;

	bench_start(argc, argv);
	report_title("throughput: send + receive + delete, 64 B, against the bare ring, one message a call");
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (bench_wants(settings[i].name))
			good = play(&settings[i]) && good;
	return good ? 0 : 1;
}
