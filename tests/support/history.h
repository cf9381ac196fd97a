/* What happened to each message, and whether it may have happened.
 *
 * Every process writes what it does into a log of its own in shared memory: an event is there before the
 * call that might not return, and its outcome after it. The checker then takes all logs together. It
 * reports only what is certain: a call took effect somewhere between its start and its end, and a lease
 * lasts at least from the end of the receive, or of the extension, to its start plus the visibility timeout.
 * A change is a release, which ends the lease.
 *
 *   invented        received, but nobody began to send it
 *   lost            sent for sure, and in the end neither deleted nor possibly deleted
 *   after delete    a receive began after a delete had been confirmed
 *   stale delete    a delete was confirmed though the message had been received again before it began
 *   deleted twice   two deletes were confirmed: there were two of it
 *   double lease    a receive took it inside another one's lease, or with the same receive count
 *   too often       received from its queue more often than allowed
 *   back            received from its queue after it had been received from the DLQ
 *   same id         two sends were given the same message id
 *
 * A send that is repeated with the same body, after a crash, is another event with the same id. A durable queue
 * that outlives a reboot begins another epoch with it: leases and receive counts are of one epoch. What is found in
 * the queue when a history ends is a peek, and not lost. Of a FIFO queue also:
 *
 *   order            a message was received while one before it in its group was there, visible or in flight, and
 * was not handed out by the same receive. What is before what is said by sequence numbers sequence         numbers
 * do not rise with time, two are the same, or a receive says another one than the send other group      a receive
 * says another group than the send duplicate        a send of a deduplication id within the window of the first one
 * was taken for new, answered with another id or number, or delivered not a duplicate  a send was called one though
 * no other could have come before it, within the window late delete      a delete was confirmed though the lease
 * had been over before it began
 *
 * In which order groups are served is not judged here: tests/model does that, for one process.
 */
#ifndef TEST_HISTORY_H
#define TEST_HISTORY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum history_kind {
	HISTORY_SEND = 1,
	HISTORY_RECEIVE,
	HISTORY_CHANGE,
	HISTORY_EXTEND,
	HISTORY_DELETE,
	HISTORY_PEEK
};
enum history_outcome { HISTORY_UNKNOWN, HISTORY_DONE, HISTORY_REFUSED };

struct history_event {
	uint64_t id;		/* of the test's own, unique per send */
	uint64_t message_id[2]; /* HISTORY_SEND that was done */
	int64_t start_ns, end_ns;
	int64_t lease_ns; /* HISTORY_RECEIVE, HISTORY_EXTEND: the visibility timeout */
	uint32_t receive_count, epoch;
	uint8_t kind, outcome;
	uint8_t is_dlq;
	/* Of a FIFO queue; each 0 if there is none. */
	uint8_t is_duplicate;	  /* HISTORY_SEND: so it was answered */
	uint32_t group, dedup_id; /* of the test's own; dedup_id: HISTORY_SEND */
	uint64_t sequence;	  /* HISTORY_SEND that was done and said it, HISTORY_RECEIVE, HISTORY_PEEK */
};

/* One process's log; the next process in its place goes on with it. */
struct history_log {
	uint32_t count, capacity;
	struct history_event *event;
};

enum { HISTORY_LOGS_MAX = 16 };

struct history {
	struct history_log *log[HISTORY_LOGS_MAX];
	uint32_t log_count;
	uint32_t receives_max; /* from a queue that has a DLQ; 0: no limit */
	bool is_fifo, dedup_by_group;
	bool is_cut; /* what was found is after a reboot that may have undone the end of it */
	int64_t dedup_window_ns;
};

/* Now, on the clock of leases. */
int64_t history_now_ns(void);

/* A log in memory shared with children. */
struct history_log *history_log_new(uint32_t capacity);
void history_log_clear(struct history_log *log);

/* The next event, filled from `event`; NULL when the log is full. It counts from now on. */
struct history_event *history_add(struct history_log *log, struct history_event event);

/* Says each fault to `out`, and returns how many there are. */
uint64_t history_judge(const struct history *history, FILE *out);

#endif
