/* Which deduplication ids a FIFO queue has seen: policy over ring/dedup.h, which has the protocol. Keeps the list
 * of its tables in order, and decides on messages that have joined their groups (shm/fifo.c).
 *
 * All of it is to be called between enter and leave.
 */
#ifndef SEG_SEEN_H
#define SEG_SEEN_H

#include "shm/segment.h"

/* Opens the tables as they are listed now. 0 or RLQ_EDAMAGED. */
int seen_open(struct segment *segment);

/* Room for one more id, before a slot is claimed. 0, RLQ_EDEDUPFULL, RLQ_ENOSPACE, RLQ_EDAMAGED, ROOM_GROWING. */
int seen_reserve(struct segment *segment);
/* Nothing was sent after all. */
void seen_unreserve(struct segment *segment);

/* What a message of ours is decided by: written into its slot, and kept. */
void seen_stamp(struct segment *segment, struct slot *slot, uint64_t link, struct dedup_message *ret);

/* Is there an entry of this key that counts for a message sent now? A look only. */
bool seen_look(struct segment *segment, const uint64_t key[2], struct dedup_answer *ret);

/* What a message is that has joined, whoever asks. DEDUP_FIRST, _DUPLICATE, _LATE; else nothing was decided. */
enum dedup_result seen_decide(struct segment *segment, const struct dedup_message *message,
			      struct dedup_answer *ret);

/* All that were given a number so far are forgotten: the last of these numbers. */
uint64_t seen_purge(struct segment *segment);

/* For the sweep: replaces tables whose time is over. True if there is more to do at once. */
bool seen_tend(struct segment *segment, uint32_t budget);

/* The handle is closed. */
void seen_close(struct segment *segment);

#endif
