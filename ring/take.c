/* A receive that has to walk: what has come back first, then from head on. */
#include "ring/walk.h"

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

/* May this call lease it? Not what it has made one of its own already, nor what cannot be counted further. */
static bool is_takeable(const struct ring_terms *terms, uint32_t slot, struct slot_word ready)
{
	return word_receives(ready) != UINT32_MAX &&
	       (terms->has_taken == NULL || word_receives(ready) == 0 ||
		!terms->has_taken(terms->context, place_pack(terms->ring_index, slot, word_generation(ready))));
}

bool ring_lease(const struct ring *ring, uint32_t slot, struct slot_word ready, const struct ring_terms *terms,
		struct ring_taken *ret)
{
	bool too_often = terms->receives_max != 0 && word_receives(ready) >= terms->receives_max;
	struct slot_word to;

	if (!is_takeable(terms, slot, ready))
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
	if (too_often) {
		if (!slot_change_relaxed(&ring->slots[slot], ready, to))
			return false;
		CRASH_POINT(receive_dead);
	} else if (!ring_lease_slot(ring, slot, ready, to, terms)) {
		return false;
	}
	*ret = (struct ring_taken){.slot = slot, .word = to, .is_dead = too_often};
	return true;
}

/* A READY message of a tenant that is noisy now is put aside, once a delivery: the head, or its redelivery bit, has
 * brought us to it, and will not again. The bit comes before head moves on, so that a kill here leaves it at both
 * places. Who puts aside takes one message all the same: so nobody need be woken. */
static bool put_aside(const struct ring *ring, uint32_t slot, const struct ring_terms *terms)
{
	uint32_t tenant;

	if (terms->tenants == NULL)
		return false;
	tenant = slot_tenant(&ring->slots[slot]);
	if (!tenant_is_noisy(terms->tenants, tenant))
		return false;
	bitmap_set(ring_lane(ring, tenant), slot);
	CRASH_POINT(receive_put_aside);
	return true;
}

/* One try from the bits of `map`, of redelivery or aside. A bit is a hint: cleared first, then the slot is asked.
 * Killed in between, the bit is lost and the sweep finds the message behind head. */
static enum ring_result take_marked(const struct ring *ring, const struct bitmap *map, uint32_t *next,
				    const struct ring_terms *terms, struct ring_taken *ret)
{
	for (int steps = 0; steps < RING_STEPS_MAX; steps++) {
		uint32_t from = *next & ring->mask;
		int64_t bit = terms->before_sleep ? bitmap_find_plain(map, from) : bitmap_find(map, from);
		struct slot_word word;

		if (bit < 0)
			return RING_EMPTY;
		*next = (uint32_t)bit + 1;
		if (!bitmap_clear(map, (uint32_t)bit))
			continue;
		CRASH_POINT(receive_bit_cleared);
		for (;;) {
			word = slot_read(&ring->slots[bit]);
			if (word_state(word) != SLOT_READY)
				break;
			if (map == &ring->again && put_aside(ring, (uint32_t)bit, terms))
				break;
			if (ring_lease(ring, (uint32_t)bit, word, terms, ret))
				return RING_OK;
			if (!is_takeable(terms, (uint32_t)bit, word))
				break;
		}
	}
	return RING_BUSY;
}

static enum ring_result take_again(const struct ring *ring, struct ring_cursor *cursor,
				   const struct ring_terms *terms, struct ring_taken *ret)
{
	return take_marked(ring, &ring->again, &cursor->again, terms, ret);
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
		if (load_relaxed(&slot->word.low) != word.bits.low) /* relaxed: it is read again */
			return false;
	}
	if (!slot_change_relaxed(slot, word, word_with_state(word, SLOT_PASSED)))
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
	uint64_t lap = ring_lap(ring, h);
	struct slot_word word = slot_read(slot);

	if (word_is_damaged(word))
		return LOOK_DAMAGED;
	if (!is_used_up(word, lap))
		return LOOK_OPEN;
	if (word_generation(word) != lap)
		return LOOK_USED_UP;
	if (word_state(word) == SLOT_READY) {
		if (put_aside(ring, (uint32_t)h & ring->mask, terms))
			return LOOK_USED_UP;
		if (ring_lease(ring, (uint32_t)h & ring->mask, word, terms, ret))
			return LOOK_LEASED;
		return is_takeable(terms, (uint32_t)h & ring->mask, word) ? LOOK_AGAIN : LOOK_USED_UP;
	}
	if (word_state(word) == SLOT_WRITING)
		return pass_writing(slot, word) ? LOOK_USED_UP : LOOK_AGAIN;
	return LOOK_USED_UP;
}

/* Moves head past an open position that the tail has left behind, over a run of marks if there is
 * one. Of a run only the slots whose mark has gone by now are looked at again: who claims a marked
 * slot clears the mark first. */
static uint64_t pass_open(const struct ring *ring, uint64_t h, uint64_t tail)
{
	uint64_t to = after_kept(ring, h);

	if (to > tail)
		to = tail;
	/* [R2] Head, then the slots. */
	if (to <= h + 1) {
		raise_seq(&ring->ends->head, h + 1);
		CRASH_POINT(receive_head_moved);
		look_again(ring, h, h + 1);
		return h + 1;
	}
	raise_seq(&ring->ends->head, to); /* [R2], and [K3]: then the marks again */
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
		raise_release(&ring->ends->head, h);	  /* [Q1] */
		CRASH_POINT(receive_head_moved);
	}
}

static enum ring_result take_head(const struct ring *ring, struct ring_cursor *cursor,
				  const struct ring_terms *terms, struct ring_taken *ret)
{
	/* [Q1] Where to begin: the slots decide, looked at as they were when head came here, or later. */
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
			/* [A2] Tail first, then the slot: a claim that made tail pass h is then seen. */
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
				h = later(h, load_acquire(&ring->ends->head)); /* [Q1] */
			} else if (!is_used_up(slot_read(slot_at(ring, h)), ring_lap(ring, h))) {
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

	if (ring_take_next(ring, cursor, terms, ret))
		return RING_OK;
	if (bitmap_any(&ring->again) && ++cursor->turn % RING_HEAD_EVERY != 0)
		result = take_again(ring, cursor, terms, ret);
	if (result == RING_EMPTY)
		result = take_head(ring, cursor, terms, ret);
	/* The bits once more, also for those that take_head has just set: who hears EMPTY may sleep. */
	if (result == RING_EMPTY && (terms->before_sleep || bitmap_any_now(&ring->again)))
		result = take_again(ring, cursor, terms, ret);
	return result;
}

enum ring_result ring_take_aside(const struct ring *ring, struct ring_cursor *cursor,
				 const struct ring_terms *terms, struct ring_taken *ret)
{
	for (uint32_t i = 0; i < RING_LANES; i++) {
		uint32_t lane = (cursor->lane + i) % RING_LANES;
		enum ring_result result;

		/* The head, which was looked at before, has told of it ([Q1]). */
		if (!terms->before_sleep && !bitmap_any(&ring->aside[lane]))
			continue;
		result = take_marked(ring, &ring->aside[lane], &cursor->aside[lane], terms, ret);
		if (result == RING_OK)
			cursor->lane = lane + 1;
		if (result != RING_EMPTY)
			return result;
	}
	return RING_EMPTY;
}
