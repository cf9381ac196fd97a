/* What a request does on its way through the server, over a real connection. The linker hands calls of what stands
 * under the server to the test first (--wrap). */
#include "gateway/security.h"
#include "gateway/server.h"
#include "tests/gateway/gateway_fixture.h"
#include "tests/gateway/keys_file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

struct MHD_Connection;
struct MHD_Daemon;

static struct server *server;
static struct rlq_queue *queue;
static atomic_int arms, suspended;
static int no_handle, no_notes; /* why they cannot be had */

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

int __wrap_handles_get(struct handles *handles, const char *name, struct rlq_queue **ret_queue);
int __real_handles_get(struct handles *handles, const char *name, struct rlq_queue **ret_queue);
int __wrap_notes_read(struct notes *notes, struct rlq_queue *of, json_t **ret_notes);
int __real_notes_read(struct notes *notes, struct rlq_queue *of, json_t **ret_notes);

int __wrap_handles_get(struct handles *handles, const char *name, struct rlq_queue **ret_queue)
{
	return no_handle ? no_handle : __real_handles_get(handles, name, ret_queue);
}

int __wrap_notes_read(struct notes *notes, struct rlq_queue *of, json_t **ret_notes)
{
	return no_notes ? no_notes : __real_notes_read(notes, of, ret_notes);
}

/* ---- a client ----------------------------------------------------------------------------------- */

static int connect_client(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = htons((uint16_t)atoi(strrchr(server_url(server), ':') + 1));
	cr_assert_eq(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	return client;
}

static void say(int client, const char *path, const char *version)
{
	char request[1024];
	int bytes = snprintf(request, sizeof(request), "GET %s HTTP/%s\r\nHost: localhost\r\n\r\n", path, version);

	cr_assert_eq(write(client, request, (size_t)bytes), bytes);
}

static int ask(const char *query)
{
	int client = connect_client();
	char path[512];

	snprintf(path, sizeof(path), "/?%s", query);
	say(client, path, "1.0");
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

/* ---- what is malformed ------------------------------------------------------------------------- */

Test(server, a_host_that_is_no_text_does_not_make_queues_vanish)
{
	static const char request[] = "GET /?Action=ListQueues HTTP/1.0\r\nHost: \xff\r\n\r\n";
	int client = connect_client();

	cr_assert_eq(write(client, request, strlen(request)), (ssize_t)strlen(request));
	cr_expect_not_null(strstr(answer(client), "<QueueUrl>http://localhost/000000000000/q</QueueUrl>"));
}

/* ---- policies ----------------------------------------------------------------------------------- */

static bool let_all_receive(json_t *notes, void *context)
{
	(void)context;
	json_object_set_new(json_object_get(notes, "attributes"), "Policy",
			    json_string("{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", "
					"\"Principal\": \"*\", \"Action\": \"sqs:ReceiveMessage\", "
					"\"Resource\": \"*\"}]}"));
	return true;
}

static bool is_answered(const char *status)
{
	return strncmp(answer(ask("Action=ReceiveMessage&QueueUrl=q")) + strlen("HTTP/1.1 "), status, 3) == 0;
}

/* Else what it denies would be allowed meanwhile. */
Test(server, a_policy_that_cannot_be_read_is_not_taken_for_none)
{
	char fault[CREDENTIALS_TEXT_BYTES];

	keys_begin();
	keys_write("[a]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = secret\n", 0600);
	gateway.credentials = credentials_open(keys_path, gateway.account, fault);
	cr_assert_not_null(gateway.credentials, "%s", fault);
	cr_expect(is_answered("403"));
	cr_assert_eq(notes_change(gateway.notes, queue, let_all_receive, NULL), 0);
	cr_expect(is_answered("200"));
	no_notes = -EMFILE;
	cr_expect(is_answered("503"));
	no_notes = 0;
	no_handle = -EMFILE;
	cr_expect(is_answered("503"));
	no_handle = RLQ_ENOQUEUE;
	cr_expect(is_answered("403"), "of no queue there is no policy");
	no_handle = 0;
	credentials_close(gateway.credentials);
	keys_end();
}

/* ---- the end ------------------------------------------------------------------------------------ */

static int late_client = -1; /* asks for what waits for a disk once nobody is there to wait */

void __wrap_MHD_stop_daemon(struct MHD_Daemon *daemon);
void __real_MHD_stop_daemon(struct MHD_Daemon *daemon);

void __wrap_MHD_stop_daemon(struct MHD_Daemon *daemon)
{
	if (late_client >= 0) {
		say(late_client, "/?Action=CreateQueue&QueueName=late", "1.1");
		cr_expect_str_eq(answer(late_client), "", "it is closed without an answer");
	}
	__real_MHD_stop_daemon(daemon);
}

Test(server, a_request_that_comes_as_it_ends_is_let_go)
{
	char c = 0;

	late_client = connect_client();
	say(late_client, "/health", "1.1");
	while (c != '}') /* the end of the answer */
		cr_assert_eq(read(late_client, &c, 1), 1);
	server_close(server);
	server = NULL;
}
