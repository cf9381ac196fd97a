/* What few messages that are taken need. */
#include "client/taking.h"

void taking_expire(const struct taking *taking, const struct ring_taken *taken)
{
	struct segment *segment = taking->queue->seg;

	hold_cancel(taking->queue);
	if (message_free(segment, taking->index, taken->slot, taken->word)) {
		seg_count(&segment->me->left, 1);
		seg_count(&segment->me->expired, 1);
		seg_notify_room(segment);
	}
}

int taking_message(const struct taking *taking, const struct ring_taken *taken, struct rlq_message *ret_message)
{
	return message_take(taking, taken, ret_message);
}
