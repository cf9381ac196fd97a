/* DeleteMessage, ChangeMessageVisibility, and their batches: a test for each rule. */
#include "tests/gateway/message_fixture.h"

TestSuite(delete_visibility, .init = actions_begin, .fini = actions_end);

static enum call_outcome delete_from(const char *queue, const char *handle)
{
	return ask(action_delete_message, "{'QueueUrl': '%s', 'ReceiptHandle': '%s'}", queue, handle);
}

static enum call_outcome change_in(const char *queue, const char *handle, int seconds)
{
	return ask(action_change_message_visibility,
		   "{'QueueUrl': '%s', 'ReceiptHandle': '%s', 'VisibilityTimeout': %d}", queue, handle, seconds);
}

/* A queue with a visibility timeout of 1 s, and a message in it. */
static struct rlq_queue *queue_with_message(const char *name)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue;

	attributes.visibility_ms = 1000;
	queue = queue_make(name, &attributes);
	send_text(queue, "a");
	return queue;
}

static void fifo_with_message(void)
{
	fifo_make("q.fifo", NULL, true);
	ASSERT_DONE(ask(action_send_message, "{'QueueUrl': 'q.fifo', 'MessageBody': 'a', 'MessageGroupId': 'g'}"));
}

static void lease_ends(void)
{
	time_passes(1000 + LEASE_SLACK_MS);
}

static const char *refusal(const char *format, const char *handle)
{
	static char text[512];

	snprintf(text, sizeof(text), "Value %s for parameter ReceiptHandle is invalid. Reason: %s", handle, format);
	return text;
}

#define NOT_AVAILABLE "Message does not exist or is not available for visibility timeout change."

/* ---- delete ----------------------------------------------------------------------------------- */

Test(delete_visibility, a_delete_deletes)
{
	struct rlq_queue *queue = queue_with_message("q");

	EXPECT_DONE(delete_from("q", receive_handle("q")));
	cr_expect(json_object_size(call.output) == 0);
	cr_expect(stat_of(queue).deleted == 1);
}

Test(delete_visibility, what_is_no_handle_is_refused)
{
	queue_make("q", NULL);
	EXPECT_FAILED(delete_from("q", "garbage"), RECEIPT_HANDLE_IS_INVALID,
		      "The input receipt handle \"garbage\" is not a valid receipt handle.");
	EXPECT_FAILED(change_in("q", "garbage", 0), RECEIPT_HANDLE_IS_INVALID,
		      "The input receipt handle \"garbage\" is not a valid receipt handle.");
	EXPECT_FAILED(ask(action_delete_message, "{'QueueUrl': 'q'}"), MISSING_PARAMETER,
		      "The request must contain the parameter ReceiptHandle.");
}

Test(delete_visibility, a_handle_of_another_queue_is_refused)
{
	const char *handle;
	char text[256];

	queue_with_message("q");
	queue_make("other", NULL);
	handle = receive_handle("q");
	snprintf(text, sizeof(text), "The receipt handle \"%s\" is not valid for this queue.", handle);
	EXPECT_FAILED(delete_from("other", handle), RECEIPT_HANDLE_IS_INVALID, text);
	EXPECT_FAILED(change_in("other", handle, 0), RECEIPT_HANDLE_IS_INVALID, text);
	EXPECT_DONE(delete_from("q", handle));
}

Test(delete_visibility, a_deleted_message_can_be_deleted_again)
{
	const char *handle;

	queue_with_message("q");
	handle = receive_handle("q");
	for (int i = 0; i < 3; i++)
		EXPECT_DONE(delete_from("q", handle));
	fifo_with_message();
	handle = receive_handle("q.fifo");
	for (int i = 0; i < 3; i++)
		EXPECT_DONE(delete_from("q.fifo", handle));
	lease_ends();
	EXPECT_DONE(delete_from("q.fifo", handle));
}

Test(delete_visibility, a_delete_after_the_timeout_deletes_from_a_standard_queue)
{
	struct rlq_queue *queue = queue_with_message("q");
	const char *handle = receive_handle("q");

	lease_ends();
	EXPECT_DONE(delete_from("q", handle));
	cr_expect(stat_of(queue).deleted == 1);
}

Test(delete_visibility, a_delete_after_the_timeout_fails_in_a_fifo_queue)
{
	const char *handle;

	fifo_with_message();
	handle = receive_handle("q.fifo");
	lease_ends();
	EXPECT_FAILED(delete_from("q.fifo", handle), INVALID_PARAMETER_VALUE,
		      refusal("The receipt handle has expired.", handle));
	receive_handle("q.fifo");
}

Test(delete_visibility, an_old_handle_is_accepted_and_leaves_the_message_to_its_new_holder)
{
	struct rlq_queue *queue = queue_with_message("q");
	char old[RLQ_RECEIPT_TEXT_BYTES];
	const char *handle;

	strcpy(old, receive_handle("q"));
	lease_ends();
	handle = receive_handle("q");
	EXPECT_DONE(delete_from("q", old));
	EXPECT_DONE(change_in("q", old, 0));
	cr_expect(stat_of(queue).in_flight == 1);
	EXPECT_DONE(delete_from("q", handle));
	cr_expect(stat_of(queue).deleted == 1);
}

/* ---- visibility -------------------------------------------------------------------------------- */

Test(delete_visibility, a_change_counts_from_now)
{
	struct rlq_queue *queue = queue_with_message("q");
	const char *handle = receive_handle("q");

	EXPECT_DONE(change_in("q", handle, 10));
	cr_expect(json_object_size(call.output) == 0);
	time_passes(9999);
	cr_expect(stat_of(queue).in_flight == 1);
	time_passes(1 + LEASE_SLACK_MS);
	receive_handle("q");
}

Test(delete_visibility, a_change_to_0_makes_visible_at_once)
{
	struct rlq_queue *queue = queue_with_message("q");

	EXPECT_DONE(change_in("q", receive_handle("q"), 0));
	cr_expect(stat_of(queue).visible == 1);
}

Test(delete_visibility, a_timeout_is_0_to_12_hours)
{
	const char *handle;

	queue_with_message("q");
	handle = receive_handle("q");
	EXPECT_FAILED(
		change_in("q", handle, 43201), INVALID_PARAMETER_VALUE,
		"Value 43201 for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be >= 0 "
		"and <= 43200.");
	EXPECT_FAILED(change_in("q", handle, -1), INVALID_PARAMETER_VALUE,
		      "Value -1 for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be >= 0 "
		      "and <= 43200.");
	EXPECT_FAILED(ask(action_change_message_visibility, "{'QueueUrl': 'q', 'ReceiptHandle': '%s'}", handle),
		      MISSING_PARAMETER, "The request must contain the parameter VisibilityTimeout.");
	EXPECT_DONE(change_in("q", handle, 43200));
}

Test(delete_visibility, a_lease_is_12_hours_in_all_since_the_receive)
{
	const char *handle;

	queue_with_message("q");
	handle = receive_handle("q");
	EXPECT_DONE(change_in("q", handle, 100));
	time_passes(1000);
	EXPECT_FAILED(
		change_in("q", handle, 43200), INVALID_PARAMETER_VALUE,
		"Value 43200 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the "
		"message is beyond the limit [43200 seconds]");
	EXPECT_DONE(change_in("q", handle, 43199));
}

Test(delete_visibility, a_deleted_message_can_not_be_changed)
{
	const char *handle;

	queue_with_message("q");
	handle = receive_handle("q");
	EXPECT_DONE(delete_from("q", handle));
	EXPECT_FAILED(change_in("q", handle, 10), INVALID_PARAMETER_VALUE, refusal(NOT_AVAILABLE, handle));
}

Test(delete_visibility, a_change_after_the_timeout_succeeds_in_a_standard_queue)
{
	struct rlq_queue *queue = queue_with_message("q");
	const char *handle = receive_handle("q");

	lease_ends();
	EXPECT_DONE(change_in("q", handle, 10));
	cr_expect(stat_of(queue).in_flight == 1);
}

Test(delete_visibility, a_change_after_the_timeout_fails_in_a_fifo_queue)
{
	const char *handle;

	fifo_with_message();
	handle = receive_handle("q.fifo");
	EXPECT_DONE(change_in("q.fifo", handle, 1));
	lease_ends();
	EXPECT_FAILED(change_in("q.fifo", handle, 10), INVALID_PARAMETER_VALUE, refusal(NOT_AVAILABLE, handle));
}

/* ---- batches ---------------------------------------------------------------------------------- */

Test(delete_visibility, batches_are_checked_as_a_whole)
{
	queue_make("q", NULL);
	EXPECT_FAILED(ask(action_delete_message_batch, "{'QueueUrl': 'q', 'Entries': []}"), EMPTY_BATCH_REQUEST,
		      "There should be at least one DeleteMessageBatchRequestEntry in the request.");
	EXPECT_FAILED(ask(action_change_message_visibility_batch, "{'QueueUrl': 'q', 'Entries': []}"),
		      EMPTY_BATCH_REQUEST,
		      "There should be at least one ChangeMessageVisibilityBatchRequestEntry in the request.");
	EXPECT_FAILED(ask(action_delete_message_batch,
			  "{'QueueUrl': 'q', 'Entries': [{'Id': '1', 'ReceiptHandle': 'x'}, {'Id': '1',"
			  " 'ReceiptHandle': 'x'}]}"),
		      ENTRY_IDS_NOT_DISTINCT, "Id 1 repeated.");
	cr_expect(ask(action_change_message_visibility_batch,
		      "{'QueueUrl': 'q', 'Entries': [{'Id': '', 'ReceiptHandle': 'x', 'VisibilityTimeout': 1}]}") ==
		  CALL_FAILED);
	cr_expect(call.failure.code == INVALID_ENTRY_ID);
}

Test(delete_visibility, a_batch_deletes_what_it_can)
{
	struct rlq_queue *queue = queue_with_message("q");
	char first[RLQ_RECEIPT_TEXT_BYTES];
	const char *second;

	send_text(queue, "b");
	strcpy(first, receive_handle("q"));
	second = receive_handle("q");
	EXPECT_DONE(ask(action_delete_message_batch,
			"{'QueueUrl': 'q', 'Entries': [{'Id': '1', 'ReceiptHandle': '%s'}, {'Id': '2',"
			" 'ReceiptHandle': 'garbage'}, {'Id': '3', 'ReceiptHandle': '%s'}]}",
			first, second));
	cr_expect(answer_count("Successful") == 2 && answer_count("Failed") == 1);
	EXPECT_TEXT("Successful.0.Id", "1");
	EXPECT_TEXT("Successful.1.Id", "3");
	EXPECT_ENTRY_FAILED(0, "2", "ReceiptHandleIsInvalid",
			    "The input receipt handle \"garbage\" is not a valid receipt handle.");
	cr_expect(json_is_true(answer_at("Failed.0.SenderFault")));
	cr_expect(stat_of(queue).deleted == 2);
}

Test(delete_visibility, a_batch_may_have_a_handle_twice)
{
	const char *handle;

	fifo_with_message();
	handle = receive_handle("q.fifo");
	EXPECT_DONE(ask(action_delete_message_batch,
			"{'QueueUrl': 'q.fifo', 'Entries': [{'Id': '1', 'ReceiptHandle': '%s'}, {'Id': '2',"
			" 'ReceiptHandle': '%s'}]}",
			handle, handle));
	cr_expect(answer_count("Successful") == 2);
}

Test(delete_visibility, a_batch_changes_what_it_can)
{
	struct rlq_queue *queue = queue_with_message("q");
	const char *handle = receive_handle("q");

	EXPECT_DONE(
		ask(action_change_message_visibility_batch,
		    "{'QueueUrl': 'q', 'Entries': [{'Id': '1', 'ReceiptHandle': 'garbage', 'VisibilityTimeout': 1},"
		    " {'Id': '2', 'ReceiptHandle': '%s', 'VisibilityTimeout': 50000},"
		    " {'Id': '3', 'ReceiptHandle': '%s', 'VisibilityTimeout': 0}]}",
		    handle, handle));
	EXPECT_ENTRY_FAILED(0, "1", "ReceiptHandleIsInvalid",
			    "The input receipt handle \"garbage\" is not a valid receipt handle.");
	EXPECT_ENTRY_FAILED(
		1, "2", "InvalidParameterValue",
		"Value 50000 for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be "
		">= 0 and <= 43200.");
	EXPECT_TEXT("Successful.0.Id", "3");
	cr_expect(stat_of(queue).visible == 1);
}

Test(delete_visibility, only_garbage_in_a_batch_deletes_nothing)
{
	queue_make("q", NULL);
	EXPECT_DONE(ask(action_delete_message_batch,
			"{'QueueUrl': 'q', 'Entries': [{'Id': '1', 'ReceiptHandle': 'garbage'}]}"));
	cr_expect(answer_count("Failed") == 1);
	EXPECT_ABSENT("Successful");
}
