#include "shm/restore.h"

#include "shm/fifo.h"
#include "shm/ids.h"
#include "shm/room.h"
#include "shm/seen.h"
#include "shm/tenants.h"

#include <errno.h>

/* Of a block whose message has no slot yet. Nobody sweeps here. */
static uint64_t no_place(uint64_t number)
{
	return UINT64_C(1) << 63 | number;
}

int seg_restore_payload(struct segment *segment, uint64_t number, const unsigned char *payload, uint64_t bytes,
			uint64_t *ret_block)
{
	uint64_t room, block;
	unsigned char *at;
	int error = body_allocate(segment, bytes, no_place(number), &block);

	if (error)
		return error == -ENOSPC ? RLQ_ENOSPACE : error;
	at = body_at(segment, block, &room);
	if (at == NULL || room < bytes)
		return RLQ_EDAMAGED;
	memcpy(at, payload, bytes);
	*ret_block = block;
	return 0;
}

void seg_restore_drop(struct segment *segment, uint64_t number, uint64_t block)
{
	body_free(segment, block, no_place(number));
}

static int claim(struct segment *segment, struct restored_place *ret_place)
{
	struct ring_claim claim;
	int error = seg_room(segment), index;

	if (error)
		return error;
	index = seg_claim(segment, &claim);
	if (index < 0)
		return index;
	*ret_place = (struct restored_place){
		.ring = (uint32_t)index,
		.slot = claim.slot,
		.word = slot_read(&segment->ring[index].slots[claim.slot]),
	};
	return 0;
}

static int restore_tenant(struct segment *segment, struct slot *slot, uint64_t block)
{
	uint64_t room;

	return seg_tenant_restore(segment, slot,
				  block ? body_at(segment, block, &room) : slot->message.inline_bytes);
}

/* Nobody else is there, so the counter can be set to give the number that is wanted. */
static int join(struct segment *segment, const struct restored *message, const struct restored_place *place,
		bool *ret_is_head)
{
	struct slot *slot = &segment->ring[place->ring].slots[place->slot];
	struct slot_message in_slot = message_read(&slot->message);
	const unsigned char *payload = message_payload(segment, slot, &in_slot, 0);
	atomic_u64 *given = &segment->header->sequence;
	uint64_t link = fifo_link(place->ring, place->slot, place->word), group;
	struct message_ids ids;
	struct id_key key;
	int error = payload ? message_read_ids(payload + message->body_bytes, message->extra_bytes, &ids)
			    : RLQ_EDAMAGED;

	if (!error)
		error = id_hash_message(segment, &ids, &group, &key);
	if (error)
		return error;
	fifo_begin(slot, group);
	/* relaxed: ours alone */
	store_relaxed(&fifo_links(slot)->boot_ms, message->sent_boot_ms);
	store_relaxed(&fifo_links(slot)->key[0], message->was_moved ? 0 : key.word[0]);
	store_relaxed(&fifo_links(slot)->key[1], message->was_moved ? 0 : key.word[1]);
	store_relaxed(&fifo_links(slot)->purged, 0);
	if (message->sequence > load_seq(given) + 1)
		store_seq(given, message->sequence - 1);
	while ((error = fifo_join(segment, link, ret_is_head)) == ROOM_GROWING) {
		seg_leave(segment);
		fifo_make_way(segment);
		error = seg_enter(segment);
		if (error)
			return error;
	}
	if (!error && !message->was_moved)
		error = seg_restore_id(segment, &(struct dedup_message){
							.key = {key.word[0], key.word[1]},
							.id = {message->id[0], message->id[1]},
							.sequence = load_relaxed(&fifo_links(slot)->sequence),
							.boot_ms = message->sent_boot_ms,
						});
	return error;
}

int seg_restore_ids(struct segment *segment, uint64_t count)
{
	return seen_restore_begin(segment, count);
}

int seg_restore_id(struct segment *segment, const struct dedup_message *message)
{
	return seen_restore(segment, message);
}

void seg_restore_sequence(struct segment *segment, uint64_t sequence, uint64_t purged)
{
	store_seq(&segment->header->dedup.purged, purged);
	if (sequence > load_seq(&segment->header->sequence))
		store_seq(&segment->header->sequence, sequence);
}

int seg_restore(struct segment *segment, const struct restored *message, struct restored_place *ret_place)
{
	size_t bytes = (size_t)message->body_bytes + message->extra_bytes;
	struct slot_word to;
	struct slot *slot;
	uint64_t place;
	bool is_head = false;
	int error = claim(segment, ret_place);

	if (error)
		return error;
	slot = &segment->ring[ret_place->ring].slots[ret_place->slot];
	place = place_pack(ret_place->ring, ret_place->slot, word_generation(ret_place->word));
	if (message->block && !body_hand_over(segment, message->block, no_place(message->number), place))
		return RLQ_EDAMAGED;
	message_place(slot, message->body_bytes, message->extra_bytes, message->block);
	if (message->block == 0 && bytes > 0)
		memcpy(message_inline(segment, slot), message->payload, bytes);
	error = restore_tenant(segment, slot, message->block);
	if (error)
		return error;
	slot->message.id[0] = message->id[0];
	slot->message.id[1] = message->id[1];
	slot->message.sent = sent_pack(message->sent_ms, 0);
	slot->message.first_receive_ms = message->first_receive_ms;
	slot->message.sender = message->sender;
	error = seg_is_fifo(segment) ? join(segment, message, ret_place, &is_head) : 0;
	if (error)
		return error;
	/* The one transition that carries a receive count into WRITING's successor: nobody else is there to see it.
	 */
	to = word_make(message->due_ms ? SLOT_DELAYED : SLOT_READY, word_generation(ret_place->word), OWNER_NONE,
		       message->receives, (uint32_t)message->due_ms);
	slot_change(slot, ret_place->word, to);
	if (message->due_ms)
		due_lower(&segment->ring[ret_place->ring].due, ret_place->slot, message->due_ms);
	if (is_head)
		fifo_became_ready(segment, ret_place->ring, ret_place->slot, to);
	seg_count(&segment->me->sent, 1);
	if (slot_tenant(slot) != TENANT_NONE)
		seg_tenant_count(segment, slot_tenant(slot), 1);
	ret_place->word = to;
	return 0;
}
