/* The access log. */
#include "gateway/access_log.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

static void stamp(char *ret_text, size_t bytes)
{
	struct timespec now;
	struct tm utc;
	size_t length = 0;

	clock_gettime(CLOCK_REALTIME, &now);
	if (gmtime_r(&now.tv_sec, &utc))
		length = strftime(ret_text, bytes, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(ret_text + length, bytes - length, ".%03ldZ", now.tv_nsec / 1000000);
}

static void client_of(const struct exchange *exchange, char *ret_text, size_t bytes)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	socklen_t length;

	ret_text[0] = '\0';
	if (info == NULL)
		return;
	length =
		info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	getnameinfo(info->client_addr, length, ret_text, (socklen_t)bytes, NULL, 0, NI_NUMERICHOST);
}

/* A request's own bytes must not look like another line. */
static void put_safely(const char *text, char *ret_text, size_t bytes)
{
	size_t i = 0;

	for (; text[i] && i + 1 < bytes; i++)
		ret_text[i] = text[i] > ' ' && text[i] < 127 ? text[i] : '?';
	ret_text[i] = '\0';
}

void access_log(const struct exchange *exchange, int64_t took_ms)
{
	const struct failure *failure = &exchange->call.failure;
	char when[40], client[64], path[256], line[1024];
	int length;

	stamp(when, sizeof(when));
	client_of(exchange, client, sizeof(client));
	put_safely(exchange->path, path, sizeof(path));
	length = snprintf(line, sizeof(line), "%s %s %s %s %s %s %d %zu %lldms %s %s\n", when, client,
			  exchange->method, path, exchange->action ? exchange->action->name : "-",
			  exchange->call.queue[0] ? exchange->call.queue : "-", exchange->answer.status,
			  exchange->answer.body_bytes, (long long)took_ms, exchange->request_id,
			  failure->code ? failure_text(failure->code)->query : "-");
	/* One write for a line: lines of several threads do not mix. */
	fwrite(line, 1, (size_t)(length < (int)sizeof(line) ? length : (int)sizeof(line) - 1), stderr);
}
