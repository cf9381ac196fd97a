/* Times that go on while the machine is off: retention, counted from the send, and delays. The wall clock goes on,
 * the boot clock begins anew. */
#include "tests/durable/machine.h"
#include "tests/support/cases.h"

#include <string.h>

enum { SPAN_MS = RLQ_RETENTION_MIN_MS, MOMENT_MS = 1000, DELAY_MS = 20000 };

static struct rlq_queue *opened(void)
{
	struct rlq_queue *queue;

	CHECK_EQ(rlq_queue_open(machine_directory(), "q", &queue), 0);
	return queue;
}

static struct rlq_queue *begin(void)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	machine_begin();
	CHECK_EQ(machine_start(), 0);
	attributes.durability = RLQ_SYNC;
	attributes.retention_ms = SPAN_MS;
	CHECK_EQ(rlq_queue_create(machine_directory(), "q", &attributes), 1);
	return opened();
}

/* The power fails, and comes back after `ms`. */
static struct rlq_queue *off_for(struct rlq_queue *queue, int64_t ms)
{
	uint64_t random = 1;

	rlq_queue_close(queue);
	machine_lose_power(SHADOW_LOSE_ALL, SECTOR_BYTES, &random);
	machine_is_off_for(ms);
	CHECK_EQ(machine_start(), 0);
	CHECK(!machine_saw_damage());
	return opened();
}

static int receive(struct rlq_queue *queue, struct rlq_message *ret_message)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;

	options.wait_ms = 0;
	options.visibility_ms = 0;
	return rlq_receive(queue, ret_message, 1, &options);
}

/* All there is, seen by nobody or not. */
static uint64_t messages_of(struct rlq_queue *queue)
{
	struct rlq_queue_stat stat = RLQ_QUEUE_STAT_INIT;

	CHECK_EQ(rlq_queue_stat(queue, &stat), 0);
	return stat.visible + stat.delayed + stat.in_flight + stat.dead;
}

static void end(struct rlq_queue *queue)
{
	rlq_queue_close(queue);
	machine_end();
}

CASE(a_message_whose_retention_ends_while_the_machine_is_off_is_received_by_nobody)
{
	struct rlq_queue *queue = begin();
	struct rlq_message message;

	CHECK_EQ(rlq_send(queue, "old", 3, NULL, NULL), 0);
	queue = off_for(queue, SPAN_MS + MOMENT_MS);
	CHECK_EQ(receive(queue, &message), 0);
	CHECK_EQ(messages_of(queue), 0);
	end(queue);
}

/* The journal has heard of its end: a clock that is set back does not bring it back. */
CASE(nor_after_another_reboot_that_finds_the_wall_clock_set_back)
{
	struct rlq_queue *queue = begin();
	struct rlq_message message;

	CHECK_EQ(rlq_send(queue, "old", 3, NULL, NULL), 0);
	queue = off_for(queue, SPAN_MS + MOMENT_MS);
	CHECK_EQ(receive(queue, &message), 0);
	CHECK_EQ(rlq_send(queue, "new", 3, NULL, NULL), 0);
	queue = off_for(queue, -(SPAN_MS + MOMENT_MS));
	CHECK_EQ(receive(queue, &message), 1);
	CHECK_EQ(message.body_bytes, 3);
	CHECK_EQ(memcmp(message.body, "new", 3), 0);
	CHECK_EQ(messages_of(queue), 1);
	end(queue);
}

CASE(a_message_whose_retention_has_not_ended_keeps_the_time_of_its_send_and_ends_by_it)
{
	struct rlq_queue *queue = begin();
	struct rlq_message message;
	uint64_t sent_ms;

	CHECK_EQ(rlq_send(queue, "kept", 4, NULL, NULL), 0);
	CHECK_EQ(receive(queue, &message), 1);
	sent_ms = message.sent_ms;
	CHECK_EQ(seg_wait_durable(&machine_directory()->seg), 0);
	queue = off_for(queue, SPAN_MS - 2 * MOMENT_MS);
	CHECK_EQ(receive(queue, &message), 1);
	CHECK_EQ(message.sent_ms, sent_ms);
	CHECK_EQ(message.receive_count, 2);
	machine_time_passes(MOMENT_MS);
	CHECK_EQ(receive(queue, &message), 1);
	machine_time_passes(2 * MOMENT_MS);
	CHECK_EQ(receive(queue, &message), 0);
	CHECK_EQ(messages_of(queue), 0);
	end(queue);
}

CASE(a_message_that_waited_as_delayed_past_its_retention_is_gone_too)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_queue *queue = begin();
	struct rlq_message message;

	options.delay_ms = DELAY_MS;
	CHECK_EQ(rlq_send(queue, "late", 4, &options, NULL), 0);
	queue = off_for(queue, SPAN_MS + MOMENT_MS);
	CHECK_EQ(receive(queue, &message), 0);
	CHECK_EQ(messages_of(queue), 0);
	end(queue);
}

CASE(a_delay_goes_on_while_the_machine_is_off)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_queue *queue = begin();
	struct rlq_message message;

	options.delay_ms = DELAY_MS;
	CHECK_EQ(rlq_send(queue, "late", 4, &options, NULL), 0);
	queue = off_for(queue, DELAY_MS - 2 * MOMENT_MS);
	CHECK_EQ(receive(queue, &message), 0);
	CHECK_EQ(messages_of(queue), 1);
	machine_time_passes(3 * MOMENT_MS);
	CHECK_EQ(receive(queue, &message), 1);
	queue = off_for(queue, MOMENT_MS);
	CHECK_EQ(receive(queue, &message), 1);
	end(queue);
}

int main(int argc, char **argv)
{
	return cases_run(argc, argv);
}
