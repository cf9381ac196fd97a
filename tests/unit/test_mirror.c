/* Which of two folders has what was acknowledged, how the other one gets it, and what is refused. */
#include "daemon/mirror.h"

#include "daemon/files.h"
#include "daemon/journal.h"
#include "daemon/mirror_fill.h"
#include "daemon/mirror_judge.h"
#include "daemon/replay.h"
#include "tests/support/second_disk.h"
#include "tests/support/tmpdir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TURNS = 40, DROP_EVERY = 9 };

static char first_path[TMPDIR_BYTES], second_path[TMPDIR_BYTES], said[4096];

static void set_up(void)
{
	shadow_begin();
	second_begin();
	tmpdir_make(first_path);
	tmpdir_make(second_path);
	said[0] = '\0';
}

static void tear_down(void)
{
	shadow_end();
	second_end();
	tmpdir_empty(first_path);
	tmpdir_empty(second_path);
	tmpdir_remove(first_path);
	tmpdir_remove(second_path);
}

TestSuite(mirror, .init = set_up, .fini = tear_down, .timeout = 60);

/* ---- judging ---------------------------------------------------------------------------------- */

enum { EMPTY = -1, PLAIN = 0 }; /* else a state */

struct row {
	int first;
	uint64_t generation, pairing;
	int second;
	uint64_t second_generation, second_pairing;
	enum mirror_verdict verdict;
};

static struct standing_look look_of(int kind, uint64_t generation, uint64_t pairing)
{
	return (struct standing_look){
		.has_files = kind != EMPTY,
		.standing = {.state = kind > 0 ? (uint32_t)kind : 0, .generation = generation, .pairing = pairing}};
}

static const struct row rows[] = {
	/* One that is new. */
	{EMPTY, 0, 0, EMPTY, 0, 0, MIRROR_FILL_SECOND},
	{PLAIN, 0, 0, EMPTY, 0, 0, MIRROR_FILL_SECOND},
	{STANDING_SINGLE, 0, 0, EMPTY, 0, 0, MIRROR_FILL_SECOND},
	{PLAIN, 0, 0, STANDING_STALE, 0, 1, MIRROR_FILL_SECOND},
	{EMPTY, 0, 0, STANDING_STALE, 0, 0, MIRROR_FILL_SECOND},
	{EMPTY, 0, 0, STANDING_STALE, 0, 1, MIRROR_BOTH_STALE},
	/* A second one that has something of its own. */
	{EMPTY, 0, 0, PLAIN, 0, 0, MIRROR_NOT_ITS_OWN},
	{PLAIN, 0, 0, PLAIN, 0, 0, MIRROR_NOT_ITS_OWN},
	{PLAIN, 0, 0, STANDING_PAIRED, 1, 7, MIRROR_NOT_ITS_OWN},
	{PLAIN, 0, 0, STANDING_ALONE, 1, 7, MIRROR_NOT_ITS_OWN},
	{STANDING_PAIRED, 1, 7, STANDING_SINGLE, 0, 0, MIRROR_NOT_ITS_OWN},
	/* One that is empty. */
	{STANDING_PAIRED, 1, 7, EMPTY, 0, 0, MIRROR_SECOND_MISSING},
	{STANDING_ALONE, 1, 7, EMPTY, 0, 0, MIRROR_FILL_SECOND},
	{STANDING_STALE, 1, 7, EMPTY, 0, 0, MIRROR_BOTH_STALE},
	{EMPTY, 0, 0, STANDING_PAIRED, 1, 7, MIRROR_FIRST_MISSING},
	{EMPTY, 0, 0, STANDING_ALONE, 1, 7, MIRROR_FILL_FIRST},
	/* Both have been a pair. */
	{STANDING_PAIRED, 1, 7, STANDING_PAIRED, 1, 7, MIRROR_IN_STEP},
	{STANDING_PAIRED, 1, 7, STANDING_PAIRED, 1, 9, MIRROR_DIVERGED},
	{STANDING_PAIRED, 2, 9, STANDING_PAIRED, 1, 7, MIRROR_FILL_SECOND},
	{STANDING_PAIRED, 1, 7, STANDING_PAIRED, 2, 9, MIRROR_FILL_FIRST},
	{STANDING_ALONE, 1, 7, STANDING_PAIRED, 1, 7, MIRROR_FILL_SECOND},
	{STANDING_PAIRED, 1, 7, STANDING_ALONE, 1, 7, MIRROR_FILL_FIRST},
	{STANDING_ALONE, 1, 7, STANDING_PAIRED, 1, 9, MIRROR_DIVERGED},
	{STANDING_ALONE, 1, 7, STANDING_PAIRED, 2, 9, MIRROR_DIVERGED},
	{STANDING_ALONE, 2, 9, STANDING_PAIRED, 1, 7, MIRROR_FILL_SECOND},
	{STANDING_ALONE, 1, 7, STANDING_ALONE, 1, 7, MIRROR_DIVERGED},
	{STANDING_ALONE, 2, 9, STANDING_ALONE, 1, 7, MIRROR_DIVERGED},
	{STANDING_ALONE, 1, 7, STANDING_STALE, 1, 7, MIRROR_FILL_SECOND},
	{STANDING_STALE, 1, 7, STANDING_ALONE, 1, 7, MIRROR_FILL_FIRST},
	{STANDING_PAIRED, 2, 9, STANDING_STALE, 1, 1, MIRROR_FILL_SECOND},
	{STANDING_PAIRED, 1, 7, STANDING_STALE, 2, 9, MIRROR_BOTH_STALE},
	{STANDING_STALE, 1, 7, STANDING_STALE, 1, 7, MIRROR_BOTH_STALE},
};

Test(mirror, the_one_that_has_what_was_acknowledged_is_known)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];
		struct standing_look first = look_of(row->first, row->generation, row->pairing);
		struct standing_look second = look_of(row->second, row->second_generation, row->second_pairing);

		cr_expect_eq(mirror_judge(&first, &second), row->verdict, "row %zu: %d", i,
			     (int)mirror_judge(&first, &second));
		first.journal_id = 1;
		second.journal_id = 2;
		if (row->pairing != row->second_pairing)
			cr_expect_eq(mirror_judge(&first, &second), MIRROR_NOT_ITS_OWN, "two journals");
		else
			cr_expect_eq(mirror_judge(&first, &second), row->verdict, "begun anew on one side");
	}
}

Test(mirror, one_alone_is_current_unless_it_says_otherwise)
{
	const int current[] = {EMPTY, PLAIN, STANDING_SINGLE, STANDING_ALONE};
	struct standing_look look;

	for (size_t i = 0; i < sizeof(current) / sizeof(*current); i++) {
		look = look_of(current[i], 1, 7);
		cr_expect_eq(mirror_judge_single(&look), MIRROR_CURRENT);
	}
	look = look_of(STANDING_PAIRED, 1, 7);
	cr_expect_eq(mirror_judge_single(&look), MIRROR_PERHAPS_BEHIND);
	look = look_of(STANDING_STALE, 1, 7);
	cr_expect_eq(mirror_judge_single(&look), MIRROR_BEHIND);
}

/* ---- what a folder says ----------------------------------------------------------------------- */

Test(mirror, a_standing_is_old_or_new_after_any_cut)
{
	struct standing old = {.state = STANDING_PAIRED, .generation = 3, .pairing = 5};
	struct standing new = {.state = STANDING_ALONE, .generation = 3, .pairing = 5}, got;
	bool was_cut = true, was_old = false;

	for (int calls = 0; was_cut; calls++)
		for (enum shadow_loss loss = 0; loss < SHADOW_LOSS_COUNT; loss++) {
			uint64_t random = (uint64_t)calls;
			int error;

			shadow_begin();
			cr_assert_eq(standing_write(&shadow_disk, SHADOW_FOLDER, &old), 0);
			shadow_power_for(calls);
			error = standing_write(&shadow_disk, SHADOW_FOLDER, &new);
			was_cut = shadow_is_off();
			shadow_restart(loss, &random);
			cr_assert_eq(standing_read(&shadow_disk, SHADOW_FOLDER, &got), 0, "%d calls, loss %d",
				     calls, (int)loss);
			cr_assert(got.state == STANDING_ALONE || (error && got.state == STANDING_PAIRED));
			was_old = was_old || got.state == STANDING_PAIRED;
			cr_assert_eq(got.pairing, 5);
		}
	cr_assert(was_old);
}

Test(mirror, a_standing_that_is_damaged_or_newer_says_so)
{
	struct standing standing = {.state = STANDING_PAIRED, .generation = 3};
	struct standing_look look;

	cr_assert_eq(standing_read(&shadow_disk, SHADOW_FOLDER, &standing), -ENOENT);
	standing.state = STANDING_PAIRED;
	cr_assert_eq(standing_write(&shadow_disk, SHADOW_FOLDER, &standing), 0);
	for (size_t i = 0; i < sizeof(standing); i++) {
		shadow_bytes("standing", NULL)[i] ^= 4;
		cr_assert_eq(standing_look(&shadow_disk, SHADOW_FOLDER, &look), -EBADMSG, "byte %zu", i);
		shadow_bytes("standing", NULL)[i] ^= 4;
	}
	cr_assert_eq(standing_look(&shadow_disk, SHADOW_FOLDER, &look), 0);
	shadow_put("standing", &standing, 100);
	cr_assert_eq(standing_look(&shadow_disk, SHADOW_FOLDER, &look), -EBADMSG);
}

/* ---- a journal to be filled from -------------------------------------------------------------- */

static void write_journal(const struct os_disk *disk, const unsigned char machine_id[16])
{
	struct journal_options options = {.file_bytes = FORMAT_FILE_BYTES_MIN, .frame_bytes = 8192};
	struct journal *journal;

	memcpy(options.machine_id, machine_id, sizeof(options.machine_id));
	cr_assert_eq(journal_open(disk, SHADOW_FOLDER, &options, &journal), 0);
	for (uint64_t i = 1; i <= TURNS; i++) {
		const struct format_message message = {.number = i, .queue = 1, .body_bytes = 9000};
		unsigned char *room = journal_reserve(journal, format_message_bytes(9000, 0));

		cr_assert_not_null(room);
		memset(format_message_put(room, &message)->payload, (int)i, 9000);
		cr_assert_eq(journal_end_turn(journal), 0);
		if (i % DROP_EVERY == 0)
			journal_drop_oldest(journal);
	}
	cr_assert_eq(journal_close(journal), 0);
}

static const unsigned char nobody[16], here[16] = {1, 2, 3};

static int count_name(void *context, const char *name)
{
	++*(int *)context;
	(void)name;
	return 0;
}

static int same_file(void *context, const char *name)
{
	size_t bytes, second_bytes_count;
	const unsigned char *one = shadow_bytes(name, &bytes), *other = second_bytes(name, &second_bytes_count);

	(void)context;
	cr_assert_not_null(other, "%s is missing", name);
	cr_assert_eq(bytes, second_bytes_count, "%s", name);
	cr_assert_eq(memcmp(one, other, bytes), 0, "%s", name);
	return 0;
}

static void expect_same(void)
{
	int first = 0, second = 0;

	cr_assert_eq(shadow_disk.list(SHADOW_FOLDER, same_file, NULL), 0);
	shadow_disk.list(SHADOW_FOLDER, count_name, &first);
	second_disk.list(SHADOW_FOLDER, count_name, &second);
	cr_assert_eq(first, second);
	cr_assert_gt(first, 3);
}

static const struct mirror_fill filling = {
	.from_disk = &shadow_disk, .to_disk = &second_disk, .from = SHADOW_FOLDER, .to = SHADOW_FOLDER};

Test(mirror, filling_makes_it_the_same_after_any_cut)
{
	bool was_cut = true;

	for (int calls = 0; was_cut; calls++) {
		uint64_t random = (uint64_t)calls;

		shadow_begin();
		second_begin();
		write_journal(&shadow_disk, nobody);
		second_put("journal-0000000099", "old", 3);
		second_put("journal-new", "old", 3);
		second_power_for(calls);
		mirror_fill_anew(&filling);
		was_cut = second_is_off();
		second_restart(SHADOW_LOSE_SOME, &random);
		cr_assert_eq(mirror_fill_anew(&filling), 0);
		second_restart(SHADOW_LOSE_ALL, &random);
		expect_same();
	}
}

static unsigned char *last_file(unsigned char *(*bytes_of)(const char *name, size_t *ret_bytes))
{
	unsigned char *last = NULL;

	for (uint64_t number = 1; number < 90; number++) {
		char name[FORMAT_FILE_NAME_BYTES];
		unsigned char *bytes;

		format_file_name(number, name);
		bytes = bytes_of(name, NULL);
		last = bytes ? bytes : last;
	}
	cr_assert_not_null(last);
	return last;
}

Test(mirror, only_the_end_and_names_are_made_the_same_of_a_pair)
{
	uint64_t writes;

	write_journal(&shadow_disk, nobody);
	cr_assert_eq(mirror_fill_anew(&filling), 0);
	writes = second_calls(SHADOW_WRITE);
	cr_assert_eq(mirror_fill_end(&filling), 0);
	cr_assert_eq(second_calls(SHADOW_WRITE), writes, "they are the same");
	second_put("journal-0000000099", "begun on one side", 17);
	second_remove("journal-0000000004");
	last_file(second_bytes)[4096] ^= 1;
	cr_assert_eq(mirror_fill_end(&filling), 0);
	expect_same();
	cr_assert_leq(second_calls(SHADOW_WRITE) - writes, 2, "files of 64 KiB, one piece each");
	second_put("journal-spare", "of one side", 11);
	cr_assert_eq(mirror_fill_end(&filling), 0);
	expect_same();
	shadow_put("journal-spare", "encrypted", 9);
	second_put("journal-spare", "was plain", 9);
	cr_assert_eq(mirror_fill_end(&filling), 0);
	expect_same();
}

Test(mirror, spare_files_stay_where_both_have_them)
{
	write_journal(&shadow_disk, nobody);
	cr_assert_eq(mirror_fill_anew(&filling), 0);
	shadow_put("journal-spare-1", "of both", 7);
	second_put("journal-spare-1", "of both", 7);
	shadow_put("journal-spare-2", "of the first", 12);
	second_put("journal-spare-3", "of the second", 13);
	shadow_put("journal-spare-63", "longer", 6);
	second_put("journal-spare-63", "short", 5);
	cr_assert_eq(mirror_fill_end(&filling), 0);
	expect_same();
	cr_expect_not_null(second_bytes("journal-spare-1", NULL));
	for (int i = 2; i < FILES_SPARES_MAX; i++) {
		char name[FORMAT_FILE_NAME_BYTES];

		files_spare_name((uint32_t)i, name);
		cr_expect_null(shadow_bytes(name, NULL), "%s", name);
		cr_expect_null(second_bytes(name, NULL), "%s", name);
	}
}

/* ---- started ---------------------------------------------------------------------------------- */

static __attribute__((format(printf, 2, 3))) void say(void *context, const char *format, ...)
{
	size_t length = strlen(said);
	va_list arguments;

	(void)context;
	va_start(arguments, format);
	vsnprintf(said + length, sizeof(said) - length, format, arguments);
	va_end(arguments);
}

static bool cannot_be_read; /* the journal, as is found out after the start */

/* Started and ended: what mirror_start() has answered. */
static int start(struct mirror_options options, bool has_second)
{
	struct mirror mirror;
	const struct os_disk *disk = &shadow_disk;
	int folder = SHADOW_FOLDER, error;

	options.path = has_second ? second_path : NULL;
	options.disk = &second_disk;
	options.say = say;
	said[0] = '\0';
	error = mirror_start(&mirror, &options, first_path, &disk, &folder);
	if (!error && !cannot_be_read)
		error = mirror_adopt(&mirror);
	if (folder >= 0)
		disk->close(folder);
	mirror_end(&mirror);
	return error;
}

static uint64_t faults_on(const struct os_disk *disk)
{
	struct replay_report report;

	cr_assert_eq(replay(disk, SHADOW_FOLDER, NULL, &report), 0);
	cr_assert_gt(report.turns, 0);
	return report.damage_count;
}

Test(mirror, what_one_disk_has_spoiled_comes_from_the_other)
{
	unsigned char *(*const bytes_of[])(const char *, size_t *) = {shadow_bytes, second_bytes};

	for (int side = 0; side < 2; side++) {
		shadow_begin();
		second_begin();
		write_journal(&shadow_disk, nobody);
		cr_assert_eq(start((struct mirror_options){0}, true), 0, "%s", said);
		bytes_of[side]("journal-0000000005", NULL)[9000] ^= 1;
		bytes_of[side]("journal-0000000007", NULL)[4096 + 100] ^= 1;
		cr_assert_gt(faults_on(side == 0 ? &shadow_disk : &second_disk), 0);
		cr_assert_eq(start((struct mirror_options){0}, true), 0, "%s", said);
		cr_assert_eq(faults_on(&shadow_disk), 0);
		if (side == 0)
			cr_assert(strstr(said, "DAMAGE, which its mirror does not have"), "%s", said);
	}
}

Test(mirror, filling_ends_when_the_engine_is_stopped)
{
	atomic_bool is_stopped = true;
	struct standing standing;

	write_journal(&shadow_disk, nobody);
	cr_assert_eq(start((struct mirror_options){.is_stopped = &is_stopped}, true), -ECANCELED);
	cr_assert_eq(standing_read(&second_disk, SHADOW_FOLDER, &standing), 0);
	cr_assert_eq(standing.state, STANDING_STALE);
	cr_assert_eq(start((struct mirror_options){0}, true), 0);
	cr_assert_eq(standing_read(&second_disk, SHADOW_FOLDER, &standing), 0);
	cr_assert_eq(standing.state, STANDING_PAIRED);
	cr_assert_eq(faults_on(&second_disk), 0);
}

Test(mirror, a_journal_of_another_machine_is_refused_until_it_is_adopted)
{
	setenv("RINGLEASE_MACHINE_ID", "ffffffffffffffffffffffffffffffff", 1);
	write_journal(&shadow_disk, here);
	cr_assert_eq(start((struct mirror_options){0}, false), -EPERM);
	cr_assert(strstr(said, "--adopt"), "%s", said);
	cannot_be_read = true;
	cr_assert_eq(start((struct mirror_options){.adopt = true}, false), 0);
	cannot_be_read = false;
	cr_assert_eq(start((struct mirror_options){0}, false), -EPERM, "not before it was read");
	cr_assert_eq(start((struct mirror_options){.adopt = true}, false), 0);
	cr_assert_eq(start((struct mirror_options){0}, false), 0, "for good, though nothing was written");
	setenv("RINGLEASE_MACHINE_ID", "01020300000000000000000000000000", 1);
	cr_assert_eq(start((struct mirror_options){0}, false), -EPERM, "also by the one that wrote it");
}

Test(mirror, a_machine_without_an_id_takes_any)
{
	setenv("RINGLEASE_MACHINE_ID", "00000000000000000000000000000000", 1);
	write_journal(&shadow_disk, here);
	cr_assert_eq(start((struct mirror_options){0}, false), 0);
}

/* Else the journal would be anybody's from then on. */
Test(mirror, an_id_that_is_none_is_refused)
{
	setenv("RINGLEASE_MACHINE_ID", "0102030400000000000000000000000", 1);
	write_journal(&shadow_disk, here);
	cr_assert_eq(start((struct mirror_options){0}, false), -EINVAL);
	cr_assert(strstr(said, "RINGLEASE_MACHINE_ID"), "%s", said);
}

Test(mirror, one_alone_is_taken_only_if_that_is_asked_for)
{
	struct standing standing = {0};

	write_journal(&shadow_disk, nobody);
	cr_assert_eq(start((struct mirror_options){0}, true), 0);
	cr_assert_eq(start((struct mirror_options){0}, false), -EPERM);
	cr_assert(strstr(said, "--without-mirror") && strstr(said, second_path), "%s", said);
	cr_assert_eq(start((struct mirror_options){.accept_stale = true}, false), -EPERM);
	cr_assert_eq(start((struct mirror_options){.without_mirror = true}, false), 0);
	cr_assert_eq(start((struct mirror_options){0}, false), 0, "asked for once");
	cr_assert_eq(standing_read(&shadow_disk, SHADOW_FOLDER, &standing), 0);
	standing.state = STANDING_STALE;
	cr_assert_eq(standing_write(&shadow_disk, SHADOW_FOLDER, &standing), 0);
	cr_assert_eq(start((struct mirror_options){.without_mirror = true}, false), -EPERM);
	cr_assert(strstr(said, "--accept-stale"), "%s", said);
	cr_assert_eq(start((struct mirror_options){.accept_stale = true}, false), 0);
	cr_assert_eq(standing_read(&shadow_disk, SHADOW_FOLDER, &standing), 0);
	cr_assert_eq(standing.state, STANDING_ALONE);
}
