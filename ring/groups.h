/* Groups of a FIFO queue: for each that has messages a chain through their slots, in order, and a cell with its
 * ends. Knows links and cells, not what state a message is in: who calls says what is gone.
 * docs/adr/0013-fifo-groups.md says why it is so.
 *
 *   cell                   low            high             (v: link of the one popped last; at first 0)
 *
 *               EMPTY      0              v          <---------------.
 *                 |  \ begin (join, or move out of another)          |
 *            seal |   '--> LIVE    head   tail       --- empty: next of the last is CLOSED
 *                 |         |   \                  <-- tail moved on, head popped
 *                 |    seal |    '--- freeze (only in a table that is to go) ---.
 *                 |         v                                                   |
 *                 |   LIVE, SEALED     head   tail|S  --- freeze -----------.   |
 *                 |         | empty           (tail and head as above)      |   |
 *                 v         v                                               v   v
 *               EMPTY, SEALED  0       v|S    <--- moved ---    FROZEN   head|F   tail|S
 *               (for good)
 *
 *   next of a message   UNSET (its own link) -> the follower's link (join) | CLOSED (pop of the last)
 *
 * Every change is one CAS from the whole of what was read; whoever loses looks again.
 *
 *   change                   by whom                 killed before | after
 *   join: next of the tail   the message's owner     the message is nobody's | it has its place [G2]
 *   tail moved on            anybody who meets it    the tail lags by one: who comes next moves it | -
 *   join an EMPTY cell       the message's owner     as above | it has its place [G2]
 *   CLOSED                   who pops the last       it is the head, gone | no more joins by it; as the next
 *   empty, after CLOSED      anybody who meets it    emptied by the next who comes | who popped frees the slot;
 *                                                    if he is dead, groups_keep says that one may
 *   pop of others            who knows it is gone    it is the head, gone: popped by the next | as before
 *   seal                     who looks for a place   - | a cell less, until the table goes
 *   freeze                   groups_settle           - | anybody who joins, pops or settles here goes on
 *   move into a cell         the same                as the line before | as the next
 *   moved                    the same                cleared by the next who comes, before all else | -
 *
 * What all rely on:
 *
 * No value comes twice. A link names a slot's generation. A message is head of a cell once: it joins once, and a
 * cell that was moved out of is sealed. `v` is the link of the one that was popped last. So a CAS that comes late
 * fails, and a low half that is the same before and after was there all the time (unless 0).
 *
 * Seals are for good, and only an unsealed EMPTY cell is begun in. So a cell seen sealed and not of this group will
 * never be of this group, and a walk that goes on behind it misses nothing. Of two that look for the first unsealed
 * cell one sees a later one only because those before are sealed by then; the other's CAS fails.
 *
 * What is read of a slot by its link is of that message if afterwards a cell still has it between its ends: only
 * what was popped is freed. `next` says so itself, by its generation.
 *
 * A frozen cell bars the way. The way to a group's new cell leads over the frozen one, and all but lookers finish
 * the move before they go on. So while it is frozen the new cell is as the move has made it, or moved on itself.
 * Who read {0, v} and then finds the old one still frozen has a {0, v} from before the move; once that is filled, v
 * does not come again. A join may still come through by the old tail's `next`: then the tail lags, as ever.
 *
 * A view that lacks the newest table begins groups in an older one, as it might have done a little sooner; they are
 * moved like others. Where its path ends it finds that the list has changed. One that still has a retired table
 * walks over seals; the memory stays while a call works with that view (shm/).
 *
 * Progress: lock-free. Each new look follows a change by another; a call that has looked GROUP_TRIES_MAX times at
 * one cell says GROUP_STALE. A stopped process stops nobody: what it left is finished by the next.
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
	GROUP_TRIES_MAX = 24,
#else
	GROUP_WINDOW = 8, /* cells side by side in which a group may be: 128 bytes */
	GROUP_TRIES_MAX = 1 << 16,
#endif
	GROUP_WINDOWS = 4, /* of a group in one table */
	SPREAD_ORDER = 13, /* smaller tables have one window for a group: they are replaced in no time */
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
	const struct ring *rings;		    /* by the ring of a link */
	uint32_t listed;			    /* set of those that are there */
	struct group_table table[GROUP_TABLES_MAX]; /* the oldest first */
	uint32_t table_count;
	atomic_u64 *sequence; /* shared: the last number given */
	/* Shared: changes when a table is appended or taken out; and what it was when this view was made. */
	const atomic_u64 *list;
	uint64_t list_seen;
};

enum group_result {
	GROUP_OK,
	GROUP_FIRST, /* join: the chain was empty, the message is its head */
	GROUP_NONE,  /* the group has no messages; pop: it is not the head (any more) */
	GROUP_FULL,  /* no cell on the path: append a table, then try again */
	/* The list of tables has changed, or a link leads to a ring that is not listed (which is damage if the view
	 * is new), or others were faster all the time: look at the lists again, then try again. */
	GROUP_STALE,
	GROUP_DAMAGED /* a link leads nowhere, or a bound was passed */
};

/* Cells of a table in which a group may be. */
static inline uint32_t group_path_cells(uint32_t order)
{
	if (order >= SPREAD_ORDER)
		return GROUP_WINDOWS * GROUP_WINDOW;
	return order < 8 && (1u << order) < GROUP_WINDOW ? 1u << order : GROUP_WINDOW;
}

/* The nth of them, all different. In a large table each window is in a quarter of its own, elsewhere: of two groups
 * that come and go by turns each seals what the other has left, and they are not to meet in the next window, too.
 */
static inline uint64_t group_path_cell(uint32_t order, uint64_t group, uint32_t nth)
{
	uint32_t window = nth / GROUP_WINDOW;
	uint64_t place, mask;

	if (order < SPREAD_ORDER)
		return (group + nth) & ((UINT64_C(1) << order) - 1);
	mask = (UINT64_C(1) << (order - 2)) - 1;
	place = (window == 0 ? group : group >> 16 * window | group << (64 - 16 * window)) + nth % GROUP_WINDOW;
	return ((group >> (order - 2)) + window) % GROUP_WINDOWS << (order - 2) | (place & mask);
}

/* Which of them is this cell? group_path_cells(): none. */
static inline uint32_t group_path_find(uint32_t order, uint64_t group, uint64_t cell)
{
	uint32_t count = group_path_cells(order), nth = 0;

	while (nth < count && group_path_cell(order, group, nth) != cell)
		nth++;
	return nth;
}

/* Bytes of a table of 2^order cells. */
static inline size_t group_table_bytes(uint32_t order)
{
	return sizeof(struct word128) << order;
}

/* What a claimer writes before anything else: killed before, what is there is of an older message, and does no
 * harm. */
static inline void fifo_begin(struct slot *slot, uint64_t group)
{
	struct fifo_links *links = fifo_links(slot);

	/* [G1] release: who reads what we write of a slot knows that what was there before is popped. */
	store_release(&links->sequence, 0);
	CRASH_POINT(group_link_written);
	store_release(&links->group, group);
	CRASH_POINT(group_link_written);
	store_relaxed(&links->ticket, 0); /* relaxed: it is published with the message */
	CRASH_POINT(group_link_written);
}

/* Adds the message at `link`, ours, to the end of its group, after fifo_begin(); `next`, `sequence` are set here.
 * Linearisation point of its place in the order. GROUP_OK, GROUP_FIRST; else it has not joined. */
enum group_result groups_join(const struct groups *groups, uint64_t link);

/* The head of a group, as of some moment in the call. GROUP_OK, GROUP_NONE, ... */
enum group_result groups_head(const struct groups *groups, uint64_t group, uint64_t *ret_head);

/* Takes `head`, which is gone for good, off its group, if it is the head. GROUP_OK: it is off, and the slot is
 * nobody's any more; of two that pop the same both may hear so, and the CAS that frees the slot decides.
 * GROUP_NONE: it is not the head, not yet or not any more. GROUP_FULL: the group is amid a move and has no cell to
 * go to. `*ret_next` if it is off: the head that we have made, 0 if the group has no messages since then. */
enum group_result groups_pop_to(const struct groups *groups, uint64_t group, uint64_t head, uint64_t *ret_next);

static inline enum group_result groups_pop(const struct groups *groups, uint64_t group, uint64_t head)
{
	uint64_t next;

	return groups_pop_to(groups, group, head, &next);
}

/* The one behind `link`, which the caller knows to be in the chain. GROUP_NONE: it is the last. */
enum group_result groups_follower(const struct groups *groups, uint64_t link, uint64_t *ret_follower);

/* Is this message, which has once joined, still in its chain? GROUP_OK, GROUP_NONE. Exact once it is gone; what is
 * not gone always is. */
enum group_result groups_keep(const struct groups *groups, uint64_t link);

/* Has this message, whose owner is dead before it was published, joined? GROUP_OK, GROUP_NONE. Walks its group. */
enum group_result groups_contain(const struct groups *groups, uint64_t link);

/* A part of what empties the tables before the newest: seals and moves up to `budget` cells from `*cursor` on (0 to
 * begin; 0 again when through). GROUP_OK; else the cursor stays at a cell that could not be settled: GROUP_FULL:
 * the newest has no cell for a group that is to move. */
enum group_result groups_settle(const struct groups *groups, uint64_t *cursor, uint32_t budget);

/* Are all cells of the oldest table EMPTY and SEALED? Then it can go. */
bool groups_oldest_is_done(const struct groups *groups);

/* How worn the newest table is: adds a sample of up to `cells` from `*cursor` on, any number; it moves on. */
struct group_wear {
	uint64_t looked, live, sealed;
};
void groups_wear(const struct groups *groups, uint64_t *cursor, uint32_t cells, struct group_wear *wear);

#endif
