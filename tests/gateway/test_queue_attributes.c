/* GetQueueAttributes and SetQueueAttributes: each attribute, its values, its removal. */
#include "tests/gateway/gateway_fixture.h"

TestSuite(queue_attributes, .init = actions_begin, .fini = actions_end, .timeout = 60);

static void set(const char *queue, const char *name, const char *value)
{
	done(action_set_queue_attributes, "{s:s, s:{s:s}}", "QueueUrl", queue, "Attributes", name, value);
}

#define cr_expect_set_refused(code, text, queue, name, value)                                                      \
	cr_expect_refused(code, text, action_set_queue_attributes, "{s:s, s:{s:s}}", "QueueUrl", queue,            \
			  "Attributes", name, value)

#define cr_expect_attribute(queue, name, value) cr_expect_str_eq(attribute(queue, name), value)

static const json_t *all(const char *queue)
{
	return json_object_get(done(action_get_queue_attributes, "{s:s, s:[s]}", "QueueUrl", queue,
				    "AttributeNames", "All"),
			       "Attributes");
}

/* ---- get -------------------------------------------------------------------------------------- */

Test(queue_attributes, all_are_those_that_apply_to_a_standard_queue)
{
	create("q", NULL);

	const json_t *is = all("q");

	cr_expect_eq(json_object_size(is), 12);
	cr_expect_str_eq(text_of(is, "VisibilityTimeout"), "30");
	cr_expect_str_eq(text_of(is, "DelaySeconds"), "0");
	cr_expect_str_eq(text_of(is, "MessageRetentionPeriod"), "345600");
	cr_expect_str_eq(text_of(is, "ReceiveMessageWaitTimeSeconds"), "0");
	cr_expect_str_eq(text_of(is, "MaximumMessageSize"), "1048576");
	cr_expect_str_eq(text_of(is, "ApproximateNumberOfMessages"), "0");
	cr_expect_str_eq(text_of(is, "ApproximateNumberOfMessagesNotVisible"), "0");
	cr_expect_str_eq(text_of(is, "ApproximateNumberOfMessagesDelayed"), "0");
	cr_expect_str_eq(text_of(is, "QueueArn"), "arn:aws:sqs:us-east-1:000000000000:q");
	cr_expect_str_eq(text_of(is, "SqsManagedSseEnabled"), "false");
	cr_expect(json_object_get(is, "CreatedTimestamp"));
	cr_expect(json_object_get(is, "LastModifiedTimestamp"));
}

Test(queue_attributes, all_of_a_fifo_queue_have_four_more)
{
	create("q.fifo", "FifoQueue", "true", NULL);

	const json_t *is = all("q.fifo");

	cr_expect_eq(json_object_size(is), 16);
	cr_expect_str_eq(text_of(is, "FifoQueue"), "true");
	cr_expect_str_eq(text_of(is, "ContentBasedDeduplication"), "false");
	cr_expect_str_eq(text_of(is, "DeduplicationScope"), "queue");
	cr_expect_str_eq(text_of(is, "FifoThroughputLimit"), "perQueue");
}

Test(queue_attributes, only_what_is_named_is_answered)
{
	const json_t *output;

	create("q", NULL);
	output = done(action_get_queue_attributes, "{s:s, s:[s,s,s]}", "QueueUrl", "q", "AttributeNames",
		      "QueueArn", "DelaySeconds", "QueueArn");
	cr_expect_eq(json_object_size(json_object_get(output, "Attributes")), 2);
}

Test(queue_attributes, without_names_there_is_no_attributes_member)
{
	create("q", NULL);
	cr_expect_eq(json_object_size(done(action_get_queue_attributes, "{s:s}", "QueueUrl", "q")), 0);
	cr_expect_eq(json_object_size(
			     done(action_get_queue_attributes, "{s:s, s:[]}", "QueueUrl", "q", "AttributeNames")),
		     0);
}

Test(queue_attributes, of_a_standard_queue_those_of_fifo_queues_are_unknown)
{
	static const char *const names[] = {"FifoQueue", "ContentBasedDeduplication", "DeduplicationScope",
					    "FifoThroughputLimit"};
	char message[64];

	create("q", NULL);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(message, sizeof(message), "Unknown Attribute %s.", names[i]);
		cr_expect_refused(INVALID_ATTRIBUTE_NAME, message, action_get_queue_attributes, "{s:s, s:[s,s]}",
				  "QueueUrl", "q", "AttributeNames", "All", names[i]);
	}
}

Test(queue_attributes, what_is_not_set_is_left_out)
{
	create("q", NULL);
	cr_expect_eq(json_object_size(done(action_get_queue_attributes, "{s:s, s:[s,s,s]}", "QueueUrl", "q",
					   "AttributeNames", "Policy", "RedrivePolicy", "KmsMasterKeyId")),
		     0);
}

Test(queue_attributes, unknown_names_are_refused)
{
	create("q", NULL);
	cr_expect_refused(INVALID_ATTRIBUTE_NAME, "Unknown Attribute Foobar.", action_get_queue_attributes,
			  "{s:s, s:[s,s]}", "QueueUrl", "q", "AttributeNames", "All", "Foobar");
	cr_expect_set_refused(INVALID_ATTRIBUTE_NAME, "Unknown Attribute Foobar.", "q", "Foobar", "1");
	cr_expect_set_refused(INVALID_ATTRIBUTE_NAME, "Unknown Attribute All.", "q", "All", "1");
}

Test(queue_attributes, a_queue_that_is_not_there_is_said)
{
	cr_expect_eq(refused(action_get_queue_attributes, "{s:s}", "QueueUrl", "q")->code, QUEUE_DOES_NOT_EXIST);
	cr_expect_eq(refused(action_set_queue_attributes, "{s:s, s:{}}", "QueueUrl", "q", "Attributes")->code,
		     QUEUE_DOES_NOT_EXIST);
}

Test(queue_attributes, messages_are_counted_by_what_they_are)
{
	struct rlq_queue *queue;

	create("q", NULL);
	queue = queue_again("q");
	send_text(queue, "a");
	send_text(queue, "b");
	send_text(queue, "c");
	receive_one(queue);
	cr_assert_eq(send_delayed(queue, "d", 60000), 0);
	cr_expect_attribute("q", "ApproximateNumberOfMessages", "2");
	cr_expect_attribute("q", "ApproximateNumberOfMessagesNotVisible", "1");
	cr_expect_attribute("q", "ApproximateNumberOfMessagesDelayed", "1");
}

Test(queue_attributes, timestamps_are_in_whole_seconds)
{
	uint64_t created_ms, now_ms = wall_now();

	create("q", NULL);
	created_ms = rlq_queue_created_ms(queue_again("q"));
	cr_expect_geq(created_ms, now_ms);
	cr_expect_eq(strtoull(attribute("q", "CreatedTimestamp"), NULL, 10), created_ms / 1000);
	cr_expect_eq(strtoull(attribute("q", "LastModifiedTimestamp"), NULL, 10), created_ms / 1000);
	time_passes(5000);
	set("q", "DelaySeconds", "1");
	cr_expect_eq(strtoull(attribute("q", "CreatedTimestamp"), NULL, 10), created_ms / 1000);
	cr_expect_eq(strtoull(attribute("q", "LastModifiedTimestamp"), NULL, 10), (created_ms + 5000) / 1000);
}

Test(queue_attributes, what_is_only_kept_is_a_modification_too)
{
	create("q", NULL);
	time_passes(-INT64_C(1000) * 3600);
	set("q", "DelaySeconds", "1");

	uint64_t before = strtoull(attribute("q", "LastModifiedTimestamp"), NULL, 10);

	set("q", "KmsMasterKeyId", "k");
	cr_expect_gt(strtoull(attribute("q", "LastModifiedTimestamp"), NULL, 10), before);
}

Test(queue_attributes, of_a_native_queue_what_is_there_is_answered)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.delay_ms = 3600000;
	attributes.visibility_ms = 1500;
	attributes.message_bytes_max = RLQ_BODY_MAX;
	queue_make("q", &attributes);
	cr_expect_attribute("q", "DelaySeconds", "3600");
	cr_expect_attribute("q", "VisibilityTimeout", "1");
	cr_expect_attribute("q", "MaximumMessageSize", "67108864");
}

Test(queue_attributes, setting_one_leaves_the_others_of_a_native_queue_alone)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue;

	attributes.delay_ms = 3600000;
	attributes.visibility_ms = 1500;
	attributes.overdue_ms = 7;
	queue = queue_make("q", &attributes);
	set("q", "ReceiveMessageWaitTimeSeconds", "3");
	cr_assert_eq(rlq_queue_get_attributes(queue, &attributes), 0);
	cr_expect_eq(attributes.delay_ms, 3600000);
	cr_expect_eq(attributes.visibility_ms, 1500);
	cr_expect_eq(attributes.overdue_ms, 7);
	cr_expect_eq(attributes.wait_ms, 3000);
}

/* ---- numbers ---------------------------------------------------------------------------------- */

static const struct {
	const char *name, *least, *most, *below, *above;
} numbers[] = {
	{"VisibilityTimeout", "0", "43200", "-1", "43201"},
	{"DelaySeconds", "0", "900", "-1", "901"},
	{"MessageRetentionPeriod", "60", "1209600", "59", "1209601"},
	{"ReceiveMessageWaitTimeSeconds", "0", "20", "-1", "21"},
	{"MaximumMessageSize", "1024", "1048576", "1023", "1048577"},
};

Test(queue_attributes, numbers_may_be_what_aws_has)
{
	create("q", NULL);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		set("q", numbers[i].name, numbers[i].least);
		cr_expect_attribute("q", numbers[i].name, numbers[i].least);
		set("q", numbers[i].name, numbers[i].most);
		cr_expect_attribute("q", numbers[i].name, numbers[i].most);
	}
}

Test(queue_attributes, numbers_out_of_range_or_none_are_refused)
{
	static const char *const bad[] = {"",	" ",  "x",    "1.5", "1 ",
					  " 1", "+1", "0x10", "1e2", "18446744073709551646"};
	char text[128];

	create("q", NULL);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		snprintf(text, sizeof(text), "Invalid value for the parameter %s.", numbers[i].name);
		cr_expect_set_refused(INVALID_ATTRIBUTE_VALUE, text, "q", numbers[i].name, numbers[i].below);
		cr_expect_set_refused(INVALID_ATTRIBUTE_VALUE, text, "q", numbers[i].name, numbers[i].above);
		for (size_t j = 0; j < sizeof(bad) / sizeof(bad[0]); j++)
			cr_expect_set_refused(INVALID_ATTRIBUTE_VALUE, text, "q", numbers[i].name, bad[j]);
	}
}

Test(queue_attributes, with_relaxed_limits_messages_may_be_as_large_as_the_library_takes)
{
	gateway.relaxed_limits = true;
	create("q", "MaximumMessageSize", "67108864", NULL);
	cr_expect_attribute("q", "MaximumMessageSize", "67108864");
	set("q", "MaximumMessageSize", "1");
	cr_expect_set_refused(INVALID_ATTRIBUTE_VALUE, "Invalid value for the parameter MaximumMessageSize.", "q",
			      "MaximumMessageSize", "67108865");
}

Test(queue_attributes, what_only_the_service_sets_is_unknown_to_a_set)
{
	static const char *const names[] = {"ApproximateNumberOfMessages", "CreatedTimestamp",
					    "LastModifiedTimestamp", "QueueArn"};
	char text[128];

	create("q", NULL);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(text, sizeof(text), "Unknown Attribute %s.", names[i]);
		cr_expect_set_refused(INVALID_ATTRIBUTE_NAME, text, "q", names[i], "1");
	}
}

Test(queue_attributes, one_that_is_refused_sets_none)
{
	create("q", NULL);
	refused(action_set_queue_attributes, "{s:s, s:{s:s, s:s, s:s}}", "QueueUrl", "q", "Attributes",
		"DelaySeconds", "5", "KmsMasterKeyId", "k", "VisibilityTimeout", "x");
	cr_expect_attribute("q", "DelaySeconds", "0");
	cr_expect_attribute("q", "KmsMasterKeyId", "");
}

/* ---- FIFO queues ------------------------------------------------------------------------------ */

Test(queue_attributes, the_type_of_a_queue_cannot_be_changed)
{
	create("q.fifo", "FifoQueue", "true", NULL);
	set("q.fifo", "FifoQueue", "true");
	cr_expect_set_refused(
		INVALID_ATTRIBUTE_VALUE,
		"Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.",
		"q.fifo", "FifoQueue", "false");
}

Test(queue_attributes, fifo_attributes_can_be_changed)
{
	create("q.fifo", "FifoQueue", "true", NULL);
	set("q.fifo", "ContentBasedDeduplication", "True");
	cr_expect_attribute("q.fifo", "ContentBasedDeduplication", "true");
	set("q.fifo", "DeduplicationScope", "messageGroup");
	cr_expect_attribute("q.fifo", "DeduplicationScope", "messageGroup");
	set("q.fifo", "FifoThroughputLimit", "perMessageGroupId");
	cr_expect_attribute("q.fifo", "FifoThroughputLimit", "perMessageGroupId");
	set("q.fifo", "FifoThroughputLimit", "perQueue");
	cr_expect_attribute("q.fifo", "FifoThroughputLimit", "perQueue");
	cr_expect_set_refused(INVALID_ATTRIBUTE_VALUE, "Invalid value for the parameter DeduplicationScope.",
			      "q.fifo", "DeduplicationScope", "group");
	cr_expect_set_refused(INVALID_ATTRIBUTE_VALUE, "Invalid value for the parameter FifoThroughputLimit.",
			      "q.fifo", "FifoThroughputLimit", "");
	cr_expect_set_refused(INVALID_ATTRIBUTE_VALUE, "Invalid value for the parameter ContentBasedDeduplication.",
			      "q.fifo", "ContentBasedDeduplication", "yes");
}

#define NOT_PER_GROUP                                                                                              \
	"Invalid value for the parameter FifoThroughputLimit. Reason: perMessageGroupId is allowed only when the " \
	"value for DeduplicationScope is messageGroup."

Test(queue_attributes, a_limit_per_group_needs_deduplication_per_group)
{
	create("q.fifo", "FifoQueue", "true", NULL);
	cr_expect_set_refused(INVALID_ATTRIBUTE_VALUE, NOT_PER_GROUP, "q.fifo", "FifoThroughputLimit",
			      "perMessageGroupId");
	done(action_set_queue_attributes, "{s:s, s:{s:s, s:s}}", "QueueUrl", "q.fifo", "Attributes",
	     "FifoThroughputLimit", "perMessageGroupId", "DeduplicationScope", "messageGroup");
	cr_expect_set_refused(INVALID_ATTRIBUTE_VALUE, NOT_PER_GROUP, "q.fifo", "DeduplicationScope", "queue");
	set("q.fifo", "FifoThroughputLimit", "perQueue");
	set("q.fifo", "DeduplicationScope", "queue");
}

Test(queue_attributes, fifo_attributes_are_refused_on_a_standard_queue)
{
	create("q", NULL);
	cr_expect_set_refused(INVALID_ATTRIBUTE_NAME, "Unknown Attribute ContentBasedDeduplication.", "q",
			      "ContentBasedDeduplication", "false");
	cr_expect_set_refused(INVALID_ATTRIBUTE_NAME,
			      "You can specify the DeduplicationScope only when FifoQueue is set to true.", "q",
			      "DeduplicationScope", "queue");
	cr_expect_set_refused(INVALID_ATTRIBUTE_NAME,
			      "You can specify the FifoThroughputLimit only when FifoQueue is set to true.", "q",
			      "FifoThroughputLimit", "perQueue");
	cr_expect_set_refused(INVALID_ATTRIBUTE_NAME, "Unknown Attribute FifoQueue.", "q", "FifoQueue", "false");
}

/* ---- encryption ------------------------------------------------------------------------------- */

Test(queue_attributes, a_kms_key_is_kept_and_removed)
{
	create("q", "KmsMasterKeyId", "alias/k", "KmsDataKeyReusePeriodSeconds", "60", NULL);
	cr_expect_attribute("q", "KmsMasterKeyId", "alias/k");
	cr_expect_attribute("q", "KmsDataKeyReusePeriodSeconds", "60");
	set("q", "KmsMasterKeyId", "");
	set("q", "KmsDataKeyReusePeriodSeconds", "300");
	cr_expect_attribute("q", "KmsMasterKeyId", "");
	cr_expect_attribute("q", "KmsDataKeyReusePeriodSeconds", "");
	cr_expect_eq(json_object_size(all("q")), 12);
}

Test(queue_attributes, the_reuse_period_of_a_key_has_a_range)
{
	create("q", NULL);
	set("q", "KmsDataKeyReusePeriodSeconds", "86400");
	cr_expect_set_refused(INVALID_ATTRIBUTE_VALUE,
			      "Invalid value for the parameter KmsDataKeyReusePeriodSeconds.", "q",
			      "KmsDataKeyReusePeriodSeconds", "59");
	cr_expect_set_refused(INVALID_ATTRIBUTE_VALUE,
			      "Invalid value for the parameter KmsDataKeyReusePeriodSeconds.", "q",
			      "KmsDataKeyReusePeriodSeconds", "86401");
}

Test(queue_attributes, managed_encryption_is_never_said_to_be_there)
{
	create("q", NULL);
	cr_expect_attribute("q", "SqsManagedSseEnabled", "false");
	set("q", "SqsManagedSseEnabled", "TRUE");
	cr_expect_attribute("q", "SqsManagedSseEnabled", "false");
	set("q", "SqsManagedSseEnabled", "false");
	cr_expect_attribute("q", "SqsManagedSseEnabled", "false");
	cr_expect_set_refused(INVALID_ATTRIBUTE_VALUE, "Invalid value for the parameter SqsManagedSseEnabled.", "q",
			      "SqsManagedSseEnabled", "on");
}

Test(queue_attributes, of_two_kinds_of_encryption_the_one_set_last_counts)
{
	create("q", "SqsManagedSseEnabled", "true", NULL);
	set("q", "KmsMasterKeyId", "k");
	cr_expect_attribute("q", "SqsManagedSseEnabled", "false");
	set("q", "SqsManagedSseEnabled", "true");
	cr_expect_attribute("q", "KmsMasterKeyId", "");
}

Test(queue_attributes, two_kinds_of_encryption_at_once_are_refused)
{
	create("q", NULL);
	cr_expect_refused(
		INVALID_ATTRIBUTE_NAME,
		"You can use one type of server-side encryption (SSE) at one time. You can either enable KMS "
		"SSE or SQS SSE.",
		action_set_queue_attributes, "{s:s, s:{s:s, s:s}}", "QueueUrl", "q", "Attributes", "KmsMasterKeyId",
		"k", "SqsManagedSseEnabled", "true");
	done(action_set_queue_attributes, "{s:s, s:{s:s, s:s}}", "QueueUrl", "q", "Attributes", "KmsMasterKeyId",
	     "k", "SqsManagedSseEnabled", "false");
	cr_expect_attribute("q", "KmsMasterKeyId", "k");
}

/* ---- Policy ----------------------------------------------------------------------------------- */

Test(queue_attributes, a_policy_is_kept_and_removed)
{
	static const char policy[] =
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":"
		"\"*\",\"Action\":\"SQS:SendMessage\",\"Resource\":\"*\"}]}";

	create("q", NULL);
	set("q", "Policy", policy);
	cr_expect_attribute("q", "Policy", policy);
	set("q", "Policy", "");
	cr_expect_attribute("q", "Policy", "");
	cr_expect_eq(refused(action_set_queue_attributes, "{s:s, s:{s:s}}", "QueueUrl", "q", "Attributes", "Policy",
			     "no policy")
			     ->code,
		     INVALID_ATTRIBUTE_VALUE);
}
