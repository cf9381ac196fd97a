/* What the holder of a receipt can do: delete, extend, release. */
#include "client/hold.h"

#include "ring/crashpoint.h"
#include "shm/window.h"

/* A receipt resolved: the slot it names, as it is now. */
struct target {
	struct receipt_parts parts;
	const struct ring *ring;
	struct slot *slot;
	struct slot_word word;
	bool in_order; /* of a FIFO queue: the lease must stand */
	uint32_t now_ms;
};

/* On its way to the DLQ, or elsewhere by a redrive: it can be deleted, not kept. */
static bool is_on_its_way(enum slot_state state)
{
	return state == SLOT_DEAD || state == SLOT_MOVING;
}

/* Is the message still the one leased, received by nobody since? Also when the lease has run out, and on
 * its way to a DLQ until that is decided; but in a FIFO queue its group then goes on without its last holder. */
static inline bool is_still_ours(const struct target *target)
{
	const struct receipt_parts *parts = &target->parts;
	const uint32_t standard =
		1u << SLOT_LEASED | 1u << SLOT_READY | 1u << SLOT_DELAYED | 1u << SLOT_DEAD | 1u << SLOT_MOVING;
	const uint32_t deletable = target->in_order ? 1u << SLOT_LEASED : standard;

	return (deletable >> word_state(target->word) & 1) && word_generation(target->word) == parts->generation &&
	       parts->receives != 0 && word_receives(target->word) == parts->receives &&
	       target->slot->message.id[0] == parts->id[0] && target->slot->message.id[1] == parts->id[1] &&
	       !(target->in_order && deadline_is_past(word_deadline_ms(target->word), target->now_ms));
}

/* Finds what a receipt names. 0, RLQ_ERECEIPT, RLQ_ESTALE. */
static inline __attribute__((always_inline)) int target_find(struct rlq_queue *queue,
							     const struct rlq_receipt *receipt,
							     struct target *target)
{
	struct segment *segment = queue->seg;

	receipt_unpack(receipt, &target->parts);
	if (target->parts.incarnation != segment->incarnation || target->parts.ring >= SEG_RING_COUNT)
		return RLQ_ERECEIPT;
	if (!(segment->listed >> target->parts.ring & 1) ||
	    segment->ring_id[target->parts.ring] != target->parts.ring_id)
		return RLQ_ESTALE;
	target->in_order = seg_is_fifo(segment);
	target->now_ms = (uint32_t)segment->clock.boot_ms;
	target->ring = &segment->ring[target->parts.ring];
	if (target->parts.slot > target->ring->mask)
		return RLQ_ERECEIPT;
	target->slot = &target->ring->slots[target->parts.slot];
	/* A torn pair does no harm: receives only grow within a generation, so "not ours" is the truth,
	 * and what seems ours is settled by the CAS that follows. */
	target->word = slot_read(target->slot);
	return is_still_ours(target) ? 0 : RLQ_ESTALE;
}

/* After a call that was to end the lease, and answered `error`. What is no receipt names no place. */
static void stop_reading(struct rlq_queue *queue, int error, const struct rlq_receipt *receipt)
{
	if (error == 0 || error == RLQ_ESTALE)
		hold_let_go(queue, receipt);
}

/* ---- delete ----------------------------------------------------------------------------------- */

/* Bytes of the message if it was sent since the journal's last turn began: deleted before the next one, it is never
 * written. In async queues; `*ret_turn` is that last turn. */
static uint64_t bytes_unwritten(const struct segment *segment, const struct slot *slot, uint64_t *ret_turn)
{
	struct slot_message message = message_read(&slot->message);

	*ret_turn = seg_turn(segment);
	return sent_is_of_turn(message.sent, *ret_turn) ? (uint64_t)message.body_bytes + message.extra_bytes : 0;
}

/* Between enter and leave. Loses a race only against expiry, extension or the reaper: then the word is
 * read again, which says whether the message is still ours. Our reading in place ends whatever the answer:
 * a consumer that is told "stale" again and again must not run out of holds. */
static inline __attribute__((always_inline)) int delete_one(struct rlq_queue *queue,
							    const struct rlq_receipt *receipt)
{
	struct segment *segment = queue->seg;
	struct target target;
	uint64_t bytes = 0, turn;
	int error;

	while ((error = target_find(queue, receipt, &target)) == 0) {
		if (word_owner(target.word) != OWNER_NONE)
			hold_let_go(queue, receipt);
		if (__builtin_expect(segment->durability == RLQ_ASYNC, 0))
			bytes = bytes_unwritten(segment, target.slot, &turn);
		if (message_free(segment, target.parts.ring, target.parts.slot, target.word)) {
			seg_count(&segment->me->left, 1);
			seg_count(&segment->me->deleted, 1);
			CRASH_POINT(delete_counted);
			if (bytes > 0)
				seg_window_give_back(segment, turn, bytes);
			return 0;
		}
	}
	stop_reading(queue, error, receipt);
	return error;
}

/* Only FIFO queues ask what time it is. */
static inline int delete_begin(struct rlq_queue *queue)
{
	return __builtin_expect(seg_is_fifo(queue->seg), 0) ? call_begin(queue) : call_begin_untimed(queue);
}

int rlq_delete(struct rlq_queue *queue, const struct rlq_receipt *receipt)
{
	int error = delete_begin(queue);

	if (error)
		return error;
	error = delete_one(queue, receipt);
	call_end(queue);
	if (error)
		return error;
	seg_notify_room(queue->seg);
	return call_settle(queue);
}

int rlq_delete_batch(struct rlq_queue *queue, const struct rlq_receipt *receipts, size_t count, int *ret_results)
{
	int deleted = 0, error;

	if (count == 0 || count > RLQ_BATCH_MAX)
		return RLQ_EATTRIBUTE;
	error = delete_begin(queue);
	if (error)
		return error;
	for (size_t i = 0; i < count; i++) {
		error = delete_one(queue, &receipts[i]);
		if (ret_results)
			ret_results[i] = error;
		deleted += error == 0;
	}
	call_end(queue);
	if (deleted == 0)
		return 0;
	seg_notify_room(queue->seg);
	error = call_settle(queue);
	return error ? error : deleted;
}

/* ---- extend and release ----------------------------------------------------------------------- */

/* Makes the message visible now. */
static int make_visible(struct segment *segment, const struct target *target)
{
	if (word_state(target->word) == SLOT_READY)
		return 0;
	return seg_make_ready(segment, target->parts.ring, target->parts.slot, target->word) ? 1 : RLQ_EBUSY;
}

/* One try: 0 or 1 (others are to be woken) done, RLQ_EBUSY the word changed. */
static int change_one(struct rlq_queue *queue, const struct target *target, enum slot_state to, int64_t duration_ms)
{
	uint64_t due_ms = deadline_after(queue, duration_ms);

	if (duration_ms == 0)
		return make_visible(queue->seg, target);
	if (!ring_set_deadline(target->ring, target->parts.slot, target->word, to, due_ms))
		return RLQ_EBUSY;
	if (target->in_order) { /* the attempt that it was received by is over */
		store_relaxed(&fifo_links(target->slot)->ticket, 0); /* relaxed: a hint */
		CRASH_POINT(fifo_ticket_noted);
	}
	if (to == SLOT_DELAYED)
		CRASH_POINT(release_delayed);
	expect_due(queue, due_ms);
	return 0;
}

static int change_lease(struct rlq_queue *queue, const struct rlq_receipt *receipt, enum slot_state to,
			int64_t duration_ms)
{
	struct target target;
	int error = call_begin(queue), result = RLQ_EBUSY;

	if (error)
		return error;
	while (result == RLQ_EBUSY) {
		error = target_find(queue, receipt, &target);
		if (error)
			break;
		if (is_on_its_way(word_state(target.word))) {
			error = RLQ_ESTALE;
			break;
		}
		result = change_one(queue, &target, to, duration_ms);
	}
	if (to == SLOT_DELAYED)
		stop_reading(queue, error, receipt);
	call_end(queue);
	if (!error && result == 1)
		seg_notify(queue->seg, 1);
	if (!error && to == SLOT_DELAYED)
		call_note(queue);
	return error;
}

/* Since the receive, modulo 2^32: far more than a message lives. The handle that received it may have had a
 * newer reading of the clock than we have: not before now. */
static int64_t held_ms(const struct rlq_queue *queue, const struct receipt_parts *parts)
{
	int32_t ms = (int32_t)((uint32_t)queue->seg->clock.boot_ms - parts->leased_ms);

	return ms > 0 ? ms : 0;
}

int rlq_extend(struct rlq_queue *queue, const struct rlq_receipt *receipt, int64_t visibility_ms)
{
	struct receipt_parts parts;

	if (visibility_ms < 0 || visibility_ms > RLQ_VISIBILITY_MAX_MS)
		return RLQ_EATTRIBUTE;
	os_clock_read(&queue->seg->clock);
	receipt_unpack(receipt, &parts);
	/* 12 h in all since the receive, by the whole second as AWS counts. */
	if (visibility_ms > 0 && held_ms(queue, &parts) / 1000 * 1000 + visibility_ms > RLQ_VISIBILITY_MAX_MS)
		return RLQ_EATTRIBUTE;
	return change_lease(queue, receipt, SLOT_LEASED, visibility_ms);
}

int rlq_release(struct rlq_queue *queue, const struct rlq_receipt *receipt, int64_t delay_ms)
{
	if (delay_ms < 0 || delay_ms > RLQ_DELAY_MAX_MS)
		return RLQ_EATTRIBUTE;
	return change_lease(queue, receipt, SLOT_DELAYED, delay_ms);
}
