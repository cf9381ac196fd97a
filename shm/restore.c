#include "shm/restore.h"

#include "shm/room.h"
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

int seg_restore(struct segment *segment, const struct restored *message, struct restored_place *ret_place)
{
	size_t bytes = (size_t)message->body_bytes + message->extra_bytes;
	struct slot_word to;
	struct slot *slot;
	uint64_t place;
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
	/* The one transition that carries a receive count into WRITING's successor: nobody else is there to see it.
	 */
	to = word_make(message->due_ms ? SLOT_DELAYED : SLOT_READY, word_generation(ret_place->word), OWNER_NONE,
		       message->receives, (uint32_t)message->due_ms);
	slot_change(slot, ret_place->word, to);
	if (message->due_ms)
		due_lower(&segment->ring[ret_place->ring].due, ret_place->slot, message->due_ms);
	seg_count(&segment->me->sent, 1);
	if (slot_tenant(slot) != TENANT_NONE)
		seg_tenant_count(segment, slot_tenant(slot), 1);
	ret_place->word = to;
	return 0;
}
