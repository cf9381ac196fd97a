/* What the journal has of one message: written for the first time, changed, or written again. Of slots of a listed
 * ring that the ledger knows, between enter and leave. */
#ifndef ENGINE_WRITTEN_H
#define ENGINE_WRITTEN_H

#include "daemon/turn.h"

/* Writes a message of which nothing is written. 1: done; 0: not in this turn, for the message is damaged, or has
 * changed under us, or the disk has no room for it and its sender can still take it back; or a negative errno. */
int written_new(struct turn *turn, struct journaled *queue, uint32_t ring, uint32_t slot, struct slot_word word);

/* Has the receive count or the delay changed since the message was written? */
bool written_differs(const struct ledger_entry *entry, struct slot_word word);

/* Writes those. 1 or a negative errno. */
int written_change(struct turn *turn, struct journaled *queue, uint32_t ring, uint32_t slot, struct slot_word word,
		   struct ledger_entry *entry);

/* Writes the message of a slot again, under its number; it has an entry. 1: written, 0: not now, or a negative
 * errno. */
int written_again(struct turn *turn, struct journaled *queue, uint32_t ring, uint32_t slot);

#endif
