/* Journals that are read and copied while they are written: between any two reads, the next calls of the writer to
 * its disk are made. Files grow, go, and come back under other names. */
#include "daemon/copy.h"
#include "daemon/dump.h"
#include "daemon/inspect.h"
#include "daemon/journal.h"
#include "ringlease-engine.h"

#include "tests/support/arguments.h"
#include "tests/support/fake_clock.h"
#include "tests/support/tmpdir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NUMBERS = 40, TURNS = 1500, TURNS_MAX = 4000, BODY_BYTES_MAX = 6000, READ_BYTES = 8192, FDS_MAX = 64 };

/* ---- calls to the disk, made once more in another folder -------------------------------------- */

enum call { CALL_CREATE, CALL_OPEN, CALL_CLOSE, CALL_RENAME, CALL_UNLINK, CALL_WRITE, CALL_TURN };

struct call_made {
	enum call call;
	int fd; /* of the writer */
	uint64_t offset, bytes;
	void *written;
	char name[FORMAT_FILE_NAME_BYTES], to[FORMAT_FILE_NAME_BYTES];
};

static struct call_made *calls;
static size_t call_count, call_next; /* made by the writer; made once more */
static int own_fd[FDS_MAX];	     /* by that of the writer */
static int source;
static uint64_t at_file;
static uint64_t turns_done; /* in `source`: the last one that was acknowledged */

static struct call_made *record(enum call call, int fd, const char *name)
{
	struct call_made *made;

	calls = reallocarray(calls, call_count + 1, sizeof(*calls));
	cr_assert_not_null(calls);
	made = &calls[call_count++];
	*made = (struct call_made){.call = call, .fd = fd};
	snprintf(made->name, sizeof(made->name), "%s", name ? name : "");
	cr_assert_lt(fd, FDS_MAX);
	return made;
}

static int record_create(int folder, const char *name, uint32_t flags)
{
	int fd = os_disk_real.create(folder, name, flags);

	record(CALL_CREATE, fd, name);
	return fd;
}

static int record_open(int folder, const char *name, uint32_t flags)
{
	int fd = os_disk_real.open(folder, name, flags);

	record(CALL_OPEN, fd, name);
	return fd;
}

static int record_close(int fd)
{
	record(CALL_CLOSE, fd, NULL);
	return os_disk_real.close(fd);
}

static int record_rename(int folder, const char *from, const char *to)
{
	snprintf(record(CALL_RENAME, 0, from)->to, FORMAT_FILE_NAME_BYTES, "%s", to);
	return os_disk_real.rename(folder, from, to);
}

static int record_unlink(int folder, const char *name)
{
	record(CALL_UNLINK, 0, name);
	return os_disk_real.unlink(folder, name);
}

static int64_t record_write(int fd, const void *bytes, size_t count, uint64_t offset)
{
	struct call_made *made = record(CALL_WRITE, fd, NULL);

	made->offset = offset;
	made->bytes = count;
	made->written = memcpy(malloc(count), bytes, count);
	return os_disk_real.write(fd, bytes, count, offset);
}

static void make_again(const struct call_made *made)
{
	switch (made->call) {
	case CALL_CREATE:
		own_fd[made->fd] = os_disk_real.create(source, made->name, OS_DISK_WRITE);
		break;
	case CALL_OPEN:
		own_fd[made->fd] = os_disk_real.open(source, made->name, OS_DISK_WRITE);
		break;
	case CALL_CLOSE:
		os_disk_real.close(own_fd[made->fd]);
		break;
	case CALL_RENAME:
		cr_assert_eq(os_disk_real.rename(source, made->name, made->to), 0);
		break;
	case CALL_UNLINK:
		os_disk_real.unlink(source, made->name);
		break;
	case CALL_WRITE:
		cr_assert_eq(os_disk_write(&os_disk_real, own_fd[made->fd], made->written, made->bytes,
					   made->offset),
			     0);
		break;
	case CALL_TURN:
		turns_done = made->offset;
		break;
	}
}

/* What the writer may have done between two reads. */
static bool go_on(uint64_t steps)
{
	for (; steps > 0 && call_next < call_count; steps--)
		make_again(&calls[call_next++]);
	return call_next < call_count;
}

static void go_to_the_end(void)
{
	go_on(UINT64_MAX);
}

/* ---- a journal with a model of it ------------------------------------------------------------- */

static char top[64];
static struct journal *journal;
static uint64_t chance; /* what comes next */
static uint64_t alive;	/* bit n: message n, with the turn that is not ended */
static uint64_t file_of[NUMBERS];
static uint64_t alive_after[TURNS_MAX]; /* by turn */

static uint64_t draw(uint64_t below)
{
	return (random_next(&chance) >> 16) % below;
}

static int define(void *context, struct journal *to)
{
	struct format_queue queue = {.queue = 1, .durability = RLQ_SYNC, .capacity = 100, .name = "orders"};
	unsigned char *at = journal_reserve(to, format_queue_bytes(&queue));

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
	if (journal_turn(journal) == turn)
		return; /* without records it is none */
	alive_after[turn] = alive;
	record(CALL_TURN, 0, NULL)->offset = turn;
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

static void write_turns(void)
{
	while (journal_turn(journal) < TURNS) {
		some_records();
		end_turn();
		while (journal_files(journal) > 4)
			drop_oldest();
	}
}

static const char *path_of(const char *name)
{
	static char paths[4][128];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", top, name);
	return path;
}

static int folder_make(const char *name)
{
	cr_assert_eq(mkdir(path_of(name), 0700), 0);
	return os_disk_real.open_folder(path_of(name));
}

static void setup(void)
{
	struct journal_options options = {.file_bytes = FORMAT_FILE_BYTES_MIN, .journal_id = 99, .define = define};
	struct os_disk disk = os_disk_real;
	uint64_t closing;
	int folder;

	disk.create = record_create;
	disk.open = record_open;
	disk.close = record_close;
	disk.rename = record_rename;
	disk.unlink = record_unlink;
	disk.write = record_write;
	disk.write_durably = NULL; /* all by plain calls, which are recorded */
	disk.queue = NULL;
	strcpy(top, "/dev/shm/ringlease-copy.XXXXXX");
	cr_assert_not_null(mkdtemp(top));
	folder = folder_make("written");
	source = folder_make("source");
	chance = test_seed(4711);
	cr_assert_eq(journal_open(&disk, folder, &options, &journal), 0);
	write_turns();
	closing = journal_turn(journal); /* says that the one before is durable */
	alive_after[closing] = alive;
	cr_assert_eq(journal_close(journal), 0);
	close(folder);
	while (turns_done < 50)
		go_on(1);
}

static void teardown(void)
{
	char command[128];

	close(source);
	snprintf(command, sizeof(command), "rm -rf %s", top);
	cr_assert_eq(system(command), 0);
}

TestSuite(copy, .init = setup, .fini = teardown, .timeout = 120);

/* ---- a disk on which the journal goes on ------------------------------------------------------ */

static uint64_t reads_between; /* on the average; 0: nothing happens */
static uint64_t burst;	       /* calls that are made at once, now and then */

static int64_t read_meanwhile(int fd, void *ret_bytes, size_t count, uint64_t offset)
{
	if (reads_between && draw(reads_between) == 0)
		go_on(1 + draw(draw(4) ? 3 : burst));
	/* Short reads: so something happens also within a file. */
	return os_disk_real.read(fd, ret_bytes, count < READ_BYTES ? count : READ_BYTES, offset);
}

static struct os_disk moving_disk(void)
{
	struct os_disk disk = os_disk_real;

	disk.read = read_meanwhile;
	return disk;
}

/* ---- what a folder says ----------------------------------------------------------------------- */

static int take_record(void *context, const struct replay_place *place, const struct format_record *record)
{
	return live_apply(context, record, place->file);
}

static void check_copy(int folder, uint64_t turns_before)
{
	struct live live = {0};
	const struct replay_calls take = {.record = take_record, .context = &live};
	struct inspection inspection;
	struct replay_report report;
	uint64_t found = 0;

	cr_assert_eq(inspect(&os_disk_real, folder, NULL, NULL, &inspection), 0);
	cr_assert_eq(inspection.report.damage_count, 0, "damage in file %lu at %lu",
		     (unsigned long)inspection.report.damage[0].file,
		     (unsigned long)inspection.report.damage[0].offset);
	cr_assert_geq(inspection.last_turn, turns_before, "what was acknowledged before is in it");
	cr_assert_eq(replay(&os_disk_real, folder, &take, &report), 0);
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

	go_to_the_end();
	cr_assert_eq(copy_journal(&os_disk_real, source, target, NULL, &at_file), 0);
	check_copy(target, turns_done);
	close(target);
}

Test(copy, of_a_journal_that_goes_on_is_one_state_of_it_and_no_older_one_than_before)
{
	struct os_disk disk = moving_disk();
	int copies = 0;

	for (; go_on(draw(10)); copies++) {
		uint64_t turns_before = turns_done;
		int target = folder_make("target"), result;

		reads_between = 20 + draw(100);
		burst = draw(4) ? 20 : 200;
		result = copy_journal(&disk, source, target, NULL, &at_file);
		cr_assert_eq(result, 0, "copy %d: %d", copies, result);
		reads_between = 0;
		check_copy(target, turns_before);
		copy_remove(&os_disk_real, target);
		close(target);
		rmdir(path_of("target"));
	}
	cr_assert_gt(copies, 100, "%d copies", copies);
}

static bool is_drop(const struct call_made *made)
{
	return (made->call == CALL_RENAME || made->call == CALL_UNLINK) && format_file_number(made->name) != 0;
}

/* Each read finds the oldest file gone. */
static int64_t read_too_late(int fd, void *ret_bytes, size_t count, uint64_t offset)
{
	while (go_on(1) && !is_drop(&calls[call_next]))
		;
	go_on(1);
	return os_disk_real.read(fd, ret_bytes, count, offset);
}

Test(copy, is_given_up_when_files_go_faster_than_they_are_copied)
{
	struct os_disk disk = os_disk_real;
	int target = folder_make("target");

	disk.read = read_too_late;
	cr_assert_eq(copy_journal(&disk, source, target, NULL, &at_file), -EAGAIN);
	cr_expect_lt(call_next, call_count);
	close(target);
}

static struct os_clock_words words;
static int lines;

/* Each read takes two seconds. */
static int64_t read_slowly(int fd, void *ret_bytes, size_t count, uint64_t offset)
{
	fake_clock_advance(&words, 2000);
	return os_disk_real.read(fd, ret_bytes, count, offset);
}

static __attribute__((format(printf, 2, 3))) void count_line(void *context, const char *format, ...)
{
	(void)context;
	lines += strncmp(format, "journal ", strlen("journal ")) == 0;
}

Test(copy, and_reading_say_how_far_they_are)
{
	struct os_disk disk = os_disk_real;
	struct account account = {.say = count_line, .path = "source"};
	struct inspection inspection;
	int target = folder_make("target");

	go_to_the_end();
	disk.read = read_slowly;
	fake_clock_start(&words);
	account_begin(&account);
	cr_assert_eq(copy_journal(&disk, source, target, &account, &at_file), 0);
	cr_expect_gt(lines, 0);
	lines = 0;
	account_begin(&account);
	cr_assert_eq(inspect(&disk, source, NULL, &account, &inspection), 0);
	cr_expect_gt(lines, 0);
	inspection_end(&inspection);
	os_clock_fake(NULL);
	close(target);
}

Test(copy, says_that_there_is_nothing)
{
	int empty = folder_make("empty"), target = folder_make("target");

	cr_assert_eq(copy_journal(&os_disk_real, empty, target, NULL, &at_file), -ENODATA);
	close(empty);
	close(target);
}

static int calls_left; /* until one fails, whichever it is; below 0: none does */

static int64_t write_or_fail(int fd, const void *bytes, size_t count, uint64_t offset)
{
	return calls_left-- == 0 ? -ENOSPC : os_disk_real.write(fd, bytes, count, offset);
}

static int64_t read_or_fail(int fd, void *ret_bytes, size_t count, uint64_t offset)
{
	return calls_left-- == 0 ? -EIO : os_disk_real.read(fd, ret_bytes, count, offset);
}

static int flush_or_fail(int fd)
{
	return calls_left-- == 0 ? -EIO : os_disk_real.flush(fd);
}

static int create_or_fail(int folder, const char *name, uint32_t flags)
{
	return calls_left-- == 0 ? -EMFILE : os_disk_real.create(folder, name, flags);
}

static int flush_folder_or_fail(int folder)
{
	return calls_left-- == 0 ? -EIO : os_disk_real.flush_folder(folder);
}

Test(copy, fails_with_any_call_that_it_needs)
{
	struct os_disk disk = os_disk_real;
	int fails_at = 0;

	disk.write = write_or_fail;
	disk.read = read_or_fail;
	disk.flush = flush_or_fail;
	disk.create = create_or_fail;
	disk.flush_folder = flush_folder_or_fail;
	for (;; fails_at++) {
		int target = folder_make("target"), result;

		calls_left = fails_at;
		result = copy_journal(&disk, source, target, NULL, &at_file);
		if (calls_left >= 0) {
			cr_assert_eq(result, 0);
			check_copy(target, turns_done);
			close(target);
			break;
		}
		cr_assert_lt(result, 0, "call %d", fails_at);
		copy_remove(&os_disk_real, target);
		close(target);
		cr_assert_eq(rmdir(path_of("target")), 0, "files are left");
	}
	cr_assert_gt(fails_at, 20);
}

/* ---- looking ---------------------------------------------------------------------------------- */

Test(copy, looking_at_a_journal_that_goes_on_sees_no_damage)
{
	struct os_disk disk = moving_disk();

	while (go_on(draw(10))) {
		struct inspection inspection;
		uint64_t turns_before = turns_done;
		int result;

		reads_between = 20 + draw(300);
		burst = 20;
		result = inspect(&disk, source, NULL, NULL, &inspection);
		cr_assert_eq(result, 0, "%d", result);
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
	int result;

	while (go_on(draw(10))) {
		last_frame = dumped = 0;
		reads_between = 20 + draw(300);
		burst = draw(2) ? 20 : 200;
		result = dump(&disk, source, NULL, see_record, NULL, &report);
		cr_assert_eq(result, 0, "%d", result);
		reads_between = 0;
		cr_assert_gt(dumped, 0);
	}
}

static int fails_in; /* reads; below 0: none does */

static int64_t read_with_a_failure(int fd, void *ret_bytes, size_t count, uint64_t offset)
{
	return fails_in-- == 0 ? -EIO : os_disk_real.read(fd, ret_bytes, count, offset);
}

Test(copy, records_come_once_also_when_a_read_fails_once)
{
	struct os_disk disk = os_disk_real;
	struct replay_report report;
	uint64_t all;

	disk.read = read_with_a_failure;
	fails_in = -1;
	last_frame = dumped = 0;
	cr_assert_eq(dump(&disk, source, NULL, see_record, NULL, &report), 0);
	all = dumped;
	for (int i = 0; fails_in < 0; i++) {
		last_frame = dumped = 0;
		fails_in = i;
		cr_assert_eq(dump(&disk, source, NULL, see_record, NULL, &report), 0);
		cr_assert_eq(dumped, all);
	}
}

Test(copy, damage_is_damage_when_it_is_found_twice)
{
	char name[FORMAT_FILE_NAME_BYTES];
	struct inspection inspection;
	unsigned char byte;
	uint64_t oldest;
	int fd;

	go_to_the_end();
	cr_assert_eq(inspect(&os_disk_real, source, NULL, NULL, &inspection), 0);
	oldest = inspection.files[0].number;
	inspection_end(&inspection);
	format_file_name(oldest, name);
	fd = openat(source, name, O_RDWR);
	cr_assert_eq(pread(fd, &byte, 1, FORMAT_PAGE + 80), 1);
	byte ^= 1;
	cr_assert_eq(pwrite(fd, &byte, 1, FORMAT_PAGE + 80), 1);
	close(fd);
	cr_assert_eq(inspect(&os_disk_real, source, NULL, NULL, &inspection), 0);
	cr_assert_eq(inspection.report.damage_count, 1);
	cr_expect_eq(inspection.report.damage[0].file, oldest);
	inspection_end(&inspection);
}

/* ---- the public functions --------------------------------------------------------------------- */

static struct rlq_journal_summary summary = RLQ_JOURNAL_SUMMARY_INIT;

Test(copy, appears_whole_at_a_path_where_nothing_is)
{
	go_to_the_end();
	cr_assert_eq(rlq_journal_copy(path_of("source"), path_of("new/below/"), NULL, NULL, &summary), 0);
	cr_expect_geq(summary.last_turn, turns_done);
	cr_assert_eq(mkdir(path_of("vacant"), 0755), 0);
	cr_assert_eq(rlq_journal_copy(path_of("new/below"), path_of("vacant"), NULL, NULL, &summary), 0);
	cr_expect_geq(summary.last_turn, turns_done);
	cr_expect_eq(rlq_journal_copy(path_of("source"), path_of("vacant"), NULL, NULL, &summary), -ENOTEMPTY);
	cr_expect_eq(rlq_journal_copy(path_of("source"), path_of("source/journal-0000000001/x"), NULL, NULL,
				      &summary) < 0,
		     1);
	cr_expect_eq(rlq_journal_verify(path_of("vacant"), NULL, NULL, NULL, &summary), 0);
	cr_expect_eq(summary.live_messages, (uint64_t)__builtin_popcountll(alive));
}

/* The C library's, but for what is done before a file of the journal is read. */
static void (*meanwhile)(void);

static bool is_of_journal(int fd)
{
	char link[32], path[256] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return readlink(link, path, sizeof(path) - 1) > 0 && strstr(path, "/source/journal-");
}

ssize_t pread(int fd, void *ret_bytes, size_t count, off_t offset)
{
	if (meanwhile && is_of_journal(fd)) {
		meanwhile();
		meanwhile = NULL;
	}
	return syscall(SYS_pread64, fd, ret_bytes, count, offset);
}

static void put_notes(const char *path, const char *text)
{
	FILE *file = fopen(path_of(path), "w");

	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

static bool has_notes(const char *path, const char *text)
{
	char found[32] = "";
	FILE *file = fopen(path_of(path), "r");

	if (file == NULL)
		return false;
	if (fgets(found, sizeof(found), file) == NULL)
		found[0] = '\0';
	fclose(file);
	return strcmp(found, text) == 0;
}

static void change_notes(void)
{
	cr_assert_eq(unlink(path_of("source/sqs/removed.json")), 0);
	put_notes("source/sqs/made.json", "made");
}

Test(copy, no_queue_is_without_its_notes_that_was_removed_or_made_meanwhile)
{
	close(folder_make("source/sqs"));
	put_notes("source/sqs/removed.json", "removed");
	meanwhile = change_notes;
	cr_assert_eq(rlq_journal_copy(path_of("source"), path_of("target"), NULL, NULL, &summary), 0);
	cr_expect_null(meanwhile);
	cr_expect_eq(summary.notes, 2);
	cr_expect(has_notes("target/sqs/removed.json", "removed"));
	cr_expect(has_notes("target/sqs/made.json", "made"));
}

Test(copy, with_notes_that_cannot_be_copied_there_is_none)
{
	close(folder_make("source/sqs"));
	put_notes("source/sqs/good.json", "good");
	cr_assert_eq(symlink("good.json", path_of("source/sqs/link.json")), 0);
	cr_expect_eq(rlq_journal_restore(path_of("source"), path_of("target"), NULL, NULL, &summary), -EMEDIUMTYPE);
	cr_expect_str_eq(summary.failed_file, "sqs/link.json");
	cr_expect_eq(tmpdir_count(top, "target"), 0, "a folder is left");
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
	go_to_the_end();
	cr_assert_eq(rlq_journal_list(path_of("source"), see_file, NULL, &summary), 0);
	cr_expect(files_seen == summary.files && summary.files > 2);
	cr_expect(live_seen == summary.live_messages && turns_seen == summary.turns);
	cr_expect_eq(summary.bytes, summary.files * FORMAT_FILE_BYTES_MIN);
	cr_expect_eq(rlq_journal_list(path_of("source"), see_no_more, NULL, &summary), 17);
}

Test(copy, structures_of_another_size_and_missing_folders_are_refused)
{
	struct rlq_journal_summary wrong = {.size = 3};

	cr_expect_eq(rlq_journal_verify(path_of("source"), NULL, NULL, NULL, &wrong), RLQ_EATTRIBUTE);
	cr_expect_eq(rlq_journal_verify(path_of("nowhere"), NULL, NULL, NULL, &summary), -ENOENT);
	cr_expect_eq(rlq_journal_copy(path_of("nowhere"), path_of("target"), NULL, NULL, &summary), -ENOENT);
	cr_expect_eq(access(path_of("target"), F_OK), -1);
}
