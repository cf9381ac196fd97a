/* HTTP by libmicrohttpd: threads with an epoll each, connections that are kept, receives that are suspended. */
#include "gateway/server.h"

#include "gateway/access_log.h"
#include "gateway/front.h"
#include "gateway/gateway.h"
#include "gateway/handles.h"
#include "gateway/request_id.h"
#include "gateway/waiting.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HANDLES_OPEN_MAX = 256, BODY_FIRST_BYTES = 4096, BACKLOG = 1024, STOP_SECONDS_MAX = 2 };

struct server {
	struct gateway *gateway;
	struct server_options options;
	struct MHD_Daemon *daemon;
	struct waiting *waiting;
	pthread_key_t handles; /* of each thread */
	pthread_mutex_t lock;
	pthread_cond_t is_quiet; /* no exchange is left */
	uint32_t exchanges;	 /* under way */
	int listener;
	char url[128];
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- exchanges ----------------------------------------------------------------------------------- */

static void count_exchange(struct server *server, int change)
{
	pthread_mutex_lock(&server->lock);
	server->exchanges += (uint32_t)change;
	if (server->exchanges == 0)
		pthread_cond_signal(&server->is_quiet);
	pthread_mutex_unlock(&server->lock);
}

/* A request begins: `uri` as it was sent. What this returns comes with every call for the request. */
static void *exchange_begin(void *context, const char *uri, struct MHD_Connection *connection)
{
	struct exchange *exchange = calloc(1, sizeof(*exchange));
	const char *question = strchr(uri, '?');

	if (exchange == NULL)
		return NULL;
	exchange->connection = connection;
	exchange->path = question ? strndup(uri, (size_t)(question - uri)) : strdup(uri);
	exchange->query = strdup(question ? question + 1 : "");
	exchange->begun_ms = now_ms();
	if (exchange->path && exchange->query) {
		count_exchange(context, 1);
		return exchange;
	}
	free(exchange->path);
	free(exchange->query);
	free(exchange);
	return NULL;
}

static void exchange_free(struct exchange *exchange)
{
	front_drop(exchange);
	free(exchange->path);
	free(exchange->query);
	free(exchange->body);
	free(exchange);
}

/* False: out of memory. What is too large is read, and not kept. */
static bool exchange_add(struct exchange *exchange, const char *data, size_t bytes, size_t bytes_max)
{
	if (bytes > bytes_max - exchange->body_bytes)
		exchange->is_too_large = true;
	if (exchange->is_too_large)
		return true;
	if (exchange->body_room - exchange->body_bytes < bytes) {
		size_t room = exchange->body_room ? exchange->body_room : BODY_FIRST_BYTES;
		char *larger;

		while (room - exchange->body_bytes < bytes)
			room *= 2;
		larger = realloc(exchange->body, room);
		if (larger == NULL)
			return false;
		exchange->body = larger;
		exchange->body_room = room;
	}
	memcpy(exchange->body + exchange->body_bytes, data, bytes);
	exchange->body_bytes += bytes;
	return true;
}

/* ---- one request --------------------------------------------------------------------------------- */

static const char *header_of(void *context, const char *name)
{
	return MHD_lookup_connection_value(context, MHD_HEADER_KIND, name);
}

static struct handles *handles_of_thread(struct server *server)
{
	struct handles *handles = pthread_getspecific(server->handles);

	if (handles == NULL) {
		handles = handles_open(server->gateway->directory, HANDLES_OPEN_MAX);
		pthread_setspecific(server->handles, handles);
	}
	return handles;
}

static void drop_handles(void *handles)
{
	handles_close(handles);
}

static enum MHD_Result send_answer(struct exchange *exchange)
{
	struct answer *answer = &exchange->answer;
	struct MHD_Response *response =
		MHD_create_response_from_buffer(answer->body_bytes, answer->body, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result result;

	if (response == NULL)
		return MHD_NO;
	answer->body = NULL; /* the response's own now */
	if (answer->content_type)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->content_type);
	MHD_add_response_header(response, "x-amzn-RequestId", exchange->request_id);
	if (answer->query_error[0])
		MHD_add_response_header(response, "x-amzn-query-error", answer->query_error);
	result = MHD_queue_response(exchange->connection, (unsigned)answer->status, response);
	MHD_destroy_response(response);
	return result;
}

/* Is a message of use to this client? */
static bool has_hung_up(const struct exchange *exchange)
{
	struct pollfd client = {.events = POLLRDHUP};

	client.fd = MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	return waiter_has_hung_up(exchange->waiter) || poll(&client, 1, 0) == 1;
}

enum turn { TURN_ANSWERS, TURN_SUSPENDED, TURN_GONE };

/* A receive that has found nothing looks again once it hears of messages, and is suspended if there are none. */
static enum turn wait_for_message(struct server *server, struct exchange *exchange,
				  const struct front_request *request, struct handles *handles)
{
	struct call *call = &exchange->call;

	for (;;) {
		if (has_hung_up(exchange))
			return TURN_GONE;
		call->is_last = waiter_is_late(exchange->waiter);
		if (!call->is_last && waiting_prepare(server->waiting, &exchange->waiter, call->queue,
						      exchange->connection, call->wait_until_ms) != 0)
			call->is_last = true;
		if (front_handle(server->gateway, handles, exchange, request) == FRONT_ANSWERED)
			return TURN_ANSWERS;
		if (waiting_suspend(server->waiting, exchange->waiter))
			return TURN_SUSPENDED;
	}
}

static enum MHD_Result answer(struct server *server, struct exchange *exchange)
{
	const struct front_request request = {
		.header = header_of, .context = exchange->connection, .is_tls = server->options.tls_key != NULL};
	struct handles *handles = handles_of_thread(server);
	enum turn turn = TURN_ANSWERS;

	if (handles == NULL)
		return MHD_NO;
	if (exchange->waiter || front_handle(server->gateway, handles, exchange, &request) == FRONT_WAITS)
		turn = wait_for_message(server, exchange, &request, handles);
	if (turn == TURN_SUSPENDED)
		return MHD_YES;
	waiting_end(server->waiting, exchange->waiter);
	exchange->waiter = NULL;
	if (turn == TURN_GONE)
		return MHD_NO;
	if (server->options.logs_access)
		access_log(exchange, now_ms() - exchange->begun_ms);
	return send_answer(exchange);
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
			      const char *version, const char *data, size_t *data_bytes, void **request_context)
{
	struct server *server = context;
	struct exchange *exchange = *request_context;

	(void)connection;
	(void)url;
	(void)version;
	if (exchange == NULL)
		return MHD_NO;
	if (exchange->method == NULL) {
		exchange->method = method;
		request_id_make(exchange->request_id);
		return MHD_YES;
	}
	if (*data_bytes > 0) {
		bool is_kept = exchange_add(exchange, data, *data_bytes, server->options.body_bytes_max);

		*data_bytes = 0;
		return is_kept ? MHD_YES : MHD_NO;
	}
	return answer(server, exchange);
}

static void exchange_end(void *context, struct MHD_Connection *connection, void **request_context,
			 enum MHD_RequestTerminationCode how)
{
	struct server *server = context;
	struct exchange *exchange = *request_context;
	struct handles *handles = handles_of_thread(server);

	(void)connection;
	if (exchange == NULL)
		return;
	waiting_end(server->waiting, exchange->waiter);
	if (how != MHD_REQUEST_TERMINATED_COMPLETED_OK && handles)
		front_undelivered(handles, exchange);
	exchange_free(exchange);
	*request_context = NULL;
	count_exchange(server, -1);
}

/* ---- the server ---------------------------------------------------------------------------------- */

static int fault(char ret_fault[256], int error, const char *what, const char *why)
{
	snprintf(ret_fault, 256, "%s: %s", what, why);
	return error;
}

static int try_address(struct server *server, const struct addrinfo *address)
{
	int one = 1, fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	server->listener = fd;
	return 0;
}

static int start_listening(struct server *server, char ret_fault[256])
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	char port[8], what[160];
	struct addrinfo *addresses;
	int error;

	snprintf(port, sizeof(port), "%u", server->options.port);
	snprintf(what, sizeof(what), "cannot listen on %s port %s", server->options.host, port);
	error = getaddrinfo(server->options.host, port, &hints, &addresses);
	if (error)
		return fault(ret_fault, -EADDRNOTAVAIL, what, gai_strerror(error));
	error = -EADDRNOTAVAIL;
	for (const struct addrinfo *address = addresses; address && error; address = address->ai_next)
		error = try_address(server, address);
	freeaddrinfo(addresses);
	return error ? fault(ret_fault, error, what, strerror(-error)) : 0;
}

/* Where it really listens: port 0 has become another. */
static void note_url(struct server *server)
{
	struct sockaddr_storage address = {0};
	socklen_t bytes = sizeof(address);
	char host[64] = "", port[8] = "";
	bool is_v6;

	getsockname(server->listener, (struct sockaddr *)&address, &bytes);
	getnameinfo((struct sockaddr *)&address, bytes, host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	is_v6 = strchr(host, ':') != NULL;
	snprintf(server->url, sizeof(server->url), "http%s://%s%s%s:%s", server->options.tls_key ? "s" : "",
		 is_v6 ? "[" : "", host, is_v6 ? "]" : "", port);
}

static int start_daemon(struct server *server, char ret_fault[256])
{
	const struct server_options *options = &server->options;
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC;
	const struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)options->tls_certificate},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)options->tls_key},
		{MHD_OPTION_END, 0, NULL},
	};
	const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};

	if (options->tls_key)
		flags |= MHD_USE_TLS;
	server->daemon =
		MHD_start_daemon(flags, 0, NULL, NULL, handle, server, MHD_OPTION_LISTEN_SOCKET, server->listener,
				 MHD_OPTION_URI_LOG_CALLBACK, exchange_begin, server, MHD_OPTION_NOTIFY_COMPLETED,
				 exchange_end, server, MHD_OPTION_CONNECTION_LIMIT, options->connections_max,
				 MHD_OPTION_CONNECTION_TIMEOUT, options->idle_seconds,
				 MHD_OPTION_CONNECTION_MEMORY_LIMIT, options->header_bytes_max,
				 MHD_OPTION_THREAD_POOL_SIZE, options->threads, MHD_OPTION_ARRAY,
				 options->tls_key ? tls : none, MHD_OPTION_END);
	if (server->daemon)
		return 0;
	return fault(ret_fault, -EIO, "cannot serve",
		     options->tls_key ? "certificate and key do not fit, or there are no threads left"
				      : "there are no threads or descriptors left");
}

static int start(struct server *server, char ret_fault[256])
{
	int error = start_listening(server, ret_fault);

	if (error)
		return error;
	note_url(server);
	error = waiting_open(server->gateway->directory, &server->waiting);
	if (error)
		return fault(ret_fault, error, "cannot watch the queues", rlq_strerror(error));
	return start_daemon(server, ret_fault);
}

int server_open(struct gateway *gateway, const struct server_options *options, struct server **ret_server,
		char ret_fault[256])
{
	struct server *server = calloc(1, sizeof(*server));
	int error;

	if (server == NULL)
		return fault(ret_fault, -ENOMEM, "cannot serve", "out of memory");
	server->gateway = gateway;
	server->options = *options;
	server->listener = -1;
	pthread_key_create(&server->handles, drop_handles);
	pthread_mutex_init(&server->lock, NULL);
	pthread_cond_init(&server->is_quiet, NULL);
	error = start(server, ret_fault);
	if (error)
		server_close(server);
	else
		*ret_server = server;
	return error;
}

const char *server_url(const struct server *server)
{
	return server->url;
}

/* What has begun may end, unless it takes too long: a client that sends slowly, or does not read. */
static void wait_for_exchanges(struct server *server)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_SECONDS_MAX;
	pthread_mutex_lock(&server->lock);
	while (server->exchanges > 0 && pthread_cond_timedwait(&server->is_quiet, &server->lock, &until) == 0)
		;
	pthread_mutex_unlock(&server->lock);
}

void server_close(struct server *server)
{
	if (server == NULL)
		return;
	if (server->daemon) {
		int listener = MHD_quiesce_daemon(server->daemon);

		waiting_stop(server->waiting);
		wait_for_exchanges(server);
		MHD_stop_daemon(server->daemon);
		server->listener = listener;
	} else if (server->waiting)
		waiting_stop(server->waiting);
	waiting_close(server->waiting);
	if (server->listener >= 0)
		close(server->listener);
	handles_close(pthread_getspecific(server->handles));
	pthread_key_delete(server->handles);
	pthread_cond_destroy(&server->is_quiet);
	pthread_mutex_destroy(&server->lock);
	free(server);
}
