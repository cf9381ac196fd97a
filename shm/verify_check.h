/* Inside shm/verify*.c: one check of a segment, and where faults are said. */
#ifndef SEG_VERIFY_CHECK_H
#define SEG_VERIFY_CHECK_H

#include "shm/segment.h"

struct check {
	struct segment *segment;
	void (*fault)(void *context, const char *text);
	void *context;
	int faults;
};

__attribute__((format(printf, 2, 3))) void fault(struct check *check, const char *format, ...);

/* The lists of tables, and what the regions of tables say; of a standard queue too, which has none. False: they
 * cannot be opened. */
bool check_tables_listed(struct check *check);

/* What is in the tables of a FIFO queue. Between enter and leave. */
void check_tables(struct check *check);

/* A message that is there is in the chain of its group. Likewise. */
void check_in_chain(struct check *check, uint32_t ring, uint32_t slot, struct slot_word word);

#endif
