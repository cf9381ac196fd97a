/* The limit of messages in flight. */
#include "gateway/fifo.h"
#include "gateway/in_flight.h"
#include "tests/gateway/message_fixture.h"

#include <sys/statvfs.h>

enum { ROOM_MIB = 400 }; /* for two queues at the limit, or a FIFO queue and its ids */

TestSuite(in_flight, .init = actions_begin, .fini = actions_end);

/* From the standard queue "q". */
static enum call_outcome receive_with(const char *members)
{
	return ask(action_receive_message, "{'QueueUrl': 'q'%s%s}", *members ? ", " : "", members);
}

static void skip_without_room(void)
{
	struct statvfs memory;

	if (statvfs(queues_path(), &memory) == 0 && memory.f_bavail * memory.f_frsize >> 20 < ROOM_MIB)
		cr_skip_test("the tmpfs is too small for as many messages as may be in flight");
}

/* `count` messages more, in flight. */
static void put_in_flight(struct rlq_queue *queue, int count)
{
	static struct rlq_message messages[RLQ_BATCH_MAX];
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	char body[16];
	int left = count;

	skip_without_room();
	for (int i = 0; i < count; i++) {
		size_t bytes = (size_t)snprintf(body, sizeof(body), "%d", i);

		options.group = queue_is_fifo(queue) ? body : NULL;
		if (rlq_send(queue, body, bytes, &options, NULL))
			cr_assert_fail("message %d was not sent", i);
	}
	while (left > 0) {
		int got = receive_now(queue, messages, left < RLQ_BATCH_MAX ? (size_t)left : RLQ_BATCH_MAX);

		if (got <= 0)
			cr_assert_fail("%d messages did not come: %d", left, got);
		left -= got;
	}
}

Test(in_flight, a_queue_below_its_limit_is_received_from)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	cr_expect(in_flight_allows(queue));
	send_text(queue, "a");
	cr_expect_eq(receive_with(""), CALL_DONE);
	cr_expect_eq(json_array_size(json_object_get(call.output, "Messages")), 1);
	cr_expect(in_flight_allows(queue));
}

Test(in_flight, a_short_poll_of_a_standard_queue_at_its_limit_is_told_so)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct rlq_message message;

	put_in_flight(queue, IN_FLIGHT_MAX - 1);
	send_text(queue, "a");
	cr_assert(receive_now(queue, &message, 1) == 1);
	send_text(queue, "b");
	EXPECT_FAILED(receive_with(""), OVER_LIMIT,
		      "Too many messages in flight: 120000 of a queue at most. Delete what is done.");
	cr_expect(receive_with("'WaitTimeSeconds': 20") == CALL_WAITS);
	call.is_last = true;
	EXPECT_DONE(action_receive_message(&call));
	cr_expect(answer_count("Messages") == 0);
	gateway.relaxed_limits = true;
	EXPECT_DONE(receive_with("'VisibilityTimeout': 0"));
	cr_expect(answer_count("Messages") == 1);
	gateway.relaxed_limits = false;
	cr_assert(rlq_delete(queue, &message.receipt) == 0);
	while (receive_with("") == CALL_FAILED) /* until the queue is looked at again */
		cr_assert(call.failure.code == OVER_LIMIT);
	cr_expect(answer_count("Messages") == 1);
}

Test(in_flight, a_fifo_queue_at_its_limit_has_no_messages)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue;

	attributes.type = RLQ_FIFO;
	attributes.content_dedup = true;
	queue = queue_make("q.fifo", &attributes);
	put_in_flight(queue, IN_FLIGHT_MAX);
	ASSERT_DONE(ask(action_send_message, "{'QueueUrl': 'q.fifo', 'MessageBody': 'b', 'MessageGroupId': 'h'}"));
	EXPECT_DONE(ask(action_receive_message, "{'QueueUrl': 'q.fifo'}"));
	cr_expect(answer_count("Messages") == 0);
}

Test(in_flight, receives_use_up_what_a_walk_has_allowed_and_deletes_give_it_back)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	cr_expect(in_flight_allows(queue));
	put_in_flight(queue, IN_FLIGHT_MAX);
	cr_expect(in_flight_allows(queue), "there was no walk since");
	in_flight_add(queue, IN_FLIGHT_MAX - 1);
	cr_expect(in_flight_allows(queue));
	in_flight_add(queue, 2);
	in_flight_add(queue, -2);
	cr_expect(in_flight_allows(queue));
	in_flight_add(queue, -10 * IN_FLIGHT_MAX);
	in_flight_add(queue, IN_FLIGHT_MAX);
	cr_expect(!in_flight_allows(queue), "more than the limit is not given back");
}

Test(in_flight, each_queue_has_a_limit_of_its_own)
{
	struct rlq_queue *queue = queue_make("q", NULL), *full = queue_make("full", NULL);
	char name[16];

	cr_expect(in_flight_allows(queue));
	put_in_flight(queue, IN_FLIGHT_MAX);
	put_in_flight(full, IN_FLIGHT_MAX);
	cr_expect(!in_flight_allows(full));
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "other%d", i);
		cr_expect(in_flight_allows(queue_make(name, NULL)));
	}
	cr_expect(in_flight_allows(queue), "it was not driven out, so that there was no walk since");
}
