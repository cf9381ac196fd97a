/* Messages of durable queues that have a tracing context: it is there after a reboot, and the files of the journal
 * say that they have one. */
#include "daemon/format.h"
#include "shm/durable.h"
#include "tests/unit/journaling_fixture.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

TestSuite(journaling_trace, .init = journaling_test_begin, .fini = journaling_test_end, .timeout = 120);

#define TRACE "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static void send_traced(struct rlq_queue *queue)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;

	options.trace = TRACE;
	cr_assert_eq(rlq_send(queue, "body", 4, &options, NULL), 0);
}

static void expect_traced(const char *name)
{
	struct rlq_queue *queue = opened(name);
	struct rlq_message message;

	cr_assert_eq(rlq_receive(queue, &message, 1, NULL), 1, "%s", name);
	cr_assert_not_null(message.trace);
	cr_expect_str_eq(message.trace, TRACE);
	cr_expect(message.body_bytes == 4 && memcmp(message.body, "body", 4) == 0);
	rlq_queue_close(queue);
}

/* How many files are in the journal, and how many of them say that messages have traces. */
static int files_with_traces(int *ret_files)
{
	struct format_file head;
	char path[TMPDIR_BYTES + 32];
	int count = 0;

	*ret_files = 0;
	for (unsigned number = 1; number < 1000; number++) {
		int fd;

		snprintf(path, sizeof(path), "%s/journal-%010u", data, number);
		fd = open(path, O_RDONLY);
		if (fd < 0)
			continue;
		cr_assert_eq(read(fd, &head, sizeof(head)), (ssize_t)sizeof(head));
		close(fd);
		if (format_file_check(&head) != FORMAT_SOUND)
			continue; /* made ready, and not begun */
		++*ret_files;
		count += (head.features & FORMAT_FILE_TRACE) != 0;
	}
	return count;
}

Test(journaling_trace, a_trace_survives_restart_and_reboot)
{
	for (enum rlq_durability durability = RLQ_ASYNC; durability <= RLQ_SYNC; durability++) {
		struct rlq_queue *queue = made("q", durability);

		send_traced(queue);
		rlq_queue_close(queue);
		restart_engine();
		reboot_machine();
		expect_traced("q");
		cr_assert_eq(rlq_queue_remove(directory, "q"), 0);
	}
}

Test(journaling_trace, a_trace_survives_with_a_message_that_was_moved)
{
	struct rlq_queue *dlq = made("dlq", RLQ_SYNC), *queue = made_with_dlq("q", RLQ_SYNC);
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message message;

	options.wait_ms = options.visibility_ms = 0;
	send_traced(queue);
	cr_assert_eq(rlq_receive(queue, &message, 1, &options), 1);
	cr_assert_eq(rlq_receive(queue, &message, 1, &options), 0);
	rlq_queue_close(queue);
	rlq_queue_close(dlq);
	reboot_machine();
	expect_traced("dlq");
}

/* Amid a turn: the messages before it are in the old file, which says nothing, and it is in the next. */
Test(journaling_trace, files_say_that_they_have_traces_from_the_first_one_on)
{
	struct rlq_queue *queue = made("q", RLQ_SYNC);
	struct rlq_send_entry entries[3];
	int files;

	for (int i = 0; i < 3; i++)
		entries[i] = (struct rlq_send_entry){
			.body = "body", .body_bytes = 4, .delay_ms = RLQ_DEFAULT, .group = "tenant"};
	cr_assert_eq(rlq_send_batch(queue, entries, 3, NULL, NULL), 3);
	cr_expect_eq(files_with_traces(&files), 0);
	cr_expect_eq(files, 1);
	entries[1].trace = TRACE;
	cr_assert_eq(rlq_send_batch(queue, entries, 3, NULL, NULL), 3);
	cr_expect_eq(files_with_traces(&files), 1);
	cr_expect_eq(files, 2);
	cr_assert_eq(rlq_send_batch(queue, entries, 3, NULL, NULL), 3);
	cr_expect_eq(files_with_traces(&files), 1);
	cr_expect_eq(files, 2, "one change is enough");
	rlq_queue_close(queue);
	reboot_machine();
	queue = opened("q");
	cr_expect_eq(rlq_receive(queue, (struct rlq_message[9]){0}, 9, NULL), 9);
	rlq_queue_close(queue);
}

/* Its file goes, for what lives is written again by another process than the one that was sent it. */
Test(journaling_trace, what_is_written_again_still_says_so)
{
	int files;

	for (int is_aside = 0; is_aside < 2; is_aside++) {
		struct rlq_queue *queue = made("q", RLQ_SYNC);
		char path[TMPDIR_BYTES + 64];

		send_traced(queue);
		rlq_queue_close(queue);
		stop_engine();
		if (is_aside) {
			snprintf(path, sizeof(path), "%s/q.rlq", queues);
			cr_assert_eq(truncate(path, 100), 0);
		}
		start_engine();
		keep_busy(40);
		cr_expect_geq(files_with_traces(&files), 1, "of %d", files);
		reboot_machine();
		expect_traced("q");
		cr_assert_eq(rlq_queue_remove(directory, "q"), 0);
		cr_assert_eq(rlq_queue_remove(directory, "busy"), 0);
	}
}
