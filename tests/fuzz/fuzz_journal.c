/* Journals that the input damages, 8 bytes a piece (tests/support/journal_log.h), or that it is: what replay hands
 * on is well-formed, and a new writer can go on after it. */
#include "tests/fuzz/fuzz.h"
#include "tests/support/journal_log.h"
#include "tests/support/shadow_disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES = 5, DAMAGE_MAX = 64 };

/* A journal of some files, written once. */
static struct {
	unsigned char *bytes;
	size_t count;
} sound[FILES];

static struct journal_log written, found;

static struct keys *open_key(bool is_current)
{
	char path[32], text[64], why[128];
	const char *old[2] = {path};
	struct keys *keys = NULL;
	int ends[2];

	memset(text, '5', sizeof(text));
	if (pipe(ends) != 0 || write(ends[1], text, sizeof(text)) != (ssize_t)sizeof(text))
		abort();
	close(ends[1]);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	if (keys_open(is_current ? path : NULL, is_current ? NULL : old, &keys, why, sizeof(why)) != 0)
		abort();
	close(ends[0]);
	return keys;
}

/* Every other file is encrypted. */
static void begin(void)
{
	struct journal_options options = {.journal_id = 77};
	struct log_writer writer = {.log = &written, .random = 1, .queues = 2};
	struct keys *to_write[2] = {open_key(false), open_key(true)};

	shadow_begin();
	for (uint64_t i = 1; i < FILES; i++) {
		struct replay_report report;

		log_keys = to_write[i % 2];
		if (log_writer_open(&writer, &options) != 0 || log_write_turn(&writer, 5, 500) != 0 ||
		    log_write_turn(&writer, 30, 3000) != 0 || journal_close(writer.journal) != 0 ||
		    log_replay(&found, &report) != 0)
			abort();
		options = log_options(&report);
	}
	for (uint64_t i = 0; i < FILES; i++) {
		char name[FORMAT_FILE_NAME_BYTES];
		const unsigned char *file;

		format_file_name(i + 1, name);
		file = shadow_bytes(name, &sound[i].count);
		sound[i].bytes = file ? malloc(sound[i].count) : NULL;
		if (sound[i].bytes)
			memcpy(sound[i].bytes, file, sound[i].count);
	}
}

static void put_sound(void)
{
	shadow_begin();
	for (uint64_t i = 0; i < FILES; i++) {
		char name[FORMAT_FILE_NAME_BYTES];

		format_file_name(i + 1, name);
		if (sound[i].bytes)
			shadow_put(name, sound[i].bytes, sound[i].count);
	}
}

static int judge(void *context, const struct replay_place *place, const struct format_record *record)
{
	(void)context;
	if (place->file == 0 || place->lsn == 0 || format_record_check(record, record->bytes) != FORMAT_SOUND)
		abort();
	return 0;
}

static void go_on(const struct replay_report *report)
{
	struct journal_options options = log_options(report);
	struct log_writer writer = {.log = &written, .random = 2, .queues = 1};

	if (report->next_lsn == 0 || report->next_turn == 0)
		abort();
	if (report->next_file > FORMAT_FILE_NUMBER_MAX)
		return;
	if (log_writer_open(&writer, &options) == 0) {
		log_write_turn(&writer, 5, 500);
		journal_close(writer.journal);
	}
	written.count = 0;
}

static void play(void)
{
	struct replay_calls calls = {.record = judge, .keys = log_keys};
	struct replay_report report;

	if (replay(&shadow_disk, SHADOW_FOLDER, &calls, &report) != 0)
		return;
	go_on(&report);
	if (replay(&shadow_disk, SHADOW_FOLDER, &calls, &report) != 0)
		abort(); /* accepted once */
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
	if (sound[0].bytes == NULL)
		begin();
	put_sound();
	for (size_t i = 0; (i + 1) * LOG_DAMAGE_BYTES <= count && i < DAMAGE_MAX; i++)
		log_damage(bytes + i * LOG_DAMAGE_BYTES);
	play();
	put_sound();
	if (count > 0)
		shadow_put("journal-0000000002", bytes, count);
	play();
	return 0;
}
