/* Checks every invariant of a segment that can be checked from outside, on a live one too: what can
 * change under the check is looked at twice, and only what stays wrong is a fault. */
#ifndef SEG_VERIFY_H
#define SEG_VERIFY_H

#include "shm/segment.h"

/* Calls `fault` with a sentence for each broken invariant; returns their number or a negative code when
 * the segment cannot be opened at all. Changes nothing. */
int seg_verify(const struct seg_directory *directory, const char *name,
	       void (*fault)(void *context, const char *text), void *context);

#endif
