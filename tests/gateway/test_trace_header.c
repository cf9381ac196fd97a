/* The system attribute AWSTraceHeader: a test for each rule of sending it. */
#include "tests/gateway/message_fixture.h"

TestSuite(trace_header, .init = actions_begin, .fini = actions_end);

#define TRACE "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
#define SYSTEM "'MessageSystemAttributes': {'AWSTraceHeader': {'DataType': 'String', 'StringValue': '" TRACE "'}}"

/* With these further members, to the standard queue "q". */
static enum call_outcome send_with(const char *members)
{
	return ask(action_send_message, "{'QueueUrl': 'q', 'MessageBody': 'body'%s%s}", *members ? ", " : "",
		   members);
}

static const char *trace_of(struct rlq_queue *queue)
{
	static char text[256];
	struct rlq_message message = receive_one(queue);

	if (message.attribute_count == 0)
		return "(none)";
	cr_expect_str_eq(message.attributes[message.attribute_count - 1].name, "ringlease.AWSTraceHeader");
	snprintf(text, sizeof(text), "%.*s", (int)message.attributes[message.attribute_count - 1].value_bytes,
		 (const char *)message.attributes[message.attribute_count - 1].value);
	return text;
}

Test(trace_header, a_trace_header_is_kept_as_an_attribute_that_no_user_can_have)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	EXPECT_DONE(send_with(SYSTEM));
	EXPECT_TEXT("MD5OfMessageSystemAttributes", "5ae4d5d7636402d80f4eb6d213245a88");
	EXPECT_ABSENT("MD5OfMessageAttributes");
	cr_expect_str_eq(trace_of(queue), TRACE);
}

Test(trace_header, the_trace_header_of_http_counts_if_no_other_is_given)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	call.trace_header = "Root=1-of-http";
	EXPECT_DONE(send_with(""));
	EXPECT_ABSENT("MD5OfMessageSystemAttributes");
	cr_expect_str_eq(trace_of(queue), "Root=1-of-http");
	EXPECT_DONE(send_with(SYSTEM));
	cr_expect_str_eq(trace_of(queue), TRACE);
	call.trace_header = "not \x01 a text";
	EXPECT_DONE(send_with(""));
	cr_expect_str_eq(trace_of(queue), "(none)");
}

Test(trace_header, other_system_attributes_are_refused)
{
	queue_make("q", NULL);
	EXPECT_FAILED(send_with("'MessageSystemAttributes': {'X': {'DataType': 'String', 'StringValue': 'v'}}"),
		      INVALID_PARAMETER_VALUE,
		      "Message (system) attribute 'X' is not supported. AWSTraceHeader is.");
	EXPECT_FAILED(send_with("'MessageSystemAttributes':"
				" {'AWSTraceHeader': {'DataType': 'Number', 'StringValue': '1'}}"),
		      INVALID_PARAMETER_VALUE,
		      "Message (system) attribute 'AWSTraceHeader' must be of type 'String'.");
}

Test(trace_header, a_trace_header_beside_ten_attributes_is_refused_if_asked_for_and_else_left_out)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	json_t *input = json_pack("{s:s, s:s, s:o}", "QueueUrl", "q", "MessageBody", "b", "MessageAttributes",
				  many_attributes(10));

	call.trace_header = "Root=1-of-http";
	EXPECT_DONE(run(action_send_message, json_deep_copy(input)));
	cr_expect(receive_one(queue).attribute_count == 10);
	json_object_set_new(input, "MessageSystemAttributes",
			    json_pack("{s:{s:s, s:s}}", "AWSTraceHeader", "DataType", "String", "StringValue",
				      "Root=1"));
	EXPECT_FAILED(run(action_send_message, input), INVALID_PARAMETER_VALUE,
		      "AWSTraceHeader has no room: here it counts as one of 10 message attributes, and against the "
		      "size of the message.");
}

Test(trace_header, a_trace_header_does_not_make_a_message_too_long)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue;

	attributes.message_bytes_max = 4 + strlen("ringlease.AWSTraceHeaderString") + 6;
	queue = queue_make("q", &attributes);
	call.trace_header = "Root=1";
	EXPECT_DONE(send_with(""));
	cr_expect_str_eq(trace_of(queue), "Root=1");
	call.trace_header = "Root=12";
	EXPECT_DONE(send_with(""));
	cr_expect_str_eq(trace_of(queue), "(none)");
}
