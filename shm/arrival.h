/* The copy of a message that is being moved, in its target: ARRIVING, so that nobody receives it, until the move is
 * decided (move.h). */
#ifndef SEG_ARRIVAL_H
#define SEG_ARRIVAL_H

#include "ring/ring.h"
#include "shm/move.h"
#include "shm/segment.h"

/* The place of a message whose word this is. */
static inline uint64_t place_at(uint32_t ring, uint32_t slot, struct slot_word word)
{
	return place_pack(ring, slot, word_generation(word));
}

/* Claims a slot of the target and fills it. Returns its ring or a code. */
int arrive_prepare(struct segment *source, uint32_t ring, uint32_t slot, struct slot_word moving,
		   struct segment *target, enum move_kind kind, struct ring_claim *ret_claim);

/* Gives the claimed slot of the target back. */
void arriving_give_up(struct segment *target, uint32_t ring, const struct ring_claim *claim);

/* ARRIVING -> READY. */
bool arrive(struct segment *target, uint32_t ring, uint32_t slot, struct slot_word arriving);

#endif
