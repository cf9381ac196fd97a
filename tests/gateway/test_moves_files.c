/* The files of message move tasks: they go with their task and its queue, and may be damaged or in the way. */
#include "tests/gateway/moves_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(moves_files, .init = moves_begin, .fini = actions_end, .timeout = 60);

/* ---- queues that come and go, and files that are none of ours --------------------------------- */

static int files_there(void)
{
	char folder[TMPDIR_BYTES + 16];

	snprintf(folder, sizeof(folder), "%s/.sqs/moving", queues_path());
	return tmpdir_count(folder, "");
}

static void await_files(int count)
{
	while (files_there() != count)
		sched_yield();
}

Test(moves_files, a_task_goes_with_its_queue)
{
	begin_numbered();
	stop();
	cr_expect_eq(files_there(), 1);
	cr_assert_eq(rlq_queue_remove(gateway.directory, "dlq"), 0);
	time_passes(1);
	dlq = queue_make("dlq", NULL);
	send_numbered(dlq);
	start_again();
	await_files(0);
	cr_expect_eq(json_array_size(json_object_get(
			     done(action_list_message_move_tasks, "{s:s}", "SourceArn", arn("dlq")), "Results")),
		     0);
	cr_expect_eq(stat_of(dlq).visible, SENT);
}

Test(moves_files, a_task_that_runs_goes_with_its_queue)
{
	begin_numbered();
	cr_assert_eq(rlq_queue_remove(gateway.directory, "dlq"), 0);
	await_files(0);
}

Test(moves_files, a_task_without_its_file_is_found_by_a_list)
{
	struct rlq_queue *other = begin_numbered();
	struct move move;
	struct move_place place = place_of_newest(&move);

	stop();
	move_file_remove(&place);
	start_again();
	await("RUNNING");
	while (newest(gateway.moves).state == MOVE_RUNNING)
		take_numbered(other);
	take_numbered(other);
	expect_each_once();
}

static void write_number(const struct move_place *place, const char *text)
{
	char path[TMPDIR_BYTES + 256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/moving/%s.%s", place->folder, place->source, place->id);
	file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

Test(moves_files, a_number_that_is_none_counts_as_0)
{
	static const char *const texts[] = {"",
					    "x",
					    "-1",
					    "3",
					    "\xff\xff",
					    "0000000000000000000x\n",
					    "99999999999999999999\n",
					    "000000000000000000003\n"};
	struct move move;
	struct move_place place;

	begin_numbered();
	place = place_of_newest(&move);
	stop();
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_number(&place, texts[i]);
		cr_expect_eq(move_file_peek(&place), 0, "%s", texts[i]);
	}
	write_number(&place, "00000000000000000003\n");
	cr_expect_eq(move_file_peek(&place), 3);
	start_again();
}

Test(moves_files, a_number_that_is_too_large_moves_no_more)
{
	struct move move;
	struct move_place place;

	begin_numbered();
	place = place_of_newest(&move);
	stop();
	write_number(&place, "00000000000000000999\n");
	start_again();
	cr_expect_eq(number_of(await("COMPLETED"), "ApproximateNumberOfMessagesMoved"), SENT);
	cr_expect_eq(stat_of(dlq).visible, SENT - 2);
}

Test(moves_files, files_that_are_no_tasks_are_left_or_removed)
{
	static const char *const names[] = {
		"x",
		".x",
		"dlq.0000",
		"dlq.x.json",
		"none.00000000-0000-4000-8000-000000000000",
		"n%ne.00000000-0000-4000-8000-000000000000",
		".00000000-0000-4000-8000-000000000000",
	};
	struct move_place unknown = {NULL, "dlq", "00000000-0000-4000-8000-000000000000"};

	start(NULL);
	await("COMPLETED");
	await_files(0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[TMPDIR_BYTES + 128];

		snprintf(path, sizeof(path), "%s/.sqs/moving/%s", queues_path(), names[i]);
		close(open(path, O_CREAT | O_WRONLY, 0600));
	}
	stop();
	unknown.folder = notes_folder_of(gateway.notes, dlq);
	cr_expect_eq(move_file_peek(&unknown), 0);
	start_again();
	await_files(sizeof(names) / sizeof(names[0]));
}

/* ---- notes that cannot be written ------------------------------------------------------------- */

/* So that no file can be made in their place. */
static void spoil(char ret_path[TMPDIR_BYTES + 32])
{
	snprintf(ret_path, TMPDIR_BYTES + 32, "%s/.sqs", queues_path());
	mkdir(ret_path, 0700);
	snprintf(ret_path, TMPDIR_BYTES + 32, "%s/.sqs/dlq.json.new", queues_path());
	cr_assert_eq(mkdir(ret_path, 0700), 0);
}

Test(moves_files, a_task_that_cannot_be_written_is_not_started)
{
	char path[TMPDIR_BYTES + 32];

	spoil(path);
	send_text(dlq, "m");
	cr_expect_refused(INTERNAL_FAILURE, "The task could not be written: Is a directory",
			  action_start_message_move_task, "{s:s}", "SourceArn", arn("dlq"));
	cr_expect_eq(files_there(), 0);
	rmdir(path);
	start(NULL);
	await("FAILED");
}

Test(moves_files, an_end_that_cannot_be_written_is_written_later)
{
	struct rlq_queue *other = begin_numbered();
	char path[TMPDIR_BYTES + 32];

	spoil(path);
	while (newest(gateway.moves).moved < SENT)
		take_numbered(other);
	cr_expect_eq(newest(gateway.moves).state, MOVE_RUNNING);
	rmdir(path);
	complete_numbered(other);
}
