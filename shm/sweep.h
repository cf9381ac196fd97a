/* The sweep: a walk over all slots of a queue, in steps, for what leaves no hint. Orphans of dead handles, lost
 * bits and hints, retention, DEAD messages, unfinished moves, blocks, the count of live messages, rings. */
#ifndef SEG_SWEEP_H
#define SEG_SWEEP_H

#include "shm/fifo.h"
#include "shm/segment.h"

/* Where a sweep stands; private to who sweeps. Zeroed is a good start. */
struct sweep {
	bool is_running;
	bool is_running_next; /* to begin with the next step */
	uint32_t position;    /* in the list of rings */
	uint32_t ring_id;
	uint32_t slot;
	uint64_t counted;    /* live messages met */
	uint64_t walked;     /* slots looked at */
	uint64_t mark;	     /* activity when it began */
	uint64_t oldest_ms;  /* earliest sent_ms met; UINT64_MAX */
	uint64_t overdue_ms; /* when the first used-up message is to be moved, boot clock */
	uint64_t blocks;     /* cursor of body_sweep_step */
	uint64_t last_ms;    /* when the last one ended, boot clock */
	uint64_t last_mark;  /* activity then */
	uint64_t due_ms;     /* when retention ends for the oldest, or a message is overdue, boot clock */
	uint32_t retries;    /* sweeps in a row that nothing but `unsettled` has asked for */
	uint32_t cost;	     /* slots walked in this step, and what else it did counted as slots */
	int dlq_error;	     /* why a dead letter could not be moved; the rest of this sweep tries no more */
	bool unsettled;	     /* something was left for the next one */
	bool is_paused;	     /* until the journal has what was moved: due again at due_ms */
	struct fifo_care care;
};

enum { SWEEP_EVERY_MS = 1000 };

/* Is a sweep asked for: running, or 1 s since the last and something has moved, or a message's time is up?
 * What could not be settled is tried again after 1, 2, 4 .. 8 s; what leaves no trace (somebody stopped
 * between a lease and its hint, a ring emptied by who let go) is looked for every 10 s. Both are put off in
 * a large queue, for the walk over its slots. */
bool seg_sweep_is_due(struct segment *segment, const struct sweep *sweep);

/* Looks at up to `budget` slots. True while the sweep goes on. Outside enter and leave. */
bool seg_sweep_step(struct segment *segment, struct sweep *sweep, uint32_t budget);

#endif
