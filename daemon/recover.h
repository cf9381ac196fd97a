/* From the journal back into memory: a queue whose segment is gone is built anew, one whose segment lives is
 * compared with what is written of it. Both end with a ledger that says what the journal has; the next turn writes
 * what differs. Changes nothing in the journal, so it may be killed at any step and begun again.
 *
 * The journal is read once. A message's body goes to its block in the new segment as it comes by, and is given up
 * when its delete does; slots are given at the end, in the order of numbers, and then the segment gets its name. So
 * the segments need the memory that they need anyway, or needed at some time that the journal still knows. Beside
 * them: of a live message what daemon/live.h says, 64 bytes more if its body fits a slot, and 32 of the ledger.
 *
 * What was read before the definition of its queue, since that was damaged, is not kept: then what was learned of
 * queues serves a second reading.
 */
#ifndef ENGINE_RECOVER_H
#define ENGINE_RECOVER_H

#include "daemon/draft.h"
#include "daemon/turn.h"

struct recovered {
	uint64_t messages; /* put into the segment, or found there */
	uint64_t gone;	   /* written, but deleted since: the next turn says so */
	bool was_alive;	   /* the segment was there */
};

struct recovery {
	struct turn *turn;
	struct live live;
	struct live_keeper keeper;
	struct drafts drafts;
	/* So many messages of the queue are in place; now and then. Other than 0: recovery ends with it. */
	int (*progress)(void *context, const struct live_queue *queue, size_t messages);
	void *context;
};

/* Ready for records, to be put into recovery->live. To be ended in any case. The last two fields are the caller's.
 */
void recovery_begin(struct recovery *recovery, const struct seg_directory *directory, struct turn *turn);
void recovery_end(struct recovery *recovery);

/* All records were applied: is all there that queues need which are built anew? */
bool recovery_is_whole(const struct recovery *recovery);
/* If not: the same records once more. Forgets all but which queues there are. 0 or -ENOMEM. */
int recovery_again(struct recovery *recovery);

/* Messages of queues of which no definition was found. */
uint64_t recovery_lost(const struct recovery *recovery);

/* After live_sort(): recovers one queue into `journaled`, whose segment is then open. `deletes` of the turn gets
 * what is gone. 0 or a negative code: the queue is left as it is; -EAGAIN: something has changed, begin anew. */
int recover_queue(struct recovery *recovery, struct live_queue *queue, struct journaled *ret_journaled,
		  struct recovered *ret_report);

#endif
