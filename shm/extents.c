/* How the blocks of a class get memory and give it back (R3, R6).
 *
 * A region: table of one word a block | bitmap of FREE blocks | bitmap of HOLE extents | blocks. No page
 * of it is touched before it was allocated: table and bitmaps up to `backed`, blocks by extents. What
 * `backed` covers is never given back, so a stale bit or a late compare-and-swap finds a word there.
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
 * Progress: lock-free. Opening tries BODY_TRIES times, each lost one another's success. Allocating is
 * idempotent, so several may raise `backed` at once. Who is killed between taking a hole's bit or
 * raising `next` and the first word loses a hint, which the sweep sets again.
 */
#include "shm/extents.h"

#include "kmod-free/memory.h"
#include "kmod-free/numa.h"
#include "ring/crashpoint.h"
#include "ringlease.h"

#include <errno.h>

/* ---- geometry --------------------------------------------------------------------------------- */

enum { PAGE_BYTES = 4096, BLOCK_ALIGN_MAX = 2 << 20 };

static uint64_t round_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) / unit * unit;
}

/* Places table, bitmaps and blocks in a region. 9 bytes a block are enough for its word and its bits,
 * and what they leave over for the rounding (tests/unit/test_extents.c looks at all classes). */
static void region_place(struct body_region *region, unsigned char *base, uint32_t class)
{
	uint64_t block = class_block_bytes(class), align = block;
	uint32_t per = block < BODY_EXTENT_BYTES ? (uint32_t)(BODY_EXTENT_BYTES / block) : 1;
	uint32_t blocks = (uint32_t)(SEG_BODY_REGION / (block + 9)) / per * per;
	uint64_t at = round_up(blocks * sizeof(atomic_u64), PAGE_BYTES);

	if (align < BODY_EXTENT_BYTES)
		align = BODY_EXTENT_BYTES;
	if (align > BLOCK_ALIGN_MAX)
		align = BLOCK_ALIGN_MAX;
	region->class = class;
	region->block_bytes = block;
	region->blocks = blocks;
	region->per_extent = per;
	region->backed = 0;
	region->table = (atomic_u64 *)(void *)base;
	bitmap_place(&region->free, base + at, blocks);
	at = round_up(at + bitmap_bytes(blocks), PAGE_BYTES);
	bitmap_place(&region->holes, base + at, blocks / per);
	at = round_up(at + bitmap_bytes(blocks / per), align);
	region->data = base + at;
	region->base = base;
}

struct body_region *region_open(struct segment *segment, uint32_t class)
{
	struct body_region *region = &segment->bodies.region[class];
	const struct seg_identity *identity = &segment->header->identity;
	bool writable = segment->me != NULL;
	void *base;

	if (region->base != NULL)
		return region;
	base = os_map(segment->fd, SEG_BODIES + class * SEG_BODY_REGION, SEG_BODY_REGION, writable);
	if (base == NULL)
		return NULL;
	/* The policy is the file's: whoever opens an extent has set it, or another did. A hint. */
	if (writable && identity->placement != OS_NUMA_LOCAL)
		os_numa_place(base, SEG_BODY_REGION, (enum os_numa_policy)identity->placement,
			      identity->placement_node);
	region->words = class_words(segment, class);
	region_place(region, base, class);
	return region;
}

/* ---- backed ----------------------------------------------------------------------------------- */

int region_look(struct body_region *region)
{
	/* [W2] Pairs with [W1]: what it counts has memory. */
	uint64_t word = load_acquire(&region->words->backed);
	uint32_t blocks = (uint32_t)word;

	if (!watermark_is_sound(word) || blocks > region->blocks ||
	    (blocks % BODY_STEP != 0 && blocks != region->blocks))
		return RLQ_EDAMAGED;
	region->backed = blocks;
	return 0;
}

static int range_allocate(struct segment *segment, const struct body_region *region, const void *start,
			  uint64_t bytes)
{
	uint64_t offset = (uint64_t)((const unsigned char *)start - region->base);

	return os_file_allocate(segment->fd, SEG_BODIES + region->class * SEG_BODY_REGION + offset, bytes);
}

/* Memory for bits from .. to - 1 and their summaries. Two words more a level: a search from the last
 * bit goes on in the next word, and there from the bit after. */
static int bits_allocate(struct segment *segment, const struct body_region *region, const struct bitmap *map,
			 uint32_t from, uint32_t to)
{
	uint32_t words = map->bits;

	for (uint32_t level = 0; level < map->levels; level++) {
		uint32_t last;
		int error;

		words = (words + 63) / 64;
		from /= 64;
		to /= 64;
		last = to + 1 < words ? to + 1 : words - 1;
		error = range_allocate(segment, region, &map->level[level][from],
				       (last - from + 1) * sizeof(atomic_u64));
		if (error)
			return error;
	}
	return 0;
}

/* Gives memory to the words and bits of more blocks, an eighth more than there are. */
static int region_extend(struct segment *segment, struct body_region *region)
{
	uint32_t from = region->backed, per = region->per_extent;
	uint32_t step = from / 8 / BODY_STEP * BODY_STEP;
	uint32_t to = from + (step ? step : BODY_STEP);
	int error;

	if (to > region->blocks)
		to = region->blocks;
	error = range_allocate(segment, region, &region->table[from], (to - from) * sizeof(atomic_u64));
	if (!error)
		error = bits_allocate(segment, region, &region->free, from, to);
	if (!error)
		error = bits_allocate(segment, region, &region->holes, from / per, to / per);
	if (error)
		return error;
	/* [W1] After the allocation: pairs with [W2]. Lost: another has raised it, by as much. */
	cas_seq(&region->words->backed, watermark_pack(from), watermark_pack(to));
	CRASH_POINT(body_words_backed);
	return region_look(region);
}

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
	return range_allocate(segment, region, extent_data(region, extent), extent_bytes(region));
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
