/* The tables of a FIFO queue: of its groups, of tokens for those whose turn comes, and of the ids that were sent.
 *
 * A queue has a list of tables of each kind, like that of its rings: the newest is appended by one CAS, the oldest
 * is taken off when nothing is in it any more, and its memory goes when no call works with an older list. A call
 * reads the list after it has entered, so its view ([V1]) says how old the list may be: who gives back a table
 * raises the version of the list of rings first, and then waits for those whose view is older (region_settle).
 */
#ifndef SEG_TABLES_H
#define SEG_TABLES_H

#include "ring/dedup.h"
#include "ring/groups.h"
#include "ring/ready.h"
#include "shm/layout.h"

struct segment;

enum seg_table_kind {
	TABLE_GROUPS, /* ring/groups.h */
	TABLE_TOKENS, /* ring/ready.h */
	TABLE_IDS,    /* ring/dedup.h */
};

enum {
	TABLE_ORDER_MAX = 24,
#ifdef RL_EXPLORE
	TABLE_ORDER_FIRST = 3,
#else
	TABLE_ORDER_FIRST = 10,
#endif
	TABLES_OF_A_KIND = SEG_TABLE_COUNT / SEG_TABLE_KINDS,
};

/* Region of the nth of a kind. */
static inline uint32_t table_region(enum seg_table_kind kind, uint32_t n)
{
	return SEG_RING_COUNT + (uint32_t)kind * TABLES_OF_A_KIND + n;
}

/* Bytes of a table of 2^order in region `index`. */
uint64_t table_bytes(uint32_t index, uint32_t order);

/* The list of a kind as it is now. */
static inline uint64_t tables_list(const struct seg_header *header, enum seg_table_kind kind)
{
	return load_seq(&header->tables[kind]);
}

/* One table of a list. */
struct table_place {
	unsigned char *memory;
	uint32_t order;
	uint32_t nth; /* among the regions of its kind */
	uint32_t id;  /* never the same twice, as long as 32 bits last */
};

/* The table at `position` of a list. False: it is damaged. */
bool table_open(const struct segment *segment, enum seg_table_kind kind, uint64_t list, uint32_t position,
		struct table_place *ret);

/* Readies an empty table that nobody knows yet, with its memory. */
void table_begin(struct segment *segment, uint32_t index, uint32_t order);

/* Appends an empty table. 0 also if somebody else has changed the list, which was `seen`. -ENOSPC; -EBUSY: no
 * region is free. Between enter and leave. */
int tables_append(struct segment *segment, enum seg_table_kind kind, uint64_t seen, uint32_t order);

/* Takes the oldest table off the list, if the list is still as `seen`. */
bool tables_drop_oldest(struct segment *segment, enum seg_table_kind kind, uint64_t seen);

/* Gives back what is on no list. True if something is in the way. Outside a call. */
bool tables_settle(struct segment *segment);

#endif
