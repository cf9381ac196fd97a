#include "shm/restore.h"

#include "ring/crashpoint.h"
#include "shm/room.h"

int seg_restore_begin(struct segment *segment, const struct restored *message, struct restored_place *ret_place,
		      unsigned char **ret_payload)
{
	struct ring_claim claim;
	struct slot *slot;
	int error = seg_room(segment), index;

	if (error)
		return error;
	index = seg_claim(segment, &claim);
	if (index < 0)
		return index;
	slot = &segment->ring[index].slots[claim.slot];
	*ret_place = (struct restored_place){.ring = (uint32_t)index, .slot = claim.slot, .word = slot_read(slot)};
	return message_make_room(segment, slot,
				 place_pack(ret_place->ring, claim.slot, word_generation(ret_place->word)),
				 message->body_bytes, message->extra_bytes, ret_payload);
}

/* The one transition that carries a receive count into WRITING's successor: nobody else is there to see it. */
void seg_restore_end(struct segment *segment, const struct restored *message, struct restored_place *place)
{
	const struct ring *ring = &segment->ring[place->ring];
	struct slot *slot = &ring->slots[place->slot];
	struct slot_word to = word_make(message->due_ms ? SLOT_DELAYED : SLOT_READY, word_generation(place->word),
					OWNER_NONE, message->receives, (uint32_t)message->due_ms);

	slot->message.id[0] = message->id[0];
	slot->message.id[1] = message->id[1];
	slot->message.sent = sent_pack(message->sent_ms, 0);
	slot->message.first_receive_ms = message->first_receive_ms;
	slot->message.sender = message->sender;
	slot_change(slot, place->word, to);
	if (message->due_ms)
		due_lower(&ring->due, place->slot, message->due_ms);
	seg_count(&segment->me->sent, 1);
	place->word = to;
}
