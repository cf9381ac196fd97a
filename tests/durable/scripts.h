/* Histories that are cut short: each is a list of calls, the same each time. */
#ifndef DURABLE_SCRIPTS_H
#define DURABLE_SCRIPTS_H

#include "tests/durable/history.h"

struct script {
	const char *name;
	void (*play)(struct history *history);
	bool is_long; /* many calls before something new happens: only every few are cut */
};

extern const struct script scripts[];
extern const int script_count;

/* Calls drawn by `random`, on queues q0 (sync, its DLQ q1), q1, and q2. */
void script_random(struct history *history, uint64_t *random, int calls);

#endif
