#include "shm/move.h"

#include "ring/crashpoint.h"
#include "ringlease.h"
#include "shm/arrival.h"
#include "shm/durable.h"
#include "shm/fifo.h"
#include "shm/message.h"
#include "shm/tenants.h"
#include "shm/window.h"

#include <errno.h>

enum { MOVE_EXTRA_BYTES = 512 }; /* of a copy's record beside the message: its head, and whence it came */

static struct slot_word word_moved(struct slot_word moving, uint64_t place)
{
	moving = word_with_state(moving, SLOT_MOVED);
	moving.bits.high = place;
	return moving;
}

void move_complete(struct segment *source, uint32_t ring, uint32_t slot, struct slot_word moved,
		   struct segment *target, uint32_t to_ring, uint32_t to_slot, struct slot_word arriving)
{
	uint32_t tenant = slot_tenant(&target->ring[to_ring].slots[to_slot]);

	if (arrive(target, to_ring, to_slot, arriving)) {
		seg_count(&target->me->sent, 1);
		CRASH_POINT(move_arrived);
		if (tenant != TENANT_NONE)
			seg_tenant_count(target, tenant, 1);
		seg_notify(target, 1);
	} else {
		ring_mark(&target->ring[to_ring], to_slot); /* for who made it arrive, and has not come to it */
	}
	if (message_free(source, ring, slot, moved)) {
		seg_count(&source->me->left, 1);
		seg_count(&source->me->moved, 1);
		CRASH_POINT(move_source_freed);
		seg_notify_room(source);
	}
}

/* Nothing was decided: the message is what it was. A READY one may have been passed meanwhile. False: it
 * was deleted. */
static bool move_undo(struct segment *source, uint32_t ring, uint32_t slot, struct slot_word moving,
		      struct slot_word before)
{
	if (!slot_change(&source->ring[ring].slots[slot], moving, before))
		return false;
	CRASH_POINT(move_undone);
	if (word_state(before) == SLOT_READY) {
		ring_set_again(&source->ring[ring], slot);
		if (seg_is_fifo(source))
			fifo_became_ready(source, ring, slot, before);
		seg_notify(source, 1);
	}
	return true;
}

bool seg_undo_moving(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word moving)
{
	/* Who read it in place is not known any more, so everybody may. */
	uint32_t viewer = load_relaxed(&segment->header->viewers) ? OWNER_MANY : OWNER_NONE;
	/* It was DEAD, or READY if this was a redrive: nothing says so but its receive count. */
	enum slot_state state = seg_is_used_up(segment, moving) ? SLOT_DEAD : SLOT_READY;
	struct slot_word before = word_with_deadline(word_with_owner(word_with_state(moving, state), viewer), 0);

	return seg_handle_is_gone(segment, word_owner(moving), word_serial(moving)) &&
	       move_undo(segment, ring, slot, moving, before);
}

/* Notes where messages of this queue are moved to, for who looks for the other half of a move. */
static void target_note(struct segment *source, uint64_t file)
{
	atomic_u64 *target = source->header->move_target;

	for (uint32_t i = 0; i < SEG_TARGET_COUNT; i++) {
		uint64_t seen = load_acquire(&target[i]);

		if (seen == 0 && cas_seq(&target[i], 0, file)) {
			CRASH_POINT(move_target_noted);
			return;
		}
		if (load_acquire(&target[i]) == file)
			return;
	}
	store_seq(&target[SEG_TARGET_COUNT - 1], UINT64_MAX); /* too many */
	CRASH_POINT(move_target_noted);
}

/* To a durable queue: else the journal would miss the message in both, or have it in both, or get more than it
 * keeps room for. -EAGAIN: when the next turn is done. */
static int may_be_moved(const struct segment *source, struct segment *target, const struct slot *at)
{
	struct slot_message message = message_read(&at->message);
	int error;

	if (!seg_is_journaled(target) || (source->has_marks && !seg_is_journaled(source)))
		return RLQ_EENGINE;
	error = seg_journal_room(target);
	if (error || seg_moves_admit(target->directory->engine,
				     (uint64_t)message.body_bytes + message.extra_bytes + MOVE_EXTRA_BYTES))
		return error;
	os_clock_read(&target->clock);
	seg_want_turn(target);
	return -EAGAIN;
}

int seg_move(struct segment *source, uint32_t ring, uint32_t slot, struct slot_word from, struct segment *target,
	     enum move_kind kind)
{
	struct slot *at = &source->ring[ring].slots[slot];
	struct slot_word moving = word_with_deadline(
		word_with_owner(word_with_state(from, SLOT_MOVING), source->row), source->serial);
	struct ring_claim claim;
	struct slot_word moved, arriving;
	int error = seg_enter(target), to;

	if (error)
		return error;
	error = target->has_marks ? may_be_moved(source, target, at) : 0;
	if (error) {
		seg_leave(target);
		return error;
	}
	target_note(source, target->file);
	if (!slot_change(at, from, moving)) {
		seg_leave(target);
		return RLQ_ESTALE;
	}
	CRASH_POINT(move_claimed);
	to = arrive_prepare(source, ring, slot, moving, target, kind, &claim);
	if (to < 0) {
		/* Deleted while it was copied: what was wrong with the copy is nobody's business. */
		error = move_undo(source, ring, slot, moving, from) ? to : RLQ_ESTALE;
		seg_leave(target);
		return error;
	}
	/* Read before the decision: afterwards anybody may finish, and the slot be used again. */
	arriving = slot_read(&target->ring[to].slots[claim.slot]);
	moved = word_moved(moving, place_at((uint32_t)to, claim.slot, arriving));
	/* [M1] The decision. Killed before: the message is the source's. After: the target's. It fails if the
	 * last holder has deleted the message; then the copy, which nobody could receive, goes too. */
	if (slot_change(at, moving, moved)) {
		/* Before the copy can be received: whoever deletes it counts on the journal looking here. */
		ring_mark(&source->ring[ring], slot);
		CRASH_POINT(move_decided);
		move_complete(source, ring, slot, moved, target, (uint32_t)to, claim.slot, arriving);
	} else {
		arriving_give_up(target, (uint32_t)to, &claim);
		error = RLQ_ESTALE;
	}
	seg_leave(target);
	return error;
}
