/* FIFO queues: a message joins its group, is published, and is handed out in its turn. Policy over ring/groups.h
 * (chains and cells) and ring/ready.h (tokens), which know nothing of states; docs/adr/0013-fifo-groups.md.
 *
 *   WRITING --join--> WRITING in its chain --decide (seen.h) and publish, by anybody--> READY, DELAYED, PENDING
 *                                          --decide: a duplicate--> HELD
 *   READY and head of its group --token--> served: it and those behind it are leased, up to the first that is not
 * READY HELD (deleted, expired for good, moved) --popped once it is the head--> FREE
 *
 * Who changes a message so that it may be the head and READY looks whether it is ([G1]: its own change, then the
 * cell); who changes the head looks at the new one ([G2]: the cell, then the word). Of a delete of the first and an
 * expiry of the second one sees the other, and pushes the token. A kill in between loses it: the sweep pushes it
 * anew.
 *
 * All of it is to be called between enter and leave.
 */
#ifndef SEG_FIFO_H
#define SEG_FIFO_H

#include "shm/segment.h"

/* Opens the tables as they are listed now, for who has just entered a call or made a new view of the rings. 0 or
 * RLQ_EDAMAGED. Whoever finds the list of rings unchanged has no table that was given back since (tables.h), so
 * this is not needed at each call; what was appended since is noticed when it matters. */
int fifo_open(struct segment *segment);

/* The same in the midst of a call, which works with what it needs of older rings: that stays. Also RLQ_EREMOVED. */
int fifo_refresh(struct segment *segment);

static inline uint64_t fifo_link(uint32_t ring, uint32_t slot, struct slot_word word)
{
	return link_pack(ring, slot, word_generation(word));
}

/* Of the message in the slot. */
static inline uint64_t fifo_group(const struct slot *slot)
{
	return load_relaxed(&fifo_links(slot)->group); /* relaxed: behind the word */
}

/* A message that we have claimed and written, after fifo_begin(), gets its place in its group: its linearisation
 * point is that of the order. 0; RLQ_ENOSPACE and others: it has not joined. `*ret_is_head`: it was the first. */
int fifo_join(struct segment *segment, uint64_t link, bool *ret_is_head);

/* What became of a message that was sent. */
struct fifo_sent {
	bool is_duplicate;
	uint64_t id[2], sequence; /* of the one that was first */
	uint64_t link;		  /* the same; 0: it was there before a reboot */
};

/* The message that was first with this key, if one counts for who sends now. */
bool fifo_find(struct segment *segment, const uint64_t key[2], struct fifo_sent *ret_first);
/* In a sync queue, after a turn: was the first one sent? 1; 0: it was taken back; -EAGAIN: it is not known yet. */
int fifo_first_was_sent(struct segment *segment, uint64_t link, const uint64_t key[2]);

/* PENDING, and the journal has no room for it: it goes, and its deduplication id is free again. False: it has
 * changed. */
bool fifo_take_back(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word pending);

/* Room for a message's deduplication id, before a slot is claimed. 0, RLQ_EDEDUPFULL and others; else to be sent,
 * or taken back. */
int fifo_reserve(struct segment *segment);
void fifo_unreserve(struct segment *segment);

/* A message that we have claimed and written, after fifo_begin(), joins its group, and is decided on and published.
 * 0; RLQ_ENOSPACE, RLQ_EDEDUPFULL and others: it has not joined, and its slot is still ours; RLQ_EUNKNOWN: it was
 * dealt with so long ago that nobody knows how; -EAGAIN: it is to be sent anew. */
int fifo_send(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word writing,
	      struct fifo_sent *ret_sent);

/* After ROOM_GROWING or ROOM_GROWING_IDS, outside a call: does what others may have left undone of replacing
 * tables. */
void fifo_make_way(struct segment *segment);

/* WRITING or PASSED, in its chain -> what it is to be, or gone if it is a duplicate. By anybody; nothing if that
 * was done. */
void fifo_publish(struct segment *segment, uint64_t link);

/* The same of any that is WRITING or PASSED: what has a number may not have joined yet, and then nobody but its
 * owner may touch it. */
void fifo_publish_joined(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word word);

/* The head of a group. 1: there is one; 0: it has no messages. Else a code. */
int fifo_head(struct segment *segment, uint64_t group, uint64_t *ret_head);

/* Is it the head of its group? */
bool fifo_is_head(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word word);

/* It has become READY: is it its group's turn? */
void fifo_became_ready(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word word);

/* Something of this group has gone, or may have: takes off what is gone at its head, and frees it; offers the new
 * head if it is READY. */
void fifo_settle(struct segment *segment, uint64_t group);

/* The same where we have just made this one of its messages HELD. */
void fifo_settle_held(struct segment *segment, uint64_t group, uint32_t ring, uint32_t slot, struct slot_word held);

/* Is what is HELD here kept by its chain? */
bool fifo_keeps(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word held);

/* The head of the next group whose turn it is, READY when looked at. 1: there is one. 0: there is none. Else a
 * code. */
int fifo_next(struct segment *segment, uint64_t *ret_head);

/* This head is taken without its token: that is out of date then. */
void fifo_takes_turn(struct segment *segment, uint64_t link);

/* The message behind `link`, of which we have the lease, or which is gone while we have that of one before. False:
 * it is the last. */
bool fifo_follower(struct segment *segment, uint64_t link, uint64_t *ret_follower);

/* Where a link leads; NULL: not to a slot of the present rings. */
const struct ring *fifo_place(const struct segment *segment, uint64_t link, uint32_t *ret_ring, uint32_t *ret_slot);

/* About how many groups have messages: exact in small tables while nothing moves, else by a sample. */
uint64_t fifo_groups(const struct segment *segment);

/* ---- for the sweep ---- */

/* WRITING or PASSED, of a dead owner. True: it had joined, and is published now. */
bool fifo_rescue(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word word);

/* WRITING or PASSED, of anybody: if it is the head, it is published, so that who stands between join and publish
 * does not stop those behind it. */
void fifo_unblock(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word word);

/* DELAYED: the queue's delay, as it is now, counts for what is in the queue already (SQS), if its holder has not
 * released it with a delay of its own. */
void fifo_keep_delay(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word delayed);

/* READY: pushes its token if it is the head and has none. */
void fifo_offer_again(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word word);

/* A part of the care for the tables of groups: empties older ones, replaces one that is worn, too small or too
 * large. True if there is more to do at once. */
struct fifo_care {
	uint64_t sampled;
	struct group_wear wear;
};
bool fifo_tend(struct segment *segment, struct fifo_care *care, uint32_t budget);

#endif
