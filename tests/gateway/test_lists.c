/* GetQueueUrl, ListQueues, ListDeadLetterSourceQueues, and what no list has any more: DeleteQueue, PurgeQueue. */
#include "tests/gateway/gateway_fixture.h"

TestSuite(lists, .init = actions_begin, .fini = actions_end, .timeout = 60);

#define URL "http://localhost:9324/000000000000/"

static void make(int count)
{
	char name[16];

	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "q%02d", i);
		queue_make(name, NULL);
	}
}

/* Bare names, joined by blanks. Static memory. */
static const char *names(const json_t *output, const char *member)
{
	static char text[4096];
	size_t i, at = 0;
	json_t *url;

	text[0] = '\0';
	json_array_foreach(json_object_get(output, member), i, url)
	{
		cr_expect_eq(strncmp(json_string_value(url), URL, strlen(URL)), 0);
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i ? " " : "",
				       json_string_value(url) + strlen(URL));
	}
	return text;
}

/* ---- GetQueueUrl ------------------------------------------------------------------------------ */

Test(lists, a_url_is_answered_for_a_queue_that_is_there)
{
	create("q", NULL);
	cr_expect_str_eq(text_of(done(action_get_queue_url, "{s:s}", "QueueName", "q"), "QueueUrl"), URL "q");
	cr_expect_str_eq(text_of(done(action_get_queue_url, "{s:s, s:s}", "QueueName", "q",
				      "QueueOwnerAWSAccountId", "123456789012"),
				 "QueueUrl"),
			 URL "q");
}

Test(lists, no_url_for_a_queue_that_is_not_there)
{
	cr_expect_eq(refused(action_get_queue_url, "{s:s}", "QueueName", "q")->code, QUEUE_DOES_NOT_EXIST);
	cr_expect_eq(refused(action_get_queue_url, "{s:s}", "QueueName", "no name")->code, QUEUE_DOES_NOT_EXIST);
	cr_expect_eq(refused(action_get_queue_url, "{s:s}", "QueueName", "")->code, QUEUE_DOES_NOT_EXIST);
}

/* ---- ListQueues ------------------------------------------------------------------------------- */

Test(lists, without_queues_there_is_no_member)
{
	cr_expect_eq(json_object_size(done(action_list_queues, "{}")), 0);
	create("q", NULL);
	cr_expect_eq(json_object_size(done(action_list_queues, "{s:s}", "QueueNamePrefix", "x")), 0);
}

Test(lists, queues_are_listed_by_name_native_ones_too)
{
	create("b", NULL);
	queue_make("a", NULL);
	create("c.fifo", "FifoQueue", "true", NULL);
	cr_expect_str_eq(names(done(action_list_queues, "{}"), "QueueUrls"), "a b c.fifo");
}

Test(lists, a_prefix_selects)
{
	make(3);
	create("other", NULL);
	cr_expect_str_eq(names(done(action_list_queues, "{s:s}", "QueueNamePrefix", "q"), "QueueUrls"),
			 "q00 q01 q02");
	cr_expect_str_eq(names(done(action_list_queues, "{s:s}", "QueueNamePrefix", "Q"), "QueueUrls"), "");
}

Test(lists, pages_follow_each_other)
{
	const json_t *output;
	char token[256];

	make(5);
	output = done(action_list_queues, "{s:i}", "MaxResults", 2);
	cr_expect_str_eq(names(output, "QueueUrls"), "q00 q01");
	strcpy(token, text_of(output, "NextToken"));
	output = done(action_list_queues, "{s:i, s:s}", "MaxResults", 2, "NextToken", token);
	cr_expect_str_eq(names(output, "QueueUrls"), "q02 q03");
	strcpy(token, text_of(output, "NextToken"));
	output = done(action_list_queues, "{s:i, s:s}", "MaxResults", 2, "NextToken", token);
	cr_expect_str_eq(names(output, "QueueUrls"), "q04");
	cr_expect_eq(json_object_get(output, "NextToken"), NULL);
}

Test(lists, a_page_goes_on_where_the_last_one_ended_whatever_came_or_went)
{
	const json_t *output;
	char token[256];

	make(4);
	output = done(action_list_queues, "{s:i}", "MaxResults", 2);
	strcpy(token, text_of(output, "NextToken"));
	rlq_queue_remove(gateway.directory, "q01");
	create("q01a", NULL);
	create("a", NULL);
	output = done(action_list_queues, "{s:i, s:s}", "MaxResults", 1, "NextToken", token);
	cr_expect_str_eq(names(output, "QueueUrls"), "q01a");
}

Test(lists, a_page_that_ends_with_the_list_has_no_token)
{
	make(2);
	cr_expect_eq(json_object_get(done(action_list_queues, "{s:i}", "MaxResults", 2), "NextToken"), NULL);
}

Test(lists, the_longest_name_fits_a_token)
{
	char longest[RLQ_NAME_MAX + 1], token[256];
	const json_t *output;

	memset(longest, 'a', RLQ_NAME_MAX);
	longest[RLQ_NAME_MAX] = '\0';
	create(longest, NULL);
	create("b", NULL);
	strcpy(token, text_of(done(action_list_queues, "{s:i}", "MaxResults", 1), "NextToken"));
	output = done(action_list_queues, "{s:i, s:s}", "MaxResults", 1, "NextToken", token);
	cr_expect_str_eq(names(output, "QueueUrls"), "b");
}

Test(lists, max_results_is_from_1_to_1000)
{
	static const int bad[] = {0, -1, 1001};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_refused(INVALID_PARAMETER_VALUE,
				  "Value for parameter MaxResults is invalid. Reason: MaxResults must be an "
				  "integer between 1 and "
				  "1000.",
				  action_list_queues, "{s:i}", "MaxResults", bad[i]);
	done(action_list_queues, "{s:i}", "MaxResults", 1000);
}

Test(lists, a_damaged_token_is_refused)
{
	char token[256], longest[300];

	make(3);
	strcpy(token, text_of(done(action_list_queues, "{s:i}", "MaxResults", 1), "NextToken"));
	token[3] = token[3] == 'A' ? 'B' : 'A';
	memset(longest, 'A', sizeof(longest));
	longest[sizeof(longest) - 4] = '\0';

	const char *const bad[] = {token, "", "garbage", "!", "AAAA", "cTAw", longest};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_refused(
			INVALID_PARAMETER_VALUE,
			"Value for parameter NextToken is invalid. Reason: Invalid or expired next token.",
			action_list_queues, "{s:i, s:s}", "MaxResults", 1, "NextToken", bad[i]);
}

Test(lists, without_max_results_there_are_at_most_1000_and_no_token)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	const json_t *output;
	char name[16];

	attributes.capacity = 10;
	for (int i = 0; i < 1001; i++) {
		snprintf(name, sizeof(name), "q%04d", i);
		cr_assert_eq(rlq_queue_create(gateway.directory, name, &attributes), 1);
	}
	output = done(action_list_queues, "{}");
	cr_expect_eq(json_array_size(json_object_get(output, "QueueUrls")), 1000);
	cr_expect_eq(json_object_get(output, "NextToken"), NULL);
}

/* ---- ListDeadLetterSourceQueues --------------------------------------------------------------- */

static void make_sources(void)
{
	char policy[512];

	create("dlq", NULL);
	snprintf(policy, sizeof(policy), "{\"deadLetterTargetArn\":\"%s\",\"maxReceiveCount\":3}", arn("dlq"));
	create("a", "RedrivePolicy", policy, NULL);
	create("b", "RedrivePolicy", policy, NULL);
	create("c", NULL);
}

Test(lists, sources_of_a_dlq_are_listed)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	make_sources();
	strcpy(attributes.dlq, "dlq");
	attributes.receives_max = 1;
	queue_make("native", &attributes);
	cr_expect_str_eq(names(done(action_list_dead_letter_source_queues, "{s:s}", "QueueUrl", "dlq"),
			       "queueUrls"),
			 "a b native");
}

Test(lists, of_a_queue_that_is_no_dlq_the_list_is_empty)
{
	const json_t *output;

	make_sources();
	output = done(action_list_dead_letter_source_queues, "{s:s}", "QueueUrl", "a");
	cr_expect(json_is_array(json_object_get(output, "queueUrls")));
	cr_expect_str_eq(names(output, "queueUrls"), "");
}

Test(lists, sources_come_in_pages_too)
{
	const json_t *output;
	char token[256];

	make_sources();
	output = done(action_list_dead_letter_source_queues, "{s:s, s:i}", "QueueUrl", "dlq", "MaxResults", 1);
	cr_expect_str_eq(names(output, "queueUrls"), "a");
	strcpy(token, text_of(output, "NextToken"));
	output = done(action_list_dead_letter_source_queues, "{s:s, s:i, s:s}", "QueueUrl", "dlq", "MaxResults", 1,
		      "NextToken", token);
	cr_expect_str_eq(names(output, "queueUrls"), "b");
	cr_expect_eq(json_object_get(output, "NextToken"), NULL);
}

/* ---- DeleteQueue and PurgeQueue --------------------------------------------------------------- */

Test(lists, a_deleted_queue_is_gone)
{
	create("q", NULL);
	done(action_delete_queue, "{s:s}", "QueueUrl", URL "q");
	cr_expect_eq(json_object_size(done(action_list_queues, "{}")), 0);
	cr_expect_eq(refused(action_get_queue_url, "{s:s}", "QueueName", "q")->code, QUEUE_DOES_NOT_EXIST);
	cr_expect_eq(refused(action_delete_queue, "{s:s}", "QueueUrl", URL "q")->code, QUEUE_DOES_NOT_EXIST);
}

Test(lists, a_purge_deletes_all_messages)
{
	struct rlq_queue *queue;

	create("q", NULL);
	queue = queue_again("q");
	send_text(queue, "a");
	send_text(queue, "b");
	receive_one(queue);
	cr_assert_eq(send_delayed(queue, "c", 60000), 0);
	done(action_purge_queue, "{s:s}", "QueueUrl", "q");
	cr_expect_str_eq(attribute("q", "ApproximateNumberOfMessages"), "0");
	cr_expect_str_eq(attribute("q", "ApproximateNumberOfMessagesNotVisible"), "0");
	cr_expect_str_eq(attribute("q", "ApproximateNumberOfMessagesDelayed"), "0");
}

Test(lists, one_purge_in_60_s)
{
	create("q", NULL);
	create("other", NULL);
	done(action_purge_queue, "{s:s}", "QueueUrl", "q");
	cr_expect_refused(PURGE_IN_PROGRESS, "Only one PurgeQueue operation on q is allowed every 60 seconds.",
			  action_purge_queue, "{s:s}", "QueueUrl", "q");
	done(action_purge_queue, "{s:s}", "QueueUrl", "other");
	gateway.purged.names[0].when_ms -= RECENT_MS;
	done(action_purge_queue, "{s:s}", "QueueUrl", "q");
}

Test(lists, what_happened_60_s_ago_is_not_recent)
{
	static struct recent recent;

	cr_expect_not(recent_was(&recent, "q", 1000));
	cr_expect(recent_begin(&recent, "q", 1000));
	cr_expect_not(recent_begin(&recent, "q", 60999));
	cr_expect(recent_was(&recent, "q", 60999));
	cr_expect_not(recent_was(&recent, "q", 61000));
	cr_expect_not(recent_was(&recent, "other", 1000));
	cr_expect(recent_begin(&recent, "q", 61000));
	recent_undo(&recent, "q");
	cr_expect(recent_begin(&recent, "q", 61000));
}

Test(lists, of_more_than_are_remembered_the_oldest_is_forgotten)
{
	static struct recent recent;
	char name[16];

	for (int i = 0; i <= RECENT_MAX; i++) {
		snprintf(name, sizeof(name), "q%d", i);
		cr_expect(recent_begin(&recent, name, 1000));
	}
	cr_expect_not(recent_was(&recent, "q0", 1000));
	cr_expect(recent_was(&recent, "q1", 1000));
}
