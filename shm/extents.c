/* How the blocks of a class get memory and give it back (R3, R6).
 *
 * The first word of an extent is its lock, taken by a compare-and-swap that names the owner:
 *
 *   open    first HOLE -> OWNED(me); allocate; other words HOLE -> FREE; first -> USED(place)
 *   close   first FREE -> OWNED(me), then the other words; quiet [T2]; punch; other words -> HOLE;
 *           first -> HOLE last
 *
 * Only who holds the first word changes another word from or to HOLE or OWNED; FREE and USED are
 * anybody's. So, while the first word is OWNED:
 *   (1) any other word is FREE or USED  =>  the whole extent has memory. Opening allocates before the
 *       first FREE, closing punches only when all words are OWNED.
 *   (2) none is  =>  nobody uses the extent, and nobody can begin to.
 * A stopped owner is alive, so nobody touches its words and nothing that others use is punched or
 * marked by it later: it holds the words themselves. The tag names row and serial, which are not met
 * again, so its last compare-and-swap cannot hit a later owner's word.
 *
 * A kill leaves, and whoever takes over the first word from the proven dead does:
 *   opening: before the first FREE      (2) punch, -> HOLE
 *   opening: later                      (1) allocate (nothing to do), HOLE -> FREE, first -> FREE
 *   opening: first already USED         an orphan once its sender's slot is freed
 *   closing: some words claimed         (1) OWNED -> FREE, first -> FREE
 *   closing: all claimed, or punched,
 *            or some HOLE again         (2) punch again, -> HOLE
 * and whoever takes over and dies leaves one of the same.
 *
 * [T1] Readers: a call writes its view ([V1]), then reads the table's word in body_at. [T2] Closing:
 * words to OWNED, or seen so when they were a dead one's, then the views. All are sequentially consistent: a call
 * that found the block with memory shows its view until it ends, and we see it; one that shows none finds the block
 * OWNED.
 *
 * Progress: lock-free. Opening tries BODY_TRIES times, each lost one another's success. Who is killed between
 * taking a hole's bit or raising `next` and the first word loses a hint, which the sweep sets again.
 */
#include "shm/extents.h"

#include "kmod-free/memory.h"
#include "ring/crashpoint.h"
#include "ringlease.h"

#include <errno.h>

/* ---- hints ------------------------------------------------------------------------------------ */

/* Sets `bits` of the word of `block`, and its summaries, where they are missing. */
static void bits_set(const struct bitmap *map, uint32_t block, uint64_t bits)
{
	uint32_t index = block / 64;
	bool missing = false;

	if ((load_acquire(&map->level[0][index]) & bits) != bits)
		fetch_or_seq(&map->level[0][index], bits);
	CRASH_POINT(body_bits_set);
	for (uint32_t level = 1, at = index; level < map->levels; level++, at /= 64)
		missing |= !(load_acquire(&map->level[level][at / 64]) >> (at % 64) & 1);
	/* One of them once more, for the summaries: bitmap_set puts the word before them. */
	if (missing)
		bitmap_set(map, index * 64 + (uint32_t)__builtin_ctzll(bits));
}

/* Clears them, the last one with its summaries. */
static void bits_clear(const struct bitmap *map, uint32_t block, uint64_t bits)
{
	fetch_and_seq(&map->level[0][block / 64], ~(bits & (bits - 1)));
	CRASH_POINT(body_bits_cleared);
	bitmap_clear(map, block / 64 * 64 + (uint32_t)__builtin_ctzll(bits));
}

/* All bits of the extent that lie in the word of `block`. */
static uint64_t extent_bits(const struct body_region *region, uint32_t block)
{
	return region->per_extent >= 64 ? UINT64_MAX : ((UINT64_C(1) << region->per_extent) - 1) << (block % 64);
}

uint32_t extent_list(const struct body_region *region, uint32_t extent)
{
	uint32_t first = extent * region->per_extent, end = first + region->per_extent, count = 0;

	for (uint32_t group = first; group < end; group += 64) {
		uint64_t bits = 0;

		for (uint32_t block = group; block < end && block < group + 64; block++)
			if (load_acquire(&region->table[block]) == BLOCK_FREE)
				bits |= UINT64_C(1) << (block % 64);
		if (bits)
			bits_set(&region->free, group, bits);
		count += (uint32_t)__builtin_popcountll(bits);
	}
	return count;
}

void extent_list_hole(const struct body_region *region, uint32_t extent)
{
	if (extent < load_acquire(&region->words->next))
		bits_set(&region->holes, extent, UINT64_C(1) << (extent % 64));
}

/* Takes the hint of an extent that may be HOLE: the lowest emptied one, else the next never opened.
 * 0, -EAGAIN: look again, -ENOSPC: there is none, or no memory for its words. */
static int hole_take(struct segment *segment, struct body_region *region, uint32_t *ret_extent)
{
	uint32_t limit = extent_count(region);
	uint64_t next = load_acquire(&region->words->next);
	int64_t hole = limit > 0 ? bitmap_find(&region->holes, 0) : -1;
	int error;

	if (hole >= 0 && hole < limit) {
		bitmap_clear(&region->holes, (uint32_t)hole);
		*ret_extent = (uint32_t)hole;
		return 0;
	}
	if (next > limit && region_look(region) == 0 && next > extent_count(region)) {
		/* It is never raised so far: damage. Back to what it can be; the sweep finds the holes below. */
		cas_seq(&region->words->next, next, extent_count(region));
		return -EAGAIN;
	}
	if (next >= limit) {
		error = region_look(region);
		if (error == 0 && next >= extent_count(region))
			error = region->backed < region->blocks ? region_extend(segment, region) : -ENOSPC;
		return error ? error : -EAGAIN;
	}
	if (!cas_seq(&region->words->next, next, next + 1))
		return -EAGAIN;
	CRASH_POINT(body_next_raised);
	*ret_extent = (uint32_t)next;
	return 0;
}

/* ---- open ------------------------------------------------------------------------------------- */

static uint64_t mine(const struct segment *segment)
{
	return block_owned(segment->row, segment->serial);
}

static unsigned char *extent_data(const struct body_region *region, uint32_t extent)
{
	return region->data + extent * extent_bytes(region);
}

int extent_back(struct segment *segment, const struct body_region *region, uint32_t extent)
{
	return region_back(segment, region, extent_data(region, extent), extent_bytes(region));
}

/* The extent is OWNED by us: memory, then its blocks. */
static int extent_fill(struct segment *segment, const struct body_region *region, uint32_t extent, uint64_t place,
		       uint64_t bytes)
{
	uint32_t first = extent * region->per_extent;
	int error = extent_back(segment, region, extent);

	if (error) {
		extent_close(segment, region, extent, true);
		return error;
	}
	CRASH_POINT(body_backed);
	os_map_populate(extent_data(region, extent), region->per_extent > 1 ? BODY_EXTENT_BYTES : bytes);
	for (uint32_t i = 1; i < region->per_extent; i++) {
		/* [E1] After the allocation: who sees FREE may touch the memory ([E2], in bodies.c). */
		cas_seq(&region->table[first + i], BLOCK_HOLE, BLOCK_FREE);
		CRASH_POINT(body_opened);
	}
	extent_list(region, extent);
	if (!cas_seq(&region->table[first], mine(segment), place))
		return RLQ_EDAMAGED;
	CRASH_POINT(body_first_used);
	return 0;
}

int extent_open(struct segment *segment, struct body_region *region, uint64_t place, uint64_t bytes,
		uint32_t *ret_block)
{
	for (uint32_t tries = 0; tries < BODY_TRIES; tries++) {
		uint32_t extent;
		int error = hole_take(segment, region, &extent);

		if (error == -EAGAIN)
			continue;
		if (error)
			return error;
		if (!cas_seq(&region->table[extent * region->per_extent], BLOCK_HOLE, mine(segment)))
			continue;
		CRASH_POINT(body_owned);
		error = extent_fill(segment, region, extent, place, bytes);
		if (!error)
			*ret_block = extent * region->per_extent;
		return error;
	}
	return -ENOSPC;
}

/* ---- close ------------------------------------------------------------------------------------ */

bool extent_claim(struct segment *segment, const struct body_region *region, uint32_t extent)
{
	uint32_t first = extent * region->per_extent, end = first + region->per_extent;

	for (uint32_t block = first; block < end; block++) {
		if (!cas_seq(&region->table[block], BLOCK_FREE, mine(segment))) {
			if (block > first)
				extent_release(segment, region, extent, false);
			return false;
		}
		CRASH_POINT(body_claimed);
	}
	/* Nobody can take these blocks now; without their bits nobody tries. */
	for (uint32_t group = first; group < end; group += 64)
		bits_clear(&region->free, group, extent_bits(region, group));
	return true;
}

void extent_release(struct segment *segment, const struct body_region *region, uint32_t extent, bool backed)
{
	uint32_t first = extent * region->per_extent;

	for (uint32_t i = region->per_extent - 1; i > 0; i--) {
		uint64_t seen = load_acquire(&region->table[first + i]);

		if (block_is_owned(seen) || (backed && seen == BLOCK_HOLE))
			cas_seq(&region->table[first + i], seen, BLOCK_FREE);
		CRASH_POINT(body_released);
	}
	cas_seq(&region->table[first], mine(segment), BLOCK_FREE); /* last: it is the lock */
	CRASH_POINT(body_released);
	extent_list(region, extent);
}

uint64_t extent_close(struct segment *segment, const struct body_region *region, uint32_t extent, bool punch)
{
	uint32_t first = extent * region->per_extent;
	uint64_t offset = (uint64_t)(extent_data(region, extent) - region->base);
	bool punched = punch && os_file_punch(segment->fd, SEG_BODIES + region->class * SEG_BODY_REGION + offset,
					      extent_bytes(region)) == 0;

	CRASH_POINT(body_punched);
	for (uint32_t i = region->per_extent - 1; i > 0; i--) {
		store_release(&region->table[first + i], BLOCK_HOLE); /* ours while the first word is */
		CRASH_POINT(body_closed);
	}
	cas_seq(&region->table[first], mine(segment), BLOCK_HOLE);
	CRASH_POINT(body_closed);
	bitmap_set(&region->holes, extent);
	return punched ? extent_bytes(region) : 0;
}

/* ---- take over -------------------------------------------------------------------------------- */

bool extent_take_over(struct segment *segment, const struct body_region *region, uint32_t extent, uint64_t seen)
{
	uint32_t first = extent * region->per_extent;
	bool in_use = false;

	if (!cas_seq(&region->table[first], seen, mine(segment)))
		return false;
	CRASH_POINT(body_taken_over);
	for (uint32_t i = 1; i < region->per_extent; i++) {
		uint64_t word = load_seq(&region->table[first + i]); /* [T2] */

		in_use |= word != BLOCK_HOLE && !block_is_owned(word);
	}
	if (!in_use)
		return true;
	/* By (1) it has its memory; asked for once more, should the words lie. Refused: as it was. */
	if (extent_back(segment, region, extent) == 0)
		extent_release(segment, region, extent, true);
	else
		cas_seq(&region->table[first], mine(segment), seen);
	return false;
}
