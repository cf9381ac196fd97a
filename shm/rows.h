/* Rows: which handles are open, and whether their processes live.
 *
 * A handle takes a row with one CAS that writes {serial + 1, used, key of its process}. Everything that
 * a handle owes is marked (row, serial), so a row can be used again at once: marks of an older serial
 * belong to somebody who is gone. Counters belong to the row and only grow.
 */
#ifndef SEG_ROWS_H
#define SEG_ROWS_H

#include "shm/segment.h"

/* Takes a row for this handle: 0, RLQ_EHANDLES, RLQ_ENOSPACE. */
int seg_row_take(struct segment *segment);
void seg_row_give_back(struct segment *segment);

/* Processes found alive in this round, so that each is asked for once. */
enum { LIFE_MEMO_MAX = 64 };
struct life_memo {
	uint32_t count;
	uint64_t alive[LIFE_MEMO_MAX];
};

/* Frees the rows of dead processes; a sweep will then look for what they left. `memo` may be NULL. */
uint32_t seg_free_dead_rows(struct segment *segment, struct life_memo *memo);

#endif
