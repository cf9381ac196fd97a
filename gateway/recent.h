/* Names to which something happened less than 60 s ago. Zeroed memory is an empty one. Thread-safe. */
#ifndef GATEWAY_RECENT_H
#define GATEWAY_RECENT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <ringlease.h>

enum {
	RECENT_MS = 60000,
	RECENT_MAX = 512, /* names; above it the oldest is forgotten early */
};

struct recent {
	pthread_mutex_t lock;
	struct recent_name {
		char name[RLQ_NAME_MAX + 1];
		int64_t when_ms;
	} names[RECENT_MAX];
	uint32_t count; /* of all that ever were noted */
};

/* `now_ms`: clock_now_ms(). It happens now: true, unless it did so less than 60 s ago. */
bool recent_begin(struct recent *recent, const char *name, int64_t now_ms);
bool recent_was(struct recent *recent, const char *name, int64_t now_ms);
/* It has not happened after all. */
void recent_undo(struct recent *recent, const char *name);

#endif
