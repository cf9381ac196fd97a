/* A ring appears and goes away without stopping anybody.
 *
 *   grow     region EMPTY -> BUSY(me); allocate; CAS the list: appended; BUSY -> LIVE
 *   retire   any ring but the newest, when nobody can still send to it and all its slots are FREE:
 *            CAS the list without it; then, when no call works with an older list:
 *            LIVE -> BUSY(me); punch; -> EMPTY
 *
 * [V2] "Nobody can": each call writes the list it works with into its row, its view, and then reads the list again
 * ([V1]). We look at the views after the list was changed, or its rings seen empty. A row that shows an older list
 * is in a call that may touch what we want to take away; one that does not will see the new list. All four are
 * sequentially consistent, so that one of the two sees the other.
 *
 * Killed while BUSY: an unlisted region of a dead owner is punched by the next step, a listed one is
 * made LIVE. Killed after unlisting: the region is LIVE and unlisted, which is where retiring goes on.
 * A region BUSY with a stopped owner is not used; there are eight. While others have the last of them, a send
 * waits, for up to 1 s after their last step (client/patience.c). Old rings that are kept by what nobody deletes
 * use up to seven; who takes the last free one makes its ring as large as the capacity needs (room.c), so that the
 * queue never has to grow past it, and shrinking leaves one free.
 */
#include "shm/rings.h"

#include "ring/crashpoint.h"
#include "ringlease.h"
#include "shm/regions.h"

#include <errno.h>

/* ---- grow ------------------------------------------------------------------------------------- */

/* Appends to the list that our call works with. False if the list has changed: then somebody else has
 * grown or retired, and the caller looks again. */
static bool list_append(struct segment *segment, uint32_t index)
{
	uint64_t rings = segment->rings;
	uint32_t count = rings_count(rings);
	uint32_t list = (uint32_t)rings | index << (count * 4);

	return cas_seq(&segment->header->rings, rings, rings_make(count + 1, rings_version(rings) + 1, list));
}

bool seg_is_growing(const struct segment *segment)
{
	for (uint32_t i = 0; i < SEG_RING_COUNT; i++)
		if (region_state(region_read(segment, i)) == REGION_BUSY)
			return true;
	return false;
}

static bool regions_settle(struct segment *segment, uint64_t rings);

int seg_grow(struct segment *segment, uint32_t order)
{
	struct pair128 busy;
	int index, error;

	if (load_seq(&segment->header->rings) != segment->rings)
		return seg_refresh(segment); /* somebody has just grown, or retired */
	if (rings_count(segment->rings) >= SEG_RING_COUNT)
		return -EBUSY;
	index = region_take(segment, 0, SEG_RING_COUNT, order, &busy);
	if (index < 0) {
		/* What was retired may not have been given back yet. */
		regions_settle(segment, segment->rings);
		index = region_take(segment, 0, SEG_RING_COUNT, order, &busy);
	}
	if (index < 0)
		return -EBUSY;
	store_relaxed(&segment->header->ends[index].tail, 0); /* ours alone until listed */
	CRASH_POINT(grow_tail_reset);
	store_relaxed(&segment->header->ends[index].head, 0);
	error = region_allocate(segment, (uint32_t)index, order);
	CRASH_POINT(grow_allocated);
	if (error || !list_append(segment, (uint32_t)index)) {
		region_give_back(segment, (uint32_t)index, busy);
		seg_notify_room(segment);
		/* Somebody else may have appended one while we found no memory. */
		return load_seq(&segment->header->rings) == segment->rings ? error : seg_refresh(segment);
	}
	CRASH_POINT(grow_appended);
	region_make_live(segment, (uint32_t)index, busy);
	seg_notify_room(segment);
	return seg_refresh(segment);
}

/* ---- retire ----------------------------------------------------------------------------------- */

/* Begins where a slot was occupied last time: a ring that is kept by one message costs one look. */
static bool ring_is_empty(struct segment *segment, uint32_t index)
{
	const struct ring *ring = &segment->ring[index];

	for (uint32_t i = 0; i < ring_slot_count(ring); i++) {
		uint32_t slot = (segment->occupied[index] + i) & ring->mask;

		if (word_state(slot_read(&ring->slots[slot])) != SLOT_FREE) {
			segment->occupied[index] = slot;
			return false;
		}
	}
	return true;
}

/* Which rings but the newest are empty, of those in `among`? A set of positions in the list. */
static uint32_t older_empty(struct segment *segment, uint32_t among)
{
	uint32_t empty = 0;

	for (uint32_t i = 0; i + 1 < rings_count(segment->rings); i++)
		if ((among >> i & 1) && ring_is_empty(segment, rings_at(segment->rings, i)))
			empty |= UINT32_C(1) << i;
	return empty;
}

/* Takes rings off the list that our call works with. False if it has changed. */
static bool list_remove(struct segment *segment, uint32_t positions)
{
	uint64_t rings = segment->rings;
	uint32_t count = 0, list = 0;
	bool done;

	for (uint32_t i = 0; i < rings_count(rings); i++)
		if (!(positions >> i & 1))
			list |= rings_at(rings, i) << (4 * count++);
	done = cas_seq(&segment->header->rings, rings, rings_make(count, rings_version(rings) + 1, list));
	CRASH_POINT(retire_unlisted);
	return done;
}

/* Takes the rings off the list that are done with, wherever they stand. True if some are, but not now. */
static bool unlist_empty(struct segment *segment)
{
	bool more = false;
	uint32_t empty;

	if (seg_enter(segment) != 0)
		return false;
	empty = older_empty(segment, UINT32_MAX);
	if (empty != 0 && somebody_is_behind(segment, segment->rings)) {
		more = true;
	} else if (empty != 0) {
		/* Nobody works with an older list any more, so all sends go to the newest ring: each older one
		 * that is empty now stays empty. */
		empty = older_empty(segment, empty);
		more = empty != 0 && !list_remove(segment, empty);
	}
	seg_leave(segment);
	return more;
}

static bool is_still_listed_so(struct segment *segment, uint32_t index, uint64_t rings)
{
	(void)index;
	return load_seq(&segment->header->rings) == rings;
}

/* True if a region could not be settled now. */
static bool regions_settle(struct segment *segment, uint64_t rings)
{
	bool more = false;

	for (uint32_t i = 0; i < SEG_RING_COUNT; i++)
		more |= region_settle(segment, i, rings_contain(rings, i), rings, is_still_listed_so);
	return more;
}

bool seg_retire_step(struct segment *segment)
{
	bool more = unlist_empty(segment);
	uint64_t rings = load_seq(&segment->header->rings);

	if (rings & RINGS_REMOVED)
		return false;
	more |= regions_settle(segment, rings);
	return (seg_is_fifo(segment) && tables_settle(segment)) || more;
}
