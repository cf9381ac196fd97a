/* Is anything left behind in a queue that should be empty? */
#ifndef TEST_LEAKS_H
#define TEST_LEAKS_H

#include "client/internal.h"

/* A full sweep and all that is due, as an engine does it. */
void leaks_sweep(struct rlq_queue *queue);

/* All slots FREE, no ring region but the listed ones, no block used or owned and each free one listed, no
 * row of a dead process, none counted, and verify finds nothing. NULL, or the first thing that is not so,
 * in static memory. */
const char *leaks_find(struct rlq_queue *queue);

/* No more memory than rows, listed rings and blocks that are not holes account for: more would be lost for as long
 * as the queue lives. For queues in which few processes were killed. NULL, or what is wrong, in static memory. */
const char *leaks_find_memory(struct rlq_queue *queue);

#endif
