/* The system attribute AWSTraceHeader: a test for each rule of sending it. */
#include "gateway/message.h"
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
	static char text[RLQ_TRACE_MAX + 1];
	struct rlq_message message = receive_one(queue);

	snprintf(text, sizeof(text), "%s", message.trace ? message.trace : "(none)");
	return text;
}

Test(trace_header, a_trace_header_is_kept_and_is_no_attribute)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct rlq_message message;

	EXPECT_DONE(send_with(SYSTEM));
	EXPECT_TEXT("MD5OfMessageSystemAttributes", "5ae4d5d7636402d80f4eb6d213245a88");
	EXPECT_ABSENT("MD5OfMessageAttributes");
	message = receive_one(queue);
	cr_expect_str_eq(message.trace, TRACE);
	cr_expect_eq(message.attribute_count, 0);
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

/* One that is too long is an error only of who has asked for it. */
Test(trace_header, a_trace_header_has_up_to_1024_bytes)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	char text[RLQ_TRACE_MAX + 2] = "", members[2 * RLQ_TRACE_MAX];

	memset(text, 't', RLQ_TRACE_MAX);
	for (int more = 0; more < 2; more++) {
		text[RLQ_TRACE_MAX] = more ? 't' : '\0';
		call.trace_header = text;
		EXPECT_DONE(send_with(""));
		cr_expect_str_eq(trace_of(queue), more ? "(none)" : text);
		snprintf(members, sizeof(members),
			 "'MessageSystemAttributes': {'AWSTraceHeader': {'DataType':"
			 " 'String', 'StringValue': '%s'}}",
			 text);
		if (more)
			EXPECT_FAILED(send_with(members), INVALID_PARAMETER_VALUE,
				      "Message (system) attribute 'AWSTraceHeader' must be of 1 to 1,024 bytes.");
		else
			EXPECT_DONE(send_with(members));
		if (!more)
			cr_expect_str_eq(trace_of(queue), text);
	}
}

/* Of the client as of HTTP. */
Test(trace_header, ten_attributes_may_be_beside_a_trace_header)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	json_t *input = json_pack("{s:s, s:s, s:o}", "QueueUrl", "q", "MessageBody", "b", "MessageAttributes",
				  many_attributes(10));
	struct rlq_message message;

	call.trace_header = "Root=1-of-http";
	EXPECT_DONE(run(action_send_message, json_deep_copy(input)));
	message = receive_one(queue);
	cr_expect(message.attribute_count == 10);
	cr_expect_str_eq(message.trace, "Root=1-of-http");
	json_object_set_new(input, "MessageSystemAttributes",
			    json_pack("{s:{s:s, s:s}}", "AWSTraceHeader", "DataType", "String", "StringValue",
				      "Root=1"));
	EXPECT_DONE(run(action_send_message, input));
	message = receive_one(queue);
	cr_expect(message.attribute_count == 10);
	cr_expect_str_eq(message.trace, "Root=1");
}

Test(trace_header, a_trace_header_counts_nothing_against_the_size)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue;

	attributes.message_bytes_max = 4;
	queue = queue_make("q", &attributes);
	call.trace_header = "Root=1";
	EXPECT_DONE(send_with(""));
	cr_expect_str_eq(trace_of(queue), "Root=1");
	EXPECT_DONE(send_with(SYSTEM));
	cr_expect_str_eq(trace_of(queue), TRACE);
}

/* Nor against AWS's own limits, of a message and of a batch. */
Test(trace_header, a_trace_header_counts_nothing_against_a_mebibyte)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	json_t *trace = json_pack("{s:{s:s, s:s}}", "AWSTraceHeader", "DataType", "String", "StringValue", TRACE);
	json_t *entry = json_pack("{s:s, s:o, s:O}", "Id", "1", "MessageBody", text_of(MESSAGE_BYTES_MAX),
				  "MessageSystemAttributes", trace);

	EXPECT_DONE(
		run(action_send_message, json_pack("{s:s, s:o, s:o}", "QueueUrl", "q", "MessageBody",
						   text_of(MESSAGE_BYTES_MAX), "MessageSystemAttributes", trace)));
	EXPECT_DONE(run(action_send_message_batch, json_pack("{s:s, s:[o]}", "QueueUrl", "q", "Entries", entry)));
	cr_expect(answer_count("Successful") == 1);
	cr_expect_str_eq(trace_of(queue), TRACE);
	cr_expect_str_eq(trace_of(queue), TRACE);
}
