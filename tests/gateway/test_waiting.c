/* Receives that wait: who is resumed, and when. The connections are the test's own; what waits for one that is
 * never resumed ends by its timeout. */
#include "gateway/waiting.h"
#include "tests/support/queue_fixture.h"

#include <criterion/criterion.h>
#include <microhttpd.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FAR_MS = 1000 * 1000, BETWEEN = 100, KEPT_MS = 10 * 1000 /* a queue that is not watched */ };

/* ---- connections -------------------------------------------------------------------------------- */

struct MHD_Connection {
	union MHD_ConnectionInfo info;
	int client; /* the other end */
	_Atomic bool is_suspended;
	struct waiter *waiter;
};

const union MHD_ConnectionInfo *MHD_get_connection_info(struct MHD_Connection *connection,
							enum MHD_ConnectionInfoType type, ...)
{
	cr_assert_eq(type, MHD_CONNECTION_INFO_CONNECTION_FD);
	return &connection->info;
}

void MHD_suspend_connection(struct MHD_Connection *connection)
{
	cr_assert_not(atomic_exchange(&connection->is_suspended, true));
}

void MHD_resume_connection(struct MHD_Connection *connection)
{
	cr_assert(atomic_exchange(&connection->is_suspended, false), "resumed twice");
}

static struct MHD_Connection first, second, third;

static void connect_client(struct MHD_Connection *connection)
{
	int ends[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	*connection = (struct MHD_Connection){.client = ends[1]};
	connection->info.connect_fd = ends[0];
}

/* ---- receives ----------------------------------------------------------------------------------- */

static struct waiting *waiting;
static bool is_stopped;
static struct rlq_queue *queue, *other;
static struct rlq_message message;

static int64_t in_ms(int64_t ms)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + ms;
}

static void prepare(struct MHD_Connection *connection, const char *name, int64_t until_ms)
{
	cr_assert_eq(waiting_prepare(waiting, &connection->waiter, name, connection, until_ms), 0);
}

static void suspend_until(struct MHD_Connection *connection, const char *name, int64_t until_ms)
{
	prepare(connection, name, until_ms);
	cr_assert(waiting_suspend(waiting, connection->waiter));
}

static void suspend(struct MHD_Connection *connection, const char *name)
{
	suspend_until(connection, name, in_ms(FAR_MS));
}

static void await_resumed(const struct MHD_Connection *connection)
{
	while (connection->is_suspended)
		sched_yield();
}

static void end(struct MHD_Connection *connection)
{
	waiting_end(waiting, connection->waiter);
	connection->waiter = NULL;
}

/* The watch has told all that has happened so far: it tells of a message to another queue. */
static void all_is_told(void)
{
	suspend(&third, "other");
	send_text(other, "a");
	await_resumed(&third);
	end(&third);
	receive_one(other);
}

static void set_up(void)
{
	queues_begin();
	queue = queue_make("q", NULL);
	other = queue_make("other", NULL);
	cr_assert_eq(waiting_open(queues_directory(), &waiting), 0);
	connect_client(&first);
	connect_client(&second);
	connect_client(&third);
}

static void tear_down(void)
{
	if (!is_stopped)
		waiting_stop(waiting);
	end(&first);
	end(&second);
	end(&third);
	waiting_close(waiting);
	queues_end();
}

TestSuite(waiting, .init = set_up, .fini = tear_down, .timeout = 60);

/* ---- messages ----------------------------------------------------------------------------------- */

Test(waiting, who_came_first_is_resumed)
{
	suspend(&first, "q");
	suspend(&second, "q");
	send_text(queue, "a");
	await_resumed(&first);
	all_is_told();
	cr_expect(second.is_suspended, "one message, one look");
	cr_expect_not(waiter_is_late(first.waiter));
}

Test(waiting, who_has_found_something_resumes_the_next)
{
	suspend(&first, "q");
	suspend(&second, "q");
	send_text(queue, "a");
	send_text(queue, "b");
	await_resumed(&first);
	all_is_told();
	cr_expect(second.is_suspended, "one report for two messages");
	end(&first);
	cr_expect_not(second.is_suspended);
}

Test(waiting, who_has_found_nothing_waits_again_before_others)
{
	suspend(&first, "q");
	suspend(&second, "q");
	for (int i = 0; i < 3; i++) {
		send_text(queue, "a");
		await_resumed(&first);
		receive_one(queue); /* another consumer was faster */
		suspend(&first, "q");
	}
	cr_expect(second.is_suspended);
}

Test(waiting, a_message_that_comes_amid_a_look_lets_nobody_sleep)
{
	prepare(&first, "q", in_ms(FAR_MS));
	cr_assert_eq(receive_now(queue, &message, 1), 0);
	send_text(queue, "a");
	all_is_told();
	cr_expect_not(waiting_suspend(waiting, first.waiter));
	cr_expect_not(first.is_suspended);
	prepare(&first, "q", in_ms(FAR_MS));
	cr_expect_eq(receive_now(queue, &message, 1), 1);
	cr_expect(waiting_suspend(waiting, first.waiter), "that was this one");
}

Test(waiting, a_queue_that_is_gone_wakes_too)
{
	suspend(&first, "q");
	cr_assert_eq(rlq_queue_remove(queues_directory(), "q"), 0);
	await_resumed(&first);
	cr_expect_neq(waiting_prepare(waiting, &first.waiter, "q", &first, in_ms(FAR_MS)), 0);
}

Test(waiting, a_queue_that_nobody_waits_for_is_not_held)
{
	suspend(&first, "q");
	cr_expect_eq(stat_of(queue).handles, 2);
	close(first.client);
	await_resumed(&first);
	end(&first);
	while (stat_of(queue).handles > 1) {
		time_passes(KEPT_MS);
		prepare(&second, "other", in_ms(FAR_MS)); /* the watch goes once round */
		end(&second);
	}
}

/* ---- time, clients, the end --------------------------------------------------------------------- */

/* The second is to wait less long than the thread has thought that it may sleep. */
Test(waiting, time_is_up_for_each_at_its_own)
{
	suspend(&first, "q");
	suspend_until(&second, "q", in_ms(BETWEEN));
	await_resumed(&second);
	cr_expect(waiter_is_late(second.waiter));
	cr_expect(first.is_suspended);
	suspend_until(&third, "other", in_ms(BETWEEN));
	await_resumed(&third);
	cr_expect(waiter_is_late(third.waiter));
}

Test(waiting, a_client_that_hangs_up_is_let_go)
{
	suspend(&first, "q");
	suspend(&second, "q");
	close(second.client);
	await_resumed(&second);
	cr_expect(first.is_suspended);
	end(&second);
	cr_expect_not(first.is_suspended, "it may have been called in the other's place");
}

Test(waiting, none_waits_when_it_ends)
{
	suspend(&first, "q");
	suspend(&second, "other");
	waiting_stop(waiting);
	is_stopped = true;
	cr_expect_not(first.is_suspended);
	cr_expect_not(second.is_suspended);
	cr_expect(waiter_is_late(first.waiter));
	prepare(&third, "q", in_ms(FAR_MS));
	cr_expect_not(waiting_suspend(waiting, third.waiter));
	cr_expect(waiter_is_late(third.waiter));
}
