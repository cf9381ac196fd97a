/* Groups that can be served, first in, first out: a ring of tokens. A token is the ring and slot of a message that was
 * the head of its group and READY when it was pushed. Tokens are hints (R1): one may be lost or doubled, and is looked
 * at before it is believed.
 *
 *   cell   EMPTY(lap) -> FULL(lap, token) -> EMPTY(lap + 1)     a push and a pop, one CAS each
 *          EMPTY(lap) -> EMPTY(lap + 1)                         passed: its pusher is slow, and tries again
 *
 * Progress: lock-free. A pusher that is killed or stopped between its ticket and its CAS costs one pass.
 */
#ifndef RL_READY_H
#define RL_READY_H

#include "ring/fifo.h"

struct ready {
	struct ring_ends *ends; /* tail: next ticket; head: next to be popped. Both rise only */
	atomic_u64 *cells;	/* 2^order; zeroed memory is empty */
	uint32_t order;
};

static inline size_t ready_bytes(uint32_t order)
{
	return sizeof(atomic_u64) << order;
}

/* Pushes the slot of `link`. Its ticket, from 1; 0: the ring is full, or pushing failed again and again. */
uint64_t ready_push(const struct ready *ready, uint64_t link);

/* Takes the first token: its ring and slot as a link without generation; 0: there is none. */
uint64_t ready_pop(const struct ready *ready);

/* Has the ring passed this ticket, so that its token was taken or lost? */
bool ready_has_passed(const struct ready *ready, uint64_t ticket);

/* Is there any token? [E2] asked before a consumer sleeps. */
bool ready_any(const struct ready *ready);

#endif
