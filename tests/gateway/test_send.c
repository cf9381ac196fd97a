/* SendMessage: a test for each rule. */
#include "tests/gateway/message_fixture.h"

TestSuite(send, .init = actions_begin, .fini = actions_end);

/* With these further members, to the standard queue "q". */
static enum call_outcome send_with(const char *members)
{
	return ask(action_send_message, "{'QueueUrl': 'q', 'MessageBody': 'body'%s%s}", *members ? ", " : "",
		   members);
}

/* With one message attribute "a" of these members. */
static enum call_outcome send_attribute(const char *members)
{
	return ask(action_send_message,
		   "{'QueueUrl': 'q', 'MessageBody': 'body', 'MessageAttributes': {'a': {%s}}}", members);
}

static enum call_outcome send_named(const char *name)
{
	return ask(action_send_message,
		   "{'QueueUrl': 'q', 'MessageBody': 'body', 'MessageAttributes':"
		   " {'%s': {'DataType': 'String', 'StringValue': 'v'}}}",
		   name);
}

static enum call_outcome send_bytes(size_t bytes)
{
	return run(action_send_message, json_pack("{s:s, s:o}", "QueueUrl", "q", "MessageBody", text_of(bytes)));
}

Test(send, an_answer_has_the_id_and_the_digests)
{
	queue_make("q", NULL);
	EXPECT_DONE(ask(action_send_message,
			"{'QueueUrl': 'q', 'MessageBody': 'This is a test', 'MessageAttributes':"
			" {'k': {'DataType': 'String', 'StringValue': 'x'}}}"));
	cr_expect(strlen(answer_text("MessageId")) == 36);
	EXPECT_TEXT("MD5OfMessageBody", "ce114e4501d2f4e2dcea3e17b546f339");
	EXPECT_TEXT("MD5OfMessageAttributes", "a45daa70926828a2f0a1db3418e6feb4");
	EXPECT_ABSENT("MD5OfMessageSystemAttributes");
	EXPECT_ABSENT("SequenceNumber");
	cr_expect_str_eq(call.queue, "q");
}

Test(send, the_id_is_that_of_the_message)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	char id[RLQ_MESSAGE_ID_TEXT_BYTES];
	struct rlq_message message;

	EXPECT_DONE(send_with(""));
	message = receive_one(queue);
	cr_expect(body_is(&message, "body") && message.attribute_count == 0);
	rlq_message_id_format(&message.id, id);
	EXPECT_TEXT("MessageId", id);
}

Test(send, a_queue_that_is_not_there_is_refused)
{
	EXPECT_FAILED(send_with(""), QUEUE_DOES_NOT_EXIST, "The specified queue does not exist.");
}

/* ---- the body --------------------------------------------------------------------------------- */

Test(send, a_body_is_required)
{
	queue_make("q", NULL);
	EXPECT_FAILED(ask(action_send_message, "{'QueueUrl': 'q'}"), MISSING_PARAMETER,
		      "The request must contain the parameter MessageBody.");
	EXPECT_FAILED(send_bytes(0), MISSING_PARAMETER, "The request must contain the parameter MessageBody.");
}

Test(send, a_body_has_allowed_characters_only)
{
	static const char *const bodies[] = {"\\u0001", "a\\u001fb", "\\ufffe", "\\uffff", "12345678\\u000b"};
	struct rlq_queue *queue = queue_make("q", NULL);

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		EXPECT_FAILED(ask(action_send_message, "{'QueueUrl': 'q', 'MessageBody': '%s'}", bodies[i]),
			      INVALID_MESSAGE_CONTENTS,
			      "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to "
			      "#xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF");
	cr_expect(stat_of(queue).sent == 0);
	EXPECT_DONE(ask(action_send_message, "{'QueueUrl': 'q', 'MessageBody': '\\t\\n\\r \\ud83d\\ude00'}"));
}

Test(send, a_message_is_not_longer_than_the_queue_allows)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.message_bytes_max = 1024;
	queue_make("q", &attributes);
	EXPECT_DONE(send_bytes(1024));
	EXPECT_FAILED(send_bytes(1025), INVALID_PARAMETER_VALUE,
		      "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes.");
}

Test(send, names_types_and_values_of_attributes_count)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.message_bytes_max = 4 + 1 + 10 + 3;
	queue_make("q", &attributes);
	EXPECT_DONE(send_attribute("'DataType': 'Binary.abc', 'BinaryValue': 'AAAA'"));
	EXPECT_FAILED(send_attribute("'DataType': 'Binary.abc', 'BinaryValue': 'AAAAAA=='"),
		      INVALID_PARAMETER_VALUE,
		      "One or more parameters are invalid. Reason: Message must be shorter than 18 bytes.");
}

Test(send, a_mebibyte_is_the_limit_unless_limits_are_relaxed)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.message_bytes_max = RLQ_BODY_MAX;
	queue_make("q", &attributes);
	EXPECT_DONE(send_bytes(1048576));
	EXPECT_FAILED(send_bytes(1048577), INVALID_PARAMETER_VALUE,
		      "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.");
	gateway.relaxed_limits = true;
	EXPECT_DONE(send_bytes(1048577));
}

Test(send, a_full_queue_is_unavailable)
{
	queue_of("q", 1);
	EXPECT_DONE(send_with(""));
	cr_expect(send_with("") == CALL_FAILED);
	cr_expect(call.failure.code == SERVICE_UNAVAILABLE);
}

/* ---- message attributes ----------------------------------------------------------------------- */

Test(send, attributes_arrive)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct rlq_message message;

	EXPECT_DONE(ask(action_send_message, "{'QueueUrl': 'q', 'MessageBody': 'body', 'MessageAttributes': {"
					     " 'b': {'DataType': 'Binary.raw', 'BinaryValue': 'AAH/'},"
					     " 'c': {'DataType': 'Binary', 'BinaryValue': 'YQ=='},"
					     " 'n': {'DataType': 'Number.int', 'StringValue': '0042'},"
					     " 's': {'DataType': 'String', 'StringValue': 'text'}}}"));
	message = receive_one(queue);
	cr_assert(message.attribute_count == 4);
	cr_expect(message.attributes[0].type == RLQ_BINARY && message.attributes[0].value_bytes == 3 &&
		  memcmp(message.attributes[0].value, "\0\1\xff", 3) == 0);
	cr_expect_str_eq(message.attributes[0].type_label, "raw");
	cr_expect(message.attributes[1].value_bytes == 1 && memcmp(message.attributes[1].value, "a", 1) == 0);
	cr_expect(message.attributes[2].type == RLQ_NUMBER &&
		  memcmp(message.attributes[2].value, "0042", message.attributes[2].value_bytes) == 0);
	cr_expect(message.attributes[3].type == RLQ_STRING);
}

Test(send, ten_attributes_are_the_most)
{
	json_t *input = json_pack("{s:s, s:s, s:o}", "QueueUrl", "q", "MessageBody", "b", "MessageAttributes",
				  many_attributes(10));

	queue_make("q", NULL);
	EXPECT_DONE(run(action_send_message, json_deep_copy(input)));
	json_object_set_new(input, "MessageAttributes", many_attributes(11));
	EXPECT_FAILED(run(action_send_message, input), INVALID_PARAMETER_VALUE,
		      "Number of message attributes [11] exceeds the allowed maximum [10].");
}

Test(send, a_name_of_an_attribute_has_up_to_255_letters_digits_and_marks)
{
	char name[257];

	queue_make("q", NULL);
	EXPECT_DONE(send_named("aZ09_-.x"));
	memset(name, 'n', sizeof(name));
	name[255] = '\0';
	EXPECT_DONE(send_named(name));
	name[255] = 'n';
	name[256] = '\0';
	EXPECT_FAILED(send_named(name), INVALID_PARAMETER_VALUE,
		      "Message (user) attribute names must be shorter than 256 Bytes.");
	EXPECT_FAILED(send_named("a b"), INVALID_PARAMETER_VALUE,
		      "Message (user) attribute name 'a b' is invalid: it can only contain upper and lower case "
		      "letters, digits, periods, hyphens and underscores, and no two periods in a row.");
	EXPECT_DONE(send_named("Grüße.ÀɏŁ"));
	cr_expect(send_named("2×2") == CALL_FAILED);
	cr_expect(send_named("2÷2") == CALL_FAILED);
	cr_expect(send_named("¿") == CALL_FAILED);
	cr_expect(send_named("ɐ") == CALL_FAILED);
	cr_expect(send_named("字") == CALL_FAILED);
	cr_expect(send_named("") == CALL_FAILED);
	cr_expect(send_named("a..b") == CALL_FAILED);
}

Test(send, reserved_names_of_attributes_are_refused)
{
	static const char *const names[] = {
		"AWS.x", "aws.X", "Amazon.x", "AMAZON.x", "ringlease.x", "Ringlease.AWSTraceHeader", ".a", "a."};

	queue_make("q", NULL);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		EXPECT_FAILED(
			send_named(names[i]), INVALID_PARAMETER_VALUE,
			"You can't use message attribute names beginning with 'AWS.', 'Amazon.' or "
			"'ringlease.'. These strings are reserved for internal use. Additionally, they cannot "
			"start or end with '.'.");
	EXPECT_DONE(send_named("AWSx"));
}

Test(send, list_values_are_not_supported)
{
	queue_make("q", NULL);
	EXPECT_FAILED(send_attribute("'DataType': 'String', 'StringValue': 'v', 'StringListValues': []"),
		      UNSUPPORTED_OPERATION,
		      "Message attribute list values in SendMessage operation are not supported.");
	EXPECT_FAILED(send_attribute("'DataType': 'Binary', 'BinaryValue': 'AAAA', 'BinaryListValues': ['AAAA']"),
		      UNSUPPORTED_OPERATION,
		      "Message attribute list values in SendMessage operation are not supported.");
}

Test(send, a_type_of_an_attribute_is_string_number_or_binary)
{
	static const char *const types[] = {"Strin", "Stringx", "string", "String.", ".String", "Text.String"};
	char members[512], label[260];

	queue_make("q", NULL);
	EXPECT_FAILED(send_attribute("'StringValue': 'v'"), INVALID_PARAMETER_VALUE,
		      "Message (user) attribute 'a' must contain a non-empty DataType.");
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		snprintf(members, sizeof(members), "'DataType': '%s', 'StringValue': 'v'", types[i]);
		EXPECT_FAILED(
			send_attribute(members), INVALID_PARAMETER_VALUE,
			"The type of message (user) attribute 'a' is invalid. You must use only the following "
			"supported type prefixes: Binary, Number, String.");
	}
	memset(label, 'l', sizeof(label));
	label[255 - 7] = '\0';
	snprintf(members, sizeof(members), "'DataType': 'String.%s', 'StringValue': 'v'", label);
	EXPECT_DONE(send_attribute(members));
	label[255 - 7] = 'l';
	label[256 - 7] = '\0';
	snprintf(members, sizeof(members), "'DataType': 'String.%s', 'StringValue': 'v'", label);
	EXPECT_FAILED(send_attribute(members), INVALID_PARAMETER_VALUE,
		      "Message (user) attribute types must be shorter than 256 Bytes.");
}

Test(send, an_attribute_has_a_value_of_its_type)
{
	queue_make("q", NULL);
	EXPECT_FAILED(send_attribute("'DataType': 'String', 'StringValue': ''"), INVALID_PARAMETER_VALUE,
		      "Message (user) attribute 'a' must contain a non-empty value of type 'String'.");
	EXPECT_FAILED(send_attribute("'DataType': 'String', 'BinaryValue': 'YQ=='"), INVALID_PARAMETER_VALUE,
		      "Message (user) attribute 'a' must contain a non-empty value of type 'String'.");
	EXPECT_FAILED(send_attribute("'DataType': 'Binary.gif', 'StringValue': 'v'"), INVALID_PARAMETER_VALUE,
		      "Message (user) attribute 'a' must contain a non-empty value of type 'Binary'.");
	EXPECT_FAILED(send_attribute("'DataType': 'Number', 'StringValue': 'one'"), INVALID_PARAMETER_VALUE,
		      "Can't cast the value of message (user) attribute 'a' to a number.");
	EXPECT_FAILED(send_attribute("'DataType': 'Binary', 'BinaryValue': '!'"), INVALID_PARAMETER_VALUE,
		      "The BinaryValue of message (user) attribute 'a' is not base64.");
	EXPECT_FAILED(send_attribute("'DataType': 'Binary', 'BinaryValue': 'YQ='"), INVALID_PARAMETER_VALUE,
		      "The BinaryValue of message (user) attribute 'a' is not base64.");
}

Test(send, a_value_with_forbidden_characters_is_an_invalid_parameter)
{
	queue_make("q", NULL);
	cr_expect(send_attribute("'DataType': 'String', 'StringValue': '\\u0001'") == CALL_FAILED);
	cr_expect(call.failure.code == INVALID_PARAMETER_VALUE);
}

/* ---- the delay -------------------------------------------------------------------------------- */

Test(send, a_delay_is_0_to_900_seconds)
{
	queue_make("q", NULL);
	EXPECT_DONE(send_with("'DelaySeconds': 0"));
	EXPECT_DONE(send_with("'DelaySeconds': 900"));
	EXPECT_FAILED(send_with("'DelaySeconds': 901"), INVALID_PARAMETER_VALUE,
		      "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= "
		      "900.");
	EXPECT_FAILED(send_with("'DelaySeconds': -1"), INVALID_PARAMETER_VALUE,
		      "Value -1 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= "
		      "900.");
	gateway.relaxed_limits = true;
	EXPECT_DONE(send_with("'DelaySeconds': 901"));
	EXPECT_FAILED(send_with("'DelaySeconds': 1209601"), INVALID_PARAMETER_VALUE,
		      "Value 1209601 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and "
		      "<= 1209600.");
}

Test(send, a_delay_of_the_message_overrides_that_of_the_queue_also_with_0)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue;

	attributes.delay_ms = 60000;
	queue = queue_make("q", &attributes);
	EXPECT_DONE(send_with(""));
	EXPECT_DONE(send_with("'DelaySeconds': 10"));
	cr_expect(stat_of(queue).delayed == 2);
	EXPECT_DONE(send_with("'DelaySeconds': 0"));
	cr_expect(stat_of(queue).visible == 1);
	time_passes(10000 + LEASE_SLACK_MS);
	cr_expect_str_eq(drain(queue), "body body");
	cr_expect(stat_of(queue).delayed == 1);
}

/* ---- groups and deduplication ------------------------------------------------------------------ */

static enum call_outcome send_fifo(const char *members)
{
	return ask(action_send_message, "{'QueueUrl': 'q.fifo', 'MessageBody': 'body'%s%s}", *members ? ", " : "",
		   members);
}

Test(send, a_standard_queue_keeps_the_group)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	EXPECT_DONE(send_with("'MessageGroupId': 'tenant'"));
	EXPECT_ABSENT("SequenceNumber");
	cr_expect_str_eq(receive_one(queue).group, "tenant");
}

Test(send, a_standard_queue_takes_no_deduplication_id)
{
	queue_make("q", NULL);
	EXPECT_FAILED(send_with("'MessageDeduplicationId': 'd'"), INVALID_PARAMETER_VALUE,
		      "Value d for parameter MessageDeduplicationId is invalid. Reason: The request includes a "
		      "parameter that is not valid for this queue type.");
}

Test(send, a_fifo_queue_needs_a_group)
{
	fifo_make("q.fifo", NULL, true);
	EXPECT_FAILED(send_fifo(""), MISSING_PARAMETER, "The request must contain the parameter MessageGroupId.");
}

Test(send, a_fifo_queue_needs_a_deduplication_id_unless_it_makes_one)
{
	fifo_make("q.fifo", NULL, false);
	EXPECT_FAILED(send_fifo("'MessageGroupId': 'g'"), INVALID_PARAMETER_VALUE,
		      "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId "
		      "provided explicitly");
	EXPECT_DONE(send_fifo("'MessageGroupId': 'g', 'MessageDeduplicationId': 'd'"));
	fifo_make("c.fifo", NULL, true);
	EXPECT_DONE(ask(action_send_message, "{'QueueUrl': 'c.fifo', 'MessageBody': 'b', 'MessageGroupId': 'g'}"));
}

Test(send, ids_are_letters_digits_and_punctuation)
{
	fifo_make("q.fifo", NULL, true);
	EXPECT_FAILED(send_fifo("'MessageGroupId': 'group 123'"), INVALID_PARAMETER_VALUE,
		      "Value group 123 for parameter MessageGroupId is invalid. Reason: MessageGroupId can only "
		      "include alphanumeric and punctuation characters. 1 to 128 in length.");
	EXPECT_FAILED(send_fifo("'MessageGroupId': 'g', 'MessageDeduplicationId': ''"), INVALID_PARAMETER_VALUE,
		      "Value  for parameter MessageDeduplicationId is invalid. Reason: MessageDeduplicationId can "
		      "only include alphanumeric and punctuation characters. 1 to 128 in length.");
}

Test(send, sequence_numbers_of_a_fifo_queue_rise)
{
	char first[32];

	fifo_make("q.fifo", NULL, false);
	EXPECT_DONE(send_fifo("'MessageGroupId': 'g', 'MessageDeduplicationId': '1'"));
	cr_expect(strlen(answer_text("SequenceNumber")) == 20);
	strcpy(first, answer_text("SequenceNumber"));
	EXPECT_DONE(send_fifo("'MessageGroupId': 'h', 'MessageDeduplicationId': '2'"));
	cr_expect(strcmp(answer_text("SequenceNumber"), first) > 0);
}

Test(send, a_duplicate_is_answered_as_the_first_one)
{
	struct rlq_queue *queue = fifo_make("q.fifo", NULL, true);
	char id[64], sequence[32];

	EXPECT_DONE(send_fifo("'MessageGroupId': 'g'"));
	strcpy(id, answer_text("MessageId"));
	strcpy(sequence, answer_text("SequenceNumber"));
	EXPECT_DONE(send_fifo("'MessageGroupId': 'g'"));
	EXPECT_TEXT("MessageId", id);
	EXPECT_TEXT("SequenceNumber", sequence);
	cr_expect(stat_of(queue).visible == 1);
}

Test(send, a_message_of_a_fifo_queue_has_no_delay_but_0)
{
	fifo_make("q.fifo", NULL, true);
	EXPECT_FAILED(
		send_fifo("'MessageGroupId': 'g', 'DelaySeconds': 2"), INVALID_PARAMETER_VALUE,
		"Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is "
		"not valid for this queue type.");
	EXPECT_DONE(send_fifo("'MessageGroupId': 'g', 'DelaySeconds': 0"));
}
