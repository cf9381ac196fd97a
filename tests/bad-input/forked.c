/* A forked child and its parent's handles. */
#include "client/internal.h"
#include "ringlease-engine.h"
#include "tests/support/cases.h"
#include "tests/support/child.h"
#include "tests/support/queue_fixture.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

static struct rlq_queue *queue;
static struct rlq_message message;
static struct rlq_reservation reservation;

static void ignore(void *context, const char *text)
{
	(void)context;
	(void)text;
}

static int no_queue(void *context, const char *name)
{
	(void)context;
	CHECK_TEXT(name, "none");
	return 0;
}

static void use_parents_handle(void *context)
{
	struct rlq_send_entry entry = {.body = "x", .body_bytes = 1, .delay_ms = RLQ_DEFAULT};
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_reservation another;
	struct rlq_queue *opened;
	struct rlq_queue_stat stat = RLQ_QUEUE_STAT_INIT;
	struct rlq_message got;
	uint64_t cursor = 0;

	(void)context;
	CHECK_EQ(rlq_send(queue, "x", 1, NULL, NULL), RLQ_EFORKED);
	CHECK_EQ(rlq_send_batch(queue, &entry, 1, NULL, NULL), RLQ_EFORKED);
	CHECK_EQ(rlq_reserve(queue, 1, NULL, &another), RLQ_EFORKED);
	CHECK_EQ(rlq_publish(queue, &reservation, NULL), RLQ_EFORKED);
	CHECK_EQ(rlq_abandon(queue, &reservation), RLQ_EFORKED);
	CHECK_EQ(receive_now(queue, &got, 1), RLQ_EFORKED);
	CHECK_EQ(receive_in_place(queue, &got), RLQ_EFORKED);
	CHECK_EQ(rlq_let_go(queue, &message), RLQ_EFORKED);
	CHECK_EQ(rlq_delete(queue, &message.receipt), RLQ_EFORKED);
	CHECK_EQ(rlq_delete_batch(queue, &message.receipt, 1, NULL), RLQ_EFORKED);
	CHECK_EQ(rlq_extend(queue, &message.receipt, 1000), RLQ_EFORKED);
	CHECK_EQ(rlq_release(queue, &message.receipt, 0), RLQ_EFORKED);
	CHECK_EQ(rlq_peek(queue, &got, 1, &cursor), RLQ_EFORKED);
	CHECK_EQ(rlq_purge(queue, NULL), RLQ_EFORKED);
	CHECK_EQ(rlq_redrive(queue, NULL, 0, NULL), RLQ_EFORKED);
	CHECK_EQ(rlq_queue_stat(queue, &stat), RLQ_EFORKED);
	CHECK_EQ(rlq_queue_get_attributes(queue, &attributes), RLQ_EFORKED);
	CHECK_EQ(rlq_queue_set_attributes(queue, &attributes), RLQ_EFORKED);
	CHECK_EQ(rlq_queue_open(queues_directory(), "q", &opened), RLQ_EFORKED);
	CHECK_EQ(rlq_verify(queues_directory(), "q", ignore, NULL), RLQ_EFORKED);
	CHECK_EQ(rlq_queue_create(queues_directory(), "new", NULL), RLQ_EFORKED);
	CHECK_EQ(rlq_queue_create(queues_directory(), "q", NULL), RLQ_EFORKED);
	CHECK_EQ(rlq_queue_remove(queues_directory(), "q"), RLQ_EFORKED);
	CHECK_EQ(rlq_queue_list(queues_directory(), NULL, no_queue, NULL), RLQ_EFORKED);
}

CASE(every_call_on_the_parents_handle_says_forked)
{
	queues_begin();
	queue = queue_make("q", NULL);
	send_text(queue, "a");
	message = receive_one(queue);
	CHECK_EQ(rlq_reserve(queue, 1000, NULL, &reservation), 0);
	CHECK(child_exited(child_wait(child_start(use_parents_handle, NULL)), 0));
	/* And the parent has lost nothing by the child's end. */
	CHECK_EQ(stat_of(queue).handles, 1);
	CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
	memset(reservation.body, 'r', 1000);
	CHECK_EQ(rlq_publish(queue, &reservation, NULL), 0);
	message = receive_one(queue);
	CHECK_EQ(message.body_bytes, 1000);
	CHECK_EQ(faults_of("q"), 0);
	queues_end();
}

static void close_parents_handles(void *context)
{
	(void)context;
	rlq_queue_close(queue);
	rlq_directory_close(queues_directory());
}

static void look_from_outside(void *context)
{
	struct rlq_directory *directory;
	struct rlq_queue *mine;

	(void)context;
	CHECK_EQ(rlq_directory_open(queues_path(), &directory), 0);
	CHECK_EQ(rlq_queue_open(directory, "q", &mine), 0);
	sweep_now(mine);
	CHECK_EQ(stat_of(mine).handles, 2); /* the parent's and ours: nobody takes the parent for dead */
	rlq_queue_close(mine);
	rlq_directory_close(directory);
}

CASE(a_child_that_closes_what_it_inherited_harms_the_parent_in_nothing)
{
	queues_begin();
	queue = queue_make("q", NULL);
	send_text(queue, "a");
	message = receive_one(queue);
	CHECK(child_exited(child_wait(child_start(close_parents_handles, NULL)), 0));
	CHECK(child_exited(child_wait(child_start(look_from_outside, NULL)), 0));
	CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
	send_text(queue, "b");
	CHECK_TEXT(drain(queue), "b");
	queues_end();
}

static void open_anew(void *context)
{
	struct rlq_directory *directory;
	struct rlq_queue *mine;

	(void)context;
	CHECK_EQ(rlq_send(queue, "x", 1, NULL, NULL), RLQ_EFORKED);
	CHECK_EQ(rlq_directory_open(queues_path(), &directory), 0);
	CHECK_EQ(rlq_queue_open(directory, "q", &mine), 0);
	send_text(mine, "from the child");
	CHECK_EQ(rlq_send(queue, "x", 1, NULL, NULL), RLQ_EFORKED);
	rlq_queue_close(mine);
	rlq_directory_close(directory);
}

CASE(a_child_that_opens_anew_works_beside_its_parent)
{
	queues_begin();
	queue = queue_make("q", NULL);
	CHECK(child_exited(child_wait(child_start(open_anew, NULL)), 0));
	CHECK_TEXT(drain(queue), "from the child");
	CHECK_EQ(stat_of(queue).handles, 1);
	queues_end();
}

static void fork_grandchild(void *context)
{
	(void)context;
	CHECK(child_exited(child_wait(child_start(use_parents_handle, NULL)), 0));
}

CASE(a_grandchild_is_told_the_same)
{
	queues_begin();
	queue = queue_make("q", NULL);
	send_text(queue, "a");
	message = receive_one(queue);
	CHECK_EQ(rlq_reserve(queue, 1000, NULL, &reservation), 0);
	CHECK(child_exited(child_wait(child_start(fork_grandchild, NULL)), 0));
	CHECK_EQ(stat_of(queue).handles, 1);
	queues_end();
}

/* ---- the engine ------------------------------------------------------------------------------- */

static struct rlq_engine *engine;

static void use_parents_engine(void *context)
{
	(void)context;
	CHECK_EQ(rlq_engine_run(engine), RLQ_EFORKED);
	rlq_engine_stop(engine);
	CHECK_EQ(rlq_engine_run(engine), RLQ_EFORKED);
	rlq_engine_close(engine);
}

static void *run_engine(void *context)
{
	(void)context;
	return (void *)(intptr_t)rlq_engine_run(engine);
}

CASE(a_child_neither_runs_nor_stops_its_parents_engine)
{
	void *result;
	pthread_t thread;

	queues_begin();
	queue = queue_make("q", NULL);
	CHECK_EQ(rlq_engine_open(queues_path(), NULL, &engine), 0);
	CHECK_EQ(pthread_create(&thread, NULL, run_engine, NULL), 0);
	while (!rlq_directory_has_engine(queues_directory()))
		sched_yield();
	CHECK(child_exited(child_wait(child_start(use_parents_engine, NULL)), 0));
	/* It goes on: what is due after the child's end is made visible. */
	CHECK(rlq_directory_has_engine(queues_directory()));
	CHECK_EQ(send_delayed(queue, "late", 1000), 0);
	time_passes(1100);
	while (stat_of(queue).visible != 1)
		sched_yield();
	rlq_engine_stop(engine);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK_EQ((intptr_t)result, 0);
	rlq_engine_close(engine);
	queues_end();
}

/* ---- a watch ---------------------------------------------------------------------------------- */

static struct rlq_watch *watch;

static void never_called(void *context)
{
	(void)context;
	CHECK_EQ(0, 1); /* in a child, or without a report */
}

static void use_parents_watch(void *context)
{
	struct rlq_watch_report report;
	struct rlq_watch *another;

	(void)context;
	CHECK_EQ(rlq_watch_open(queues_directory(), &another), RLQ_EFORKED);
	CHECK_EQ(rlq_watch_open_calling(queues_directory(), never_called, NULL, &another), RLQ_EFORKED);
	CHECK_EQ(rlq_watch_arm(watch, "q", NULL), RLQ_EFORKED);
	CHECK_EQ(rlq_watch_disarm(watch, "q"), RLQ_EFORKED);
	CHECK_EQ(rlq_watch_take(watch, &report, 1), RLQ_EFORKED);
	rlq_watch_close(watch);
}

static void await_report(void)
{
	struct pollfd readable = {.fd = rlq_watch_fd(watch), .events = POLLIN};

	CHECK_EQ(poll(&readable, 1, -1), 1);
}

/* Armed, and with a report that waits. */
CASE(a_child_neither_uses_nor_ends_its_parents_watch)
{
	struct rlq_watch_report report;

	queues_begin();
	queue = queue_make("q", NULL);
	CHECK_EQ(rlq_watch_open(queues_directory(), &watch), 0);
	CHECK_EQ(rlq_watch_arm(watch, "q", &watch), 0);
	CHECK(child_exited(child_wait(child_start(use_parents_watch, NULL)), 0));
	send_text(queue, "a");
	await_report();
	CHECK(child_exited(child_wait(child_start(use_parents_watch, NULL)), 0));
	await_report();
	CHECK_EQ(rlq_watch_take(watch, &report, 1), 1);
	CHECK(report.context == &watch);
	CHECK_EQ(stat_of(queue).handles, 2);
	rlq_watch_close(watch);
	CHECK_EQ(stat_of(queue).handles, 1);
	CHECK_EQ(rlq_watch_open_calling(queues_directory(), never_called, NULL, &watch), 0);
	CHECK_EQ(rlq_watch_arm(watch, "q", &watch), 0);
	CHECK(child_exited(child_wait(child_start(use_parents_watch, NULL)), 0));
	rlq_watch_close(watch);
	queues_end();
}

int main(int argc, char **argv)
{
	return cases_run(argc, argv);
}
