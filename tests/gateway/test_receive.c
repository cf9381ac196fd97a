/* ReceiveMessage: a test for each rule. */
#include "tests/gateway/message_fixture.h"

#include <unistd.h>

TestSuite(receive, .init = actions_begin, .fini = actions_end);

/* With these further members, from the standard queue "q". */
static enum call_outcome receive_with(const char *members)
{
	return ask(action_receive_message, "{'QueueUrl': 'q'%s%s}", *members ? ", " : "", members);
}

static void send_native(struct rlq_queue *queue, const char *body, size_t body_bytes,
			const struct rlq_attribute *attributes, uint32_t attribute_count)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;

	options.attributes = attributes;
	options.attribute_count = attribute_count;
	cr_assert(rlq_send(queue, body, body_bytes, &options, NULL) == 0);
}

/* The last call once more, as the front does it. */
static enum call_outcome again(void)
{
	return action_receive_message(&call);
}

Test(receive, a_message_has_id_handle_body_and_digest)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	send_text(queue, "This is a test");
	EXPECT_DONE(receive_with(""));
	cr_expect(answer_count("Messages") == 1);
	EXPECT_TEXT("Messages.0.Body", "This is a test");
	EXPECT_TEXT("Messages.0.MD5OfBody", "ce114e4501d2f4e2dcea3e17b546f339");
	cr_expect(strlen(answer_text("Messages.0.MessageId")) == 36);
	cr_expect(strlen(answer_text("Messages.0.ReceiptHandle")) > 0);
	cr_expect(json_object_size(answer_at("Messages.0")) == 4);
}

Test(receive, the_leases_are_noted_for_a_client_that_hangs_up)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct rlq_receipt receipt;

	send_text(queue, "a");
	send_text(queue, "b");
	EXPECT_DONE(receive_with("'MaxNumberOfMessages': 10"));
	cr_assert(call.leased_count == 2);
	cr_expect(rlq_receipt_parse(answer_text("Messages.1.ReceiptHandle"), &receipt) == 0);
	cr_expect(memcmp(&receipt, &call.leased[1], sizeof(receipt)) == 0);
	cr_expect(rlq_extend(queue, &call.leased[0], 0) == 0);
	cr_expect(stat_of(queue).visible == 1);
}

Test(receive, nothing_is_an_empty_object)
{
	queue_make("q", NULL);
	EXPECT_DONE(receive_with(""));
	cr_expect(json_object_size(call.output) == 0);
}

Test(receive, a_queue_that_is_not_there_is_refused)
{
	EXPECT_FAILED(receive_with(""), QUEUE_DOES_NOT_EXIST, "The specified queue does not exist.");
}

/* ---- ranges ----------------------------------------------------------------------------------- */

Test(receive, one_message_comes_unless_more_are_asked_for_up_to_10)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	for (int i = 0; i < 12; i++)
		send_text(queue, "a");
	EXPECT_DONE(receive_with(""));
	cr_expect(answer_count("Messages") == 1);
	EXPECT_DONE(receive_with("'MaxNumberOfMessages': 10"));
	cr_expect(answer_count("Messages") == 10);
	EXPECT_FAILED(receive_with("'MaxNumberOfMessages': 11"), INVALID_PARAMETER_VALUE,
		      "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if "
		      "provided.");
	EXPECT_FAILED(receive_with("'MaxNumberOfMessages': 0"), INVALID_PARAMETER_VALUE,
		      "Value 0 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if "
		      "provided.");
}

Test(receive, a_wait_is_0_to_20_seconds)
{
	queue_make("q", NULL);
	EXPECT_FAILED(receive_with("'WaitTimeSeconds': 21"), INVALID_PARAMETER_VALUE,
		      "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if "
		      "provided.");
	EXPECT_FAILED(receive_with("'WaitTimeSeconds': -1"), INVALID_PARAMETER_VALUE,
		      "Value -1 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if "
		      "provided.");
}

Test(receive, a_visibility_timeout_is_0_to_12_hours)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	EXPECT_FAILED(
		receive_with("'VisibilityTimeout': 43201"), INVALID_PARAMETER_VALUE,
		"Value 43201 for parameter VisibilityTimeout is invalid. Reason: Must be >= 0 and <= 43200, if "
		"provided.");
	EXPECT_FAILED(receive_with("'VisibilityTimeout': -1"), INVALID_PARAMETER_VALUE,
		      "Value -1 for parameter VisibilityTimeout is invalid. Reason: Must be >= 0 and <= 43200, if "
		      "provided.");
	send_text(queue, "a");
	EXPECT_DONE(receive_with("'VisibilityTimeout': 43200"));
	time_passes(43200000 - 1);
	EXPECT_DONE(receive_with(""));
	cr_expect(answer_count("Messages") == 0);
	time_passes(1 + LEASE_SLACK_MS);
	EXPECT_DONE(receive_with("'VisibilityTimeout': 0"));
	EXPECT_DONE(receive_with("'VisibilityTimeout': 0, 'AttributeNames': ['All']"));
	EXPECT_TEXT("Messages.0.Attributes.ApproximateReceiveCount", "3");
}

Test(receive, without_a_visibility_timeout_that_of_the_queue_counts)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.visibility_ms = 5000;
	send_text(queue_make("q", &attributes), "a");
	EXPECT_DONE(receive_with(""));
	time_passes(5000 + LEASE_SLACK_MS);
	EXPECT_DONE(receive_with(""));
	cr_expect(answer_count("Messages") == 1);
}

/* ---- waiting ---------------------------------------------------------------------------------- */

Test(receive, a_long_poll_waits_and_answers_once_a_message_is_there)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	int64_t until_ms;

	cr_expect(receive_with("'WaitTimeSeconds': 20") == CALL_WAITS);
	cr_expect_str_eq(call.queue, "q");
	until_ms = call.wait_until_ms;
	cr_expect(until_ms > 0);
	cr_expect(again() == CALL_WAITS && call.wait_until_ms == until_ms, "called for nothing");
	send_text(queue, "a");
	EXPECT_DONE(again());
	EXPECT_TEXT("Messages.0.Body", "a");
}

Test(receive, a_long_poll_ends_empty_when_its_time_is_up)
{
	queue_make("q", NULL);
	cr_expect(receive_with("'WaitTimeSeconds': 20") == CALL_WAITS);
	call.is_last = true;
	EXPECT_DONE(again());
	cr_expect(json_object_size(call.output) == 0);
	call.is_last = false;
	call.wait_until_ms = 1;
	EXPECT_DONE(again());
}

Test(receive, the_wait_of_the_queue_counts_unless_another_is_given_also_0)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.wait_ms = 20000;
	queue_make("q", &attributes);
	cr_expect(receive_with("") == CALL_WAITS);
	EXPECT_DONE(receive_with("'WaitTimeSeconds': 0"));
}

/* ---- system attributes ------------------------------------------------------------------------ */

Test(receive, system_attributes_come_only_on_request)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	char sender[16], sent[24];

	snprintf(sender, sizeof(sender), "%u", getuid());
	snprintf(sent, sizeof(sent), "%llu", (unsigned long long)wall_now());
	send_text(queue, "a");
	EXPECT_DONE(receive_with("'VisibilityTimeout': 0"));
	EXPECT_ABSENT("Messages.0.Attributes");
	EXPECT_DONE(receive_with("'AttributeNames': ['All']"));
	cr_expect(json_object_size(answer_at("Messages.0.Attributes")) == 4);
	EXPECT_TEXT("Messages.0.Attributes.SenderId", sender);
	EXPECT_TEXT("Messages.0.Attributes.SentTimestamp", sent);
	EXPECT_TEXT("Messages.0.Attributes.ApproximateReceiveCount", "2");
	EXPECT_TEXT("Messages.0.Attributes.ApproximateFirstReceiveTimestamp", sent);
}

Test(receive, old_and_new_names_of_system_attributes_are_united)
{
	send_text(queue_make("q", NULL), "a");
	EXPECT_DONE(
		receive_with("'AttributeNames': ['SenderId'], 'MessageSystemAttributeNames': ['SentTimestamp']"));
	cr_expect(json_object_size(answer_at("Messages.0.Attributes")) == 2);
	cr_expect(answer_at("Messages.0.Attributes.SenderId") && answer_at("Messages.0.Attributes.SentTimestamp"));
}

Test(receive, names_that_do_not_apply_are_left_out)
{
	send_text(queue_make("q", NULL), "a");
	EXPECT_DONE(receive_with("'AttributeNames': ['SequenceNumber', 'Policy', 'nonsense', 'AWSTraceHeader']"));
	EXPECT_ABSENT("Messages.0.Attributes");
}

Test(receive, a_message_of_a_fifo_queue_has_its_ids)
{
	fifo_make("q.fifo", NULL, false);
	ASSERT_DONE(
		ask(action_send_message,
		    "{'QueueUrl': 'q.fifo', 'MessageBody': 'b', 'MessageGroupId': 'g', 'MessageDeduplicationId':"
		    " 'd'}"));
	EXPECT_DONE(ask(action_receive_message, "{'QueueUrl': 'q.fifo', 'AttributeNames': ['All']}"));
	EXPECT_TEXT("Messages.0.Attributes.MessageGroupId", "g");
	EXPECT_TEXT("Messages.0.Attributes.MessageDeduplicationId", "d");
	EXPECT_TEXT("Messages.0.Attributes.SequenceNumber", "10000000000000000001");
}

Test(receive, a_trace_header_is_a_system_attribute_and_no_other)
{
	queue_make("q", NULL);
	call.trace_header = "Root=1";
	for (int i = 0; i < 2; i++)
		ASSERT_DONE(ask(action_send_message, "{'QueueUrl': 'q', 'MessageBody': 'b'}"));
	EXPECT_DONE(receive_with("'AttributeNames': ['AWSTraceHeader'], 'MessageAttributeNames': ['All']"));
	EXPECT_TEXT("Messages.0.Attributes.AWSTraceHeader", "Root=1");
	EXPECT_ABSENT("Messages.0.MessageAttributes");
	EXPECT_DONE(receive_with("'MessageAttributeNames': ['All']"));
	EXPECT_ABSENT("Messages.0.Attributes");
}

/* A native's may be any text. */
Test(receive, a_trace_that_is_no_text_of_aws_is_left_out)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_queue *queue = queue_make("q", NULL);

	options.trace = "\x01";
	cr_assert(rlq_send(queue, "b", 1, &options, NULL) == 0);
	EXPECT_DONE(receive_with("'AttributeNames': ['AWSTraceHeader']"));
	EXPECT_TEXT("Messages.0.Body", "b");
	EXPECT_ABSENT("Messages.0.Attributes");
}

Test(receive, what_came_to_a_dlq_says_from_where)
{
	struct rlq_queue *dlq, *queue = queue_with_dlq("q", 1, &dlq);

	send_text(queue, "a");
	EXPECT_DONE(receive_with(""));
	time_passes(1000 + LEASE_SLACK_MS);
	EXPECT_DONE(receive_with(""));
	cr_expect(answer_count("Messages") == 0);
	EXPECT_DONE(ask(action_receive_message, "{'QueueUrl': 'dlq', 'AttributeNames': ['All']}"));
	EXPECT_TEXT("Messages.0.Attributes.DeadLetterQueueSourceArn", "arn:aws:sqs:eu-central-1:000000000000:q");
	EXPECT_TEXT("Messages.0.Attributes.ApproximateReceiveCount", "2");
}

/* ---- message attributes ----------------------------------------------------------------------- */

static void send_three(void)
{
	ASSERT_DONE(ask(action_send_message, "{'QueueUrl': 'q', 'MessageBody': 'b', 'MessageAttributes': {"
					     " 'Help.Me': {'DataType': 'String', 'StringValue': 'Me'},"
					     " 'Hello': {'DataType': 'String', 'StringValue': 'There'},"
					     " 'General': {'DataType': 'String', 'StringValue': 'Kenobi'}}}"));
}

Test(receive, message_attributes_come_only_on_request)
{
	queue_make("q", NULL);
	send_three();
	EXPECT_DONE(receive_with("'VisibilityTimeout': 0"));
	EXPECT_ABSENT("Messages.0.MessageAttributes");
	EXPECT_ABSENT("Messages.0.MD5OfMessageAttributes");
	EXPECT_DONE(receive_with("'VisibilityTimeout': 0, 'MessageAttributeNames': ['nothing', 'a b']"));
	EXPECT_ABSENT("Messages.0.MessageAttributes");
	EXPECT_ABSENT("Messages.0.MD5OfMessageAttributes");
	EXPECT_DONE(receive_with("'MessageAttributeNames': ['All']"));
	cr_expect(json_object_size(answer_at("Messages.0.MessageAttributes")) == 3);
	EXPECT_TEXT("Messages.0.MessageAttributes.General.StringValue", "Kenobi");
	EXPECT_TEXT("Messages.0.MessageAttributes.General.DataType", "String");
	EXPECT_TEXT("Messages.0.MD5OfMessageAttributes", "4c360f3fdafd970e05fae2f149d997f5");
}

Test(receive, the_digest_covers_the_attributes_that_are_returned)
{
	queue_make("q", NULL);
	send_three();
	EXPECT_DONE(receive_with("'MessageAttributeNames': ['Hello', 'Help.*']"));
	cr_expect(json_object_size(answer_at("Messages.0.MessageAttributes")) == 2);
	EXPECT_TEXT("Messages.0.MD5OfMessageAttributes", "83fee93c1bcd8b9a5a923ffacdc636c7");
}

Test(receive, numbers_and_bytes_come_as_they_were_sent)
{
	queue_make("q", NULL);
	ASSERT_DONE(ask(action_send_message, "{'QueueUrl': 'q', 'MessageBody': 'b', 'MessageAttributes': {"
					     " 'bytes': {'DataType': 'Binary.raw', 'BinaryValue': 'AAH/'},"
					     " 'number': {'DataType': 'Number.int', 'StringValue': '+0042.50'}}}"));
	EXPECT_DONE(receive_with("'MessageAttributeNames': ['.*']"));
	EXPECT_TEXT("Messages.0.MessageAttributes.bytes.BinaryValue", "AAH/");
	EXPECT_TEXT("Messages.0.MessageAttributes.bytes.DataType", "Binary.raw");
	EXPECT_ABSENT("Messages.0.MessageAttributes.bytes.StringValue");
	EXPECT_TEXT("Messages.0.MessageAttributes.number.StringValue", "+0042.50");
	EXPECT_TEXT("Messages.0.MessageAttributes.number.DataType", "Number.int");
}

/* ---- what natives send and AWS could not ------------------------------------------------------- */

Test(receive, a_body_that_is_no_text_comes_as_base64_and_says_so)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	send_native(queue, "\xff\x00\x01", 3, NULL, 0);
	EXPECT_DONE(receive_with(""));
	EXPECT_TEXT("Messages.0.Body", "/wAB");
	EXPECT_TEXT("Messages.0.MD5OfBody", "3bb09397a1fda916d4ed4fdf259d733f");
	cr_expect(json_object_size(answer_at("Messages.0.MessageAttributes")) == 1);
	EXPECT_TEXT("Messages.0.MessageAttributes/ringlease.BodyEncoding/StringValue", "base64");
	cr_expect(strlen(answer_text("Messages.0.MD5OfMessageAttributes")) == 32);
	send_native(queue, "control \x01", 9, NULL, 0);
	EXPECT_DONE(receive_with(""));
	EXPECT_TEXT("Messages.0.Body", "Y29udHJvbCAB");
}

Test(receive, an_empty_body_is_an_empty_text)
{
	send_native(queue_make("q", NULL), NULL, 0, NULL, 0);
	EXPECT_DONE(receive_with(""));
	EXPECT_TEXT("Messages.0.Body", "");
	EXPECT_TEXT("Messages.0.MD5OfBody", "d41d8cd98f00b204e9800998ecf8427e");
	EXPECT_ABSENT("Messages.0.MessageAttributes");
}

Test(receive, a_text_attribute_that_is_no_text_comes_as_binary)
{
	const struct rlq_attribute attribute = {
		.name = "a", .type = RLQ_STRING, .type_label = "latin1", .value = "\xe4\xf6", .value_bytes = 2};

	send_native(queue_make("q", NULL), "b", 1, &attribute, 1);
	EXPECT_DONE(receive_with("'MessageAttributeNames': ['All']"));
	EXPECT_TEXT("Messages.0.MessageAttributes.a.DataType", "Binary.latin1");
	EXPECT_TEXT("Messages.0.MessageAttributes.a.BinaryValue", "5PY=");
	EXPECT_TEXT("Messages.0.MD5OfMessageAttributes", "39a5c5af331c0a2cb4bb065e937d4fbb");
}

Test(receive, a_label_that_is_no_text_is_left_out)
{
	const struct rlq_attribute attribute = {
		.name = "a", .type = RLQ_STRING, .type_label = "\xff", .value = "v", .value_bytes = 1};

	send_native(queue_make("q", NULL), "b", 1, &attribute, 1);
	EXPECT_DONE(receive_with("'MessageAttributeNames': ['All']"));
	EXPECT_TEXT("Messages.0.MessageAttributes.a.DataType", "String");
}

/* ---- attempts --------------------------------------------------------------------------------- */

Test(receive, an_attempt_that_is_repeated_brings_the_same_messages)
{
	char id[64];

	fifo_make("q.fifo", NULL, true);
	ASSERT_DONE(ask(action_send_message, "{'QueueUrl': 'q.fifo', 'MessageBody': 'b', 'MessageGroupId': 'g'}"));
	EXPECT_DONE(ask(action_receive_message, "{'QueueUrl': 'q.fifo', 'ReceiveRequestAttemptId': 'try'}"));
	strcpy(id, answer_text("Messages.0.MessageId"));
	EXPECT_DONE(ask(action_receive_message, "{'QueueUrl': 'q.fifo', 'ReceiveRequestAttemptId': 'try'}"));
	EXPECT_TEXT("Messages.0.MessageId", id);
	EXPECT_DONE(ask(action_receive_message, "{'QueueUrl': 'q.fifo', 'ReceiveRequestAttemptId': 'other'}"));
	cr_expect(answer_count("Messages") == 0);
}

Test(receive, attempts_are_for_fifo_queues_and_have_an_id)
{
	queue_make("q", NULL);
	fifo_make("q.fifo", NULL, true);
	EXPECT_FAILED(receive_with("'ReceiveRequestAttemptId': 'try'"), INVALID_PARAMETER_VALUE,
		      "Value try for parameter ReceiveRequestAttemptId is invalid. Reason: The request includes a "
		      "parameter that is not valid for this queue type.");
	EXPECT_FAILED(ask(action_receive_message, "{'QueueUrl': 'q.fifo', 'ReceiveRequestAttemptId': 'a b'}"),
		      INVALID_PARAMETER_VALUE,
		      "Value a b for parameter ReceiveRequestAttemptId is invalid. Reason: ReceiveRequestAttemptId "
		      "can only include alphanumeric and punctuation characters. 1 to 128 in length.");
}
