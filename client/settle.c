/* Sends that wait until they are durable. For what the journal has left out its sender waits in vain: there was no
 * room for it, or somebody has damaged it. It is PENDING when the turn is over, nobody has seen it, and nobody but
 * the journal could end that. So its sender takes it back, by the compare-and-swap that one of the two loses:
 * either it is gone, or it was sent. */
#include "client/internal.h"

#include "shm/fifo.h"

struct left_out {
	uint32_t count, first; /* of what was sent, from that one on */
	bool is_damaged;       /* one of them at least */
};

static bool is_damaged(struct segment *segment, const struct slot *slot, uint64_t place)
{
	struct slot_message message = message_read(&slot->message);

	return message_payload(segment, slot, &message, place) == NULL;
}

/* Frees it if it is PENDING still. Between enter and leave. */
static bool take_back(struct segment *segment, const struct sent *sent, struct left_out *left)
{
	struct place place = place_unpack(sent->place);
	const struct ring *ring = &segment->ring[place.ring];
	struct slot_word word;
	bool damaged;

	if (!(segment->listed >> place.ring & 1) || segment->ring_id[place.ring] != sent->ring_id)
		return false;
	do {
		word = slot_read_stable(&ring->slots[place.slot]);
		if (word_state(word) != SLOT_PENDING ||
		    (word_generation(word) & PLACE_GENERATION_MASK) != place.generation)
			return false;
		damaged = is_damaged(segment, &ring->slots[place.slot], sent->place);
	} while (!(seg_is_fifo(segment) ? fifo_take_back(segment, place.ring, place.slot, word)
					: message_free(segment, place.ring, place.slot, word)));
	left->is_damaged |= damaged;
	seg_count(&segment->me->sent, UINT64_MAX); /* one less */
	return true;
}

static int take_back_all(struct rlq_queue *queue, uint32_t count, struct left_out *left)
{
	int error = seg_enter(queue->seg);

	if (error)
		return error;
	for (uint32_t i = 0; i < count; i++) {
		if (!take_back(queue->seg, &queue->sent[i], left))
			continue;
		if (left->count++ == 0)
			left->first = i;
	}
	seg_leave(queue->seg);
	return 0;
}

/* The answers to duplicates are those of the first ones, if these were sent. */
static int settle_firsts(struct rlq_queue *queue)
{
	uint32_t count = queue->first_count;
	int error, result = 0;

	queue->first_count = 0;
	if (count == 0)
		return 0;
	error = seg_enter(queue->seg);
	if (error)
		return error;
	for (uint32_t i = 0; i < count && !result; i++) {
		int was_sent = fifo_first_was_sent(queue->seg, queue->firsts[i].link, queue->firsts[i].key.word);

		if (was_sent != 1)
			result = was_sent == 0 && count == 1 && queue->sent_count == 0 ? RLQ_EDISKFULL
										       : RLQ_EUNKNOWN;
	}
	seg_leave(queue->seg);
	return result;
}

int sends_settle(struct rlq_queue *queue, size_t *count)
{
	uint32_t sent = queue->sent_count, before;
	struct left_out left = {0};
	int error = call_settle(queue), doubt = error ? 0 : settle_firsts(queue);

	queue->sent_count = queue->first_count = 0;
	if (error == RLQ_EJOURNAL)
		return RLQ_EUNKNOWN; /* it will be written when the journal can be again */
	if (!error && sent > 0)
		error = take_back_all(queue, sent, &left);
	if (error || doubt || left.count == 0)
		return error ? error : doubt;
	seg_notify_room(queue->seg);
	/* A turn may have had it since: only the next one is sure not to. */
	if (call_settle(queue) != 0 || (left.first + left.count < sent && !left.is_damaged))
		return RLQ_EUNKNOWN;
	if (left.is_damaged)
		return RLQ_EDAMAGED;
	/* Entries before it: a duplicate is one. */
	before = left.first + queue->sent[left.first].duplicates;
	if (before == 0)
		return RLQ_EDISKFULL;
	*count = before;
	return 0;
}
