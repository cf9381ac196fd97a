/* The listening socket. */
#include "gateway/listener.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

/* The descriptor, or a negative errno. */
static int try_address(const struct addrinfo *address)
{
	int one = 1, error, fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	error = -errno;
	close(fd);
	return error;
}

int listener_open(const char *host, uint16_t port, char ret_fault[256])
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *addresses;
	char text[8];
	int result;

	snprintf(text, sizeof(text), "%u", port);
	result = getaddrinfo(host, text, &hints, &addresses);
	if (result) {
		snprintf(ret_fault, 256, "cannot listen on %s port %u: %s", host, port, gai_strerror(result));
		return -EADDRNOTAVAIL;
	}
	result = -EADDRNOTAVAIL;
	for (const struct addrinfo *address = addresses; address && result < 0; address = address->ai_next)
		result = try_address(address);
	freeaddrinfo(addresses);
	if (result < 0)
		snprintf(ret_fault, 256, "cannot listen on %s port %u: %s", host, port, strerror(-result));
	return result;
}

void listener_url(int fd, bool is_tls, char ret_url[LISTENER_URL_BYTES])
{
	struct sockaddr_storage address = {0};
	socklen_t bytes = sizeof(address);
	char host[64] = "", port[8] = "";
	bool is_v6;

	getsockname(fd, (struct sockaddr *)&address, &bytes);
	getnameinfo((struct sockaddr *)&address, bytes, host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	is_v6 = strchr(host, ':') != NULL;
	snprintf(ret_url, LISTENER_URL_BYTES, "http%s://%s%s%s:%s", is_tls ? "s" : "", is_v6 ? "[" : "", host,
		 is_v6 ? "]" : "", port);
}
