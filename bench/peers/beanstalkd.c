/* beanstalkd with a binlog that is flushed at each write (-f0). In batches puts, deletes and reserves are
 * pipelined. */
#include "bench/peers/peer.h"
#include "bench/peers/server.h"
#include "bench/team.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { OUT_BYTES = PEER_BATCH_MAX * (PEER_BODY_MAX + 64) };

struct client {
	int fd;
	FILE *in;
	uint64_t held[PEER_BATCH_MAX];
	uint32_t held_count;
	size_t out_bytes;
	char out[OUT_BYTES];
};

static struct server server;
static struct sockaddr_un address = {.sun_family = AF_UNIX};

static int connect_once(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static const char *start(void)
{
	char program[SERVER_PATH_MAX], listen[SERVER_PATH_MAX];
	double since = seconds_now();
	int fd;

	if (!server_prepare(&server, "beanstalkd") || !server_find(&server, "usr/bin/beanstalkd", program))
		return server.why;
	snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/socket", server.folder);
	snprintf(listen, sizeof(listen), "unix:%s", address.sun_path);
	server_start(&server, (const char *const[]){program, "-l", listen, "-b", server.folder, "-f0", NULL},
		     SIGTERM);
	while ((fd = connect_once()) < 0)
		if (!server_await(&server, since))
			return server.why;
	close(fd);
	return NULL;
}

static void *open_client(uint32_t number)
{
	struct client *client = calloc(1, sizeof(*client));

	(void)number;
	if (!client || (client->fd = connect_once()) < 0 || !(client->in = fdopen(client->fd, "r")))
		peer_fail("beanstalkd: cannot connect to %s", address.sun_path);
	return client;
}

static void close_client(void *context)
{
	struct client *client = context;

	fclose(client->in);
	free(client);
}

/* ---- the protocol ----------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void add(struct client *client, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	client->out_bytes += (size_t)vsnprintf(client->out + client->out_bytes, OUT_BYTES - client->out_bytes,
					       format, arguments);
	va_end(arguments);
}

static void flush(struct client *client)
{
	for (size_t done = 0; done < client->out_bytes;) {
		ssize_t wrote = write(client->fd, client->out + done, client->out_bytes - done);

		if (wrote < 0)
			peer_fail("beanstalkd: %m");
		done += (size_t)wrote;
	}
	client->out_bytes = 0;
}

static void read_line(struct client *client, char *ret_line, int bytes)
{
	if (!fgets(ret_line, bytes, client->in))
		peer_fail("beanstalkd: the connection broke");
}

static void expect(struct client *client, const char *word)
{
	char line[128];

	read_line(client, line, sizeof(line));
	if (strncmp(line, word, strlen(word)) != 0)
		peer_fail("beanstalkd: %s instead of %s", line, word);
}

static void send_all(void *context, const struct bodies *bodies)
{
	struct client *client = context;

	for (uint32_t i = 0; i < bodies->count; i++) {
		add(client, "put 0 0 120 %u\r\n", bodies->bytes);
		memcpy(client->out + client->out_bytes, bodies->at + (size_t)i * bodies->bytes, bodies->bytes);
		client->out_bytes += bodies->bytes;
		add(client, "\r\n");
	}
	flush(client);
	for (uint32_t i = 0; i < bodies->count; i++)
		expect(client, "INSERTED");
}

/* The answer to one reserve. */
static void reserved(struct client *client, uint64_t *sum)
{
	char line[128], body[PEER_BODY_MAX + 2];
	uint64_t id;
	size_t bytes;

	read_line(client, line, sizeof(line));
	if (strncmp(line, "TIMED_OUT", 9) == 0)
		return;
	if (sscanf(line, "RESERVED %" SCNu64 " %zu", &id, &bytes) != 2 || bytes > PEER_BODY_MAX)
		peer_fail("beanstalkd: %s instead of RESERVED", line);
	if (fread(body, bytes + 2, 1, client->in) != 1)
		peer_fail("beanstalkd: the connection broke");
	*sum += body_number(body, bytes);
	client->held[client->held_count++] = id;
}

static uint32_t receive(void *context, uint32_t max, uint64_t *sum)
{
	struct client *client = context;

	(void)max;
	client->held_count = 0;
	add(client, "reserve-with-timeout 1\r\n"); /* the least */
	flush(client);
	reserved(client, sum);
	return client->held_count;
}

static uint32_t turn(void *context, uint32_t max, uint64_t *sum)
{
	struct client *client = context;
	uint32_t deletes = client->held_count;

	for (uint32_t i = 0; i < deletes; i++)
		add(client, "delete %" PRIu64 "\r\n", client->held[i]);
	for (uint32_t i = 0; i < max; i++)
		add(client, "reserve-with-timeout 0\r\n");
	flush(client);
	for (uint32_t i = 0; i < deletes; i++)
		expect(client, "DELETED");
	client->held_count = 0;
	for (uint32_t i = 0; i < max; i++)
		reserved(client, sum);
	return client->held_count;
}

const struct peer peer_beanstalkd = {
	.name = "beanstalkd",
	.pattern = "-b DIR -f0: put; reserve-with-timeout; delete; pipelined in batches",
	.start = start,
	.open = open_client,
	.close = close_client,
	.send = send_all,
	.receive = receive,
	.turn = turn,
};
