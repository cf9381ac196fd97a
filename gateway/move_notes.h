/* Move tasks in the notes of their source: "moves", the newest first, the newest ten. There a task is RUNNING or
 * CANCELLING until who runs it has written how it ended; how far it is meanwhile is in its file (move_file.h). */
#ifndef GATEWAY_MOVE_NOTES_H
#define GATEWAY_MOVE_NOTES_H

#include <jansson.h>

#include "gateway/move.h"
#include "gateway/notes.h"

/* Why this can not be "moves"; NULL: it can, or there are none. */
const char *move_notes_fault(const json_t *moves);

/* Up to `max` of those in notes of `source`; how many. */
size_t move_notes_list(const json_t *notes, const char *source, struct move *ret_moves, size_t max);

/* 0, or -ESRCH: it is not there. */
int move_notes_find(const json_t *notes, const char *source, const char *id, struct move *ret_move);

/* A new task. 0; -EBUSY: one is active; or a negative errno. */
int move_notes_add(struct notes *notes, struct rlq_queue *source, const struct move *move);

/* Asks who runs it to stop. 0; -ESRCH: it does not run; or a negative errno. */
int move_notes_cancel(struct notes *notes, struct rlq_queue *source, const char *id);

/* How it ended. 0; -ESRCH: it is not there any more; or a negative errno. */
int move_notes_end(struct notes *notes, struct rlq_queue *source, const struct move *move);

#endif
