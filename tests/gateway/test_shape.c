/* JSON requests against the table; failures and answers in JSON. */
#include "tests/gateway/codec_fixture.h"
#include "tests/gateway/failing_memory.h"
#include "tests/gateway/random_tree.h"

#include <errno.h>
#include <ringlease.h>

/* ---- requests -------------------------------------------------------------------------------------------- */

static void expect_read(const char *action, const char *input, const char *wanted)
{
	json_t *value = tree(input);
	struct failure failure;

	cr_expect(shape_check(shape_find(action), value, &failure), "%s: %s", input, failure.message);
	expect_tree(value, wanted);
}

static void expect_refused(const char *action, const char *input, enum failure_code code, const char *message)
{
	json_t *value = tree(input);
	struct failure failure;

	cr_expect(!shape_check(shape_find(action), value, &failure), "%s", input);
	expect_failure(&failure, code, message);
	json_decref(value);
}

Test(shape, every_action_has_one_and_no_other)
{
	size_t count;
	const struct action_shape *shapes = shape_all(&count);

	cr_expect_eq(count, 23);
	for (size_t i = 0; i < count; i++)
		cr_expect(shape_find(shapes[i].action) == &shapes[i]);
	cr_expect_null(shape_find("FooBar"));
	cr_expect_null(shape_find("sendMessage"));
	cr_expect_null(shape_find(""));
}

Test(shape, null_means_absent)
{
	expect_read("SendMessage",
		    "{'QueueUrl': 'q', 'MessageBody': 'b', 'DelaySeconds': null, 'MessageAttributes': null}",
		    "{'QueueUrl': 'q', 'MessageBody': 'b'}");
	expect_read("CreateQueue", "{'QueueName': 'q', 'tags': {'a': null, 'b': '1', 'c': null}}",
		    "{'QueueName': 'q', 'tags': {'b': '1'}}");
	expect_read("DeleteMessageBatch",
		    "{'QueueUrl': 'q', 'Entries': [{'Id': 'a', 'ReceiptHandle': 'r', 'Foo': null}]}",
		    "{'QueueUrl': 'q', 'Entries': [{'Id': 'a', 'ReceiptHandle': 'r', 'Foo': null}]}");
	expect_refused("SendMessage", "{'QueueUrl': 'q', 'MessageBody': null}", MISSING_PARAMETER,
		       "The request must contain the parameter MessageBody.");
}

Test(shape, unknown_members_are_ignored)
{
	expect_read("PurgeQueue", "{'QueueUrl': 'q', 'Foo': [1], 'queueUrl': 1}",
		    "{'QueueUrl': 'q', 'Foo': [1], 'queueUrl': 1}");
}

Test(shape, names_are_those_of_the_protocol)
{
	expect_read("CreateQueue", "{'QueueName': 'q', 'Attributes': {'DelaySeconds': '1'}, 'tags': {'a': 'b'}}",
		    "{'QueueName': 'q', 'Attributes': {'DelaySeconds': '1'}, 'tags': {'a': 'b'}}");
	expect_refused("CreateQueue", "{'QueueName': 'q', 'tags': {'a': 1}}", SERIALIZATION,
		       "Tag.1.Value: NUMBER_VALUE can not be converted to a String");
	/* Of TagQueue it is Tags. */
	expect_refused("TagQueue", "{'QueueUrl': 'q', 'tags': {'a': 'b'}}", MISSING_PARAMETER,
		       "The request must contain the parameter Tag.Key.");
	expect_refused("ReceiveMessage", "{'QueueUrl': 'q', 'AttributeNames': [1]}", SERIALIZATION,
		       "AttributeName.1: NUMBER_VALUE can not be converted to a String");
	expect_refused("ReceiveMessage", "{'QueueUrl': 'q', 'MessageSystemAttributeNames': {}}", SERIALIZATION,
		       "MessageSystemAttributeName: Start of structure or map found where not expected.");
}

Test(shape, a_value_of_another_type_is_a_serialization_failure)
{
	static const struct {
		const char *value, *message;
	} wrong[] = {
		{"'1'", "DelaySeconds: STRING_VALUE can not be converted to an Integer"},
		{"1.5", "DelaySeconds: DECIMAL_VALUE can not be converted to an Integer"},
		{"1.0", "DelaySeconds: DECIMAL_VALUE can not be converted to an Integer"},
		{"true", "DelaySeconds: TRUE_VALUE can not be converted to an Integer"},
		{"false", "DelaySeconds: FALSE_VALUE can not be converted to an Integer"},
		{"[1]", "DelaySeconds: Start of list found where not expected."},
		{"{}", "DelaySeconds: Start of structure or map found where not expected."},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char input[128];

		snprintf(input, sizeof(input), "{'QueueUrl': 'q', 'MessageBody': 'b', 'DelaySeconds': %s}",
			 wrong[i].value);
		expect_refused("SendMessage", input, SERIALIZATION, wrong[i].message);
	}
	expect_refused("SendMessage", "{'QueueUrl': 'q', 'MessageBody': 5}", SERIALIZATION,
		       "MessageBody: NUMBER_VALUE can not be converted to a String");
	expect_refused("SetQueueAttributes", "{'QueueUrl': 'q', 'Attributes': []}", SERIALIZATION,
		       "Attribute: Start of list found where not expected.");
	expect_refused("UntagQueue", "{'QueueUrl': 'q', 'TagKeys': 'a'}", SERIALIZATION,
		       "TagKey: STRING_VALUE can not be converted to a List");
	expect_refused("UntagQueue", "{'QueueUrl': 'q', 'TagKeys': [null]}", SERIALIZATION,
		       "TagKey.1: NULL_VALUE can not be converted to a String");
	expect_refused("TagQueue", "{'QueueUrl': 'q', 'Tags': 1}", SERIALIZATION,
		       "Tag: NUMBER_VALUE can not be converted to a Map");
	expect_refused("DeleteMessageBatch", "{'QueueUrl': 'q', 'Entries': [1]}", SERIALIZATION,
		       "DeleteMessageBatchRequestEntry.1: NUMBER_VALUE can not be converted to a Structure");
	expect_refused("SendMessage", "[]", SERIALIZATION, "The request is not a JSON object.");
}

Test(shape, a_required_parameter_that_is_missing_is_named)
{
	static const struct {
		const char *action, *input, *missing;
	} wrong[] = {
		{"CreateQueue", "{}", "QueueName"},
		{"SendMessage", "{'QueueUrl': 'q'}", "MessageBody"},
		{"SendMessage", "{'QueueUrl': 'q', 'MessageBody': ''}", "MessageBody"},
		{"ChangeMessageVisibility", "{'QueueUrl': 'q', 'ReceiptHandle': 'r'}", "VisibilityTimeout"},
		{"DeleteMessage", "{'QueueUrl': 'q'}", "ReceiptHandle"},
		{"SetQueueAttributes", "{'QueueUrl': 'q'}", "Attribute.Name"},
		{"TagQueue", "{'QueueUrl': 'q'}", "Tag.Key"},
		{"UntagQueue", "{'QueueUrl': 'q'}", "TagKeys"},
		{"AddPermission", "{'QueueUrl': 'q', 'Label': 'l', 'AWSAccountIds': ['1']}", "Actions"},
		{"StartMessageMoveTask", "{}", "SourceArn"},
		{"CancelMessageMoveTask", "{}", "TaskHandle"},
		{"SendMessageBatch",
		 "{'QueueUrl': 'q', 'Entries': [{'Id': 'a', 'MessageBody': 'b'}, {'MessageBody': 'b'}]}",
		 "SendMessageBatchRequestEntry.2.Id"},
		{"SendMessageBatch", "{'QueueUrl': 'q', 'Entries': [{'Id': 'a', 'MessageBody': ''}]}",
		 "SendMessageBatchRequestEntry.1.MessageBody"},
		{"ChangeMessageVisibilityBatch", "{'QueueUrl': 'q', 'Entries': [{'Id': 'a'}]}",
		 "ChangeMessageVisibilityBatchRequestEntry.1.ReceiptHandle"},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char message[128];

		snprintf(message, sizeof(message), "The request must contain the parameter %s.", wrong[i].missing);
		expect_refused(wrong[i].action, wrong[i].input, MISSING_PARAMETER, message);
	}
}

/* It is told that it is not allowed, not that it is missing. */
Test(shape, an_empty_id_is_there)
{
	expect_read("DeleteMessageBatch", "{'QueueUrl': 'q', 'Entries': [{'Id': '', 'ReceiptHandle': ''}]}",
		    "{'QueueUrl': 'q', 'Entries': [{'Id': '', 'ReceiptHandle': ''}]}");
}

Test(shape, an_empty_batch_is_for_the_action_to_refuse)
{
	expect_read("SendMessageBatch", "{'QueueUrl': 'q', 'Entries': []}", "{'QueueUrl': 'q', 'Entries': []}");
}

Test(shape, trees_of_all_actions_are_accepted)
{
	size_t count;
	const struct action_shape *shapes = shape_all(&count);

	for (uint64_t seed = 0; seed < 100; seed++)
		for (size_t i = 0; i < count; i++) {
			uint64_t state = seed;
			json_t *wanted = random_tree(shapes[i].input, &state), *got = NULL;
			char *text = json_dumps(wanted, seed % 2 ? JSON_ENSURE_ASCII : 0);
			struct failure failure;

			cr_expect(json_read(&shapes[i], text, strlen(text), &got, &failure), "seed %llu: %s: %s",
				  (unsigned long long)seed, text, failure.message);
			cr_expect(json_equal(got, wanted));
			free(text);
			json_decref(got);
			json_decref(wanted);
		}
}

/* ---- bytes ----------------------------------------------------------------------------------------------- */

static struct failure refused_bytes(const char *action, const char *body, size_t bytes)
{
	struct failure failure = {.code = FAILURE_NONE};
	json_t *input = NULL;

	cr_expect(!json_read(shape_find(action), body, bytes, &input, &failure), "%s", body);
	cr_expect_null(input);
	return failure;
}

Test(shape, what_is_no_json_is_a_serialization_failure)
{
	static const char *const wrong[] = {"{",
					    "{]",
					    "{\"QueueUrl\": }",
					    "{} {}",
					    "\xff",
					    "{\"QueueUrl\": \"\xed\xa0\x80\"}",
					    "{\"QueueUrl\": \"\\ud800\"}",
					    "{\"a\\u0000\": 1}",
					    "{\"MaxNumberOfMessages\": 9223372036854775808}"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect(refused_bytes("PurgeQueue", wrong[i], strlen(wrong[i])).code == SERIALIZATION, "%s",
			  wrong[i]);
}

Test(shape, deep_nesting_is_refused)
{
	enum { DEPTH = 100000 };
	char *body = malloc(2 * DEPTH);

	memset(body, '[', DEPTH);
	memset(body + DEPTH, ']', DEPTH);
	cr_expect(refused_bytes("PurgeQueue", body, 2 * DEPTH).code == SERIALIZATION);
	free(body);
}

Test(shape, no_body_is_an_empty_object)
{
	json_t *input = NULL;
	struct failure failure;

	cr_assert(json_read(shape_find("ListQueues"), "", 0, &input, &failure));
	expect_tree(input, "{}");
}

Test(shape, surrogate_pairs_are_one_character)
{
	const char *body = "{\"QueueUrl\":\"q\",\"MessageBody\":\"\\ud83d\\ude00\"}";
	json_t *input = NULL;
	struct failure failure;

	cr_assert(json_read(shape_find("SendMessage"), body, strlen(body), &input, &failure));
	expect_tree(input, "{'QueueUrl': 'q', 'MessageBody': '\xf0\x9f\x98\x80'}");
}

Test(shape, a_zero_byte_is_only_for_contents)
{
	const char *body = "{\"QueueUrl\":\"q\",\"MessageBody\":\"a\\u0000b\"}",
		   *queue = "{\"QueueUrl\":\"q\\u0000\"}";
	json_t *input = NULL;
	struct failure failure;

	cr_assert(json_read(shape_find("SendMessage"), body, strlen(body), &input, &failure));
	cr_expect_eq(json_string_length(json_object_get(input, "MessageBody")), 3);
	json_decref(input);
	failure = refused_bytes("PurgeQueue", queue, strlen(queue));
	expect_failure(&failure, INVALID_PARAMETER_VALUE,
		       "Value for parameter QueueUrl is invalid. Reason: Must not contain the character U+0000.");
}

/* ---- answers --------------------------------------------------------------------------------------------- */

static void expect_answer(const char *action, const char *result, const char *wanted)
{
	json_t *value = result ? tree(result) : NULL;
	size_t bytes = 99;
	char *text = json_answer(shape_find(action), value, &bytes);

	cr_expect_str_eq(text, wanted);
	cr_expect_eq(bytes, strlen(wanted));
	free(text);
	json_decref(value);
}

Test(json, an_action_without_result_answers_nothing)
{
	expect_answer("DeleteMessage", "{}", "");
	expect_answer("PurgeQueue", NULL, "");
}

Test(json, what_is_empty_is_absent)
{
	expect_answer("ReceiveMessage", NULL, "{}");
	expect_answer("ReceiveMessage", "{'Messages': []}", "{}");
	expect_answer("ListQueueTags", "{'Tags': {}}", "{}");
	expect_answer("SendMessageBatch", "{'Successful': [{'Id': 'a'}], 'Failed': []}",
		      "{\"Successful\":[{\"Id\":\"a\"}]}");
	expect_answer("ReceiveMessage", "{'Messages': [{'Body': '', 'Attributes': {}, 'MessageAttributes': null}]}",
		      "{\"Messages\":[{\"Body\":\"\"}]}");
}

Test(json, a_failure_says_type_and_message)
{
	struct failure failure;
	size_t bytes = 0;
	char *text, header[QUERY_ERROR_TEXT_BYTES];

	failure_no_queue(&failure);
	text = json_failure(&failure, &bytes);
	cr_expect_str_eq(
		text,
		"{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\",\"message\":\"The specified queue does not "
		"exist.\"}");
	cr_expect_eq(bytes, strlen(text));
	free(text);
	json_query_error(&failure, header);
	cr_expect_str_eq(header, "AWS.SimpleQueueService.NonExistentQueue;Sender");
}

Test(json, a_generic_failure_has_the_generic_name_space)
{
	struct failure failure;
	size_t bytes = 0;
	char *text, header[QUERY_ERROR_TEXT_BYTES];

	failure_set(&failure, SERVICE_UNAVAILABLE,
		    "a\xff"
		    "b");
	text = json_failure(&failure, &bytes);
	cr_expect_str_eq(text, "{\"__type\":\"com.amazon.coral.service#ServiceUnavailableException\",\"message\":"
			       "\"a\xef\xbf\xbd"
			       "b\"}");
	free(text);
	json_query_error(&failure, header);
	cr_expect_str_eq(header, "ServiceUnavailable;Receiver");
}

Test(json, a_failure_that_query_does_not_know_has_no_code_of_query)
{
	struct failure failure;
	char header[QUERY_ERROR_TEXT_BYTES] = "x";

	failure_set(&failure, SERIALIZATION, "x");
	json_query_error(&failure, header);
	cr_expect_str_empty(header);
}

Test(json, without_memory_there_is_no_answer)
{
	char *text = NULL;

	for (int number = 0; text == NULL; number++) {
		struct failure failure;
		size_t bytes;

		failure_no_queue(&failure);
		memory_fail(number);
		text = json_failure(&failure, &bytes);
		cr_expect_eq(memory.held, 0, "piece %d", number);
		cr_assert_lt(number, 1000);
	}
	free(text);
}

Test(json, a_text_is_made_of_any_bytes)
{
	json_t *text = json_text("a\xff\0\xc3\xa4\xed\xa0", 7), *cut = json_text("\xc3\xa4", 1);

	expect_tree(cut, "'\xef\xbf\xbd'");
	cr_expect_eq(json_string_length(text), 13);
	cr_expect_arr_eq(json_string_value(text), "a\xef\xbf\xbd\0\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd", 13);
	json_decref(text);
}
