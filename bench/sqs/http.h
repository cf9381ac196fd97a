/* A client's connection that is kept, or made anew where the server closes it. Whatever fails ends the process: a
 * figure is of all requests or none. */
#ifndef BENCH_SQS_HTTP_H
#define BENCH_SQS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_PATIENCE_MS = 30000 };

struct http {
	uint16_t port;
	int fd; /* -1: to be made anew */
	char *in;
	size_t in_bytes, in_room;
};

struct http_answer {
	int status;
	/* Good until the next request. */
	const char *head, *body;
	size_t head_bytes, body_bytes;
};

/* Of the loopback. */
void http_open(struct http *http, uint16_t port);
/* False: nobody listens (yet). */
bool http_try_open(struct http *http, uint16_t port);
void http_close(struct http *http);

/* One request at a time: the answer to the one before has come. */
void http_send(struct http *http, const char *text, size_t bytes);
/* Takes what has come; true: the answer is whole. Does not wait. */
bool http_receive(struct http *http, struct http_answer *ret_answer);
void http_await(struct http *http, struct http_answer *ret_answer);

/* Copies a header's value; "" if it is not there. */
void http_header(const struct http_answer *answer, const char *name, char *ret_value, size_t room);

__attribute__((noreturn, format(printf, 1, 2))) void sqs_fail(const char *format, ...);

#endif
