/* Receiving from a queue whose messages have tenants (docs/adr/0014-fair-queues.md). */
#include "client/taking.h"

#include "shm/tenants.h"

enum { ASIDE_EVERY = 8 }; /* one call in so many begins with what noisy tenants have */

/* Adds what is there of noisy tenants, or of all others, to the `count` messages that we have. */
static int take_more(struct rlq_queue *queue, struct demand *demand, bool from_aside,
		     struct rlq_message *ret_messages, size_t max, int count)
{
	int took;

	if (count < 0 || (size_t)count == max)
		return count;
	demand->from_aside = from_aside;
	took = take_from_rings(queue, demand, ret_messages + count, max - (size_t)count);
	demand->from_aside = false;
	return took >= 0 || count == 0 ? count + took : count;
}

/* What noisy tenants have comes last, but for one call in so many, so that none of them waits for ever. While
 * nobody is noisy what has been put aside is old, and comes first. */
int take_fairly(struct rlq_queue *queue, struct demand *demand, struct rlq_message *ret_messages, size_t max)
{
	int count = 0;

	demand->terms.tenants = seg_tenants_judge(queue->seg);
	if (demand->terms.tenants == NULL || ++queue->aside_turn % ASIDE_EVERY == 0)
		count = take_more(queue, demand, true, ret_messages, max, count);
	count = take_more(queue, demand, false, ret_messages, max, count);
	/* Also if it was looked at before: meanwhile others may have put aside what the head has lost. */
	return take_more(queue, demand, true, ret_messages, max, count);
}
