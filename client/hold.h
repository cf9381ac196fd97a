/* Messages that this handle reads in place, each named in its row of the segment: published before the lease, since
 * who frees a slot looks there for readers; confirmed when the lease has succeeded, or cancelled. */
#ifndef RLQ_HOLD_H
#define RLQ_HOLD_H

#include "client/internal.h"

/* May this handle read another message in place? */
bool hold_is_free(const struct rlq_queue *queue);

/* [H1] Called before a lease. A hold whose lease then failed is used again for the next try. */
static inline void hold_publish(struct rlq_queue *queue, uint64_t place)
{
	int i = queue->hold_pending;

	for (int at = 0; i < 0 && at < SEG_HOLD_COUNT; at++)
		if (queue->held[at].place == 0)
			i = at;
	queue->hold_pending = i;
	store_release(&queue->seg->me->holds[i], place); /* the CAS of the lease orders it */
}

/* The lease succeeded: the application holds it from now on. */
static inline void hold_confirm(struct rlq_queue *queue, uint64_t place, uint32_t receives)
{
	queue->held[queue->hold_pending] = (struct hold){.place = place, .receives = receives};
	queue->hold_pending = -1;
}

/* It did not: nobody reads there. Who freed it meanwhile may have left it to us. */
void hold_drop_pending(struct rlq_queue *queue);
static inline void hold_cancel(struct rlq_queue *queue)
{
	if (__builtin_expect(queue->hold_pending >= 0, 0))
		hold_drop_pending(queue);
}

/* Ends our reading in place under the lease that a receipt names, if we do; frees the message if it was
 * deleted meanwhile. The receipt is of this queue and its ring one of SEG_RING_COUNT. Between enter and
 * leave. */
void hold_let_go(struct rlq_queue *queue, const struct rlq_receipt *receipt) __attribute__((cold));

#endif
