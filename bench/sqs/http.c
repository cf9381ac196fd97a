#include "bench/sqs/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM_FIRST = 4096, SHOWN_MAX = 400 };

void sqs_fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

/* ---- the connection ------------------------------------------------------------------------------ */

static bool dial(struct http *http)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(http->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int one = 1;

	http->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (http->fd < 0)
		sqs_fail("socket: %m");
	setsockopt(http->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(http->fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return true;
	close(http->fd);
	http->fd = -1;
	return false;
}

bool http_try_open(struct http *http, uint16_t port)
{
	*http = (struct http){.port = port, .in_room = ROOM_FIRST};
	if (!dial(http))
		return false;
	http->in = malloc(http->in_room);
	if (http->in == NULL)
		sqs_fail("no memory");
	return true;
}

void http_open(struct http *http, uint16_t port)
{
	if (!http_try_open(http, port))
		sqs_fail("port %u: %m", port);
}

void http_close(struct http *http)
{
	if (http->fd >= 0)
		close(http->fd);
	free(http->in);
	*http = (struct http){.fd = -1};
}

void http_send(struct http *http, const char *text, size_t bytes)
{
	http->in_bytes = 0;
	if (http->fd < 0 && !dial(http))
		sqs_fail("port %u: %m", http->port);
	while (bytes > 0) {
		ssize_t sent = send(http->fd, text, bytes, MSG_NOSIGNAL);

		if (sent < 0)
			sqs_fail("send to port %u: %m", http->port);
		text += sent;
		bytes -= (size_t)sent;
	}
}

/* ---- answers ------------------------------------------------------------------------------------- */

void http_header(const struct http_answer *answer, const char *name, char *ret_value, size_t room)
{
	size_t name_bytes = strlen(name);

	ret_value[0] = '\0';
	for (const char *at = answer->head; at;) {
		if (strncasecmp(at, name, name_bytes) == 0 && at[name_bytes] == ':') {
			at += name_bytes + 1;
			at += strspn(at, " ");
			snprintf(ret_value, room, "%.*s", (int)strcspn(at, "\r"), at);
			return;
		}
		at = memchr(at, '\n', (size_t)(answer->head + answer->head_bytes - at));
		if (at && ++at == answer->head + answer->head_bytes)
			at = NULL;
	}
}

static bool parse(struct http *http, struct http_answer *ret_answer)
{
	const char *end;
	char value[32];

	http->in[http->in_bytes] = '\0';
	end = memmem(http->in, http->in_bytes, "\r\n\r\n", 4);
	if (end == NULL)
		return false;
	*ret_answer =
		(struct http_answer){.head = http->in, .head_bytes = (size_t)(end + 2 - http->in), .body = end + 4};
	if (sscanf(http->in, "HTTP/1.%*1[01] %d", &ret_answer->status) != 1)
		sqs_fail("port %u answers no HTTP: %.*s", http->port, SHOWN_MAX, http->in);
	http_header(ret_answer, "Content-Length", value, sizeof(value));
	if (value[0] == '\0')
		sqs_fail("port %u: an answer without Content-Length: %.*s", http->port, SHOWN_MAX, http->in);
	ret_answer->body_bytes = strtoul(value, NULL, 10);
	if (http->in_bytes < (size_t)(ret_answer->body - http->in) + ret_answer->body_bytes)
		return false;
	http_header(ret_answer, "Connection", value, sizeof(value));
	if (strcasecmp(value, "close") == 0) {
		close(http->fd);
		http->fd = -1;
	}
	return true;
}

bool http_receive(struct http *http, struct http_answer *ret_answer)
{
	ssize_t got;

	if (http->in_bytes + 1 >= http->in_room) {
		http->in = realloc(http->in, http->in_room *= 2);
		if (http->in == NULL)
			sqs_fail("no memory");
	}
	got = recv(http->fd, http->in + http->in_bytes, http->in_room - http->in_bytes - 1, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (got < 0)
		sqs_fail("port %u: %m", http->port);
	if (got == 0)
		sqs_fail("port %u: the server has hung up amid an answer", http->port);
	http->in_bytes += (size_t)got;
	return parse(http, ret_answer);
}

void http_await(struct http *http, struct http_answer *ret_answer)
{
	struct pollfd readable = {.fd = http->fd, .events = POLLIN};

	do
		if (poll(&readable, 1, HTTP_PATIENCE_MS) == 0)
			sqs_fail("port %u does not answer", http->port);
	while (!http_receive(http, ret_answer));
}
