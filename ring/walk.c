#include "ring/walk.h"

/* Does the message of a slot lie at one of the positions from .. to - 1? */
static bool is_within(const struct ring *ring, uint32_t slot, struct slot_word word, uint64_t from, uint64_t to)
{
	uint64_t position = word_generation(word) << ring->order | slot;

	return position >= from && position < to;
}

void look_again(const struct ring *ring, uint64_t from, uint64_t to)
{
	for (uint64_t h = from; h < to && h - from < ring_slot_count(ring); h++) {
		struct slot *slot = slot_at(ring, h);
		uint32_t index = (uint32_t)h & ring->mask;
		struct slot_word word = slot_read(slot);

		while (is_within(ring, index, word, from, to) && word_state(word) == SLOT_WRITING) {
			if (slot_change_relaxed(slot, word, word_with_state(word, SLOT_PASSED))) {
				CRASH_POINT(receive_passed_writing);
				break;
			}
			word = slot_read(slot);
		}
		if (is_within(ring, index, word, from, to) && word_state(word) == SLOT_READY)
			ring_set_again(ring, index);
	}
}

void help_head(const struct ring *ring, uint64_t t)
{
	uint64_t distance_max = 2 * (uint64_t)ring_slot_count(ring);
	uint64_t h = load_relaxed(&ring->ends->head); /* relaxed: monotonic, checked by raise_seq */

	if (t < h + distance_max)
		return;
	/* Bits first: nobody may hear EMPTY between head and bit, for we may answer "full" and wake nobody. */
	look_again(ring, h, t - distance_max);
	raise_seq(&ring->ends->head, t - distance_max); /* [R2] */
	CRASH_POINT(send_head_helped);
	look_again(ring, h, t - distance_max);
}
