/* HTTP by libmicrohttpd: threads with an epoll each, connections that are kept, receives that are suspended. */
#include "gateway/server.h"

#include "gateway/access_log.h"
#include "gateway/clock.h"
#include "gateway/connections.h"
#include "gateway/front.h"
#include "gateway/gateway.h"
#include "gateway/handles.h"
#include "gateway/listener.h"
#include "gateway/request_id.h"
#include "gateway/waiting.h"
#include "gateway/workers.h"

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HANDLES_OPEN_MAX = 256, STOP_SECONDS_MAX = 2 };

struct server {
	struct gateway *gateway;
	struct server_options options;
	struct MHD_Daemon *daemon;
	struct waiting *waiting;
	struct connections *connections;
	struct workers *workers;
	pthread_key_t handles; /* of each thread */
	pthread_mutex_t lock;
	pthread_cond_t is_quiet; /* no exchange is left */
	uint32_t exchanges;	 /* under way */
	int listener;
	char url[LISTENER_URL_BYTES];
};

/* ---- exchanges ----------------------------------------------------------------------------------- */

static void count_exchange(struct server *server, int change)
{
	pthread_mutex_lock(&server->lock);
	server->exchanges += (uint32_t)change;
	if (server->exchanges == 0)
		pthread_cond_signal(&server->is_quiet);
	pthread_mutex_unlock(&server->lock);
}

/* A request begins. What this returns comes with every call for the request. */
static void *begin_exchange(void *context, const char *uri, struct MHD_Connection *connection)
{
	struct exchange *exchange = exchange_make(uri, connection);

	if (exchange)
		count_exchange(context, 1);
	return exchange;
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

static struct connection *connection_of(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static void note_connection(void *context, struct MHD_Connection *connection, void **socket_context,
			    enum MHD_ConnectionNotificationCode how)
{
	struct server *server = context;

	if (how == MHD_CONNECTION_NOTIFY_STARTED)
		*socket_context = connection_begin(
			server->connections,
			MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
	else
		connection_end(server->connections, *socket_context);
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
	return poll(&client, 1, 0) == 1;
}

enum turn { TURN_ANSWERS, TURN_SUSPENDED, TURN_GONE };

/* A receive that has found nothing looks again once it hears of messages, and is suspended if there are none. */
static enum turn wait_for_message(struct server *server, struct exchange *exchange, struct handles *handles)
{
	struct call *call = &exchange->call;

	for (;;) {
		if (has_hung_up(exchange))
			return TURN_GONE;
		call->is_last = waiter_is_late(exchange->waiter);
		if (!call->is_last && waiting_prepare(server->waiting, &exchange->waiter, call->queue,
						      exchange->connection, call->wait_until_ms) != 0)
			call->is_last = true;
		if (front_run(handles, exchange) == FRONT_ANSWERED)
			return TURN_ANSWERS;
		if (waiting_suspend(server->waiting, exchange->waiter))
			return TURN_SUSPENDED;
	}
}

/* Resumed, mostly since there is a message: what a longer wait takes can come later. */
static enum turn look_again(struct server *server, struct exchange *exchange, struct handles *handles)
{
	exchange->call.is_last = waiter_is_late(exchange->waiter);
	if (!has_hung_up(exchange) && front_run(handles, exchange) == FRONT_ANSWERED)
		return TURN_ANSWERS;
	return wait_for_message(server, exchange, handles);
}

/* On a thread of its own: what may wait for a disk. */
static void work(struct handles *handles, struct exchange *exchange)
{
	struct MHD_Connection *connection = exchange->connection;

	exchange->is_answered = handles && front_run(handles, exchange) == FRONT_ANSWERED;
	MHD_resume_connection(connection); /* the exchange may be gone from here on */
}

static enum turn hand_over(struct server *server, struct exchange *exchange)
{
	struct MHD_Connection *connection = exchange->connection;

	exchange->is_handed_over = true;
	MHD_suspend_connection(connection);
	/* Without any thread the connection is closed. */
	if (workers_add(server->workers, exchange) != 0)
		MHD_resume_connection(connection);
	return TURN_SUSPENDED;
}

static enum turn begin(struct server *server, struct exchange *exchange, struct handles *handles)
{
	const struct front_request request = {
		.header = header_of, .context = exchange->connection, .is_tls = server->options.tls_key != NULL};

	exchange->is_read = true;
	if (front_read(server->gateway, handles, exchange, &request) == FRONT_ANSWERED)
		return TURN_ANSWERS;
	if (front_may_wait_for_disk(handles, exchange))
		return hand_over(server, exchange);
	if (front_run(handles, exchange) == FRONT_ANSWERED)
		return TURN_ANSWERS;
	return wait_for_message(server, exchange, handles);
}

static enum turn take_turn(struct server *server, struct exchange *exchange, struct handles *handles)
{
	if (!exchange->is_read)
		return begin(server, exchange, handles);
	if (exchange->is_handed_over)
		return exchange->is_answered ? TURN_ANSWERS : TURN_GONE;
	return look_again(server, exchange, handles);
}

static enum MHD_Result answer(struct server *server, struct exchange *exchange)
{
	struct handles *handles = handles_of_thread(server);
	enum turn turn = handles ? take_turn(server, exchange, handles) : TURN_GONE;

	if (turn == TURN_SUSPENDED)
		return MHD_YES;
	waiting_end(server->waiting, exchange->waiter);
	exchange->waiter = NULL;
	if (turn == TURN_GONE)
		return MHD_NO;
	if (server->options.logs_access)
		access_log(exchange, clock_now_ms() - exchange->begun_ms);
	return send_answer(exchange);
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
			      const char *version, const char *data, size_t *data_bytes, void **request_context)
{
	struct server *server = context;
	struct exchange *exchange = *request_context;

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
	if (!exchange->is_read)
		connection_is_asked(server->connections, connection_of(connection));
	return answer(server, exchange);
}

static void end_exchange(void *context, struct MHD_Connection *connection, void **request_context,
			 enum MHD_RequestTerminationCode how)
{
	struct server *server = context;
	struct exchange *exchange = *request_context;
	struct handles *handles = handles_of_thread(server);

	connection_is_answered(server->connections, connection_of(connection));
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
				 MHD_OPTION_URI_LOG_CALLBACK, begin_exchange, server, MHD_OPTION_NOTIFY_COMPLETED,
				 end_exchange, server, MHD_OPTION_CONNECTION_LIMIT, options->connections_max,
				 MHD_OPTION_CONNECTION_TIMEOUT, options->idle_seconds,
				 MHD_OPTION_CONNECTION_MEMORY_LIMIT, options->header_bytes_max,
				 MHD_OPTION_NOTIFY_CONNECTION, note_connection, server, MHD_OPTION_THREAD_POOL_SIZE,
				 options->threads, MHD_OPTION_ARRAY, options->tls_key ? tls : none, MHD_OPTION_END);
	if (server->daemon)
		return 0;
	return fault(ret_fault, -EIO, "cannot serve",
		     options->tls_key
			     ? "certificate (--tls-cert) and key (--tls-key) are no PEM or do not fit each other"
			     : "there are no threads or descriptors left");
}

static int start(struct server *server, char ret_fault[256])
{
	const struct server_options *options = &server->options;
	int error;

	server->listener = listener_open(options->host, options->port, ret_fault);
	if (server->listener < 0)
		return server->listener;
	listener_url(server->listener, options->tls_key != NULL, server->url);
	error = waiting_open(server->gateway->directory, &server->waiting);
	if (error)
		return fault(ret_fault, error, "cannot watch the queues", rlq_strerror(error));
	error = connections_open(options->request_seconds, &server->connections);
	if (error)
		return fault(ret_fault, error, "cannot look after connections", strerror(-error));
	server->workers = workers_open(server->gateway->directory, options->workers_max, work);
	if (server->workers == NULL)
		return fault(ret_fault, -ENOMEM, "cannot serve", "out of memory");
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
		/* None may be suspended then; what waits for a disk takes as long as that. Requests still come, on
		 * connections that are there. */
		workers_stop(server->workers);
		MHD_stop_daemon(server->daemon);
		server->listener = listener;
	} else if (server->waiting)
		waiting_stop(server->waiting);
	waiting_close(server->waiting);
	workers_close(server->workers);
	connections_close(server->connections);
	if (server->listener >= 0)
		close(server->listener);
	handles_close(pthread_getspecific(server->handles));
	pthread_key_delete(server->handles);
	pthread_cond_destroy(&server->is_quiet);
	pthread_mutex_destroy(&server->lock);
	free(server);
}
