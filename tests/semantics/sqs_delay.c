/* Delays, release, long poll. Who waits is a child; the clock is ours. */
#include "client/internal.h"
#include "ring/event.h"
#include "tests/support/cases.h"
#include "tests/support/child.h"
#include "tests/support/queue_fixture.h"

#include <sched.h>

static struct rlq_queue *queue;
static struct rlq_message message;

static void begin(void)
{
	queues_begin();
	queue = queue_make("q", NULL);
}

CASE(a_message_sent_with_a_delay_is_hidden_for_so_long)
{
	begin();
	CHECK_EQ(send_delayed(queue, "a", 15 * 60000), 0);
	CHECK_EQ(stat_of(queue).delayed, 1);
	time_passes(15 * 60000);
	CHECK_EQ(receive_now(queue, &message, 1), 0);
	time_passes(LEASE_SLACK_MS);
	message = receive_one(queue);
	CHECK_EQ(message.sent_ms, wall_now() - 15 * 60000 - LEASE_SLACK_MS);
	CHECK_EQ(message.receive_count, 1);
	queues_end();
}

CASE(the_queues_delay_is_the_default_and_0_overrides_it)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	queues_begin();
	attributes.delay_ms = 4000;
	queue = queue_make("q", &attributes);
	send_text(queue, "late");
	CHECK_EQ(send_delayed(queue, "now", 0), 0);
	CHECK_TEXT(drain(queue), "now");
	time_passes(4000 + LEASE_SLACK_MS);
	CHECK_TEXT(drain(queue), "late");
	CHECK_EQ(send_delayed(queue, "a", RLQ_DELAY_MAX_MS), 0);
	CHECK_EQ(send_delayed(queue, "a", RLQ_DELAY_MAX_MS + 1), RLQ_EATTRIBUTE);
	CHECK_EQ(send_delayed(queue, "a", -2), RLQ_EATTRIBUTE);
	queues_end();
}

CASE(a_changed_delay_of_the_queue_touches_no_message_delayed_already)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	queues_begin();
	attributes.delay_ms = 4000;
	queue = queue_make("q", &attributes);
	send_text(queue, "a");
	attributes.delay_ms = 0;
	CHECK_EQ(rlq_queue_set_attributes(queue, &attributes), 0);
	CHECK_EQ(receive_now(queue, &message, 1), 0);
	time_passes(4000 + LEASE_SLACK_MS);
	receive_one(queue);
	queues_end();
}

CASE(a_released_message_is_visible_at_once_or_after_a_delay)
{
	begin();
	send_text(queue, "a");
	message = receive_one(queue);
	CHECK_EQ(rlq_release(queue, &message.receipt, 0), 0);
	message = receive_one(queue);
	CHECK_EQ(message.receive_count, 2);
	CHECK_EQ(rlq_release(queue, &message.receipt, 700), 0);
	CHECK_EQ(stat_of(queue).delayed, 1);
	time_passes(700);
	CHECK_EQ(receive_now(queue, &message, 1), 0);
	time_passes(LEASE_SLACK_MS);
	message = receive_one(queue);
	CHECK_EQ(message.receive_count, 3);
	CHECK_EQ(rlq_release(queue, &message.receipt, -1), RLQ_EATTRIBUTE);
	CHECK_EQ(rlq_release(queue, &message.receipt, RLQ_DELAY_MAX_MS + 1), RLQ_EATTRIBUTE);
	queues_end();
}

CASE(the_holder_of_a_message_released_with_a_delay_may_still_delete_it)
{
	begin();
	send_text(queue, "a");
	message = receive_one(queue);
	CHECK_EQ(rlq_release(queue, &message.receipt, 5000), 0);
	CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
	time_passes(6000);
	CHECK_EQ(receive_now(queue, &message, 1), 0);
	queues_end();
}

/* ---- long poll -------------------------------------------------------------------------------- */

/* Waits up to 20 s of the faked clock for one message of "q". */
static void poll_in_child(void *context)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_directory *directory;
	struct rlq_queue *mine;

	(void)context;
	CHECK_EQ(rlq_directory_open(queues_path(), &directory), 0);
	CHECK_EQ(rlq_queue_open(directory, "q", &mine), 0);
	options.wait_ms = 20000;
	CHECK_EQ(rlq_receive(mine, &message, 1, &options), 1);
	CHECK(body_is(&message, "a"));
	rlq_queue_close(mine);
	rlq_directory_close(directory);
}

static pid_t start_poll(void)
{
	pid_t pid = child_start(poll_in_child, NULL);

	while (!event_has_sleepers(&queue->seg->header->consumers))
		sched_yield();
	return pid;
}

static void finish_poll(pid_t pid)
{
	int status = child_wait(pid);

	CHECK(child_exited(status, 0));
	CHECK_EQ(stat_of(queue).received > 0, 1);
	queues_end();
}

CASE(a_long_poll_wakes_on_a_send)
{
	pid_t pid;

	begin();
	pid = start_poll();
	send_text(queue, "a");
	finish_poll(pid);
}

CASE(a_long_poll_wakes_when_a_lease_ends)
{
	pid_t pid;

	begin();
	send_text(queue, "a");
	CHECK_EQ(receive_for(queue, &message, 3000), 1);
	pid = start_poll();
	time_passes(3000 + LEASE_SLACK_MS);
	finish_poll(pid);
}

CASE(a_long_poll_wakes_when_a_delay_ends)
{
	pid_t pid;

	begin();
	CHECK_EQ(send_delayed(queue, "a", 3000), 0);
	pid = start_poll();
	time_passes(3000 + LEASE_SLACK_MS);
	finish_poll(pid);
}

CASE(a_long_poll_wakes_on_a_release)
{
	pid_t pid;

	begin();
	send_text(queue, "a");
	message = receive_one(queue);
	pid = start_poll();
	CHECK_EQ(rlq_release(queue, &message.receipt, 0), 0);
	finish_poll(pid);
}

CASE(a_long_poll_returns_what_is_there_without_waiting_for_more)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message messages[10];

	begin();
	send_text(queue, "a");
	send_text(queue, "b");
	options.wait_ms = INT64_MAX;
	CHECK_EQ(rlq_receive(queue, messages, 10, &options), 2);
	queues_end();
}

static void poll_for_nothing(void *context)
{
	struct rlq_directory *directory;
	struct rlq_queue *mine;

	(void)context;
	CHECK_EQ(rlq_directory_open(queues_path(), &directory), 0);
	CHECK_EQ(rlq_queue_open(directory, "q", &mine), 0);
	CHECK_EQ(rlq_receive(mine, &message, 1, NULL), 0);
	rlq_queue_close(mine);
	rlq_directory_close(directory);
}

CASE(a_poll_for_the_queues_default_time_ends_with_nothing)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	pid_t pid;

	queues_begin();
	attributes.wait_ms = 20000;
	queue = queue_make("q", &attributes);
	CHECK_EQ(receive_now(queue, &message, 1), 0); /* 0 overrides it */
	pid = child_start(poll_for_nothing, NULL);
	while (!event_has_sleepers(&queue->seg->header->consumers))
		sched_yield();
	time_passes(20000 + LEASE_SLACK_MS);
	CHECK(child_exited(child_wait(pid), 0));
	queues_end();
}

static void poll_till_removed(void *context)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_directory *directory;
	struct rlq_queue *mine;

	(void)context;
	CHECK_EQ(rlq_directory_open(queues_path(), &directory), 0);
	CHECK_EQ(rlq_queue_open(directory, "q", &mine), 0);
	options.wait_ms = INT64_MAX;
	CHECK_EQ(rlq_receive(mine, &message, 1, &options), RLQ_EREMOVED);
	rlq_queue_close(mine);
	rlq_directory_close(directory);
}

CASE(a_long_poll_ends_when_the_queue_is_removed)
{
	pid_t pid;

	begin();
	pid = child_start(poll_till_removed, NULL);
	while (!event_has_sleepers(&queue->seg->header->consumers))
		sched_yield();
	CHECK_EQ(rlq_queue_remove(queues_directory(), "q"), 0);
	CHECK(child_exited(child_wait(pid), 0));
	queues_end();
}

int main(int argc, char **argv)
{
	return cases_run(argc, argv);
}
