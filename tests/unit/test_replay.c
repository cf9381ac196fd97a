/* Journals that are torn, damaged, or none. */
#include "daemon/replay.h"

#include "tests/support/arguments.h"
#include "tests/support/journal_log.h"
#include "tests/support/shadow_disk.h"
#include "tests/support/shadow_queue.h"
#include "tests/support/tally.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct journal_log written, clean, found;
static struct log_writer writer;
static struct replay_report report;
static bool is_queued;

static void setup(void)
{
	shadow_begin();
	shadow_queue_draw(test_seed(1));
	log_disk = is_queued ? &shadow_disk_queued : &shadow_disk;
	writer = (struct log_writer){.log = &written, .random = 4711, .queues = 2};
	writer.frame_bytes = is_queued ? FORMAT_PAGE : 0;
	written.count = 0;
}

static void teardown(void)
{
	log_clear(&written);
	log_clear(&clean);
	log_clear(&found);
	shadow_end();
}

static void setup_queued(void)
{
	is_queued = true;
	setup();
}

TestSuite(replay, .init = setup, .fini = teardown, .timeout = 120);
TestSuite(replay_queued, .init = setup_queued, .fini = teardown, .timeout = 120);

/* Each test twice: by plain calls, and with a queue whose calls end in any order, frames so small that many are on
 * their way. */
#define EACH(name)                                                                                                 \
	static void name(void);                                                                                    \
	Test(replay, name)                                                                                         \
	{                                                                                                          \
		name();                                                                                            \
	}                                                                                                          \
	Test(replay_queued, name)                                                                                  \
	{                                                                                                          \
		name();                                                                                            \
	}                                                                                                          \
	static void name(void)

static void open_again(void)
{
	struct journal_options options;

	cr_assert_eq(log_replay(&found, &report), 0);
	options = log_options(&report);
	cr_assert_eq(log_writer_open(&writer, &options), 0);
}

static void turns(int count, int records, size_t bytes_max)
{
	for (int i = 0; i < count; i++)
		cr_assert_eq(log_write_turn(&writer, records, bytes_max), 0);
}

static void session(int count, int records, size_t bytes_max)
{
	open_again();
	turns(count, records, bytes_max);
	cr_assert_eq(journal_close(writer.journal), 0);
}

/* The machine stops amid a turn, and has lost nothing that was written. */
static void stop(void)
{
	shadow_power_for(0);
	journal_close(writer.journal);
	shadow_restart(SHADOW_LOSE_NONE, &writer.random);
}

/* Reads what is there without damage. */
static void read_clean(void)
{
	cr_assert_eq(log_replay(&clean, &report), 0);
	cr_assert(clean.count == written.count && log_is_same(&clean, &written, written.count));
	cr_assert(report.damage_count == 0 && report.cut_file == 0);
}

static void read_again(void)
{
	cr_assert_eq(log_replay(&found, &report), 0);
}

static char *name_of(uint64_t number)
{
	static char name[FORMAT_FILE_NAME_BYTES];

	format_file_name(number, name);
	return name;
}

static unsigned char *file_of(uint64_t number)
{
	unsigned char *bytes = shadow_bytes(name_of(number), NULL);

	cr_assert_not_null(bytes);
	return bytes;
}

/* ---- torn ------------------------------------------------------------------------------------- */

/* Bytes of a file before and after its last turn, mixed: earlier turns are all there, of the last all or nothing.
 */
static void tear(uint64_t number, const unsigned char *before, const unsigned char *after, size_t acknowledged,
		 uint64_t first_lsn, size_t at, bool front)
{
	unsigned char *file = file_of(number);

	memcpy(file, front ? after : before, at);
	memcpy(file + at, (front ? before : after) + at, FORMAT_FILE_BYTES_MIN - at);
	read_again();
	cr_assert(found.count == acknowledged || found.count == written.count, "torn at %zu: %zu records", at,
		  found.count);
	cr_assert(log_is_same(&found, &written, found.count), "torn at %zu", at);
	cr_assert_eq(report.damage_count, 0, "torn at %zu", at);
	if (found.count == acknowledged)
		cr_assert_eq(report.next_lsn, first_lsn, "those of the last turn are free");
}

/* In the open file, the last turn of which is written now. */
static void tear_everywhere(void)
{
	unsigned char before[FORMAT_FILE_BYTES_MIN], after[FORMAT_FILE_BYTES_MIN];
	size_t acknowledged = written.count;
	uint64_t number = journal_file(writer.journal), first_lsn = journal_durable(writer.journal) + 1;
	size_t torn = 0;

	memcpy(before, file_of(number), sizeof(before));
	turns(1, 15, 2000);
	cr_assert_eq(journal_file(writer.journal), number);
	memcpy(after, file_of(number), sizeof(after));
	for (size_t at = 0; at <= sizeof(before); at += SHADOW_SECTOR)
		for (int front = 0; front < 2; front++) {
			tear(number, before, after, acknowledged, first_lsn, at, front);
			torn += found.count == acknowledged;
		}
	cr_expect_gt(torn, 20);
}

EACH(a_last_turn_torn_at_any_sector_is_there_or_not_and_all_others_are)
{
	open_again();
	turns(5, 4, 300);
	tear_everywhere();
	journal_close(writer.journal);
}

EACH(also_in_a_file_with_older_frames_behind_the_end)
{
	open_again();
	while (journal_files(writer.journal) < 3)
		turns(1, 10, 1500);
	turns(1, 1, 1);
	cr_assert_eq(journal_drop_oldest(writer.journal), 0);
	while (journal_files(writer.journal) < 3)
		turns(1, 10, 1500);
	turns(3, 4, 300);
	cr_assert_eq(journal_file(writer.journal), 4, "once number 1");
	written.count = 0;
	read_again();
	/* What was in the first file is gone: from here on the log is what there was just now. */
	for (size_t i = 0; i < found.count; i++)
		found.entries[i].is_damaged = false;
	log_clear(&written);
	written = found;
	found = (struct journal_log){0};
	tear_everywhere();
	journal_close(writer.journal);
}

/* Of a turn of several frames the first one is missing, a later one is there: it must never count. */
EACH(frames_behind_a_hole_that_was_cut_stay_cut_when_a_new_writer_goes_on)
{
	struct journal_options options = {.journal_id = 77, .file_bytes = 8 << 20};
	size_t acknowledged;
	uint64_t next;

	cr_assert_eq(log_writer_open(&writer, &options), 0);
	turns(3, 5, 500);
	acknowledged = written.count;
	turns(1, 900, 20000);
	cr_assert_gt(journal_counts(writer.journal).frames, 5);
	cr_assert_eq(journal_counts(writer.journal).files, 1);
	file_of(1)[4 * FORMAT_PAGE] ^= 1; /* the first frame of turn 4 */
	stop();
	read_again();
	cr_assert(found.count == acknowledged && log_is_same(&found, &written, found.count));
	cr_assert(report.damage_count == 0 && report.next_lsn == 4 && report.next_turn == 5);
	cr_assert(report.cut_file == 1 && report.cut_offset == 4 * FORMAT_PAGE && report.cut_bytes > 1 << 20);
	next = report.next_turn;
	log_cut(&written, acknowledged);
	session(2, 5, 500);
	cr_expect_eq(written.entries[acknowledged].turn, next);
	read_clean();
	session(2, 5, 500);
	read_clean();
}

EACH(an_unfinished_last_turn_is_cut_and_stays_cut)
{
	struct journal_options options = {.journal_id = 77, .file_bytes = 8 << 20};
	size_t acknowledged;

	cr_assert_eq(log_writer_open(&writer, &options), 0);
	turns(3, 5, 500);
	acknowledged = written.count;
	for (int i = 0; i < 500; i++)
		cr_assert(log_write(&writer, 20000)); /* the first frames go out */
	stop();
	read_again();
	cr_assert(found.count == acknowledged && log_is_same(&found, &written, found.count));
	cr_assert(report.damage_count == 0 && report.cut_file == 1 && report.cut_offset == 4 * FORMAT_PAGE);
	cr_assert(report.cut_frames >= 2 && report.cut_bytes >= 1 << 20 && report.next_lsn == 4);
	log_cut(&written, acknowledged);
	session(2, 5, 500);
	read_clean();
}

/* The head is written with the first frames. If it is missing, so may be anything; and what had been cut off before
 * the file is no longer known. */
EACH(a_first_turn_whole_but_for_the_head_of_its_file_is_cut)
{
	size_t acknowledged;

	session(3, 5, 300);
	acknowledged = written.count;
	open_again();
	turns(1, 5, 300);
	stop();
	memset(file_of(2), 0, FORMAT_PAGE);
	read_again();
	cr_assert(found.count == acknowledged && log_is_same(&found, &written, found.count));
	cr_assert(report.damage_count == 0 && report.cut_file == 2 && report.cut_frames == 1);
	log_cut(&written, acknowledged);
	session(2, 5, 300);
	read_clean();
}

/* ---- damage ----------------------------------------------------------------------------------- */

/* It has its name only once it is filled with zeros: one that has no head at all lost what it had. */
EACH(a_file_that_was_emptied_is_damaged)
{
	for (int i = 0; i < 3; i++)
		session(2, 5, 300);
	read_clean();
	for (uint64_t number = 1; number <= 3; number++) {
		unsigned char *before;
		size_t bytes;

		before = shadow_bytes(name_of(number), &bytes);
		cr_assert_not_null(before);
		before = memcpy(malloc(bytes), before, bytes);
		shadow_put(name_of(number), "", 0);
		read_again();
		cr_expect_geq(report.damage_count, 1, "file %" PRIu64, number);
		cr_expect_eq(report.damage[0].file, number);
		shadow_put(name_of(number), before, bytes);
		free(before);
	}
}

/* Which frame has this byte, among those that were found clean and those without records. */
static bool frame_at(uint64_t number, size_t at, size_t *ret_offset)
{
	size_t offset = FORMAT_PAGE, bytes;
	unsigned char *file = shadow_bytes(name_of(number), &bytes);

	while (offset < bytes) {
		const struct format_frame *frame = (const void *)(file + offset);

		if (format_frame_check(frame, bytes - offset, format_seed(77, number), number) != FORMAT_SOUND)
			return false;
		if (at >= offset && at < offset + frame->bytes) {
			*ret_offset = offset;
			return true;
		}
		offset += format_pages(frame->bytes);
	}
	return false;
}

static bool is_in_head(size_t at)
{
	return at % FORMAT_SECOND_HEAD < sizeof(struct format_file) && at < FORMAT_PAGE;
}

/* Found is clean without the records of one frame. */
static void expect_without(uint64_t number, size_t offset, size_t at)
{
	size_t lost = 0;

	for (size_t i = 0; i < clean.count; i++) {
		const struct log_entry *entry = &clean.entries[i];

		if (entry->file == number && entry->offset == offset)
			lost++;
		else
			cr_assert(i - lost < found.count && entry->sum == found.entries[i - lost].sum,
				  "file %lu byte %zu", number, at);
	}
	cr_assert_eq(found.count, clean.count - lost, "file %lu byte %zu", number, at);
}

static void expect_damage(uint64_t number, size_t offset, size_t at, uint64_t frames)
{
	cr_assert_eq(report.damage_count, 1, "file %lu byte %zu", number, at);
	cr_assert(report.damage[0].file == number && report.damage[0].offset == offset, "file %lu byte %zu", number,
		  at);
	cr_assert_eq(report.lost_frames, frames, "file %lu byte %zu", number, at);
}

static void flip(uint64_t number, size_t at, uint64_t last_offset, uint64_t last_file)
{
	size_t offset;
	bool is_frame = frame_at(number, at, &offset);
	unsigned char bit = (unsigned char)(1 << random_next(&writer.random) % 8);

	file_of(number)[at] ^= bit;
	read_again();
	file_of(number)[at] ^= bit;
	if (is_frame && !(number == last_file && offset == last_offset)) {
		expect_damage(number, offset, at, 1);
		expect_without(number, offset, at);
		return;
	}
	if (is_in_head(at))
		expect_damage(number, at - at % FORMAT_SECOND_HEAD, at, 0);
	else
		cr_assert_eq(report.damage_count, 0, "file %lu byte %zu", number, at);
	/* The last frame is a note that has no records. */
	cr_assert(found.count == clean.count && log_is_same(&found, &clean, clean.count), "file %lu byte %zu",
		  number, at);
}

/* Every so many bytes of all that was written. */
static void flip_all(size_t step)
{
	uint64_t last_file, last_offset = 0, flips = 0;

	read_clean();
	last_file = report.next_file - 1;
	for (size_t at = FORMAT_PAGE, offset; frame_at(last_file, at, &offset); at += FORMAT_PAGE)
		last_offset = offset;
	for (uint64_t number = 1; number <= last_file; number++) {
		size_t bytes;

		shadow_bytes(name_of(number), &bytes);
		if (number == last_file)
			bytes = last_offset + FORMAT_PAGE + 64;
		for (size_t at = 0; at < bytes; at += step, flips++)
			flip(number, at, last_offset, last_file);
	}
	tally("journal_flips", flips);
}

EACH(a_flipped_bit_in_any_byte_loses_just_the_frame_it_lies_in_and_is_said)
{
	session(5, 5, 300);
	flip_all(1);
}

EACH(also_in_several_files_and_in_turns_of_several_frames)
{
	session(3, 5, 300);
	session(1, 60, 4000);
	session(2, 5, 300);
	cr_assert_gt(report.next_file, 2);
	flip_all(61);
}

EACH(damage_to_the_last_turn_passes_for_a_torn_write_until_the_journal_is_closed)
{
	size_t acknowledged;

	open_again();
	turns(3, 5, 300);
	acknowledged = written.count;
	turns(1, 5, 300);
	file_of(1)[4 * FORMAT_PAGE + 100] ^= 1;
	read_again();
	cr_expect(found.count == acknowledged && report.damage_count == 0);
	cr_expect(report.cut_file == 1 && report.cut_offset == 4 * FORMAT_PAGE && report.cut_frames == 1);
	cr_assert_eq(journal_close(writer.journal), 0);
	read_again();
	cr_expect(found.count == acknowledged && report.damage_count == 1 && report.lost_frames == 1);
	cr_expect_eq(report.damage[0].fault, FORMAT_BAD_CRC);
	cr_expect_eq(report.cut_file, 0);
	cr_expect_eq(report.next_lsn, 6);
}

EACH(the_rest_of_a_damaged_turn_is_handed_on_and_marked)
{
	struct journal_options options = {.journal_id = 77, .file_bytes = 8 << 20};
	size_t marked = 0;

	cr_assert_eq(log_writer_open(&writer, &options), 0);
	turns(1, 300, 20000);
	turns(2, 5, 500);
	cr_assert_eq(journal_close(writer.journal), 0);
	read_clean();
	file_of(1)[clean.entries[100].offset + 20] ^= 1;
	read_again();
	expect_damage(1, clean.entries[100].offset, 0, 1);
	expect_without(1, clean.entries[100].offset, 0);
	for (size_t i = 0; i < found.count; i++) {
		marked += found.entries[i].is_damaged;
		if (found.entries[i].turn > 1)
			cr_expect_not(found.entries[i].is_damaged);
	}
	cr_expect_gt(marked, 100);
}

/* Whose the missing frame was is not known. */
EACH(a_turn_that_may_lack_its_beginning_is_marked)
{
	struct journal_options options = {.journal_id = 77, .file_bytes = 8 << 20};
	size_t last = 0;

	cr_assert_eq(log_writer_open(&writer, &options), 0);
	turns(1, 300, 20000);
	turns(2, 5, 500);
	cr_assert_eq(journal_close(writer.journal), 0);
	read_clean();
	while (clean.entries[last + 1].turn == 1)
		last++;
	file_of(1)[clean.entries[last].offset + 20] ^= 1; /* the end of turn 1 */
	read_again();
	expect_damage(1, clean.entries[last].offset, 0, 1);
	for (size_t i = 0; i < found.count; i++)
		cr_expect_eq(found.entries[i].is_damaged, found.entries[i].turn <= 2);
}

EACH(a_file_that_is_gone_is_damage_named_by_its_place)
{
	session(1, 5, 300);
	session(3, 5, 300);
	session(1, 5, 300);
	read_clean();
	shadow_remove("journal-0000000002");
	read_again();
	cr_expect_eq(report.damage_count, 1);
	cr_expect(report.damage[0].file == 1 && report.damage[0].fault == FORMAT_MISSING);
	cr_expect(report.damage[0].first_lsn == 3 && report.lost_frames == 4, "three turns and a note");
	cr_expect(log_is_part(&found, &clean));
	for (size_t i = 0; i < clean.count; i++)
		if (clean.entries[i].file == 2)
			found.count++;
	cr_expect_eq(found.count, clean.count);
}

EACH(a_file_that_lost_both_its_heads_is_read_all_the_same)
{
	session(3, 5, 300);
	session(3, 5, 300);
	read_clean();
	memset(file_of(2), 0xff, FORMAT_PAGE);
	read_again();
	cr_expect(found.count == clean.count && log_is_same(&found, &clean, clean.count));
	expect_damage(2, 0, 0, 0);
}

EACH(of_many_damaged_places_the_first_are_told_and_all_are_counted)
{
	struct journal_options options = {.journal_id = 77, .file_bytes = 1 << 20};

	cr_assert_eq(log_writer_open(&writer, &options), 0);
	turns(200, 2, 10);
	cr_assert_eq(journal_close(writer.journal), 0);
	for (size_t page = 2; page <= 200; page += 2)
		file_of(1)[page * FORMAT_PAGE + 70] ^= 1;
	read_again();
	cr_expect_eq(report.damage_count, 100);
	cr_expect_eq(report.lost_frames, 100);
	cr_expect_eq(report.damage[REPLAY_DAMAGE_MAX - 1].offset, (uint64_t)REPLAY_DAMAGE_MAX * 2 * FORMAT_PAGE);
}

/* ---- old frames ------------------------------------------------------------------------------- */

EACH(old_frames_of_a_file_used_again_are_not_taken_for_new_ones)
{
	uint64_t oldest_turn = UINT64_MAX;

	open_again();
	while (journal_files(writer.journal) < 3)
		turns(1, 10, 1000);
	turns(1, 1, 1);
	cr_assert_eq(journal_drop_oldest(writer.journal), 0);
	while (journal_files(writer.journal) < 3)
		turns(1, 10, 1000);
	turns(1, 1, 1);
	/* The file has a few frames of its own, and sound ones of number 1 behind them. */
	cr_assert_eq(journal_file(writer.journal), 4);
	cr_assert_eq(memcmp(file_of(4) + 10 * FORMAT_PAGE, "RLFR", 4), 0, "an old frame");
	read_again();
	for (size_t i = 0; i < found.count; i++)
		oldest_turn = found.entries[i].turn < oldest_turn ? found.entries[i].turn : oldest_turn;
	cr_expect_gt(oldest_turn, 1);
	cr_expect(report.damage_count == 0 && report.cut_file == 0);
	cr_expect(log_is_part(&found, &written));
	/* Nor where it would just fit: over the place of the next frame. */
	memcpy(file_of(4) + 4 * FORMAT_PAGE, file_of(4) + 10 * FORMAT_PAGE, FORMAT_PAGE);
	read_again();
	cr_expect(log_is_part(&found, &written));
	journal_close(writer.journal);
}

EACH(a_copy_of_a_file_in_the_body_of_a_message_is_not_read)
{
	unsigned char *body;

	open_again();
	turns(3, 5, 300);
	body = log_write_message(&writer, 40000, 0);
	cr_assert(body != NULL);
	memcpy(((struct format_message *)(void *)body)->payload + FORMAT_PAGE - sizeof(struct format_frame) - 80,
	       file_of(1) + FORMAT_PAGE, 3 * FORMAT_PAGE);
	written.count--; /* its sum has changed */
	cr_assert_eq(journal_end_turn(writer.journal), 0);
	turns(2, 5, 300);
	cr_assert_eq(journal_close(writer.journal), 0);
	file_of(1)[4 * FORMAT_PAGE] ^= 1; /* so that its pages are looked at one by one */
	read_again();
	cr_expect(found.count == written.count && log_is_same(&found, &written, found.count));
	cr_expect_eq(report.lost_frames, 1);
}

/* ---- what is refused -------------------------------------------------------------------------- */

static void expect_refusal(int error, enum survey_refusal refusal, uint64_t file)
{
	cr_expect_eq(log_replay(&found, &report), error);
	cr_expect_eq(report.refusal, refusal);
	cr_expect_eq(report.at_file, file);
	cr_expect_eq(found.count, 0, "nothing is handed on before all files are known");
}

static void reseal(uint64_t number, void (*change)(struct format_file *head))
{
	for (int i = 0; i < 2; i++) {
		struct format_file *head = (void *)(file_of(number) + i * FORMAT_SECOND_HEAD);

		format_file_seal(head);
		change(head);
	}
}

static void another_journal(struct format_file *head)
{
	head->journal_id++;
	format_file_seal(head);
}

static void newer(struct format_file *head)
{
	head->major++;
	/* Its checksum: found by trying, the slow way, what the spare bytes must be is not needed; a head's CRC
	 * covers the version, so it is made by a copy of the format's own function. */
	head->crc = 0;
	for (uint32_t i = 0, crc = UINT32_MAX; i < offsetof(struct format_file, crc); i++) {
		crc ^= ((unsigned char *)head)[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
		head->crc = crc;
	}
}

EACH(a_newer_version_is_refused_by_name)
{
	session(1, 5, 300);
	session(1, 5, 300);
	reseal(2, newer);
	expect_refusal(-ENOTSUP, SURVEY_REFUSED_NEWER, 2);
}

EACH(a_file_of_another_journal_is_refused_by_name)
{
	session(1, 5, 300);
	session(1, 5, 300);
	reseal(2, another_journal);
	expect_refusal(-EXDEV, SURVEY_REFUSED_OTHER_JOURNAL, 2);
}

EACH(a_file_that_is_none_of_a_journal_is_refused_by_name)
{
	session(1, 5, 300);
	shadow_put("journal-0000000002", "dear diary\n", 11);
	expect_refusal(-EMEDIUMTYPE, SURVEY_REFUSED_ALIEN, 2);
	cr_expect_eq(report.head_number, 0);
}

EACH(a_newer_file_under_the_name_of_an_older_one_is_refused)
{
	size_t bytes;
	const unsigned char *second;

	session(1, 5, 300);
	session(1, 5, 300);
	second = shadow_bytes("journal-0000000002", &bytes);
	shadow_put("journal-0000000001", second, bytes);
	expect_refusal(-EMEDIUMTYPE, SURVEY_REFUSED_ALIEN, 1);
	cr_expect_eq(report.head_number, 2);
}

EACH(other_names_and_files_not_begun_are_passed_over)
{
	static const unsigned char zeros[FORMAT_FILE_BYTES_MIN];
	size_t bytes;
	const unsigned char *first;

	session(3, 5, 300);
	read_clean();
	first = shadow_bytes("journal-0000000001", &bytes);
	shadow_put("journal-0000000002", zeros, sizeof(zeros));
	shadow_put("journal-0000000003", first, bytes); /* renamed, not written yet */
	shadow_put("journal-0000000004", zeros, FORMAT_PAGE);
	shadow_put("journal-spare", "x", 1);
	shadow_put("lost+found", "", 0);
	read_clean();
	cr_expect_eq(report.next_file, 5);
	session(3, 5, 300);
	read_clean();
}

EACH(a_disk_that_cannot_be_read_is_said)
{
	static const unsigned calls[] = {SHADOW_LIST, SHADOW_OPEN, SHADOW_READ, SHADOW_LENGTH};

	session(3, 5, 300);
	session(3, 5, 300);
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		for (int n = 1;; n++) {
			int error;

			shadow_fail(calls[i], n, -EIO, false);
			error = log_replay(&found, &report);
			cr_expect_eq(error, shadow_has_failed() ? -EIO : 0);
			if (error && calls[i] != SHADOW_LIST)
				cr_expect_gt(report.at_file, 0);
			if (!shadow_has_failed())
				break;
		}
}

static int refuse_third(void *context, const struct replay_place *place, const struct format_record *record)
{
	(void)place;
	(void)record;
	return ++*(int *)context == 3 ? -EXFULL : 0;
}

EACH(ends_with_what_a_call_answers)
{
	int count = 0;
	struct replay_calls calls = {.record = refuse_third, .context = &count};

	session(3, 5, 300);
	cr_expect_eq(replay(&shadow_disk, SHADOW_FOLDER, &calls, &report), -EXFULL);
	cr_expect_eq(count, 3);
	cr_expect_eq(replay(&shadow_disk, SHADOW_FOLDER, NULL, &report), 0);
	cr_expect_eq(report.records, written.count);
}

/* ---- anything --------------------------------------------------------------------------------- */

static void begin_some(void)
{
	setup();
	session(4, 5, 600);
	session(1, 30, 4000);
	session(4, 5, 600);
}

static bool damage(void)
{
	bool is_of_disk = true;
	int count = 1 + (int)(random_next(&writer.random) >> 60);

	for (int i = 0; i < count; i++) {
		uint64_t bytes = random_next(&writer.random);

		is_of_disk = log_damage((const void *)&bytes) && is_of_disk;
	}
	return is_of_disk;
}

/* After any damage: no crash; nothing is made up; and a new writer's turns are all there. */
EACH(no_damage_makes_anything_up_or_keeps_a_new_writer_from_going_on)
{
	uint64_t random = test_seed(20);
	size_t before, went_on = 0;

	for (int round = 0; round < 400; round++) {
		bool is_of_disk;

		begin_some();
		writer.random = random += 1000;
		is_of_disk = damage();
		if (log_replay(&found, &report) != 0)
			continue;
		if (!is_of_disk)
			continue;
		cr_assert(log_is_part(&found, &written), "seed %lu", random);
		before = written.count;
		session(3, 4, 400);
		cr_assert_eq(log_replay(&found, &report), 0, "seed %lu", random);
		cr_assert_geq(found.count, written.count - before, "seed %lu", random);
		for (size_t i = 1; i <= written.count - before; i++)
			cr_assert_eq(found.entries[found.count - i].sum, written.entries[written.count - i].sum,
				     "seed %lu", random);
		went_on++;
	}
	cr_expect_gt(went_on, 100);
}
