/* What a request does on its way through the server, over a real connection. The linker hands calls of what stands
 * under the server to the test first (--wrap). */
#include "gateway/server.h"
#include "tests/gateway/gateway_fixture.h"

#include <arpa/inet.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

struct MHD_Connection;

static struct server *server;
static struct rlq_queue *queue;
static atomic_int arms, suspended;

/* ---- calls on their way ------------------------------------------------------------------------- */

int __wrap_rlq_watch_arm(struct rlq_watch *watch, const char *name, void *context);
int __real_rlq_watch_arm(struct rlq_watch *watch, const char *name, void *context);
void __wrap_MHD_suspend_connection(struct MHD_Connection *connection);
void __real_MHD_suspend_connection(struct MHD_Connection *connection);

int __wrap_rlq_watch_arm(struct rlq_watch *watch, const char *name, void *context)
{
	atomic_fetch_add(&arms, 1);
	return __real_rlq_watch_arm(watch, name, context);
}

void __wrap_MHD_suspend_connection(struct MHD_Connection *connection)
{
	__real_MHD_suspend_connection(connection);
	atomic_fetch_add(&suspended, 1);
}

/* ---- a client ----------------------------------------------------------------------------------- */

static int ask(const char *query)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char request[1024];
	int bytes = snprintf(request, sizeof(request), "GET /?%s HTTP/1.0\r\nHost: localhost\r\n\r\n", query);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = htons((uint16_t)atoi(strrchr(server_url(server), ':') + 1));
	cr_assert_eq(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(write(client, request, (size_t)bytes), bytes);
	return client;
}

/* Until the next call. */
static const char *answer(int client)
{
	static char text[16 * 1024];
	size_t bytes = 0;
	ssize_t more;

	while ((more = read(client, text + bytes, sizeof(text) - 1 - bytes)) > 0)
		bytes += (size_t)more;
	close(client);
	text[bytes] = '\0';
	return text;
}

static void set_up(void)
{
	const struct server_options options = {
		.host = "127.0.0.1",
		.threads = 1,
		.workers_max = 1,
		.connections_max = 8,
		.idle_seconds = 60,
		.request_seconds = 60,
		.body_bytes_max = 1 << 20,
		.header_bytes_max = 32 * 1024,
	};
	char fault[256];

	actions_begin();
	queue = queue_make("q", NULL);
	cr_assert_eq(server_open(&gateway, &options, &server, fault), 0, "%s", fault);
}

static void tear_down(void)
{
	server_close(server);
	actions_end();
}

TestSuite(server, .init = set_up, .fini = tear_down, .timeout = 60);

/* An arm has a thread of the watch go once round; it is only for who waits again. */
Test(server, a_receive_that_is_resumed_looks_before_it_waits_again)
{
	int client = ask("Action=ReceiveMessage&QueueUrl=q&WaitTimeSeconds=20");

	while (suspended == 0)
		sched_yield();
	send_text(queue, "a");
	cr_expect_not_null(strstr(answer(client), "<Body>a</Body>"));
	cr_expect_eq(arms, 1);
}

Test(server, a_receive_that_finds_something_does_not_wait)
{
	send_text(queue, "a");
	cr_expect_not_null(
		strstr(answer(ask("Action=ReceiveMessage&QueueUrl=q&WaitTimeSeconds=20")), "<Body>a</Body>"));
	cr_expect_eq(arms, 0);
}
