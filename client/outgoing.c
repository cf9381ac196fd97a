/* What few messages on their way need: those of tenants, of groups, of durable queues, and what is given up. */
#include "client/outgoing.h"

#include <string.h>

int outgoing_abandon(struct segment *segment, const struct outgoing *out)
{
	const struct ring *ring = &segment->ring[out->ring];
	uint64_t block = block_of(ring->slots[out->claim.slot].message.block);

	if (ring_abandon(ring, &out->claim, owner_make(segment->row, segment->serial)) != RING_OK)
		return RLQ_EDAMAGED;
	if (block)
		body_free(segment, block,
			  place_pack(out->ring, out->claim.slot, out->claim.position >> ring->order));
	if (seg_is_fifo(segment))
		fifo_unreserve(segment);
	return 0;
}

int outgoing_note_tenant(struct rlq_queue *queue, struct outgoing *out)
{
	struct segment *segment = queue->seg;
	const char *group = out->parts.group;
	uint32_t tenant = group ? seg_tenant_of(segment, group, strlen(group)) : TENANT_NOBODY;
	int error = seg_tenant_note(segment, &segment->ring[out->ring].slots[out->claim.slot], tenant);

	if (error)
		outgoing_abandon(segment, out);
	return error;
}

int outgoing_publish_in_group(struct rlq_queue *queue, struct outgoing *out)
{
	struct segment *segment = queue->seg;
	struct slot *slot = &segment->ring[out->ring].slots[out->claim.slot];
	struct fifo_sent sent;
	int64_t delay_ms;
	int error = fifo_send(segment, out->ring, out->claim.slot, slot_read(slot), &sent);

	if (error && error != -EAGAIN && error != RLQ_EUNKNOWN)
		outgoing_abandon(segment, out);
	if (error)
		return error;
	if (sent.is_duplicate)
		fifo_unreserve(segment);
	queue->ids.sequence = sent.sequence;
	queue->ids.is_duplicate = sent.is_duplicate;
	queue->ids.first = (struct rlq_message_id){{sent.id[0], sent.id[1]}};
	if (sent.is_duplicate)
		ids_note_first(queue, sent.link);
	delay_ms = (int64_t)seg_attribute(segment, ATTRIBUTE_DELAY_MS);
	if (delay_ms != 0)
		expect_due(queue, deadline_after(queue, delay_ms));
	return 0;
}

/* A flush takes far longer than to ask; for async the guess will do, since its window ends with the engine. */
int send_is_journaled(struct segment *segment)
{
	int error = segment->durability == RLQ_SYNC
			    ? seg_journal_state_again(segment)
			    : seg_journal_state_guess(segment->directory, segment->clock.boot_ms);

	if (error)
		return error;
	return seg_is_journaled(segment) ? seg_journal_room(segment) : RLQ_EENGINE;
}
