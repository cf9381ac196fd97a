/* The region of a class: table of one word a block | bitmap of FREE blocks | bitmap of HOLE extents | blocks. No
 * page of it is touched before it was allocated: table and bitmaps up to `backed`, blocks by extents. What `backed`
 * covers is never given back, so a stale bit or a late compare-and-swap finds a word there. Allocating is
 * idempotent, so several may raise `backed` at once. */
#ifndef SEG_BODY_REGION_H
#define SEG_BODY_REGION_H

#include "shm/segment.h"

/* The region of a class, mapped if need be; NULL if that is refused (errno). */
struct body_region *region_open(struct segment *segment, uint32_t class);

/* Brings region->backed up to date: 0, or RLQ_EDAMAGED. */
int region_look(struct body_region *region);

/* Gives memory to the words and bits of more blocks, an eighth more than there are. 0, RLQ_EDAMAGED or an errno. */
int region_extend(struct segment *segment, struct body_region *region);

/* Gives memory to a part of the region. 0 or an errno. */
int region_back(struct segment *segment, const struct body_region *region, const void *start, uint64_t bytes);

#endif
