/* StartMessageMoveTask, ListMessageMoveTasks, CancelMessageMoveTask. */
#include "gateway/move_task.h"
#include "tests/gateway/moves_fixture.h"

#include <errno.h>

TestSuite(moves, .init = moves_begin, .fini = actions_end, .timeout = 60);

#define NOT_THERE(parameter) "The resource that you specified for the " parameter " parameter doesn't exist."
#define FORMAT(parameter)                                                                                          \
	"You must use this format to specify the " parameter                                                       \
	": arn:<partition>:<service>:<region>:<account-id>:<resource-id>"

/* ---- start ------------------------------------------------------------------------------------ */

Test(moves, messages_go_back_to_where_they_came_from)
{
	const json_t *task;

	fill(3);
	start(NULL);
	task = await("COMPLETED");
	cr_expect_eq(number_of(task, "ApproximateNumberOfMessagesMoved"), 3);
	cr_expect_eq(number_of(task, "ApproximateNumberOfMessagesToMove"), 3);
	cr_expect_eq(stat_of(dlq).visible, 0);
	cr_expect_str_eq(drain(source), "m m m");
}

Test(moves, messages_go_elsewhere_if_told_to)
{
	struct rlq_queue *other = queue_make("other", NULL);

	fill(2);
	send_text(dlq, "from nowhere");
	start(arn("other"));
	cr_expect_str_eq(text_of(await("COMPLETED"), "DestinationArn"), arn("other"));
	cr_expect_eq(stat_of(other).visible, 3);
}

Test(moves, many_messages_go_in_steps)
{
	struct rlq_queue *other = queue_make("other", NULL);

	for (int i = 0; i < 1000; i++)
		send_text(dlq, "m");
	start(arn("other"));
	cr_expect_eq(number_of(await("COMPLETED"), "ApproximateNumberOfMessagesMoved"), 1000);
	cr_expect_eq(stat_of(other).visible, 1000);
}

Test(moves, only_what_was_there_at_the_start_is_moved)
{
	struct rlq_queue *other = small_make("other", 2);

	for (int i = 0; i < 4; i++)
		send_text(dlq, "m");
	start(arn("other"));
	while (stat_of(other).visible < 2)
		sched_yield();
	send_text(dlq, "late");
	while (stat_of(dlq).visible > 1)
		drain(other);
	cr_expect_eq(number_of(await("COMPLETED"), "ApproximateNumberOfMessagesMoved"), 4);
	cr_expect_eq(stat_of(dlq).visible, 1);
}

Test(moves, a_task_with_nothing_to_move_completes)
{
	start(NULL);
	cr_expect_eq(number_of(await("COMPLETED"), "ApproximateNumberOfMessagesMoved"), 0);
}

Test(moves, what_others_took_meanwhile_is_not_waited_for)
{
	struct rlq_queue *other = small_make("other", 1);

	for (int i = 0; i < 3; i++)
		send_text(dlq, "m");
	start(arn("other"));
	while (stat_of(other).visible < 1)
		sched_yield();
	drain(dlq);
	drain(other);
	await("COMPLETED");
}

Test(moves, in_fifo_queues_the_order_stays)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_queue *fifo_dlq = fifo_make("dlq.fifo", NULL, true), *target = fifo_make("t.fifo", NULL, true);
	char body[8];

	fifo_make("q.fifo", "dlq.fifo", true);
	options.group = "g";
	for (int i = 0; i < 5; i++) {
		snprintf(body, sizeof(body), "%d", i);
		cr_assert_eq(rlq_send(fifo_dlq, body, strlen(body), &options, NULL), 0);
	}
	done(action_start_message_move_task, "{s:s, s:s}", "SourceArn", arn("dlq.fifo"), "DestinationArn",
	     arn("t.fifo"));
	while (stat_of(target).visible < 5)
		sched_yield();
	cr_expect_str_eq(drain(target), "0 1 2 3 4");
}

Test(moves, the_source_must_be_the_dlq_of_some_queue)
{
	cr_expect_refused(INVALID_PARAMETER_VALUE, "Source queue must be configured as a Dead Letter Queue.",
			  action_start_message_move_task, "{s:s}", "SourceArn", arn("q"));
}

Test(moves, the_source_must_be_there)
{
	cr_expect_refused(RESOURCE_NOT_FOUND, NOT_THERE("SourceArn"), action_start_message_move_task, "{s:s}",
			  "SourceArn", arn("x"));
	cr_expect_refused(INVALID_PARAMETER_VALUE, FORMAT("SourceArn"), action_start_message_move_task, "{s:s}",
			  "SourceArn", "dlq");
	cr_expect_refused(INVALID_PARAMETER_VALUE, FORMAT("SourceArn"), action_start_message_move_task, "{s:s}",
			  "SourceArn", "");
}

Test(moves, the_destination_must_be_there_and_another_queue_of_the_same_type)
{
	fifo_make("f.fifo", NULL, true);
	cr_expect_refused(RESOURCE_NOT_FOUND, NOT_THERE("DestinationArn"), action_start_message_move_task,
			  "{s:s, s:s}", "SourceArn", arn("dlq"), "DestinationArn", arn("x"));
	cr_expect_refused(INVALID_PARAMETER_VALUE, FORMAT("DestinationArn"), action_start_message_move_task,
			  "{s:s, s:s}", "SourceArn", arn("dlq"), "DestinationArn", "x");
	cr_expect_refused(INVALID_PARAMETER_VALUE, "Source queue arn and destination queue arn cannot be the same.",
			  action_start_message_move_task, "{s:s, s:s}", "SourceArn", arn("dlq"), "DestinationArn",
			  arn("dlq"));
	cr_expect_refused(INVALID_PARAMETER_VALUE,
			  "The source queue and destination queue must be of the same queue type.",
			  action_start_message_move_task, "{s:s, s:s}", "SourceArn", arn("dlq"), "DestinationArn",
			  arn("f.fifo"));
}

/* ---- rate ------------------------------------------------------------------------------------- */

Test(moves, the_rate_is_from_1_to_500)
{
	static const int bad[] = {0, -1, 501};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_refused(
			INVALID_PARAMETER_VALUE,
			"Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: You must enter a "
			"number that's between 1 and 500.",
			action_start_message_move_task, "{s:s, s:i}", "SourceArn", arn("dlq"),
			"MaxNumberOfMessagesPerSecond", bad[i]);
}

Test(moves, message_k_leaves_k_minus_1_times_the_interval_after_the_start)
{
	static const int64_t rates[] = {1, 3, 7, 100, 499, 500};

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		for (uint64_t moved = 0; moved < 2000; moved++) {
			int64_t due_ms = move_due_ms(rates[i], moved);

			cr_assert_geq(due_ms * rates[i], (int64_t)moved * 1000);
			cr_assert_lt((due_ms - 1) * rates[i], (int64_t)moved * 1000);
			cr_assert_gt(move_allowed(rates[i], due_ms), moved);
			cr_assert(due_ms == 0 || move_allowed(rates[i], due_ms - 1) <= moved);
		}
}

Test(moves, with_a_rate_the_first_message_leaves_at_once_and_the_rest_later)
{
	const json_t *task;

	fill(3);
	strcpy(handle, text_of(done(action_start_message_move_task, "{s:s, s:i}", "SourceArn", arn("dlq"),
				    "MaxNumberOfMessagesPerSecond", 1),
			       "TaskHandle"));
	while (stat_of(source).visible < 1)
		sched_yield();
	task = await("RUNNING");
	cr_expect_eq(number_of(task, "MaxNumberOfMessagesPerSecond"), 1);
	cr_expect_str_eq(text_of(task, "TaskHandle"), handle);
	cr_expect_eq(json_object_get(task, "DestinationArn"), NULL);
	task = await("COMPLETED");
	cr_expect_eq(number_of(task, "ApproximateNumberOfMessagesMoved"), 3);
}

/* ---- failures --------------------------------------------------------------------------------- */

Test(moves, a_message_from_nowhere_fails_the_task)
{
	send_text(dlq, "m");
	start(NULL);
	cr_expect_str_eq(text_of(await("FAILED"), "FailureReason"), "CouldNotDetermineMessageSource");
	cr_expect_eq(stat_of(dlq).visible, 1);
}

Test(moves, a_source_that_is_gone_fails_the_task)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	fill(1);
	strcpy(attributes.dlq, "dlq");
	attributes.receives_max = 1;
	queue_make("another", &attributes);
	cr_assert_eq(rlq_queue_remove(gateway.directory, "q"), 0);
	start(NULL);
	cr_expect_str_eq(text_of(await("FAILED"), "FailureReason"), "AWS.SimpleQueueService.NonExistentQueue");
}

Test(moves, a_destination_that_vanishes_fails_the_task)
{
	struct rlq_queue *other = queue_make("other", NULL);

	fill(3);
	done(action_start_message_move_task, "{s:s, s:s, s:i}", "SourceArn", arn("dlq"), "DestinationArn",
	     arn("other"), "MaxNumberOfMessagesPerSecond", 5);
	while (stat_of(other).visible < 1)
		sched_yield();
	cr_assert_eq(rlq_queue_remove(gateway.directory, "other"), 0);
	cr_expect_str_eq(text_of(await("FAILED"), "FailureReason"), "AWS.SimpleQueueService.NonExistentQueue");
}

Test(moves, a_full_destination_is_waited_for)
{
	struct rlq_queue *other = small_make("other", 1);

	for (int i = 0; i < 2; i++)
		send_text(dlq, "m");
	start(arn("other"));
	while (stat_of(other).visible < 1)
		sched_yield();
	await("RUNNING");
	drain(other);
	cr_expect_eq(number_of(await("COMPLETED"), "ApproximateNumberOfMessagesMoved"), 2);
}

/* ---- one at a time ---------------------------------------------------------------------------- */

Test(moves, one_task_of_a_source_at_a_time)
{
	fill(100);
	start_slowly();
	cr_expect_refused(
		INVALID_PARAMETER_VALUE,
		"There is already a task running. Only one active task is allowed for a source queue arn at a "
		"given time.",
		action_start_message_move_task, "{s:s}", "SourceArn", arn("dlq"));
	done(action_cancel_message_move_task, "{s:s}", "TaskHandle", handle);
	await("CANCELLED");
	start(NULL);
	await("COMPLETED");
}

/* ---- list ------------------------------------------------------------------------------------- */

Test(moves, without_tasks_the_list_is_empty)
{
	const json_t *output = done(action_list_message_move_tasks, "{s:s}", "SourceArn", arn("dlq"));

	cr_expect(json_is_array(json_object_get(output, "Results")));
	cr_expect_eq(json_array_size(json_object_get(output, "Results")), 0);
}

Test(moves, a_task_that_ended_has_no_handle_and_says_when_it_was_started)
{
	const json_t *task;

	start(NULL);
	task = await("COMPLETED");
	cr_expect_eq(json_object_size(task), 5);
	cr_expect_str_eq(text_of(task, "SourceArn"), arn("dlq"));
	cr_expect_gt(number_of(task, "StartedTimestamp"), INT64_C(1700000000000));
}

Test(moves, the_newest_ten_are_listed_the_newest_first)
{
	const json_t *results;

	for (int i = 1; i <= 12; i++) {
		done(action_start_message_move_task, "{s:s, s:i}", "SourceArn", arn("dlq"),
		     "MaxNumberOfMessagesPerSecond", i);
		await("COMPLETED");
	}
	results = json_object_get(done(action_list_message_move_tasks, "{s:s, s:i}", "SourceArn", arn("dlq"),
				       "MaxResults", 10),
				  "Results");
	cr_assert_eq(json_array_size(results), 10);
	for (size_t i = 0; i < 10; i++)
		cr_expect_eq(number_of(json_array_get(results, i), "MaxNumberOfMessagesPerSecond"),
			     12 - (json_int_t)i);
	results =
		json_object_get(done(action_list_message_move_tasks, "{s:s}", "SourceArn", arn("dlq")), "Results");
	cr_expect_eq(json_array_size(results), 1);
}

static size_t tasks_of(struct rlq_queue *queue)
{
	struct move found[MOVES_OF_SOURCE_MAX];

	return moves_list(gateway.moves, queue, found, MOVES_OF_SOURCE_MAX);
}

Test(moves, many_tasks_of_one_queue_do_not_displace_those_of_another)
{
	struct rlq_queue *other = queue_make("other", NULL);
	struct move move = {.source = "other"}, newest;

	cr_assert_eq(moves_start(gateway.moves, &move), 0);
	for (int i = 0; i < 100; i++) {
		move = (struct move){.source = "dlq"};
		cr_assert_eq(moves_start(gateway.moves, &move), 0);
		do {
			sched_yield();
			moves_list(gateway.moves, dlq, &newest, 1);
		} while (newest.state == MOVE_RUNNING);
	}
	cr_expect_eq(tasks_of(dlq), MOVES_OF_SOURCE_MAX);
	cr_expect_eq(tasks_of(other), 1);
}

/* A queue with one message. */
static void make_with_one(const char *name)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue;

	attributes.capacity = 1;
	cr_assert_eq(rlq_queue_create(gateway.directory, name, &attributes), 1);
	cr_assert_eq(rlq_queue_open(gateway.directory, name, &queue), 0);
	send_text(queue, "m");
	rlq_queue_close(queue);
}

Test(moves, there_is_a_limit_of_active_tasks)
{
	struct move move;

	make_with_one("full");
	for (int i = 0; i <= MOVES_ACTIVE_MAX; i++) {
		move = (struct move){.to_move = 1, .destination = "full"};
		snprintf(move.source, sizeof(move.source), "q%d", i);
		make_with_one(move.source);
		cr_expect_eq(moves_start(gateway.moves, &move), i < MOVES_ACTIVE_MAX ? 0 : -EDQUOT);
	}
}

Test(moves, a_list_needs_a_source_that_is_there_and_a_number_from_1_to_10)
{
	cr_expect_refused(RESOURCE_NOT_FOUND, NOT_THERE("SourceArn"), action_list_message_move_tasks, "{s:s}",
			  "SourceArn", arn("x"));
	cr_expect_refused(INVALID_PARAMETER_VALUE, FORMAT("SourceArn"), action_list_message_move_tasks, "{s:s}",
			  "SourceArn", "x");
	cr_expect_eq(refused(action_list_message_move_tasks, "{s:s, s:i}", "SourceArn", arn("dlq"), "MaxResults", 0)
			     ->code,
		     INVALID_PARAMETER_VALUE);
	cr_expect_eq(refused(action_list_message_move_tasks, "{s:s, s:i}", "SourceArn", arn("dlq"), "MaxResults",
			     11)
			     ->code,
		     INVALID_PARAMETER_VALUE);
}

/* ---- cancel ----------------------------------------------------------------------------------- */

Test(moves, a_cancelled_task_says_how_far_it_came_and_moves_no_more)
{
	const json_t *task;
	json_int_t moved;

	fill(100);
	start_slowly();
	while (stat_of(source).visible < 1)
		sched_yield();
	while (number_of(await("RUNNING"), "ApproximateNumberOfMessagesMoved") < 1)
		;
	moved = number_of(done(action_cancel_message_move_task, "{s:s}", "TaskHandle", handle),
			  "ApproximateNumberOfMessagesMoved");
	cr_expect_geq(moved, 1);
	task = await("CANCELLED");
	cr_expect_eq(number_of(task, "ApproximateNumberOfMessagesMoved"), (json_int_t)stat_of(source).visible);
	cr_expect_eq(json_object_get(task, "TaskHandle"), NULL);
}

Test(moves, only_a_task_that_runs_can_be_cancelled)
{
	start(NULL);
	await("COMPLETED");
	cr_expect_refused(RESOURCE_NOT_FOUND, "Task does not exist.", action_cancel_message_move_task, "{s:s}",
			  "TaskHandle", handle);
}

Test(moves, what_is_no_handle_is_refused)
{
	static const char *const bad[] = {"", "x", "foobared", "e30=", "eyJ0YXNrSWQiOjF9"};
	char longest[3000];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_refused(INVALID_PARAMETER_VALUE, "Value for parameter TaskHandle is invalid.",
				  action_cancel_message_move_task, "{s:s}", "TaskHandle", bad[i]);
	memset(longest, 'A', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	cr_expect_refused(INVALID_PARAMETER_VALUE, "Value for parameter TaskHandle is invalid.",
			  action_cancel_message_move_task, "{s:s}", "TaskHandle", longest);
}

Test(moves, a_handle_of_a_queue_or_task_that_is_not_there_is_refused)
{
	/* {"taskId":"x","sourceArn":"arn:aws:sqs:us-east-1:000000000000:..."} of "none" and of "dlq" */
	cr_expect_refused(
		RESOURCE_NOT_FOUND, NOT_THERE("SourceArn"), action_cancel_message_move_task, "{s:s}", "TaskHandle",
		"eyJ0YXNrSWQiOiJ4Iiwic291cmNlQXJuIjoiYXJuOmF3czpzcXM6dXMtZWFzdC0xOjAwMDAwMDAwMDAwMDpub25lIn0=");
	cr_expect_refused(
		RESOURCE_NOT_FOUND, "Task does not exist.", action_cancel_message_move_task, "{s:s}", "TaskHandle",
		"eyJ0YXNrSWQiOiJ4Iiwic291cmNlQXJuIjoiYXJuOmF3czpzcXM6dXMtZWFzdC0xOjAwMDAwMDAwMDAwMDpkbHEifQ==");
}
