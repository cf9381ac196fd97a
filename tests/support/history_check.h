/* Shared by the files of the history checker. */
#ifndef TEST_HISTORY_CHECK_H
#define TEST_HISTORY_CHECK_H

#include "tests/support/history.h"

#include <stddef.h>

/* A lease, or a window, may last so much longer than asked. */
#define HISTORY_SLACK_NS INT64_C(10000000)

typedef const struct history_event event_t;

struct history_check {
	const struct history *history;
	FILE *out;
	uint64_t faults;
	const struct history_event **event; /* of all logs, by id, then by start */
	size_t count;
};

/* Says it, with the events that show it; `second` may be NULL. */
void history_report(struct history_check *check, const char *what, const struct history_event *first,
		    const struct history_event *second);

/* Among the events of one message: was `second`, a receive of it or of another, certainly made while this receive
 * or extension gave the message to somebody? */
bool history_is_inside(const struct history_event *const *event, size_t count, const struct history_event *lease,
		       const struct history_event *second);

/* The rules of FIFO queues. The events are as they are in `check`. */
void history_check_fifo(struct history_check *check);
void history_check_duplicates(struct history_check *check);

/* A send that was answered, and not as a duplicate. */
bool history_is_new(event_t *send);
/* It tells of a message that is there. */
bool history_is_seen(event_t *event);
/* Zeroed, with room for one more; ends the test if there is none. */
void *history_array(size_t count, size_t bytes);

#endif
