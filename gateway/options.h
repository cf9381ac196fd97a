/* The command line of ringlease-sqs. */
#ifndef GATEWAY_OPTIONS_H
#define GATEWAY_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <ringlease.h>

struct options {
	const char *directory; /* NULL: as the library says */
	const char *data;      /* NULL: no engine of our own */
	char host[256];
	uint16_t port;
	enum rlq_durability durability;
	const char *credentials;
	const char *account, *region;
	const char *queues; /* a file of queues to make; NULL: none */
	const char *tls_certificate, *tls_key;
	bool relaxed_limits, waits_after_delete, logs_access;
	uint32_t threads, connections_max, request_seconds;
};

/* True: go on. False: all is said, and *ret_exit is the status. */
bool command_line_read(int argc, char **argv, struct options *ret_options, int *ret_exit);

#endif
