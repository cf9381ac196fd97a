/* A signal every 100 us while calls of every kind run: none of them fails for it, but a wait that was
 * asked to be interruptible. */
#include "tests/support/cases.h"
#include "tests/support/child.h"
#include "tests/support/queue_fixture.h"

#include "client/internal.h"
#include "ring/event.h"
#include "ringlease-engine.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	EVERY_NS = 100000,
	SIGNALS = 5000, /* half a second of them */
	BATCH = 10,
	RECEIVES_MAX = 2,
	MANY = 1500,
	LARGE_BYTES = 16 << 20, /* allocating them takes longer than from one signal to the next */
	ENGINE_ROUNDS = 200,
};

static volatile sig_atomic_t signals;
static struct rlq_queue *queue, *dlq;
static struct rlq_message message;

static void count_signal(int number)
{
	(void)number;
	signals++;
}

static timer_t often;

/* Without SA_RESTART: system calls do return EINTR. By the real clock, since timers of processor time tick as
 * seldom as the kernel does. */
static void signals_begin(void)
{
	struct sigaction action = {.sa_handler = count_signal};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
	struct itimerspec every = {{0, EVERY_NS}, {0, EVERY_NS}};

	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	CHECK_EQ(sigaction(SIGUSR2, &action, NULL), 0);
	CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &often), 0);
	CHECK_EQ(timer_settime(often, 0, &every, NULL), 0);
}

static void signals_end(void)
{
	CHECK_EQ(timer_delete(often), 0);
}

/* ---- calls ------------------------------------------------------------------------------------ */

static char body[LARGE_BYTES];

static void send_and_delete(int round)
{
	size_t bytes = (size_t)(round % 10) * 3000;

	memset(body, round & 0xff, bytes);
	CHECK_EQ(rlq_send(queue, body, bytes, NULL, NULL), 0);
	CHECK_EQ(receive_now(queue, &message, 1), 1);
	CHECK_EQ(message.body_bytes, bytes);
	CHECK(memcmp(message.body, body, bytes) == 0);
	CHECK_EQ(rlq_extend(queue, &message.receipt, 5000), 0);
	CHECK_EQ(rlq_release(queue, &message.receipt, 0), 0);
	CHECK_EQ(receive_now(queue, &message, 1), 1);
	CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
}

static void batches(void)
{
	struct rlq_send_entry entry[BATCH];
	struct rlq_message got[BATCH];
	struct rlq_receipt receipt[BATCH];

	for (int i = 0; i < BATCH; i++)
		entry[i] = (struct rlq_send_entry){
			.body = body, .body_bytes = (size_t)(i * 40), .delay_ms = RLQ_DEFAULT};
	CHECK_EQ(rlq_send_batch(queue, entry, BATCH, NULL, NULL), BATCH);
	CHECK_EQ(receive_now(queue, got, BATCH), BATCH);
	for (int i = 0; i < BATCH; i++)
		receipt[i] = got[i].receipt;
	CHECK_EQ(rlq_delete_batch(queue, receipt, BATCH, NULL), BATCH);
}

static void in_place(void)
{
	struct rlq_reservation reservation;

	CHECK_EQ(rlq_reserve(queue, 5000, NULL, &reservation), 0);
	CHECK_EQ(rlq_abandon(queue, &reservation), 0);
	CHECK_EQ(rlq_reserve(queue, 5000, NULL, &reservation), 0);
	memset(reservation.body, 'r', 5000);
	CHECK_EQ(rlq_publish(queue, &reservation, NULL), 0);
	CHECK_EQ(receive_in_place(queue, &message), 1);
	CHECK_EQ(((const char *)message.body)[4999], 'r');
	CHECK_EQ(rlq_let_go(queue, &message), 0);
	CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
}

/* To the DLQ, by the receive that would be one too many, and back. */
static void moves(void)
{
	uint64_t moved;

	send_text(queue, "poison");
	for (int i = 0; i < RECEIVES_MAX; i++) {
		CHECK_EQ(receive_now(queue, &message, 1), 1);
		CHECK_EQ(rlq_release(queue, &message.receipt, 0), 0);
	}
	CHECK_EQ(receive_now(queue, &message, 1), 0);
	CHECK_EQ(rlq_redrive(dlq, NULL, 0, &moved), 0);
	CHECK_EQ(moved, 1);
	CHECK_EQ(receive_now(queue, &message, 1), 1);
	CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
}

/* What is for operators, and queues that come and go. */
static void control(void)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue_stat stat = RLQ_QUEUE_STAT_INIT;
	struct rlq_queue *other;
	uint64_t cursor = 0;

	CHECK_EQ(rlq_queue_open(queues_directory(), "q", &other), 0);
	CHECK_EQ(rlq_queue_stat(other, &stat), 0);
	CHECK_EQ(rlq_peek(other, &message, 1, &cursor), 0);
	CHECK_EQ(rlq_queue_get_attributes(other, &attributes), 0);
	attributes.visibility_ms ^= 1;
	CHECK_EQ(rlq_queue_set_attributes(other, &attributes), 0);
	CHECK_EQ(rlq_purge(other, NULL), 0);
	rlq_queue_close(other);
	CHECK_EQ(faults_of("q"), 0);
	CHECK_EQ(rlq_queue_create(queues_directory(), "r", NULL), 1);
	CHECK_EQ(rlq_queue_remove(queues_directory(), "r"), 0);
}

/* A second ring comes, the first one goes. */
static void grow(void)
{
	struct rlq_queue *grown;

	CHECK_EQ(rlq_queue_create(queues_directory(), "g", NULL), 1);
	CHECK_EQ(rlq_queue_open(queues_directory(), "g", &grown), 0);
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(rlq_send(grown, body, 100, NULL, NULL), 0);
	CHECK_EQ(stat_of(grown).rings, 2);
	for (int i = 0; i < MANY; i++) {
		CHECK_EQ(receive_now(grown, &message, 1), 1);
		CHECK_EQ(rlq_delete(grown, &message.receipt), 0);
	}
	sweep_now(grown);
	CHECK_EQ(stat_of(grown).rings, 1);
	CHECK_EQ(faults_of("g"), 0);
	rlq_queue_close(grown);
	CHECK_EQ(rlq_queue_remove(queues_directory(), "g"), 0);
}

/* A block of its own each time; a small /dev/shm may have no room for it. */
static void large(void)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *fresh;
	int error;

	attributes.message_bytes_max = LARGE_BYTES;
	CHECK_EQ(rlq_queue_create(queues_directory(), "l", &attributes), 1);
	CHECK_EQ(rlq_queue_open(queues_directory(), "l", &fresh), 0);
	error = rlq_send(fresh, body, LARGE_BYTES, NULL, NULL);
	if (error != RLQ_ENOSPACE)
		CHECK_EQ(error, 0);
	rlq_queue_close(fresh);
	CHECK_EQ(rlq_queue_remove(queues_directory(), "l"), 0);
}

CASE(calls_of_every_kind_bear_a_signal_at_any_moment)
{
	int rounds = 0;

	queues_begin();
	queue = queue_with_dlq("q", RECEIVES_MAX, &dlq);
	signals_begin();
	while (signals < SIGNALS) {
		send_and_delete(rounds);
		batches();
		in_place();
		moves();
		if (++rounds % 16 == 0)
			control();
		if (rounds % 64 == 1)
			grow();
		if (rounds % 64 == 2)
			large();
	}
	signals_end();
	printf("%d signals in %d rounds\n", (int)signals, rounds);
	CHECK(rounds > 64);
	CHECK_EQ(faults_of("q"), 0);
	queues_end();
}

/* ---- the engine ------------------------------------------------------------------------------- */

static void serve(void *context)
{
	struct rlq_engine *engine;

	(void)context;
	signals_begin();
	CHECK_EQ(rlq_engine_open(queues_path(), NULL, &engine), 0);
	rlq_engine_run(engine);
	case_fail(__FILE__, __LINE__, "the engine ended");
}

CASE(the_engine_bears_a_signal_at_any_moment)
{
	pid_t pid;

	queues_begin();
	queue = queue_make("q", NULL);
	pid = child_start(serve, NULL);
	while (!rlq_directory_has_engine(queues_directory()))
		sched_yield();
	for (int i = 0; i < ENGINE_ROUNDS; i++) {
		CHECK_EQ(send_delayed(queue, "late", 100), 0);
		time_passes(110);
		/* Only the engine can have made it visible: looking does no reaping. */
		while (stat_of(queue).visible != 1)
			sched_yield();
		CHECK_EQ(receive_now(queue, &message, 1), 1);
		CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
	}
	child_signal(pid, SIGKILL);
	CHECK(child_was_killed(child_wait(pid), SIGKILL));
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
