/* What claim and take share: where a position is, what it can still bring, and head moved over positions
 * that nobody has taken. Inside ring/ only. */
#ifndef RL_WALK_H
#define RL_WALK_H

#include "ring/crashpoint.h"
#include "ring/ring.h"

static inline struct slot *slot_at(const struct ring *ring, uint64_t position)
{
	return &ring->slots[position & ring->mask];
}

/* Has the position a lap that a slot can note? Never beyond, but for damage. */
static inline bool position_fits(const struct ring *ring, uint64_t position)
{
	return position >> ring->order < GENERATION_MASK;
}

static inline uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* A word that can never come to be in a sound segment. */
static inline bool word_is_damaged(struct slot_word word)
{
	return word_state(word) >= SLOT_STATE_COUNT;
}

/* Can this position bring a message no more? See the file head of ring.h. */
static inline bool is_used_up(struct slot_word word, uint64_t lap)
{
	uint64_t generation = word_generation(word);

	return generation > lap || (generation == lap && word_state(word) != SLOT_FREE);
}

/* First position after `position` that bears no mark; looks no further than one word of marks. */
static inline uint64_t after_kept(const struct ring *ring, uint64_t position)
{
	return position + bitmap_run(&ring->kept, (uint32_t)position & ring->mask);
}

/* [R2] Head has just been moved from `from` to `to` over positions that were open: look at each again.
 * Pairs with [R1]. What is READY there by now was published before its producer could see the new
 * head, so it gets its bit from us. Over several laps each slot is looked at once: it holds one. */
void look_again(const struct ring *ring, uint64_t from, uint64_t to);

/* Keeps head within two laps of the tail `t`, so that a ring which stays full does not run up a distance
 * that consumers would have to walk: what head is made to pass is looked at as a consumer would. */
void help_head(const struct ring *ring, uint64_t t);

#endif
