/* The list of rings of a queue: growing, shrinking, retiring. */
#ifndef SEG_RINGS_H
#define SEG_RINGS_H

#include "shm/segment.h"

/* Appends an empty ring of 2^order slots, to which sends go from now on. 0 also if somebody else has
 * appended one meanwhile; -ENOSPC: the tmpfs is full; -EBUSY: no region is free. Call between enter and
 * leave; the caller's view is refreshed. */
int seg_grow(struct segment *segment, uint32_t order);

/* Is there only one region left that has no ring, or none? It is kept for a ring as large as the capacity
 * needs: then, however many old rings are kept by messages that nobody deletes, the queue can grow (room.c). */
static inline bool seg_is_short_of_regions(const struct segment *segment)
{
	return rings_count(segment->rings) >= SEG_RING_COUNT - 1;
}

/* Is somebody appending a ring or giving one back, or was killed or stopped doing so? */
bool seg_is_growing(const struct segment *segment);

/* One step of retiring: unlists each ring but the newest that is empty and that nobody can send to, gives
 * back the memory of regions that nobody can touch any more, finishes what the dead have begun. Never
 * waits. Call outside enter and leave. True if something was in the way and it is worth to come again;
 * a ring that messages keep is not: they do not go without a trace (sweep.c). */
bool seg_retire_step(struct segment *segment);

#endif
