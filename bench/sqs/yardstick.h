/* The yardstick: libmicrohttpd set up as in ringlease-sqs, and a handler that reads the same requests and answers
 * what ringlease-sqs has answered once. In a process of its own. */
#ifndef BENCH_SQS_YARDSTICK_H
#define BENCH_SQS_YARDSTICK_H

#include "bench/sqs/http.h"
#include "bench/sqs/program.h"
#include "bench/sqs/request.h"

enum { YARDSTICK_ANSWERS_MAX = 4 };

struct yardstick_answer {
	char action[64]; /* value of X-Amz-Target; "": any */
	char type[64], request_id[64];
	char *body;
	size_t body_bytes;
};

struct yardstick {
	struct program program;
	uint32_t count;
	struct yardstick_answer answers[YARDSTICK_ANSWERS_MAX];
};

/* Before it starts: what it is to answer to requests like this one. */
void yardstick_learn(struct yardstick *yardstick, const char *action, const struct http_answer *answer);
void yardstick_start(struct yardstick *yardstick);
void yardstick_end(struct yardstick *yardstick);

#endif
