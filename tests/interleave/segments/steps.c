/* Which accesses are steps: those on which the scenario's protocol turns. */
#include "tests/interleave/segments/journal.h"

#include "shm/extents.h"

static bool is_fine(unsigned fine)
{
	return world_shape()->fine & fine;
}

static bool fifo_header_is_joined(size_t offset)
{
	if (offset < offsetof(struct seg_header, sequence))
		return !is_fine(FINE_TABLES) ||
		       offset != offsetof(struct seg_header, tables[0]) + world_shape()->replaced * 8;
	if (offset >= offsetof(struct seg_header, tokens) && offset < offsetof(struct seg_header, dedup))
		return !is_fine(FINE_TOKENS);
	if (offset >= offsetof(struct seg_header, dedup) && offset < offsetof(struct seg_header, attempt))
		return !is_fine(FINE_IDS);
	if (offset >= offsetof(struct seg_header, attempt) &&
	    offset < offsetof(struct seg_header, attempt) + sizeof(((struct seg_header *)0)->attempt))
		return !is_fine(FINE_ATTEMPTS);
	return true;
}

static bool table_region_is_joined(size_t offset)
{
	return !is_fine(FINE_TABLES) || offset % 16 != 0 || !table_is_replaced(offset / 16) ||
	       offset / 16 % TABLES_OF_A_KIND >= world_shape()->tables;
}

static bool header_is_joined(size_t offset)
{
	if (offset == offsetof(struct seg_header, rings))
		return !is_fine(FINE_VIEWS | FINE_NAMES | FINE_TABLES);
	if (offset == offsetof(struct seg_header, viewers))
		return !is_fine(FINE_HOLDS);
	if (offset == offsetof(struct seg_header, move_target))
		return false;
	if (offset >= offsetof(struct seg_header, region[SEG_RING_COUNT]) &&
	    offset < offsetof(struct seg_header, ends))
		return table_region_is_joined(offset - offsetof(struct seg_header, region[SEG_RING_COUNT]));
	if (offset >= offsetof(struct seg_header, region) && offset < offsetof(struct seg_header, ends))
		return !is_fine(FINE_VIEWS) || offset % 16 != 0;
	if (offset >= offsetof(struct seg_header, ends) && offset < offsetof(struct seg_header, tables))
		return !is_fine(FINE_HINTS);
	if (offset >= offsetof(struct seg_header, tables) && offset < offsetof(struct seg_header, bodies))
		return fifo_header_is_joined(offset);
	return true;
}

static bool row_is_joined(int queue, size_t offset)
{
	size_t row = offset / sizeof(struct seg_row), at = offset % sizeof(struct seg_row);

	if (row > rows_seen[queue])
		return true;
	if (at == offsetof(struct seg_row, user))
		return !is_fine(FINE_ROWS);
	if (at == offsetof(struct seg_row, view))
		return !is_fine(FINE_VIEWS | FINE_TABLES);
	if (at >= offsetof(struct seg_row, holds))
		return !is_fine(FINE_HOLDS) ||
		       at >= offsetof(struct seg_row, holds) + HOLDS_SEEN * sizeof(uint64_t);
	return true;
}

/* Of a slot only the low half: the high one is read right after it, and written with it. */
static bool ring_is_joined(int queue, size_t offset)
{
	size_t ring = offset / SEG_RING_REGION, at = offset % SEG_RING_REGION;
	uint32_t order = region_order(header_of(queue)->region[ring].low);

	if (at >= ring_bytes(order, false))
		return !is_fine(FINE_MARKS);
	if (at >> order >= sizeof(struct slot))
		return !is_fine(FINE_HINTS);
	at %= sizeof(struct slot);
	if (world_is_fifo() &&
	    at == offsetof(struct slot, message.inline_bytes) + offsetof(struct fifo_links, next))
		return !is_fine(FINE_CHAINS);
	if (world_is_fifo() &&
	    at == offsetof(struct slot, message.inline_bytes) + offsetof(struct fifo_links, ticket))
		return !is_fine(FINE_ATTEMPTS);
	return at != 0 && (!is_fine(FINE_BODIES) || at != offsetof(struct slot, message.inline_bytes));
}

static bool id_is_joined(size_t offset)
{
	size_t at = offset % sizeof(struct dedup_entry);

	return !is_fine(FINE_IDS) || offset < sizeof(struct dedup_head) ||
	       (at != offsetof(struct dedup_entry, control) && at != offsetof(struct dedup_entry, voided));
}

static bool table_is_joined(size_t offset)
{
	switch (offset / SEG_TABLE_REGION / TABLES_OF_A_KIND) {
	case TABLE_GROUPS: /* the low half, as of slots */
		return !is_fine(FINE_CHAINS) || offset % sizeof(struct word128) != 0;
	case TABLE_TOKENS:
		return !is_fine(FINE_TOKENS);
	default:
		return id_is_joined(offset % SEG_TABLE_REGION);
	}
}

static bool map_is_joined(int queue, size_t offset)
{
	if (offset < SEG_ROWS)
		return header_is_joined(offset);
	if (offset < SEG_RINGS)
		return row_is_joined(queue, offset - SEG_ROWS);
	if (offset >= SEG_TABLES)
		return table_is_joined(offset - SEG_TABLES);
	return ring_is_joined(queue, offset - SEG_RINGS);
}

static bool body_is_joined(int queue, const unsigned char *at)
{
	if (at >= body_places[queue].data)
		return !is_fine(FINE_BODIES);
	return at >= (unsigned char *)(body_places[queue].table + BLOCKS_SEEN) && !is_fine(FINE_HINTS);
}

static bool turn_is_joined(size_t offset)
{
	return offset < offsetof(struct seg_engine_page, turn_begun) ||
	       offset >= offsetof(struct seg_engine_page, durable);
}

bool step_is_joined(const void *address)
{
	const unsigned char *at = address;

	if (at >= (unsigned char *)&engine_page && at < (unsigned char *)(&engine_page + 1))
		return !world_is_durable() || turn_is_joined((size_t)(at - (unsigned char *)&engine_page));
	if (address == &written.end_step)
		return false;
	if (address == &world.now_ms)
		return !is_fine(FINE_TIME);
	if (address == &world.life)
		return !explore_knows_death();
	if (address == &world.memory)
		return !is_fine(FINE_VIEWS | FINE_TABLES);
	if (address == &name_step)
		return !is_fine(FINE_NAMES);
	for (int queue = 0; queue < QUEUES; queue++) {
		if (at >= map_base[queue] && at < map_base[queue] + SEG_MAP_BYTES)
			return map_is_joined(queue, (size_t)(at - map_base[queue]));
		if (at >= body_base[queue] && at < body_base[queue] + SEG_BODY_REGION)
			return body_is_joined(queue, at);
		if (at >= cell_base[queue] && at < cell_base[queue] + SEG_CELLS_BYTES)
			return !is_fine(FINE_BODIES) || (size_t)(at - cell_base[queue]) % SLOT_BYTES != 0;
	}
	return true; /* nobody else's */
}
