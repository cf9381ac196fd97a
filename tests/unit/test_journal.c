/* The writer, on a disk in memory; what it has written is judged by replay. */
#include "daemon/journal.h"

#include "tests/support/arguments.h"
#include "tests/support/journal_log.h"
#include "tests/support/shadow_disk.h"
#include "tests/support/shadow_queue.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static struct journal_log written, found;
static struct log_writer writer;
static struct replay_report report;
static bool is_queued;
static uint64_t orders;

static void setup(void)
{
	shadow_begin();
	shadow_queue_draw(test_seed(1) + orders++);
	log_disk = is_queued ? &shadow_disk_queued : &shadow_disk;
	writer = (struct log_writer){.log = &written, .random = 4711, .queues = 3};
	writer.frame_bytes = is_queued ? FORMAT_PAGE : 0;
}

static void teardown(void)
{
	log_clear(&written);
	log_clear(&found);
	shadow_end();
}

static void setup_queued(void)
{
	is_queued = true;
	setup();
}

TestSuite(journal, .init = setup, .fini = teardown, .timeout = 120);
/* For what concerns a queue alone. */
TestSuite(queue, .init = setup_queued, .fini = teardown, .timeout = 120);
TestSuite(journal_queued, .init = setup_queued, .fini = teardown, .timeout = 120);

/* Each test twice: by plain calls, and with a queue whose calls end in any order, frames so small that many are on
 * their way. */
#define EACH(name)                                                                                                 \
	static void name(void);                                                                                    \
	Test(journal, name)                                                                                        \
	{                                                                                                          \
		name();                                                                                            \
	}                                                                                                          \
	Test(journal_queued, name)                                                                                 \
	{                                                                                                          \
		name();                                                                                            \
	}                                                                                                          \
	static void name(void)

static void open_anew(void)
{
	cr_assert_eq(log_writer_open(&writer, NULL), 0);
}

static void open_again(void)
{
	struct journal_options options = log_options(&report);

	cr_assert_eq(log_writer_open(&writer, &options), 0);
}

static void turns(int count, int records, size_t bytes_max)
{
	for (int i = 0; i < count; i++)
		cr_assert_eq(log_write_turn(&writer, records, bytes_max), 0);
}

static void closes(void)
{
	cr_assert_eq(journal_close(writer.journal), 0);
}

/* What is found is what was written, without loss. */
static void expect_all(void)
{
	cr_assert_eq(log_replay(&found, &report), 0);
	cr_expect_eq(found.count, written.count, "%zu of %zu", found.count, written.count);
	cr_expect(log_is_same(&found, &written, written.count));
	cr_expect_eq(report.damage_count, 0);
	cr_expect_eq(report.cut_file, 0);
	cr_expect_eq(report.records, written.count);
}

/* ---- turns ------------------------------------------------------------------------------------ */

EACH(of_an_empty_folder_there_is_nothing_to_read)
{
	expect_all();
	cr_expect(report.files == 0 && report.next_lsn == 1 && report.next_turn == 1 && report.next_file == 1);
	cr_expect_eq(report.journal_id, 0);
}

EACH(turns_come_back_in_order_and_a_new_writer_goes_on)
{
	for (int session = 0; session < 4; session++) {
		if (session == 0)
			open_anew();
		else
			open_again();
		turns(10, 7, 500);
		cr_expect_eq(journal_counts(writer.journal).flushes, 10, "one a turn");
		cr_expect_eq(journal_counts(writer.journal).turns, 10);
		closes();
		expect_all();
		cr_expect_eq(report.journal_id, 77);
		cr_expect_eq(report.next_file, session + 2u);
		cr_expect_eq(found.turns, (session + 1) * 11u, "with the note of each close");
	}
}

EACH(a_turn_without_records_writes_nothing)
{
	uint64_t writes;

	open_anew();
	cr_expect_eq(journal_end_turn(writer.journal), 0);
	cr_expect_eq(shadow_calls(SHADOW_WRITE | SHADOW_CREATE), 0);
	turns(1, 1, 10);
	writes = shadow_calls(SHADOW_WRITE | SHADOW_FLUSH);
	cr_expect_eq(journal_turn(writer.journal), 2);
	cr_expect_eq(journal_end_turn(writer.journal), 0);
	cr_expect_eq(shadow_calls(SHADOW_WRITE | SHADOW_FLUSH), writes);
	cr_expect_eq(journal_turn(writer.journal), 2);
	closes();
}

EACH(a_turn_may_be_larger_than_a_frame)
{
	struct journal_options options = {.journal_id = 77, .file_bytes = 8 << 20};

	cr_assert_eq(log_writer_open(&writer, &options), 0);
	turns(2, 300, 30000);
	closes();
	expect_all();
	cr_expect_gt(report.bytes, 4u << 20);
	cr_expect_gt(report.frames, 4);
	cr_expect_eq(report.files, 1);
}

EACH(a_turn_may_be_larger_than_a_file)
{
	open_anew();
	turns(3, 200, 5000);
	closes();
	expect_all();
	cr_expect_eq(found.turns, 4);
	cr_expect_gt(report.files, 5);
}

EACH(a_record_larger_than_a_file_makes_its_file_longer)
{
	size_t bytes = 0;

	open_anew();
	turns(1, 3, 100);
	cr_assert(log_write_message(&writer, 3 << 20, 5));
	cr_assert_eq(journal_end_turn(writer.journal), 0);
	turns(2, 3, 100);
	closes();
	expect_all();
	cr_expect_eq(report.files, 3, "before, its own, after");
	shadow_bytes("journal-0000000002", &bytes);
	cr_expect_geq(bytes, 3u << 20);
	shadow_bytes("journal-0000000003", &bytes);
	cr_expect_eq(bytes, FORMAT_FILE_BYTES_MIN);
}

EACH(definitions_that_do_not_fit_make_each_file_longer)
{
	writer.queues = 1000;
	open_anew();
	turns(2, 1, 10);
	closes();
	expect_all();
	cr_expect_eq(found.count, 2000 + 2);
	cr_expect_eq(report.files, 2);
}

EACH(each_file_begins_with_all_definitions)
{
	open_anew();
	turns(30, 20, 2000);
	closes();
	expect_all();
	cr_assert_gt(report.files, 3);
	for (size_t i = 0; i < found.count; i++) {
		size_t since = 0;

		while (since < i && found.entries[i - since - 1].file == found.entries[i].file)
			since++;
		cr_expect_eq(found.entries[i].kind == FORMAT_QUEUE, since < 3, "record %zu, %zu of its file", i,
			     since);
	}
}

EACH(says_in_which_file_each_record_lies)
{
	open_anew();
	turns(20, 30, 2000);
	closes();
	expect_all(); /* compares files too */
	cr_expect_gt(found.entries[found.count - 1].file, 5);
}

EACH(past_the_page_cache_all_is_aligned_and_without_it_all_is_the_same)
{
	struct journal_options options = {.journal_id = 77, .is_direct = true};

	for (int refuse = 0; refuse < 2; refuse++) {
		shadow_begin();
		written.count = 0;
		shadow_refuse_direct(refuse);
		cr_assert_eq(log_writer_open(&writer, &options), 0);
		turns(20, 20, 2000);
		closes();
		expect_all();
	}
}

EACH(calls_that_stop_short_or_are_interrupted_are_made_again)
{
	open_anew();
	shadow_at_most(1000);
	turns(3, 20, 2000);
	closes();
	expect_all();
}

/* A flush that was interrupted has flushed nothing. */
EACH(also_flushes)
{
	for (int records = 1; records <= 40; records++) {
		setup();
		written.count = 0;
		open_anew();
		shadow_at_most(1000);
		turns(1, records, 1000);
		shadow_power_for(0);
		journal_close(writer.journal);
		shadow_restart(SHADOW_LOSE_ALL, &writer.random);
		expect_all();
	}
}

EACH(a_file_of_a_higher_number_is_not_overtaken)
{
	struct journal *journal;
	struct journal_options options = {.next_file = 3};

	shadow_put("journal-0000000003", "", 0);
	cr_expect_eq(journal_open(&shadow_disk, SHADOW_FOLDER, &options, &journal), -EEXIST);
}

EACH(an_id_is_drawn_if_there_is_none)
{
	struct journal_options options = {0};
	uint64_t ids[2];

	for (int i = 0; i < 2; i++) {
		struct journal *journal;

		cr_assert_eq(journal_open(&shadow_disk, SHADOW_FOLDER, &options, &journal), 0);
		ids[i] = journal_id(journal);
		journal_close(journal);
	}
	cr_expect(ids[0] != 0 && ids[0] != ids[1]);
}

/* ---- the queue -------------------------------------------------------------------------------- */

Test(queue, a_large_turn_has_several_writes_under_way)
{
	struct journal_options options = {.journal_id = 77, .file_bytes = 1 << 20};
	uint64_t writes;

	cr_assert_eq(log_writer_open(&writer, &options), 0);
	turns(1, 1, 1);
	writes = shadow_calls(SHADOW_WRITE);
	turns(1, 100, 2000);
	cr_expect_gt(shadow_queue_most(), 3);
	cr_expect_gt(shadow_calls(SHADOW_WRITE), writes + 10);
	cr_expect_eq(journal_counts(writer.journal).flushes, 2, "one a turn");
	closes();
	expect_all();
}

Test(queue, where_it_is_refused_plain_calls_do)
{
	shadow_queue_refuse(-EPERM);
	open_anew();
	turns(10, 20, 2000);
	cr_expect_eq(shadow_queue_most(), 0);
	closes();
	expect_all();
}

/* Removes from the log what belongs to turns that were not acknowledged. */
static void forget_from_turn(uint64_t turn)
{
	size_t count = written.count;

	while (count > 0 && written.entries[count - 1].turn >= turn)
		count--;
	log_cut(&written, count);
}

/* ---- files ------------------------------------------------------------------------------------ */

EACH(makes_the_next_file_ready_ahead_of_use)
{
	uint64_t before;

	open_anew();
	turns(1, 1, 10);
	cr_expect_eq(journal_prepare(writer.journal, 1), 0);
	before = shadow_calls(SHADOW_CREATE | SHADOW_ALLOCATE);
	cr_expect_eq(journal_prepare(writer.journal, 1), 0, "it is");
	while (journal_files(writer.journal) == 1)
		turns(1, 20, 1000);
	cr_expect_eq(shadow_calls(SHADOW_CREATE | SHADOW_ALLOCATE), before);
	closes();
	expect_all();
}

EACH(a_full_disk_keeps_nothing_ready_and_harms_nothing)
{
	open_anew();
	turns(2, 2, 100);
	shadow_fail(SHADOW_ALLOCATE, 1, -ENOSPC, true);
	cr_expect_eq(journal_prepare(writer.journal, 1), -ENOSPC);
	cr_expect_eq(journal_error(writer.journal), 0);
	cr_expect_null(shadow_bytes("journal-new", NULL));
	turns(2, 2, 100);
	closes();
	expect_all();
}

EACH(as_many_files_wait_as_are_asked_for_and_are_found_again)
{
	uint64_t created;

	open_anew();
	turns(1, 1, 10);
	cr_expect_eq(journal_prepare(writer.journal, 3), 0);
	cr_expect_eq(journal_spares(writer.journal), 3);
	cr_expect_eq(journal_room(writer.journal), 4 * (65536 - 4096) - 4096, "and this file but for its turn");
	turns(1, 100, 2000);
	cr_expect_lt(journal_spares(writer.journal), 3, "files were begun");
	closes();
	expect_all();
	created = shadow_calls(SHADOW_CREATE);
	open_again();
	cr_expect_eq(journal_prepare(writer.journal, 2), 0);
	cr_expect_eq(shadow_calls(SHADOW_CREATE), created, "they are there");
	turns(4, 40, 2000);
	closes();
	expect_all();
}

EACH(of_files_that_are_dropped_as_many_are_kept_as_are_wanted)
{
	open_anew();
	journal_keep_spares(writer.journal, 2);
	while (journal_files(writer.journal) < 5)
		turns(1, 9, 2000);
	turns(1, 1, 10);
	for (uint32_t kept = 1; kept <= 3; kept++) {
		cr_assert_eq(journal_drop_oldest(writer.journal), 0);
		cr_expect_eq(journal_spares(writer.journal), kept < 2 ? kept : 2);
	}
	closes();
}

EACH(files_of_a_turn_that_failed_are_removed)
{
	uint64_t files;

	open_anew();
	turns(1, 1, 10);
	files = journal_files(writer.journal);
	while (journal_files(writer.journal) < files + 3)
		cr_assert(log_write(&writer, 2000));
	shadow_fail(SHADOW_FLUSH | SHADOW_WRITE, 1, -EIO, true);
	cr_expect_eq(journal_end_turn(writer.journal), -EIO);
	journal_repair(writer.journal);
	cr_expect_eq(journal_files(writer.journal), files);
	shadow_fail(SHADOW_FLUSH, 0, 0, false);
	forget_from_turn(2);
	turns(3, 5, 500);
	closes();
	expect_all();
}

/* All entries but those in files that were dropped. */
static void forget_before(uint64_t file)
{
	size_t first = 0;

	while (first < written.count && written.entries[first].file < file)
		first++;
	memmove(written.entries, written.entries + first, (written.count - first) * sizeof(*written.entries));
	written.count -= first;
}

EACH(the_oldest_file_is_dropped_and_used_again)
{
	uint64_t created;

	open_anew();
	while (journal_files(writer.journal) < 5)
		turns(1, 9, 2000);
	turns(1, 1, 10);
	created = shadow_calls(SHADOW_CREATE);
	for (int i = 0; i < 20; i++) {
		uint64_t oldest = journal_oldest(writer.journal);

		cr_assert_eq(journal_drop_oldest(writer.journal), 0);
		cr_expect_eq(journal_oldest(writer.journal), oldest + 1);
		forget_before(oldest + 1);
		while (journal_files(writer.journal) < 5)
			turns(1, 9, 2000);
		turns(1, 1, 10);
		expect_all();
		cr_expect_eq(report.files, 5);
	}
	cr_expect_eq(shadow_calls(SHADOW_CREATE), created, "always the same five and one");
	closes();
}

EACH(a_file_of_another_size_is_not_used_again)
{
	open_anew();
	cr_assert(log_write_message(&writer, 1 << 20, 0));
	cr_assert_eq(journal_end_turn(writer.journal), 0);
	turns(1, 1, 10);
	cr_assert_eq(journal_drop_oldest(writer.journal), 0);
	cr_expect_null(shadow_bytes("journal-spare", NULL));
	cr_expect_null(shadow_bytes("journal-0000000001", NULL));
	closes();
}

EACH(the_last_durable_definitions_are_not_dropped)
{
	open_anew();
	cr_expect_eq(journal_drop_oldest(writer.journal), -EBUSY, "no file");
	turns(1, 1, 10);
	cr_expect_eq(journal_drop_oldest(writer.journal), -EBUSY, "its own file");
	while (journal_files(writer.journal) < 2)
		cr_assert(log_write(&writer, 2000));
	cr_expect_eq(journal_drop_oldest(writer.journal), -EBUSY, "the new one is not durable");
	cr_assert_eq(journal_end_turn(writer.journal), 0);
	cr_expect_eq(journal_drop_oldest(writer.journal), 0);
	closes();
}

EACH(what_a_killed_prepare_has_left_is_removed)
{
	shadow_put("journal-new", "xxxx", 4);
	shadow_put("journal-spare", "xxxx", 4);
	open_anew();
	cr_expect_null(shadow_bytes("journal-new", NULL));
	cr_expect_null(shadow_bytes("journal-spare", NULL));
	turns(1, 1, 1);
	closes();
	expect_all();
}

/* ---- failures --------------------------------------------------------------------------------- */

/* Writes, drops, prepares, until it is through or something fails. */
static int some_work(void)
{
	int error = 0;

	for (int i = 0; i < 12 && !error; i++) {
		error = log_write_turn(&writer, 12, 1500);
		if (!error && i % 4 == 2)
			error = journal_prepare(writer.journal, 1);
		if (!error && journal_files(writer.journal) > 3) {
			uint64_t oldest = journal_oldest(writer.journal);

			error = journal_drop_oldest(writer.journal);
			if (journal_oldest(writer.journal) > oldest)
				forget_before(oldest + 1);
		}
	}
	return error;
}

static void expect_failed(int error)
{
	uint64_t turn = journal_turn(writer.journal);

	cr_expect_eq(journal_error(writer.journal), error);
	cr_expect_null(journal_reserve(writer.journal, 16));
	cr_expect_eq(journal_end_turn(writer.journal), error);
	cr_expect_eq(journal_prepare(writer.journal, 1), error);
	cr_expect_eq(journal_drop_oldest(writer.journal), error);
	cr_expect_eq(journal_turn(writer.journal), turn);
}

/* Each call fails once, with each of some errors: what was acknowledged is there, before and after repair. */
static void fail_each(unsigned calls, int error)
{
	for (int n = 1;; n++) {
		int answer;
		bool has_failed;

		setup();
		written.count = 0;
		open_anew();
		shadow_fail(calls, n, error, false);
		answer = some_work();
		has_failed = shadow_has_failed();
		shadow_fail(calls, 0, 0, false);
		if (!has_failed) {
			cr_expect_eq(answer, 0);
			closes();
			return;
		}
		cr_expect(answer == error || answer == 0, "call %d: %d", n, answer);
		if (journal_error(writer.journal)) {
			expect_failed(error);
			forget_from_turn(journal_turn(writer.journal));
			cr_assert_eq(log_replay(&found, &report), 0);
			cr_assert(log_is_same(&found, &written, written.count), "call %d", n);
			journal_repair(writer.journal);
		}
		cr_assert_eq(some_work(), 0, "call %d", n);
		closes();
		expect_all();
	}
}

EACH(after_any_failed_write_all_acknowledged_is_there_and_repair_goes_on)
{
	fail_each(SHADOW_WRITE, -EIO);
	fail_each(SHADOW_WRITE, -ENOSPC);
}

EACH(after_any_failed_flush_all_acknowledged_is_there_and_repair_goes_on)
{
	fail_each(SHADOW_FLUSH, -EIO);
	fail_each(SHADOW_FLUSH_FOLDER, -EIO);
}

EACH(after_any_failed_call_on_files_all_acknowledged_is_there_and_repair_goes_on)
{
	fail_each(SHADOW_CREATE, -ENOSPC);
	fail_each(SHADOW_ALLOCATE, -ENOSPC);
	fail_each(SHADOW_RENAME, -EIO);
	fail_each(SHADOW_OPEN, -EMFILE);
	fail_each(SHADOW_UNLINK, -EIO);
	fail_each(SHADOW_LENGTH, -EIO);
}

/* As in fail_each(): then plain calls go on. */
Test(queue, one_that_breaks_at_any_call_loses_nothing_acknowledged)
{
	for (int n = 1;; n++) {
		int answer;

		setup();
		written.count = 0;
		open_anew();
		shadow_queue_fail(n, -EBADF);
		answer = some_work();
		if (answer == 0) {
			cr_expect_gt(n, 10); /* small turns do without it */
			shadow_queue_fail(0, 0);
			closes();
			return;
		}
		cr_assert_eq(answer, -EBADF, "call %d", n);
		expect_failed(-EBADF);
		forget_from_turn(journal_turn(writer.journal));
		cr_assert_eq(log_replay(&found, &report), 0);
		cr_assert(log_is_same(&found, &written, written.count), "call %d", n);
		journal_repair(writer.journal);
		cr_assert_eq(some_work(), 0, "call %d", n);
		closes();
		expect_all();
	}
}

EACH(a_disk_that_fails_for_good_is_said_each_time)
{
	open_anew();
	turns(3, 5, 500);
	shadow_fail(SHADOW_FLUSH, 1, -EIO, true);
	cr_expect_eq(log_write_turn(&writer, 5, 500), -EIO);
	for (int i = 0; i < 3; i++) {
		journal_repair(writer.journal);
		cr_expect_eq(log_write_turn(&writer, 5, 500), -EIO);
	}
	forget_from_turn(4);
	cr_expect_eq(journal_close(writer.journal), -EIO);
	shadow_fail(SHADOW_FLUSH, 0, 0, false);
	cr_assert_eq(log_replay(&found, &report), 0);
	cr_expect(log_is_same(&found, &written, written.count));
}

EACH(opening_says_why_it_cannot)
{
	for (int n = 1; n <= 3; n++) {
		static const unsigned calls[] = {SHADOW_LIST, SHADOW_UNLINK, SHADOW_UNLINK};

		shadow_begin();
		shadow_put("journal-new", "", 0);
		shadow_put("journal-spare", "", 0);
		shadow_fail(calls[n - 1], n == 3 ? 2 : 1, -EACCES, false);
		cr_expect_eq(log_writer_open(&writer, NULL), -EACCES, "%d", n);
	}
}

/* ---- loss of power ---------------------------------------------------------------------------- */

/* The power goes after each call that changes something. What was acknowledged is there, of the turn under way all
 * or nothing, and a new writer goes on. */
static void lose_power(enum shadow_loss loss, uint64_t random)
{
	for (int calls = 0;; calls++) {
		size_t acknowledged;
		uint64_t turn;
		bool was_off;

		setup();
		written.count = 0;
		open_anew();
		shadow_power_for(calls);
		some_work();
		was_off = shadow_is_off();
		turn = journal_turn(writer.journal);
		journal_close(writer.journal);
		shadow_restart(loss, &random);
		cr_assert_eq(log_replay(&found, &report), 0, "calls %d loss %d", calls, loss);
		acknowledged = written.count;
		while (acknowledged > 0 && written.entries[acknowledged - 1].turn >= turn)
			acknowledged--;
		/* Files that were about to be dropped may be there again. */
		while (found.count > 0 && written.count > 0 && found.entries[0].file < written.entries[0].file) {
			found.count--;
			memmove(found.entries, found.entries + 1, found.count * sizeof(*found.entries));
		}
		cr_assert(found.count == acknowledged || found.count == written.count,
			  "calls %d loss %d: %zu of %zu, %zu", calls, loss, found.count, acknowledged,
			  written.count);
		cr_assert(log_is_same(&found, &written, found.count), "calls %d loss %d", calls, loss);
		cr_assert_eq(report.damage_count, 0, "calls %d loss %d", calls, loss);
		log_cut(&written, found.count);
		open_again();
		turns(3, 5, 3000);
		closes();
		cr_assert_eq(log_replay(&found, &report), 0);
		cr_assert_eq(report.damage_count, 0, "calls %d loss %d: again", calls, loss);
		cr_assert(found.count >= written.count, "calls %d loss %d: again", calls, loss);
		if (!was_off)
			return;
	}
}

EACH(the_power_may_go_at_any_call_and_unflushed_bytes_or_names_with_it)
{
	for (int loss = 0; loss < SHADOW_LOSS_COUNT; loss++)
		lose_power(loss, 1);
}

EACH(the_power_may_go_at_any_call_and_any_sectors_with_it)
{
	uint64_t seed = test_seed(1);

	for (uint64_t i = 0; i < 8; i++)
		lose_power(SHADOW_LOSE_SOME, seed + i);
}
