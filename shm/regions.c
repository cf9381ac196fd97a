#include "shm/regions.h"

#include "kmod-free/memory.h"
#include "kmod-free/numa.h"
#include "ring/crashpoint.h"
#include "shm/rows.h"
#include "shm/tables.h"

#define STEP_BYTES (UINT64_C(4) << 20) /* 1 to 3 ms on an idle machine */
#define PAGE_MOST (UINT64_C(2) << 20)  /* of a tmpfs: only whole pages are given back */

struct pair128 region_read(const struct segment *segment, uint32_t index)
{
	const struct word128 *region = &segment->header->region[index];

	return (struct pair128){.low = load_acquire(&region->low), .high = load_acquire(&region->high)};
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

static bool is_for_rings(uint32_t index)
{
	return index < SEG_RING_COUNT;
}

uint64_t region_offset(uint32_t index)
{
	return is_for_rings(index) ? SEG_RINGS + index * SEG_RING_REGION
				   : SEG_TABLES + (index - SEG_RING_COUNT) * SEG_TABLE_REGION;
}

static uint64_t cells_offset(uint32_t index)
{
	return SEG_CELLS + index * SEG_RING_REGION;
}

uint64_t region_bytes(const struct segment *segment, uint32_t index, uint32_t order)
{
	return is_for_rings(index) ? seg_ring_bytes(segment, order) : table_bytes(index, order);
}

/* ---- take and give back ----------------------------------------------------------------------- */

int region_take(struct segment *segment, uint32_t first, uint32_t count, uint32_t order, struct pair128 *ret_busy)
{
	uint64_t id = fetch_add_seq(&segment->header->ring_next, 1) & 0xffffffff;
	struct pair128 busy = region_busy(segment, region_order_pack(order), id == 0 ? 1 : id);

	CRASH_POINT(grow_numbered);
	for (uint32_t i = first; i < first + count; i++) {
		struct pair128 seen = region_read(segment, i);

		if (region_state(seen) == REGION_EMPTY && region_change(segment, i, seen, busy)) {
			CRASH_POINT(grow_busy);
			*ret_busy = busy;
			return (int)i;
		}
	}
	return -1;
}

/* Where a part of the file is mapped. */
static unsigned char *mapped_at(const struct segment *segment, uint64_t offset)
{
	return offset < SEG_CELLS ? segment->base + offset : segment->cells + (offset - SEG_CELLS);
}

static int step_allocate(struct segment *segment, uint64_t offset, uint64_t bytes, bool *huge)
{
	return os_map_allocate(segment->fd, offset, mapped_at(segment, offset), bytes, huge);
}

static int step_punch(struct segment *segment, uint64_t offset, uint64_t bytes, bool *huge)
{
	(void)huge;
	return os_file_punch(segment->fd, offset, bytes);
}

/* A large one takes a while: in steps, so that others see that we are at work (client/patience.c). Steps end where
 * huge pages do. */
static int in_steps(struct segment *segment, uint64_t offset, uint64_t bytes,
		    int (*act)(struct segment *segment, uint64_t offset, uint64_t bytes, bool *huge))
{
	uint64_t end = offset + bytes, step;
	bool huge = bytes > OS_HUGE_BYTES && !os_numa_is_interleaved(mapped_at(segment, offset));
	int error = 0;

	for (; offset < end && !error; offset += step) {
		step = STEP_BYTES - offset % STEP_BYTES;
		step = step < end - offset ? step : end - offset;
		error = act(segment, offset, step, &huge);
		CRASH_POINT(region_stepped);
		fetch_add_seq(&segment->header->region_steps, 1);
	}
	return error;
}

int region_allocate(struct segment *segment, uint32_t index, uint32_t order)
{
	int error = in_steps(segment, region_offset(index), region_bytes(segment, index, order), step_allocate);

	if (!error && is_for_rings(index))
		error = in_steps(segment, cells_offset(index), seg_cells_bytes(segment, order), step_allocate);
	return error;
}

void region_make_live(struct segment *segment, uint32_t index, struct pair128 busy)
{
	region_change(segment, index, busy, region_with_state(busy, REGION_LIVE));
	CRASH_POINT(grow_live);
}

static uint64_t whole_pages(uint64_t bytes)
{
	return (bytes + PAGE_MOST - 1) & ~(PAGE_MOST - 1);
}

static uint64_t region_whole(uint32_t index)
{
	return is_for_rings(index) ? SEG_RING_REGION : SEG_TABLE_REGION;
}

static uint32_t order_most(uint32_t index)
{
	return is_for_rings(index) ? RING_ORDER_MAX : TABLE_ORDER_MAX;
}

void region_give_back(struct segment *segment, uint32_t index, struct pair128 busy)
{
	uint32_t order = region_order(busy.low);
	bool is_sound = order <= order_most(index);

	in_steps(segment, region_offset(index),
		 is_sound ? whole_pages(region_bytes(segment, index, order)) : region_whole(index), step_punch);
	if (is_for_rings(index) && seg_is_fifo(segment))
		in_steps(segment, cells_offset(index),
			 is_sound ? whole_pages(seg_cells_bytes(segment, order)) : SEG_RING_REGION, step_punch);
	CRASH_POINT(retire_punched);
	region_change(segment, index, busy, (struct pair128){0});
	CRASH_POINT(retire_emptied);
}

/* ---- settle ----------------------------------------------------------------------------------- */

/* [V2] May any living handle be in a call that began with another list than `rings`? Pairs with [V1]. */
bool somebody_is_behind(struct segment *segment, uint64_t rings)
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

bool region_settle(struct segment *segment, uint32_t index, bool is_listed, uint64_t rings,
		   bool (*is_still_so)(struct segment *segment, uint32_t index, uint64_t rings))
{
	struct pair128 seen = region_read(segment, index);
	bool owner_gone = region_state(seen) == REGION_BUSY &&
			  seg_handle_is_gone(segment, (uint32_t)(seen.low >> 12) & 0xfff, (uint32_t)seen.high);
	struct pair128 busy = region_busy(segment, seen.low & REGION_ORDER_BITS, seen.high >> 32);

	if (region_state(seen) == REGION_EMPTY || (region_state(seen) == REGION_BUSY && !owner_gone))
		return false;
	if (is_listed) {
		if (owner_gone)
			region_change(segment, index, seen, region_with_state(seen, REGION_LIVE));
		CRASH_POINT(grow_live);
		return false;
	}
	if (somebody_is_behind(segment, rings))
		return true;
	/* Still the same list, so still unlisted: a BUSY region is listed by its owner only. */
	if (!is_still_so(segment, index, rings) || !region_change(segment, index, seen, busy))
		return true;
	CRASH_POINT(retire_busy);
	region_give_back(segment, index, busy);
	return false;
}
