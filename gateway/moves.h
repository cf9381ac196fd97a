/* Message move tasks: messages leave a dead-letter queue, by a thread of the gateway, in steps. A task is in the
 * notes of its source (move_notes.h) and, while it is active, in a file that its runner has locked (move_file.h);
 * so it outlives gateways. One that finds a task without a runner goes on with it, from the number in the file: at
 * its start, and by a look each second. After a kill this may be behind by one step, after a power cut by the steps
 * of a second. Thread-safe. */
#ifndef GATEWAY_MOVES_H
#define GATEWAY_MOVES_H

#include <stddef.h>
#include <stdint.h>

#include <ringlease.h>

#include "gateway/move.h"

enum { MOVES_ACTIVE_MAX = 100 }; /* run by one gateway at a time; as AWS */

struct moves;
struct notes;

/* NULL: out of memory, or of threads. */
struct moves *moves_open(struct rlq_directory *directory, struct notes *notes);
/* Ends after the step under way; another gateway may go on with what is active. */
void moves_close(struct moves *moves);

/* Takes source, destination, their ARNs, rate and to_move from `move`, and fills in the rest. 0; -EBUSY: one of
 * that source is active; -EDQUOT: too many are; another negative errno; or the library's code, of its source. */
int moves_start(struct moves *moves, struct move *move);

/* Those of a source, newest first; how many, or a negative errno. Whoever runs them. */
int moves_list(struct moves *moves, struct rlq_queue *source, struct move *ret_moves, size_t max);

/* Ends before its next step, whoever runs it. 0; -ESRCH: no such task runs; or a negative errno. */
int moves_cancel(struct moves *moves, struct rlq_queue *source, const char *id, uint64_t *ret_moved);

#endif
