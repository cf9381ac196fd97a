/* SendMessageBatch: a test for each rule. */
#include "tests/gateway/message_fixture.h"

TestSuite(send_batch, .init = actions_begin, .fini = actions_end);

/* To the standard queue "q"; `entries` without the brackets. */
static enum call_outcome batch(const char *entries)
{
	return ask(action_send_message_batch, "{'QueueUrl': 'q', 'Entries': [%s]}", entries);
}

static enum call_outcome batch_fifo(const char *entries)
{
	return ask(action_send_message_batch, "{'QueueUrl': 'q.fifo', 'Entries': [%s]}", entries);
}

/* Entries of these sizes. */
static enum call_outcome batch_bytes(size_t first, size_t second)
{
	return run(action_send_message_batch,
		   json_pack("{s:s, s:[{s:s, s:o}, {s:s, s:o}]}", "QueueUrl", "q", "Entries", "Id", "1",
			     "MessageBody", text_of(first), "Id", "2", "MessageBody", text_of(second)));
}

Test(send_batch, each_entry_is_sent_in_order_and_answered)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	EXPECT_DONE(batch("{'Id': 'one', 'MessageBody': 'This is a test'}, {'Id': 'two', 'MessageBody': 'b',"
			  " 'MessageAttributes': {'k': {'DataType': 'String', 'StringValue': 'x'}}}"));
	cr_expect(answer_count("Successful") == 2);
	EXPECT_TEXT("Successful.0.Id", "one");
	EXPECT_TEXT("Successful.0.MD5OfMessageBody", "ce114e4501d2f4e2dcea3e17b546f339");
	EXPECT_ABSENT("Successful.0.MD5OfMessageAttributes");
	EXPECT_TEXT("Successful.1.MD5OfMessageAttributes", "a45daa70926828a2f0a1db3418e6feb4");
	cr_expect(strlen(answer_text("Successful.1.MessageId")) == 36);
	EXPECT_ABSENT("Failed");
	cr_expect_str_eq(drain(queue), "This is a test b");
}

/* ---- the request as a whole -------------------------------------------------------------------- */

Test(send_batch, an_empty_batch_is_refused)
{
	queue_make("q", NULL);
	EXPECT_FAILED(batch(""), EMPTY_BATCH_REQUEST,
		      "There should be at least one SendMessageBatchRequestEntry in the request.");
}

Test(send_batch, ten_entries_are_the_most)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	json_t *entries = json_array();

	for (int i = 0; i < 10; i++)
		json_array_append_new(entries,
				      json_pack("{s:o, s:s}", "Id", json_sprintf("%d", i), "MessageBody", "b"));
	EXPECT_DONE(run(action_send_message_batch, json_pack("{s:s, s:O}", "QueueUrl", "q", "Entries", entries)));
	cr_expect(answer_count("Successful") == 10);
	json_array_append_new(entries, json_pack("{s:s, s:s}", "Id", "10", "MessageBody", "b"));
	EXPECT_FAILED(run(action_send_message_batch, json_pack("{s:s, s:o}", "QueueUrl", "q", "Entries", entries)),
		      TOO_MANY_ENTRIES, "Maximum number of entries per request are 10. You have sent 11.");
	cr_expect(stat_of(queue).sent == 10);
}

#define LETTERS_20 "ABCDEFGHIJKLMNOPQRST"
#define LETTERS_81 LETTERS_20 LETTERS_20 LETTERS_20 LETTERS_20 "-"

Test(send_batch, an_id_that_is_none_refuses_all)
{
	static const char *const ids[] = {"", "a b", "a.b", "\\u00e4", LETTERS_81};
	struct rlq_queue *queue = queue_make("q", NULL);
	char entries[256];

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		snprintf(entries, sizeof(entries),
			 "{'Id': 'good', 'MessageBody': 'b'}, {'Id': '%s', 'MessageBody': 'b'}", ids[i]);
		EXPECT_FAILED(batch(entries), INVALID_ENTRY_ID,
			      "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
			      "It can be at most 80 letters long.");
	}
	cr_expect(stat_of(queue).sent == 0);
	snprintf(entries, sizeof(entries), "{'Id': '%.80s', 'MessageBody': 'b'}", ids[4]);
	EXPECT_DONE(batch(entries));
}

Test(send_batch, the_first_repeated_id_refuses_all)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	EXPECT_FAILED(batch("{'Id': 'id_1', 'MessageBody': 'b'}, {'Id': 'id_2', 'MessageBody': 'b'},"
			    "{'Id': 'id_2', 'MessageBody': 'b'}, {'Id': 'id_1', 'MessageBody': 'b'}"),
		      ENTRY_IDS_NOT_DISTINCT, "Id id_2 repeated.");
	cr_expect(stat_of(queue).sent == 0);
}

Test(send_batch, list_values_in_one_entry_refuse_all)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	EXPECT_FAILED(batch("{'Id': '1', 'MessageBody': 'b'}, {'Id': '2', 'MessageBody': 'b', 'MessageAttributes':"
			    " {'a': {'DataType': 'String', 'StringValue': 'v', 'StringListValues': ['v']}}}"),
		      UNSUPPORTED_OPERATION,
		      "Message attribute list values in SendMessageBatch operation are not supported.");
	cr_expect(stat_of(queue).sent == 0);
}

Test(send_batch, a_mebibyte_is_the_limit_of_all_entries_together)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	EXPECT_DONE(batch_bytes(1048576 - 10, 10));
	EXPECT_FAILED(batch_bytes(1048576 - 10, 11), BATCH_REQUEST_TOO_LONG,
		      "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.");
	EXPECT_FAILED(batch_bytes(1048577, 1), BATCH_REQUEST_TOO_LONG,
		      "Batch requests cannot be longer than 1048576 bytes. You have sent 1048578 bytes.");
	cr_expect(stat_of(queue).sent == 2);
	gateway.relaxed_limits = true;
	EXPECT_DONE(batch_bytes(1048576, 1));
	cr_expect(answer_count("Successful") == 2);
}

Test(send_batch, attributes_count_for_the_limit_binary_ones_by_their_bytes)
{
	json_t *entry = json_pack("{s:s, s:o, s:{s:{s:s, s:s}, s:{s:s, s:s}}}", "Id", "1", "MessageBody",
				  text_of(1048576 - 14 - 12), "MessageAttributes", "name", "DataType", "String",
				  "StringValue", "text", "b", "DataType", "Binary.gif", "BinaryValue", "YQ==");
	json_t *input = json_pack("{s:s, s:[o]}", "QueueUrl", "q", "Entries", entry);

	queue_make("q", NULL);
	EXPECT_DONE(run(action_send_message_batch, json_deep_copy(input)));
	json_object_set_new(entry, "MessageBody", text_of(1048576 - 14 - 12 + 1));
	EXPECT_FAILED(run(action_send_message_batch, input), BATCH_REQUEST_TOO_LONG,
		      "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.");
}

Test(send_batch, an_id_that_a_fifo_queue_needs_and_one_entry_has_not_refuses_all)
{
	struct rlq_queue *queue = fifo_make("q.fifo", NULL, false);

	EXPECT_FAILED(batch_fifo("{'Id': '1', 'MessageBody': 'b', 'MessageGroupId': 'g', 'MessageDeduplicationId':"
				 " 'd'}, {'Id': '2', 'MessageBody': 'b', 'MessageDeduplicationId': 'e'}"),
		      INVALID_PARAMETER_VALUE, "The request must contain the parameter MessageGroupId.");
	EXPECT_FAILED(batch_fifo("{'Id': '1', 'MessageBody': 'b', 'MessageGroupId': 'g', 'MessageDeduplicationId':"
				 " 'd'}, {'Id': '2', 'MessageBody': '\\u0001', 'MessageGroupId': 'g'}"),
		      INVALID_PARAMETER_VALUE,
		      "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId "
		      "provided explicitly");
	cr_expect(stat_of(queue).sent == 0);
}

/* ---- entries that fail alone ------------------------------------------------------------------- */

Test(send_batch, what_is_wrong_with_an_entry_fails_that_one_alone)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	EXPECT_DONE(batch("{'Id': 'chars', 'MessageBody': '\\u0001'}, {'Id': 'ok1', 'MessageBody': 'a'},"
			  "{'Id': 'delay', 'MessageBody': 'b', 'DelaySeconds': 901},"
			  "{'Id': 'attribute', 'MessageBody': 'b', 'MessageAttributes':"
			  " {'n': {'DataType': 'Number', 'StringValue': 'x'}}},"
			  "{'Id': 'empty', 'MessageBody': ''}, {'Id': 'ok2', 'MessageBody': 'c'}"));
	cr_expect(answer_count("Successful") == 2 && answer_count("Failed") == 4);
	EXPECT_TEXT("Successful.0.Id", "ok1");
	EXPECT_TEXT("Successful.1.Id", "ok2");
	EXPECT_ENTRY_FAILED(
		0, "chars", "InvalidMessageContents",
		"Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF "
		"| #xE000 to #xFFFD | #x10000 to #x10FFFF");
	cr_expect(json_is_true(answer_at("Failed.0.SenderFault")));
	EXPECT_ENTRY_FAILED(
		1, "delay", "InvalidParameterValue",
		"Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and "
		"<= 900.");
	EXPECT_ENTRY_FAILED(2, "attribute", "InvalidParameterValue",
			    "Can't cast the value of message (user) attribute 'n' to a number.");
	EXPECT_ENTRY_FAILED(3, "empty", "MissingParameter", "The request must contain the parameter MessageBody.");
	cr_expect_str_eq(drain(queue), "a c");
}

Test(send_batch, an_entry_longer_than_the_queue_allows_fails_alone)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue;

	attributes.message_bytes_max = 1024;
	queue = queue_make("q", &attributes);
	EXPECT_DONE(batch_bytes(1025, 1024));
	cr_expect(answer_count("Successful") == 1);
	EXPECT_TEXT("Successful.0.Id", "2");
	EXPECT_ENTRY_FAILED(0, "1", "InvalidParameterValue",
			    "One or more parameters cannot be validated. Reason: Message must be shorter than 1024 "
			    "bytes.");
	EXPECT_DONE(batch_bytes(1024, 1025));
	EXPECT_TEXT("Successful.0.Id", "1");
	EXPECT_TEXT("Failed.0.Id", "2");
	cr_expect(stat_of(queue).sent == 2);
}

Test(send_batch, what_finds_no_room_failed_by_no_fault_of_the_sender)
{
	struct rlq_queue *queue = queue_of("q", 2);

	EXPECT_DONE(batch("{'Id': '1', 'MessageBody': 'a'}, {'Id': '2', 'MessageBody': 'b'},"
			  "{'Id': '3', 'MessageBody': 'c'}, {'Id': '4', 'MessageBody': 'd'}"));
	cr_expect(answer_count("Successful") == 2 && answer_count("Failed") == 2);
	EXPECT_TEXT("Failed.0.Id", "3");
	EXPECT_TEXT("Failed.0.Code", "ServiceUnavailable");
	cr_expect(json_is_false(answer_at("Failed.0.SenderFault")));
	EXPECT_TEXT("Failed.1.Id", "4");
	cr_expect_str_eq(drain(queue), "a b");
}

Test(send_batch, a_delay_fails_alone_also_in_a_fifo_queue)
{
	struct rlq_queue *queue = fifo_make("q.fifo", NULL, true);

	EXPECT_DONE(
		batch_fifo("{'Id': '1', 'MessageBody': 'a', 'MessageGroupId': 'g'}, {'Id': '2', 'MessageBody':"
			   " 'b', 'MessageGroupId': 'g', 'DelaySeconds': 2}, {'Id': '3', 'MessageBody': 'c',"
			   " 'MessageGroupId': 'bad id'}, {'Id': '4', 'MessageBody': 'd', 'MessageGroupId': 'g'}"));
	cr_expect(answer_count("Successful") == 2 && answer_count("Failed") == 2);
	cr_expect(strcmp(answer_text("Successful.1.SequenceNumber"), answer_text("Successful.0.SequenceNumber")) >
		  0);
	EXPECT_TEXT("Failed.0.Id", "2");
	EXPECT_TEXT("Failed.1.Id", "3");
	cr_expect_str_eq(drain(queue), "a d");
}

Test(send_batch, a_standard_queue_takes_no_deduplication_id_of_an_entry)
{
	queue_make("q", NULL);
	EXPECT_DONE(batch("{'Id': '1', 'MessageBody': 'a', 'MessageDeduplicationId': 'd'},"
			  "{'Id': '2', 'MessageBody': 'b'}"));
	EXPECT_ENTRY_FAILED(
		0, "1", "InvalidParameterValue",
		"Value d for parameter MessageDeduplicationId is invalid. Reason: The request includes a "
		"parameter that is not valid for this queue type.");
	EXPECT_TEXT("Successful.0.Id", "2");
}

Test(send_batch, entries_have_system_attributes_of_their_own)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	call.trace_header = "Root=1-of-http";
	EXPECT_DONE(batch("{'Id': '1', 'MessageBody': 'a', 'MessageSystemAttributes': {'AWSTraceHeader':"
			  " {'DataType': 'String', 'StringValue': 'Root=2'}}}, {'Id': '2', 'MessageBody': 'b'}"));
	cr_expect(strlen(answer_text("Successful.0.MD5OfMessageSystemAttributes")) == 32);
	EXPECT_ABSENT("Successful.1.MD5OfMessageSystemAttributes");
	cr_expect_str_eq(receive_one(queue).trace, "Root=2");
	cr_expect_str_eq(receive_one(queue).trace, "Root=1-of-http");
}
