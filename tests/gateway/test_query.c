#include "tests/gateway/codec_fixture.h"
#include "tests/gateway/failing_memory.h"
#include "tests/gateway/form_text.h"

/* ---- what is read ---------------------------------------------------------------------------------------- */

static json_t *read_bytes(const char *url_query, const char *body, size_t bytes)
{
	const struct action_shape *shape;
	struct failure failure;
	json_t *input = NULL;
	char *action = NULL;

	cr_assert(query_read(url_query, body, bytes, &action, &shape, &input, &failure), "%s: %s", body,
		  failure.message);
	cr_expect_str_eq(action, shape->action);
	free(action);
	return input;
}

static json_t *read_form(const char *body)
{
	return read_bytes(NULL, body, strlen(body));
}

static struct failure refused_bytes(const char *body, size_t bytes)
{
	const struct action_shape *shape;
	struct failure failure;
	json_t *input = NULL;
	char *action = NULL;

	cr_expect(!query_read("", body, bytes, &action, &shape, &input, &failure), "%s was read", body);
	cr_expect_null(input);
	free(action);
	return failure;
}

static void expect_refused(const char *body, enum failure_code code, const char *message)
{
	struct failure failure = refused_bytes(body, strlen(body));

	expect_failure(&failure, code, message);
}

Test(query, a_plus_is_a_blank_and_percent_2b_a_plus)
{
	expect_tree(read_form("Action=SendMessage&QueueUrl=q&MessageBody=+1%2B1%20"),
		    "{'QueueUrl': 'q', 'MessageBody': ' 1+1 '}");
}

Test(query, hexadecimal_digits_may_be_of_either_case)
{
	expect_tree(read_form("Action=SendMessage&QueueUrl=q&MessageBody=%c3%A4"),
		    "{'QueueUrl': 'q', 'MessageBody': '\xc3\xa4'}");
}

Test(query, parameters_may_be_split_between_the_url_and_the_body)
{
	const char *body = "MessageBody=b&DelaySeconds=3";

	expect_tree(read_bytes("Action=SendMessage&QueueUrl=q&DelaySeconds=1", body, strlen(body)),
		    "{'QueueUrl': 'q', 'MessageBody': 'b', 'DelaySeconds': 3}");
}

Test(query, the_last_of_two_parameters_counts)
{
	expect_tree(read_form("Action=SendMessage&QueueUrl=q&MessageBody=b&DelaySeconds=1&DelaySeconds=2"),
		    "{'QueueUrl': 'q', 'MessageBody': 'b', 'DelaySeconds': 2}");
}

Test(query, unknown_parameters_are_ignored)
{
	expect_tree(read_form("Action=PurgeQueue&Version=2012-11-05&QueueUrl=q&QueueUrl.1=x&Foo=1&&=&X.1.Y=2&.=3"),
		    "{'QueueUrl': 'q'}");
}

Test(query, attributes_and_tags_are_numbered_pairs)
{
	expect_tree(
		read_form("Action=CreateQueue&QueueName=n&Attribute.1.Name=FifoQueue&Attribute.1.Value=true"
			  "&Attribute.2.Name=DelaySeconds&Attribute.2.Value=5&Tag.1.Key=k&Tag.1.Value="),
		"{'QueueName': 'n', 'Attributes': {'FifoQueue': 'true', 'DelaySeconds': '5'}, 'tags': {'k': ''}}");
}

Test(query, names_of_attributes_are_numbered_lists)
{
	expect_tree(
		read_form(
			"Action=ReceiveMessage&QueueUrl=q&AttributeName.1=All&MessageSystemAttributeName.1=SenderId"
			"&MessageAttributeName.1=a.*&MessageAttributeName.2=b"),
		"{'QueueUrl': 'q', 'AttributeNames': ['All'], 'MessageSystemAttributeNames': ['SenderId'],"
		" 'MessageAttributeNames': ['a.*', 'b']}");
}

Test(query, entries_of_a_batch_nest)
{
	expect_tree(read_form("Action=SendMessageBatch&QueueUrl=q"
			      "&SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1.MessageBody=1"
			      "&SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=n"
			      "&SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType=Binary"
			      "&SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.BinaryValue=AA%3D%3D"
			      "&SendMessageBatchRequestEntry.2.Id=b&SendMessageBatchRequestEntry.2.MessageBody=2"
			      "&SendMessageBatchRequestEntry.2.DelaySeconds=0"),
		    "{'QueueUrl': 'q', 'Entries': [{'Id': 'a', 'MessageBody': '1', 'MessageAttributes':"
		    " {'n': {'DataType': 'Binary', 'BinaryValue': 'AA=='}}},"
		    " {'Id': 'b', 'MessageBody': '2', 'DelaySeconds': 0}]}");
}

Test(query, numbers_only_order_the_elements)
{
	expect_tree(read_form("Action=UntagQueue&QueueUrl=q&TagKey.10=d&TagKey.9=c&TagKey.0=a&TagKey.2=b"
			      "&TagKey.99999999999999999999999999999=f&TagKey.4000000000=e"),
		    "{'QueueUrl': 'q', 'TagKeys': ['a', 'b', 'c', 'd', 'e', 'f']}");
}

Test(query, of_one_element_the_number_may_be_left_out)
{
	expect_tree(read_form("Action=ReceiveMessage&QueueUrl=q&AttributeName=All&MessageAttributeName=a"),
		    "{'QueueUrl': 'q', 'AttributeNames': ['All'], 'MessageAttributeNames': ['a']}");
	expect_tree(
		read_form("Action=SetQueueAttributes&QueueUrl=q&Attribute.Value=35&Attribute.Name=DelaySeconds"),
		"{'QueueUrl': 'q', 'Attributes': {'DelaySeconds': '35'}}");
	expect_tree(read_form("Action=SendMessage&QueueUrl=q&MessageBody=b&MessageAttribute.Name=n"
			      "&MessageAttribute.Value.DataType=String&MessageAttribute.Value.StringValue=v"),
		    "{'QueueUrl': 'q', 'MessageBody': 'b',"
		    " 'MessageAttributes': {'n': {'DataType': 'String', 'StringValue': 'v'}}}");
	expect_refused("Action=TagQueue&QueueUrl=q&Tag.Value=v", MISSING_PARAMETER,
		       "The request must contain the parameter Tag.Key.");
	/* What else is there is ignored, numbered or not. */
	expect_tree(read_form("Action=TagQueue&QueueUrl=q&Tag.Key=k&Tag.Other.1=x&Tag.Value=v"),
		    "{'QueueUrl': 'q', 'Tags': {'k': 'v'}}");
}

Test(query, what_is_no_number_is_ignored)
{
	expect_tree(read_form("Action=UntagQueue&QueueUrl=q&TagKey.1=a&TagKey.1a=b&TagKey.-1=c&TagKey.=d&TagKey=e"
			      "&TagKey.9=z&TagKey.1.x=y"),
		    "{'QueueUrl': 'q', 'TagKeys': ['a', 'z']}");
}

/* "10" stands before "1a", and that before "9", but 9 before 10. */
Test(query, what_is_no_number_does_not_mix_up_the_numbers)
{
	expect_tree(read_form("Action=UntagQueue&QueueUrl=q&TagKey.10=b&TagKey.1a=x&TagKey.9=a"),
		    "{'QueueUrl': 'q', 'TagKeys': ['a', 'b']}");
	expect_tree(read_form("Action=TagQueue&QueueUrl=q&Tag.x.Key=x&Tag.x.Value=x&Tag.1.Key=a&Tag.1.Value=b"),
		    "{'QueueUrl': 'q', 'Tags': {'a': 'b'}}");
}

Test(query, leading_zeros_do_not_make_another_number)
{
	expect_tree(read_form("Action=TagQueue&QueueUrl=q&Tag.01.Key=a&Tag.1.Value=b"),
		    "{'QueueUrl': 'q', 'Tags': {'a': 'b'}}");
}

Test(query, an_empty_list_as_some_sdks_send_it_is_absent)
{
	expect_tree(read_form("Action=ReceiveMessage&QueueUrl=q&AttributeName=&MessageAttributeName="),
		    "{'QueueUrl': 'q'}");
}

Test(query, a_batch_without_entries_has_an_empty_list)
{
	expect_tree(read_form("Action=DeleteMessageBatch&QueueUrl=q"), "{'QueueUrl': 'q', 'Entries': []}");
}

/* ---- what is refused ------------------------------------------------------------------------------------- */

Test(query, without_an_action_there_is_no_operation)
{
	expect_refused("QueueUrl=q", UNKNOWN_OPERATION, "The request has no Action.");
}

Test(query, an_unknown_action_is_refused)
{
	expect_refused("Action=FooBar", INVALID_ACTION, "The action FooBar is not valid for this endpoint.");
}

Test(query, an_empty_body_counts_as_missing)
{
	expect_refused("Action=SendMessage&QueueUrl=q&MessageBody=", MISSING_PARAMETER,
		       "The request must contain the parameter MessageBody.");
}

Test(query, an_entry_without_id_is_named_by_its_number)
{
	expect_refused("Action=DeleteMessageBatch&QueueUrl=q&DeleteMessageBatchRequestEntry.7.Id=a"
		       "&DeleteMessageBatchRequestEntry.7.ReceiptHandle=h"
		       "&DeleteMessageBatchRequestEntry.9.ReceiptHandle=h",
		       MISSING_PARAMETER,
		       "The request must contain the parameter DeleteMessageBatchRequestEntry.2.Id.");
}

Test(query, integers_are_read_strictly)
{
	static const char *const wrong[] = {
		"", "x", "1x", "+1", " 1", "1 ", "1.0", "0x1", "-", "1\n", "9223372036854775808"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char body[256], message[256];

		snprintf(body, sizeof(body), "Action=ReceiveMessage&QueueUrl=q&WaitTimeSeconds=%s", wrong[i]);
		for (char *plus = strchr(body, '+'); plus; plus = NULL)
			memcpy(plus, "%2B1", 5);
		snprintf(message, sizeof(message),
			 "Value %s for parameter WaitTimeSeconds is invalid. Reason: Must be an integer.",
			 wrong[i]);
		expect_refused(body, INVALID_PARAMETER_VALUE, message);
	}
	expect_tree(read_form("Action=ReceiveMessage&QueueUrl=q&WaitTimeSeconds=-9223372036854775808"),
		    "{'QueueUrl': 'q', 'WaitTimeSeconds': -9223372036854775808}");
	expect_refused("Action=ReceiveMessage&QueueUrl=q&WaitTimeSeconds=1%00", INVALID_PARAMETER_VALUE,
		       "Value 1 for parameter WaitTimeSeconds is invalid. Reason: Must be an integer.");
}

Test(query, what_is_not_form_encoded_is_refused)
{
	static const char *const wrong[] = {"Action=PurgeQueue&QueueUrl=%",
					    "Action=PurgeQueue&QueueUrl=%4",
					    "Action=PurgeQueue&QueueUrl=%4&x=1",
					    "Action=PurgeQueue&QueueUrl=%g0",
					    "Action=PurgeQueue&QueueUrl=q&a%00b=c",
					    "%=1",
					    "%zz"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		expect_refused(
			wrong[i], MALFORMED_QUERY,
			"The request is not form-encoded: a '%' is not followed by two hexadecimal digits, or a "
			"name has a zero byte.");
}

Test(query, a_name_with_a_bare_zero_byte_is_refused)
{
	struct failure failure = refused_bytes("Action=PurgeQueue&Queue\0Url=q", 29);

	cr_expect(failure.code == MALFORMED_QUERY);
}

Test(query, nothing_is_read_beyond_the_end)
{
	struct failure failure = refused_bytes("Action=PurgeQueue&QueueUrl=%41", 29);

	cr_expect(failure.code == MALFORMED_QUERY);
}

Test(query, a_body_that_is_not_utf8_has_invalid_contents)
{
	expect_refused("Action=SendMessage&QueueUrl=q&MessageBody=%ff", INVALID_MESSAGE_CONTENTS,
		       "Invalid characters found: the message is not UTF-8.");
	expect_refused("Action=SendMessage&QueueUrl=q&MessageBody=%ed%a0%80", INVALID_MESSAGE_CONTENTS,
		       "Invalid characters found: the message is not UTF-8.");
}

Test(query, other_texts_that_are_not_utf8_or_have_zero_bytes_are_invalid)
{
	expect_refused("Action=PurgeQueue&QueueUrl=%c3", INVALID_PARAMETER_VALUE,
		       "Value for parameter QueueUrl is invalid. Reason: Must be UTF-8.");
	expect_refused("Action=PurgeQueue&QueueUrl=q%00", INVALID_PARAMETER_VALUE,
		       "Value for parameter QueueUrl is invalid. Reason: Must not contain the character U+0000.");
	expect_refused("Action=TagQueue&QueueUrl=q&Tag.1.Key=a%00&Tag.1.Value=", INVALID_PARAMETER_VALUE,
		       "Value for parameter Tag.Key is invalid. Reason: Must be UTF-8 without U+0000.");
	expect_refused("Action=TagQueue&QueueUrl=q&Tag.1.Key=%80&Tag.1.Value=", INVALID_PARAMETER_VALUE,
		       "Value for parameter Tag.Key is invalid. Reason: Must be UTF-8 without U+0000.");
}

/* Whoever checks what messages may contain sees them whole. */
Test(query, a_zero_byte_in_a_message_is_handed_on)
{
	json_t *input = read_form("Action=SendMessage&QueueUrl=q&MessageBody=a%00b");

	cr_expect_eq(json_string_length(json_object_get(input, "MessageBody")), 3);
	json_decref(input);
}

Test(query, half_a_pair_is_missing_its_other_half)
{
	expect_refused("Action=SetQueueAttributes&QueueUrl=q&Attribute.1.Value=5", MISSING_PARAMETER,
		       "The request must contain the parameter Attribute.Name.");
	expect_refused("Action=SetQueueAttributes&QueueUrl=q&Attribute.1.Name=DelaySeconds", MISSING_PARAMETER,
		       "The request must contain the parameter Attribute.Value.");
	expect_refused("Action=TagQueue&QueueUrl=q&Tag.1=x", MISSING_PARAMETER,
		       "The request must contain the parameter Tag.Key.");
}

Test(query, attributes_that_no_sdk_names_rightly_have_no_name)
{
	expect_refused("Action=SendMessage&QueueUrl=q&MessageBody=b&MessageAttribute.1.key=a"
		       "&MessageAttribute.1.Value.DataType=String",
		       INVALID_PARAMETER_VALUE, "The request must contain non-empty message attribute name.");
	expect_refused("Action=SendMessage&QueueUrl=q&MessageBody=b&MessageAttribute.1.Name=a",
		       INVALID_PARAMETER_VALUE,
		       "The message attribute 'a' must contain non-empty message attribute value.");
}

Test(query, attributes_to_set_must_be_there)
{
	expect_refused("Action=SetQueueAttributes&QueueUrl=q", MISSING_PARAMETER,
		       "The request must contain the parameter Attribute.Name.");
}

Test(query, more_parameters_than_any_request_needs_are_refused)
{
	struct failure failure;
	char *body = malloc(QUERY_PARAMETERS_MAX * 8 + 64), *end = body + sprintf(body, "Action=UntagQueue");

	for (int i = 0; i < QUERY_PARAMETERS_MAX; i++)
		end += sprintf(end, "&T=1");
	failure = refused_bytes(body, strlen(body));
	expect_failure(&failure, MALFORMED_QUERY, "The request has more than 4096 parameters.");
	free(body);
}

/* As many as there may be, in the order that is the worst. */
Test(query, many_elements_are_read_fast, .timeout = 20)
{
	char *body = malloc(QUERY_PARAMETERS_MAX * 32), *end = body + sprintf(body, "Action=UntagQueue&QueueUrl=q");
	json_t *input;

	for (int i = QUERY_PARAMETERS_MAX - 2; i > 0; i--)
		end += sprintf(end, "&TagKey.%d000000000000=a", i);
	input = read_form(body);
	cr_expect_eq(json_array_size(json_object_get(input, "TagKeys")), QUERY_PARAMETERS_MAX - 2);
	json_decref(input);
	free(body);
}

/* ---- the way back ---------------------------------------------------------------------------------------- */

static void expect_round_trip(const struct action_shape *shape, uint64_t seed)
{
	uint64_t state = seed;
	static struct form_text form;
	json_t *wanted = random_tree(shape->input, &state), *got;
	char *in_url, *in_body;

	form.count = 0;
	form_add(&form, "Action", shape->action, strlen(shape->action));
	form_add_tree(&form, shape->input, "", wanted);
	in_url = form_take(&form, random_below(&state, (uint32_t)form.count + 1), &state);
	in_body = form_take(&form, form.count, &state);
	got = read_bytes(in_url, in_body, strlen(in_body));
	cr_expect(json_equal(got, wanted), "seed %llu: %s ? %s", (unsigned long long)seed, in_url, in_body);
	json_decref(got);
	json_decref(wanted);
	free(in_url);
	free(in_body);
}

Test(query, trees_of_all_actions_come_back)
{
	size_t count;
	const struct action_shape *shapes = shape_all(&count);

	cr_expect_eq(count, 23);
	for (uint64_t seed = 0; seed < 100; seed++)
		for (size_t i = 0; i < count; i++)
			expect_round_trip(&shapes[i], seed);
}

Test(query, one_parameter_is_found_and_decoded)
{
	static const char text[] = "a=1&X-Amz-Credential=k%2Fd&b&c=+&a=2";
	static const char *const found[][2] = {
		{"X-Amz-Credential", "k/d"}, {"a", "2"}, {"b", ""}, {"c", " "}, {"d", NULL}, {"", NULL}};

	for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++) {
		char *value = query_parameter(text, strlen(text), found[i][0]);

		if (found[i][1] == NULL)
			cr_expect_null(value);
		else
			cr_expect_str_eq(value, found[i][1]);
		free(value);
	}
	cr_expect_null(query_parameter("a=%", 3, "a"));
}

Test(query, without_memory_a_request_is_to_be_tried_again)
{
	static const char body[] = "Action=SendMessageBatch&QueueUrl=q&SendMessageBatchRequestEntry.1.Id=a"
				   "&SendMessageBatchRequestEntry.1.MessageBody=b"
				   "&SendMessageBatchRequestEntry.1.DelaySeconds=1"
				   "&SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=n"
				   "&SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringValue=v";
	bool is_read = false;

	for (int number = 0; !is_read; number++) {
		const struct action_shape *shape;
		struct failure failure;
		json_t *input = NULL;
		char *action = NULL;

		memory_fail(number);
		is_read = query_read(NULL, body, strlen(body), &action, &shape, &input, &failure);
		cr_expect(is_read == !memory_has_failed(), "piece %d", number);
		cr_expect(is_read || failure.code == SERVICE_UNAVAILABLE, "piece %d: %s", number, failure.message);
		json_decref(input);
		free(action);
		cr_expect_eq(memory.held, 0, "piece %d", number);
		cr_assert_lt(number, 1000);
	}
}
