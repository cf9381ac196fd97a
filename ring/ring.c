#include "ring/ring.h"
#include "ring/crashpoint.h"

static size_t aligned(size_t bytes)
{
	return (bytes + 127) & ~(size_t)127;
}

size_t ring_bytes(uint32_t order)
{
	uint32_t slots = UINT32_C(1) << order;

	return (size_t)slots * SLOT_BYTES + 2 * aligned(bitmap_bytes(slots)) + aligned(due_bytes(slots));
}

void ring_place(struct ring *ret, struct ring_ends *ends, void *memory, uint32_t order)
{
	uint32_t slots = UINT32_C(1) << order;
	unsigned char *next = (unsigned char *)memory + (size_t)slots * SLOT_BYTES;

	*ret = (struct ring){.ends = ends, .slots = memory, .order = order, .mask = slots - 1};
	bitmap_place(&ret->again, next, slots);
	next += aligned(bitmap_bytes(slots));
	bitmap_place(&ret->kept, next, slots);
	next += aligned(bitmap_bytes(slots));
	due_place(&ret->due, next, slots);
}

static struct slot *slot_at(const struct ring *ring, uint64_t position)
{
	return &ring->slots[position & ring->mask];
}

static uint64_t lap_of(const struct ring *ring, uint64_t position)
{
	return (position >> ring->order) & GENERATION_MASK;
}

/* Has the position a lap that a slot can note? Never beyond, but for damage. */
static bool position_fits(const struct ring *ring, uint64_t position)
{
	return position >> ring->order < GENERATION_MASK;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Does the message of a slot lie at one of the positions from .. to - 1? */
static bool is_within(const struct ring *ring, uint32_t slot, struct slot_word word, uint64_t from, uint64_t to)
{
	uint64_t position = word_generation(word) << ring->order | slot;

	return position >= from && position < to;
}

/* A word that can never come to be in a sound segment. */
static bool word_is_damaged(struct slot_word word)
{
	return word_state(word) >= SLOT_STATE_COUNT;
}

/* Can this position bring a message no more? See the file head of ring.h. */
static bool is_used_up(struct slot_word word, uint64_t lap)
{
	uint64_t generation = word_generation(word);

	return generation > lap || (generation == lap && word_state(word) != SLOT_FREE);
}

/* First position after `position` that bears no mark; looks no further than one word of marks. */
static uint64_t after_kept(const struct ring *ring, uint64_t position)
{
	return position + bitmap_run(&ring->kept, (uint32_t)position & ring->mask);
}

/* ---- claim ------------------------------------------------------------------------------------ */

/* Whatever is being written in the slot is passed, whatever is READY gets its bit. */
static void look_again_slot(const struct ring *ring, uint32_t slot)
{
	struct slot_word word = slot_read(&ring->slots[slot]);

	while (word_state(word) == SLOT_WRITING) {
		if (slot_change(&ring->slots[slot], word, word_with_state(word, SLOT_PASSED))) {
			CRASH_POINT(receive_passed_writing);
			return;
		}
		word = slot_read(&ring->slots[slot]);
	}
	if (word_state(word) == SLOT_READY)
		ring_set_again(ring, slot);
}

/* [K2] Clears the mark of a slot just claimed; a jump may have believed it. */
static bool mark_was_set(const struct ring *ring, uint32_t slot)
{
	return bitmap_any(&ring->kept) && bitmap_test(&ring->kept, slot) && bitmap_clear(&ring->kept, slot);
}

/* Has head no business at this slot any more, whatever its lap? Not so while a message was never
 * received or is being written: then head has yet to lease it, or to pass its producer. */
static bool may_be_marked(struct slot_word word)
{
	return word_state(word) != SLOT_FREE && word_state(word) != SLOT_WRITING &&
	       !(word_state(word) == SLOT_READY && word_receives(word) == 0);
}

/* Marks the slot of an older message. [K1] The mark, then the word again; pairs with [K2] in
 * mark_was_set(): a claim in between either sees the mark or is seen here. A jump may have believed
 * the mark meanwhile, so what was claimed is treated as passed. */
static void mark_kept(const struct ring *ring, uint64_t t, struct slot_word word)
{
	uint32_t slot = (uint32_t)t & ring->mask;
	struct slot_word now;

	if (!may_be_marked(word) || bitmap_test(&ring->kept, slot))
		return;
	bitmap_set(&ring->kept, slot);
	now = slot_read(slot_at(ring, t));
	if (word_generation(now) == word_generation(word))
		return;
	bitmap_clear(&ring->kept, slot);
	look_again_slot(ring, slot);
}

static void look_again(const struct ring *ring, uint64_t from, uint64_t to);

/* Keeps head within two laps of the tail, so that a ring which stays full does not run up a distance
 * that consumers would have to walk: what head is made to pass is looked at as a consumer would. */
static void help_head(const struct ring *ring, uint64_t t)
{
	uint64_t distance_max = 2 * (uint64_t)ring_slot_count(ring);
	uint64_t h = load_relaxed(&ring->ends->head); /* relaxed: monotonic, checked by raise_seq */

	if (t < h + distance_max)
		return;
	/* Bits first: nobody may hear EMPTY between head and bit, for we may answer "full" and wake nobody. */
	look_again(ring, h, t - distance_max);
	raise_seq(&ring->ends->head, t - distance_max);
	CRASH_POINT(send_head_helped);
	look_again(ring, h, t - distance_max);
}

/* An older message sits at `t`: mark it, and move the shared tail past it, and with `jump` past the
 * marked ones that follow. Published at once, since only a tail beyond such a position lets consumers
 * pass it. */
static uint64_t step_over(const struct ring *ring, uint64_t t, struct slot_word word, bool jump)
{
	mark_kept(ring, t, word);
	t = jump ? later(after_kept(ring, t), t + 1) : t + 1;
	raise_seq(&ring->ends->tail, t);
	CRASH_POINT(send_tail_moved);
	help_head(ring, t);
	return t;
}

static bool claim_slot(const struct ring *ring, struct ring_cursor *cursor, uint64_t t, struct slot_word from,
		       struct slot_word to, struct ring_claim *ret)
{
	uint32_t slot = (uint32_t)t & ring->mask;
	uint64_t tail;
	bool late;

	if (!slot_change(&ring->slots[slot], from, to))
		return false;
	CRASH_POINT(send_claimed);
	late = mark_was_set(ring, slot);
	/* Had the tail gone past before the claim? Then a consumer may have passed an empty slot. */
	tail = load_seq(&ring->ends->tail);
	late = late || tail > t;
	cursor->tail = t + 1;
	if (t + 1 >= tail + CURSOR_LAG_MAX) {
		raise_seq(&ring->ends->tail, t + 1);
		CRASH_POINT(send_tail_moved);
	}
	*ret = (struct ring_claim){.position = t, .slot = slot, .late = late};
	return true;
}

/* `claimed` says state, owner and receive count of the slot once it is ours. */
static enum ring_result claim(const struct ring *ring, struct ring_cursor *cursor, struct slot_word claimed,
			      struct ring_claim *ret)
{
	uint64_t t = later(load_acquire(&ring->ends->tail), cursor->tail);

	if (!position_fits(ring, t))
		return RING_DAMAGED;
	for (int steps = 0; steps < RING_STEPS_MAX; steps++) {
		uint64_t lap = lap_of(ring, t);
		struct slot_word word = slot_read(slot_at(ring, t));

		if (word_is_damaged(word))
			return RING_DAMAGED;
		if (word_state(word) == SLOT_FREE && word_generation(word) <= lap) {
			if (claim_slot(ring, cursor, t, word, word_with_generation(claimed, lap), ret)) {
				cursor->stepped = 0;
				return RING_OK;
			}
		} else if (is_used_up(word, lap)) {
			t++;
		} else {
			/* Marks may be stale: before the answer is "full", one round looks at every slot. */
			bool jump = cursor->stepped < ring_slot_count(ring);
			uint64_t to = step_over(ring, t, word, jump);

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
	return claim(ring, cursor, word_make(SLOT_WRITING, 0, (uint32_t)owner, 0, (uint32_t)(owner >> 32)), ret);
}

enum ring_result ring_claim_arriving(const struct ring *ring, struct ring_cursor *cursor, uint64_t owner,
				     uint32_t receives, struct ring_claim *ret)
{
	return claim(ring, cursor, word_make(SLOT_ARRIVING, 0, (uint32_t)owner, receives, (uint32_t)(owner >> 32)), ret);
}

/* ---- publish ---------------------------------------------------------------------------------- */

static struct slot_word claimed_word(const struct ring *ring, const struct ring_claim *claim, enum slot_state state,
				     uint64_t owner)
{
	return word_make(state, lap_of(ring, claim->position), (uint32_t)owner, 0, (uint32_t)(owner >> 32));
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
	if (slot_change(slot, claimed_word(ring, claim, SLOT_WRITING, owner), to)) {
		*ret_passed = false;
		return true;
	}
	*ret_passed = true;
	CRASH_POINT(send_found_passed);
	return slot_change(slot, claimed_word(ring, claim, SLOT_PASSED, owner), to);
}

enum ring_result ring_publish(const struct ring *ring, const struct ring_claim *claim, uint64_t owner)
{
	struct slot_word ready = claimed_word(ring, claim, SLOT_READY, OWNER_NONE);
	bool passed = false;

	/* [S3], as in leave_writing, by the half that names us: the other one stays, being of no meaning
	 * before the first receive. Half the price of the whole. */
	if (!slot_change_low(&ring->slots[claim->slot], claimed_word(ring, claim, SLOT_WRITING, owner), ready) &&
	    !leave_writing(ring, claim, owner, ready, &passed))
		return RING_DAMAGED;
	CRASH_POINT(send_published);
	/* [R1] A late claim asks whether head has gone by; pairs with [R2] in look_again(). */
	if (passed || (claim->late && load_seq(&ring->ends->head) > claim->position)) {
		ring_set_again(ring, claim->slot);
		CRASH_POINT(send_bit_set);
	}
	return RING_OK;
}

enum ring_result ring_publish_delayed(const struct ring *ring, const struct ring_claim *claim, uint64_t owner,
				      uint64_t due_ms)
{
	struct slot_word to = claimed_word(ring, claim, SLOT_DELAYED, OWNER_NONE);
	bool passed;

	if (!leave_writing(ring, claim, owner, word_with_deadline(to, (uint32_t)due_ms), &passed))
		return RING_DAMAGED;
	CRASH_POINT(send_published);
	due_lower(&ring->due, claim->slot, due_ms);
	CRASH_POINT(send_due_lowered);
	return RING_OK;
}

enum ring_result ring_abandon(const struct ring *ring, const struct ring_claim *claim, uint64_t owner)
{
	struct slot_word to = word_freed(claimed_word(ring, claim, SLOT_WRITING, owner));
	bool passed;

	if (!leave_writing(ring, claim, owner, to, &passed))
		return RING_DAMAGED;
	CRASH_POINT(send_abandoned);
	return RING_OK;
}

/* ---- take ------------------------------------------------------------------------------------- */

/* The word after a lease, by the terms. */
static struct slot_word leased_word(struct slot_word ready, const struct ring_terms *terms)
{
	struct slot_word to = word_with_deadline(ready, (uint32_t)terms->deadline_ms);

	to.bits.high += 1; /* the receive count, in the low half */
	if (terms->viewer != OWNER_NONE)
		to = word_with_owner(to, word_owner(ready) == OWNER_NONE || word_owner(ready) == terms->viewer
						 ? terms->viewer
						 : OWNER_MANY);
	return word_with_state(to, terms->stay_visible ? SLOT_READY : SLOT_LEASED);
}

static void settle_lease(const struct ring *ring, uint32_t slot, const struct ring_terms *terms)
{
	if (!terms->stay_visible)
		due_lower(&ring->due, slot, terms->deadline_ms);
}

/* READY -> LEASED, or DEAD if it was received too often already. False: somebody else was faster, or
 * it may not be leased. */
static bool lease(const struct ring *ring, uint32_t slot, struct slot_word ready, const struct ring_terms *terms,
		  struct ring_taken *ret)
{
	bool too_often = terms->receives_max != 0 && word_receives(ready) >= terms->receives_max;
	struct slot_word to;

	if (word_receives(ready) == UINT32_MAX)
		return false;
	if (too_often) {
		to = word_with_state(ready, SLOT_DEAD);
	} else {
		if (terms->viewer != OWNER_NONE) {
			/* [H1] The hold is published before the lease; pairs with [H2] of who frees. */
			terms->hold(terms->context, place_pack(terms->ring_index, slot, word_generation(ready)));
			CRASH_POINT(receive_held);
		}
		to = leased_word(ready, terms);
	}
	/* [T1] Takes the message; acquire pairs with [S3]. Linearisation point of receive.
	 * Killed just after: the lease ends by time. */
	if (!slot_change(&ring->slots[slot], ready, to))
		return false;
	if (too_often) {
		CRASH_POINT(receive_dead);
	} else {
		CRASH_POINT(receive_leased);
		settle_lease(ring, slot, terms);
	}
	*ret = (struct ring_taken){.slot = slot, .word = to, .is_dead = too_often};
	return true;
}

/* One try from the redelivery bits. A bit is a hint: cleared first, then the slot is asked. Killed in
 * between, the bit is lost and the sweep finds the message behind head. */
static enum ring_result take_again(const struct ring *ring, struct ring_cursor *cursor,
				   const struct ring_terms *terms, struct ring_taken *ret)
{
	for (int steps = 0; steps < RING_STEPS_MAX; steps++) {
		uint32_t from = cursor->again & ring->mask;
		int64_t bit = terms->before_sleep ? bitmap_find_plain(&ring->again, from)
						  : bitmap_find(&ring->again, from);
		struct slot_word word;

		if (bit < 0)
			return RING_EMPTY;
		cursor->again = (uint32_t)bit + 1;
		if (!bitmap_clear(&ring->again, (uint32_t)bit))
			continue;
		CRASH_POINT(receive_bit_cleared);
		for (;;) {
			word = slot_read(&ring->slots[bit]);
			if (word_state(word) != SLOT_READY)
				break;
			if (lease(ring, (uint32_t)bit, word, terms, ret))
				return RING_OK;
			if (word_receives(word) == UINT32_MAX)
				break;
		}
	}
	return RING_BUSY;
}

/* A producer claimed the slot at head and has not published: give it a moment, then leave the message
 * to the redelivery bit that it will set. True if it is passed, false if the word changed. */
static bool pass_writing(struct slot *slot, struct slot_word word)
{
	for (int look = 0; look < RING_LOOKS; look++) {
		/* Each look takes the line from the producer, who is about to need it: back off. Most
		 * publish within two pauses; 126 pass before we do. */
		for (int pause = 0; pause < 1 << look / 2; pause++)
			cpu_relax();
		if (load_acquire(&slot->word.low) != word.bits.low)
			return false;
	}
	if (!slot_change(slot, word, word_with_state(word, SLOT_PASSED)))
		return false;
	CRASH_POINT(receive_passed_writing);
	return true;
}

enum look {
	LOOK_LEASED,
	LOOK_AGAIN,   /* the word changed */
	LOOK_USED_UP, /* nothing will come at this position */
	LOOK_OPEN,    /* free for this lap, or an older message */
	LOOK_DAMAGED,
};

/* What is at position h? Leases it if it can. */
static enum look look_at(const struct ring *ring, uint64_t h, const struct ring_terms *terms,
			 struct ring_taken *ret)
{
	struct slot *slot = slot_at(ring, h);
	uint64_t lap = lap_of(ring, h);
	struct slot_word word = slot_read(slot);

	if (word_is_damaged(word))
		return LOOK_DAMAGED;
	if (!is_used_up(word, lap))
		return LOOK_OPEN;
	if (word_generation(word) != lap)
		return LOOK_USED_UP;
	if (word_state(word) == SLOT_READY) {
		if (lease(ring, (uint32_t)h & ring->mask, word, terms, ret))
			return LOOK_LEASED;
		return word_receives(word) == UINT32_MAX ? LOOK_USED_UP : LOOK_AGAIN;
	}
	if (word_state(word) == SLOT_WRITING)
		return pass_writing(slot, word) ? LOOK_USED_UP : LOOK_AGAIN;
	return LOOK_USED_UP;
}

/* [R2] Head has just been moved from `from` to `to` over positions that were open: look at each again.
 * Pairs with [R1]. What is READY there by now was published before its producer could see the new
 * head, so it gets its bit from us. Over several laps each slot is looked at once: it holds one. */
static void look_again(const struct ring *ring, uint64_t from, uint64_t to)
{
	for (uint64_t h = from; h < to && h - from < ring_slot_count(ring); h++) {
		struct slot *slot = slot_at(ring, h);
		uint32_t index = (uint32_t)h & ring->mask;
		struct slot_word word = slot_read(slot);

		while (is_within(ring, index, word, from, to) && word_state(word) == SLOT_WRITING) {
			if (slot_change(slot, word, word_with_state(word, SLOT_PASSED))) {
				CRASH_POINT(receive_passed_writing);
				break;
			}
			word = slot_read(slot);
		}
		if (is_within(ring, index, word, from, to) && word_state(word) == SLOT_READY)
			ring_set_again(ring, index);
	}
}

/* Moves head past an open position that the tail has left behind, over a run of marks if there is
 * one. Of a run only the slots whose mark has gone by now are looked at again: who claims a marked
 * slot clears the mark first. */
static uint64_t pass_open(const struct ring *ring, uint64_t h, uint64_t tail)
{
	uint64_t to = after_kept(ring, h);

	if (to > tail)
		to = tail;
	if (to <= h + 1) {
		raise_seq(&ring->ends->head, h + 1);
		CRASH_POINT(receive_head_moved);
		look_again(ring, h, h + 1);
		return h + 1;
	}
	raise_seq(&ring->ends->head, to);
	CRASH_POINT(receive_head_moved);
	for (uint64_t at = h; at < to;) {
		at = after_kept(ring, at);
		if (at < to)
			look_again(ring, at, at + 1);
		at++;
	}
	return to;
}

/* The walk over used-up positions is written down now and then, so that others need not repeat it. */
static void head_keep_up(const struct ring *ring, struct ring_cursor *cursor, uint64_t h, uint64_t lag)
{
	cursor->head = h;
	if (h >= load_relaxed(&ring->ends->head) + lag) { /* relaxed: monotonic, a hint */
		raise_seq(&ring->ends->head, h);
		CRASH_POINT(receive_head_moved);
	}
}

static enum ring_result take_head(const struct ring *ring, struct ring_cursor *cursor,
				  const struct ring_terms *terms, struct ring_taken *ret)
{
	uint64_t h = later(load_acquire(&ring->ends->head), cursor->head);

	if (!position_fits(ring, h))
		return RING_DAMAGED;
	for (int steps = 0; steps < RING_STEPS_MAX; steps++) {
		enum look look = look_at(ring, h, terms, ret);

		if (look == LOOK_DAMAGED)
			return RING_DAMAGED;
		if (look == LOOK_LEASED) {
			head_keep_up(ring, cursor, h + 1, CURSOR_LAG_MAX);
			return RING_OK;
		}
		if (look == LOOK_USED_UP) {
			h++;
		} else if (look == LOOK_OPEN) {
			/* Tail first, then the slot: a claim that made tail pass h is then seen. */
			uint64_t tail = load_seq(&ring->ends->tail);

			if (tail <= h) {
				head_keep_up(ring, cursor, h, 1);
				return RING_EMPTY;
			}
			if (!position_fits(ring, tail))
				return RING_DAMAGED;
			if (tail - h > 2 * (uint64_t)ring_slot_count(ring)) {
				/* Further than producers let it come, but for damage or a kill. */
				help_head(ring, tail);
				h = later(h, load_acquire(&ring->ends->head));
			} else if (!is_used_up(slot_read(slot_at(ring, h)), lap_of(ring, h))) {
				h = pass_open(ring, h, tail);
			}
		}
	}
	head_keep_up(ring, cursor, h, 1);
	return RING_BUSY;
}

enum ring_result ring_take(const struct ring *ring, struct ring_cursor *cursor, const struct ring_terms *terms,
			   struct ring_taken *ret)
{
	enum ring_result result = RING_EMPTY;

	if (bitmap_any(&ring->again) && ++cursor->turn % RING_HEAD_EVERY != 0)
		result = take_again(ring, cursor, terms, ret);
	if (result == RING_EMPTY)
		result = take_head(ring, cursor, terms, ret);
	/* The bits once more, also for those that take_head has just set: who hears EMPTY may sleep. */
	if (result == RING_EMPTY && (terms->before_sleep || bitmap_any(&ring->again)))
		result = take_again(ring, cursor, terms, ret);
	return result;
}

/* ---- the rest of a message's life ------------------------------------------------------------- */

static bool ready_again(const struct ring *ring, uint32_t slot, struct slot_word from, struct slot_word to)
{
	/* [S4] READY, then the bit: killed in between, the sweep finds the message behind head. */
	if (!slot_change(&ring->slots[slot], from, word_with_state(to, SLOT_READY)))
		return false;
	CRASH_POINT(release_ready);
	ring_set_again(ring, slot);
	CRASH_POINT(release_bit_set);
	return true;
}

bool ring_make_ready(const struct ring *ring, uint32_t slot, struct slot_word from)
{
	return ready_again(ring, slot, from, from);
}

bool ring_arrive(const struct ring *ring, uint32_t slot, struct slot_word from)
{
	return ready_again(ring, slot, from, word_with_deadline(word_with_owner(from, OWNER_NONE), 0));
}

bool ring_set_deadline(const struct ring *ring, uint32_t slot, struct slot_word from, enum slot_state to,
		       uint64_t deadline_ms)
{
	struct slot_word word = word_with_deadline(word_with_state(from, to), (uint32_t)deadline_ms);

	if (!slot_change(&ring->slots[slot], from, word))
		return false;
	CRASH_POINT(extend_changed);
	due_lower(&ring->due, slot, deadline_ms);
	return true;
}

bool ring_free(const struct ring *ring, uint32_t slot, struct slot_word from)
{
	/* [F1] Killed just before: the message is still there. Just after: gone, its mark at most stale. */
	if (!slot_change(&ring->slots[slot], from, word_freed(from)))
		return false;
	CRASH_POINT(delete_freed);
	if (bitmap_any(&ring->kept) && bitmap_test(&ring->kept, slot))
		bitmap_clear(&ring->kept, slot);
	CRASH_POINT(delete_mark_cleared);
	return true;
}
