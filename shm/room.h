/* Is there room for another message? Capacity, growth, and the claim of a slot. */
#ifndef SEG_ROOM_H
#define SEG_ROOM_H

#include "shm/segment.h"

#include <errno.h>

/* 0, RLQ_EFULL, or what went wrong in growing but for want of memory or a region: then the ring is used to its
 * last slot. Grows the queue when 7/8 of all its slots are in use and nobody else does. Cheap but for one
 * call in up to 64: the number of messages is summed from the rows only that often, and as often as
 * needed near the capacity. Between enter and leave. */
int seg_room_count(struct segment *segment);
static inline int seg_room(struct segment *segment)
{
	if (__builtin_expect(segment->sends_left > 0, 1)) {
		segment->sends_left--;
		return 0;
	}
	return seg_room_count(segment);
}

/* There is room, but whoever is growing or retiring rings has the last regions: ask again soon. Growing wakes
 * who waits for room. ROOM_GROWING_IDS: the same for tables of ids, when what is left is RLQ_EDEDUPFULL. */
enum { ROOM_GROWING = -EBUSY, ROOM_GROWING_IDS = -EALREADY };

/* Claims a slot of the newest ring, growing if it is physically full. `arriving`: for a moved copy,
 * with its receive count. Returns the ring's index, or RLQ_EFULL, RLQ_ENOSPACE, RLQ_EDAMAGED, ROOM_GROWING. */
int seg_claim_walk(struct segment *segment, bool arriving, uint32_t receives, struct ring_claim *ret);
static inline __attribute__((always_inline)) int seg_claim(struct segment *segment, struct ring_claim *ret)
{
	uint32_t index = seg_newest_ring(segment);

	if (__builtin_expect(ring_claim_next(&segment->ring[index], &segment->cursor[index],
					     owner_make(segment->row, segment->serial), ret),
			     1))
		return (int)index;
	return seg_claim_walk(segment, false, 0, ret);
}

/* The next `count` claims are made in a row, if that can be: ring_claim_run(). */
static inline void seg_claim_run(struct segment *segment, uint32_t count)
{
	uint32_t index = seg_newest_ring(segment);

	ring_claim_run(&segment->ring[index], &segment->cursor[index], count);
}

/* After RLQ_EFULL: gives consumers a moment, a few microseconds at most, to make room for more than one
 * message, and has the next send count anew. Asking at once, and for each single message, takes the line
 * of a consumer's counters away from it every time: everybody was slower (docs/BENCHMARKS.md). */
void seg_room_linger(struct segment *segment);

#endif
