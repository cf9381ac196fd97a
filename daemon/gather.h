/* What differs between a queue's slots and what is written of them: first what is gone, then what is new or has
 * changed: all that was done before the turn began, over all queues, and nothing that was done since
 * (docs/adr/0008-journal.md). What is deleted meanwhile is still there, HELD for us (shm/durable.h).
 */
#ifndef ENGINE_GATHER_H
#define ENGINE_GATHER_H

#include "daemon/turn.h"

/* Takes the marks and notes the deletes among the changed slots. 0 or a negative code. */
int gather_deletes(struct turn *turn, struct journaled *queue);

/* Takes the marks again and writes the messages that are new or have changed. */
int gather_sends(struct turn *turn, struct journaled *queue);

/* All queues are gathered: frees what was deleted meanwhile, and left to us (shm/durable.h). */
int gather_release(struct journaled *queue);

/* The queue is removed: nothing that is written of it is needed any more. */
void gather_forget(struct turn *turn, struct journaled *queue);

/* Is the ring of this index, of which the ledger knows, still the queue's? Between enter and leave. */
static inline bool gather_has_ring(const struct journaled *queue, uint32_t index)
{
	return queue->ledger.ring[index].id && queue->segment->listed >> index & 1 &&
	       queue->ledger.ring[index].id == queue->segment->ring_id[index];
}

/* Enters new rings of the queue into its ledger, all slots as changed. Between enter and leave. */
int gather_follow_rings(struct turn *turn, struct journaled *queue);

/* Is a message there that a restart should bring back? MOVED too, until its slot is free: by then its copy can be
 * seen (R8). */
bool gather_is_alive(struct slot_word word);

/* Is a message there for this turn? Also if it was deleted since the turn began; not if it was moved: then its copy
 * is. */
bool gather_is_there(const struct turn *turn, struct slot_word word);

/* When its delay ends, as the slot has it; 0: no delay. */
uint32_t gather_delay_of(struct slot_word word);

#endif
