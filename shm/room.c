#include "shm/room.h"

#include "ringlease.h"
#include "shm/rings.h"

enum {
	CHECK_EVERY_MAX = 64,
	LINGER_LOOKS = 4,
	LINGER_PAUSES = 64, /* 1 to 2 us */
};

/* Messages that the listed rings may hold together: 7/8 of their slots. An older one that is partly
 * drained is not refilled; then the newest meets its last slot, and growing goes by that. */
static uint64_t rings_limit(const struct segment *segment)
{
	uint64_t slots = 0;

	for (uint32_t i = 0; i < rings_count(segment->rings); i++)
		slots += ring_slot_count(&segment->ring[rings_at(segment->rings, i)]);
	return slots * 7 / 8;
}

static uint64_t newest_order(const struct segment *segment)
{
	return segment->ring[seg_newest_ring(segment)].order;
}

/* How many sends until the next count: not so many that all handles together could pass `limit`. */
static uint64_t sends_until_count(const struct segment *segment, uint64_t live, uint64_t limit)
{
	uint64_t handles = load_relaxed(&segment->header->row_used); /* relaxed: about how many */
	uint64_t sends = live < limit ? (limit - live) / (handles - 1 < SEG_ROW_COUNT ? handles : 1) : 0;

	return sends < 1 ? 1 : sends > CHECK_EVERY_MAX ? CHECK_EVERY_MAX : sends;
}

/* Memory of unused bodies is given back for a ring that finds none. */
static int grow_to(struct segment *segment, uint32_t order)
{
	int error = seg_grow(segment, order);

	if (error == -ENOSPC &&
	    body_give_back(segment, seg_ring_bytes(segment, order) + seg_cells_bytes(segment, order)) > 0)
		error = seg_grow(segment, order);
	return error;
}

/* The last region is for a ring as large as the capacity needs; where there is no memory for that, the
 * capacity cannot be reached anyway, and the usual step will do. */
static int grow(struct segment *segment)
{
	uint32_t order = (uint32_t)newest_order(segment) + 2;
	int error = -ENOSPC;

	if (order > segment->capacity_order)
		order = segment->capacity_order;
	if (seg_is_short_of_regions(segment))
		error = seg_grow(segment, segment->capacity_order);
	return error == -ENOSPC ? grow_to(segment, order) : error;
}

/* Messages in the queue, with those that we have reserved and may yet publish. */
static uint64_t live_and_reserved(const struct segment *segment)
{
	int64_t live = seg_live(segment);

	return (live > 0 ? (uint64_t)live : 0) + segment->reserved;
}

int seg_room_count(struct segment *segment)
{
	uint64_t live = live_and_reserved(segment), limit;

	if (live >= segment->capacity)
		return RLQ_EFULL;
	limit = rings_limit(segment);
	/* One at a time, as long as there are slots: a ring may be as large as what the tmpfs has left. */
	if (live >= limit && newest_order(segment) < segment->capacity_order && !seg_is_growing(segment)) {
		int error = grow(segment);

		/* Without memory or a region for more, the ring is used to its last slot. */
		if (error && error != -ENOSPC && error != ROOM_GROWING)
			return error;
		limit = rings_limit(segment);
	}
	segment->sends_left =
		sends_until_count(segment, live, limit < segment->capacity ? limit : segment->capacity) - 1;
	return 0;
}

void seg_room_linger(struct segment *segment)
{
	uint64_t chunk = segment->capacity / 8 < CHECK_EVERY_MAX ? segment->capacity / 8 : CHECK_EVERY_MAX;

	for (int look = 0; look < LINGER_LOOKS; look++) {
		for (int pause = 0; pause < LINGER_PAUSES; pause++)
			cpu_relax();
		if (live_and_reserved(segment) + chunk <= segment->capacity)
			break;
	}
	segment->sends_left = 0;
}

static void wake_if_owed(struct segment *segment, struct ring_cursor *cursor)
{
	if (!cursor->owes_wake)
		return;
	cursor->owes_wake = false;
	seg_notify(segment, 1);
}

int seg_claim_walk(struct segment *segment, bool arriving, uint32_t receives, struct ring_claim *ret)
{
	uint64_t owner = owner_make(segment->row, segment->serial);
	uint32_t busy = 0;

	for (;;) {
		uint32_t index = seg_newest_ring(segment);
		const struct ring *ring = &segment->ring[index];
		struct ring_cursor *cursor = &segment->cursor[index];
		enum ring_result result = arriving ? ring_claim_arriving(ring, cursor, owner, receives, ret)
						   : ring_claim(ring, cursor, owner, ret);

		wake_if_owed(segment, cursor);
		if (result == RING_OK)
			return (int)index;
		if (result == RING_DAMAGED || (result == RING_BUSY && ++busy > ring_busy_max(ring)))
			return RLQ_EDAMAGED;
		if (result == RING_FULL) {
			/* In a FIFO queue what is deleted keeps its slot until those before it in its group are
			 * gone, so there may be more slots in use than the capacity needs. */
			bool may_grow = newest_order(segment) < segment->capacity_order || seg_is_fifo(segment);
			int error = may_grow ? grow(segment) : RLQ_EFULL;

			if (error)
				return error == -ENOSPC ? RLQ_ENOSPACE : error;
		}
	}
}
