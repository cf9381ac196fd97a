/* What a sweep does with one slot. */
#ifndef SEG_SWEEP_SLOT_H
#define SEG_SWEEP_SLOT_H

#include "shm/sweep.h"

static inline void lower(uint64_t *ms, uint64_t to_ms)
{
	if (to_ms < *ms)
		*ms = to_ms;
}

/* Orphans, lost bits and hints, retention, DEAD messages, unfinished moves; what is left for the next sweep, and
 * what was met, is noted in this one. Between enter and leave. */
void sweep_slot(struct segment *segment, struct sweep *sweep, uint32_t index, uint32_t slot);

#endif
