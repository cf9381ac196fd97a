/* Encrypted journals: written, read, altered, without their key, and beside plain files. */
#include "daemon/copy.h"
#include "daemon/inspect.h"
#include "tests/support/arguments.h"
#include "tests/support/journal_log.h"
#include "tests/support/shadow_disk.h"
#include "tests/support/tmpdir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct journal_log written, clean, found;
static struct log_writer writer;
static struct replay_report report;
static char folder[TMPDIR_BYTES];

static void setup(void)
{
	tmpdir_make(folder);
	shadow_begin();
	writer = (struct log_writer){.log = &written, .random = test_seed(4711), .queues = 2};
	written.count = 0;
}

static void teardown(void)
{
	keys_close(log_keys);
	log_clear(&written);
	log_clear(&clean);
	log_clear(&found);
	shadow_end();
	tmpdir_empty(folder);
	tmpdir_remove(folder);
}

TestSuite(encrypted, .init = setup, .fini = teardown, .timeout = 120);

/* ---- keys ------------------------------------------------------------------------------------- */

/* Path of a file with a key that `digit` names; it serves until the next call but three. */
static const char *key_file(char digit)
{
	static char paths[4][TMPDIR_BYTES + 8];
	static int made;
	char *path = paths[made++ % 4], text[64];
	int fd;

	snprintf(path, sizeof(paths[0]), "%s/%c", folder, digit);
	memset(text, digit, sizeof(text));
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	cr_assert_eq(write(fd, text, sizeof(text)), 64);
	close(fd);
	return path;
}

/* From now on files are written with the key `current` (0: plain), and those under `old` can be read besides. */
static void use_keys(char current, const char *old)
{
	const char *sources[4] = {NULL};
	char why[200];

	keys_close(log_keys);
	for (size_t i = 0; old[i]; i++)
		sources[i] = key_file(old[i]);
	cr_assert_eq(keys_open(current ? key_file(current) : NULL, sources, &log_keys, why, sizeof(why)), 0, "%s",
		     why);
}

static uint64_t id_of(char digit)
{
	struct keys *keys;
	char why[200];
	uint64_t id;

	cr_assert_eq(keys_open(key_file(digit), NULL, &keys, why, sizeof(why)), 0);
	id = keys_current(keys)->id;
	keys_close(keys);
	return id;
}

/* ---- writing and reading ---------------------------------------------------------------------- */

static void session(int turns, int records, size_t bytes_max)
{
	struct journal_options options;

	cr_assert_eq(log_replay(&found, &report), 0);
	options = log_options(&report);
	cr_assert_eq(log_writer_open(&writer, &options), 0);
	for (int i = 0; i < turns; i++)
		cr_assert_eq(log_write_turn(&writer, records, bytes_max), 0);
	cr_assert_eq(journal_close(writer.journal), 0);
}

static void read_clean(void)
{
	cr_assert_eq(log_replay(&clean, &report), 0);
	cr_assert(clean.count == written.count && log_is_same(&clean, &written, written.count));
	cr_assert(report.damage_count == 0 && report.cut_file == 0);
}

static unsigned char *file_of(uint64_t number, size_t *ret_bytes)
{
	char name[FORMAT_FILE_NAME_BYTES];
	unsigned char *bytes;

	format_file_name(number, name);
	bytes = shadow_bytes(name, ret_bytes);
	cr_assert_not_null(bytes);
	return bytes;
}

static bool is_on_disk(const char *name, const char *text)
{
	size_t bytes;
	const unsigned char *file = shadow_bytes(name, &bytes);

	return file && memmem(file, bytes, text, strlen(text));
}

/* One turn with this text as a body and as an attribute. */
static void write_text(const char *text)
{
	struct format_message message = {
		.number = 1, .body_bytes = (uint32_t)strlen(text), .extra_bytes = (uint32_t)strlen(text)};
	struct journal_options options;
	unsigned char *room;

	cr_assert_eq(log_replay(&found, &report), 0);
	options = log_options(&report);
	cr_assert_eq(log_writer_open(&writer, &options), 0);
	room = journal_reserve(writer.journal, format_message_bytes(message.body_bytes, message.extra_bytes));
	room = format_message_put(room, &message)->payload;
	memcpy(room, text, strlen(text));
	memcpy(room + strlen(text), text, strlen(text));
	cr_assert_eq(journal_end_turn(writer.journal), 0);
}

Test(encrypted, all_comes_back, .description = "turns of one frame and of several, several files, large records")
{
	use_keys('a', "");
	session(5, 5, 300);
	session(1, 60, 4000);
	session(2, 1, 200000);
	session(0, 0, 0);
	read_clean();
	cr_expect_gt(report.files, 3);
}

Test(encrypted, a_body_is_found_in_no_file_and_a_queue_is)
{
	use_keys('a', "");
	write_text("nobody shall read this");
	cr_expect_not(is_on_disk("journal-0000000001", "nobody"));
	cr_expect(is_on_disk("journal-0000000001", "queue-1"));
	journal_close(writer.journal);
	use_keys(0, "a");
	write_text("everybody may read this");
	cr_expect(is_on_disk("journal-0000000002", "everybody"), "the test's own");
	journal_close(writer.journal);
}

Test(encrypted, each_file_has_a_key_of_its_own)
{
	const struct format_file *first, *second;

	use_keys('a', "");
	session(1, 5, 300);
	session(1, 5, 300);
	first = (const void *)file_of(1, NULL);
	second = (const void *)file_of(2, NULL);
	cr_expect(first->features == FORMAT_FILE_ENCRYPTED && second->features == FORMAT_FILE_ENCRYPTED);
	cr_expect(first->key_id == id_of('a') && second->key_id == id_of('a'));
	cr_expect_neq(memcmp(first->salt, second->salt, sizeof(first->salt)), 0);
}

/* ---- without the key -------------------------------------------------------------------------- */

static void expect_locked(uint64_t file, char wanted)
{
	uint64_t writes = shadow_calls(SHADOW_WRITE | SHADOW_CREATE | SHADOW_RENAME | SHADOW_UNLINK);

	cr_expect_eq(log_replay(&found, &report), -ENOKEY);
	cr_expect_eq(report.at_file, file);
	cr_expect_eq(report.wanted_key, id_of(wanted));
	cr_expect_eq(found.count, 0, "nothing is handed on");
	cr_expect_eq(shadow_calls(SHADOW_WRITE | SHADOW_CREATE | SHADOW_RENAME | SHADOW_UNLINK), writes);
}

Test(encrypted, without_its_key_or_with_another_one_a_journal_is_refused_by_name)
{
	use_keys('a', "");
	session(2, 5, 300);
	use_keys('b', "cd");
	expect_locked(1, 'a');
	use_keys(0, "");
	expect_locked(1, 'a');
	keys_close(log_keys);
	log_keys = NULL;
	expect_locked(1, 'a');
}

Test(encrypted, each_file_asks_for_its_key)
{
	use_keys('a', "");
	session(2, 5, 300);
	use_keys('b', "a");
	session(2, 5, 300);
	use_keys(0, "ab");
	session(2, 5, 300);
	read_clean();
	use_keys('b', "");
	expect_locked(1, 'a');
	use_keys('a', "");
	expect_locked(2, 'b');
	use_keys('c', "ba");
	read_clean();
}

Test(encrypted, a_plain_journal_becomes_encrypted_and_plain_again)
{
	session(3, 5, 300);
	use_keys('a', "");
	session(3, 5, 300);
	use_keys(0, "a");
	session(3, 5, 300);
	use_keys('a', "");
	session(3, 5, 300);
	read_clean();
	cr_expect_eq(report.files, 4);
}

Test(encrypted, what_needs_no_bodies_needs_no_key)
{
	struct inspection with, without;

	use_keys('a', "");
	session(3, 20, 3000);
	session(3, 20, 3000);
	cr_assert_eq(inspect(log_disk, log_folder, log_keys, NULL, &with), 0);
	cr_assert_eq(inspect(log_disk, log_folder, NULL, NULL, &without), 0);
	cr_expect(with.locked_files == 0 && without.locked_files == without.file_count);
	cr_expect_eq(with.files[0].key_id, id_of('a'));
	cr_expect(with.live_messages == without.live_messages && with.live_messages > 0);
	cr_expect_eq(with.report.records, without.report.records);
	cr_expect_eq(without.report.damage_count, 0);
	inspection_end(&with);
	inspection_end(&without);
}

/* ---- altered ---------------------------------------------------------------------------------- */

/* Makes the checksums right again, where there is still a frame. */
static bool seal_again(uint64_t number, size_t offset, uint32_t bytes)
{
	struct format_frame *frame = (void *)(file_of(number, NULL) + offset);
	uint32_t seed = format_seed(77, number);

	if (frame->bytes != bytes)
		return false;
	format_frame_seal(frame, seed);
	return format_frame_check(frame, bytes, seed, number) == FORMAT_SOUND;
}

/* Only the records of the frame there are missing. */
static void expect_lost(uint64_t number, size_t offset, size_t at, enum format_fault fault)
{
	size_t lost = 0;

	cr_assert_eq(report.damage_count, 1, "byte %zu: %lu faults", at, (unsigned long)report.damage_count);
	cr_assert(report.damage[0].file == number && report.damage[0].offset == offset, "byte %zu", at);
	cr_assert_eq(report.damage[0].fault, fault, "byte %zu", at);
	cr_assert_eq(report.lost_frames, 1, "byte %zu", at);
	for (size_t i = 0; i < clean.count; i++) {
		const struct log_entry *entry = &clean.entries[i];

		if (entry->file == number && entry->offset == offset)
			lost++;
		else
			cr_assert(i - lost < found.count && entry->sum == found.entries[i - lost].sum, "byte %zu",
				  at);
	}
	cr_assert(lost > 0 && found.count == clean.count - lost, "byte %zu", at);
}

/* One bit of each byte of one frame among others. Returns after how many only the tag could tell. */
static size_t alter_all(uint64_t number, size_t offset, bool seals)
{
	uint32_t bytes = ((struct format_frame *)(void *)(file_of(number, NULL) + offset))->bytes;
	static unsigned char before[1 << 16];
	size_t told = 0;

	memcpy(before, file_of(number, NULL) + offset, bytes);
	for (size_t at = sizeof(struct format_frame); at < bytes; at++) {
		file_of(number, NULL)[offset + at] ^= (unsigned char)(1 << random_next(&writer.random) % 8);
		if (!seals || seal_again(number, offset, bytes)) {
			cr_assert_eq(log_replay(&found, &report), 0);
			expect_lost(number, offset, at, seals ? FORMAT_BAD_TAG : FORMAT_BAD_CRC);
			told++;
		}
		memcpy(file_of(number, NULL) + offset, before, bytes);
	}
	return told;
}

Test(encrypted, each_altered_byte_is_told_and_nothing_else_is_lost)
{
	size_t offset = FORMAT_PAGE;

	use_keys('a', "");
	session(2, 3, 100);
	session(3, 40, 200); /* so many that not all are short, whatever is drawn */
	read_clean();
	offset += format_pages(((struct format_frame *)(void *)(file_of(2, NULL) + offset))->bytes);
	cr_expect_gt(alter_all(2, offset, false), 200, "a bit that fell over");
	cr_expect_gt(alter_all(2, offset, true), 200, "with the checksums made right again");
	read_clean();
}

static void copy_frame(uint64_t from, size_t from_offset, uint64_t to, size_t to_offset)
{
	size_t bytes;
	const unsigned char *source = file_of(from, &bytes);

	memcpy(file_of(to, NULL) + to_offset, source + from_offset, FORMAT_PAGE);
}

Test(encrypted, a_frame_of_another_file_or_place_is_told)
{
	struct format_frame *there;
	uint64_t lsn;

	use_keys('a', "");
	session(3, 3, 100);
	session(3, 3, 100);
	read_clean();
	there = (void *)(file_of(2, NULL) + 2 * FORMAT_PAGE);
	lsn = there->lsn;
	copy_frame(2, 3 * FORMAT_PAGE, 2, 2 * FORMAT_PAGE);
	there->lsn = lsn;
	there->turn--;
	there->durable = lsn - 1;
	cr_assert(seal_again(2, 2 * FORMAT_PAGE, there->bytes));
	cr_assert_eq(log_replay(&found, &report), 0);
	expect_lost(2, 2 * FORMAT_PAGE, 0, FORMAT_BAD_TAG);
}

/* As somebody who hopes that what is no longer called encrypted is taken for plain. */
Test(encrypted, encrypted_frames_in_a_file_that_is_called_plain_are_told)
{
	use_keys('a', "");
	session(2, 3, 100);
	session(1, 3, 100);
	for (int i = 0; i < 2; i++) {
		struct format_file *head = (void *)(file_of(1, NULL) + i * FORMAT_SECOND_HEAD);

		head->features = 0;
		format_file_seal(head);
	}
	cr_assert_eq(log_replay(&found, &report), 0);
	cr_expect_eq(report.damage_count, 3, "two turns and the note of the end");
	for (size_t i = 0; i < found.count; i++)
		cr_expect_eq(found.entries[i].file, 2, "not one record of it");
}

/* As somebody who has no key, and adds what he likes. */
Test(encrypted, a_plain_frame_in_an_encrypted_file_is_told)
{
	struct format_frame *frame;

	use_keys('a', "");
	session(3, 3, 100);
	read_clean();
	frame = (void *)(file_of(1, NULL) + 2 * FORMAT_PAGE);
	frame->flags &= ~(uint32_t)FORMAT_ENCRYPTED;
	frame->bytes -= (uint32_t)sizeof(struct format_tag);
	frame->count--;
	cr_assert(seal_again(1, 2 * FORMAT_PAGE, frame->bytes));
	cr_assert_eq(log_replay(&found, &report), 0);
	expect_lost(1, 2 * FORMAT_PAGE, 0, FORMAT_BAD_TAG);
}

Test(encrypted, a_file_whose_heads_are_both_damaged_is_lost_by_name)
{
	struct inspection inspection;

	use_keys('a', "");
	session(2, 3, 100);
	session(2, 3, 100);
	file_of(1, NULL)[10] ^= 1;
	cr_assert_eq(log_replay(&found, &report), 0);
	cr_expect(report.damage_count == 1 && found.count == written.count, "one of them does");
	file_of(1, NULL)[FORMAT_SECOND_HEAD + 100] ^= 1;
	cr_assert_eq(log_replay(&found, &report), 0);
	cr_expect_eq(report.lost_frames, 3);
	cr_expect_eq(report.damage[1].fault, FORMAT_NO_SALT);
	for (size_t i = 0; i < found.count; i++)
		cr_expect_eq(found.entries[i].file, 2);
	cr_assert_eq(inspect(log_disk, log_folder, NULL, NULL, &inspection), 0);
	cr_expect_eq(inspection.report.lost_frames, 0, "without a key only checksums are compared");
	inspection_end(&inspection);
}

/* ---- what is used again ----------------------------------------------------------------------- */

/* The oldest file is dropped; is its name's place taken by a spare one? */
static bool is_used_again(void)
{
	cr_assert_eq(journal_drop_oldest(writer.journal), 0);
	return shadow_bytes("journal-spare", NULL) != NULL;
}

Test(encrypted, a_file_that_was_plain_is_not_used_again)
{
	write_text("everybody may read this");
	cr_assert_eq(journal_close(writer.journal), 0);
	use_keys('a', "");
	write_text("nobody shall read this");
	cr_expect_not(is_used_again());
	journal_close(writer.journal);
	write_text("nobody shall read this");
	cr_expect(is_used_again(), "one that was encrypted is");
	journal_close(writer.journal);
}

Test(encrypted, nor_is_a_spare_one_that_was_plain)
{
	write_text("everybody may read this");
	journal_close(writer.journal);
	write_text("everybody may read this");
	cr_assert(is_used_again());
	journal_close(writer.journal);
	cr_assert(is_on_disk("journal-spare", "everybody"), "it keeps its bytes");
	use_keys('a', "");
	write_text("nobody shall read this");
	cr_expect_null(shadow_bytes("journal-spare", NULL));
	cr_expect_not(is_on_disk("journal-0000000003", "everybody"));
	cr_assert_eq(journal_prepare(writer.journal, 1), 0);
	cr_expect_not(is_on_disk("journal-spare", "everybody"), "zeros");
	journal_close(writer.journal);
	write_text("nobody shall read this");
	cr_expect_not_null(shadow_bytes("journal-0000000004", NULL));
	journal_close(writer.journal);
}
