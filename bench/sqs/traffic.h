/* Closed-loop load by one process: some connections that are kept, on each of them the next request as soon as the
 * answer has come. */
#ifndef BENCH_SQS_TRAFFIC_H
#define BENCH_SQS_TRAFFIC_H

#include "bench/sqs/ledger.h"
#include "bench/sqs/request.h"

enum { TRAFFIC_CONNECTIONS = 16 }; /* of all processes together */

enum traffic_kind {
	TRAFFIC_SEND,
	TRAFFIC_TAKE, /* receive and delete */
	TRAFFIC_CYCLE /* send, receive and delete */
};

struct traffic {
	enum traffic_kind kind;
	struct target target;
	uint32_t batch, body_bytes, connections;
	/* Ends at that time, or once so many messages are sent or taken, or, if takes are all, when nothing is
	 * left; 0: no such end. What has begun is brought to its end in each case. */
	double end;
	uint64_t messages_max;
	struct ledger *ledger; /* NULL: no accounts are kept, of what a yardstick makes up */
	uint32_t me;	       /* in the ledger */
};

struct traffic_tally {
	uint64_t messages; /* sent, or taken, or gone through the cycle */
	double end;	   /* of the last answer that counts */
};

/* Opens the connections before, closes them after: `started` is called in between, once all is ready. */
struct traffic_tally traffic_run(struct traffic *traffic, void (*started)(struct traffic *traffic, void *context),
				 void *context);

#endif
