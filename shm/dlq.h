/* The dead-letter queue of a queue, and how a message gets there that was received too often. */
#ifndef SEG_DLQ_H
#define SEG_DLQ_H

#include "shm/segment.h"

/* The DLQ of a queue, opened and kept: `*ret_target` is NULL if none is set. RLQ_ENODLQ: gone. */
int seg_dlq(struct segment *segment, struct segment **ret_target);

/* Moves a DEAD message to the DLQ, or makes it READY again if there is none (any more): RLQ_ENODLQ
 * then. What went wrong is noted in the header for stat. */
int seg_bury(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word dead) __attribute__((cold));

#endif
