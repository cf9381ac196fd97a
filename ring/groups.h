/* Groups of a FIFO queue: for each that has messages a chain through their slots, in order, and a cell with its
 * ends. Knows links and cells, not what state a message is in: who calls says what is gone.
 * docs/adr/0013-fifo-groups.md has the protocol, its state machine and what a kill leaves.
 */
#ifndef RL_GROUPS_H
#define RL_GROUPS_H

#include "ring/fifo.h"
#include "ring/ring.h"

enum {
	GROUP_TABLES_MAX = 4,
	GROUP_ORDER_MAX = 24,
#ifdef RL_EXPLORE
	GROUP_WINDOW = 2,
#else
	GROUP_WINDOW = 8, /* cells of a table in which a group may be: 128 bytes */
#endif
};

/* low: head's link | FROZEN; high: tail's link | SEALED. EMPTY: low is 0. */
#define GROUP_FROZEN LINK_FLAG
#define GROUP_SEALED LINK_FLAG

struct group_table {
	struct word128 *cells; /* 2^order; zeroed memory is an empty table */
	uint32_t order;
};

/* One process's view. */
struct groups {
	const struct ring *rings; /* by the ring of a link */
	uint32_t listed;	  /* set of those that are there: a link to another one is damage, or the view is old */
	struct group_table table[GROUP_TABLES_MAX]; /* the oldest first */
	uint32_t table_count;
	atomic_u64 *sequence; /* shared: the last number given */
};

enum group_result {
	GROUP_OK,
	GROUP_FIRST,  /* join: the chain was empty, the message is its head */
	GROUP_NONE,   /* the group has no messages; pop: it is not the head (any more) */
	GROUP_FULL,   /* no cell on the path: append a table, then try again */
	GROUP_STALE,  /* the list of tables has changed: look at it again, then try again */
	GROUP_DAMAGED /* a link leads nowhere, or a bound was passed */
};

/* Bytes of a table of 2^order cells. */
static inline size_t group_table_bytes(uint32_t order)
{
	return sizeof(struct word128) << order;
}

/* Adds the message at `link`, ours, to the end of its group: links.group is set; `next`, `sequence` are set here.
 * Linearisation point of its place in the order. */
enum group_result groups_join(const struct groups *groups, uint64_t link);

/* The head of a group, as of some moment in the call. GROUP_OK, GROUP_NONE, ... */
enum group_result groups_head(const struct groups *groups, uint64_t group, uint64_t *ret_head);

/* Takes `head`, which is gone for good, off its group, if it is the head. GROUP_OK: this call did, and the slot is
 * nobody's any more; GROUP_NONE: it is not the head. */
enum group_result groups_pop(const struct groups *groups, uint64_t group, uint64_t head);

/* The one behind `link`, which the caller knows to be in the chain. GROUP_NONE: it is the last. */
enum group_result groups_follower(const struct groups *groups, uint64_t link, uint64_t *ret_follower);

/* Is this message, which has once joined, still in its chain? Exact once it is gone; what is not gone always is. */
enum group_result groups_keep(const struct groups *groups, uint64_t link);

/* Has this message, whose owner is dead before it was published, joined? Walks its group. */
enum group_result groups_contain(const struct groups *groups, uint64_t link);

/* A part of what empties the tables before the newest: seals and moves up to `budget` cells from `*cursor` on (0 to
 * begin; 0 again when through). GROUP_OK; GROUP_FULL: the newest has no cell for a group that is to move. */
enum group_result groups_settle(const struct groups *groups, uint64_t *cursor, uint32_t budget);

/* Are all cells of the oldest table EMPTY and SEALED? Then it can go. */
bool groups_oldest_is_done(const struct groups *groups);

/* How worn the newest table is, from a sample of up to `cells` from `*cursor` on. */
struct group_wear {
	uint64_t looked, live, sealed;
};
void groups_wear(const struct groups *groups, uint64_t *cursor, uint32_t cells, struct group_wear *wear);

#endif
