/* One HTTP request and its answer. */
#ifndef GATEWAY_EXCHANGE_H
#define GATEWAY_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "gateway/answer.h"
#include "gateway/call.h"
#include "gateway/security.h"

struct MHD_Connection;
struct waiter;

enum { REQUEST_ID_BYTES = 37 };

enum exchange_protocol { PROTOCOL_JSON, PROTOCOL_QUERY };

struct answer {
	int status;
	const char *content_type;
	char *body; /* by malloc; may be NULL */
	size_t body_bytes;
	char query_error[QUERY_ERROR_TEXT_BYTES]; /* of x-amzn-query-error; "": none */
};

struct exchange {
	struct MHD_Connection *connection;
	const char *method;
	char *path;  /* as sent */
	char *query; /* as sent, without '?'; "" if there is none */
	char *body;
	size_t body_bytes, body_room;
	bool is_too_large;
	int64_t begun_ms; /* CLOCK_BOOTTIME */
	char request_id[REQUEST_ID_BYTES];
	enum exchange_protocol protocol;
	const struct action *action; /* NULL: not known (yet) */
	const struct action_shape *shape;
	enum call_outcome (*run)(struct call *call); /* what it asks for; NULL: not known (yet) */
	struct call call;
	/* What it points to: */
	char base_url[300], path_queue[RLQ_NAME_MAX + 1], region[REGION_TEXT_BYTES];
	struct caller caller;
	bool is_read, is_handed_over; /* to workers.h */
	bool is_answered;	      /* by them */
	struct waiter *waiter;	      /* NULL: it has never waited */
	struct answer answer;
	STAILQ_ENTRY(exchange) in_line; /* of workers.h */
};

/* `uri` as it was sent. NULL: out of memory. */
struct exchange *exchange_make(const char *uri, struct MHD_Connection *connection);
void exchange_free(struct exchange *exchange);

/* A part of the body. False: out of memory. What is over `bytes_max` is not kept, and exchange->is_too_large. */
bool exchange_add(struct exchange *exchange, const char *data, size_t bytes, size_t bytes_max);

#endif
