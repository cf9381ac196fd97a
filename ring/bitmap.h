/* A bitmap with summaries: one bit a slot, and above each word of 64 one bit that says "not zero".
 *
 * Used for hints only (R1): which slots to look at for redelivery, which to jump over. A bit may be
 * lost, stale or doubled; the slot's word decides. What the structure promises is that a bit which
 * stays set is found: set writes the word first and then its summaries, clear takes a summary away
 * only from an empty word and looks at the word again ([B2] pairs with [B1]).
 *
 * Progress: every operation is wait-free, at most 4 levels. A kill inside set leaves a bit without
 * its summary: invisible until the sweep sets it again. A kill inside clear leaves a summary over an
 * empty word: found and removed by the next search.
 */
#ifndef RL_BITMAP_H
#define RL_BITMAP_H

#include "ring/atomic.h"

#include <stddef.h>

enum {
	BITMAP_LEVELS_MAX = 5,
	BITMAP_LIES_MAX = 16, /* searches of one find that summaries misled */
};

struct bitmap {
	atomic_u64 *level[BITMAP_LEVELS_MAX]; /* level[0] holds the bits, level[levels - 1] one word */
	uint32_t levels;
	uint32_t bits;
};

/* Bytes of shared memory for `bits` bits (1 .. 2^30). Zeroed memory is an empty bitmap. */
size_t bitmap_bytes(uint32_t bits);

/* Points `ret` into `memory`, which holds bitmap_bytes(bits) bytes and is 8-byte aligned. */
void bitmap_place(struct bitmap *ret, void *memory, uint32_t bits);

void bitmap_set(const struct bitmap *map, uint32_t bit);

/* Sets `bits`, at least one, of the 64 that begin at 64 * `index`. */
void bitmap_set_word(const struct bitmap *map, uint32_t index, uint64_t bits);

/* Clears the bit; says whether this call did it. */
bool bitmap_clear(const struct bitmap *map, uint32_t bit);

/* Is any bit set? One load of one word, for the fast path: what was set before, by a bitmap_set() that the caller
 * knows of, is seen; of what is set meanwhile it is a guess. */
static inline bool bitmap_any(const struct bitmap *map)
{
	return load_relaxed(map->level[map->levels - 1]) != 0; /* relaxed: as said */
}

/* [S5] The same, asked before "nothing" is answered: what was set before the call is seen, whoever told of it. */
static inline bool bitmap_any_now(const struct bitmap *map)
{
	return load_seq(map->level[map->levels - 1]) != 0;
}

/* Is this bit set? A guess of the same kind as bitmap_any(). */
static inline bool bitmap_guess(const struct bitmap *map, uint32_t bit)
{
	/* relaxed: as said */
	return bitmap_any(map) && load_relaxed(&map->level[0][bit / 64]) >> (bit % 64) & 1;
}

/* [K2] Is it, asked after a store elsewhere that whoever sets it may have missed? The loads are seq_cst, here and
 * in the searches ([K3], [S5]), for an acquire load may overtake that store. The top word first, which most find 0.
 */
static inline bool bitmap_test(const struct bitmap *map, uint32_t bit)
{
	return load_seq(map->level[map->levels - 1]) != 0 && load_seq(&map->level[0][bit / 64]) >> (bit % 64) & 1;
}

/* First set bit at or after `from`, going round once; -1 when none was found. Mends summaries over
 * empty words on its way and goes on, BITMAP_LIES_MAX times at most. */
int64_t bitmap_find(const struct bitmap *map, uint32_t from);

/* The same by the bits alone, bits / 64 loads: for who is about to sleep. A clear by somebody else may
 * take a summary away for a moment although a bit below it was set long ago ([B2] then puts it back);
 * bitmap_find misses that bit meanwhile, this does not. */
int64_t bitmap_find_plain(const struct bitmap *map, uint32_t from);

/* How many bits from `from` on are set in a row, not looking past the end of its word (0 .. 64). */
uint32_t bitmap_run(const struct bitmap *map, uint32_t from);

#endif
