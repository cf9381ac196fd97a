/* The list of rings of a queue: growing, shrinking, retiring. */
#ifndef SEG_RINGS_H
#define SEG_RINGS_H

#include "shm/segment.h"

/* Appends an empty ring of 2^order slots, to which sends go from now on. 0 also if somebody else has
 * appended one meanwhile; -ENOSPC: tmpfs full or no region free. Call between enter and leave; the
 * caller's view is refreshed. */
int seg_grow(struct segment *segment, uint32_t order);

/* One step of retiring: unlists the oldest ring once it is empty and nobody can send to it, gives back
 * the memory of regions that nobody can touch any more, finishes what the dead have begun. Never waits.
 * Call outside enter and leave. True if something is left to do. */
bool seg_retire_step(struct segment *segment);

#endif
