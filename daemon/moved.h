/* Messages that were moved to another queue: the journal has them where they have come to. */
#ifndef ENGINE_MOVED_H
#define ENGINE_MOVED_H

#include "daemon/turn.h"

/* Of what was moved from a slot its copy is written, if it is not: that may be in a queue that was looked at
 * before. 0 or a negative errno. */
int moved_write(struct turn *turn, struct journaled *queue, uint32_t ring, uint32_t slot, struct slot_word moved);

/* The two that follow: of a message with a block. */

/* The number of the message that the one in `slot`, at `own_place`, was moved from, if the journal still has that
 * as alive; else 0. */
uint64_t moved_origin(const struct turn *turn, const struct slot *slot, uint64_t own_place);

/* Was it moved from a queue that is aside? There it lives on in the journal, so it is not written yet. */
bool moved_from_aside(const struct turn *turn, const struct slot *slot, uint64_t own_place);

#endif
