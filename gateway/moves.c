#include "gateway/moves.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum {
	STEP_MAX = 100, /* messages */
	AGAIN_MS = 500, /* after the destination was full */
	PEEKED = 64,
};

/* Only the thread uses `queue` and the times. */
struct task {
	struct task *next; /* older */
	struct move move;
	struct rlq_queue *queue;
	int64_t begun_ms, due_ms; /* CLOCK_MONOTONIC */
};

struct moves {
	struct rlq_directory *directory;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct task *tasks; /* newest first */
	bool is_closing;
};

static int64_t now_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_active(const struct task *task)
{
	return task->move.state == MOVE_RUNNING || task->move.state == MOVE_CANCELLING;
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

static const char *reason_of(struct task *task, int error)
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
static uint64_t room_of(const struct task *task)
{
	uint64_t room = task->move.to_move - task->move.moved, allowed;

	if (room > STEP_MAX)
		room = STEP_MAX;
	if (task->move.rate == 0)
		return room;
	allowed = moves_allowed(task->move.rate, now_ms(CLOCK_MONOTONIC) - task->begun_ms);
	allowed = allowed > task->move.moved ? allowed - task->move.moved : 0;
	return room < allowed ? room : allowed;
}

static int move_some(struct moves *moves, struct task *task, uint64_t count, uint64_t *ret_moved)
{
	const char *destination = task->move.destination[0] ? task->move.destination : NULL;
	int error = 0;

	*ret_moved = 0;
	if (task->queue == NULL)
		error = rlq_queue_open(moves->directory, task->move.source, &task->queue);
	return error ? error : rlq_redrive(task->queue, destination, count, ret_moved);
}

static void end(struct task *task, enum move_state state)
{
	rlq_queue_close(task->queue);
	task->queue = NULL;
	task->move.state = state;
}

/* With the lock, which is let go while messages move. */
static void step(struct moves *moves, struct task *task)
{
	uint64_t room = room_of(task), moved = 0;
	const char *reason = NULL;
	int error = 0;

	if (task->move.state == MOVE_CANCELLING) {
		end(task, MOVE_CANCELLED);
		return;
	}
	if (room > 0) {
		pthread_mutex_unlock(&moves->lock);
		error = move_some(moves, task, room, &moved);
		reason = error && !is_passing(error) ? reason_of(task, error) : NULL;
		pthread_mutex_lock(&moves->lock);
	}
	task->move.moved += moved;
	if (reason) {
		snprintf(task->move.failure, sizeof(task->move.failure), "%s", reason);
		end(task, MOVE_FAILED);
	} else if (task->move.moved >= task->move.to_move || (error == 0 && room > 0 && moved < room)) {
		end(task, MOVE_COMPLETED); /* all, or what others have left of it */
	} else if (error) {
		task->due_ms = now_ms(CLOCK_MONOTONIC) + AGAIN_MS;
		if (task->move.rate) /* what was missed is not made up for */
			task->begun_ms = task->due_ms - moves_due_ms(task->move.rate, task->move.moved);
	} else if (task->move.rate) {
		task->due_ms = task->begun_ms + moves_due_ms(task->move.rate, task->move.moved);
	}
}

/* ---- the thread ------------------------------------------------------------------------------- */

static int64_t due_of(const struct task *task)
{
	return task->move.state == MOVE_CANCELLING ? 0 : task->due_ms;
}

/* The one that is due first. */
static struct task *next_due(struct moves *moves)
{
	struct task *first = NULL;

	for (struct task *task = moves->tasks; task; task = task->next)
		if (is_active(task) && (first == NULL || due_of(task) <= due_of(first)))
			first = task;
	return first;
}

static void await(struct moves *moves, const struct task *task)
{
	struct timespec until;

	if (task == NULL) {
		pthread_cond_wait(&moves->changed, &moves->lock);
		return;
	}
	until.tv_sec = task->due_ms / 1000;
	until.tv_nsec = task->due_ms % 1000 * 1000000;
	pthread_cond_timedwait(&moves->changed, &moves->lock, &until);
}

static void *run(void *context)
{
	struct moves *moves = context;

	pthread_mutex_lock(&moves->lock);
	while (!moves->is_closing) {
		struct task *task = next_due(moves);
		int64_t now = now_ms(CLOCK_MONOTONIC);

		if (task == NULL || due_of(task) > now) {
			await(moves, task);
			continue;
		}
		task->due_ms = now; /* behind the others that are due */
		step(moves, task);
	}
	pthread_mutex_unlock(&moves->lock);
	return NULL;
}

struct moves *moves_open(struct rlq_directory *directory)
{
	struct moves *moves = calloc(1, sizeof(*moves));
	pthread_condattr_t clock;

	if (moves == NULL)
		return NULL;
	moves->directory = directory;
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
	while (moves->tasks) {
		struct task *task = moves->tasks;

		moves->tasks = task->next;
		rlq_queue_close(task->queue);
		free(task);
	}
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

/* Drops the oldest that have ended, so that there are fewer than `max`; of a source, or of all. */
static void forget(struct moves *moves, const char *source, size_t max)
{
	struct task **oldest;
	size_t count;

	do {
		oldest = NULL;
		count = 0;
		for (struct task **at = &moves->tasks; *at; at = &(*at)->next) {
			if (source && strcmp((*at)->move.source, source) != 0)
				continue;
			count++;
			if (!is_active(*at))
				oldest = at;
		}
		if (count >= max && oldest) {
			struct task *task = *oldest;

			*oldest = task->next;
			free(task);
		}
	} while (count > max && oldest);
}

static int check_active(const struct moves *moves, const char *source)
{
	size_t count = 0;

	for (const struct task *task = moves->tasks; task; task = task->next) {
		if (!is_active(task))
			continue;
		if (strcmp(task->move.source, source) == 0)
			return -EBUSY;
		count++;
	}
	return count < MOVES_ACTIVE_MAX ? 0 : -EDQUOT;
}

int moves_start(struct moves *moves, struct move *move)
{
	struct task *task = calloc(1, sizeof(*task));
	int error;

	if (task == NULL)
		return -ENOMEM;
	id_make(move->id);
	move->state = MOVE_RUNNING;
	move->moved = 0;
	move->started_ms = now_ms(CLOCK_REALTIME);
	task->move = *move;
	task->begun_ms = task->due_ms = now_ms(CLOCK_MONOTONIC);
	pthread_mutex_lock(&moves->lock);
	error = check_active(moves, move->source);
	if (error == 0) {
		forget(moves, move->source, MOVES_OF_SOURCE_MAX);
		forget(moves, NULL, MOVES_MAX);
		task->next = moves->tasks;
		moves->tasks = task;
		pthread_cond_signal(&moves->changed);
	}
	pthread_mutex_unlock(&moves->lock);
	if (error)
		free(task);
	return error;
}

size_t moves_list(struct moves *moves, const char *source, struct move *ret_moves, size_t max)
{
	size_t count = 0;

	pthread_mutex_lock(&moves->lock);
	for (const struct task *task = moves->tasks; task && count < max; task = task->next)
		if (strcmp(task->move.source, source) == 0)
			ret_moves[count++] = task->move;
	pthread_mutex_unlock(&moves->lock);
	return count;
}

int moves_cancel(struct moves *moves, const char *id, uint64_t *ret_moved)
{
	struct task *task;
	int error = -ESRCH;

	pthread_mutex_lock(&moves->lock);
	for (task = moves->tasks; task && strcmp(task->move.id, id) != 0; task = task->next)
		;
	if (task && task->move.state == MOVE_RUNNING) {
		task->move.state = MOVE_CANCELLING;
		*ret_moved = task->move.moved;
		pthread_cond_signal(&moves->changed);
		error = 0;
	}
	pthread_mutex_unlock(&moves->lock);
	return error;
}
