/* Receives that wait: lists by queue, a heap by time, and the thread that ends them. */
#include "gateway/waiting.h"

#include "gateway/heap.h"

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

enum { REPORTS_A_TIME = 64, CLIENT_EVENTS = EPOLLRDHUP | EPOLLONESHOT };

enum waiter_state {
	WAITER_LOOKS,	  /* its thread is about to receive */
	WAITER_SUSPENDED, /* nobody works on it */
};

/* Those that wait for one queue, in turn. */
struct line {
	char queue[RLQ_NAME_MAX + 1];
	TAILQ_HEAD(, waiter) waiters;
};

struct waiter {
	struct heap_entry due; /* first: by time */
	struct line *line;
	TAILQ_ENTRY(waiter) in_line;
	struct MHD_Connection *connection;
	int fd;
	enum waiter_state state;
	bool was_called; /* while it looked: it has to look again */
	bool is_late;
};

struct waiting {
	struct rlq_watch *watch;
	pthread_t thread;
	pthread_mutex_t lock; /* all that follows; held for a few steps */
	void *lines;	      /* a tree, by name */
	struct heap heap;
	int epoll, bell;	 /* the bell and the clients */
	int64_t sleeps_until_ms; /* the thread: by what it knows so far */
	struct waiter **by_fd;	 /* those whose clients are in the epoll */
	int fds_max;
	bool is_stopped;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- lines -------------------------------------------------------------------------------------- */

static int compare_lines(const void *a, const void *b)
{
	return strcmp(((const struct line *)a)->queue, ((const struct line *)b)->queue);
}

static struct line *line_find(struct waiting *waiting, const char *queue)
{
	struct line wanted = {0};
	void **found;

	strncpy(wanted.queue, queue, sizeof(wanted.queue) - 1);
	found = tfind(&wanted, &waiting->lines, compare_lines);
	return found ? *found : NULL;
}

static struct line *line_make(struct waiting *waiting, const char *queue)
{
	struct line *line = line_find(waiting, queue);

	if (line)
		return line;
	line = calloc(1, sizeof(*line));
	if (line == NULL)
		return NULL;
	strncpy(line->queue, queue, sizeof(line->queue) - 1);
	TAILQ_INIT(&line->waiters);
	if (tsearch(line, &waiting->lines, compare_lines))
		return line;
	free(line);
	return NULL;
}

static void line_drop_if_empty(struct waiting *waiting, struct line *line)
{
	if (!TAILQ_EMPTY(&line->waiters))
		return;
	rlq_watch_disarm(waiting->watch, line->queue);
	tdelete(line, &waiting->lines, compare_lines);
	free(line);
}

/* ---- resuming ----------------------------------------------------------------------------------- */

static void unwatch_client(struct waiting *waiting, const struct waiter *waiter)
{
	epoll_ctl(waiting->epoll, EPOLL_CTL_DEL, waiter->fd, NULL);
	waiting->by_fd[waiter->fd] = NULL;
}

/* Its thread will look, or looks once more. */
static void call_waiter(struct waiting *waiting, struct waiter *waiter)
{
	if (waiter->state == WAITER_LOOKS) {
		waiter->was_called = true;
		return;
	}
	waiter->state = WAITER_LOOKS;
	heap_remove(&waiting->heap, &waiter->due);
	unwatch_client(waiting, waiter);
	MHD_resume_connection(waiter->connection);
}

static void call_first(struct waiting *waiting, struct line *line)
{
	if (line && !TAILQ_EMPTY(&line->waiters))
		call_waiter(waiting, TAILQ_FIRST(&line->waiters));
}

static void call_late(struct waiting *waiting)
{
	int64_t now = now_ms();
	struct heap_entry *first;

	while ((first = heap_first(&waiting->heap)) != NULL && (first->key <= now || waiting->is_stopped)) {
		struct waiter *waiter = (struct waiter *)first;

		waiter->is_late = true;
		call_waiter(waiting, waiter);
	}
}

/* On a thread of the watch. */
static void take_reports(void *context)
{
	struct waiting *waiting = context;
	struct rlq_watch_report reports[REPORTS_A_TIME];
	int count;

	pthread_mutex_lock(&waiting->lock);
	do {
		count = rlq_watch_take(waiting->watch, reports, REPORTS_A_TIME);
		for (int i = 0; i < count; i++)
			call_first(waiting, line_find(waiting, reports[i].name));
	} while (count == REPORTS_A_TIME);
	pthread_mutex_unlock(&waiting->lock);
}

/* ---- the thread --------------------------------------------------------------------------------- */

static int time_left(struct waiting *waiting)
{
	const struct heap_entry *first = heap_first(&waiting->heap);
	int64_t left = first ? first->key - now_ms() : -1;

	waiting->sleeps_until_ms = first ? first->key : INT64_MAX;
	return first == NULL ? -1 : left < 0 ? 0 : (int)left;
}

/* What an event names may be another's by now. */
static void hear_client(struct waiting *waiting, int fd)
{
	struct waiter *waiter = fd < waiting->fds_max ? waiting->by_fd[fd] : NULL;
	struct pollfd client = {.fd = fd, .events = POLLRDHUP};

	if (waiter == NULL || poll(&client, 1, 0) != 1)
		return;
	call_waiter(waiting, waiter);
}

static void hear(struct waiting *waiting, int fd)
{
	uint64_t rings;

	if (fd == waiting->bell)
		(void)!read(waiting->bell, &rings, sizeof(rings));
	else
		hear_client(waiting, fd);
}

static void *look_after(void *context)
{
	struct waiting *waiting = context;
	struct epoll_event event;

	pthread_mutex_lock(&waiting->lock);
	while (!waiting->is_stopped) {
		int timeout = time_left(waiting), count;

		pthread_mutex_unlock(&waiting->lock);
		count = epoll_wait(waiting->epoll, &event, 1, timeout);
		pthread_mutex_lock(&waiting->lock);
		if (count > 0)
			hear(waiting, event.data.fd);
		call_late(waiting);
	}
	pthread_mutex_unlock(&waiting->lock);
	return NULL;
}

/* Something is to be done sooner than the thread has thought. */
static void ring_bell(struct waiting *waiting)
{
	const uint64_t one = 1;

	(void)!write(waiting->bell, &one, sizeof(one));
}

static int epoll_add(int epoll, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static int set_up(struct waiting *waiting, struct rlq_directory *directory)
{
	int error = rlq_watch_open_calling(directory, take_reports, waiting, &waiting->watch);

	if (error)
		return error;
	waiting->epoll = epoll_create1(EPOLL_CLOEXEC);
	waiting->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (waiting->epoll < 0 || waiting->bell < 0 || epoll_add(waiting->epoll, waiting->bell, EPOLLIN) < 0)
		return -errno;
	return -pthread_create(&waiting->thread, NULL, look_after, waiting);
}

static void tear_down(struct waiting *waiting)
{
	rlq_watch_close(waiting->watch);
	if (waiting->epoll >= 0)
		close(waiting->epoll);
	if (waiting->bell >= 0)
		close(waiting->bell);
	pthread_mutex_destroy(&waiting->lock);
	heap_free(&waiting->heap);
	free(waiting->by_fd);
	free(waiting);
}

int waiting_open(struct rlq_directory *directory, struct waiting **ret_waiting)
{
	struct waiting *waiting = calloc(1, sizeof(*waiting));
	int error;

	if (waiting == NULL)
		return -ENOMEM;
	waiting->epoll = waiting->bell = -1;
	pthread_mutex_init(&waiting->lock, NULL);
	error = set_up(waiting, directory);
	if (error)
		tear_down(waiting);
	else
		*ret_waiting = waiting;
	return error;
}

void waiting_stop(struct waiting *waiting)
{
	pthread_mutex_lock(&waiting->lock);
	waiting->is_stopped = true;
	call_late(waiting);
	pthread_mutex_unlock(&waiting->lock);
	ring_bell(waiting);
	pthread_join(waiting->thread, NULL);
}

void waiting_close(struct waiting *waiting)
{
	if (waiting)
		tear_down(waiting);
}

/* ---- for those that wait ------------------------------------------------------------------------ */

static struct waiter *waiter_make(struct waiting *waiting, const char *queue, struct MHD_Connection *connection,
				  int64_t until_ms)
{
	struct waiter *waiter = calloc(1, sizeof(*waiter));

	if (waiter == NULL)
		return NULL;
	waiter->line = line_make(waiting, queue);
	if (waiter->line == NULL) {
		free(waiter);
		return NULL;
	}
	waiter->connection = connection;
	waiter->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	waiter->due.key = until_ms;
	TAILQ_INSERT_TAIL(&waiter->line->waiters, waiter, in_line);
	return waiter;
}

int waiting_prepare(struct waiting *waiting, struct waiter **waiter, const char *queue,
		    struct MHD_Connection *connection, int64_t until_ms)
{
	int error = 0;

	pthread_mutex_lock(&waiting->lock);
	if (*waiter == NULL)
		*waiter = waiter_make(waiting, queue, connection, until_ms);
	if (*waiter == NULL)
		error = -ENOMEM;
	else {
		(*waiter)->was_called = false;
		error = rlq_watch_arm(waiting->watch, queue, NULL);
	}
	pthread_mutex_unlock(&waiting->lock);
	return error;
}

/* Its client is looked after while it is suspended. */
static int watch_client(struct waiting *waiting, struct waiter *waiter)
{
	if (waiter->fd >= waiting->fds_max) {
		int fds_max = 2 * waiter->fd + 64;
		struct waiter **larger = realloc(waiting->by_fd, (size_t)fds_max * sizeof(struct waiter *));

		if (larger == NULL)
			return -ENOMEM;
		memset(larger + waiting->fds_max, 0,
		       (size_t)(fds_max - waiting->fds_max) * sizeof(struct waiter *));
		waiting->by_fd = larger;
		waiting->fds_max = fds_max;
	}
	if (epoll_add(waiting->epoll, waiter->fd, CLIENT_EVENTS) < 0)
		return -errno;
	waiting->by_fd[waiter->fd] = waiter;
	return 0;
}

static bool suspend(struct waiting *waiting, struct waiter *waiter)
{
	if (waiter->was_called)
		return false;
	/* Out of memory or descriptors: as if its time was up. */
	waiter->is_late = waiting->is_stopped || watch_client(waiting, waiter) < 0;
	if (waiter->is_late)
		return false;
	if (heap_add(&waiting->heap, &waiter->due) < 0) {
		unwatch_client(waiting, waiter);
		waiter->is_late = true;
		return false;
	}
	waiter->state = WAITER_SUSPENDED;
	MHD_suspend_connection(waiter->connection);
	if (waiter->due.key < waiting->sleeps_until_ms)
		ring_bell(waiting);
	return true;
}

bool waiting_suspend(struct waiting *waiting, struct waiter *waiter)
{
	bool is_suspended;

	pthread_mutex_lock(&waiting->lock);
	is_suspended = suspend(waiting, waiter);
	pthread_mutex_unlock(&waiting->lock);
	return is_suspended;
}

void waiting_end(struct waiting *waiting, struct waiter *waiter)
{
	struct line *line;

	if (waiter == NULL)
		return;
	pthread_mutex_lock(&waiting->lock);
	line = waiter->line;
	TAILQ_REMOVE(&line->waiters, waiter, in_line);
	call_first(waiting, line);
	line_drop_if_empty(waiting, line);
	pthread_mutex_unlock(&waiting->lock);
	free(waiter);
}

bool waiter_is_late(const struct waiter *waiter)
{
	return waiter && waiter->is_late;
}
