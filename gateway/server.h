/* HTTP: connections, threads, limits. Knows libmicrohttpd, and nothing of queues but what it hands on to the front.
 */
#ifndef GATEWAY_SERVER_H
#define GATEWAY_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gateway;
struct server;

struct server_options {
	const char *host;     /* an address, or a name of one */
	uint16_t port;	      /* 0: any that is free */
	uint32_t threads;     /* that serve connections, and wait for nothing */
	uint32_t workers_max; /* threads beside them for what may wait for a disk */
	uint32_t connections_max;
	uint32_t idle_seconds;	  /* how long a connection may say nothing, amid a request too */
	uint32_t request_seconds; /* how long a client may take for one request */
	size_t body_bytes_max;
	size_t header_bytes_max;	       /* of a request, with its line */
	const char *tls_certificate, *tls_key; /* PEM texts; NULL: plain */
	bool logs_access;		       /* one line a request to stderr */
};

/* Listens, and serves with threads of its own until it is closed. 0 or a negative errno, with `ret_fault` saying
 * what could not be done. */
int server_open(struct gateway *gateway, const struct server_options *options, struct server **ret_server,
		char ret_fault[256]);

/* "http://127.0.0.1:9324", where it really listens. */
const char *server_url(const struct server *server);

/* Answers receives that wait with what there is, lets requests that have begun end, closes. */
void server_close(struct server *server);

#endif
