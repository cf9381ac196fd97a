/* Journals that are read and copied while they are written: files grow, go, and come back under other names between
 * any two reads. */
#include "daemon/copy.h"
#include "daemon/dump.h"
#include "daemon/inspect.h"
#include "daemon/journal.h"
#include "ringlease-engine.h"

#include "tests/support/arguments.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NUMBERS = 40, TURNS_MAX = 20000, BODY_BYTES_MAX = 6000 };

/* ---- a journal with a model of it ------------------------------------------------------------- */

static char top[64];
static int source;
static struct journal *journal;
static uint64_t chance; /* what comes next */
static uint64_t alive;	/* bit n: message n, with the turn that is not ended */
static uint64_t file_of[NUMBERS];
static uint64_t alive_after[TURNS_MAX]; /* by turn */
static uint64_t turns_ended;
static bool is_amid_turn;

static uint64_t draw(uint64_t below)
{
	return (random_next(&chance) >> 16) % below;
}

static int define(void *context, struct journal *to)
{
	struct format_queue queue = {.queue = 1, .durability = RLQ_SYNC, .capacity = 100, .name = "orders"};
	unsigned char *at = journal_reserve(to, sizeof(queue));

	(void)context;
	if (at == NULL)
		return journal_error(to);
	format_queue_put(at, &queue);
	return 0;
}

static void write_message(uint64_t number)
{
	struct format_message message = {
		.number = number, .queue = 1, .body_bytes = 1 + (uint32_t)draw(BODY_BYTES_MAX)};
	unsigned char *at = journal_reserve(journal, format_message_bytes(message.body_bytes, 0));

	cr_assert_not_null(at);
	memset(format_message_put(at, &message)->payload, 'x', message.body_bytes);
	file_of[number] = journal_file(journal);
	alive |= UINT64_C(1) << number;
}

static void write_delete(uint64_t number)
{
	unsigned char *at = journal_reserve(journal, format_delete_bytes(1));

	cr_assert_not_null(at);
	format_delete_put(at, &number, 1);
	alive &= ~(UINT64_C(1) << number);
}

static void end_turn(void)
{
	uint64_t turn = journal_turn(journal);

	cr_assert_eq(journal_end_turn(journal), 0);
	cr_assert_lt(turn, TURNS_MAX);
	is_amid_turn = false;
	if (journal_turn(journal) == turn)
		return; /* without records it is none */
	alive_after[turn] = alive;
	turns_ended = turn;
}

/* Files are of 64 KiB: some records are more than one has room for, and are written before their turn ends. */
static void some_records(void)
{
	for (uint64_t left = 1 + draw(draw(6) ? 5 : 60); left > 0; left--) {
		uint64_t number = 1 + draw(NUMBERS - 1);

		if (alive >> number & 1)
			write_delete(number);
		else
			write_message(number);
	}
	is_amid_turn = true;
}

/* Writes what lives in the oldest file again, and drops it. */
static void drop_oldest(void)
{
	uint64_t oldest = journal_oldest(journal);

	for (uint64_t number = 1; number < NUMBERS; number++)
		if (alive >> number & 1 && file_of[number] == oldest)
			write_message(number);
	end_turn();
	journal_drop_oldest(journal);
}

/* What an engine may have done between two reads. */
static void go_on(void)
{
	some_records();
	if (draw(3) == 0)
		return; /* amid a turn */
	end_turn();
	while (journal_files(journal) > 4)
		drop_oldest();
}

static int folder_make(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	cr_assert_eq(mkdir(path, 0700), 0);
	return os_disk_real.open_folder(path);
}

static void setup(void)
{
	struct journal_options options = {.file_bytes = FORMAT_FILE_BYTES_MIN, .journal_id = 99, .define = define};

	strcpy(top, "/dev/shm/ringlease-copy.XXXXXX");
	cr_assert_not_null(mkdtemp(top));
	source = folder_make("source");
	chance = 4711;
	cr_assert_eq(journal_open(&os_disk_real, source, &options, &journal), 0);
	some_records();
	end_turn();
}

static void teardown(void)
{
	char command[128];

	journal_close(journal);
	close(source);
	snprintf(command, sizeof(command), "rm -rf %s", top);
	cr_assert_eq(system(command), 0);
}

TestSuite(copy, .init = setup, .fini = teardown, .timeout = 120);

/* ---- a disk on which the journal goes on ------------------------------------------------------ */

static uint64_t reads_between; /* on the average; 0: nothing happens */

static int64_t read_meanwhile(int fd, void *ret_bytes, size_t count, uint64_t offset)
{
	uint64_t between = reads_between;

	reads_between = 0; /* the journal's own reads do not count */
	if (between && draw(between) == 0)
		go_on();
	reads_between = between;
	return os_disk_real.read(fd, ret_bytes, count, offset);
}

static struct os_disk moving_disk(void)
{
	struct os_disk disk = os_disk_real;

	disk.read = read_meanwhile;
	return disk;
}

/* ---- what a folder says ----------------------------------------------------------------------- */

struct state {
	uint64_t turn, alive;
};

static int take_record(void *context, const struct replay_place *place, const struct format_record *record)
{
	return live_apply(context, record, place->file);
}

static void check_copy(int folder, uint64_t turns_before)
{
	struct live live = {0};
	const struct replay_calls calls = {.record = take_record, .context = &live};
	struct inspection inspection;
	struct replay_report report;
	uint64_t found = 0;

	cr_assert_eq(inspect(&os_disk_real, folder, &inspection), 0);
	cr_assert_eq(inspection.report.damage_count, 0, "damage in file %lu at %lu",
		     (unsigned long)inspection.report.damage[0].file,
		     (unsigned long)inspection.report.damage[0].offset);
	cr_assert_geq(inspection.last_turn, turns_before, "what was acknowledged before is in it");
	cr_assert_eq(replay(&os_disk_real, folder, &calls, &report), 0);
	for (uint64_t number = 1; number < NUMBERS; number++)
		if (live_message_find(&live, number))
			found |= UINT64_C(1) << number;
	cr_assert_eq(found, alive_after[inspection.last_turn], "not the state after turn %lu",
		     (unsigned long)inspection.last_turn);
	cr_assert_eq(inspection.live_messages, (uint64_t)__builtin_popcountll(found));
	cr_assert_eq(inspection.queues, 1);
	live_end(&live);
	inspection_end(&inspection);
}

/* ---- copies ----------------------------------------------------------------------------------- */

Test(copy, of_a_journal_at_rest_is_the_journal)
{
	int target = folder_make("target");

	for (int i = 0; i < 200; i++)
		go_on();
	end_turn();
	cr_assert_eq(copy_journal(&os_disk_real, source, target), 0);
	check_copy(target, turns_ended);
	close(target);
}

Test(copy, of_a_journal_that_goes_on_is_one_state_of_it_and_no_older_one_than_before)
{
	struct os_disk disk = moving_disk();

	for (int i = 0; i < 300; i++) {
		char name[32];
		uint64_t turns_before;
		int target;

		go_on();
		if (is_amid_turn && draw(2))
			end_turn();
		turns_before = turns_ended;
		snprintf(name, sizeof(name), "target-%d", i);
		target = folder_make(name);
		reads_between = 3 + draw(20);
		cr_assert_eq(copy_journal(&disk, source, target), 0, "copy %d", i);
		reads_between = 0;
		check_copy(target, turns_before);
		copy_remove(&os_disk_real, target);
		close(target);
	}
}

/* Each read finds the oldest file gone. */
static int64_t read_too_late(int fd, void *ret_bytes, size_t count, uint64_t offset)
{
	while (journal_files(journal) < 4)
		some_records();
	while (journal_files(journal) > 2)
		drop_oldest();
	return os_disk_real.read(fd, ret_bytes, count, offset);
}

Test(copy, is_given_up_when_files_go_faster_than_they_are_copied)
{
	struct os_disk disk = os_disk_real;
	int target = folder_make("target");

	disk.read = read_too_late;
	cr_assert_eq(copy_journal(&disk, source, target), -EAGAIN);
	close(target);
}

Test(copy, says_that_there_is_nothing)
{
	int empty = folder_make("empty"), target = folder_make("target");

	cr_assert_eq(copy_journal(&os_disk_real, empty, target), -ENODATA);
	close(empty);
	close(target);
}

/* ---- looking ---------------------------------------------------------------------------------- */

Test(copy, looking_at_a_journal_that_goes_on_sees_no_damage)
{
	struct os_disk disk = moving_disk();

	for (int i = 0; i < 300; i++) {
		struct inspection inspection;
		uint64_t turns_before;

		go_on();
		turns_before = turns_ended;
		reads_between = 10 + draw(40);
		cr_assert_eq(inspect(&disk, source, &inspection), 0);
		reads_between = 0;
		cr_assert_eq(inspection.report.damage_count, 0);
		cr_assert_geq(inspection.last_turn, turns_before);
		inspection_end(&inspection);
	}
}

static uint64_t last_frame, dumped;

static int see_record(void *context, const struct rlq_journal_record *record)
{
	(void)context;
	cr_assert_geq(record->frame, last_frame, "twice, or out of order");
	last_frame = record->frame;
	dumped++;
	return 0;
}

Test(copy, records_of_a_journal_that_goes_on_come_once_and_in_order)
{
	struct os_disk disk = moving_disk();
	struct replay_report report;

	for (int i = 0; i < 100; i++) {
		go_on();
		last_frame = dumped = 0;
		reads_between = 10 + draw(40);
		cr_assert_eq(dump(&disk, source, see_record, NULL, &report), 0);
		reads_between = 0;
		cr_assert_gt(dumped, 0);
	}
}

Test(copy, damage_is_damage_when_it_is_found_twice)
{
	char name[FORMAT_FILE_NAME_BYTES];
	struct inspection inspection;
	unsigned char byte;
	int fd;

	for (int i = 0; i < 100; i++)
		go_on();
	end_turn();
	format_file_name(journal_oldest(journal), name);
	fd = openat(source, name, O_RDWR);
	cr_assert_eq(pread(fd, &byte, 1, 2 * FORMAT_PAGE + 80), 1);
	byte ^= 1;
	cr_assert_eq(pwrite(fd, &byte, 1, 2 * FORMAT_PAGE + 80), 1);
	close(fd);
	cr_assert_eq(inspect(&os_disk_real, source, &inspection), 0);
	cr_assert_eq(inspection.report.damage_count, 1);
	cr_expect_eq(inspection.report.damage[0].file, journal_oldest(journal));
	inspection_end(&inspection);
}

/* ---- the public functions --------------------------------------------------------------------- */

static const char *path_of(const char *name)
{
	static char paths[4][128];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", top, name);
	return path;
}

static struct rlq_journal_summary summary = RLQ_JOURNAL_SUMMARY_INIT;

Test(copy, appears_whole_at_a_path_where_nothing_is)
{
	for (int i = 0; i < 100; i++)
		go_on();
	end_turn();
	cr_assert_eq(rlq_journal_copy(path_of("source"), path_of("new/below/"), NULL, NULL, &summary), 0);
	cr_expect_eq(summary.last_turn, turns_ended);
	cr_assert_eq(mkdir(path_of("vacant"), 0755), 0);
	cr_assert_eq(rlq_journal_copy(path_of("new/below"), path_of("vacant"), NULL, NULL, &summary), 0);
	cr_expect_eq(summary.last_turn, turns_ended);
	cr_expect_eq(rlq_journal_copy(path_of("source"), path_of("vacant"), NULL, NULL, &summary), -ENOTEMPTY);
	cr_expect_eq(rlq_journal_copy(path_of("source"), path_of("source/journal-0000000001/x"), NULL, NULL, &summary) < 0, 1);
	cr_expect_eq(rlq_journal_verify(path_of("vacant"), NULL, NULL, &summary), 0);
	cr_expect_eq(summary.live_messages, (uint64_t)__builtin_popcountll(alive));
}

static uint64_t files_seen, live_seen, turns_seen;

static int see_file(void *context, const struct rlq_journal_file *file)
{
	(void)context;
	files_seen++;
	live_seen += file->live_messages;
	turns_seen += file->turns;
	cr_expect_leq(file->first_ms, file->last_ms);
	return 0;
}

static int see_no_more(void *context, const struct rlq_journal_file *file)
{
	(void)context;
	(void)file;
	return 17;
}

Test(copy, files_add_up_to_the_summary)
{
	for (int i = 0; i < 100; i++)
		go_on();
	end_turn();
	cr_assert_eq(rlq_journal_list(path_of("source"), see_file, NULL, &summary), 0);
	cr_expect(files_seen == summary.files && summary.files == journal_files(journal));
	cr_expect(live_seen == summary.live_messages && turns_seen == summary.turns);
	cr_expect_eq(summary.bytes, summary.files * FORMAT_FILE_BYTES_MIN);
	cr_expect_eq(rlq_journal_list(path_of("source"), see_no_more, NULL, &summary), 17);
}

Test(copy, structures_of_another_size_and_missing_folders_are_refused)
{
	struct rlq_journal_summary wrong = {.size = 3};

	cr_expect_eq(rlq_journal_verify(path_of("source"), NULL, NULL, &wrong), RLQ_EATTRIBUTE);
	cr_expect_eq(rlq_journal_verify(path_of("nowhere"), NULL, NULL, &summary), -ENOENT);
	cr_expect_eq(rlq_journal_copy(path_of("nowhere"), path_of("target"), NULL, NULL, &summary), -ENOENT);
	cr_expect_eq(access(path_of("target"), F_OK), -1);
}
