/* A signal every 100 us while calls of every kind run: none of them fails for it, but a wait that was
 * asked to be interruptible. */
#include "tests/support/cases.h"
#include "tests/support/child.h"
#include "tests/support/queue_fixture.h"

#include "client/internal.h"
#include "ring/event.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t signals;
static struct rlq_queue *queue;
static struct rlq_message message;

static void count_signal(int number)
{
	(void)number;
	signals++;
}

/* Without SA_RESTART: system calls do return EINTR. */
static void signals_begin(void)
{
	struct sigaction action = {.sa_handler = count_signal};
	struct itimerval often = {{0, 100}, {0, 100}};

	CHECK_EQ(sigaction(SIGVTALRM, &action, NULL), 0);
	CHECK_EQ(sigaction(SIGPROF, &action, NULL), 0);
	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	CHECK_EQ(setitimer(ITIMER_PROF, &often, NULL), 0);
}

static void signals_end(void)
{
	struct itimerval never = {{0, 0}, {0, 0}};

	CHECK_EQ(setitimer(ITIMER_PROF, &never, NULL), 0);
}

CASE(calls_of_every_kind_bear_a_signal_at_any_moment)
{
	static char body[30000];
	uint64_t cursor;
	int rounds = 0;

	queues_begin();
	queue = queue_make("q", NULL);
	signals_begin();
	while (signals < 300) {
		struct rlq_queue_stat stat = RLQ_QUEUE_STAT_INIT;
		struct rlq_queue *other;
		size_t bytes = (size_t)(rounds % 10) * 3000;

		memset(body, rounds & 0xff, bytes);
		CHECK_EQ(rlq_send(queue, body, bytes, NULL, NULL), 0);
		CHECK_EQ(receive_now(queue, &message, 1), 1);
		CHECK_EQ(message.body_bytes, bytes);
		CHECK(memcmp(message.body, body, bytes) == 0);
		CHECK_EQ(rlq_extend(queue, &message.receipt, 5000), 0);
		CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
		if (++rounds % 64 != 0)
			continue;
		cursor = 0;
		CHECK_EQ(rlq_queue_open(queues_directory(), "q", &other), 0);
		CHECK_EQ(rlq_queue_stat(other, &stat), 0);
		CHECK_EQ(rlq_peek(other, &message, 1, &cursor), 0);
		CHECK_EQ(rlq_purge(other, NULL), 0);
		rlq_queue_close(other);
		CHECK_EQ(rlq_queue_create(queues_directory(), "r", NULL), 1);
		CHECK_EQ(rlq_queue_remove(queues_directory(), "r"), 0);
	}
	signals_end();
	CHECK_EQ(faults_of("q"), 0);
	queues_end();
}

/* ---- waiting ---------------------------------------------------------------------------------- */

struct wait {
	uint32_t flags;
	int wanted;
	volatile int done;
};

static void wait_in_child(void *context)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct wait *wait = context;
	struct rlq_directory *directory;
	struct rlq_queue *mine;

	signals_begin();
	signals_end();
	CHECK_EQ(rlq_directory_open(queues_path(), &directory), 0);
	CHECK_EQ(rlq_queue_open(directory, "q", &mine), 0);
	options.wait_ms = INT64_MAX;
	options.flags = wait->flags;
	CHECK_EQ(rlq_receive(mine, &message, 1, &options), wait->wanted);
	CHECK(signals > 0);
	rlq_queue_close(mine);
	rlq_directory_close(directory);
}

static pid_t start(struct wait *wait)
{
	pid_t pid = child_start(wait_in_child, wait);

	while (!event_has_sleepers(&queue->seg->header->consumers))
		sched_yield();
	return pid;
}

CASE(a_wait_goes_on_after_a_signal)
{
	struct wait wait = {.wanted = 1};
	pid_t pid;

	queues_begin();
	queue = queue_make("q", NULL);
	pid = start(&wait);
	for (int i = 0; i < 200; i++) {
		child_signal(pid, SIGUSR1);
		sched_yield();
	}
	send_text(queue, "a");
	CHECK(child_exited(child_wait(pid), 0));
	queues_end();
}

CASE(an_interruptible_wait_ends_with_EINTR)
{
	struct wait wait = {.flags = RLQ_INTERRUPTIBLE, .wanted = -EINTR};
	int status = 0;
	pid_t pid;

	queues_begin();
	queue = queue_make("q", NULL);
	pid = start(&wait);
	/* Until one arrives while it sleeps: before that, a signal interrupts nothing. */
	while (waitpid(pid, &status, WNOHANG) == 0) {
		child_signal(pid, SIGUSR1);
		sched_yield();
	}
	CHECK(child_exited(status, 0));
	queues_end();
}

int main(int argc, char **argv)
{
	return cases_run(argc, argv);
}
