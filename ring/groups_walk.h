/* Inside ring/groups*.c: what is in a cell, and the walk along a group's path. See ring/groups.h. */
#ifndef RL_GROUPS_WALK_H
#define RL_GROUPS_WALK_H

#include "ring/groups.h"

/* Where a walk is: along the cells of a group, table by table. */
struct group_path {
	uint64_t group;
	uint32_t table, step;
};

/* A cell, as of one moment. */
struct group_spot {
	struct word128 *cell;
	struct pair128 seen;
	uint64_t head, tail; /* without bits; head 0: EMPTY */
	uint64_t group;	     /* of the head */
	bool is_frozen, is_sealed;
};

/* How a walk behaves. */
enum group_walk {
	GROUP_LOOKS,   /* changes nothing: stops where the group is, or may begin */
	GROUP_MOVES,   /* finishes a move of the group that it meets */
	GROUP_REPLACES /* seals as it goes, for it will begin the group */
};

/* The links of a message. GROUP_DAMAGED, GROUP_STALE if there is no such place. */
static inline enum group_result group_links(const struct groups *groups, uint64_t link, struct fifo_links **ret)
{
	uint32_t ring = link_ring(link), slot = link_slot(link);

	if (__builtin_expect(link & LINK_FLAG || !(link & LINK_USED), 0))
		return GROUP_DAMAGED;
	if (__builtin_expect(!(groups->listed >> ring & 1), 0))
		return GROUP_STALE;
	if (__builtin_expect(slot > groups->rings[ring].mask, 0))
		return GROUP_DAMAGED;
	*ret = fifo_links(&groups->rings[ring].slots[slot]);
	return GROUP_OK;
}

/* Is `next`, which was read of this message, a follower, and no mark of its own or of another message of its slot?
 */
static inline bool link_is_follower(uint64_t link, uint64_t next)
{
	return ((next ^ link) & 0x7ffffff) != 0;
}

/* Looks at a cell. */
enum group_result group_look(const struct groups *groups, struct word128 *cell, struct group_spot *ret);

/* Is the cell as it was seen? */
bool group_is_still(const struct group_spot *spot);

/* [G3] The only way in which a cell changes. */
bool group_change(const struct group_spot *spot, uint64_t low, uint64_t high);

/* Walks from `path` on. GROUP_OK: the group is at `ret`; GROUP_FIRST: it has no messages, and may begin at `ret`
 * (GROUP_REPLACES only, else GROUP_NONE); GROUP_FULL, GROUP_STALE, GROUP_DAMAGED. `path` is left where it ended. */
enum group_result group_walk_on(const struct groups *groups, struct group_path *path, enum group_walk how,
				struct group_spot *ret);

static inline enum group_result group_find(const struct groups *groups, uint64_t group, enum group_walk how,
					   struct group_spot *ret)
{
	struct group_path path = {.group = group};

	return group_walk_on(groups, &path, how, ret);
}

/* Moves what is at `spot`, which is on `path` there, on along it. GROUP_OK: it is not there any more, or has
 * changed: look again. */
enum group_result group_move(const struct groups *groups, struct group_path path, const struct group_spot *spot);

#endif
