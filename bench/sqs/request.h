/* SQS requests as SDKs make them, and what is read of the answers. The signature is well formed and of the usual
 * size, but the same for all: it would be right for one body only, and none of the servers measured checks it. */
#ifndef BENCH_SQS_REQUEST_H
#define BENCH_SQS_REQUEST_H

#include "bench/sqs/http.h"

enum { REQUEST_BYTES_MAX = 96 * 1024, BATCH_MAX = 10, NUMBER_DIGITS = 16 };

enum protocol { JSON, QUERY };

struct target {
	uint16_t port;
	enum protocol protocol;
	char url[128]; /* of the queue */
};

struct request {
	size_t bytes;
	char text[REQUEST_BYTES_MAX];
};

struct handle {
	const char *text;
	size_t bytes;
};

struct received {
	uint32_t count;
	uint64_t numbers[BATCH_MAX];
	struct handle handles[BATCH_MAX]; /* in the answer */
};

void target_set(struct target *target, uint16_t port, enum protocol protocol, const char *queue);

/* Any action, with its JSON body. */
void request_json(struct request *request, const struct target *target, const char *action, const char *body,
		  size_t body_bytes);
/* Bodies begin with their numbers, in hexadecimal digits. More than one: SendMessageBatch. */
void request_send(struct request *request, const struct target *target, const uint64_t *numbers, uint32_t count,
		  uint32_t body_bytes);
void request_receive(struct request *request, const struct target *target, uint32_t max, uint32_t wait_s);
void request_delete(struct request *request, const struct target *target, const struct handle *handles,
		    uint32_t count);

/* Each ends the process when the answer is not what was to come. */
void answer_sent(const struct http_answer *answer, uint32_t count);
void answer_received(const struct http_answer *answer, struct received *ret_received);
void answer_deleted(const struct http_answer *answer, uint32_t count);

uint64_t number_of(const char *body, size_t bytes);

#endif
