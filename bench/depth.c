/* What depth costs: full cycles on a queue with 1 M messages waiting, and on one with half of its
 * slots leased for an hour, against an empty queue with the same number of slots, and, for
 * orientation, against an empty one of 1,024. */
#include "bench/cycle_pair.h"

enum { BIG_ORDER = 21, SMALL_ORDER = 10, WAITING = 1000000 };

static uint32_t big_order(void)
{
	return bench_options.quick ? 14 : BIG_ORDER;
}

static void make_queue(const struct place *place, const char *name, uint32_t order, uint64_t fill, int64_t lease_ms)
{
	struct opened opened;

	place_queue(place, name, capacity_of(order), 3600000);
	opened = queue_open(NULL, place, name);
	queue_grow(opened.queue, order);
	queue_fill(NULL, opened.queue, fill, lease_ms);
	queue_close(&opened);
}

static bool play(struct place *place, const char *name, const char *deep, const char *empty, double limit)
{
	if (!bench_wants(name))
		return true;
	uint64_t count = bench_options.quick ? 2 << 14 : UINT64_C(9) << 18;
	struct cycle_pair both = {
		.pair = {.name = name,
			 .unit = "M/s",
			 .scale = 1e-6,
			 .limit = limit,
			 .rounds = bench_options.rounds},
		.place = *place,
		.subject_name = deep,
		.yardstick_name = empty,
		.subject = {.count = count, .batch = 1, .is_deep = true},
		.yardstick = {.count = count, .batch = 1},
	};

	return cycle_pair_run(&both, 2);
}

int main(int argc, char **argv)
{
	struct place place;
	uint64_t waiting;
	bool good;

	bench_start(argc, argv);
	report_title("depth: one producer, one consumer, one a call; a ratio of 0.67 is 1.5 times the cost");
	waiting = bench_options.quick ? 7000 : WAITING;
	place_open(&place, true);
	make_queue(&place, "waiting", big_order(), waiting, 0);
	make_queue(&place, "leased", big_order(), UINT64_C(1) << (big_order() - 1), 3600000);
	make_queue(&place, "empty", big_order(), 0, 0);
	make_queue(&place, "small", SMALL_ORDER, 0, 0);
	good = play(&place, "1 M waiting / empty, same N", "waiting", "empty", 1 / 1.5);
	good = play(&place, "half leased / empty, same N", "leased", "empty", 1 / 1.5) && good;
	good = play(&place, "1 M waiting / empty, N=1024", "waiting", "small", 0) && good;
	good = play(&place, "half leased / empty, N=1024", "leased", "small", 0) && good;
	place_close(&place);
	return good ? 0 : 1;
}
