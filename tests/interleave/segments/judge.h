/* A slot by where it is, and the rules by which its changes are judged. */
#ifndef INTERLEAVE_SEGMENTS_JUDGE_H
#define INTERLEAVE_SEGMENTS_JUDGE_H

#include "tests/interleave/segments/world.h"

#define ONE(state) (1u << SLOT_##state)

struct spot {
	int queue;
	uint32_t ring, slot;
	struct slot *at;
};

static inline bool is_one_of(enum slot_state state, unsigned set)
{
	return set >> state & 1;
}

static inline struct slot_word word_in(const struct slot *slot)
{
	return (struct slot_word){{.low = slot->word.low, .high = slot->word.high}};
}

/* How many slots of a region have memory and may be seen. */
uint32_t slots_in(int queue, uint32_t ring);

/* Is the actor at work the owner that the word names? */
bool is_owner(const struct spot *spot, struct slot_word word);

/* Is the copy that a MOVED names still on its way? */
bool copy_is_arriving(int queue, struct slot_word moved);

/* Judge one change, made by the actor at work, and keep the accounts by it. */
void judge_slot(const struct spot *spot, struct slot_word from, struct slot_word to);
void judge_block(int queue, uint32_t block, uint64_t from, uint64_t to);

#endif
