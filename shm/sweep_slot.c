#include "shm/sweep_slot.h"

#include "ring/crashpoint.h"
#include "shm/dlq.h"
#include "shm/message.h"
#include "shm/move.h"
#include "shm/reap.h"
#include "shm/tenants.h"

#include <errno.h>

enum { MOVE_SLOTS = 64 }; /* slots of the budget that a move costs */

static void expire_for_good(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word word)
{
	if (message_free(segment, ring, slot, word)) {
		seg_count(&segment->me->left, 1);
		seg_count(&segment->me->expired, 1);
		seg_notify_room(segment);
	}
}

/* Nothing but time may announce that a used-up message is to be moved (R8): notes when. */
static void note_overdue(struct segment *segment, struct sweep *sweep, struct slot_word word)
{
	uint64_t now_ms = segment->clock.boot_ms;
	uint64_t due_ms = seg_full_deadline(word, now_ms) + seg_attribute(segment, ATTRIBUTE_OVERDUE_MS);

	if (due_ms <= now_ms)
		sweep->unsettled = true; /* this sweep may move it, if it is visible already */
	else
		lower(&sweep->overdue_ms, due_ms);
}

/* To the DLQ. What keeps one message from it (full, forbidden, damaged) keeps all: one is tried a sweep. */
static void sweep_dead(struct segment *segment, struct sweep *sweep, uint32_t index, uint32_t slot,
		       struct slot_word dead)
{
	int error;

	if (sweep->dlq_error == RLQ_ENODLQ && seg_make_ready(segment, index, slot, dead))
		seg_notify(segment, 1); /* as seg_bury does it */
	if (sweep->dlq_error == 0) {
		error = seg_bury(segment, index, slot, dead);
		sweep->cost += MOVE_SLOTS;
		sweep->is_paused = error == -EAGAIN;
		if (error != RLQ_ESTALE && error != -EAGAIN)
			sweep->dlq_error = error;
	}
	sweep->unsettled |= sweep->dlq_error != 0 || sweep->is_paused;
}

/* In a FIFO queue what was received too often goes once those before it are gone, as it keeps its order in the DLQ.
 */
static bool may_be_buried(struct segment *segment, uint32_t index, uint32_t slot, struct slot_word word)
{
	return seg_is_used_up(segment, word) && (!seg_is_fifo(segment) || fifo_is_head(segment, index, slot, word));
}

/* A READY message: its bit may be lost; nobody may want to receive it once more (R8). */
static void sweep_ready(struct segment *segment, struct sweep *sweep, uint32_t index, uint32_t slot,
			struct slot_word word)
{
	const struct ring *ring = &segment->ring[index];
	uint32_t overdue_ms = (uint32_t)seg_attribute(segment, ATTRIBUTE_OVERDUE_MS);

	if (sweep->dlq_error == 0 && may_be_buried(segment, index, slot, word) &&
	    deadline_is_past(word_deadline_ms(word) + overdue_ms, (uint32_t)segment->clock.boot_ms)) {
		struct slot_word dead = word_with_state(word, SLOT_DEAD);

		if (slot_change(&ring->slots[slot], word, dead)) {
			CRASH_POINT(receive_dead);
			sweep_dead(segment, sweep, index, slot, dead);
		}
		return;
	}
	if (seg_is_fifo(segment)) {
		fifo_offer_again(segment, index, slot, word);
		return;
	}
	if ((word_receives(word) > 0 || ring_is_behind_head(ring, slot, word)) &&
	    !bitmap_test(&ring->again, slot) && !ring_is_aside(ring, slot)) {
		ring_set_again(ring, slot);
		CRASH_POINT(reap_bit_set);
		seg_notify(segment, 1);
	}
}

/* True if it was freed: it may have had a block that it did not name yet, for the next sweep to find. */
static bool sweep_orphan(struct segment *segment, uint32_t index, uint32_t slot, struct slot_word word)
{
	if (seg_is_fifo(segment))
		fifo_unblock(segment, index, slot, word);
	if (!seg_handle_is_gone(segment, word_owner(word), word_serial(word)) ||
	    (seg_is_fifo(segment) && fifo_rescue(segment, index, slot, word)) ||
	    !message_free(segment, index, slot, word))
		return false;
	CRASH_POINT(reap_orphan_freed);
	return true;
}

/* Is the slot one of those that hold a message for the accounts (sent, not yet left)? */
static bool counts_as_live(enum slot_state state)
{
	return state == SLOT_PENDING || state == SLOT_READY || state == SLOT_LEASED || state == SLOT_DELAYED ||
	       state == SLOT_DEAD || state == SLOT_MOVING;
}

/* Is it somebody's to end: its mover's, also when its time is up, or the engine's, who makes it durable? */
static bool is_under_way(enum slot_state state)
{
	return state == SLOT_PENDING || state == SLOT_MOVING;
}

void sweep_slot(struct segment *segment, struct sweep *sweep, uint32_t index, uint32_t slot)
{
	const struct slot *at = &segment->ring[index].slots[slot];
	struct slot_word word = slot_read_stable(at);
	enum slot_state state = word_state(word);

	if (counts_as_live(state)) {
		uint64_t when_ms = sent_ms(at->message.sent);

		if (!is_under_way(state) && seg_is_expired(segment, when_ms)) {
			expire_for_good(segment, index, slot, word);
			return;
		}
		sweep->counted++;
		seg_tenants_meet(segment, at);
		if (state != SLOT_DEAD && !is_under_way(state) && may_be_buried(segment, index, slot, word))
			note_overdue(segment, sweep, word);
		if (!is_under_way(state))
			lower(&sweep->oldest_ms, when_ms);
	}
	switch (state) {
	case SLOT_FREE: /* a mark left by who was killed between freeing and clearing it */
		if (bitmap_test(&segment->ring[index].kept, slot))
			bitmap_clear(&segment->ring[index].kept, slot);
		break;
	case SLOT_WRITING:
	case SLOT_PASSED:
		sweep->unsettled |= sweep_orphan(segment, index, slot, word);
		break;
	case SLOT_READY:
		sweep_ready(segment, sweep, index, slot, word);
		break;
	case SLOT_DELAYED:
		if (seg_is_fifo(segment))
			fifo_keep_delay(segment, index, slot, word);
		__attribute__((fallthrough));
	case SLOT_LEASED:
		if (seg_time_slot(segment, index, slot))
			seg_notify(segment, 1);
		break;
	case SLOT_DEAD:
		sweep_dead(segment, sweep, index, slot, word);
		break;
	case SLOT_MOVING:
		sweep->unsettled |= seg_undo_moving(segment, index, slot, word);
		break;
	case SLOT_MOVED:
		sweep->unsettled |= !seg_finish_moved(segment, index, slot, word);
		break;
	case SLOT_ARRIVING:
		seg_settle_arriving(segment, index, slot, word);
		sweep->unsettled = true; /* it is still there, or its block is to be looked for */
		break;
	case SLOT_HELD:
		if (seg_is_fifo(segment))
			fifo_settle(segment, fifo_group(at));
		message_free_held(segment, index, slot);
		break;
	default:
		break;
	}
}
