/* The sweep of bodies, and memory given back.
 *
 *   sweep     USED(place), slot moved on -> FREE; bits; OWNED of the dead; wholly free extents -> HOLE
 *   give back wholly free extents -> HOLE, by who finds the tmpfs full
 *
 * Killed or stopped: the extents it was closing are OWNED; those of the dead are taken over.
 */
#include "shm/bodies.h"

#include "ring/crashpoint.h"
#include "shm/extents.h"

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
		    sweep->is_live(sweep->context, place, block_name(round->region->class, block)))
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
