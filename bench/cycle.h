/* The full cycle, send + receive + delete, between producers and consumers, on a queue and on the bare
 * ring. Even members produce, odd ones consume, each an equal share of the messages. */
#ifndef BENCH_CYCLE_H
#define BENCH_CYCLE_H

#include "bench/queue.h"
#include "bench/vyukov.h"

struct cycle {
	uint64_t count;	     /* messages a run; a multiple of the number of producers, and of consumers */
	uint32_t batch;	     /* messages a call; 1: the single calls */
	bool is_deep;	     /* what is received was sent in an earlier run: only the count is checked */
	bool is_fifo;	     /* messages are sent with ids */
	bool is_fair;	     /* with group ids only, to a standard queue */
	uint32_t body_bytes; /* 8 .. 64; 0: 64 */
	uint32_t groups;     /* of the messages, going round; ids are made, sent or not. 0: none are */
	struct rlq_queue *queue;
	struct vyukov *ring;
};

/* The ids of message `number`: for a queue that takes some, and as the same work for one that does not. */
struct labels {
	char group[8], dedup[20];
};
/* Once in a process. */
void labels_begin(void);
void labels_make(const struct cycle *cycle, uint64_t number, struct labels *ret_labels);

/* One timed run by all members; every message is accounted for. Messages per second. */
double cycle_queue(struct team *team, uint32_t me, const struct cycle *cycle);
double cycle_ring(struct team *team, uint32_t me, const struct cycle *cycle);

/* Sends `count` messages in batches to start from; receives and deletes all that are there, and says how many. */
void cycle_fill(const struct cycle *cycle, uint64_t count);
uint64_t cycle_drain(const struct cycle *cycle);

#endif
