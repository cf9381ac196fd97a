/* The patience of a send that found no room: how long it goes on, and why. It waits as long as it was asked to; and
 * unasked for a ring that somebody is just making or giving back. */
#ifndef RLQ_PATIENCE_H
#define RLQ_PATIENCE_H

#include "client/outgoing.h"

struct patience {
	uint32_t flags;
	uint64_t steps;	   /* as seen last */
	uint64_t seen_ms;  /* when they were fewer */
	uint32_t looks;	   /* since then, each after a whole sleep */
	uint64_t until_ms; /* 0: not asked to wait */
};

/* As the options say, whose waiting begins now. 0 or RLQ_EATTRIBUTE. */
static inline __attribute__((always_inline)) int patience_begin(struct rlq_queue *queue,
								const struct rlq_send_options *options,
								struct patience *ret_patience)
{
	if ((options->flags & ~(uint32_t)(RLQ_SEND_WAIT | RLQ_INTERRUPTIBLE)) != 0 || options->timeout_ms < 0)
		return RLQ_EATTRIBUTE;
	*ret_patience = (struct patience){.flags = options->flags};
	if (options->flags & RLQ_SEND_WAIT) {
		os_clock_read(&queue->seg->clock);
		ret_patience->until_ms = deadline_after(queue, options->timeout_ms);
	}
	return 0;
}

static inline bool is_growing(int error)
{
	return error == ROOM_GROWING || error == ROOM_GROWING_IDS;
}

static inline bool is_worth_waiting(int error)
{
	return error == RLQ_EFULL || error == RLQ_ENOSPACE || error == RLQ_EDISKFULL || is_growing(error);
}

/* Until when to sleep before the next try after this error; 0: do not. */
uint64_t patience_until(const struct rlq_queue *queue, struct patience *patience, int error);

/* Sends, or reserves, what has found no room so far, if somebody makes some in time: consumers, or time
 * and death, whose work we do if nobody else does. */
int try_patiently(struct rlq_queue *queue, struct outgoing *out, attempt_call *attempt, struct patience *patience,
		  struct rlq_message_id *ret_id);

#endif
