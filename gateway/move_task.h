/* A move task that this process runs: messages leave its source in steps. It is in the notes of the source
 * (move_notes.h), and has a file (move_file.h) with its number of messages moved, written after each step. */
#ifndef GATEWAY_MOVE_TASK_H
#define GATEWAY_MOVE_TASK_H

#include <stdint.h>

#include <ringlease.h>

#include "gateway/move.h"
#include "gateway/move_file.h"
#include "gateway/notes.h"

struct move_task {
	struct move_task *next; /* for who has it */
	int64_t due_ms;		/* likewise */
	struct move move;
	struct rlq_queue *queue; /* its source */
	const char *folder;	 /* of the source's notes */
	int file;
	int64_t begun_ms, synced_ms; /* CLOCK_MONOTONIC */
};

/* A new one, into the notes. 0; -EBUSY: its source has an active one; another negative errno, or the library's
 * code.
 */
int move_task_start(struct rlq_directory *directory, struct notes *notes, const struct move *move,
		    struct move_task **ret_task);

/* One whose runner is gone: to go on with it. 0; -EBUSY: it has a runner; -ESRCH: it had ended, and its file was
 * removed; another negative errno, or the library's code. */
int move_task_take(struct rlq_directory *directory, struct notes *notes, const struct move_place *place,
		   struct move_task **ret_task);

enum { MOVE_TASK_ENDED = -1 };

/* When the next one is due, by CLOCK_MONOTONIC; MOVE_TASK_ENDED: never, and the notes say how it ended. */
int64_t move_task_step(struct move_task *task, struct notes *notes);

/* What has not ended is for others to take. NULL is fine. */
void move_task_free(struct move_task *task);

/* Message k leaves (k - 1) / rate seconds after the start: how many may have left by then, and when the next one
 * may leave once `moved` have. */
static inline uint64_t move_allowed(int64_t rate, int64_t elapsed_ms)
{
	return (uint64_t)(elapsed_ms * rate / 1000) + 1;
}
static inline int64_t move_due_ms(int64_t rate, uint64_t moved)
{
	return ((int64_t)moved * 1000 + rate - 1) / rate;
}

#endif
