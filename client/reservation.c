/* Sending in place: a slot and room are reserved, the application writes the body, then it is published. */
#include "client/patience.h"

#include <string.h>

/* Claims and fills in all but the body. */
static int outgoing_prepare(struct rlq_queue *queue, struct outgoing *out, struct rlq_message_id *ret_id)
{
	int error = outgoing_check(queue, out);

	(void)ret_id;
	if (!error)
		error = outgoing_reserve(queue, out);
	if (!error && out->extra_bytes > 0)
		message_write_extra(out->payload + out->parts.body_bytes, &out->parts);
	return error;
}

/* What a reservation remembers in its opaque words. */
static void reservation_pack(const struct outgoing *out, const struct segment *segment,
			     struct rlq_reservation *ret_reservation)
{
	*ret_reservation = (struct rlq_reservation){
		.body = out->payload,
		.body_bytes = out->parts.body_bytes,
		.opaque = {(uint64_t)out->ring << 32 | out->claim.slot, out->claim.position, out->claim.late,
			   (uint64_t)out->delay_ms, segment->incarnation, owner_make(segment->row, segment->serial),
			   segment->ring_id[out->ring], 1},
	};
}

/* What was reserved, if it is still being written by us, neither published nor abandoned. Between enter and
 * leave, for only then its ring is known to be the one it was. 0 or RLQ_ERECEIPT. */
static int reservation_find(const struct rlq_queue *queue, const struct rlq_reservation *reservation,
			    struct outgoing *ret_out)
{
	const struct segment *segment = queue->seg;
	const uint64_t *word = reservation->opaque;
	uint32_t index = (uint32_t)(word[0] >> 32), slot = (uint32_t)word[0];
	uint64_t owner = owner_make(segment->row, segment->serial);
	const struct ring *ring;
	struct slot_word now;

	if (word[7] != 1 || word[4] != segment->incarnation || word[5] != owner || index >= SEG_RING_COUNT ||
	    !(segment->listed >> index & 1) || word[6] != segment->ring_id[index])
		return RLQ_ERECEIPT;
	ring = &segment->ring[index];
	if (slot > ring->mask)
		return RLQ_ERECEIPT;
	now = slot_read(&ring->slots[slot]);
	if ((word_state(now) != SLOT_WRITING && word_state(now) != SLOT_PASSED) ||
	    word_owner(now) != segment->row || word_generation(now) != word[1] >> ring->order)
		return RLQ_ERECEIPT;
	*ret_out = (struct outgoing){.ring = index,
				     .delay_ms = (int64_t)word[3],
				     .claim = {.position = word[1], .slot = slot, .late = word[2] != 0}};
	return 0;
}

int rlq_reserve(struct rlq_queue *queue, size_t body_bytes, const struct rlq_send_options *options,
		struct rlq_reservation *ret_reservation)
{
	struct rlq_send_options o = RLQ_SEND_OPTIONS_INIT;
	struct outgoing out = {.parts = {.body_bytes = body_bytes}, .in_place = true};
	struct patience patience = {0};
	int error = options_read(&o, sizeof(o), options);

	if (!error && options)
		error = patience_begin(queue, &o, &patience);
	if (!error && o.ret_sent)
		error = RLQ_EATTRIBUTE;
	if (error)
		return error;
	outgoing_set_options(&out, &o);
	error = try_once(queue, &out, outgoing_prepare, NULL);
	if (is_worth_waiting(error))
		error = try_patiently(queue, &out, outgoing_prepare, &patience, NULL);
	if (!error) {
		queue->seg->reserved++;
		reservation_pack(&out, queue->seg, ret_reservation);
	}
	return error;
}

/* The body is there: the id that is made of it can be, too. */
static int outgoing_seal(struct rlq_queue *queue, const struct outgoing *out)
{
	const struct ring *ring = &queue->seg->ring[out->ring];

	return ids_seal(queue, &ring->slots[out->claim.slot],
			place_pack(out->ring, out->claim.slot, out->claim.position >> ring->order));
}

int rlq_publish(struct rlq_queue *queue, struct rlq_reservation *reservation, struct rlq_message_id *ret_id)
{
	struct segment *segment = queue->seg;
	struct outgoing out;
	int error = call_begin(queue);

	if (error)
		return error;
	error = reservation_find(queue, reservation, &out);
	if (!error && seg_is_fifo(segment))
		error = outgoing_seal(queue, &out);
	if (!error) {
		segment->reserved--;
		error = outgoing_publish(queue, &out, ret_id);
	}
	call_end(queue);
	if (!error) {
		seg_notify(segment, 1);
		memset(reservation, 0, sizeof(*reservation));
		error = sends_settle(queue, NULL);
	}
	return error;
}

int rlq_abandon(struct rlq_queue *queue, struct rlq_reservation *reservation)
{
	struct outgoing out;
	int error = call_begin(queue);

	if (error)
		return error;
	error = reservation_find(queue, reservation, &out);
	if (!error) {
		queue->seg->reserved--;
		error = outgoing_abandon(queue->seg, &out);
	}
	call_end(queue);
	if (!error)
		seg_notify_room(queue->seg);
	memset(reservation, 0, sizeof(*reservation));
	return error;
}
