/* Which deduplication ids a FIFO queue has seen: policy over ring/dedup.h, which has the protocol. Keeps the list
 * of its tables in order, and decides on messages that have joined their groups (shm/fifo_send.c).
 *
 * All of it is to be called between enter and leave.
 */
#ifndef SEG_SEEN_H
#define SEG_SEEN_H

#include "shm/segment.h"

/* Opens the tables as they are listed now. 0 or RLQ_EDAMAGED. */
int seen_open(struct segment *segment);

/* Room for one more id, before a slot is claimed. 0, RLQ_EDEDUPFULL, RLQ_ENOSPACE, RLQ_EDAMAGED,
 * ROOM_GROWING_IDS. */
int seen_reserve(struct segment *segment);
/* Nothing was sent after all. */
void seen_unreserve(struct segment *segment);

/* Is there a place for an entry of this key? Asked before the join. */
bool seen_has_place(struct segment *segment, const uint64_t key[2]);

/* What a message of ours is decided by: written into its slot, and kept. */
void seen_stamp(struct segment *segment, struct slot *slot, uint64_t link, struct dedup_message *ret);

/* Is there an entry of this key that counts for a message sent now? A look only. */
bool seen_look(struct segment *segment, const uint64_t key[2], struct dedup_answer *ret);

/* What a message is that has joined, whoever asks. DEDUP_FIRST, _DUPLICATE, _LATE; else nothing was decided. */
enum dedup_result seen_decide(struct segment *segment, const struct dedup_message *message,
			      struct dedup_answer *ret);

/* A message that was taken back: its id is free again. */
void seen_take_back(struct segment *segment, uint64_t link);
/* Was the message of this link and key taken back? Exact if its slot says no more that it is there, or was. */
bool seen_is_void(struct segment *segment, uint64_t link, const uint64_t key[2]);

/* All that were given a number so far are forgotten: the last of these numbers. */
uint64_t seen_purge(struct segment *segment);

/* In a segment that nobody else has: room for so many ids of before; then each. Its window may be over: then
 * nothing is done. 0; RLQ_ENOSPACE and others. */
int seen_restore_begin(struct segment *segment, uint64_t ids);
int seen_restore(struct segment *segment, const struct dedup_message *message);

/* About how many ids count against the limit now. */
uint64_t seen_count(const struct segment *segment);

/* For the sweep: replaces tables whose time is over. True if there is more to do at once. */
bool seen_tend(struct segment *segment, uint32_t budget);

/* The handle is closed. */
void seen_close(struct segment *segment);

#endif
