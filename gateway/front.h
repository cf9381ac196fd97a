/* From a request to its answer: which protocol, which action, who calls, what comes back. Knows nothing of sockets.
 */
#ifndef GATEWAY_FRONT_H
#define GATEWAY_FRONT_H

#include "gateway/exchange.h"

struct gateway;
struct handles;

enum front_outcome {
	FRONT_ANSWERED, /* exchange->answer is filled in */
	FRONT_RUNS,	/* front_run() is next, on any thread */
	FRONT_WAITS	/* a receive has found nothing: front_run() again when there may be something, or with
			   call.is_last */
};

/* What a request brings beside its body. */
struct front_request {
	/* A header's value, its name in any case; NULL: it is not there. */
	const char *(*header)(void *context, const char *name);
	void *context;
	bool is_tls;
};

/* Which action is it, and may its caller do it? `handles` are this thread's. FRONT_ANSWERED or FRONT_RUNS. */
enum front_outcome front_read(struct gateway *gateway, struct handles *handles, struct exchange *exchange,
			      const struct front_request *request);

/* May it wait for a disk when it runs? Not for a thread that others depend on. */
bool front_may_wait_for_disk(struct handles *handles, struct exchange *exchange);

/* Does it. FRONT_ANSWERED or FRONT_WAITS. */
enum front_outcome front_run(struct handles *handles, struct exchange *exchange);

/* Lets go of what it holds; the exchange itself is the caller's. */
void front_drop(struct exchange *exchange);

/* The answer has not reached the client: gives messages back that it was to get. */
void front_undelivered(struct handles *handles, struct exchange *exchange);

#endif
