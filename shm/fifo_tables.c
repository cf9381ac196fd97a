/* The tables of a FIFO queue: the view of them, how large they are to be, and how the one of groups is replaced. */
#include "shm/fifo_parts.h"

#include "ring/crashpoint.h"
#include "ringlease.h"
#include "shm/rings.h"
#include "shm/room.h"
#include "shm/seen.h"

#include <errno.h>

enum {
	LOOKS_MAX = 1000, /* at what others change meanwhile, in one call */
	SETTLED_A_TIME = 4096,
	WEAR_ENOUGH = 4096, /* cells to be looked at before a judgement */
	GROUPS_SAMPLED = 8192,
#ifdef RL_EXPLORE
	BEGUN_ORDER = 2,
#else
	BEGUN_ORDER = 22, /* twice as many groups as are to have begun when half of a table is sealed */
#endif
};

/* ---- view ------------------------------------------------------------------------------------- */

static int open_groups(struct segment *segment)
{
	struct groups *groups = &segment->groups;
	uint64_t list = tables_list(segment->header, TABLE_GROUPS);
	uint32_t count = rings_count(list);
	struct table_place table;

	if (count == 0 || count > TABLES_OF_A_KIND)
		return RLQ_EDAMAGED;
	for (uint32_t i = 0; i < count; i++) {
		if (!table_open(segment, TABLE_GROUPS, list, i, &table))
			return RLQ_EDAMAGED;
		groups->table[i] =
			(struct group_table){.cells = (struct word128 *)(void *)table.memory, .order = table.order};
	}
	groups->table_count = count;
	groups->rings = segment->ring;
	groups->listed = segment->listed;
	groups->sequence = &segment->header->sequence;
	groups->list = &segment->header->tables[TABLE_GROUPS];
	groups->list_seen = list;
	return 0;
}

static int open_tokens(struct segment *segment)
{
	uint64_t list = tables_list(segment->header, TABLE_TOKENS);
	uint32_t count = rings_count(list);
	struct table_place table;

	if (count == 0 || count > TABLES_OF_A_KIND)
		return RLQ_EDAMAGED;
	for (uint32_t i = 0; i < count; i++) {
		if (!table_open(segment, TABLE_TOKENS, list, i, &table))
			return RLQ_EDAMAGED;
		segment->tokens[i] = (struct ready){.ends = &segment->header->tokens[table.nth],
						    .cells = (atomic_u64 *)(void *)table.memory,
						    .order = table.order};
		segment->token_id[i] = table.id;
	}
	segment->token_count = count;
	segment->tokens_seen = list;
	return 0;
}

int fifo_open(struct segment *segment)
{
	int error = open_groups(segment);

	if (!error)
		error = open_tokens(segment);
	return error ? error : seen_open(segment);
}

int fifo_refresh(struct segment *segment)
{
	return load_seq(&segment->header->rings) != segment->rings ? seg_refresh(segment) : fifo_open(segment);
}

/* ---- groups ----------------------------------------------------------------------------------- */

uint32_t fifo_order_for(uint64_t live)
{
	uint32_t order = TABLE_ORDER_FIRST;

	while (order < TABLE_ORDER_MAX && (UINT64_C(1) << order) < live * 4)
		order++;
	return order;
}

/* The same for groups. Each that begins meets another one's cell once in cells/live times, and seals it: half of
 * the table is sealed when cells * cells / (2 * live) have begun. That is to be two million at least, a second's.
 */
static uint32_t group_order_for(uint64_t live)
{
	uint32_t order = fifo_order_for(live);

	while (order < TABLE_ORDER_MAX && (UINT64_C(1) << 2 * order) < live << BEGUN_ORDER)
		order++;
	return order;
}

static uint32_t newest_order(const struct segment *segment)
{
	return segment->groups.table[segment->groups.table_count - 1].order;
}

static uint32_t order_by_wear(const struct segment *segment, const struct group_wear *wear)
{
	uint32_t order = newest_order(segment);

	return wear->looked == 0 ? order : group_order_for((wear->live << order) / wear->looked);
}

/* The newest table has no cell for a group: there are more groups, or it is worn out, perhaps by few that come and
 * go with the same cells. */
static int append_larger(struct segment *segment)
{
	struct group_wear wear = {0};
	uint64_t from = segment->groups.list_seen; /* anywhere */
	uint32_t order = newest_order(segment), wanted;
	int error;

	groups_wear(&segment->groups, &from, WEAR_ENOUGH / 4, &wear);
	wanted = order_by_wear(segment, &wear);
	if (wanted > order)
		order = wanted < order + 2 ? wanted : order + 2;
	error = tables_append(segment, TABLE_GROUPS, segment->groups.list_seen, order);
	if (error)
		return error == -ENOSPC ? RLQ_ENOSPACE : error == -EBUSY ? ROOM_GROWING : error;
	return fifo_refresh(segment);
}

bool fifo_empty_older(struct segment *segment, uint32_t budget)
{
	enum group_result result = groups_settle(&segment->groups, &segment->settled, budget);

	if (result == GROUP_FULL)
		return append_larger(segment) == 0;
	if (result != GROUP_OK)
		return result == GROUP_STALE && fifo_refresh(segment) == 0;
	if (segment->settled != 0)
		return true;
	return groups_oldest_is_done(&segment->groups) &&
	       tables_drop_oldest(segment, TABLE_GROUPS, segment->groups.list_seen) && fifo_refresh(segment) == 0 &&
	       segment->groups.table_count > 1;
}

bool fifo_tries_again(struct segment *segment, enum group_result result, uint32_t *looks, int *ret_error)
{
	*ret_error = 0;
	if (result == GROUP_OK || result == GROUP_NONE || result == GROUP_FIRST)
		return false;
	if (result == GROUP_DAMAGED || ++*looks > LOOKS_MAX)
		*ret_error = RLQ_EDAMAGED;
	else
		*ret_error = result == GROUP_FULL ? append_larger(segment) : fifo_refresh(segment);
	return *ret_error == 0;
}

uint64_t fifo_groups(const struct segment *segment)
{
	struct groups view = segment->groups;
	uint64_t groups = 0;

	/* In each table, as if it was the newest. */
	for (uint32_t i = 0; i < segment->groups.table_count; i++) {
		struct group_wear wear = {0};
		uint64_t from = 0;

		view.table_count = i + 1;
		groups_wear(&view, &from, GROUPS_SAMPLED, &wear);
		groups += (wear.live << view.table[i].order) / wear.looked;
	}
	return groups;
}

/* ---- care ------------------------------------------------------------------------------------- */

enum { CELL_SAMPLED = 16, CELL_SETTLED = 32 }; /* what they cost, in slots that are looked at */

/* Does the newest table want a successor? Of this order; 0: no. */
static uint32_t successor_order(const struct segment *segment, const struct group_wear *wear)
{
	uint32_t order = segment->groups.table[segment->groups.table_count - 1].order;
	uint32_t wanted = order_by_wear(segment, wear);

	if (wear->sealed * 2 > wear->looked || wanted > order || order >= wanted + ORDER_TOO_LARGE)
		return wanted;
	return 0;
}

bool fifo_tend(struct segment *segment, struct fifo_care *care, uint32_t budget)
{
	uint32_t order;

	if (fifo_refresh(segment) != 0)
		return false;
	fifo_tend_turns(segment);
	if (segment->groups.table_count > 1)
		return fifo_empty_older(segment, budget / CELL_SETTLED);
	groups_wear(&segment->groups, &care->sampled, budget / CELL_SAMPLED, &care->wear);
	if (care->wear.looked < UINT64_C(1) << segment->groups.table[0].order && care->wear.looked < WEAR_ENOUGH)
		return false;
	order = successor_order(segment, &care->wear);
	care->wear = (struct group_wear){0};
	if (order != 0 && tables_append(segment, TABLE_GROUPS, segment->groups.list_seen, order) == 0)
		fifo_refresh(segment);
	return order != 0;
}

void fifo_make_way(struct segment *segment)
{
	if (seg_enter(segment) != 0)
		return;
	for (uint32_t steps = 0; segment->groups.table_count > 1 && steps < RING_STEPS_MAX; steps++)
		if (!fifo_empty_older(segment, SETTLED_A_TIME))
			break;
	seg_leave(segment);
	tables_settle(segment);
}
