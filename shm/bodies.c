/* Blocks: allocate, find, free, sweep. The memory behind them is extents.c's.
 *
 *   allocate  clear a bit, then FREE -> USED(place); no bit: open an extent
 *   free      USED(place) -> FREE, then set the bit
 *   sweep     USED(place), slot moved on -> FREE; bits; OWNED of the dead; wholly free extents -> HOLE
 *   give back wholly free extents -> HOLE, by who finds the tmpfs full
 *
 * A block is taken and freed by one compare-and-swap on its word, which names the message. Bits are
 * hints: cleared before the word is tried, set after it was freed, so a bit is lost only by a kill (or
 * a stop) in between, and the sweep sets it again. The lowest block comes first, so that memory stays
 * compact and the high extents run empty (but for turns among the first large ones); who loses one to
 * another goes on behind it.
 *
 * Killed: allocating, before the word: a lost bit; after: an orphan, since the message's slot is freed
 * by the reaper without naming the block; freeing, after the word: a lost bit.
 * Stopped: nothing that others need, but for the extents it was opening or closing.
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

static uint64_t name_pack(uint32_t class, uint32_t block)
{
	return (uint64_t) class << BODY_INDEX_BITS | ((uint64_t)block + 1);
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

/* ---- allocate, find, free --------------------------------------------------------------------- */

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
	*ret_block = name_pack(region->class, block);
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

/* ---- sweep ------------------------------------------------------------------------------------ */

/* The sweep's way through one class. */
struct round {
	struct segment *segment;
	struct body_sweep *sweep;
	struct body_region *region;
	uint64_t given; /* bytes given back */
	uint32_t kept;	/* wholly free extents passed in this class */
	bool noisy;	/* a call goes on: nothing more is given back in this step */
	uint32_t count; /* of the batch: extents OWNED by us, to be closed */
	uint32_t extent[BODY_BATCH];
	bool backed[BODY_BATCH]; /* is its memory known to be there? */
};

/* [T2] Has every call of another handle that was under way when this was asked ended? Pairs with [T1].
 * Does not wait: BODY_SPINS pauses in all, then no. */
static bool calls_are_over(const struct segment *segment, const struct body_sweep *sweep)
{
	uint32_t high = seg_row_high(segment);
	uint32_t spins = BODY_SPINS;

	if (high == 0)
		return false;
	for (uint32_t i = 1; i <= high; i++) {
		const struct seg_row *row = &segment->rows[i];
		uint64_t user;

		if (i == segment->row)
			continue;
		while (load_seq(&row->view) != 0 && spins > 0) {
			spins--;
			cpu_relax();
		}
		if (load_seq(&row->view) == 0)
			continue;
		user = load_acquire(&row->user.low);
		if ((user & 1) && !(sweep->is_dead && sweep->is_dead(sweep->context, i, (uint32_t)(user >> 1))))
			return false;
	}
	return true;
}

/* Gives back what is in the batch, or lets go of it when a call may still read there. */
static void batch_close(struct round *round)
{
	bool quiet = round->count > 0 && calls_are_over(round->segment, round->sweep);

	for (uint32_t i = 0; i < round->count; i++) {
		uint32_t extent = round->extent[i];
		bool backed = round->backed[i];

		if (quiet)
			round->given += extent_close(round->segment, round->region, extent, true);
		else if (backed || extent_back(round->segment, round->region, extent) == 0)
			extent_release(round->segment, round->region, extent, !backed);
		else /* what memory it has is kept for the next who opens it */
			extent_close(round->segment, round->region, extent, false);
	}
	round->noisy |= round->count > 0 && !quiet;
	round->count = 0;
}

static void batch_add(struct round *round, uint32_t extent, bool backed)
{
	round->extent[round->count] = extent;
	round->backed[round->count++] = backed;
	if (round->count == BODY_BATCH || (round->count + 1) * extent_bytes(round->region) > BODY_BATCH_BYTES)
		batch_close(round);
}

static void orphans_free(struct round *round, uint32_t extent)
{
	const struct body_sweep *sweep = round->sweep;
	uint32_t first = extent * round->region->per_extent;

	for (uint32_t block = first; block < first + round->region->per_extent; block++) {
		uint64_t place = load_acquire(&round->region->table[block]);

		/* A place whose slot has moved on does not come back while our call lasts, so the answer
		 * stays true. */
		if (!block_is_used(place) ||
		    sweep->is_live(sweep->context, place, name_pack(round->region->class, block)))
			continue;
		/* Either the block of a queue's first message, or a hole of which a bit has flipped. Not asked
		 * for all: who frees another orphan and closes the extent meanwhile would leave a hole with
		 * memory. */
		if (place == BLOCK_HOLE_FLIPPED && extent_back(round->segment, round->region, extent) != 0)
			continue;
		cas_seq(&round->region->table[block], place, BLOCK_FREE);
		CRASH_POINT(body_orphan_freed);
	}
}

/* How much of a class is kept though it is free: more while it is in use, so that memory does not come and go
 * with each message. */
static uint64_t keep_bytes(const struct round *round)
{
	return load_relaxed(&round->region->words->used) ? round->sweep->keep_bytes /* relaxed: a hint */
							 : round->sweep->keep_idle_bytes;
}

/* The class is swept. What was kept for its use is looked at again in the next round. */
static void class_settle(struct round *round)
{
	struct body_sweep *sweep = round->sweep;

	if (round->region == NULL)
		return;
	sweep->has_more |= round->noisy || round->kept * extent_bytes(round->region) > sweep->keep_idle_bytes;
	if (load_relaxed(&round->region->words->used)) {
		store_relaxed(&round->region->words->used, 0);
		CRASH_POINT(body_use_forgotten);
	}
}

/* Returns how many blocks it looked at. */
static uint32_t extent_sweep(struct round *round, uint32_t extent)
{
	struct body_region *region = round->region;
	uint64_t word = load_acquire(&region->table[extent * region->per_extent]);

	if (word == BLOCK_HOLE) {
		extent_list_hole(region, extent);
		return 1;
	}
	if (block_is_owned(word)) {
		if (!round->sweep->is_dead(round->sweep->context, block_owner_row(word), block_owner_serial(word)))
			return region->per_extent;
		if (extent_take_over(round->segment, region, extent, word)) {
			batch_add(round, extent, false);
			return region->per_extent;
		}
	}
	orphans_free(round, extent);
	if (extent_list(region, extent) < region->per_extent)
		return region->per_extent;
	if ((round->kept + 1) * extent_bytes(region) <= keep_bytes(round))
		round->kept++;
	else if (!round->noisy && extent_claim(round->segment, region, extent))
		batch_add(round, extent, true);
	return region->per_extent;
}

/* Where a sweep stands: class:8 | kept:28 | extent:28. No class has 2^28 extents. */
struct body_cursor {
	uint32_t class, kept, extent;
};

static struct body_cursor cursor_unpack(uint64_t cursor)
{
	return (struct body_cursor){
		.class = (uint32_t)(cursor >> 56),
		.kept = (uint32_t)(cursor >> 28) & 0xfffffff,
		.extent = (uint32_t)cursor & 0xfffffff,
	};
}

static uint64_t cursor_pack(struct body_cursor at)
{
	return (uint64_t)at.class << 56 | (uint64_t)at.kept << 28 | at.extent;
}

/* The region of a class; NULL for one of which nobody has anything: it is not mapped for that. */
static struct body_region *region_in_use(struct segment *segment, uint32_t class)
{
	struct body_region *region = NULL;

	if (load_relaxed(&class_words(segment, class)->backed) != 0) /* relaxed: looked at below */
		region = region_open(segment, class);
	return region != NULL && region_look(region) == 0 ? region : NULL;
}

/* Sweeps one class from `at` on, which ends there or at the next class. */
static void class_sweep(struct round *round, struct body_cursor *at, uint32_t *left)
{
	uint32_t end = 0;

	round->region = region_in_use(round->segment, at->class);
	round->kept = at->kept;
	if (round->region != NULL)
		end = extent_count(round->region);
	while (at->extent<end && * left> 0) {
		uint32_t cost = extent_sweep(round, at->extent++);

		*left -= cost < *left ? cost : *left;
	}
	batch_close(round);
	at->kept = round->kept;
	if (at->extent < end)
		return;
	class_settle(round);
	*at = (struct body_cursor){.class = at->class + 1};
}

uint64_t body_sweep_step(struct segment *segment, struct body_sweep *sweep, uint64_t *cursor, uint32_t budget)
{
	struct round round = {.segment = segment, .sweep = sweep};
	struct body_cursor at = cursor_unpack(*cursor);
	uint32_t left = budget > 0 ? budget : 1;

	while (at.class < SEG_BODY_CLASS_COUNT && left > 0)
		class_sweep(&round, &at, &left);
	*cursor = at.class < SEG_BODY_CLASS_COUNT ? cursor_pack(at) : 0;
	return round.given;
}

/* Gives back wholly free extents of one class, found by the bits of their blocks. */
static void class_give_back(struct round *round, uint64_t bytes)
{
	struct body_region *region = round->region;
	uint64_t from = 0;

	for (uint32_t looks = 0; looks < BODY_LOOKS && from < region->backed && round->given < bytes; looks++) {
		int64_t bit = bitmap_find(&region->free, (uint32_t)from);
		uint32_t extent = (uint32_t)(bit / region->per_extent);

		if (bit < (int64_t)from || bit >= region->backed) /* none, or round */
			break;
		if (extent_list(region, extent) == region->per_extent &&
		    extent_claim(round->segment, region, extent))
			batch_add(round, extent, true);
		if (round->given + round->count * extent_bytes(region) >= bytes)
			batch_close(round);
		from = ((uint64_t)extent + 1) * region->per_extent;
	}
	batch_close(round);
}

uint64_t body_give_back(struct segment *segment, uint64_t bytes)
{
	struct body_sweep nothing = {0};
	struct round round = {.segment = segment, .sweep = &nothing};

	for (uint32_t class = 0; class < SEG_BODY_CLASS_COUNT && round.given < bytes && !round.noisy; class ++) {
		round.region = region_in_use(segment, class);
		if (round.region != NULL && bitmap_any(&round.region->free))
			class_give_back(&round, bytes);
	}
	return round.given;
}

void bodies_unmap(struct bodies *bodies)
{
	for (uint32_t class = 0; class < SEG_BODY_CLASS_COUNT; class ++) {
		os_unmap(bodies->region[class].base, SEG_BODY_REGION);
		bodies->region[class] = (struct body_region){0};
	}
}
