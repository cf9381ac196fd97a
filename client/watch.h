/* A watch, inside: what it knows of each queue, and the threads that sleep. All under one mutex of this process; a
 * thread works without it while it reaps and sleeps, on the queues that are its own.
 *
 *           arm                 the word has changed               take
 *   IDLE --------> ARMED ------------------------------> REPORTED --------> IDLE
 *     ^              |  disarm                               |  disarm, arm
 *     +--------------+---------------------------------------+
 *
 * A queue becomes a worker's when it is armed, and stays so until that worker, awake, finds it no longer armed.
 * What is nobody's and IDLE is kept for a while, then closed. */
#ifndef RLQ_WATCH_H
#define RLQ_WATCH_H

#include "client/internal.h"
#include "kmod-free/futex.h"
#include "kmod-free/thread.h"

enum {
	/* Of one worker. The kernel takes 127 and a bell, but some 0.3 us for each whenever the worker wakes: with
	 * 1,000 armed queues a report cost 140 us of CPU by 31 a worker, 280 by 127. */
	WATCH_QUEUES_MAX = 31,

	WATCH_KEEP_MS = 10000, /* how long a queue that is not armed stays open, */
	WATCH_KEEP_MAX = 256,  /* and how many of them */
};

enum watched_state { WATCHED_IDLE, WATCHED_ARMED, WATCHED_REPORTED };

/* One queue. */
struct watched {
	char name[RLQ_NAME_MAX + 1];
	enum watched_state state;
	bool is_removed;  /* the report says so */
	bool is_nameless; /* removed, and its name is another's */
	bool is_slept_on; /* by its worker, while the word is slept_ticket */
	uint32_t ticket;  /* of the arm: when the word differs, there is something to report */
	uint32_t slept_ticket;
	void *context;
	struct segment *seg; /* its header is anybody's; all else its worker's, or under the mutex if it has none */
	struct sweep sweep;
	struct watch_worker *worker; /* NULL: nobody's */
	uint64_t kept_ms;	     /* since when it is in the list of those that are kept */
	struct watched_list *list;   /* that it is in; NULL: none */
	struct watched *before, *after;
};

struct watched_list {
	struct watched *first, *last;
	uint32_t count;
};

struct watch_worker {
	struct rlq_watch *watch;
	struct watch_worker *next;
	pthread_t thread;
	_Atomic uint32_t bell; /* rung to make it look at what is armed now */
	bool is_asleep;
	bool has_reported; /* and told nobody yet */
	uint32_t count;
	struct watched *watched[WATCH_QUEUES_MAX];
	struct os_futex_awaited words[OS_FUTEX_MANY_MAX]; /* the bell, then those of the first queues */
};

struct rlq_watch {
	struct rlq_directory *directory;
	int fd;			     /* -1: */
	void (*call)(void *context); /* who is told of reports */
	void *call_context;
	pthread_mutex_t mutex;
	void *names; /* tree of struct watched, see tsearch(3) */
	struct watched_list reports, kept;
	struct watch_worker *workers; /* the first one also closes what was kept long enough */
	bool is_closed;
};

/* ---- queues (watch.c); all under the mutex ---- */

/* Armed, and the word has changed or the queue is gone. */
void watched_report(struct rlq_watch *watch, struct watched *watched, bool is_removed);
/* Its worker has done with it: it is kept for a while if it is IDLE. */
void watched_let_go(struct rlq_watch *watch, struct watched *watched);
/* Closes what was kept long enough. Returns when there is more to close, UINT64_MAX: nothing is kept. */
uint64_t watch_close_kept(struct rlq_watch *watch, uint64_t now_ms);

static inline bool watched_is_gone(const struct watched *watched)
{
	return load_seq(&watched->seg->header->rings) & RINGS_REMOVED;
}

/* ---- workers (watch_worker.c); all under the mutex but the end ---- */

/* Finds one that has room for another queue, or makes one. 0, -EAGAIN, -ENOMEM. */
int watch_find_worker(struct rlq_watch *watch, struct watch_worker **ret_worker);
/* Makes it look, if it sleeps. */
void watch_ring(struct watch_worker *worker);
/* The watch is closed: waits for all to end. Without the mutex. */
void watch_end_workers(struct rlq_watch *watch);

#endif
