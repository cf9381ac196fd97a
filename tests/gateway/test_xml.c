#include "tests/gateway/codec_fixture.h"
#include "tests/gateway/random_tree.h"
#include "tests/gateway/xml_tree.h"

#define HEAD "<?xml version=\"1.0\"?>\n"
#define OF_SQS " xmlns=\"" XML_OF_SQS "\""
#define METADATA "<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>"

/* ---- answers --------------------------------------------------------------------------------------------- */

static char *answer_of(const char *action, json_t *result, size_t *ret_bytes)
{
	char *xml = xml_answer(shape_find(action), result, "r-1", ret_bytes);

	cr_assert_not_null(xml);
	json_decref(result);
	return xml;
}

/* `wanted` without what each answer has around it. */
static void expect_answer(const char *action, const char *result, const char *wanted)
{
	char full[4096];
	size_t bytes = 0;
	char *xml = answer_of(action, result ? tree(result) : NULL, &bytes);

	snprintf(full, sizeof(full), HEAD "<%sResponse" OF_SQS ">%s" METADATA "</%sResponse>\n", action, wanted,
		 action);
	cr_expect_str_eq(xml, full);
	cr_expect_eq(strlen(xml), bytes);
	free(xml);
}

Test(xml, an_action_without_result_answers_only_metadata)
{
	static const char *const actions[] = {
		"DeleteMessage", "DeleteQueue", "PurgeQueue",	 "SetQueueAttributes", "ChangeMessageVisibility",
		"TagQueue",	 "UntagQueue",	"AddPermission", "RemovePermission"};

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		expect_answer(actions[i], "{}", "");
		expect_answer(actions[i], NULL, "");
	}
}

Test(xml, the_url_of_a_queue)
{
	expect_answer("CreateQueue", "{'QueueUrl': 'http://h/1/q'}",
		      "<CreateQueueResult><QueueUrl>http://h/1/q</QueueUrl></CreateQueueResult>");
	expect_answer("GetQueueUrl", "{'QueueUrl': 'http://h/1/q'}",
		      "<GetQueueUrlResult><QueueUrl>http://h/1/q</QueueUrl></GetQueueUrlResult>");
}

Test(xml, lists_are_flattened)
{
	expect_answer("ListQueues", "{'NextToken': 't', 'QueueUrls': ['a', 'b']}",
		      "<ListQueuesResult><QueueUrl>a</QueueUrl><QueueUrl>b</QueueUrl><NextToken>t</NextToken>"
		      "</ListQueuesResult>");
	expect_answer(
		"ListDeadLetterSourceQueues", "{'queueUrls': ['a']}",
		"<ListDeadLetterSourceQueuesResult><QueueUrl>a</QueueUrl></ListDeadLetterSourceQueuesResult>");
}

Test(xml, maps_are_flattened)
{
	expect_answer("GetQueueAttributes", "{'Attributes': {'DelaySeconds': '5'}}",
		      "<GetQueueAttributesResult><Attribute><Name>DelaySeconds</Name><Value>5</Value></Attribute>"
		      "</GetQueueAttributesResult>");
	expect_answer("ListQueueTags", "{'Tags': {'k': ''}}",
		      "<ListQueueTagsResult><Tag><Key>k</Key><Value></Value></Tag></ListQueueTagsResult>");
}

Test(xml, what_is_absent_null_or_empty_is_left_out)
{
	expect_answer("ReceiveMessage", "{}", "<ReceiveMessageResult/>");
	expect_answer("ReceiveMessage", NULL, "<ReceiveMessageResult/>");
	expect_answer("ReceiveMessage", "{'Messages': []}", "<ReceiveMessageResult/>");
	expect_answer("ListQueueTags", "{'Tags': {}}", "<ListQueueTagsResult/>");
	expect_answer("SendMessage", "{'MessageId': 'm', 'SequenceNumber': null, 'Foo': 'bar'}",
		      "<SendMessageResult><MessageId>m</MessageId></SendMessageResult>");
}

Test(xml, a_batch_has_those_that_went_well_and_those_that_failed)
{
	expect_answer("SendMessageBatch",
		      "{'Failed': [{'Id': 'b', 'Code': 'c', 'SenderFault': true, 'Message': 'm'}],"
		      " 'Successful': [{'Id': 'a', 'MessageId': 'i', 'MD5OfMessageBody': 'd'}]}",
		      "<SendMessageBatchResult><SendMessageBatchResultEntry><Id>a</Id><MessageId>i</MessageId>"
		      "<MD5OfMessageBody>d</MD5OfMessageBody></"
		      "SendMessageBatchResultEntry><BatchResultErrorEntry><Id>b</Id>"
		      "<SenderFault>true</SenderFault><Code>c</Code><Message>m</Message></BatchResultErrorEntry>"
		      "</SendMessageBatchResult>");
	expect_answer("DeleteMessageBatch", "{'Successful': [{'Id': 'a'}]}",
		      "<DeleteMessageBatchResult><DeleteMessageBatchResultEntry><Id>a</Id></"
		      "DeleteMessageBatchResultEntry>"
		      "</DeleteMessageBatchResult>");
	expect_answer("ChangeMessageVisibilityBatch", "{'Successful': [{'Id': 'a'}]}",
		      "<ChangeMessageVisibilityBatchResult><ChangeMessageVisibilityBatchResultEntry><Id>a</Id>"
		      "</ChangeMessageVisibilityBatchResultEntry></ChangeMessageVisibilityBatchResult>");
}

Test(xml, a_message_received)
{
	expect_answer("ReceiveMessage",
		      "{'Messages': [{'MessageId': 'i', 'ReceiptHandle': 'h', 'MD5OfBody': 'd', 'Body': 'b',"
		      " 'Attributes': {'SentTimestamp': '1'}, 'MD5OfMessageAttributes': 'e',"
		      " 'MessageAttributes': {'n': {'DataType': 'String', 'StringValue': 'v'}}}]}",
		      "<ReceiveMessageResult><Message><MessageId>i</MessageId><ReceiptHandle>h</ReceiptHandle>"
		      "<MD5OfBody>d</MD5OfBody><Body>b</Body><Attribute><Name>SentTimestamp</Name><Value>1</Value>"
		      "</Attribute><MessageAttribute><Name>n</Name><Value><StringValue>v</StringValue>"
		      "<DataType>String</DataType></Value></MessageAttribute><MD5OfMessageAttributes>e"
		      "</MD5OfMessageAttributes></Message></ReceiveMessageResult>");
}

Test(xml, move_tasks_have_numbers)
{
	expect_answer("ListMessageMoveTasks",
		      "{'Results': [{'Status': 'RUNNING', 'StartedTimestamp': 1700000000000,"
		      " 'ApproximateNumberOfMessagesMoved': 0}]}",
		      "<ListMessageMoveTasksResult><ListMessageMoveTasksResultEntry><Status>RUNNING</Status>"
		      "<ApproximateNumberOfMessagesMoved>0</ApproximateNumberOfMessagesMoved>"
		      "<StartedTimestamp>1700000000000</StartedTimestamp></ListMessageMoveTasksResultEntry>"
		      "</ListMessageMoveTasksResult>");
	expect_answer("CancelMessageMoveTask", "{'ApproximateNumberOfMessagesMoved': 7}",
		      "<CancelMessageMoveTaskResult><ApproximateNumberOfMessagesMoved>7</"
		      "ApproximateNumberOfMessagesMoved>"
		      "</CancelMessageMoveTaskResult>");
}

/* ---- characters ------------------------------------------------------------------------------------------ */

static void expect_body(const char *body, size_t bytes, const char *wanted)
{
	json_t *result = json_pack("{s:[{s:o}]}", "Messages", "Body", json_stringn_nocheck(body, bytes));
	size_t xml_bytes = 0;
	char *xml = answer_of("ReceiveMessage", result, &xml_bytes);
	char *start = strstr(xml, "<Body>") + 6, *end = strstr(xml, "</Body>");
	xmlDoc *document = xml_parse(xml, xml_bytes);

	cr_expect_not_null(document, "not well-formed: %s", xml);
	xmlFreeDoc(document);
	*end = '\0';
	cr_expect_str_eq(start, wanted);
	free(xml);
}

static void expect_text(const char *body, const char *wanted)
{
	expect_body(body, strlen(body), wanted);
}

Test(xml, a_carriage_return_leaves_as_a_reference)
{
	expect_text("a\r\nb\rc\n\t", "a&#13;\nb&#13;c\n\t");
}

Test(xml, markup_is_escaped)
{
	expect_text("<a b=\"c\">&amp;]]></a>", "&lt;a b=&quot;c&quot;&gt;&amp;amp;]]&gt;&lt;/a&gt;");
}

Test(xml, blanks_around_a_body_are_kept)
{
	expect_text("  a  ", "  a  ");
	expect_text(" ", " ");
}

Test(xml, characters_beyond_ascii_are_themselves)
{
	expect_text("\xc3\xa4\xf0\x9f\x98\x80\xef\xbf\xbd\x7f", "\xc3\xa4\xf0\x9f\x98\x80\xef\xbf\xbd\x7f");
}

Test(xml, what_xml_cannot_carry_is_replaced)
{
	expect_body("a\0b\x01\x1f\xef\xbf\xbe\xef\xbf\xbf", 11,
		    "a\xef\xbf\xbd"
		    "b\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

Test(xml, what_is_no_utf8_is_replaced)
{
	expect_text("\xff"
		    "a\xc3",
		    "\xef\xbf\xbd"
		    "a\xef\xbf\xbd");
	/* A surrogate, an overlong slash, beyond the last character. */
	expect_text("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	expect_text("\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd");
	expect_text("\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

/* Ten messages of 1 MiB, each byte of which becomes five. */
Test(xml, the_largest_receive_fits, .timeout = 30)
{
	enum { BODY_BYTES = 1 << 20 };
	char *body = malloc(BODY_BYTES);
	json_t *messages = json_array();
	size_t bytes = 0;
	char *xml;

	memset(body, '\r', BODY_BYTES);
	for (int i = 0; i < 10; i++)
		json_array_append_new(messages, json_pack("{s:o}", "Body", json_stringn(body, BODY_BYTES)));
	xml = answer_of("ReceiveMessage", json_pack("{s:o}", "Messages", messages), &bytes);
	cr_expect_gt(bytes, 10 * 5 * BODY_BYTES);
	cr_expect_eq(strlen(xml), bytes);
	free(xml);
	free(body);
}

/* ---- the way back ---------------------------------------------------------------------------------------- */

static void expect_round_trip(const struct action_shape *shape, uint64_t seed)
{
	uint64_t state = seed;
	json_t *wanted = random_tree(shape->result, &state), *got;
	char root_name[64], result_name[64];
	size_t bytes = 0;
	char *xml = xml_answer(shape, wanted, "r-1", &bytes);
	xmlDoc *document = xml_parse(xml, bytes);
	xmlNode *root = xmlDocGetRootElement(document);

	snprintf(root_name, sizeof(root_name), "%sResponse", shape->action);
	snprintf(result_name, sizeof(result_name), "%sResult", shape->action);
	cr_expect_str_eq((const char *)root->name, root_name);
	cr_expect_str_eq((const char *)root->ns->href, XML_OF_SQS);
	got = xml_tree(shape->result, xml_child(root, result_name));
	cr_expect(json_equal(got, wanted), "seed %llu: %s", (unsigned long long)seed, xml);
	json_decref(got);
	json_decref(wanted);
	xmlFreeDoc(document);
	free(xml);
}

Test(xml, results_of_all_actions_come_back)
{
	size_t count;
	const struct action_shape *shapes = shape_all(&count);

	for (uint64_t seed = 0; seed < 100; seed++)
		for (size_t i = 0; i < count; i++)
			if (shapes[i].result != NULL)
				expect_round_trip(&shapes[i], seed);
}

/* ---- failures -------------------------------------------------------------------------------------------- */

static void expect_failed(enum failure_code code, const char *message, const char *wanted)
{
	struct failure failure;
	size_t bytes = 0;
	char *xml;

	failure_set(&failure, code, "%s", message);
	xml = xml_failure(&failure, "r-1", &bytes);
	cr_expect_str_eq(xml, wanted);
	cr_expect_eq(strlen(xml), bytes);
	free(xml);
}

Test(xml, a_failure_says_type_code_and_message)
{
	expect_failed(INVALID_PARAMETER_VALUE, "a < b",
		      HEAD
		      "<ErrorResponse" OF_SQS "><Error><Type>Sender</Type><Code>InvalidParameterValue</Code>"
		      "<Message>a &lt; b</Message><Detail/></Error><RequestId>r-1</RequestId></ErrorResponse>\n");
	expect_failed(
		SERVICE_UNAVAILABLE, "\x01",
		HEAD
		"<ErrorResponse" OF_SQS "><Error><Type>Receiver</Type><Code>ServiceUnavailable</Code>"
		"<Message>\xef\xbf\xbd</Message><Detail/></Error><RequestId>r-1</RequestId></ErrorResponse>\n");
}

Test(xml, a_queue_that_is_not_there_is_not_there_for_this_wsdl_version)
{
	expect_failed(
		QUEUE_DOES_NOT_EXIST, "The specified queue does not exist.",
		HEAD
		"<ErrorResponse" OF_SQS "><Error><Type>Sender</Type>"
		"<Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>The specified queue does not exist "
		"for this wsdl version.</Message><Detail/></Error><RequestId>r-1</RequestId></ErrorResponse>\n");
}

Test(xml, without_an_action_the_operation_is_unknown)
{
	expect_failed(UNKNOWN_OPERATION, "The request has no Action.", HEAD "<UnknownOperationException/>\n");
}
