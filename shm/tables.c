#include "shm/tables.h"

#include "ring/crashpoint.h"
#include "shm/regions.h"

#include <errno.h>

static enum seg_table_kind kind_of(uint32_t index)
{
	return (enum seg_table_kind)((index - SEG_RING_COUNT) / TABLES_OF_A_KIND);
}

static uint32_t nth_of(uint32_t index)
{
	return (index - SEG_RING_COUNT) % TABLES_OF_A_KIND;
}

uint64_t table_bytes(uint32_t index, uint32_t order)
{
	switch (kind_of(index)) {
	case TABLE_GROUPS:
		return group_table_bytes(order);
	case TABLE_TOKENS:
		return ready_bytes(order);
	default:
		return dedup_table_bytes(order);
	}
}

bool table_open(const struct segment *segment, enum seg_table_kind kind, uint64_t list, uint32_t position,
		struct table_place *ret)
{
	uint32_t nth = rings_at(list, position), index = table_region(kind, nth);
	struct pair128 region;

	if (nth >= TABLES_OF_A_KIND)
		return false;
	region = region_read(segment, index);
	*ret = (struct table_place){
		.memory = segment->base + region_offset(index),
		.order = region_order(region.low),
		.nth = nth,
		.id = (uint32_t)(region.high >> 32),
	};
	return region_state(region) != REGION_EMPTY && ret->order <= TABLE_ORDER_MAX;
}

/* ---- the list --------------------------------------------------------------------------------- */

static bool list_append(struct segment *segment, enum seg_table_kind kind, uint64_t seen, uint32_t nth)
{
	uint32_t count = rings_count(seen);
	uint32_t list = (uint32_t)seen | nth << (count * 4);

	return cas_seq(&segment->header->tables[kind], seen, rings_make(count + 1, rings_version(seen) + 1, list));
}

void table_begin(struct segment *segment, uint32_t index, uint32_t order)
{
	if (kind_of(index) == TABLE_TOKENS) {
		struct ring_ends *ends = &segment->header->tokens[nth_of(index)];

		store_relaxed(&ends->tail, 0); /* relaxed: ours alone until listed */
		CRASH_POINT(grow_tail_reset);
		store_relaxed(&ends->head, 0); /* relaxed: as above */
		CRASH_POINT(grow_tail_reset);
	} else if (kind_of(index) == TABLE_IDS) {
		struct dedup_table table;

		dedup_table_place(&table, segment->base + region_offset(index), order);
		dedup_begin(&segment->dedup, &table, segment->clock.boot_ms);
	}
}

static bool is_changed(const struct segment *segment, enum seg_table_kind kind, uint64_t seen)
{
	return tables_list(segment->header, kind) != seen;
}

int tables_append(struct segment *segment, enum seg_table_kind kind, uint64_t seen, uint32_t order)
{
	struct pair128 busy;
	int index, error;

	if (is_changed(segment, kind, seen))
		return 0;
	if (rings_count(seen) >= TABLES_OF_A_KIND)
		return -EBUSY;
	index = region_take(segment, table_region(kind, 0), TABLES_OF_A_KIND, order, &busy);
	if (index < 0) /* whoever has the last one may have appended it meanwhile */
		return is_changed(segment, kind, seen) ? 0 : -EBUSY;
	error = region_allocate(segment, (uint32_t)index, order);
	CRASH_POINT(grow_allocated);
	if (!error)
		table_begin(segment, (uint32_t)index, order);
	if (error || !list_append(segment, kind, seen, nth_of((uint32_t)index))) {
		region_give_back(segment, (uint32_t)index, busy);
		return is_changed(segment, kind, seen) ? 0 : error;
	}
	CRASH_POINT(grow_appended);
	region_make_live(segment, (uint32_t)index, busy);
	return 0;
}

bool tables_drop_oldest(struct segment *segment, enum seg_table_kind kind, uint64_t seen)
{
	bool done = rings_count(seen) > 1 &&
		    cas_seq(&segment->header->tables[kind], seen,
			    rings_make(rings_count(seen) - 1, rings_version(seen) + 1, (uint32_t)seen >> 4));

	CRASH_POINT(retire_unlisted);
	return done;
}

/* ---- giving back ------------------------------------------------------------------------------ */

static bool is_listed(const struct segment *segment, uint32_t index)
{
	return rings_contain(tables_list(segment->header, kind_of(index)), nth_of(index));
}

static bool is_still_unlisted(struct segment *segment, uint32_t index, uint64_t rings)
{
	(void)rings;
	return !is_listed(segment, index);
}

/* Everybody who enters from now on, and finds this version, has the lists as they are now, or newer. */
static bool raise_version(struct segment *segment, uint64_t *ret_rings)
{
	uint64_t rings = load_seq(&segment->header->rings);

	*ret_rings = (rings & ~(UINT64_C(0x7ffffff) << 32)) | (uint64_t)((rings_version(rings) + 1) & 0x7ffffff)
								      << 32;
	if ((rings & RINGS_REMOVED) || !cas_seq(&segment->header->rings, rings, *ret_rings))
		return false;
	CRASH_POINT(retire_version_raised);
	return true;
}

bool tables_settle(struct segment *segment)
{
	bool more = false, is_raised = false;
	uint64_t rings = 0;

	for (uint32_t i = SEG_RING_COUNT; i < SEG_REGION_COUNT; i++) {
		bool listed = is_listed(segment, i);

		if (region_state(region_read(segment, i)) == REGION_EMPTY)
			continue;
		if (!listed && !is_raised) {
			is_raised = raise_version(segment, &rings);
			if (!is_raised)
				return true;
		}
		more |= region_settle(segment, i, listed, rings, is_still_unlisted);
	}
	return more;
}
