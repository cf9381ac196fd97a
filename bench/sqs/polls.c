#include "bench/sqs/polls.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { DESCRIPTORS_BESIDE = 64 };

static void raise_descriptors(uint32_t count)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < count + DESCRIPTORS_BESIDE)
		limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

void polls_open(struct polls *polls, const struct program *server, const char *name, uint32_t queues,
		uint32_t count)
{
	struct request *request = malloc(sizeof(*request));

	raise_descriptors(count);
	*polls = (struct polls){.count = count, .connections = calloc(count, sizeof(struct http))};
	if (request == NULL || polls->connections == NULL)
		sqs_fail("no memory");
	for (uint32_t i = 0; i < count; i++) {
		struct target target;
		char queue[64];

		snprintf(queue, sizeof(queue), "%s%u", name, i % queues);
		target_set(&target, server->port, JSON, queue);
		http_open(&polls->connections[i], server->port);
		request_receive(request, &target, 1, POLLS_WAIT_S);
		http_send(&polls->connections[i], request->text, request->bytes);
	}
	free(request);
	program_rest(server);
}

void polls_close(struct polls *polls, const struct program *server)
{
	for (uint32_t i = 0; i < polls->count; i++) {
		struct pollfd answered = {.fd = polls->connections[i].fd, .events = POLLIN};

		if (poll(&answered, 1, 0) != 0)
			sqs_fail("a long poll of an empty queue was answered before its time");
		http_close(&polls->connections[i]);
	}
	free(polls->connections);
	program_rest(server);
}
