/* A message on its way into the queue: checked, given a slot and room for its payload, written, published. In one
 * call by send.c; by reservation.c in two, between which the application writes the body. Inline, like all that
 * every send does; what few do is in outgoing.c.
 *
 * What finds no room is tried again: patience.h. */
#ifndef RLQ_OUTGOING_H
#define RLQ_OUTGOING_H

#include "client/internal.h"

#include "ring/crashpoint.h"
#include "shm/fifo.h"
#include "shm/message_attributes.h"
#include "shm/room.h"
#include "shm/tenants.h"
#include "shm/trace.h"

#include <errno.h>

struct outgoing {
	struct message_parts parts;
	uint64_t extra_bytes;
	int64_t delay_ms;
	uint32_t ring;
	bool in_place;
	const struct foreseen_ids *foreseen; /* in a FIFO queue, if it was */
	struct ring_claim claim;
	unsigned char *payload;
};

/* What the caller's options say of the message. */
static inline __attribute__((always_inline)) void outgoing_set_options(struct outgoing *out,
								       const struct rlq_send_options *options)
{
	out->parts.attributes = options->attributes;
	out->parts.attribute_count = options->attribute_count;
	out->parts.group = options->group;
	out->parts.dedup_id = options->dedup_id;
	out->parts.trace = options->trace;
	out->delay_ms = options->delay_ms;
}

/* Gives slot and block back. Between enter and leave. */
int outgoing_abandon(struct segment *segment, const struct outgoing *out);

/* To a standard queue in which there are group ids. Abandons it if that fails. */
int outgoing_note_tenant(struct rlq_queue *queue, struct outgoing *out) __attribute__((cold));

/* Publishes it in a FIFO queue: in the order of its group, if it is the first with its id. What finds no place
 * there is given back. */
int outgoing_publish_in_group(struct rlq_queue *queue, struct outgoing *out);

/* One test for three that few messages have. */
static inline bool has_notes(const struct message_parts *parts)
{
	return ((uintptr_t)parts->group | (uintptr_t)parts->dedup_id | (uintptr_t)parts->trace) != 0;
}

static inline __attribute__((always_inline)) int outgoing_check(struct rlq_queue *queue, struct outgoing *out)
{
	struct message_parts *parts = &out->parts;
	uint64_t bytes = parts->body_bytes;

	if (bytes > RLQ_BODY_MAX)
		return RLQ_ETOOBIG;
	if (parts->attribute_count > 0) {
		int error = message_attributes_check(parts->attributes, parts->attribute_count);

		if (error)
			return error;
		bytes += message_attributes_bytes(parts->attributes, parts->attribute_count);
		out->extra_bytes = message_extra_bytes(parts);
	}
	if (__builtin_expect(seg_is_fifo(queue->seg) || has_notes(parts), 0)) {
		int error = parts->trace && !trace_is_valid(parts->trace) ? RLQ_ETRACE : 0;

		if (!error)
			error = ids_prepare(queue, parts, &out->delay_ms, out->in_place, out->foreseen);
		if (error)
			return error;
		out->extra_bytes = message_extra_bytes(parts);
	}
	if (bytes > seg_attribute(queue->seg, ATTRIBUTE_BYTES_MAX))
		return RLQ_ETOOBIG;
	if (seg_is_fifo(queue->seg)) /* what is asked for is checked, and no more: each try asks for the same */
		return 0;
	if (out->delay_ms == RLQ_DEFAULT)
		out->delay_ms = (int64_t)seg_attribute(queue->seg, ATTRIBUTE_DELAY_MS);
	return out->delay_ms < 0 || out->delay_ms > RLQ_DELAY_MAX_MS ? RLQ_EATTRIBUTE : 0;
}

/* Claims a slot and finds room for the payload in it. */
static inline __attribute__((always_inline)) int outgoing_reserve(struct rlq_queue *queue, struct outgoing *out)
{
	struct segment *segment = queue->seg;
	const struct ring *ring;
	bool in_order = __builtin_expect(seg_is_fifo(segment), 0);
	int error = seg_room(segment), index;

	if (!error && in_order)
		error = fifo_reserve(segment);
	if (error)
		return error;
	index = seg_claim(segment, &out->claim);
	if (index < 0) {
		if (in_order)
			fifo_unreserve(segment);
		return index;
	}
	out->ring = (uint32_t)index;
	ring = &segment->ring[index];
	error = message_make_room(segment, &ring->slots[out->claim.slot],
				  place_pack(out->ring, out->claim.slot, out->claim.position >> ring->order),
				  out->parts.body_bytes, out->extra_bytes, &out->payload);
	if (error)
		ring_abandon(ring, &out->claim, owner_make(segment->row, segment->serial));
	if (in_order && error)
		fifo_unreserve(segment);
	else if (in_order)
		ids_write(queue, &ring->slots[out->claim.slot]);
	else if (__builtin_expect(out->parts.group != NULL || seg_has_tenants(segment), 0))
		error = outgoing_note_tenant(queue, out);
	return error;
}

/* Publishes what is written. */
static inline __attribute__((always_inline)) int outgoing_publish_in_ring(struct rlq_queue *queue,
									  struct outgoing *out)
{
	struct segment *segment = queue->seg;
	const struct ring *ring = &segment->ring[out->ring];
	uint64_t owner = owner_make(segment->row, segment->serial);
	uint64_t due_ms = out->delay_ms == 0 ? 0 : deadline_after(queue, out->delay_ms);
	enum ring_result result;

	if (__builtin_expect(segment->durability == RLQ_SYNC, 0))
		result = ring_publish_pending(ring, &out->claim, owner, due_ms);
	else if (due_ms == 0)
		result = ring_publish(ring, &out->claim, owner);
	else
		result = ring_publish_delayed(ring, &out->claim, owner, due_ms);
	if (due_ms != 0)
		expect_due(queue, due_ms);
	return result == RING_OK ? 0 : RLQ_EDAMAGED;
}

static inline uint64_t id_variant(uint64_t count)
{
	/* An odd factor makes the count's image look random and keeps it unique. */
	return UINT64_C(1) << 63 | (count * UINT64_C(0x9e3779b97f4a7c15) & (UINT64_MAX >> 2));
}

/* 64 random bits of the handle and a count, dressed as a UUID of version 4. */
static inline struct rlq_message_id next_id(struct rlq_queue *queue)
{
	return (struct rlq_message_id){
		{(queue->id_seed & ~UINT64_C(0xf000)) | 0x4000, id_variant(queue->id_count++)}};
}

/* Fills in what is not payload and publishes. */
static inline __attribute__((always_inline)) int outgoing_publish(struct rlq_queue *queue, struct outgoing *out,
								  struct rlq_message_id *ret_id)
{
	struct segment *segment = queue->seg;
	const struct ring *ring = &segment->ring[out->ring];
	struct slot_message *message = &ring->slots[out->claim.slot].message;
	struct rlq_message_id id = next_id(queue);
	uint32_t tenant = block_tenant(message->block); /* read before it can be another's */
	int error;

	message->id[0] = id.word[0];
	message->id[1] = id.word[1];
	message->sent = sent_pack(segment->clock.wall_ms, seg_turn(segment));
	message->sender = queue->sender;
	CRASH_POINT(send_written);
	if (__builtin_expect(seg_is_fifo(segment), 0)) {
		error = outgoing_publish_in_group(queue, out);
		if (!error && queue->ids.is_duplicate) {
			if (ret_id)
				*ret_id = queue->ids.first;
			return 0;
		}
	} else {
		error = outgoing_publish_in_ring(queue, out);
	}
	if (error)
		return error;
	if (__builtin_expect(segment->durability == RLQ_SYNC, 0))
		queue->sent[queue->sent_count++] = (struct sent){
			.place = place_pack(out->ring, out->claim.slot, out->claim.position >> ring->order),
			.ring_id = segment->ring_id[out->ring],
			.duplicates = queue->first_count,
		};
	if (__builtin_expect(segment->durability != RLQ_MEMORY, 0))
		queue->unsettled += (uint64_t)message->body_bytes + message->extra_bytes;
	seg_count(&segment->me->sent, 1);
	CRASH_POINT(send_counted);
	if (__builtin_expect(tenant != TENANT_NONE, 0))
		seg_tenant_count(segment, tenant, 1);
	if (ret_id)
		*ret_id = id;
	return 0;
}

static inline __attribute__((always_inline)) int outgoing_send(struct rlq_queue *queue, struct outgoing *out,
							       struct rlq_message_id *ret_id)
{
	int error = outgoing_check(queue, out);

	if (!error && __builtin_expect(seg_is_fifo(queue->seg), 0) && ids_are_known(queue, ret_id))
		return 0;
	if (!error)
		error = outgoing_reserve(queue, out);
	if (error)
		return error;
	if (out->parts.body_bytes > 0)
		message_copy(out->payload, out->parts.body, out->parts.body_bytes);
	if (out->extra_bytes > 0)
		message_write_extra(out->payload + out->parts.body_bytes, &out->parts);
	return outgoing_publish(queue, out, ret_id);
}

/* Nothing is sent to a durable queue that could not be acknowledged. */
int send_is_journaled(struct segment *segment);

/* Once for all that is sent in this call. */
static inline __attribute__((always_inline)) int send_begin(struct rlq_queue *queue)
{
	int error = call_begin(queue);

	if (error || __builtin_expect(queue->seg->durability == RLQ_MEMORY, 1))
		return error;
	error = send_is_journaled(queue->seg);
	if (error)
		call_end(queue);
	return error;
}

/* What is tried in one call: outgoing_send, or what reserves. */
typedef int attempt_call(struct rlq_queue *queue, struct outgoing *out, struct rlq_message_id *ret_id);

static inline __attribute__((always_inline)) int try_once(struct rlq_queue *queue, struct outgoing *out,
							  attempt_call *attempt, struct rlq_message_id *ret_id)
{
	int error;

	do {
		error = send_begin(queue);
		if (error)
			return error;
		error = attempt(queue, out, ret_id);
		call_end(queue);
	} while (__builtin_expect(error == -EAGAIN, 0)); /* we had stood still for longer than ids are remembered */
	return error;
}

#endif
