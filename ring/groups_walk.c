/* Cells, and the walk along a group's path. ring/groups.h has the protocol. */
#include "ring/groups_walk.h"

/* [G1] The low half, then the rest, then the low half again: while it is the same the head was the head, so the
 * group is its own, and no newer message's; the high half was there at some time in between. Acquire: each load is
 * behind the one before, and who sees a tail sees what was joined before it. The first is seq_cst, the later end of
 * a pair [G6]: who makes a message READY, and then looks whether it is the head, against who makes it the head, and
 * then looks whether it is READY. */
static enum group_result look_once(const struct groups *groups, struct group_spot *spot, bool *ret_same)
{
	enum group_result result = GROUP_OK;
	struct fifo_links *links;

	spot->seen.low = load_seq(&spot->cell->low);
	spot->seen.high = load_acquire(&spot->cell->high);
	spot->head = spot->seen.low & LINK_MASK;
	spot->tail = spot->seen.high & LINK_MASK;
	spot->is_frozen = spot->seen.low & GROUP_FROZEN;
	spot->is_sealed = spot->seen.high & GROUP_SEALED;
	spot->group = 0;
	if (spot->seen.low != 0) {
		result = group_links(groups, spot->head, &links);
		if (result == GROUP_OK)
			spot->group = load_acquire(&links->group); /* [G1] */
		if (!(spot->tail & LINK_USED) || (spot->is_frozen && !spot->is_sealed))
			result = GROUP_DAMAGED;
	}
	/* relaxed: behind the others, which acquire */
	*ret_same = load_relaxed(&spot->cell->low) == spot->seen.low;
	return result;
}

enum group_result group_look(const struct groups *groups, struct word128 *cell, struct group_spot *ret)
{
	bool same;

	ret->cell = cell;
	for (uint32_t tries = 0; tries < GROUP_TRIES_MAX; tries++) {
		enum group_result result = look_once(groups, ret, &same);

		if (same)
			return result;
	}
	return GROUP_STALE;
}

bool group_is_still(const struct group_spot *spot)
{
	/* [G4] relaxed: what was read before, to be believed now, was an acquire */
	return load_relaxed(&spot->cell->low) == spot->seen.low &&
	       load_relaxed(&spot->cell->high) == spot->seen.high;
}

bool group_change(const struct group_spot *spot, uint64_t low, uint64_t high)
{
	struct pair128 to = {low, high};

	/* [G3] Release of what was joined, acquire of what others joined: pairs with [G1]; and an end of [G6]. */
	return cas128_seq(spot->cell, spot->seen, to);
}

/* ---- the path --------------------------------------------------------------------------------- */

static struct word128 *path_cell(const struct groups *groups, const struct group_path *path)
{
	const struct group_table *table = &groups->table[path->table];

	return &table->cells[group_path_cell(table->order, path->group, path->step)];
}

static void path_step(const struct groups *groups, struct group_path *path)
{
	if (++path->step < group_path_cells(groups->table[path->table].order))
		return;
	path->step = 0;
	path->table++;
}

/* Looks at one cell until it is clear. GROUP_OK: the group is here; GROUP_FIRST: not here, and not further on,
 * unless it begins here; GROUP_NONE: sealed, and not of the group: go on. */
static enum group_result meet(const struct groups *groups, const struct group_path *path, enum group_walk how,
			      struct group_spot *ret)
{
	bool is_newest = path->table + 1 == groups->table_count;

	for (uint32_t tries = 0; tries < GROUP_TRIES_MAX; tries++) {
		enum group_result result = group_look(groups, path_cell(groups, path), ret);

		if (result != GROUP_OK)
			return result;
		if (ret->head != 0 && ret->group == path->group)
			return GROUP_OK;
		if (ret->is_sealed)
			return GROUP_NONE;
		if (how != GROUP_REPLACES || (ret->head == 0 && is_newest))
			return GROUP_FIRST;
		/* Taken by another group, or in a table that is to go. */
		if (group_change(ret, ret->seen.low, ret->seen.high | GROUP_SEALED)) {
			CRASH_POINT(group_sealed);
			return GROUP_NONE;
		}
	}
	return GROUP_STALE;
}

/* [G5] All was sealed, so if there is no other table now, the group is nowhere. relaxed: behind the cells, which
 * acquire: whoever sealed them for a newer table had read of it in the list. */
static enum group_result path_end(const struct groups *groups, enum group_walk how)
{
	if (load_relaxed(groups->list) != groups->list_seen)
		return GROUP_STALE;
	return how == GROUP_REPLACES ? GROUP_FULL : GROUP_NONE;
}

/* The same, but does not help. */
static enum group_result walk(const struct groups *groups, struct group_path *path, enum group_walk how,
			      struct group_spot *ret)
{
	while (path->table < groups->table_count) {
		enum group_result result = meet(groups, path, how, ret);

		if (result == GROUP_FIRST && how != GROUP_REPLACES)
			return GROUP_NONE;
		if (result != GROUP_NONE)
			return result;
		path_step(groups, path);
	}
	return path_end(groups, how);
}

/* ---- moves ------------------------------------------------------------------------------------ */

/* Finds it a cell behind `path`. GROUP_OK: it has one, and the frozen one may be cleared, or is. */
static enum group_result move_on(const struct groups *groups, const struct group_path *path,
				 const struct group_spot *frozen)
{
	struct group_spot to;

	for (uint32_t tries = 0; tries < GROUP_TRIES_MAX; tries++) {
		struct group_path rest = *path;
		enum group_result result;

		path_step(groups, &rest);
		result = walk(groups, &rest, GROUP_REPLACES, &to);
		/* [G4] Still frozen after what was seen there: nobody can have popped it there before. */
		if (!group_is_still(frozen))
			return GROUP_OK;
		if (result == GROUP_OK)
			return to.head == frozen->head ? GROUP_OK : GROUP_DAMAGED;
		if (result != GROUP_FIRST)
			return result;
		if (group_change(&to, frozen->head, frozen->tail)) {
			CRASH_POINT(group_moved);
			return GROUP_OK;
		}
	}
	return GROUP_STALE;
}

/* Is there a cell for it further on? A group that is frozen and has none would stand still. */
static enum group_result has_room(const struct groups *groups, struct group_path rest)
{
	struct group_spot to;
	enum group_result result;

	path_step(groups, &rest);
	result = walk(groups, &rest, GROUP_REPLACES, &to);
	return result == GROUP_FIRST ? GROUP_OK : result;
}

enum group_result group_move(const struct groups *groups, struct group_path path, const struct group_spot *spot)
{
	struct group_spot frozen = *spot;
	enum group_result result;

	if (!spot->is_frozen) {
		result = has_room(groups, path);
		if (result != GROUP_OK)
			return result;
		frozen.seen = (struct pair128){spot->head | GROUP_FROZEN, spot->tail | GROUP_SEALED};
		if (!group_change(spot, frozen.seen.low, frozen.seen.high))
			return GROUP_OK;
		CRASH_POINT(group_frozen);
	}
	result = move_on(groups, &path, &frozen);
	if (result == GROUP_OK && group_change(&frozen, 0, GROUP_SEALED))
		CRASH_POINT(group_cleared);
	return result;
}

enum group_result group_walk_on(const struct groups *groups, struct group_path *path, enum group_walk how,
				struct group_spot *ret)
{
	for (uint32_t tries = 0; tries < GROUP_TRIES_MAX; tries++) {
		enum group_result result = walk(groups, path, how, ret);

		if (result != GROUP_OK || !ret->is_frozen || how == GROUP_LOOKS)
			return result;
		result = group_move(groups, *path, ret);
		if (result != GROUP_OK)
			return result;
	}
	return GROUP_STALE;
}
