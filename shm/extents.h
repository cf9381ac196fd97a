/* Extents: how the blocks of a class get memory and give it back. Inside of shm/bodies.c and body_sweep.c;
 * extents.c has the story. */
#ifndef SEG_EXTENTS_H
#define SEG_EXTENTS_H

#include "shm/body_region.h"

/* Words of the table. USED is the place itself, whose top bit is always set. FREE is many bits away from
 * HOLE: no flipped bit of a hole makes a block that is given out though it has no memory. */
#define BLOCK_HOLE UINT64_C(0)
#define BLOCK_FREE UINT64_C(0x00ff00ff00ff00ff)
/* The one flipped bit that makes something else of a hole: USED by ring 0, slot 0, generation 0. */
#define BLOCK_HOLE_FLIPPED (UINT64_C(1) << 63)

static inline bool block_is_used(uint64_t word)
{
	return word >> 63;
}

static inline bool block_is_owned(uint64_t word)
{
	return word >> 62 == 1;
}

static inline uint64_t block_owned(uint32_t row, uint32_t serial)
{
	return UINT64_C(1) << 62 | (uint64_t)(row & 0xfff) << 32 | serial;
}

static inline uint32_t block_owner_row(uint64_t word)
{
	return (uint32_t)(word >> 32) & 0xfff;
}

static inline uint32_t block_owner_serial(uint64_t word)
{
	return (uint32_t)word;
}

static inline uint64_t block_name(uint32_t class, uint32_t block)
{
	return (uint64_t) class << BODY_INDEX_BITS | ((uint64_t)block + 1);
}

static inline uint64_t class_block_bytes(uint32_t class)
{
	return (UINT64_C(256) << class) + (class == SEG_BODY_CLASS_COUNT - 1 ? BODY_EXTENT_BYTES : 0);
}

static inline struct body_words *class_words(const struct segment *segment, uint32_t class)
{
	return (struct body_words *)(void *)segment->header->bodies + class;
}

static inline uint64_t extent_bytes(const struct body_region *region)
{
	return region->block_bytes * region->per_extent;
}

/* Number of extents below `backed`. */
static inline uint32_t extent_count(const struct body_region *region)
{
	return region->backed / region->per_extent;
}

/* Gives a never used or emptied extent memory and its first block to `place`. `bytes` of the block will
 * be touched soon. 0, -ENOSPC, RLQ_EDAMAGED, other errno: then nothing is held. */
int extent_open(struct segment *segment, struct body_region *region, uint64_t place, uint64_t bytes,
		uint32_t *ret_block);

/* Sets the missing bits of the extent's FREE blocks; returns how many are FREE. */
uint32_t extent_list(const struct body_region *region, uint32_t extent);

/* Sets the bit of a HOLE extent, if it is missing and the extent would not be found without. */
void extent_list_hole(const struct body_region *region, uint32_t extent);

/* All blocks FREE -> OWNED(me), or none. */
bool extent_claim(struct segment *segment, const struct body_region *region, uint32_t extent);

/* Blocks OWNED by us, and HOLE ones too if the extent is known to be `backed`, become FREE. */
void extent_release(struct segment *segment, const struct body_region *region, uint32_t extent, bool backed);

/* An extent OWNED by us and used by nobody becomes HOLE; its memory is given back first if `punch`.
 * Returns the bytes given back. */
uint64_t extent_close(struct segment *segment, const struct body_region *region, uint32_t extent, bool punch);

/* Takes over from a dead owner, whose word `seen` was. False: somebody was faster, or blocks were in
 * use and all is settled. True: the extent is OWNED by us, used by nobody, and may lack memory. */
bool extent_take_over(struct segment *segment, const struct body_region *region, uint32_t extent, uint64_t seen);

/* Gives an extent OWNED by us memory once more. 0 or an errno. */
int extent_back(struct segment *segment, const struct body_region *region, uint32_t extent);

#endif
