/* RedrivePolicy and RedriveAllowPolicy, by SetQueueAttributes. */
#include "tests/gateway/gateway_fixture.h"

TestSuite(redrive_policy, .init = actions_begin, .fini = actions_end, .timeout = 60);

static void set(const char *queue, const char *name, const char *value)
{
	done(action_set_queue_attributes, "{s:s, s:{s:s}}", "QueueUrl", queue, "Attributes", name, value);
}

#define cr_expect_set_refused(code, text, queue, name, value)                                                      \
	cr_expect_refused(code, text, action_set_queue_attributes, "{s:s, s:{s:s}}", "QueueUrl", queue,            \
			  "Attributes", name, value)

#define cr_expect_attribute(queue, name, value) cr_expect_str_eq(attribute(queue, name), value)

static const char *redrive_to(const char *dlq, const char *count)
{
	static char text[512];

	snprintf(text, sizeof(text), "{\"deadLetterTargetArn\":\"%s\",\"maxReceiveCount\":%s}", arn(dlq), count);
	return text;
}

Test(redrive_policy, a_redrive_policy_is_the_queues_dlq)
{
	struct rlq_queue_attributes is = RLQ_QUEUE_ATTRIBUTES_INIT;

	create("dlq", NULL);
	create("q", NULL);
	set("q", "RedrivePolicy", redrive_to("dlq", "3"));
	cr_expect_attribute("q", "RedrivePolicy", redrive_to("dlq", "3"));
	cr_assert_eq(rlq_queue_get_attributes(queue_again("q"), &is), 0);
	cr_expect_str_eq(is.dlq, "dlq");
	cr_expect_eq(is.receives_max, 3);
}

Test(redrive_policy, the_count_of_a_redrive_policy_may_be_a_text)
{
	create("dlq", NULL);
	create("q", NULL);
	set("q", "RedrivePolicy", redrive_to("dlq", "\"1000\""));
	cr_expect_attribute("q", "RedrivePolicy", redrive_to("dlq", "1000"));
}

Test(redrive_policy, a_redrive_policy_is_removed_by_nothing)
{
	create("dlq", NULL);
	create("q", "RedrivePolicy", redrive_to("dlq", "3"), NULL);
	set("q", "RedrivePolicy", "");
	cr_expect_attribute("q", "RedrivePolicy", "");
}

Test(redrive_policy, the_dlq_of_a_native_queue_is_a_redrive_policy)
{
	struct rlq_queue *dlq;

	queue_with_dlq("q", 5, &dlq);
	cr_expect_attribute("q", "RedrivePolicy", redrive_to("dlq", "5"));
}

Test(redrive_policy, a_queue_whose_dlq_is_gone_can_be_changed)
{
	create("dlq", NULL);
	create("q", "RedrivePolicy", redrive_to("dlq", "3"), NULL);
	done(action_delete_queue, "{s:s}", "QueueUrl", "dlq");
	set("q", "VisibilityTimeout", "60");
	cr_expect_attribute("q", "VisibilityTimeout", "60");
	cr_expect_attribute("q", "RedrivePolicy", redrive_to("dlq", "3"));
}

#define cr_expect_redrive_refused(reason, policy)                                                                  \
	do {                                                                                                       \
		char wanted_[1024];                                                                                \
		snprintf(wanted_, sizeof(wanted_), "Value %s for parameter RedrivePolicy is invalid. Reason: %s",  \
			 policy, reason);                                                                          \
		cr_expect_set_refused(INVALID_PARAMETER_VALUE, wanted_, "q", "RedrivePolicy", policy);             \
	} while (0)

Test(redrive_policy, a_redrive_policy_is_a_json_map)
{
	static const char *const bad[] = {" ", "x", "[]", "1", "\"dlq\"", "{\"maxReceiveCount\": 3"};

	create("q", NULL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_set_refused(INVALID_ATTRIBUTE_VALUE,
				      "Invalid value for the parameter RedrivePolicy. Reason: Redrive policy is "
				      "not a valid JSON map.",
				      "q", "RedrivePolicy", bad[i]);
}

Test(redrive_policy, a_redrive_policy_has_both_of_its_attributes_and_no_others)
{
	char text[512];

	create("dlq", NULL);
	create("q", NULL);
	snprintf(text, sizeof(text), "{\"deadLetterTargetArn\":\"%s\"}", arn("dlq"));
	cr_expect_redrive_refused("Redrive policy does not contain mandatory attribute: maxReceiveCount.", text);
	cr_expect_redrive_refused("Redrive policy does not contain mandatory attribute: maxReceiveCount.", "{}");
	cr_expect_redrive_refused("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.",
				  "{\"maxReceiveCount\":3}");
	snprintf(text, sizeof(text), "{\"deadLetterTargetArn\":\"%s\",\"maxReceiveCount\":3,\"x\":1}", arn("dlq"));
	cr_expect_redrive_refused(
		"Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn].", text);
}

Test(redrive_policy, the_count_of_a_redrive_policy_has_a_range)
{
	static const char *const bad[][2] = {{"1001", "1001"}, {"0", "0"},	     {"-1", "-1"},
					     {"\"x\"", "x"},   {"\"1001\"", "1001"}, {"\"3x\"", "3x"},
					     {"1.5", "1.5"},   {"true", "true"}};
	char reason[128];

	create("dlq", NULL);
	create("q", NULL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(reason, sizeof(reason),
			 "Invalid value for maxReceiveCount: %s, valid values are from 1 to 1000 both inclusive.",
			 bad[i][1]);
		cr_expect_redrive_refused(reason, redrive_to("dlq", bad[i][0]));
	}
}

Test(redrive_policy, the_target_of_a_redrive_policy_is_an_arn_of_a_queue_that_exists)
{
	create("q", NULL);
	cr_expect_redrive_refused("Dead-letter target ARN should be fully qualified ARN.",
				  "{\"deadLetterTargetArn\":\"dlq\",\"maxReceiveCount\":3}");
	cr_expect_redrive_refused("Dead-letter target ARN should be fully qualified ARN.",
				  "{\"deadLetterTargetArn\":7,\"maxReceiveCount\":3}");
	cr_expect_redrive_refused("Dead letter target does not exist.", redrive_to("dlq", "3"));
	cr_expect_redrive_refused("Dead letter target does not exist.", redrive_to("no name", "3"));
	cr_expect_redrive_refused("Dead letter target does not exist.", redrive_to("q", "3"));
}

Test(redrive_policy, the_target_of_a_redrive_policy_is_of_the_same_type)
{
	create("dlq.fifo", "FifoQueue", "true", NULL);
	create("q", NULL);
	cr_expect_redrive_refused("Dead-letter queue must be same type of queue as the source.",
				  redrive_to("dlq.fifo", "3"));
}

/* ---- RedriveAllowPolicy ----------------------------------------------------------------------- */

Test(redrive_policy, a_redrive_allow_policy_is_kept_and_removed)
{
	create("dlq", NULL);
	cr_expect_attribute("dlq", "RedriveAllowPolicy", "");
	set("dlq", "RedriveAllowPolicy", "{\"redrivePermission\":\"denyAll\"}");
	cr_expect_attribute("dlq", "RedriveAllowPolicy", "{\"redrivePermission\":\"denyAll\"}");
	set("dlq", "RedriveAllowPolicy", "");
	cr_expect_attribute("dlq", "RedriveAllowPolicy", "");
}

Test(redrive_policy, a_redrive_allow_policy_that_is_none_is_refused)
{
	static const char *const bad[] = {"x",
					  "[]",
					  "{}",
					  "{\"redrivePermission\":\"some\"}",
					  "{\"redrivePermission\":1}",
					  "{\"redrivePermission\":\"allowAll\",\"x\":1}",
					  "{\"redrivePermission\":\"byQueue\",\"sourceQueueArns\":\"q\"}",
					  "{\"redrivePermission\":\"byQueue\",\"sourceQueueArns\":[1]}"};

	create("dlq", NULL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_set_refused(
			INVALID_ATTRIBUTE_VALUE,
			"Invalid value for the parameter RedriveAllowPolicy. Reason: Amazon SQS can't "
			"create the redrive allow policy, as it\u2019s in an unsupported format.",
			"dlq", "RedriveAllowPolicy", bad[i]);
}

#define ALLOW_REFUSED(policy, reason)                                                                              \
	"Value " policy                                                                                            \
	" for parameter RedriveAllowPolicy is invalid. Reason: Amazon SQS can't create the redrive "               \
	"allow policy. " reason

Test(redrive_policy, sources_are_given_with_by_queue_and_only_then)
{
	create("dlq", NULL);
	cr_expect_set_refused(
		INVALID_PARAMETER_VALUE,
		ALLOW_REFUSED("{\"redrivePermission\":\"byQueue\"}",
			      "When you specify the byQueue permission type, you must also specify one "
			      "or more sourceQueueArns values."),
		"dlq", "RedriveAllowPolicy", "{\"redrivePermission\":\"byQueue\"}");
	cr_expect_set_refused(
		INVALID_PARAMETER_VALUE,
		ALLOW_REFUSED("{\"redrivePermission\":\"denyAll\",\"sourceQueueArns\":[\"a\"]}",
			      "To specify one or more source queue ARNs, you must set redrivePermission to "
			      "byQueue."),
		"dlq", "RedriveAllowPolicy", "{\"redrivePermission\":\"denyAll\",\"sourceQueueArns\":[\"a\"]}");
}

static const char *allow_many(int count)
{
	static char text[2048];
	size_t at =
		(size_t)snprintf(text, sizeof(text), "{\"redrivePermission\":\"byQueue\",\"sourceQueueArns\":[");

	for (int i = 0; i < count; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s\"%s\"", i ? "," : "", arn("q"));
	snprintf(text + at, sizeof(text) - at, "]}");
	return text;
}

Test(redrive_policy, there_are_at_most_ten_sources)
{
	create("dlq", NULL);
	set("dlq", "RedriveAllowPolicy", allow_many(10));
	cr_expect(strstr(refused(action_set_queue_attributes, "{s:s, s:{s:s}}", "QueueUrl", "dlq", "Attributes",
				 "RedriveAllowPolicy", allow_many(11))
				 ->message,
			 "The maximum number of source queue ARNs you can specify is 10."));
}

Test(redrive_policy, a_redrive_policy_needs_the_permission_of_its_target)
{
	static const char reason[] = "Dead-letter queue's redrive allow policy does not permit this source queue.";

	create("dlq", "RedriveAllowPolicy", "{\"redrivePermission\":\"denyAll\"}", NULL);
	create("q", NULL);
	cr_expect_redrive_refused(reason, redrive_to("dlq", "3"));
	set("dlq", "RedriveAllowPolicy", allow_many(1));
	set("q", "RedrivePolicy", redrive_to("dlq", "3"));
	create("other", NULL);
	cr_expect_eq(refused(action_set_queue_attributes, "{s:s, s:{s:s}}", "QueueUrl", "other", "Attributes",
			     "RedrivePolicy", redrive_to("dlq", "3"))
			     ->code,
		     INVALID_PARAMETER_VALUE);
	set("dlq", "RedriveAllowPolicy", "{\"redrivePermission\":\"allowAll\"}");
	set("other", "RedrivePolicy", redrive_to("dlq", "3"));
}
