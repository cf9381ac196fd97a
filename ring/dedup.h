/* Which deduplication ids a FIFO queue has seen: tables of entries, into which is only inserted. Knows links, keys
 * and stamps, and of states only whether a message is still being sent. docs/adr/0013-fifo-groups.md says where it
 * stands in a send.
 *
 * A message that has joined its group is *decided* by dedup_decide(), by its owner and by any number of helpers, of
 * whom each may be stopped anywhere and come late. All of them hear the same: the message is FIRST (it is
 * published), or it goes (it is popped and was never sent), being a DUPLICATE of another one, or LATE.
 *
 *   control   EMPTY    -> TAKEN(m)      m is first. Linearisation point of a FIFO send
 *             EMPTY    -> LATE(m)       m goes: it is too old to be judged
 *             EMPTY    -> SEALED        nothing more of this probe in this table: go on in the next
 *             TAKEN(m) -> COMPLETE(m)   key, id and stamps are in the entry; before, they are read in m's slot
 *
 * Each is one CAS; a kill before it leaves a message that anybody decides, a kill after it one that is decided.
 *
 * Why all hear the same
 *
 * - Cells of a probe are used in order, and what is in one is final: TAKEN, LATE and SEALED are never taken off. So
 *   all who walk for m meet the same cells, and who finds the first free one fights for it by one CAS: with other
 *   helpers of m, with messages of the same key, with a seal. The loser reads it again.
 * - Whether an entry e counts for m never changes either, because no clock and nothing that moves is asked. It does
 *   not count, and is passed, if one of these holds:
 *   - past its window: m.boot_ms - e.boot_ms >= the window_ms with which the table was begun; stamps in the slots
 *   - purged: e.sequence <= m.purged, what the purge mark was, read by m's owner before the join
 *   - voided: m.sequence > e.voided, see below
 * - So no helper can insert m once another has found it a duplicate, and no entry names a slot that has moved on.
 *
 * Tables: up to DEDUP_TABLES_MAX in a list, the oldest first. An id is looked for in all of them and inserted into
 * the newest, after the first free cell of its probe in each older one was SEALED: who has not heard of the newest
 * cannot insert there, but hears STALE. The oldest table is settled (all its free cells sealed, all its messages
 * published, all its entries COMPLETE), then dropped once its latest entry is a window and DEDUP_MARGIN_MS old; the
 * *horizon* says until when it counted. A message stamped before the horizon, whose sender stood still for a second
 * or more, may have had its answer in a table that is gone: it is LATE, and a LATE entry makes that final. (If it
 * was FIRST there, it has been published long ago, and LATE changes nothing.)
 *
 * Voiding. A sync queue takes a message back for which its journal has no room, and its id must be free again. But
 * somebody may have been found a duplicate of it meanwhile, and must stay one. So the entry is marked first
 * (voided: 0 -> VOIDING), and then cut: VOIDING -> the last sequence number given, by anybody who meets the mark,
 * before he judges. Who was judged before the mark has a number up to the cut, and is a duplicate for ever; a
 * number above the cut was given after the mark, and everybody passes the entry for it.
 *
 * Purge. purged = the last sequence number given; each message notes it before it joins (dedup_stamp()). What a
 * purge has forgotten takes no room: a full table is followed by another, and one whose entries are all forgotten,
 * but for those past their window, is settled and goes as if their window had ended when whoever settles asked for
 * the mark, before he read the clock (dedup_begin_settling()). For a message that had noted an older mark was
 * stamped before that, so it is LATE; and for the others such an entry does not count. The margin is shorter then,
 * since somebody may be waiting.
 *
 * What the layer above has to do
 *
 * - Send: dedup_reserve(), claim, write, dedup_stamp(), join, then decide. FIRST: dedup_fill(), then publish: what
 *   is not WRITING any more has a whole entry, and its slot can be freed without a look. Others: WRITING -> HELD,
 *   pop. A message that has joined leaves WRITING by its decision only, also when its owner is dead.
 * - A helper reads what it decides by dedup_read() after it has seen WRITING. The owner keeps its own copy; if its
 *   slot has moved on before it could read the sequence number there, 0: then only its fate is looked up. LATE for
 *   an owner whose message somebody else has dealt with means that it stood still for longer than a window: it
 *   cannot be told.
 * - Taking back: first the slot's word says so (PENDING -> HELD, of a kind of its own), then dedup_void(), then it
 *   is freed. A kill between leaves the HELD slot, whose finder does the rest.
 * - The answer to a DUPLICATE in a sync queue waits until the first message is not PENDING, and then looks: slot
 *   still of the link and taken back, or dedup_is_void(): the first was never sent, nor was this one, which is sent
 *   anew, as a new message, or fails as the first did. The slot is looked at before the entry: it is freed after
 *   the void.
 * - A purge deletes all messages with a sequence number up to the mark; those not decided are decided first.
 * - Settling: dedup_begin_settling(), then the clock is read, and asked_ms is not before that.
 * - Tables: one word like the list of rings (ADR 4), changed by CAS. Calls say which list they work with, and read
 *   it again on STALE; memory of what was dropped is given back, or used again, when no call works with a list that
 *   had it. dedup_is_due(): zeroed memory, dedup_begin(), append. Several may do so: the first CAS counts. Then, by
 *   the sweep: dedup_may_settle(), dedup_settle() until OK (from the beginning if the rings or tables have changed
 *   since), dedup_may_drop(), drop. A process stopped for several windows keeps its tables' memory; it holds up
 *   nobody as long as there is memory for further ones.
 *
 * Size. dedup_max ids are accepted in a window, at least: the newest table takes as many, for as long as a window,
 * and then a newer one is due. Up to twice as many are remembered. Above that dedup_reserve() says FULL, before
 * there is anything to decide: nobody who decides ever hears it. Cells are at least twice the ids, 64 bytes each:
 * 1 M ids 128 MiB, twice. A table begins small, and is followed by a larger one when it is half full; the last one
 * that there may be has the full size. Ids are counted in the newest table by runs of up to DEDUP_RUN
 * for each handle, one CAS a run, one by one near the end. A killed handle's rest is lost until the next table:
 * FULL may come that much early, an id is never forgotten.
 *
 * Progress: lock-free; a walk is at most DEDUP_PROBES_MAX cells a table, 2.5 on average when half full.
 */
#ifndef RL_DEDUP_H
#define RL_DEDUP_H

#include "ring/fifo.h"
#include "ring/prefetch.h"
#include "ring/ring.h"

enum {
	DEDUP_TABLES_MAX = 4, /* the older, the newer, and two that take over from it */
	DEDUP_ORDER_MAX = 24,
	DEDUP_RUN = 16,
	DEDUP_MARGIN_MS = 1000,
	DEDUP_PURGE_MARGIN_MS = 250,
	DEDUP_SPARE = 16, /* this part of a probe is for those who have looked for a place at once */
#ifdef RL_EXPLORE
	DEDUP_ORDER_MIN = 1,
	DEDUP_PROBES_MAX = 4,
#else
	DEDUP_ORDER_MIN = 10, /* 64 KiB */
	DEDUP_PROBES_MAX = 1024,
#endif
};
#define DEDUP_IDS_MAX (UINT64_C(1) << (DEDUP_ORDER_MAX - 1)) /* of dedup_max */

struct dedup_entry {
	atomic_u64 control;
	atomic_u64 key[2];
	atomic_u64 id[2]; /* of the message */
	atomic_u64 sequence;
	atomic_u64 boot_ms;
	atomic_u64 voided; /* 0; VOIDING; else the last sequence number for which the entry counts */
};
_Static_assert(sizeof(struct dedup_entry) == 64, "an entry is a cache line");

struct dedup_head {
	_Alignas(128) atomic_u64 used; /* ids reserved */
	atomic_u64 born_ms;	       /* boot clock; since when it was the newest */
	atomic_u64 window_ms;	       /* for which its entries count */
	atomic_u64 purged, sequence;   /* the mark, and the last number given, when it was begun */
};

struct dedup_table {
	struct dedup_head *head;
	struct dedup_entry *entries; /* 2^order; zeroed memory is an empty table */
	uint32_t order;
};

/* Shared, of the queue. */
struct dedup_marks {
	atomic_u64 purged;     /* last sequence number whose id a purge has forgotten */
	atomic_u64 horizon_ms; /* up to here a table counted that was dropped */
};

/* One process's view. */
struct dedup {
	const struct ring *rings; /* by the ring of a link */
	uint32_t listed;	  /* set of those that are there */
	uint32_t count;
	struct dedup_table table[DEDUP_TABLES_MAX]; /* the oldest first */
	struct dedup_marks *marks;
	const atomic_u64 *sequence;  /* the last number given */
	uint64_t window_ms, ids_max; /* of tables to come */
};

/* What is decided: a copy of what stands in the slot. */
struct dedup_message {
	uint64_t link;
	uint64_t key[2]; /* spread evenly over all values: a keyed hash */
	uint64_t id[2];
	uint64_t sequence; /* 0: unknown to its owner, since it was dealt with */
	uint64_t boot_ms, purged;
};

enum dedup_result {
	DEDUP_OK,
	DEDUP_FIRST,
	DEDUP_DUPLICATE,
	DEDUP_LATE,    /* it goes; a sender whose message was still WRITING sends anew */
	DEDUP_NONE,    /* the message has no entry in these tables */
	DEDUP_FULL,    /* reserve: ids_max ids in this window */
	DEDUP_GROW,    /* append a table, then try again; decide: whether one is due or not, a probe is full */
	DEDUP_STALE,   /* the list of tables or rings has changed: look at it again, then try again */
	DEDUP_BUSY,    /* settle: the budget is used up */
	DEDUP_HELP,    /* settle: a message is to be published first */
	DEDUP_DAMAGED, /* a link leads nowhere, or an entry to a slot that has moved on */
};

struct dedup_answer {
	struct dedup_entry *entry; /* the message's own, or that of the one that was first */
	uint64_t link;		   /* of the first; 0: restored from the journal */
	uint64_t id[2], sequence;  /* of the first */
	bool is_void;		   /* of a duplicate: the first was taken back */
};

/* ---- sending --------------------------------------------------------------------------------------------------
 */

/* What a handle has reserved. Private; zeroed at first. */
struct dedup_quota {
	const struct dedup_head *head;
	uint64_t born_ms;
	uint32_t left;
};

/* Room for one id. OK, FULL, GROW. */
enum dedup_result dedup_reserve(const struct dedup *dedup, struct dedup_quota *quota, uint64_t now_ms);
/* The reservation was not needed: no claim, or a duplicate. */
void dedup_unreserve(const struct dedup *dedup, struct dedup_quota *quota);
/* About how many are taken, by runs of all handles. */
uint64_t dedup_taken(const struct dedup *dedup);
/* Gives the rest back when the handle is closed. */
void dedup_give_back(const struct dedup *dedup, struct dedup_quota *quota);

/* Before all of it, as soon as the key is known: dedup_prefetch(), below. */

/* Writes the stamps into a slot of ours, before the join, and into `ret`, which has link, key and id. */
void dedup_stamp(const struct dedup *dedup, struct slot *slot, uint64_t boot_ms, struct dedup_message *ret);

/* Reads what is to be decided; false: the slot is not of this message any more, or is not there. */
bool dedup_read(const struct dedup *dedup, uint64_t link, struct dedup_message *ret);

/* FIRST, DUPLICATE, LATE; GROW, STALE, DAMAGED: nothing was decided. Answers in `ret` for the first two. */
enum dedup_result dedup_decide(const struct dedup *dedup, const struct dedup_message *message,
			       struct dedup_answer *ret);

/* Is there surely no entry of this key now? A look that costs little, and says no if in doubt. */
bool dedup_lacks(const struct dedup *dedup, const uint64_t key[2]);

/* Is there a place for another entry of this key? Asked before the join: what has joined and finds none is decided
 * only when the oldest table has gone. Without one there are thousands of entries of this key, or near it: one id
 * that was sent, and taken back, over and over. */
bool dedup_has_place(const struct dedup *dedup, const uint64_t key[2]);

/* TAKEN -> COMPLETE, before the message is published: `entry` is its own. */
void dedup_fill(struct dedup_entry *entry, const struct dedup_message *message);

/* The message was taken back: its entry counts for later ones no more. OK, NONE; STALE. */
enum dedup_result dedup_void(const struct dedup *dedup, const struct dedup_message *message);
bool dedup_is_void(const struct dedup_entry *entry);
/* The same for who knows but link and key of a message that was decided. OK: it is not, or has no entry any more;
 * NONE: it is; STALE. */
enum dedup_result dedup_ask_void(const struct dedup *dedup, const struct dedup_message *message);

/* Forgets the ids of all messages with a number so far. The mark. */
uint64_t dedup_purge(const struct dedup *dedup);

/* ---- tables (ring/dedup_table.c) --------------------------------------------------------------------------------
 */

size_t dedup_table_bytes(uint32_t order);
/* Points into `memory`, dedup_table_bytes(order) bytes, 128-byte aligned. */
void dedup_table_place(struct dedup_table *ret, void *memory, uint32_t order);
/* The order in which `ids` fill half of the cells at most. */
uint32_t dedup_order_for(uint64_t ids);

/* Is a newer table due, and of which order? */
bool dedup_is_due(const struct dedup *dedup, uint64_t now_ms);
/* Would one be, because of a purge, if an older one could go? It soon can. */
bool dedup_is_purged(const struct dedup *dedup);
uint32_t dedup_next_order(const struct dedup *dedup, uint64_t now_ms);
/* Prepares a table that nobody knows yet to be appended to these. */
void dedup_begin(const struct dedup *dedup, const struct dedup_table *table, uint64_t now_ms);

/* Is it time to settle the oldest table? Its successor has been the newest for a window, or was begun before all
 * was purged. */
bool dedup_may_settle(const struct dedup *dedup, uint64_t now_ms);

/* How far one who settles the oldest table has come; zeroed at first. */
struct dedup_settling {
	uint64_t cursor;
	uint64_t purged, asked_ms; /* the mark, and a time after it was asked for */
	uint64_t ends_ms, due_ms;  /* when the last of the entries looked at ends to count, and the table may go */
	bool any, is_through;
};

/* Before the first cell; and once more if there was a purge since it was through. True: it was done, and asked_ms
 * is to be set. */
bool dedup_begin_settling(const struct dedup *dedup, struct dedup_settling *settling);

/* Looks at up to `budget` cells of the oldest table, which is not the newest. OK: all are settled. HELP: *ret_link.
 */
enum dedup_result dedup_settle(const struct dedup *dedup, struct dedup_settling *settling, uint32_t budget,
			       uint64_t *ret_link);
/* Is the settled table past its window? Then the horizon says so, and it may be taken off the list. */
bool dedup_may_drop(const struct dedup *dedup, const struct dedup_settling *settling, uint64_t now_ms);

/* Puts an entry into a table that nobody else knows yet, as it was before a restart; boot_ms may lie before the
 * boot (as a negative number). False: no room on its probe. */
bool dedup_restore(const struct dedup_table *table, const struct dedup_message *message);

/* ---- shared by the two files ------------------------------------------------------------------------------------
 */

#define DEDUP_EMPTY UINT64_C(0)
#define DEDUP_SEALED UINT64_C(1)
#define DEDUP_RESTORED UINT64_C(2) /* complete, of no slot */
#define DEDUP_USED (UINT64_C(1) << 62)
#define DEDUP_VOIDING UINT64_MAX

/* Has the message joined, or is about to, and nobody has published it? */
bool dedup_is_writing(const struct dedup *dedup, uint64_t link);

void dedup_copy(struct dedup_entry *entry, const struct dedup_message *message);

/* The top bits of control: 01 TAKEN, 11 COMPLETE, 10 LATE. */
static inline uint64_t dedup_complete_of(uint64_t link)
{
	return link | LINK_FLAG;
}

static inline uint64_t dedup_late_of(uint64_t link)
{
	return link ^ (LINK_FLAG | DEDUP_USED);
}

static inline bool dedup_is_taken(uint64_t control)
{
	return control >> 62 == 1;
}

static inline bool dedup_is_complete(uint64_t control)
{
	return control >> 62 == 3;
}

/* Is the message of this link still WRITING? */
bool dedup_is_being_sent(const struct dedup *dedup, uint64_t link);

static inline bool dedup_is_late(uint64_t control)
{
	return control >> 62 == 2;
}

static inline uint64_t dedup_cells(const struct dedup_table *table)
{
	return UINT64_C(1) << table->order;
}

static inline uint64_t dedup_probes(const struct dedup_table *table)
{
	return dedup_cells(table) < DEDUP_PROBES_MAX ? dedup_cells(table) : DEDUP_PROBES_MAX;
}

/* The `i`-th cell of a key's probe. */
static inline struct dedup_entry *dedup_cell(const struct dedup_table *table, const uint64_t key[2], uint64_t i)
{
	return &table->entries[(key[0] + i) & (dedup_cells(table) - 1)];
}

/* Asks for the cells of a key: a cache miss for each table of a million ids. As soon as the key is known, before
 * the claim; for all keys of a batch at once. */
static inline void dedup_prefetch(const struct dedup *dedup, const uint64_t key[2])
{
	for (uint32_t i = 0; i < dedup->count; i++)
		prefetch_own(dedup_cell(&dedup->table[i], key, 0));
}

#endif
