/* A claim that has to walk, a run of them, and the rarer ways out of WRITING. */
#include "ring/prefetch.h"
#include "ring/walk.h"

enum { RUN_TRIES = 4 };

/* ---- claim ------------------------------------------------------------------------------------ */

/* Whatever is being written in the slot is passed, whatever is READY gets its bit: true. */
static bool look_again_slot(const struct ring *ring, uint32_t slot)
{
	struct slot_word word = slot_read(&ring->slots[slot]);

	while (word_state(word) == SLOT_WRITING) {
		if (slot_change_relaxed(&ring->slots[slot], word, word_with_state(word, SLOT_PASSED))) {
			CRASH_POINT(receive_passed_writing);
			return false;
		}
		word = slot_read(&ring->slots[slot]);
	}
	if (word_state(word) != SLOT_READY)
		return false;
	ring_set_again(ring, slot);
	return true;
}

/* Has head no business at this slot any more, whatever its lap? Not so while a message was never
 * received or is being written: then head has yet to lease it, or to pass its producer. */
static bool may_be_marked(struct slot_word word)
{
	return word_state(word) != SLOT_FREE && word_state(word) != SLOT_WRITING &&
	       !(word_state(word) == SLOT_READY && word_receives(word) == 0);
}

/* Marks the slot of an older message. [K1] The mark, then the word again; pairs with [K2] in
 * ring_mark_was_set(): a claim in between either sees the mark or is seen here. A jump may have believed
 * the mark meanwhile, so what was claimed is treated as passed. True if it has been published by now:
 * consumers may have passed it, heard EMPTY and gone to sleep, and whoever published it is gone. */
static bool mark_kept(const struct ring *ring, uint64_t t, struct slot_word word)
{
	uint32_t slot = (uint32_t)t & ring->mask;
	struct slot_word now;
	bool is_shown;

	if (!may_be_marked(word) || bitmap_guess(&ring->kept, slot))
		return false;
	bitmap_set(&ring->kept, slot);
	now = slot_read(slot_at(ring, t));
	if (word_generation(now) == word_generation(word))
		return false;
	/* The bit before the mark goes: from then on nobody hears EMPTY for it. */
	is_shown = look_again_slot(ring, slot);
	bitmap_clear(&ring->kept, slot);
	return is_shown;
}

/* An older message sits at `t`: mark it, and move the shared tail past it, and with `jump` past the
 * marked ones that follow. Published at once, since only a tail beyond such a position lets consumers
 * pass it. */
static uint64_t step_over(const struct ring *ring, struct ring_cursor *cursor, uint64_t t, struct slot_word word,
			  bool jump)
{
	if (mark_kept(ring, t, word))
		cursor->owes_wake = true;
	t = jump ? later(after_kept(ring, t), t + 1) : t + 1;
	/* [A2] */
	raise_seq(&ring->ends->tail, t);
	CRASH_POINT(send_tail_moved);
	help_head(ring, t);
	return t;
}

/* `claimed` says state, owner and receive count of the slot once it is ours. */
static enum ring_result claim(const struct ring *ring, struct ring_cursor *cursor, struct slot_word claimed,
			      struct ring_claim *ret)
{
	/* [A2] Where to begin: the slots decide, looked at as they were when the tail came here, or later. */
	uint64_t t = later(load_acquire(&ring->ends->tail), cursor->tail);

	if (!position_fits(ring, t))
		return RING_DAMAGED;
	for (int steps = 0; steps < RING_STEPS_MAX; steps++) {
		uint64_t lap = ring_lap(ring, t);
		struct slot_word word = slot_read(slot_at(ring, t));

		if (word_is_damaged(word))
			return RING_DAMAGED;
		if (word_state(word) == SLOT_FREE && word_generation(word) <= lap) {
			if (ring_claim_slot(ring, cursor, t, word, word_with_generation(claimed, lap), ret))
				return RING_OK;
		} else if (is_used_up(word, lap)) {
			t++;
		} else {
			/* Marks may be stale: before the answer is "full", one round looks at every slot. */
			bool jump = cursor->stepped < ring_slot_count(ring);
			uint64_t to = step_over(ring, cursor, t, word, jump);

			cursor->stepped += to - t;
			t = to;
			if (cursor->stepped >= 2 * (uint64_t)ring_slot_count(ring)) {
				cursor->stepped = 0;
				cursor->tail = t;
				return RING_FULL;
			}
		}
	}
	cursor->tail = t;
	return RING_BUSY;
}

enum ring_result ring_claim(const struct ring *ring, struct ring_cursor *cursor, uint64_t owner,
			    struct ring_claim *ret)
{
	if (ring_claim_next(ring, cursor, owner, ret))
		return RING_OK;
	return claim(ring, cursor, word_make(SLOT_WRITING, 0, (uint32_t)owner, 0, (uint32_t)(owner >> 32)), ret);
}

enum ring_result ring_claim_arriving(const struct ring *ring, struct ring_cursor *cursor, uint64_t owner,
				     uint32_t receives, struct ring_claim *ret)
{
	return claim(ring, cursor, word_make(SLOT_ARRIVING, 0, (uint32_t)owner, receives, (uint32_t)(owner >> 32)),
		     ret);
}

void ring_claim_run(const struct ring *ring, struct ring_cursor *cursor, uint32_t count)
{
	for (int tries = 0; tries < RUN_TRIES; tries++) {
		uint64_t tail = load_acquire(&ring->ends->tail), first = later(tail, cursor->tail); /* [A2] */

		if (!position_fits(ring, first))
			return;
		/* [A2] What it goes past is free or older; who claims there finds that he is late ([A1]). */
		if (!cas_seq(&ring->ends->tail, tail, first + count))
			continue;
		CRASH_POINT(send_tail_moved);
		cursor->tail = first;
		for (uint32_t i = 0; i < count; i++)
			prefetch_own(slot_at(ring, first + i));
		return;
	}
}

/* ---- publish ---------------------------------------------------------------------------------- */

void ring_publish_again(const struct ring *ring, uint32_t slot)
{
	ring_set_again(ring, slot);
	CRASH_POINT(send_bit_set);
	ring_mark(ring, slot);
}

bool ring_leave_passed(const struct ring *ring, const struct ring_claim *claim, uint64_t owner, struct slot_word to)
{
	CRASH_POINT(send_found_passed);
	return slot_change(&ring->slots[claim->slot], ring_claimed_word(ring, claim, SLOT_PASSED, owner), to);
}

/* WRITING -> to, or PASSED -> to with `ret_passed`. Only the owner leaves these states, so at most
 * one consumer can have come between. */
static bool leave_writing(const struct ring *ring, const struct ring_claim *claim, uint64_t owner,
			  struct slot_word to, bool *ret_passed)
{
	struct slot *slot = &ring->slots[claim->slot];

	CRASH_POINT(send_leaving);
	/* [S3] Publishes the message; pairs with the acquire of [L1] and with the lease CAS.
	 * Killed just before: WRITING, the reaper frees it. Just after: sent, though nobody heard so. */
	if (slot_change(slot, ring_claimed_word(ring, claim, SLOT_WRITING, owner), to)) {
		*ret_passed = false;
		return true;
	}
	*ret_passed = true;
	return ring_leave_passed(ring, claim, owner, to);
}

enum ring_result ring_publish_delayed(const struct ring *ring, const struct ring_claim *claim, uint64_t owner,
				      uint64_t due_ms)
{
	struct slot_word to = ring_claimed_word(ring, claim, SLOT_DELAYED, OWNER_NONE);
	bool passed;

	if (!leave_writing(ring, claim, owner, word_with_deadline(to, (uint32_t)due_ms), &passed))
		return RING_DAMAGED;
	CRASH_POINT(send_published);
	due_lower(&ring->due, claim->slot, due_ms);
	CRASH_POINT(send_due_lowered);
	ring_mark(ring, claim->slot);
	return RING_OK;
}

enum ring_result ring_publish_pending(const struct ring *ring, const struct ring_claim *claim, uint64_t owner,
				      uint64_t due_ms)
{
	uint64_t becomes = due_ms ? PENDING_DELAYED : PENDING_READY;
	struct slot_word to = ring_claimed_word(ring, claim, SLOT_PENDING, becomes);
	bool passed;

	/* No bit, though it was passed or late: ring_durable() sets it, which is when it may be received. */
	if (!leave_writing(ring, claim, owner, word_with_deadline(to, (uint32_t)due_ms), &passed))
		return RING_DAMAGED;
	CRASH_POINT(send_published);
	ring_mark(ring, claim->slot);
	return RING_OK;
}

enum ring_result ring_abandon(const struct ring *ring, const struct ring_claim *claim, uint64_t owner)
{
	struct slot_word to = word_freed(ring_claimed_word(ring, claim, SLOT_WRITING, owner));
	bool passed;

	if (!leave_writing(ring, claim, owner, to, &passed))
		return RING_DAMAGED;
	CRASH_POINT(send_abandoned);
	return RING_OK;
}
