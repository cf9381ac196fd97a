/* Sends that wait until they are durable. For what the journal had no room for, its sender waits in vain: it is
 * PENDING when the turn is over, nobody has seen it, and nobody but the journal could end that. So its sender takes
 * it back, by the compare-and-swap that one of the two loses: either it is gone, or it was sent. */
#include "client/internal.h"

/* Frees it if it is PENDING still. Between enter and leave. */
static bool take_back(struct segment *segment, const struct sent *sent)
{
	struct place place = place_unpack(sent->place);
	const struct ring *ring = &segment->ring[place.ring];
	struct slot_word word;

	if (!(segment->listed >> place.ring & 1) || segment->ring_id[place.ring] != sent->ring_id)
		return false;
	for (;;) {
		word = slot_read_stable(&ring->slots[place.slot]);
		if (word_state(word) != SLOT_PENDING ||
		    (word_generation(word) & PLACE_GENERATION_MASK) != place.generation)
			return false;
		if (message_free(segment, place.ring, place.slot, word))
			break;
	}
	seg_count(&segment->me->sent, UINT64_MAX); /* one less */
	return true;
}

/* Counts them, and those before the first of them. */
static int take_back_all(struct rlq_queue *queue, uint32_t count, uint32_t *ret_taken, uint32_t *ret_before)
{
	int error = seg_enter(queue->seg);

	if (error)
		return error;
	for (uint32_t i = 0; i < count; i++) {
		if (!take_back(queue->seg, &queue->sent[i]))
			continue;
		if ((*ret_taken)++ == 0)
			*ret_before = i;
	}
	seg_leave(queue->seg);
	return 0;
}

int sends_settle(struct rlq_queue *queue, size_t *count)
{
	uint32_t sent = queue->sent_count, taken = 0, before = sent;
	int error = call_settle(queue);

	queue->sent_count = 0;
	if (error == RLQ_EJOURNAL)
		return RLQ_EUNKNOWN; /* it will be written when the journal can be again */
	if (!error && sent > 0)
		error = take_back_all(queue, sent, &taken, &before);
	if (error || sent == 0 || taken == 0)
		return error;
	seg_notify_room(queue->seg);
	/* A turn may have had it since: only the next one is sure not to. */
	if (call_settle(queue) != 0 || before + taken < sent)
		return RLQ_EUNKNOWN;
	if (before == 0)
		return RLQ_EDISKFULL;
	*count = before;
	return 0;
}
