/* The engine, hosted in this process if no other one serves the directory. */
#ifndef GATEWAY_ENGINE_HOST_H
#define GATEWAY_ENGINE_HOST_H

#include <signal.h>

struct engine_host;

/* Starts it on a thread of its own, and returns once it serves. 0, or a negative code; the engine's log, on stderr,
 * says why. -EINTR: one of the signals `stops`, which the caller has blocked, came first; it is still to be taken.
 */
int engine_host_open(const char *directory, const char *data, const sigset_t *stops, struct engine_host **ret_host);
/* Ends it cleanly. NULL is fine. */
void engine_host_close(struct engine_host *host);

#endif
