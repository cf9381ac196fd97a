/* The tables of a FIFO queue: of its groups (with their tokens), and of the ids that were sent.
 *
 * A queue has a list of tables of each kind, like that of its rings: the newest is appended by one CAS, the oldest is
 * taken off when nothing is in it any more, and its memory goes when no call works with an older list. A call reads
 * the list after it has entered, so its view ([V1]) says how old the list may be: who gives back a table raises the
 * version of the list of rings first, and then waits for those whose view is older (region_settle).
 */
#ifndef SEG_TABLES_H
#define SEG_TABLES_H

#include "ring/groups.h"
#include "ring/ready.h"
#include "shm/layout.h"

struct segment;

enum seg_table_kind {
	TABLE_GROUPS, /* 2^order cells, then tokens for twice as many groups */
	TABLE_IDS,
};

enum {
	TABLE_ORDER_MAX = 24,
	TABLE_ORDER_FIRST = 10,
	TABLES_OF_A_KIND = SEG_TABLE_COUNT / SEG_TABLE_KINDS,
	TABLE_ID_BYTES = 64,
};

/* Bytes of a table of 2^order in region `index`. */
uint64_t table_bytes(uint32_t index, uint32_t order);

/* Order of the table in region `index`, UINT32_MAX if its word is damaged or there is none. */
uint32_t table_order(const struct segment *segment, uint32_t index);

void *table_at(const struct segment *segment, uint32_t index);

/* Appends an empty table. 0 also if somebody else has changed the list, which was `seen`. -ENOSPC; -EBUSY: no region
 * is free. Between enter and leave. */
int tables_append(struct segment *segment, enum seg_table_kind kind, uint64_t seen, uint32_t order);

/* Takes the oldest table off the list, if the list is still as `seen`. */
bool tables_drop_oldest(struct segment *segment, enum seg_table_kind kind, uint64_t seen);

/* Gives back what is on no list. True if something is in the way. Outside a call. */
bool tables_settle(struct segment *segment);

#endif
