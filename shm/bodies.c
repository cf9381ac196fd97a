/* Blocks: allocate, find, free. The memory behind them is extents.c's; what is lost or too much is body_sweep.c's.
 *
 *   allocate  clear a bit, then FREE -> USED(place); no bit: open an extent
 *   free      USED(place) -> FREE, then set the bit
 *
 * A block is taken and freed by one compare-and-swap on its word, which names the message. Bits are
 * hints: cleared before the word is tried, set after it was freed, so a bit is lost only by a kill (or
 * a stop) in between, and the sweep sets it again. The lowest block comes first, so that memory stays
 * compact and the high extents run empty (but for turns among the first large ones); who loses one to
 * another goes on behind it.
 *
 * Killed: allocating, before the word: a lost bit; after: an orphan, since the message's slot is freed
 * by the reaper without naming the block; freeing, after the word: a lost bit.
 * Stopped: nothing that others need, but for the extent it was opening.
 *
 * Progress: lock-free; allocate tries BODY_TRIES blocks, each lost one another's success or a stale
 * bit removed. free, at and belongs are wait-free. A full class is known by three loads, not by a walk.
 */
#include "shm/bodies.h"

#include "kmod-free/memory.h"
#include "ring/crashpoint.h"
#include "ring/prefetch.h"
#include "ringlease.h"
#include "shm/extents.h"

#include <errno.h>

/* What follows is fetched unasked by the processor. */
enum { PREFETCH_LINE = 64, PREFETCH_BYTES = 512 };

uint64_t body_bytes_max(void)
{
	return class_block_bytes(SEG_BODY_CLASS_COUNT - 1);
}

static uint32_t class_for(uint64_t bytes)
{
	uint32_t class = 0;

	while (class_block_bytes(class) < bytes)
		class ++;
	return class;
}

/* The region and index of a name; NULL if it names no block that has a word. */
static struct body_region *name_resolve(struct segment *segment, uint64_t name, uint32_t *ret_block)
{
	uint64_t class = name >> BODY_INDEX_BITS;
	uint64_t index = (name & ((UINT64_C(1) << BODY_INDEX_BITS) - 1)) - 1; /* 0 wraps: too large */
	struct body_region *region;

	if (class >= SEG_BODY_CLASS_COUNT)
		return NULL;
	region = region_open(segment, (uint32_t) class);
	if (region == NULL)
		return NULL;
	if (index >= region->backed && (region_look(region) != 0 || index >= region->backed))
		return NULL;
	*ret_block = (uint32_t)index;
	return region;
}

/* Where to look for a free block first. The lowest keeps memory compact; but a large one that has just been
 * freed lies in its reader's cache, from which the next writer has to fetch every line. So large ones take
 * turns over the first few. */
static uint32_t first_choice(struct body_region *region)
{
	return region->block_bytes < BODY_LARGE_BYTES ? 0 : region->turn++ % BODY_TURNS;
}

/* Takes a FREE block whose bit is set. */
static bool block_take(struct body_region *region, uint64_t place, uint32_t *ret_block)
{
	uint32_t from = first_choice(region), misses = 0;

	if (region->backed == 0)
		return false;
	for (uint32_t tries = 0; tries < BODY_TRIES && misses < BODY_MISSES; tries++) {
		int64_t bit;

		if (!bitmap_any(&region->free))
			return false;
		bit = bitmap_find(&region->free, from);
		if (bit < 0 || bit >= region->backed) {
			from = 0;
			misses++;
			continue;
		}
		/* [E2] Pairs with [E1]: a FREE block has memory. */
		if (bitmap_clear(&region->free, (uint32_t)bit) && cas_seq(&region->table[bit], BLOCK_FREE, place)) {
			*ret_block = (uint32_t)bit;
			return true;
		}
		from = bit + 1 < region->backed ? (uint32_t)bit + 1 : 0;
	}
	return false;
}

/* A block of a new extent, or one that somebody has freed meanwhile. */
static int block_open(struct segment *segment, struct body_region *region, uint64_t place, uint64_t bytes,
		      uint32_t *ret_block)
{
	int error = extent_open(segment, region, place, bytes, ret_block);

	return error == -ENOSPC && block_take(region, place, ret_block) ? 0 : error;
}

int body_allocate(struct segment *segment, uint64_t bytes, uint64_t place, uint64_t *ret_block)
{
	struct body_region *region;
	uint32_t block;
	int error;

	if (bytes == 0 || bytes > body_bytes_max() || !block_is_used(place))
		return -EINVAL;
	region = region_open(segment, class_for(bytes));
	if (region == NULL)
		return -errno;
	error = region_look(region);
	if (error)
		return error;
	if (load_relaxed(&region->words->used) == 0) { /* relaxed: a hint */
		store_relaxed(&region->words->used, 1);
		CRASH_POINT(body_use_said);
	}
	if (!block_take(region, place, &block)) {
		error = block_open(segment, region, place, bytes, &block);
		if (error == -ENOSPC && body_give_back(segment, extent_bytes(region)) > 0)
			error = block_open(segment, region, place, bytes, &block);
		if (error)
			return error;
	}
	*ret_block = block_name(region->class, block);
	return 0;
}

void *body_at(struct segment *segment, uint64_t block, uint64_t *ret_bytes)
{
	uint32_t index;
	struct body_region *region = name_resolve(segment, block, &index);
	uint64_t word;

	if (region == NULL)
		return NULL;
	/* [T1] After our call's view: pairs with [T2]. */
	word = load_seq(&region->table[index]);
	if (word != BLOCK_FREE && !block_is_used(word))
		return NULL;
	*ret_bytes = region->block_bytes;
	return region->data + index * region->block_bytes;
}

void *body_of(struct segment *segment, uint64_t block, uint64_t place, uint64_t *ret_bytes)
{
	uint32_t index;
	struct body_region *region = name_resolve(segment, block, &index);

	/* [T1], as in body_at. */
	if (region == NULL || !block_is_used(place) || load_seq(&region->table[index]) != place)
		return NULL;
	*ret_bytes = region->block_bytes;
	return region->data + index * region->block_bytes;
}

void body_prefetch(const struct segment *segment, uint64_t block, uint64_t bytes)
{
	uint64_t class = block >> BODY_INDEX_BITS, index = (block & ((UINT64_C(1) << BODY_INDEX_BITS) - 1)) - 1;
	const struct body_region *region = &segment->bodies.region[class % SEG_BODY_CLASS_COUNT];

	if (class >= SEG_BODY_CLASS_COUNT || region->base == NULL || index >= region->backed)
		return;
	prefetch(&region->table[index]);
	for (uint64_t at = 0; at < bytes && at < PREFETCH_BYTES; at += PREFETCH_LINE)
		prefetch(region->data + index * region->block_bytes + at);
}

void body_free(struct segment *segment, uint64_t block, uint64_t place)
{
	uint32_t index;
	struct body_region *region = name_resolve(segment, block, &index);

	if (region == NULL || !block_is_used(place) || !cas_seq(&region->table[index], place, BLOCK_FREE))
		return;
	CRASH_POINT(delete_block_freed);
	bitmap_set(&region->free, index);
	CRASH_POINT(delete_block_listed);
}

bool body_hand_over(struct segment *segment, uint64_t block, uint64_t from, uint64_t to)
{
	uint32_t index;
	struct body_region *region = name_resolve(segment, block, &index);

	return region != NULL && block_is_used(from) && block_is_used(to) &&
	       cas_seq(&region->table[index], from, to);
}

bool body_belongs(struct segment *segment, uint64_t block, uint64_t place)
{
	uint32_t index;
	struct body_region *region = name_resolve(segment, block, &index);

	return region != NULL && block_is_used(place) && load_acquire(&region->table[index]) == place;
}

void bodies_unmap(struct bodies *bodies)
{
	for (uint32_t class = 0; class < SEG_BODY_CLASS_COUNT; class ++) {
		os_unmap(bodies->region[class].base, SEG_BODY_REGION);
		bodies->region[class] = (struct body_region){0};
	}
}
