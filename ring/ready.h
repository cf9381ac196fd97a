/* Groups that can be served, first in, first out: a ring of tokens. A token is the ring and slot of a message that
 * was the head of its group and READY when it was pushed. Tokens are hints (R1): one may be lost or doubled, and is
 * looked at before it is believed.
 *
 *   cell   lap | full | token
 *
 *          EMPTY(lap) -> FULL(lap, token) -> EMPTY(lap + 1)     a push and a pop, one CAS each
 *          EMPTY(lap) -> EMPTY(lap + 1)                         passed: its pusher is slow, and tries again
 *
 *   push     ticket from tail, then its cell           killed between them: the cell is passed
 *   pop      cell at head, then head + 1               killed between them: the next one moves head; the token is
 * lost
 *
 * The cell decides; tail and head say where to look. A ticket whose cell is not EMPTY(its lap) any more is of no
 * use: it was passed, or is of another lap because more took tickets at once than there was room for. Cells of a
 * lap that cannot be (damage) are passed too.
 *
 * Progress: lock-free. A pusher that is killed or stopped between its ticket and its CAS costs one pass, when
 * another has come behind it. Each call ends after READY_STEPS_MAX steps.
 */
#ifndef RL_READY_H
#define RL_READY_H

#include "ring/fifo.h"
#include "ring/ring.h"

enum {
#ifdef RL_EXPLORE
	READY_LOOKS = 0,
	READY_STEPS_MAX = 16,
#else
	READY_LOOKS = 8,
	READY_STEPS_MAX = 4096,
#endif
	READY_TRIES_MAX = 64,	     /* tickets of one push */
	READY_TICKETS_MAX = 1 << 12, /* taken at once although the ring is full: one a handle */
};

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

/* Takes the first token: its ring and slot as a link without generation, and its ticket unless that is NULL. 0:
 * there is none. [P2] A consumer that has said that it will sleep, and then hears 0, has missed nothing: who pushes
 * asks for sleepers after that ([P1]). */
uint64_t ready_pop(const struct ready *ready, uint64_t *ret_ticket);

/* Has the ring passed this ticket, so that its token was taken or lost? */
bool ready_has_passed(const struct ready *ready, uint64_t ticket);

/* Is there any token, or a ticket to be passed? [P2] Says no as a pop says 0. */
bool ready_any(const struct ready *ready);

#endif
