/* A directory of queues, to be listed when it has changed. */
#ifndef DAEMON_LISTING_H
#define DAEMON_LISTING_H

#include <stdbool.h>
#include <time.h>

enum { LISTING_GRAIN_MS = 50 }; /* more than a tick of the kernel's coarse clock, which stamps files */

struct listing {
	struct timespec changed; /* when the directory was last, as it was last listed */
	bool again;		 /* list it again in any case, soon */
};

/* Has it changed since this was asked last? Then the caller lists it. 1, 0 or a negative errno. */
int listing_is_due(struct listing *listing, int directory);

#endif
