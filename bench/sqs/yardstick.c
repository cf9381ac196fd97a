#include "bench/sqs/yardstick.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* As in gateway/: main.c, options.c and server.c. */
enum {
	BACKLOG = 1024,
	CONNECTIONS_MAX = 10000,
	IDLE_SECONDS = 60,
	HEADER_BYTES_MAX = 64 * 1024,
	THREADS_MIN = 16,
	THREADS_MAX = 256
};

static struct MHD_Response *responses[YARDSTICK_ANSWERS_MAX];

void yardstick_learn(struct yardstick *yardstick, const char *action, const struct http_answer *answer)
{
	struct yardstick_answer *learnt = &yardstick->answers[yardstick->count++];

	snprintf(learnt->action, sizeof(learnt->action), "%s%s", action ? "AmazonSQS." : "", action ? action : "");
	http_header(answer, "Content-Type", learnt->type, sizeof(learnt->type));
	http_header(answer, "x-amzn-RequestId", learnt->request_id, sizeof(learnt->request_id));
	learnt->body_bytes = answer->body_bytes;
	learnt->body = malloc(answer->body_bytes + 1);
	if (learnt->body == NULL)
		sqs_fail("no memory");
	memcpy(learnt->body, answer->body, answer->body_bytes);
}

/* ---- serving -------------------------------------------------------------------------------------- */

static void *request_begin(void *context, const char *uri, struct MHD_Connection *connection)
{
	static int begun;

	(void)context;
	(void)uri;
	(void)connection;
	return &begun;
}

static void request_end(void *context, struct MHD_Connection *connection, void **request,
			enum MHD_RequestTerminationCode how)
{
	(void)context;
	(void)connection;
	(void)request;
	(void)how;
}

static void note_connection(void *context, struct MHD_Connection *connection, void **socket_context,
			    enum MHD_ConnectionNotificationCode how)
{
	(void)context;
	(void)connection;
	(void)socket_context;
	(void)how;
}

static struct MHD_Response *response_for(const struct yardstick *yardstick, struct MHD_Connection *connection)
{
	const char *action = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "X-Amz-Target");

	for (uint32_t i = 0; i < yardstick->count && action; i++)
		if (strcmp(yardstick->answers[i].action, action) == 0)
			return responses[i];
	return responses[0];
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
			      const char *version, const char *data, size_t *data_bytes, void **request)
{
	static int is_read;

	(void)url;
	(void)method;
	(void)version;
	(void)data;
	if (*request != &is_read) { /* only the head has come */
		*request = &is_read;
		return MHD_YES;
	}
	if (*data_bytes > 0) {
		*data_bytes = 0;
		return MHD_YES;
	}
	return MHD_queue_response(connection, MHD_HTTP_OK, response_for(context, connection));
}

static void prepare(const struct yardstick *yardstick)
{
	for (uint32_t i = 0; i < yardstick->count; i++) {
		const struct yardstick_answer *answer = &yardstick->answers[i];

		responses[i] =
			MHD_create_response_from_buffer(answer->body_bytes, answer->body, MHD_RESPMEM_PERSISTENT);
		if (answer->type[0])
			MHD_add_response_header(responses[i], MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
		MHD_add_response_header(responses[i], "x-amzn-RequestId", answer->request_id);
	}
}

static uint32_t threads_by_cores(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return cores <= 8 ? THREADS_MIN : 2 * cores < THREADS_MAX ? (uint32_t)(2 * cores) : THREADS_MAX;
}

__attribute__((noreturn)) static void serve(struct yardstick *yardstick, int listener, pid_t parent)
{
	const unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	prepare(yardstick);
	if (!MHD_start_daemon(flags, 0, NULL, NULL, handle, yardstick, MHD_OPTION_LISTEN_SOCKET, listener,
			      MHD_OPTION_URI_LOG_CALLBACK, request_begin, NULL, MHD_OPTION_NOTIFY_COMPLETED,
			      request_end, NULL, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
			      MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
			      (size_t)HEADER_BYTES_MAX, MHD_OPTION_NOTIFY_CONNECTION, note_connection, NULL,
			      MHD_OPTION_THREAD_POOL_SIZE, threads_by_cores(), MHD_OPTION_END))
		_exit(1);
	for (;;)
		pause();
}

void yardstick_start(struct yardstick *yardstick)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t bytes = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t parent = getpid(), pid;

	if (listener < 0 || bind(listener, (struct sockaddr *)&address, bytes) != 0 ||
	    listen(listener, BACKLOG) != 0 || getsockname(listener, (struct sockaddr *)&address, &bytes) != 0)
		sqs_fail("the yardstick cannot listen: %m");
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		serve(yardstick, listener, parent);
	if (pid < 0)
		sqs_fail("fork: %m");
	close(listener);
	yardstick->program = (struct program){.pid = pid, .said = -1, .port = ntohs(address.sin_port)};
}

void yardstick_end(struct yardstick *yardstick)
{
	program_end(&yardstick->program);
	for (uint32_t i = 0; i < yardstick->count; i++)
		free(yardstick->answers[i].body);
	*yardstick = (struct yardstick){0};
}
