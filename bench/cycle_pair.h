/* The full cycle on two queues of one place, by turns: a subject and its yardstick. */
#ifndef BENCH_CYCLE_PAIR_H
#define BENCH_CYCLE_PAIR_H

#include "bench/cycle.h"
#include "bench/pair.h"

struct cycle_pair {
	struct pair pair;
	struct place place;
	const char *subject_name, *yardstick_name; /* of the queues */
	struct cycle subject, yardstick;
};

/* As pair_run(). The queues are there. */
bool cycle_pair_run(struct cycle_pair *both, uint32_t members);

#endif
