#include "client/hold.h"

#include "ring/crashpoint.h"

bool hold_is_free(const struct rlq_queue *queue)
{
	for (int i = 0; i < SEG_HOLD_COUNT; i++)
		if (queue->held[i].place == 0)
			return true;
	return false;
}

void hold_drop_pending(struct rlq_queue *queue)
{
	atomic_u64 *hold = &queue->seg->me->holds[queue->hold_pending];
	struct place place = place_unpack(load_relaxed(hold)); /* relaxed: only we write here */

	store_seq(hold, 0);
	CRASH_POINT(row_hold_dropped);
	queue->hold_pending = -1;
	message_free_held(queue->seg, place.ring, place.slot);
}

int rlq_let_go(struct rlq_queue *queue, const struct rlq_message *message)
{
	struct receipt_parts parts;
	int error = call_begin(queue);

	if (error)
		return error;
	receipt_unpack(&message->receipt, &parts);
	if (parts.incarnation != queue->seg->incarnation || parts.ring >= SEG_RING_COUNT || !message->in_place)
		error = RLQ_ERECEIPT;
	else
		hold_let_go(queue, &message->receipt);
	call_end(queue);
	return error;
}

void hold_let_go(struct rlq_queue *queue, const struct rlq_receipt *receipt)
{
	struct receipt_parts parts;
	uint64_t place;

	receipt_unpack(receipt, &parts);
	place = place_pack(parts.ring, parts.slot, parts.generation);
	for (int i = 0; i < SEG_HOLD_COUNT; i++) {
		if (queue->held[i].place != place || queue->held[i].receives != parts.receives)
			continue;
		store_seq(&queue->seg->me->holds[i], 0);
		CRASH_POINT(row_hold_dropped);
		queue->held[i] = (struct hold){0};
		/* [H2] the other end: whoever freed it while we held it left it HELD for us. */
		message_free_held(queue->seg, parts.ring, parts.slot);
		return;
	}
}
