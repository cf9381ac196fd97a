/* A directory of queues for one benchmark: on tmpfs, with an engine beside, removed at the end. */
#ifndef BENCH_QUEUE_H
#define BENCH_QUEUE_H

#include "bench/team.h"
#include "ringlease.h"

struct place {
	char path[96];
	char data[96];	/* of the journal; "": none */
	int engine_pid; /* 0: none */
	int starter_pid;
};

/* Makes the directory and starts an engine in a process of its own. Ends the program on failure. */
void place_open(struct place *place, bool with_engine);
/* With an engine that journals, in a folder on a disk: below $BENCH_DATA or /var/tmp. */
void place_open_durable(struct place *place);
/* The engine ends, and what is in memory is gone. */
void place_reboot(struct place *place);
/* Does not wait for it. */
void place_start_engine(struct place *place);
/* Stops the engine and removes queues and directory. */
void place_close(struct place *place);

/* Creates a queue with room for `capacity` messages. */
void place_queue(const struct place *place, const char *name, uint64_t capacity, int64_t visibility_ms);

/* The same with these attributes. */
void place_queue_as(const struct place *place, const char *name, const struct rlq_queue_attributes *attributes);

/* As place_queue, RLQ_ASYNC or RLQ_SYNC: the engine may still be starting. */
void place_queue_durable(const struct place *place, const char *name, uint64_t capacity, uint32_t durability);

/* Capacity that gives a queue of exactly 2^order slots (7/8 of them hold messages). */
static inline uint64_t capacity_of(uint32_t order)
{
	return (UINT64_C(7) << order) / 8;
}

/* What a member holds open. */
struct opened {
	struct rlq_directory *directory;
	struct rlq_queue *queue;
};

/* Opens in this process; ends the program, or the team, on failure. */
struct opened queue_open(struct team *team, const struct place *place, const char *name);
void queue_close(struct opened *opened);

/* Sends `count` messages of 64 bytes; `lease_ms` > 0: and receives them all for so long. */
void queue_fill(struct team *team, struct rlq_queue *queue, uint64_t count, int64_t lease_ms);
/* Grows a queue to 2^order slots by filling it, empties it and waits until the small rings are gone.
 * Queues begin with 1,024 slots and go back to a small ring when they are nearly empty; so 1/50 of
 * the slots of a large one stay leased for an hour, the last ones filled. */
void queue_grow(struct rlq_queue *queue, uint32_t order);

/* Ends the program if a call says an error. Returns its result. */
int must(struct team *team, int result, const char *what);

#endif
