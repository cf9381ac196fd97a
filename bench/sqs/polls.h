/* Receives that wait, each on a connection of its own, while something else is measured. */
#ifndef BENCH_SQS_POLLS_H
#define BENCH_SQS_POLLS_H

#include "bench/sqs/program.h"
#include "bench/sqs/request.h"

enum { POLLS_WAIT_S = 20 };

struct polls {
	uint32_t count;
	struct http *connections;
};

/* Spread over `queues` queues, NAME0 and so on; returns once `server` has taken them all in and is at rest. */
void polls_open(struct polls *polls, const struct program *server, const char *name, uint32_t queues,
		uint32_t count);
/* Ends the process if one of them was answered meanwhile. */
void polls_close(struct polls *polls, const struct program *server);

#endif
