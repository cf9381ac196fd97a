/* Message move tasks outlive their gateway, are run by one of several, and seen by all. */
#include "tests/gateway/moves_fixture.h"

#include <errno.h>
#include <stdatomic.h>

#include "gateway/move_notes.h"

TestSuite(moves_restart, .init = moves_begin, .fini = actions_end, .timeout = 60);

/* ---- one gateway ------------------------------------------------------------------------------ */

Test(moves_restart, a_task_goes_on_from_where_it_was)
{
	struct rlq_queue *other = begin_numbered();
	const json_t *task;

	stop();
	start_again();
	task = await("RUNNING");
	cr_expect_str_eq(text_of(task, "TaskHandle"), handle);
	cr_expect_str_eq(text_of(task, "DestinationArn"), arn("other"));
	cr_expect_eq(number_of(task, "ApproximateNumberOfMessagesMoved"), 2);
	cr_expect_eq(number_of(task, "ApproximateNumberOfMessagesToMove"), SENT);
	complete_numbered(other);
}

/* The linker hands these calls to the test (--wrap). */
static atomic_int no_notes, not_read;

int __wrap_notes_read(struct notes *notes, struct rlq_queue *queue, json_t **ret_notes);
int __real_notes_read(struct notes *notes, struct rlq_queue *queue, json_t **ret_notes);

int __wrap_notes_read(struct notes *notes, struct rlq_queue *queue, json_t **ret_notes)
{
	if (no_notes == 0)
		return __real_notes_read(notes, queue, ret_notes);
	not_read++;
	*ret_notes = NULL;
	return no_notes;
}

Test(moves_restart, one_whose_notes_cannot_be_read_now_is_taken_up_later)
{
	struct rlq_queue *other = begin_numbered();

	stop();
	no_notes = -EMFILE;
	start_again();
	while (not_read == 0)
		sched_yield();
	no_notes = 0;
	complete_numbered(other);
}

Test(moves_restart, it_keeps_its_rate)
{
	fill(3);
	start_slowly();
	while (newest(gateway.moves).moved < 1)
		sched_yield();
	stop();
	start_again();
	cr_expect_eq(number_of(await("RUNNING"), "MaxNumberOfMessagesPerSecond"), 1);
	await("COMPLETED");
	cr_expect_str_eq(drain(source), "m m m");
}

Test(moves_restart, only_what_was_there_at_its_start_is_moved)
{
	struct rlq_queue *other = begin_numbered();

	stop();
	send_text(dlq, "0");
	start_again();
	while (newest(gateway.moves).state == MOVE_RUNNING)
		take_numbered(other);
	take_numbered(other);
	expect_each_once();
	cr_expect_eq(stat_of(dlq).visible, 1);
}

Test(moves_restart, it_can_be_cancelled)
{
	begin_numbered();
	stop();
	start_again();
	cr_expect_eq(number_of(done(action_cancel_message_move_task, "{s:s}", "TaskHandle", handle),
			       "ApproximateNumberOfMessagesMoved"),
		     2);
	cr_expect_eq(number_of(await("CANCELLED"), "ApproximateNumberOfMessagesMoved"), 2);
	cr_expect_eq(stat_of(dlq).visible, SENT - 2);
}

Test(moves_restart, one_that_was_being_cancelled_moves_no_more)
{
	struct rlq_queue *other = begin_numbered();
	struct move move = newest(gateway.moves);

	stop();
	cr_expect_eq(move_notes_cancel(gateway.notes, dlq, move.id), 0);
	take_numbered(other);
	start_again();
	await("CANCELLED");
	cr_expect_eq(stat_of(other).visible, 0);
}

Test(moves_restart, the_newest_ten_are_remembered)
{
	const json_t *results;

	for (int i = 1; i <= 12; i++) {
		done(action_start_message_move_task, "{s:s, s:i}", "SourceArn", arn("dlq"),
		     "MaxNumberOfMessagesPerSecond", i);
		await("COMPLETED");
	}
	stop();
	start_again();
	results = json_object_get(done(action_list_message_move_tasks, "{s:s, s:i}", "SourceArn", arn("dlq"),
				       "MaxResults", 10),
				  "Results");
	cr_assert_eq(json_array_size(results), 10);
	for (size_t i = 0; i < 10; i++)
		cr_expect_eq(number_of(json_array_get(results, i), "MaxNumberOfMessagesPerSecond"),
			     12 - (json_int_t)i);
}

Test(moves_restart, one_that_failed_still_says_why)
{
	send_text(dlq, "m");
	start(NULL);
	await("FAILED");
	stop();
	start_again();
	cr_expect_str_eq(text_of(await("FAILED"), "FailureReason"), "CouldNotDetermineMessageSource");
}

Test(moves_restart, a_destination_that_is_gone_fails_the_task)
{
	begin_numbered();
	stop();
	cr_assert_eq(rlq_queue_remove(gateway.directory, "other"), 0);
	start_again();
	cr_expect_str_eq(text_of(await("FAILED"), "FailureReason"), "AWS.SimpleQueueService.NonExistentQueue");
	cr_expect_eq(stat_of(dlq).visible, SENT - 2);
}

Test(moves_restart, tasks_and_tags_leave_each_other_alone)
{
	const char *url = "http://localhost:9324/000000000000/dlq";
	const json_t *tags;

	done(action_tag_queue, "{s:s, s:{s:s}}", "QueueUrl", url, "Tags", "k", "1");
	start(NULL);
	await("COMPLETED");
	done(action_tag_queue, "{s:s, s:{s:s}}", "QueueUrl", url, "Tags", "l", "2");
	await("COMPLETED");
	tags = json_object_get(done(action_list_queue_tags, "{s:s}", "QueueUrl", url), "Tags");
	cr_expect_str_eq(text_of(tags, "k"), "1");
	cr_expect_str_eq(text_of(tags, "l"), "2");
}

/* ---- kills ------------------------------------------------------------------------------------ */

/* A gateway of its own, that dies when two messages were moved. */
static void run_and_die(void *unused)
{
	struct move move = {.source = "dlq", .destination = "other", .to_move = SENT};
	struct rlq_directory *directory;
	struct notes *notes = notes_open(queues_path(), NULL);
	struct moves *moves;
	struct rlq_queue *queue;

	(void)unused;
	strcpy(move.source_arn, arn("dlq"));
	strcpy(move.destination_arn, arn("other"));
	if (rlq_directory_open(queues_path(), &directory) != 0 || rlq_queue_open(directory, "dlq", &queue) != 0)
		abort();
	moves = moves_open(directory, notes);
	if (moves_start(moves, &move) != 0)
		abort();
	do {
		sched_yield();
		moves_list(moves, queue, &move, 1);
	} while (move.moved < 2);
}

Test(moves_restart, a_gateway_that_was_killed_is_followed_by_the_next)
{
	struct rlq_queue *other = small_make("other", 2);

	send_numbered(dlq);
	stop();
	die_doing(run_and_die, NULL);
	cr_expect_eq(stat_of(dlq).visible, SENT - 2);
	start_again();
	cr_expect_eq(newest(gateway.moves).state, MOVE_RUNNING);
	cr_expect_eq(newest(gateway.moves).moved, 2);
	complete_numbered(other);
}

Test(moves_restart, or_by_another_that_is_there)
{
	struct rlq_queue *other = small_make("other", 2);

	send_numbered(dlq);
	die_doing(run_and_die, NULL);
	complete_numbered(other);
}

/* ---- several gateways ------------------------------------------------------------------------- */

static struct notes *second_notes;
static struct moves *second;

static void second_open(void)
{
	second_notes = notes_open(queues_path(), NULL);
	second = moves_open(gateway.directory, second_notes);
}

static void second_close(void)
{
	moves_close(second);
	notes_close(second_notes);
}

Test(moves_restart, another_gateway_sees_a_task_and_starts_no_second)
{
	struct move move = {.source = "dlq"}, known;
	struct move_place place;

	second_open();
	begin_numbered();
	place = place_of_newest(&known);
	cr_expect_eq(newest(second).state, MOVE_RUNNING);
	cr_expect_eq(newest(second).moved, 2);
	cr_expect_eq(moves_start(second, &move), -EBUSY);
	cr_expect_eq(move_file_take(&place), -EBUSY);
	second_close();
}

Test(moves_restart, another_gateway_can_cancel_it)
{
	struct rlq_queue *other = begin_numbered();
	struct move move = newest(gateway.moves);
	uint64_t moved = 0;

	second_open();
	cr_expect_eq(moves_cancel(second, dlq, move.id, &moved), 0);
	cr_expect_eq(moved, 2);
	await("CANCELLED");
	cr_expect_eq(moves_cancel(second, dlq, move.id, &moved), -ESRCH);
	cr_expect_eq(stat_of(other).visible, 2);
	second_close();
}

Test(moves_restart, another_gateway_goes_on_when_this_one_ends)
{
	struct rlq_queue *other = begin_numbered();

	second_open();
	stop();
	while (newest(second).state == MOVE_RUNNING)
		take_numbered(other);
	cr_expect_eq(newest(second).state, MOVE_COMPLETED);
	take_numbered(other);
	expect_each_once();
	second_close();
	start_again();
}
