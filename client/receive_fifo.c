/* Receiving from a FIFO queue: group after group whose turn it is, each from its head on, up to the first message
 * that is not READY. */
#include "client/taking.h"

#include "ring/crashpoint.h"
#include "shm/dlq.h"
#include "shm/fifo.h"

/* One group, by one call. */
struct serving {
	struct rlq_queue *queue;
	struct demand *demand;
	struct rlq_message *messages;
	size_t count, max;
	struct slot *first_slot; /* of the first message that was taken */
	struct slot_word first_word;
	int error;
};

enum next {
	NEXT_FOLLOWER, /* go on behind this one */
	NEXT_AGAIN,    /* it has changed: look again */
	NEXT_MOVED,    /* it has left the chain; `*at` is the one behind it */
	NEXT_NONE,
};

/* Received too often: to the DLQ, and the group goes on with the one behind it: the new head; or, while we have
 * leased the head, what followed, which stays in the chain. */
static enum next bury(struct serving *serving, uint64_t *at, uint32_t ring, const struct ring_taken *dead)
{
	struct segment *segment = serving->queue->seg;
	uint64_t group = fifo_group(&segment->ring[ring].slots[dead->slot]), follower;
	bool has_follower = fifo_follower(segment, *at, &follower);
	int error = seg_bury(segment, ring, dead->slot, dead->word);

	stamp_anew(serving->queue, serving->demand);
	if (error == RLQ_ENODLQ) { /* it stays receivable, also by us */
		serving->demand->terms.receives_max = 0;
		return NEXT_AGAIN;
	}
	if (!error && serving->count == 0)
		has_follower = fifo_head(segment, group, &follower) == 1;
	if (error || !has_follower)
		return NEXT_NONE;
	if (serving->count == 0)
		fifo_takes_turn(segment, follower);
	*at = follower;
	return NEXT_MOVED;
}

/* Leases and copies a READY message. */
static enum next serve_ready(struct serving *serving, uint64_t *at, uint32_t ring, uint32_t slot,
			     struct slot_word word)
{
	struct rlq_queue *queue = serving->queue;
	struct demand *demand = serving->demand;
	struct slot *in = &queue->seg->ring[ring].slots[slot];
	struct ring_taken taken;
	struct taking taking;
	int took;

	if ((demand->flags & RLQ_RECEIVE_IN_PLACE) && !hold_is_free(queue)) {
		serving->error = RLQ_EHOLDS;
		return NEXT_NONE;
	}
	/* Only as head, so that it keeps its order in the DLQ. */
	if (serving->count > 0 && demand->terms.receives_max != 0 &&
	    word_receives(word) >= demand->terms.receives_max)
		return NEXT_NONE;
	demand->terms.ring_index = ring;
	if (!ring_lease(&queue->seg->ring[ring], slot, word, &demand->terms, &taken)) {
		struct slot_word now = slot_read(in);

		return now.bits.low == word.bits.low && now.bits.high == word.bits.high ? NEXT_NONE : NEXT_AGAIN;
	}
	if (taken.is_dead)
		return bury(serving, at, ring, &taken);
	taking = taking_begin(queue, demand, ring);
	took = taking_message(&taking, &taken, &serving->messages[serving->count]);
	if (took <= 0) {
		serving->error = took;
		stamp_anew(queue, demand);
		return NEXT_NONE;
	}
	if (serving->count++ == 0) {
		serving->first_slot = in;
		serving->first_word = taken.word;
	}
	demand->taken_count++;
	if (demand->copied >= STAMP_BYTES)
		stamp_anew(queue, demand);
	return NEXT_FOLLOWER;
}

static enum next serve_message(struct serving *serving, uint64_t *at)
{
	struct segment *segment = serving->queue->seg;
	uint32_t index, slot;
	const struct ring *ring = fifo_place(segment, *at, &index, &slot);
	struct slot_word word;

	if (ring == NULL)
		return NEXT_NONE;
	word = slot_read(&ring->slots[slot]);
	if (!link_is_of(*at, word))
		return NEXT_NONE;
	switch (word_state(word)) {
	case SLOT_READY:
		return serve_ready(serving, at, index, slot, word);
	case SLOT_WRITING:
	case SLOT_PASSED:
		fifo_publish(segment, *at);
		return NEXT_AGAIN;
	case SLOT_LEASED: /* its time may be over though nobody has said so */
		return deadline_is_past(word_deadline_ms(word), (uint32_t)segment->clock.boot_ms) &&
				       seg_make_ready(segment, index, slot, word)
			       ? NEXT_AGAIN
			       : NEXT_NONE;
	case SLOT_HELD: /* deleted before those ahead of it */
		return NEXT_FOLLOWER;
	default:
		return NEXT_NONE;
	}
}

/* While we had the first one, nobody else could take those behind it. If we have it no more (we were stopped, its
 * lease ran out), they are not ours to give. */
static void keep_what_was_ours(struct serving *serving)
{
	struct segment *segment = serving->queue->seg;
	struct receipt_parts parts;

	if (serving->count < 2 || serving->demand->terms.stay_visible ||
	    slot_is_leased_as(serving->first_slot, serving->first_word))
		return;
	for (; serving->count > 1; serving->count--) {
		struct slot_word word;

		receipt_unpack(&serving->messages[serving->count - 1].receipt, &parts);
		word = slot_read_stable(&segment->ring[parts.ring].slots[parts.slot]);
		if (word_state(word) == SLOT_LEASED && word_generation(word) == parts.generation &&
		    word_receives(word) == parts.receives)
			seg_make_ready(segment, parts.ring, parts.slot, word);
		serving->demand->taken_count--;
	}
}

/* Takes what it can of the group with this head. */
static void serve_group(struct serving *serving, uint64_t head)
{
	struct segment *segment = serving->queue->seg;
	uint64_t group = fifo_group(&segment->ring[link_ring(head)].slots[link_slot(head)]);
	uint64_t at = head;

	for (uint32_t steps = 0; steps < RING_STEPS_MAX; steps++) {
		enum next next = serve_message(serving, &at);

		if (next == NEXT_NONE || serving->count == serving->max ||
		    (next == NEXT_FOLLOWER && !fifo_follower(segment, at, &at)))
			break;
	}
	keep_what_was_ours(serving);
	if (serving->count == 0 && serving->error != 0)
		fifo_settle(segment, group); /* its turn again */
}

static int take_groups(struct rlq_queue *queue, struct demand *demand, struct rlq_message *ret_messages, size_t max)
{
	size_t count = 0;
	int error = 0;

	while (count < max && error == 0) {
		struct serving serving = {
			.queue = queue, .demand = demand, .messages = ret_messages + count, .max = max - count};
		uint64_t head;
		int found = fifo_next(queue->seg, &head);

		if (found <= 0) {
			error = found;
			break;
		}
		serve_group(&serving, head);
		count += serving.count;
		error = serving.error;
	}
	if (count == 0)
		return error;
	seg_count(&queue->seg->me->received, count);
	call_note(queue); /* the receive count is to survive */
	return (int)count;
}

int take_in_order(struct rlq_queue *queue, struct demand *demand, struct rlq_message *ret_messages, size_t max)
{
	int count;

	if (__builtin_expect(demand->attempt_id == NULL, 1))
		return take_groups(queue, demand, ret_messages, max);
	attempt_begin(queue, demand);
	count = attempt_again(queue, demand, ret_messages, max);
	if (count != 0)
		return count;
	count = take_groups(queue, demand, ret_messages, max);
	if (count > 0)
		attempt_note(queue, demand, ret_messages, (size_t)count);
	return count;
}
