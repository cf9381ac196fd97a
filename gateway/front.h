/* From a request to its answer: which protocol, which action, who calls, what comes back. Knows nothing of sockets.
 */
#ifndef GATEWAY_FRONT_H
#define GATEWAY_FRONT_H

#include "gateway/exchange.h"

struct gateway;
struct handles;

enum front_outcome { FRONT_ANSWERED, FRONT_WAITS };

/* What a request brings beside its body. */
struct front_request {
	/* A header's value, its name in any case; NULL: it is not there. */
	const char *(*header)(void *context, const char *name);
	void *context;
	bool is_tls;
};

/* Carries the request out; fills in exchange->answer. FRONT_WAITS: a receive that has found nothing; to be called
 * again when there may be something, or with call.is_last. `handles` are this thread's. */
enum front_outcome front_handle(struct gateway *gateway, struct handles *handles, struct exchange *exchange,
				const struct front_request *request);

/* Lets go of what it holds; the exchange itself is the caller's. */
void front_drop(struct exchange *exchange);

/* The answer has not reached the client: gives messages back that it was to get. */
void front_undelivered(struct handles *handles, struct exchange *exchange);

#endif
