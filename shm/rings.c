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
 * waits, for up to 1 s after their last step (client/send.c). Old rings that are kept by what nobody deletes use
 * up to seven; who takes the last free one makes its ring as large as the capacity needs (room.c), so that the
 * queue never has to grow past it, and shrinking leaves one free.
 */
#include "shm/rings.h"

#include "kmod-free/memory.h"
#include "ring/crashpoint.h"
#include "ringlease.h"

#include <errno.h>

#define STEP_BYTES (UINT64_C(4) << 20) /* 1 to 3 ms on an idle machine */
#define PAGE_MOST (UINT64_C(2) << 20)  /* of a tmpfs: only whole pages are given back */

static struct pair128 region_read(const struct segment *segment, uint32_t index)
{
	const struct word128 *region = &segment->header->region[index];

	return (struct pair128){.low = load_acquire(&region->low), .high = load_acquire(&region->high)};
}

static enum region_state region_state(struct pair128 region)
{
	return (enum region_state)(region.low & 15);
}

static struct pair128 region_busy(const struct segment *segment, uint64_t order_bits, uint64_t id)
{
	return (struct pair128){
		.low = REGION_BUSY | order_bits | (uint64_t)segment->row << 12,
		.high = id << 32 | segment->serial,
	};
}

/* The same region with another state and no owner. */
static struct pair128 region_with_state(struct pair128 region, enum region_state state)
{
	return (struct pair128){
		.low = (region.low & REGION_ORDER_BITS) | state,
		.high = region.high & ~UINT64_C(0xffffffff),
	};
}

static bool region_change(struct segment *segment, uint32_t index, struct pair128 from, struct pair128 to)
{
	return cas128_seq(&segment->header->region[index], from, to);
}

static uint64_t region_offset(uint32_t index)
{
	return SEG_RINGS + index * SEG_RING_REGION;
}

/* ---- grow ------------------------------------------------------------------------------------- */

/* Takes an empty region; -1 if there is none. */
static int region_take(struct segment *segment, uint32_t order, struct pair128 *ret_busy)
{
	uint64_t id = fetch_add_seq(&segment->header->ring_next, 1) & 0xffffffff;
	struct pair128 busy = region_busy(segment, region_order_pack(order), id == 0 ? 1 : id);

	CRASH_POINT(grow_numbered);
	for (uint32_t i = 0; i < SEG_RING_COUNT; i++) {
		struct pair128 seen = region_read(segment, i);

		if (region_state(seen) == REGION_EMPTY && region_change(segment, i, seen, busy)) {
			CRASH_POINT(grow_busy);
			*ret_busy = busy;
			return (int)i;
		}
	}
	return -1;
}

/* A large ring takes a while: in steps, so that others see that we are at work (client/send.c). */
static int in_steps(struct segment *segment, uint32_t index, uint64_t bytes,
		    int (*act)(int fd, uint64_t offset, uint64_t bytes))
{
	int error = 0;

	for (uint64_t done = 0; done < bytes && !error; done += STEP_BYTES) {
		error = act(segment->fd, region_offset(index) + done,
			    bytes - done < STEP_BYTES ? bytes - done : STEP_BYTES);
		CRASH_POINT(region_stepped);
		fetch_add_seq(&segment->header->region_steps, 1);
	}
	return error;
}

static void region_give_back(struct segment *segment, uint32_t index, struct pair128 busy)
{
	uint32_t order = region_order(busy.low);
	uint64_t bytes = order <= RING_ORDER_MAX
				 ? (seg_ring_bytes(segment, order) + PAGE_MOST - 1) & ~(PAGE_MOST - 1)
				 : SEG_RING_REGION;

	in_steps(segment, index, bytes, os_file_punch);
	CRASH_POINT(retire_punched);
	region_change(segment, index, busy, (struct pair128){0});
	CRASH_POINT(retire_emptied);
}

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
	index = region_take(segment, order, &busy);
	if (index < 0) {
		/* What was retired may not have been given back yet. */
		regions_settle(segment, segment->rings);
		index = region_take(segment, order, &busy);
	}
	if (index < 0)
		return -EBUSY;
	store_relaxed(&segment->header->ends[index].tail, 0); /* ours alone until listed */
	CRASH_POINT(grow_tail_reset);
	store_relaxed(&segment->header->ends[index].head, 0);
	error = in_steps(segment, (uint32_t)index, seg_ring_bytes(segment, order), os_file_allocate);
	CRASH_POINT(grow_allocated);
	if (error || !list_append(segment, (uint32_t)index)) {
		region_give_back(segment, (uint32_t)index, busy);
		seg_notify_room(segment);
		/* Somebody else may have appended one while we found no memory. */
		return load_seq(&segment->header->rings) == segment->rings ? error : seg_refresh(segment);
	}
	CRASH_POINT(grow_appended);
	region_change(segment, (uint32_t)index, busy, region_with_state(busy, REGION_LIVE));
	CRASH_POINT(grow_live);
	seg_notify_room(segment);
	return seg_refresh(segment);
}

/* ---- retire ----------------------------------------------------------------------------------- */

/* [V2] May any living handle be in a call that began with another list than `rings`? Pairs with [V1]. */
static bool somebody_is_behind(struct segment *segment, uint64_t rings)
{
	uint32_t high = seg_row_high(segment);

	if (high == 0)
		return true;
	for (uint32_t i = 1; i <= high; i++) {
		uint64_t view = load_seq(&segment->rows[i].view);
		/* Behind the view, which was said by this user or one before. */
		uint64_t user = load_acquire(&segment->rows[i].user.low);

		if ((user & 1) && view != 0 && view != rings &&
		    !seg_handle_is_gone(segment, i, (uint32_t)(user >> 1)))
			return true;
	}
	return false;
}

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

/* Gives back or mends one region that is not as the list says. */
static bool region_settle(struct segment *segment, uint32_t index, uint64_t rings)
{
	struct pair128 seen = region_read(segment, index);
	bool owner_gone = region_state(seen) == REGION_BUSY &&
			  seg_handle_is_gone(segment, (uint32_t)(seen.low >> 12) & 0xfff, (uint32_t)seen.high);
	struct pair128 busy = region_busy(segment, seen.low & REGION_ORDER_BITS, seen.high >> 32);

	if (region_state(seen) == REGION_EMPTY || (region_state(seen) == REGION_BUSY && !owner_gone))
		return false;
	if (rings_contain(rings, index)) {
		if (owner_gone)
			region_change(segment, index, seen, region_with_state(seen, REGION_LIVE));
		CRASH_POINT(grow_live);
		return false;
	}
	if (somebody_is_behind(segment, rings))
		return true;
	/* Still the same list, so still unlisted: a BUSY region is listed by its owner only. */
	if (load_seq(&segment->header->rings) != rings || !region_change(segment, index, seen, busy))
		return true;
	CRASH_POINT(retire_busy);
	region_give_back(segment, index, busy);
	return false;
}

/* True if a region could not be settled now. */
static bool regions_settle(struct segment *segment, uint64_t rings)
{
	bool more = false;

	for (uint32_t i = 0; i < SEG_RING_COUNT; i++)
		more |= region_settle(segment, i, rings);
	return more;
}

bool seg_retire_step(struct segment *segment)
{
	bool more = unlist_empty(segment);
	uint64_t rings = load_seq(&segment->header->rings);

	return (rings & RINGS_REMOVED) ? false : regions_settle(segment, rings) || more;
}
