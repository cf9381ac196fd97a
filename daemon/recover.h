/* From the journal back into memory: a queue whose segment is gone is built anew, one whose segment lives is
 * compared with what is written of it. Both end with a ledger that says what the journal has; the next turn writes
 * what differs. Changes nothing in the journal, so it may be killed at any step and begun again.
 */
#ifndef ENGINE_RECOVER_H
#define ENGINE_RECOVER_H

#include "daemon/live.h"
#include "daemon/turn.h"

struct recovered {
	uint64_t messages; /* put into the segment, or found there */
	uint64_t gone;	   /* written, but deleted since: the next turn says so */
	bool was_alive;	   /* the segment was there */
};

/* Recovers one queue into `journaled`, whose segment is then open. `deletes` of the turn gets what is gone. 0, or a
 * negative code: the queue is left as it is. */
int recover_queue(const struct seg_directory *directory, const struct live *live, const struct live_queue *queue,
		  struct turn *turn, struct journaled *ret_journaled, struct recovered *ret_report);

#endif
