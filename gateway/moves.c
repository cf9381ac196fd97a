#include "gateway/moves.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "gateway/clock.h"
#include "gateway/move_file.h"
#include "gateway/move_notes.h"
#include "gateway/move_task.h"
#include "gateway/notes.h"

enum { LOOK_MS = 1000 }; /* for tasks without a runner */

struct moves {
	struct rlq_directory *directory;
	struct notes *notes;
	pthread_t thread;
	int64_t look_ms;      /* when; the thread's, as what is in tasks */
	pthread_mutex_t lock; /* of what follows, and of when tasks are due */
	pthread_cond_t changed;
	struct move_task *tasks; /* that run here, newest first */
	unsigned active;	 /* and that are about to */
	bool is_closing;
};

/* ---- the tasks that run here ------------------------------------------------------------------ */

/* Makes room for one. */
static bool reserve(struct moves *moves)
{
	bool is_free;

	pthread_mutex_lock(&moves->lock);
	is_free = moves->active < MOVES_ACTIVE_MAX;
	moves->active += is_free;
	pthread_mutex_unlock(&moves->lock);
	return is_free;
}

/* `task` NULL: there is none after all. */
static void add(struct moves *moves, struct move_task *task)
{
	pthread_mutex_lock(&moves->lock);
	if (task) {
		task->next = moves->tasks;
		moves->tasks = task;
		pthread_cond_signal(&moves->changed);
	} else {
		moves->active--;
	}
	pthread_mutex_unlock(&moves->lock);
}

/* With the lock. */
static void drop(struct moves *moves, struct move_task *task)
{
	struct move_task **at = &moves->tasks;

	while (*at != task)
		at = &(*at)->next;
	*at = task->next;
	moves->active--;
	move_task_free(task);
}

/* ---- the thread ------------------------------------------------------------------------------- */

static void take(void *context, const struct move_place *place)
{
	struct moves *moves = context;
	struct move_task *task = NULL;

	if (!reserve(moves))
		return;
	/* A queue that is not there may come yet, from the journal. */
	move_task_take(moves->directory, moves->notes, place, &task);
	add(moves, task);
}

static void look(struct moves *moves)
{
	const char *folders[2];
	size_t count = notes_folders(moves->notes, folders);

	for (size_t i = 0; i < count; i++)
		move_file_each(folders[i], take, moves);
	moves->look_ms = clock_monotonic_ms() + LOOK_MS;
}

/* The one that is due first. */
static struct move_task *next_due(struct moves *moves)
{
	struct move_task *first = NULL;

	for (struct move_task *task = moves->tasks; task; task = task->next)
		if (first == NULL || task->due_ms <= first->due_ms)
			first = task;
	return first;
}

static void await(struct moves *moves, int64_t until_ms)
{
	struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};

	pthread_cond_timedwait(&moves->changed, &moves->lock, &until);
}

/* With the lock, which is let go while messages move. */
static void step(struct moves *moves, struct move_task *task)
{
	int64_t due_ms;

	pthread_mutex_unlock(&moves->lock);
	due_ms = move_task_step(task, moves->notes);
	pthread_mutex_lock(&moves->lock);
	if (due_ms == MOVE_TASK_ENDED)
		drop(moves, task);
	else
		task->due_ms = due_ms ? due_ms : clock_monotonic_ms(); /* behind the others that are due */
}

static void *run(void *context)
{
	struct moves *moves = context;

	pthread_mutex_lock(&moves->lock);
	while (!moves->is_closing) {
		struct move_task *task = next_due(moves);
		int64_t now = clock_monotonic_ms();

		if (now >= moves->look_ms) {
			pthread_mutex_unlock(&moves->lock);
			look(moves);
			pthread_mutex_lock(&moves->lock);
		} else if (task && task->due_ms <= now) {
			step(moves, task);
		} else {
			await(moves, task && task->due_ms < moves->look_ms ? task->due_ms : moves->look_ms);
		}
	}
	pthread_mutex_unlock(&moves->lock);
	return NULL;
}

struct moves *moves_open(struct rlq_directory *directory, struct notes *notes)
{
	struct moves *moves = calloc(1, sizeof(*moves));
	pthread_condattr_t clock;

	if (moves == NULL)
		return NULL;
	moves->directory = directory;
	moves->notes = notes;
	pthread_mutex_init(&moves->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&moves->changed, &clock);
	pthread_condattr_destroy(&clock);
	if (pthread_create(&moves->thread, NULL, run, moves) == 0)
		return moves;
	free(moves);
	return NULL;
}

void moves_close(struct moves *moves)
{
	if (moves == NULL)
		return;
	pthread_mutex_lock(&moves->lock);
	moves->is_closing = true;
	pthread_cond_signal(&moves->changed);
	pthread_mutex_unlock(&moves->lock);
	pthread_join(moves->thread, NULL);
	while (moves->tasks)
		drop(moves, moves->tasks);
	pthread_cond_destroy(&moves->changed);
	pthread_mutex_destroy(&moves->lock);
	free(moves);
}

/* ---- calls ------------------------------------------------------------------------------------ */

static void id_make(char ret_id[MOVE_ID_BYTES])
{
	uint8_t b[16];
	ssize_t got;

	do
		got = getrandom(b, sizeof(b), 0);
	while (got != sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	snprintf(ret_id, MOVE_ID_BYTES, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		 b[15]);
}

int moves_start(struct moves *moves, struct move *move)
{
	struct move_task *task = NULL;
	struct timespec now;
	int error;

	if (!reserve(moves))
		return -EDQUOT;
	clock_gettime(CLOCK_REALTIME, &now);
	id_make(move->id);
	move->state = MOVE_RUNNING;
	move->moved = 0;
	move->started_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	error = move_task_start(moves->directory, moves->notes, move, &task);
	add(moves, task);
	return error;
}

static uint64_t moved_of(const struct moves *moves, struct rlq_queue *source, const char *id)
{
	struct move_place place = {notes_folder_of(moves->notes, source), rlq_queue_name(source), id};

	return move_file_peek(&place);
}

int moves_list(struct moves *moves, struct rlq_queue *source, struct move *ret_moves, size_t max)
{
	json_t *notes;
	int error = notes_read(moves->notes, source, &notes);
	size_t count;

	if (error)
		return error;
	count = move_notes_list(notes, rlq_queue_name(source), ret_moves, max);
	json_decref(notes);
	for (size_t i = 0; i < count; i++)
		if (move_is_active(&ret_moves[i]))
			ret_moves[i].moved = moved_of(moves, source, ret_moves[i].id);
	return (int)count;
}

int moves_cancel(struct moves *moves, struct rlq_queue *source, const char *id, uint64_t *ret_moved)
{
	int error = move_notes_cancel(moves->notes, source, id);

	if (error)
		return error;
	*ret_moved = moved_of(moves, source, id);
	pthread_mutex_lock(&moves->lock);
	for (struct move_task *task = moves->tasks; task; task = task->next)
		if (strcmp(task->move.id, id) == 0)
			task->due_ms = 0;
	pthread_cond_signal(&moves->changed);
	pthread_mutex_unlock(&moves->lock);
	return 0;
}
