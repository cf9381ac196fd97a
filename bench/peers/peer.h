/* One queue that takes part: ringlease's, or a server's. A client belongs to one thread. Whatever fails ends the
 * program: a figure is of all messages or none. */
#ifndef BENCH_PEERS_PEER_H
#define BENCH_PEERS_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PEER_BATCH_MAX = 100, PEER_BODY_MAX = 1024, PEER_WAIT_MS = 100, PEER_PATIENCE_S = 20 };

/* One behind the other, each beginning with its number. */
struct bodies {
	uint32_t count, bytes;
	const unsigned char *at;
};

struct peer {
	const char *name;
	const char *pattern; /* which of its ways is taken */
	/* Starts the server. NULL, or why there is none; the text stays. */
	const char *(*start)(void);
	/* Between two runs, not timed; NULL: nothing to do. */
	void (*rest)(void);
	void *(*open)(uint32_t number);
	void (*close)(void *client);
	/* Returns once all are durable. */
	void (*send)(void *client, const struct bodies *bodies);
	/* Up to `max`, with a wait for the first. Adds their numbers to `sum`; returns how many. */
	uint32_t (*receive)(void *client, uint32_t max, uint64_t *sum);
	/* Deletes durably what this client received last and, in the same round trip where that can be, receives up
	 * to `max` (0: none) without a wait. */
	uint32_t (*turn)(void *client, uint32_t max, uint64_t *sum);
};

extern const struct peer peer_ringlease, peer_redis_list, peer_redis_stream, peer_postgresql, peer_beanstalkd;

uint64_t body_number(const void *body, size_t bytes);

__attribute__((noreturn, format(printf, 1, 2))) void peer_fail(const char *format, ...);

#endif
