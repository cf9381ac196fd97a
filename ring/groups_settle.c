/* Tables that go: emptied into the newer ones; and how worn the newest is. ring/groups.h has the protocol. */
#include "ring/groups_walk.h"

static uint64_t cell_count(const struct group_table *table)
{
	return UINT64_C(1) << table->order;
}

/* Where on its group's path is this cell? GROUP_DAMAGED: not on it. */
static enum group_result path_of(const struct groups *groups, const struct group_spot *spot, uint32_t table,
				 uint64_t index, struct group_path *ret)
{
	uint32_t order = groups->table[table].order;
	uint32_t step = group_path_find(order, spot->group, index);

	if (step == group_path_cells(order))
		return GROUP_DAMAGED;
	*ret = (struct group_path){.group = spot->group, .table = table, .step = step};
	return GROUP_OK;
}

/* Seals a cell, or moves its group on, until it is EMPTY and SEALED. */
static enum group_result settle_cell(const struct groups *groups, uint32_t table, uint64_t index)
{
	for (uint32_t tries = 0; tries < GROUP_TRIES_MAX; tries++) {
		struct group_spot spot;
		struct group_path path;
		enum group_result result = group_look(groups, &groups->table[table].cells[index], &spot);

		if (result != GROUP_OK)
			return result;
		if (spot.head == 0) {
			if (spot.is_sealed)
				return GROUP_OK;
			if (group_change(&spot, 0, spot.seen.high | GROUP_SEALED))
				CRASH_POINT(group_sealed);
			continue;
		}
		result = path_of(groups, &spot, table, index, &path);
		if (result == GROUP_OK)
			result = group_move(groups, path, &spot);
		if (result != GROUP_OK)
			return result;
	}
	return GROUP_STALE;
}

/* The cell that a cursor over all tables but the newest means. False: it is behind them. */
static bool cell_at(const struct groups *groups, uint64_t cursor, uint32_t *ret_table, uint64_t *ret_index)
{
	for (uint32_t table = 0; table + 1 < groups->table_count; table++) {
		uint64_t count = cell_count(&groups->table[table]);

		if (cursor < count) {
			*ret_table = table;
			*ret_index = cursor;
			return true;
		}
		cursor -= count;
	}
	return false;
}

enum group_result groups_settle(const struct groups *groups, uint64_t *cursor, uint32_t budget)
{
	uint64_t index;
	uint32_t table;

	for (; budget > 0; budget--) {
		enum group_result result;

		if (!cell_at(groups, *cursor, &table, &index))
			break;
		result = settle_cell(groups, table, index);
		if (result != GROUP_OK)
			return result;
		++*cursor;
	}
	if (!cell_at(groups, *cursor, &table, &index))
		*cursor = 0;
	return GROUP_OK;
}

bool groups_oldest_is_done(const struct groups *groups)
{
	const struct group_table *table = &groups->table[0];

	if (groups->table_count < 2)
		return false;
	/* [G1] Sealed, then empty: so it is both for good. relaxed: behind the high half. */
	for (uint64_t i = 0; i < cell_count(table); i++)
		if (!(load_acquire(&table->cells[i].high) & GROUP_SEALED) ||
		    load_relaxed(&table->cells[i].low) != 0)
			return false;
	return true;
}

void groups_wear(const struct groups *groups, uint64_t *cursor, uint32_t cells, struct group_wear *wear)
{
	const struct group_table *table = &groups->table[groups->table_count - 1];

	for (uint32_t i = 0; i < cells && i < cell_count(table); i++) {
		const struct word128 *cell = &table->cells[(*cursor)++ & (cell_count(table) - 1)];

		/* relaxed: a sample */
		wear->live += load_relaxed(&cell->low) != 0;
		wear->sealed += (load_relaxed(&cell->high) & GROUP_SEALED) != 0;
		wear->looked++;
	}
}
