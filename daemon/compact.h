/* Space: the oldest file of the journal goes, once what lives in it is written again at the end.
 *
 * Bound: the journal has at most COMPACT_FILES_SPARE files more than COMPACT_FACTOR times what its live records
 * fill, but for what is rewritten at the moment, and those that wait for use (daemon/reserve.h). While there is no
 * room for new messages, and when it is asked for: an eighth more than what they fill, and COMPACT_FILES_TIGHT. So
 * a message that is kept for days moves on through the files instead of keeping one.
 *
 * Always the oldest, for then a delete in it speaks only of records that are gone with it or before it.
 */
#ifndef ENGINE_COMPACT_H
#define ENGINE_COMPACT_H

#include "daemon/turn.h"

enum {
	COMPACT_FACTOR = 2,
	COMPACT_FILES_SPARE = 3,
	COMPACT_FILES_TIGHT = 2,
	COMPACT_TURN_BYTES = 4 << 20, /* rewritten in one turn, so that those who wait for it need not wait long */
};

/* A file that is under another key than those that are begun now goes in the same way, however few there are: so a
 * key that was replaced is soon needed by none. */

/* Amid a turn, after its deletes and before its sends: writes some of what lives in the oldest file again, if it
 * is to go. A message that is being moved is left until its move is over: its copy may be written already
 * as what it is instead of. 0 or a negative errno. */
int compact_some(struct turn *turn);

/* After a durable turn: drops the oldest files in which nothing lives. */
void compact_drop(struct turn *turn);

/* Before a turn: has somebody asked for it? After one: is that done? */
void compact_look(struct turn *turn, const struct seg_engine_page *page);
void compact_tell(struct turn *turn, struct seg_engine_page *page);

#endif
