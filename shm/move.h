/* Moving one message between two queues, exactly once (R8): to the DLQ, and back (redrive).
 *
 *   source                           target
 *   DEAD or READY -> MOVING(me)
 *                                    FREE -> ARRIVING(me), origin = the source's place
 *                                    copy of body, attributes, notes
 *   MOVING -> MOVED(target's place)  the decision; linearisation point
 *                                    ARRIVING -> READY
 *   MOVED -> FREE
 *
 * Killed before the decision: the source's sweep turns MOVING of the dead into DEAD, the target's sweep
 * frees an ARRIVING whose origin is not MOVED to it. After: whoever meets MOVED or ARRIVING first
 * finishes. So a kill at any step ends with exactly one receivable copy.
 *
 * Who finishes looks only into the queues that can have the other half: an ARRIVING names its source's file,
 * and the source's header the files it was ever moved to. As long as such a queue cannot be opened for now
 * (rights, handles), nothing is decided for it.
 *
 * If the source is gone for good (removed, damaged), whether it had decided is not known any more. Then a
 * copy that is whole arrives: the source's own cannot be received any more, and a message that was decided
 * to live in the target must not be lost with a queue that it had left. The price: killed before the
 * decision, a message may so outlive the removal of its queue, even one that was deleted there after the
 * kill and before the removal.
 *
 * Until the decision the last holder may delete the message (R8): MOVING -> FREE, and the decision fails. Its
 * copy, ARRIVING, names an origin that is not MOVED to it, so its mover frees it, or the target's sweep.
 */
#ifndef SEG_MOVE_H
#define SEG_MOVE_H

#include "shm/segment.h"

enum move_kind {
	MOVE_TO_DLQ,  /* keeps the receive count, in standard queues the sent time; adds where from and why */
	MOVE_REDRIVE, /* count and sent time start anew; the notes are left behind */
};

/* Moves the message at (ring, slot), seen as `from`, DEAD or READY. Both handles are our own; `source`
 * is in a call, `target` is not. 0: moved. RLQ_ESTALE: it has changed, or was deleted. RLQ_EFULL, RLQ_ENOSPACE,
 * other codes: it is where it was. */
int seg_move(struct segment *source, uint32_t ring, uint32_t slot, struct slot_word from, struct segment *target,
	     enum move_kind kind);

/* Decided: the rest can be done by anybody. Both in a call. */
void move_complete(struct segment *source, uint32_t ring, uint32_t slot, struct slot_word moved,
		   struct segment *target, uint32_t to_ring, uint32_t to_slot, struct slot_word arriving);

/* Is the copy of what was MOVED, and seen as `moved` at (ring, slot) of `source`, in this queue? Also if it has
 * been deleted there, and its slot not been used again. Both in a call. */
bool seg_has_copy(struct segment *target, const struct segment *source, uint32_t ring, uint32_t slot,
		  struct slot_word moved, uint32_t *ret_ring, uint32_t *ret_slot, struct slot_word *ret_word);

/* Finishes or undoes what somebody else has begun; for the sweep. False: nothing to do, or not now. */
bool seg_undo_moving(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word moving);
bool seg_finish_moved(struct segment *source, uint32_t ring, uint32_t slot, struct slot_word moved);
bool seg_settle_arriving(struct segment *target, uint32_t ring, uint32_t slot, struct slot_word arriving);

#endif
