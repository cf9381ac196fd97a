/* The rest of a message's life: visible again, arrived, durable, a new deadline. */
#include "ring/crashpoint.h"
#include "ring/ring.h"

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
	if (!ready_again(ring, slot, from, from))
		return false;
	ring_mark(ring, slot);
	return true;
}

bool ring_arrive(const struct ring *ring, uint32_t slot, struct slot_word from)
{
	if (!ready_again(ring, slot, from, word_with_deadline(word_with_owner(from, OWNER_NONE), 0)))
		return false;
	ring_mark(ring, slot);
	return true;
}

static bool change_deadline(const struct ring *ring, uint32_t slot, struct slot_word from, struct slot_word to,
			    uint64_t deadline_ms)
{
	if (!slot_change(&ring->slots[slot], from, to))
		return false;
	CRASH_POINT(extend_changed);
	due_lower(&ring->due, slot, deadline_ms);
	return true;
}

bool ring_durable(const struct ring *ring, uint32_t slot, struct slot_word from, uint64_t *again)
{
	struct slot_word to = word_with_owner(from, OWNER_NONE);

	/* The word has the low half of the due time: at most too early, which a hint may be. */
	if (word_owner(from) != PENDING_READY)
		return change_deadline(ring, slot, from, word_with_state(to, SLOT_DELAYED), word_deadline_ms(from));
	/* [S4] READY, then the bit, by the caller: killed in between, the sweep finds the message behind head. */
	if (!slot_change(&ring->slots[slot], from, word_with_state(to, SLOT_READY)))
		return false;
	CRASH_POINT(release_ready);
	*again |= UINT64_C(1) << (slot % 64);
	return true;
}

void ring_set_again_word(const struct ring *ring, uint32_t slot, uint64_t again)
{
	bitmap_set_word(&ring->again, slot / 64, again);
	CRASH_POINT(release_bit_set);
}

bool ring_set_deadline(const struct ring *ring, uint32_t slot, struct slot_word from, enum slot_state to,
		       uint64_t deadline_ms)
{
	struct slot_word word = word_with_deadline(word_with_state(from, to), (uint32_t)deadline_ms);

	if (!change_deadline(ring, slot, from, word, deadline_ms))
		return false;
	/* A lease that is extended is no news to the journal. */
	if (to == SLOT_DELAYED || word_state(from) == SLOT_DELAYED)
		ring_mark(ring, slot);
	return true;
}
