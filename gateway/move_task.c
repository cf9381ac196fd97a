#include "gateway/move_task.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/clock.h"
#include "gateway/move_notes.h"

enum {
	STEP_MAX = 100, /* messages */
	AGAIN_MS = 500, /* after the destination was full */
	SYNC_MS = 1000, /* so old a number may be after a power cut */
	PEEKED = 64,
};

/* ---- start, and go on ------------------------------------------------------------------------- */

void move_task_free(struct move_task *task)
{
	if (task == NULL)
		return;
	rlq_queue_close(task->queue);
	if (task->file >= 0)
		close(task->file);
	free(task);
}

static struct move_place place_of(const struct move_task *task)
{
	return (struct move_place){.folder = task->folder, .source = task->move.source, .id = task->move.id};
}

/* Of this source, and with no file yet. */
static int open_task(struct rlq_directory *directory, const struct notes *notes, const char *source,
		     struct move_task **ret_task)
{
	struct move_task *task = calloc(1, sizeof(*task));
	int error;

	if (task == NULL)
		return -ENOMEM;
	task->file = -1;
	error = rlq_queue_open(directory, source, &task->queue);
	if (error) {
		move_task_free(task);
		return error;
	}
	task->folder = notes_folder_of(notes, task->queue);
	*ret_task = task;
	return 0;
}

/* The next message leaves now. */
static void begin(struct move_task *task, uint64_t moved, int file)
{
	task->file = file;
	task->move.moved = moved < task->move.to_move ? moved : task->move.to_move;
	task->begun_ms = clock_monotonic_ms();
	if (task->move.rate)
		task->begun_ms -= move_due_ms(task->move.rate, task->move.moved);
}

int move_task_start(struct rlq_directory *directory, struct notes *notes, const struct move *move,
		    struct move_task **ret_task)
{
	struct move_place place;
	struct move_task *task;
	int error = open_task(directory, notes, move->source, &task);

	if (error)
		return error;
	task->move = *move;
	place = place_of(task);
	task->file = error = move_file_make(&place);
	if (task->file >= 0) {
		error = move_notes_add(notes, task->queue, &task->move);
		if (error)
			move_file_remove(&place);
	}
	if (error) {
		move_task_free(task);
		return error;
	}
	begin(task, 0, task->file);
	*ret_task = task;
	return 0;
}

static int find(struct notes *notes, struct move_task *task, const char *source, const char *id)
{
	json_t *is;
	int error = notes_read(notes, task->queue, &is);

	if (error)
		return error;
	error = move_notes_find(is, source, id, &task->move);
	json_decref(is);
	return error ? error : move_is_active(&task->move) ? 0 : -ESRCH;
}

int move_task_take(struct rlq_directory *directory, struct notes *notes, const struct move_place *place,
		   struct move_task **ret_task)
{
	int file = move_file_take(place), error;
	struct move_task *task = NULL;

	if (file < 0)
		return file;
	error = open_task(directory, notes, place->source, &task);
	if (error == 0)
		error = find(notes, task, place->source, place->id);
	if (error == 0) {
		begin(task, move_file_read(file), file);
		*ret_task = task;
		return 0;
	}
	if (error == -ESRCH)
		move_file_remove(place);
	move_task_free(task);
	close(file);
	return error;
}

/* ---- one step --------------------------------------------------------------------------------- */

/* Is there a message that came from nowhere? */
static bool has_foundling(struct rlq_queue *queue)
{
	struct rlq_message messages[PEEKED];
	uint64_t cursor = 0;
	int count;

	while ((count = rlq_peek(queue, messages, PEEKED, &cursor)) > 0)
		for (int i = 0; i < count; i++)
			if (messages[i].dlq_source == NULL)
				return true;
	return false;
}

static const char *reason_of(const struct move_task *task, int error)
{
	if (error == RLQ_ENODLQ && task->move.destination[0] == '\0' && has_foundling(task->queue))
		return "CouldNotDetermineMessageSource";
	if (error == RLQ_ENODLQ || error == RLQ_ENOQUEUE || error == RLQ_EREMOVED)
		return "AWS.SimpleQueueService.NonExistentQueue";
	return rlq_strerror(error);
}

static bool is_passing(int error)
{
	return error == RLQ_EFULL || error == RLQ_ENOSPACE || error == RLQ_EDISKFULL || error == RLQ_EENGINE ||
	       error == RLQ_EJOURNAL || error == RLQ_EUNKNOWN || error == RLQ_EHANDLES || error == RLQ_EBUSY;
}

/* How many may go now. */
static uint64_t room_of(const struct move_task *task)
{
	uint64_t room = task->move.to_move - task->move.moved, allowed;

	if (room > STEP_MAX)
		room = STEP_MAX;
	if (task->move.rate == 0)
		return room;
	allowed = move_allowed(task->move.rate, clock_monotonic_ms() - task->begun_ms);
	allowed = allowed > task->move.moved ? allowed - task->move.moved : 0;
	return room < allowed ? room : allowed;
}

static void count(struct move_task *task, uint64_t moved)
{
	int64_t now = clock_monotonic_ms();

	task->move.moved += moved;
	move_file_write(task->file, task->move.moved);
	if (now - task->synced_ms < SYNC_MS)
		return;
	fdatasync(task->file);
	task->synced_ms = now;
}

static bool is_cancelled(const struct move_task *task, struct notes *notes)
{
	json_t *is;
	struct move known;
	bool is_so = notes_read(notes, task->queue, &is) == 0 &&
		     move_notes_find(is, task->move.source, task->move.id, &known) == 0 &&
		     known.state == MOVE_CANCELLING;

	json_decref(is);
	return is_so;
}

/* If it cannot be written, the next step comes to the same end. */
static int64_t end(struct move_task *task, struct notes *notes, enum move_state state, const char *reason)
{
	struct move_place place = place_of(task);
	struct move ended = task->move;
	int error;

	ended.state = state;
	snprintf(ended.failure, sizeof(ended.failure), "%s", reason);
	error = move_notes_end(notes, task->queue, &ended);
	if (error && error != -ESRCH) /* that is of a queue that was removed */
		return clock_monotonic_ms() + AGAIN_MS;
	move_file_remove(&place);
	return MOVE_TASK_ENDED;
}

/* When the next step may be. */
static int64_t due_of(struct move_task *task, int error)
{
	int64_t again = clock_monotonic_ms() + AGAIN_MS;

	if (task->move.rate == 0)
		return error ? again : 0;
	if (error) /* what was missed is not made up for */
		task->begun_ms = again - move_due_ms(task->move.rate, task->move.moved);
	return task->begun_ms + move_due_ms(task->move.rate, task->move.moved);
}

int64_t move_task_step(struct move_task *task, struct notes *notes)
{
	const char *destination = task->move.destination[0] ? task->move.destination : NULL;
	uint64_t room = room_of(task), moved = 0;
	int error = 0;

	if (is_cancelled(task, notes))
		return end(task, notes, MOVE_CANCELLED, "");
	if (room > 0)
		error = rlq_redrive(task->queue, destination, room, &moved);
	if (moved > 0)
		count(task, moved);
	if (error && !is_passing(error))
		return end(task, notes, MOVE_FAILED, reason_of(task, error));
	if (task->move.moved >= task->move.to_move || (error == 0 && room > 0 && moved < room))
		return end(task, notes, MOVE_COMPLETED, ""); /* all, or what others have left of it */
	return due_of(task, error);
}
