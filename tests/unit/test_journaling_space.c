/* Files of the journal: how many there are, and that they are given back. */
#include "daemon/format.h"
#include "ringlease-engine.h"
#include "tests/unit/journaling_fixture.h"

#include <criterion/criterion.h>

TestSuite(journaling_space, .init = journaling_test_begin, .fini = journaling_test_end, .timeout = 120);

Test(journaling_space, one_message_kept_does_not_pin_the_files)
{
	struct rlq_queue *kept = made("kept", RLQ_SYNC);
	int most;

	send_numbered(kept, 7, 1, 500);
	most = keep_busy(40);
	cr_assert_leq(most, 10, "%d files of 64 KiB for one message and 50 KB of others", most);
	rlq_queue_close(kept);
	reboot_machine();
	kept = opened("kept");
	cr_assert_eq(drain_numbered(kept, 7, 500), 1);
	rlq_queue_close(kept);
	reboot_machine();
	kept = opened("kept");
	cr_assert_eq(drain_numbered(kept, 7, 500), 0);
	rlq_queue_close(kept);
}

Test(journaling_space, what_is_compacted_keeps_its_receive_count)
{
	struct rlq_queue *kept = made("kept", RLQ_SYNC);
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message message;

	options.visibility_ms = 0;
	send_numbered(kept, 7, 1, 500);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(rlq_receive(kept, &message, 1, &options), 1);
	keep_busy(20);
	rlq_queue_close(kept);
	reboot_machine();
	kept = opened("kept");
	cr_assert_eq(rlq_receive(kept, &message, 1, NULL), 1);
	cr_assert_eq(message.receive_count, 4);
	rlq_queue_close(kept);
}

Test(journaling_space, a_removed_queue_gives_its_files_back)
{
	struct rlq_queue *removed = made("removed", RLQ_SYNC);
	int most;

	send_numbered(removed, 0, 100, 500);
	rlq_queue_close(removed);
	cr_assert_eq(rlq_queue_remove(directory, "removed"), 0);
	most = keep_busy(40);
	cr_assert_leq(most, 10, "%d files of 64 KiB for 50 KB", most);
}

Test(journaling_space, compaction_that_is_asked_for_gives_files_back)
{
	struct rlq_journal_size before = RLQ_JOURNAL_SIZE_INIT, after = RLQ_JOURNAL_SIZE_INIT;
	struct rlq_queue *queue = made("q", RLQ_SYNC);
	struct rlq_message messages[20];
	struct rlq_receipt receipts[20];
	unsigned kept = 0;
	int count;

	send_numbered(queue, 0, 600, 1000);
	while ((count = rlq_receive(queue, messages, 20, NULL)) > 0) {
		for (int i = 1; i < count; i++)
			receipts[i - 1] = messages[i].receipt;
		cr_assert_eq(rlq_delete_batch(queue, receipts, (size_t)count - 1, NULL), count - 1);
		kept++;
	}
	cr_assert_eq(rlq_journal_compact(queues, &before, &after), 0);
	cr_expect_lt(after.files, before.files);
	cr_expect_eq(after.bytes, after.files * SMALL_FILE);
	cr_expect_eq(after.live_bytes, kept * format_message_bytes(1000, 0));
	cr_expect_eq(rlq_journal_compact(queues, NULL, NULL), 0, "nothing is left to do");
	rlq_queue_close(queue);
	reboot_machine();
	queue = opened("q");
	for (unsigned i = 0; i < kept; i++)
		cr_expect_eq(rlq_receive(queue, messages, 1, NULL), 1);
	cr_expect_eq(rlq_receive(queue, messages, 1, NULL), 0);
	rlq_queue_close(queue);
}

Test(journaling_space, compaction_needs_an_engine)
{
	stop_engine();
	cr_assert_eq(rlq_directory_open(queues, &directory), 0);
	cr_expect_eq(rlq_journal_compact(queues, NULL, NULL), RLQ_EENGINE);
	rlq_directory_close(directory);
	start_engine();
}
