/* What lies in the slots of a history's queues. */
#ifndef DURABLE_FOUND_H
#define DURABLE_FOUND_H

#include "tests/durable/history.h"

enum { FOUND_MAX = 2 * MESSAGES_MAX };

struct found {
	int queue;
	uint32_t tag, receives; /* tag: which message of the history, as its body says */
	bool is_delayed, is_leased;
	uint64_t sequence; /* in a FIFO queue */
};

/* The body of a message by its tag; one that nobody sent is not whole. */
void body_make(unsigned char *body, uint32_t tag, uint32_t bytes);
bool body_is_whole(const struct history *history, const unsigned char *body, uint64_t bytes);

/* Looks at all queues that there should be: how many messages lie there, in static memory until the next look. */
unsigned found_in_all(struct history *history, const struct found **ret_found);

#endif
