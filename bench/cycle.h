/* The full cycle, send + receive + delete, between producers and consumers, on a queue and on the bare
 * ring. Even members produce, odd ones consume, each an equal share of the messages. */
#ifndef BENCH_CYCLE_H
#define BENCH_CYCLE_H

#include "bench/queue.h"
#include "bench/vyukov.h"

struct cycle {
	uint64_t count; /* messages a run; a multiple of the number of producers, and of consumers */
	uint32_t batch; /* messages a call; 1: the single calls */
	bool is_deep;	/* what is received was sent in an earlier run: only the count is checked */
	struct rlq_queue *queue;
	struct vyukov *ring;
};

/* One timed run by all members; every message is accounted for. Messages per second. */
double cycle_queue(struct team *team, uint32_t me, const struct cycle *cycle);
double cycle_ring(struct team *team, uint32_t me, const struct cycle *cycle);

#endif
