/* CreateQueue: names, types, the same again, tags. */
#include "tests/gateway/gateway_fixture.h"

#include <criterion/criterion.h>
#include <string.h>

#include "gateway/recent.h"

TestSuite(create_queue, .init = actions_begin, .fini = actions_end, .timeout = 60);

#define BAD_NAME "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
#define EXISTS "A queue already exists with the same name and a different value for attribute "

static struct rlq_queue_attributes native(const char *name)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue;

	cr_assert_eq(rlq_queue_open(gateway.directory, name, &queue), 0);
	cr_assert_eq(rlq_queue_get_attributes(queue, &attributes), 0);
	rlq_queue_close(queue);
	return attributes;
}

/* ---- what is made ----------------------------------------------------------------------------- */

Test(create_queue, a_queue_is_made_and_its_url_answered)
{
	const json_t *output = done(action_create_queue, "{s:s}", "QueueName", "q");

	cr_expect_str_eq(text_of(output, "QueueUrl"), "http://localhost:9324/000000000000/q");
	cr_expect_eq(native("q").type, RLQ_STANDARD);
	cr_expect_eq(native("q").durability, RLQ_MEMORY);
}

Test(create_queue, attributes_are_those_of_the_native_queue)
{
	struct rlq_queue_attributes is;

	create("q", "VisibilityTimeout", "60", "DelaySeconds", "5", "MessageRetentionPeriod", "120",
	       "ReceiveMessageWaitTimeSeconds", "20", "MaximumMessageSize", "2048", NULL);
	is = native("q");
	cr_expect_eq(is.visibility_ms, 60000);
	cr_expect_eq(is.delay_ms, 5000);
	cr_expect_eq(is.retention_ms, 120000);
	cr_expect_eq(is.wait_ms, 20000);
	cr_expect_eq(is.message_bytes_max, 2048);
}

Test(create_queue, a_fifo_queue_is_one_by_name_and_attribute)
{
	create("q.fifo", "FifoQueue", "True", "ContentBasedDeduplication", "TRUE", "DeduplicationScope",
	       "messageGroup", "FifoThroughputLimit", "perMessageGroupId", NULL);
	cr_expect_eq(native("q.fifo").type, RLQ_FIFO);
	cr_expect(native("q.fifo").content_dedup);
	cr_expect_eq(native("q.fifo").dedup_scope, RLQ_DEDUP_GROUP);
	cr_expect_str_eq(attribute("q.fifo", "FifoThroughputLimit"), "perMessageGroupId");
}

Test(create_queue, names_are_refused_that_are_none)
{
	char name[82];

	memset(name, 'a', sizeof(name));
	name[81] = '\0';
	cr_expect_refused(INVALID_PARAMETER_VALUE, BAD_NAME, action_create_queue, "{s:s}", "QueueName", name);
	cr_expect_refused(INVALID_PARAMETER_VALUE, BAD_NAME, action_create_queue, "{s:s}", "QueueName", "");
	cr_expect_refused(INVALID_PARAMETER_VALUE, BAD_NAME, action_create_queue, "{s:s}", "QueueName", "a b");
	cr_expect_refused(INVALID_PARAMETER_VALUE, BAD_NAME, action_create_queue, "{s:s}", "QueueName", "a.b");
	cr_expect_refused(INVALID_PARAMETER_VALUE, BAD_NAME, action_create_queue, "{s:s, s:{s:s}}", "QueueName",
			  ".fifo", "Attributes", "FifoQueue", "true");
	name[80] = '\0';
	done(action_create_queue, "{s:s}", "QueueName", name);
}

Test(create_queue, the_name_and_fifo_queue_must_agree)
{
	cr_expect_refused(INVALID_PARAMETER_VALUE, BAD_NAME, action_create_queue, "{s:s}", "QueueName", "q.fifo");
	cr_expect_refused(INVALID_PARAMETER_VALUE, BAD_NAME, action_create_queue, "{s:s, s:{s:s}}", "QueueName",
			  "q.fifo", "Attributes", "FifoQueue", "false");
	cr_expect_refused(INVALID_PARAMETER_VALUE, BAD_NAME, action_create_queue, "{s:s, s:{s:s}}", "QueueName",
			  "q", "Attributes", "FifoQueue", "true");
}

Test(create_queue, fifo_queue_is_no_attribute_of_a_standard_queue)
{
	cr_expect_refused(INVALID_ATTRIBUTE_NAME, "Unknown Attribute FifoQueue.", action_create_queue,
			  "{s:s, s:{s:s}}", "QueueName", "q", "Attributes", "FifoQueue", "false");
	cr_expect_refused(INVALID_ATTRIBUTE_VALUE, "Invalid value for the parameter FifoQueue.",
			  action_create_queue, "{s:s, s:{s:s}}", "QueueName", "q", "Attributes", "FifoQueue",
			  "maybe");
}

Test(create_queue, a_refused_attribute_leaves_no_queue)
{
	struct rlq_queue *queue;

	refused(action_create_queue, "{s:s, s:{s:s}}", "QueueName", "q", "Attributes", "DelaySeconds", "901");
	refused(action_create_queue, "{s:s, s:{s:s}}", "QueueName", "q", "tags", "aws:k", "v");
	cr_expect_eq(rlq_queue_open(gateway.directory, "q", &queue), RLQ_ENOQUEUE);
}

/* ---- again ------------------------------------------------------------------------------------ */

Test(create_queue, the_same_again_is_fine)
{
	const json_t *output;

	create("q", "DelaySeconds", "5", "VisibilityTimeout", "60", NULL);
	create("q", "DelaySeconds", "5", "VisibilityTimeout", "60", NULL);
	create("q", "DelaySeconds", "5", NULL);
	output = done(action_create_queue, "{s:s}", "QueueName", "q");
	cr_expect_str_eq(text_of(output, "QueueUrl"), "http://localhost:9324/000000000000/q");
}

Test(create_queue, another_value_is_refused_and_named)
{
	create("q", "DelaySeconds", "5", NULL);
	cr_expect_refused(QUEUE_NAME_EXISTS, EXISTS "DelaySeconds", action_create_queue, "{s:s, s:{s:s}}",
			  "QueueName", "q", "Attributes", "DelaySeconds", "6");
	cr_expect_refused(QUEUE_NAME_EXISTS, EXISTS "KmsMasterKeyId", action_create_queue, "{s:s, s:{s:s}}",
			  "QueueName", "q", "Attributes", "KmsMasterKeyId", "k");
}

Test(create_queue, what_was_set_since_is_what_is_compared)
{
	create("q", "DelaySeconds", "5", NULL);
	done(action_set_queue_attributes, "{s:s, s:{s:s}}", "QueueUrl", "q", "Attributes", "DelaySeconds", "6");
	create("q", "DelaySeconds", "6", NULL);
	cr_expect_refused(QUEUE_NAME_EXISTS, EXISTS "DelaySeconds", action_create_queue, "{s:s, s:{s:s}}",
			  "QueueName", "q", "Attributes", "DelaySeconds", "5");
}

Test(create_queue, messages_do_not_matter)
{
	create("q", "DelaySeconds", "0", NULL);
	send_text(queue_again("q"), "a");
	create("q", "DelaySeconds", "0", NULL);
}

Test(create_queue, policies_are_compared_by_what_they_mean)
{
	char policy[256];

	create("dlq", NULL);
	snprintf(policy, sizeof(policy), "{\"maxReceiveCount\": \"3\", \"deadLetterTargetArn\": \"%s\"}",
		 arn("dlq"));
	create("q", "RedrivePolicy", policy, NULL);
	create("q", "RedrivePolicy", policy, NULL);
	snprintf(policy, sizeof(policy), "{\"deadLetterTargetArn\":\"%s\",\"maxReceiveCount\":4}", arn("dlq"));
	cr_expect_refused(QUEUE_NAME_EXISTS, EXISTS "RedrivePolicy", action_create_queue, "{s:s, s:{s:s}}",
			  "QueueName", "q", "Attributes", "RedrivePolicy", policy);
	create("a", "RedriveAllowPolicy", "{\"redrivePermission\":\"denyAll\"}", NULL);
	create("a", "RedriveAllowPolicy", "{ \"redrivePermission\" : \"denyAll\" }", NULL);
}

Test(create_queue, a_comparison_changes_nothing)
{
	create("q", "DelaySeconds", "5", NULL);
	refused(action_create_queue, "{s:s, s:{s:s, s:s}}", "QueueName", "q", "Attributes", "VisibilityTimeout",
		"1", "KmsMasterKeyId", "k");
	cr_expect_str_eq(attribute("q", "VisibilityTimeout"), "30");
	cr_expect_str_eq(attribute("q", "KmsMasterKeyId"), "");
}

Test(create_queue, a_native_queue_is_found_whatever_it_was_made_with)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.capacity = 100;
	attributes.delay_ms = 3600000;
	attributes.visibility_ms = 1500;
	queue_make("q", &attributes);
	done(action_create_queue, "{s:s}", "QueueName", "q");
	create("q", "VisibilityTimeout", "1", NULL);
	cr_expect_refused(QUEUE_NAME_EXISTS, EXISTS "DelaySeconds", action_create_queue, "{s:s, s:{s:s}}",
			  "QueueName", "q", "Attributes", "DelaySeconds", "0");
}

/* ---- after DeleteQueue ------------------------------------------------------------------------ */

Test(create_queue, at_once_after_a_delete)
{
	create("q", NULL);
	done(action_delete_queue, "{s:s}", "QueueUrl", "q");
	create("q", NULL);
}

Test(create_queue, is_refused_within_60_s_of_a_delete_if_asked_for)
{
	gateway.waits_after_delete = true;
	create("q", NULL);
	done(action_delete_queue, "{s:s}", "QueueUrl", "q");
	cr_expect_refused(QUEUE_DELETED_RECENTLY,
			  "You must wait 60 seconds after deleting a queue before you can create another with the "
			  "same name.",
			  action_create_queue, "{s:s}", "QueueName", "q");
	create("other", NULL);
	gateway.deleted.names[0].when_ms -= 60000;
	create("q", NULL);
}

/* ---- tags ------------------------------------------------------------------------------------- */

Test(create_queue, tags_are_kept)
{
	done(action_create_queue, "{s:s, s:{s:s, s:s}}", "QueueName", "q", "tags", "k", "v", "empty", "");
	const json_t *tags = json_object_get(done(action_list_queue_tags, "{s:s}", "QueueUrl", "q"), "Tags");

	cr_expect_eq(json_object_size(tags), 2);
	cr_expect_str_eq(text_of(tags, "k"), "v");
}

Test(create_queue, the_tag_says_what_messages_survive)
{
	const json_t *tags;

	gateway.durability = RLQ_SYNC;
	done(action_create_queue, "{s:s, s:{s:s}}", "QueueName", "q", "tags", "ringlease:durability", "memory");
	cr_expect_eq(native("q").durability, RLQ_MEMORY);
	tags = json_object_get(done(action_list_queue_tags, "{s:s}", "QueueUrl", "q"), "Tags");
	cr_expect_str_eq(text_of(tags, "ringlease:durability"), "memory");
}

Test(create_queue, a_durability_that_is_none_is_refused)
{
	cr_expect_refused(
		INVALID_PARAMETER_VALUE,
		"Value disk for tag ringlease:durability is invalid. Reason: Must be memory, async or sync.",
		action_create_queue, "{s:s, s:{s:s}}", "QueueName", "q", "tags", "ringlease:durability", "disk");
}

Test(create_queue, another_durability_than_the_queue_has_is_refused)
{
	create("q", NULL);
	cr_expect_refused(QUEUE_NAME_EXISTS,
			  "A queue already exists with the same name and a different value for tag "
			  "ringlease:durability",
			  action_create_queue, "{s:s, s:{s:s}}", "QueueName", "q", "tags", "ringlease:durability",
			  "sync");
	done(action_create_queue, "{s:s, s:{s:s}}", "QueueName", "q", "tags", "ringlease:durability", "memory");
}

Test(create_queue, a_durable_queue_needs_an_engine_and_says_so)
{
	const struct failure *failure;
	struct rlq_queue *queue;

	gateway.durability = RLQ_ASYNC;
	failure = refused(action_create_queue, "{s:s}", "QueueName", "q");
	cr_expect_eq(failure->code, SERVICE_UNAVAILABLE);
	cr_expect(strstr(failure->message, "start ringleased --dir"), "%s", failure->message);
	cr_expect_eq(rlq_queue_open(gateway.directory, "q", &queue), RLQ_ENOQUEUE);
}
