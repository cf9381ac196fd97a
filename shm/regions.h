/* Regions: where rings and tables lie, each used by one of them at a time.
 *
 *   EMPTY -> BUSY(me) -> LIVE -> (unlisted) BUSY(me) -> EMPTY
 *
 * Who has it BUSY gives it memory or takes it away. Killed so: an unlisted region of a dead owner is punched by the
 * next step that looks, a listed one is made LIVE. Regions 0 .. SEG_RING_COUNT - 1 are for rings, those behind for
 * tables (tables.h). Which are in use, a list says (rings.c, tables.c).
 */
#ifndef SEG_REGIONS_H
#define SEG_REGIONS_H

#include "shm/segment.h"

/* Where a region begins in the file, and how much of it something of this order takes. */
uint64_t region_offset(uint32_t index);
uint64_t region_bytes(const struct segment *segment, uint32_t index, uint32_t order);

static inline enum region_state region_state(struct pair128 region)
{
	return (enum region_state)(region.low & 15);
}

struct pair128 region_read(const struct segment *segment, uint32_t index);

/* Takes an empty region of `count` from `first` on; -1 if there is none. */
int region_take(struct segment *segment, uint32_t first, uint32_t count, uint32_t order, struct pair128 *ret_busy);

/* Gives it its memory. 0 or a negative errno. */
int region_allocate(struct segment *segment, uint32_t index, uint32_t order);

/* It is listed: BUSY(me) -> LIVE. */
void region_make_live(struct segment *segment, uint32_t index, struct pair128 busy);

/* Takes its memory away: BUSY(me) -> EMPTY. */
void region_give_back(struct segment *segment, uint32_t index, struct pair128 busy);

/* May any living handle be in a call that began with another list of rings than `rings`? */
bool somebody_is_behind(struct segment *segment, uint64_t rings);

/* Gives back or mends one region that is not as the lists say. `is_still_so` says whether they have not changed
 * since `is_listed` was read from them. True if something is in the way. */
bool region_settle(struct segment *segment, uint32_t index, bool is_listed, uint64_t rings,
		   bool (*is_still_so)(struct segment *segment, uint32_t index, uint64_t rings));

#endif
