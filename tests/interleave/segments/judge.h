/* A slot by where it is, and the rules by which its changes are judged. */
#ifndef INTERLEAVE_SEGMENTS_JUDGE_H
#define INTERLEAVE_SEGMENTS_JUDGE_H

#include "tests/interleave/segments/world.h"

#define ONE(state) (1u << SLOT_##state)

struct spot {
	int queue;
	uint32_t ring, slot;
	struct slot *at;
};

static inline bool is_one_of(enum slot_state state, unsigned set)
{
	return set >> state & 1;
}

static inline struct slot_word word_in(const struct slot *slot)
{
	return (struct slot_word){{.low = slot->word.low, .high = slot->word.high}};
}

/* How many slots of a region have memory and may be seen. */
uint32_t slots_in(int queue, uint32_t ring);

/* Is the actor at work the owner that the word names? */
bool is_owner(const struct spot *spot, struct slot_word word);

/* Is the copy that a MOVED names still on its way? */
bool copy_is_arriving(int queue, struct slot_word moved);

/* Has it been decided that the copy ARRIVING in the spot is the message? */
bool arriving_is_decided(const struct spot *spot, struct slot_word arriving);

/* ---- judge_fifo.c: FIFO queues ---- */

char fifo_group_of(unsigned number);
char fifo_id_of(unsigned number);
bool fifo_is_drawn(enum slot_state from, enum slot_state to);
/* May anybody take it from WRITING to this? */
bool fifo_may_change(const struct spot *spot, enum slot_state to);
void fifo_published(const struct spot *spot, unsigned number);
/* An attempt has found the latest lease to be its own too. */
void fifo_share(int actor, unsigned number, uint32_t receives);
void fifo_leased(const struct spot *spot, struct account *account);
/* Its holder changes the lease. */
void fifo_judge_lease(const struct spot *spot, struct slot_word from);
void fifo_left(const struct spot *spot, struct slot_word from);
void fifo_freed(const struct spot *spot, struct slot_word from);
/* `before`: the greatest number that anybody had been told when the send began. */
void fifo_judge_sent(unsigned number, const struct rlq_sent *sent, unsigned before);
void fifo_judge_received(int actor, int queue, const struct rlq_message *message, unsigned count);
/* A holder was told that it holds nothing. */
void fifo_check_refused(int actor, unsigned number, uint32_t receives);
/* After receives have found nothing more. */
void fifo_check_turns(int queue);
void fifo_check_promises(void);

/* Judge one change, made by the actor at work, and keep the accounts by it. */
void judge_slot(const struct spot *spot, struct slot_word from, struct slot_word to);
void judge_block(int queue, uint32_t block, uint64_t from, uint64_t to);

#endif
