#include "shm/arrival.h"

#include "ring/crashpoint.h"
#include "ringlease.h"
#include "shm/durable.h"
#include "shm/fifo.h"
#include "shm/ids.h"
#include "shm/message.h"
#include "shm/room.h"
#include "shm/tenants.h"

#include <string.h>

/* The notes of a move come last: the kept part is what stands before the first of them. */
static int extra_to_keep(const unsigned char *extra, uint64_t bytes, uint64_t *ret_bytes)
{
	struct message_record record;
	uint64_t offset = 0, before = 0;
	int result;

	while ((result = message_next_record(extra, bytes, &offset, &record)) == 1) {
		if (record.kind >= NOTE_SOURCE)
			break;
		before = offset;
	}
	*ret_bytes = before;
	return result < 0 ? result : 0;
}

/* Says that the copy is whole: what is there of an earlier message of the slot names another place. */
static atomic_u64 *origin_copy(struct slot *slot)
{
	return (atomic_u64 *)(void *)(slot->message.inline_bytes + ORIGIN_OFFSET + offsetof(struct origin, copy));
}

static int copy_into(struct segment *source, const struct slot *from, uint32_t from_ring, uint32_t from_slot,
		     struct slot_word word, struct segment *target, struct slot *to, uint64_t to_place,
		     enum move_kind kind)
{
	struct slot_message message = message_read(&from->message);
	uint64_t place = place_at(from_ring, from_slot, word);
	const unsigned char *payload = message_payload(source, from, &message, place);
	struct message_parts notes = {0};
	struct origin origin = {.incarnation = source->incarnation, .place = place, .file = source->file};
	bool is_sent_anew = kind == MOVE_REDRIVE || seg_is_fifo(target);
	unsigned char *room;
	uint64_t keep;
	int error;

	if (payload == NULL)
		return RLQ_EDAMAGED;
	error = extra_to_keep(payload + message.body_bytes, message.extra_bytes, &keep);
	if (error)
		return error;
	if (kind == MOVE_TO_DLQ) {
		notes.source = source->name;
		notes.reason = "received too often";
	}
	error = message_make_block(target, to, to_place, message.body_bytes, keep + message_extra_bytes(&notes),
				   &room);
	if (error)
		return error;
	memcpy(room, payload, message.body_bytes + keep);
	message_write_extra(room + message.body_bytes + keep, &notes);
	error = seg_tenant_restore(target, to, room);
	if (error)
		return error;
	memcpy(to->message.id, message.id, sizeof(message.id));
	os_clock_read(&target->clock);
	to->message.sent =
		sent_pack(is_sent_anew ? target->clock.wall_ms : sent_ms(message.sent), seg_turn(target));
	to->message.first_receive_ms = message.first_receive_ms;
	to->message.sender = message.sender;
	memcpy(to->message.inline_bytes + ORIGIN_OFFSET, &origin, sizeof(origin));
	store_release(origin_copy(to), to_place);
	CRASH_POINT(move_copied);
	return 0;
}

void arriving_give_up(struct segment *target, uint32_t ring, const struct ring_claim *claim)
{
	struct slot *slot = &target->ring[ring].slots[claim->slot];

	message_free(target, ring, claim->slot, slot_read(slot));
	seg_notify_room(target); /* it was full for others meanwhile */
}

/* In a FIFO queue the copy gets its place before the move is decided: then the next one of its group, which can
 * move only after that, comes behind it. Nobody receives it there, nor what is behind it, until it has arrived. */
static int arrive_in_order(struct segment *target, struct slot *copy, uint32_t ring, uint32_t slot)
{
	struct slot_message message = message_read(&copy->message);
	struct slot_word word = slot_read(copy);
	uint64_t place = place_at(ring, slot, word), group;
	const unsigned char *payload = message_payload(target, copy, &message, place);
	struct message_ids ids;
	struct id_key key;
	bool is_head;
	int error =
		payload ? message_read_ids(payload + message.body_bytes, message.extra_bytes, &ids) : RLQ_EDAMAGED;

	if (!error)
		error = id_hash_message(target, &ids, &group, &key); /* what was moved is not deduplicated */
	if (error)
		return error;
	fifo_begin(copy, group);
	error = fifo_join(target, fifo_link(ring, slot, word), &is_head);
	return error == ROOM_GROWING ? RLQ_EFULL : error;
}

int arrive_prepare(struct segment *source, uint32_t ring, uint32_t slot, struct slot_word moving,
		   struct segment *target, enum move_kind kind, struct ring_claim *ret_claim)
{
	uint32_t receives = kind == MOVE_TO_DLQ ? word_receives(moving) : 0;
	int error = seg_room(target), to;
	struct slot *copy;

	if (error)
		return error;
	to = seg_claim_walk(target, true, receives, ret_claim);
	if (to < 0)
		return to == ROOM_GROWING ? RLQ_EFULL : to;
	CRASH_POINT(move_arriving);
	copy = &target->ring[to].slots[ret_claim->slot];
	copy->message.block = 0;
	error = copy_into(source, &source->ring[ring].slots[slot], ring, slot, moving, target, copy,
			  place_at((uint32_t)to, ret_claim->slot, slot_read(copy)), kind);
	if (!error && seg_is_fifo(target))
		error = arrive_in_order(target, copy, (uint32_t)to, ret_claim->slot);
	if (error) {
		arriving_give_up(target, (uint32_t)to, ret_claim);
		return error;
	}
	return to;
}

bool arrive(struct segment *target, uint32_t ring, uint32_t slot, struct slot_word arriving)
{
	if (!ring_arrive(&target->ring[ring], slot, arriving))
		return false;
	if (seg_is_fifo(target))
		fifo_became_ready(target, ring, slot, word_with_state(arriving, SLOT_READY));
	return true;
}
