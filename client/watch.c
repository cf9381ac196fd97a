/* Watching many queues behind one descriptor: the calls. */
#include "client/watch.h"

#include "kmod-free/eventfd.h"
#include "ring/event.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- lists ------------------------------------------------------------------------------------ */

static void list_append(struct watched_list *list, struct watched *watched)
{
	watched->list = list;
	watched->before = list->last;
	watched->after = NULL;
	*(list->last ? &list->last->after : &list->first) = watched;
	list->last = watched;
	list->count++;
}

static void list_remove(struct watched *watched)
{
	struct watched_list *list = watched->list;

	*(watched->before ? &watched->before->after : &list->first) = watched->after;
	*(watched->after ? &watched->after->before : &list->last) = watched->before;
	list->count--;
	watched->list = NULL;
}

/* ---- queues ----------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct watched *)a)->name, ((const struct watched *)b)->name);
}

static struct watched *find(struct rlq_watch *watch, const char *name)
{
	struct watched key, **found;

	strcpy(key.name, name);
	found = tfind(&key, &watch->names, by_name);
	return found ? *found : NULL;
}

/* Takes it out of the list that it is in. Without reports nothing is readable. */
static void unlist(struct rlq_watch *watch, struct watched *watched)
{
	if (watched->list == NULL)
		return;
	if (watched->list == &watch->reports && watch->reports.count == 1 && watch->fd >= 0)
		os_eventfd_lower(watch->fd);
	list_remove(watched);
}

static void watched_free(void *watched)
{
	seg_close(((struct watched *)watched)->seg);
	free(watched);
}

static void forget(struct rlq_watch *watch, struct watched *watched)
{
	tdelete(watched, &watch->names, by_name);
	unlist(watch, watched);
	watched->is_nameless = true;
	watched->state = WATCHED_IDLE;
	if (watched->worker == NULL)
		watched_free(watched);
}

void watched_report(struct rlq_watch *watch, struct watched *watched, bool is_removed)
{
	watched->state = WATCHED_REPORTED;
	watched->is_removed = is_removed;
	list_append(&watch->reports, watched);
	watched->worker->has_reported = true;
	if (watch->reports.count == 1 && watch->fd >= 0)
		os_eventfd_raise(watch->fd);
}

/* For a while, if it is IDLE and nobody's. */
static void keep(struct rlq_watch *watch, struct watched *watched)
{
	if (watched->state != WATCHED_IDLE || watched->worker)
		return;
	watched->kept_ms = os_boot_ms();
	list_append(&watch->kept, watched);
	if (watch->kept.count > WATCH_KEEP_MAX)
		forget(watch, watch->kept.first);
	else if (watch->kept.count == 1 && watch->workers)
		watch_ring(watch->workers); /* to come back and close it */
}

void watched_let_go(struct rlq_watch *watch, struct watched *watched)
{
	watched->worker = NULL;
	if (watched->is_nameless)
		watched_free(watched);
	else
		keep(watch, watched);
}

uint64_t watch_close_kept(struct rlq_watch *watch, uint64_t now_ms)
{
	while (watch->kept.first && now_ms >= watch->kept.first->kept_ms + WATCH_KEEP_MS)
		forget(watch, watch->kept.first);
	return watch->kept.first ? watch->kept.first->kept_ms + WATCH_KEEP_MS : UINT64_MAX;
}

/* ---- arm -------------------------------------------------------------------------------------- */

/* NULL: `*ret_error` says why. */
static struct watched *watched_open(struct rlq_watch *watch, const char *name, int *ret_error)
{
	struct watched *watched = calloc(1, sizeof(*watched));

	*ret_error = watched ? seg_open(&watch->directory->seg, name, &watched->seg) : -ENOMEM;
	if (*ret_error) {
		free(watched);
		/* Marked as removed, though its remover did not live to take the name away. */
		*ret_error = *ret_error == RLQ_EREMOVED ? RLQ_ENOQUEUE : public_error(*ret_error);
		return NULL;
	}
	strcpy(watched->name, name);
	if (tsearch(watched, &watch->names, by_name) == NULL) {
		watched_free(watched);
		*ret_error = -ENOMEM;
		return NULL;
	}
	return watched;
}

static int give_worker(struct rlq_watch *watch, struct watched *watched)
{
	struct watch_worker *worker;
	int error;

	if (watched->worker)
		return 0;
	error = watch_find_worker(watch, &worker);
	if (error)
		return error;
	watched->worker = worker;
	worker->watched[worker->count++] = watched;
	return 0;
}

/* The queue of that name with a ticket of its event; not one that was removed before that. NULL: `*ret_error` says
 * why. */
static struct watched *prepare(struct rlq_watch *watch, const char *name, int *ret_error)
{
	struct watched *watched = find(watch, name);

	for (;;) {
		if (watched == NULL)
			watched = watched_open(watch, name, ret_error);
		if (watched == NULL)
			return NULL;
		watched->ticket = event_prepare(&watched->seg->header->consumers);
		if (!watched_is_gone(watched)) /* [E2] */
			return watched;
		forget(watch, watched);
		watched = NULL;
	}
}

static int arm(struct rlq_watch *watch, const char *name, void *context)
{
	int error;
	struct watched *watched = prepare(watch, name, &error);

	if (watched == NULL)
		return error;
	unlist(watch, watched);
	watched->state = WATCHED_IDLE;
	error = give_worker(watch, watched);
	if (error) {
		keep(watch, watched);
		return error;
	}
	watched->state = WATCHED_ARMED;
	watched->context = context;
	if (!watched->is_slept_on) /* else it is woken as others are, whatever its ticket was */
		watch_ring(watched->worker);
	return 0;
}

/* ---- calls ------------------------------------------------------------------------------------ */

static struct rlq_watch *watch_make(struct rlq_directory *directory, int fd)
{
	struct rlq_watch *watch = calloc(1, sizeof(*watch));

	if (watch == NULL)
		return NULL;
	watch->directory = directory;
	watch->fd = fd;
	pthread_mutex_init(&watch->mutex, NULL);
	return watch;
}

int rlq_watch_open(struct rlq_directory *directory, struct rlq_watch **ret_watch)
{
	struct rlq_watch *watch;
	int fd;

	if (is_forked(directory))
		return RLQ_EFORKED;
	fd = os_eventfd_open();
	if (fd < 0)
		return fd;
	watch = watch_make(directory, fd);
	if (watch == NULL) {
		close(fd);
		return -ENOMEM;
	}
	*ret_watch = watch;
	return 0;
}

int rlq_watch_open_calling(struct rlq_directory *directory, void (*call)(void *context), void *context,
			   struct rlq_watch **ret_watch)
{
	struct rlq_watch *watch;

	if (is_forked(directory))
		return RLQ_EFORKED;
	watch = watch_make(directory, -1);
	if (watch == NULL)
		return -ENOMEM;
	watch->call = call;
	watch->call_context = context;
	*ret_watch = watch;
	return 0;
}

/* A descriptor that was never there is fine. */
static void close_fd(const struct rlq_watch *watch)
{
	if (watch->fd >= 0)
		close(watch->fd);
}

void rlq_watch_close(struct rlq_watch *watch)
{
	if (watch == NULL)
		return;
	if (is_forked(watch->directory)) {
		/* What a thread of the parent was amid stands still here for ever: nothing else is touched. */
		close_fd(watch);
		return;
	}
	pthread_mutex_lock(&watch->mutex);
	watch->is_closed = true;
	for (struct watch_worker *worker = watch->workers; worker; worker = worker->next)
		watch_ring(worker);
	pthread_mutex_unlock(&watch->mutex);
	watch_end_workers(watch);
	close_fd(watch);
	tdestroy(watch->names, watched_free);
	pthread_mutex_destroy(&watch->mutex);
	free(watch);
}

int rlq_watch_fd(const struct rlq_watch *watch)
{
	return watch->fd;
}

int rlq_watch_arm(struct rlq_watch *watch, const char *name, void *context)
{
	int error;

	if (!seg_name_is_valid(name))
		return RLQ_ENAME;
	if (is_forked(watch->directory))
		return RLQ_EFORKED;
	pthread_mutex_lock(&watch->mutex);
	error = arm(watch, name, context);
	pthread_mutex_unlock(&watch->mutex);
	return error;
}

int rlq_watch_disarm(struct rlq_watch *watch, const char *name)
{
	struct watched *watched;
	bool was_armed;

	if (!seg_name_is_valid(name))
		return RLQ_ENAME;
	if (is_forked(watch->directory))
		return RLQ_EFORKED;
	pthread_mutex_lock(&watch->mutex);
	watched = find(watch, name);
	was_armed = watched && watched->state != WATCHED_IDLE;
	if (was_armed) {
		unlist(watch, watched);
		watched->state = WATCHED_IDLE;
		keep(watch, watched);
	}
	pthread_mutex_unlock(&watch->mutex);
	return was_armed;
}

static void take_one(struct rlq_watch *watch, struct rlq_watch_report *ret_report)
{
	struct watched *watched = watch->reports.first;

	ret_report->context = watched->context;
	ret_report->removed = watched->is_removed;
	strcpy(ret_report->name, watched->name);
	unlist(watch, watched);
	watched->state = WATCHED_IDLE;
	if (watched->is_removed)
		forget(watch, watched);
	else
		keep(watch, watched);
}

int rlq_watch_take(struct rlq_watch *watch, struct rlq_watch_report *ret_reports, size_t max)
{
	size_t count = 0;

	if (is_forked(watch->directory))
		return RLQ_EFORKED;
	pthread_mutex_lock(&watch->mutex);
	while (count < max && watch->reports.first)
		take_one(watch, &ret_reports[count++]);
	pthread_mutex_unlock(&watch->mutex);
	return (int)count;
}
