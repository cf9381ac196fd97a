/* The machine's own disk, and a journal on it. */
#include "kmod-free/disk.h"
#include "tests/support/tmpdir.h"

#include "daemon/journal.h"
#include "daemon/replay.h"
#include "tests/support/shadow_disk.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct os_disk *disk = &os_disk_real;
static char path[TMPDIR_BYTES];
static int folder = -1;

static void setup(void)
{
	tmpdir_make_on_disk(path);
	folder = disk->open_folder(path);
	cr_assert_geq(folder, 0);
}

static int unlink_it(void *context, const char *name)
{
	(void)context;
	return disk->unlink(folder, name);
}

static void teardown(void)
{
	disk->list(folder, unlink_it, NULL);
	disk->close(folder);
	cr_expect_eq(rmdir(path), 0, "no subfolder was made");
}

TestSuite(os_disk, .init = setup, .fini = teardown, .timeout = 60);

static int create(const char *name)
{
	int fd = disk->create(folder, name, OS_DISK_WRITE);

	cr_assert_geq(fd, 0, "%s: %d", name, fd);
	return fd;
}

Test(os_disk, files_are_made_once_and_for_their_owner_alone)
{
	struct stat status;
	int fd;

	umask(0);
	fd = create("file");
	cr_expect_eq(fstat(fd, &status), 0);
	cr_expect_eq(status.st_mode & 0777, 0600);
	cr_expect_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	cr_expect_eq(disk->create(folder, "file", OS_DISK_WRITE), -EEXIST);
	cr_expect_eq(disk->close(fd), 0);
	cr_expect_eq(disk->open(folder, "other", 0), -ENOENT);
	cr_expect_eq(disk->open_folder("/nowhere/at/all"), -ENOENT);
}

Test(os_disk, what_was_written_is_read)
{
	char bytes[8] = "";
	int fd = create("file");

	cr_expect_eq(os_disk_write(disk, fd, "hello", 5, 1000), 0);
	cr_expect_eq(disk->length(fd), 1005);
	cr_expect_eq(os_disk_flush(disk, fd), 0);
	cr_expect_eq(disk->close(fd), 0);
	fd = disk->open(folder, "file", 0);
	cr_expect_eq(os_disk_read(disk, fd, bytes, 8, 1000), 5);
	cr_expect_str_eq(bytes, "hello");
	cr_expect_eq(os_disk_read(disk, fd, bytes, 8, 2000), 0);
	cr_expect_eq(os_disk_write(disk, fd, "x", 1, 0), -EBADF, "opened to read");
	disk->close(fd);
}

Test(os_disk, an_allocation_makes_the_file_longer)
{
	int fd = create("file");

	cr_expect_eq(os_disk_allocate(disk, fd, 0, 1 << 20), 0);
	cr_expect_eq(disk->length(fd), 1 << 20);
	cr_expect_eq(os_disk_allocate(disk, fd, 0, UINT64_C(1) << 62), -EFBIG);
	disk->close(fd);
}

static int count_name(void *context, const char *name)
{
	*(int *)context += strcmp(name, "b") == 0 ? 1 : 100;
	return 0;
}

static int stop_at_once(void *context, const char *name)
{
	(void)context;
	(void)name;
	return 7;
}

Test(os_disk, names_are_listed_changed_and_removed)
{
	int count = 0;

	disk->close(create("a"));
	cr_expect_eq(disk->rename(folder, "a", "b"), 0);
	cr_expect_eq(disk->rename(folder, "a", "c"), -ENOENT);
	cr_expect_eq(disk->list(folder, count_name, &count), 0);
	cr_expect_eq(count, 1);
	cr_expect_eq(disk->list(folder, stop_at_once, NULL), 7);
	cr_expect_eq(disk->flush_folder(folder), 0);
	cr_expect_eq(disk->unlink(folder, "b"), 0);
	cr_expect_eq(disk->unlink(folder, "b"), -ENOENT);
	cr_expect_eq(disk->list(-1, count_name, &count), -EBADF);
}

Test(os_disk, only_regular_files_are_opened)
{
	cr_assert_eq(mkfifoat(folder, "pipe", 0600), 0);
	cr_expect_eq(disk->open(folder, "pipe", 0), -EMEDIUMTYPE, "and nobody waits for its other end");
	cr_assert_eq(symlinkat("file", folder, "link"), 0);
	cr_expect_eq(disk->open(folder, "link", 0), -EMEDIUMTYPE);
	cr_expect_eq(disk->create(folder, "link", OS_DISK_WRITE), -EEXIST);
}

/* ---- over a table ----------------------------------------------------------------------------- */

static int64_t write_nothing(int fd, const void *bytes, size_t count, uint64_t offset)
{
	(void)fd;
	(void)bytes;
	(void)count;
	(void)offset;
	return 0;
}

Test(os_disk, a_write_that_writes_nothing_does_not_go_on_for_ever)
{
	struct os_disk idle = os_disk_real;

	idle.write = write_nothing;
	cr_expect_eq(os_disk_write(&idle, 0, "x", 1, 0), -EIO);
}

Test(os_disk, calls_that_stop_short_are_made_again_from_there)
{
	char bytes[10] = "";
	int fd;

	shadow_begin();
	fd = shadow_disk.create(SHADOW_FOLDER, "file", OS_DISK_WRITE);
	shadow_at_most(3);
	cr_expect_eq(os_disk_write(&shadow_disk, fd, "0123456789", 10, 0), 0);
	cr_expect_eq(os_disk_flush(&shadow_disk, fd), 0);
	cr_expect_eq(os_disk_allocate(&shadow_disk, fd, 0, 5), 0);
	cr_expect_eq(os_disk_read(&shadow_disk, fd, bytes, 10, 0), 10);
	cr_expect_eq(memcmp(bytes, "0123456789", 10), 0);
	shadow_fail(SHADOW_READ, 2, -EIO, false);
	cr_expect_eq(os_disk_read(&shadow_disk, fd, bytes, 10, 0), -EIO);
	shadow_end();
}

Test(os_disk, calls_that_are_interrupted_for_good_end)
{
	char bytes[10] = "";
	int fd;

	shadow_begin();
	fd = shadow_disk.create(SHADOW_FOLDER, "file", OS_DISK_WRITE);
	cr_assert_eq(os_disk_write(&shadow_disk, fd, "0123456789", 10, 0), 0);
	shadow_fail(SHADOW_ANY, 1, -EINTR, true);
	cr_expect_eq(os_disk_write(&shadow_disk, fd, "x", 1, 0), -EIO);
	cr_expect_eq(os_disk_write_durably(&shadow_disk, fd, "x", 1, 0), -EIO);
	cr_expect_eq(os_disk_read(&shadow_disk, fd, bytes, 10, 0), -EIO);
	cr_expect_eq(os_disk_flush(&shadow_disk, fd), -EIO);
	cr_expect_eq(os_disk_allocate(&shadow_disk, fd, 0, 5), -EIO);
	shadow_fail(SHADOW_ANY, 0, 0, false);
	cr_expect_eq(os_disk_read(&shadow_disk, fd, bytes, 10, 0), 10);
	cr_expect_eq(memcmp(bytes, "0123456789", 10), 0);
	shadow_end();
}

static int64_t read_one_of_two(int fd, void *ret_bytes, size_t count, uint64_t offset)
{
	static unsigned calls;

	(void)count;
	return ++calls % 2 ? -EINTR : shadow_disk.read(fd, ret_bytes, 1, offset);
}

Test(os_disk, as_long_as_a_call_gets_on_it_may_be_interrupted, .description = "more often than in a row")
{
	static char bytes[2 * OS_DISK_TRIES];
	struct os_disk halting = shadow_disk;
	int fd;

	shadow_begin();
	halting.read = read_one_of_two;
	fd = shadow_disk.create(SHADOW_FOLDER, "file", OS_DISK_WRITE);
	cr_assert_eq(os_disk_write(&shadow_disk, fd, bytes, sizeof(bytes), 0), 0);
	cr_expect_eq(os_disk_read(&halting, fd, bytes, sizeof(bytes), 0), (int64_t)sizeof(bytes));
	shadow_end();
}

/* ---- a queue ---------------------------------------------------------------------------------- */

static struct os_queue *queue;
static const struct os_queue_calls *calls;

/* A message and no failure where io_uring is refused. */
static bool open_queue(uint32_t under_way)
{
	int error;

	calls = disk->queue;
	error = calls->open(disk, under_way, &queue);
	if (error)
		fprintf(stderr, "skipped: io_uring is refused here: %s\n", strerror(-error));
	return error == 0;
}

static int64_t wait_for(uint64_t tag)
{
	int64_t answer = 0;
	uint64_t ended = tag + 1;

	cr_assert_eq(calls->wait(queue, &ended, &answer), 0);
	cr_assert_eq(ended, tag);
	return answer;
}

Test(os_disk, calls_of_a_queue_are_under_way_together_and_say_what_came_of_each)
{
	unsigned char *memory = aligned_alloc(OS_DISK_PAGE, 4 * OS_DISK_PAGE);
	char bytes[4] = "";
	uint64_t tags = 0;
	int fd = create("file");

	cr_assert_not_null(memory);
	if (!open_queue(4))
		return;
	memset(memory, 'a', 4 * OS_DISK_PAGE);
	calls->expect(queue, memory, 2 * OS_DISK_PAGE);
	calls->set_file(queue, fd);
	calls->write(queue, 0, memory, OS_DISK_PAGE, 0, false); /* in the memory that was expected, */
	calls->write(queue, 1, memory + OS_DISK_PAGE, 2 * OS_DISK_PAGE, 2 * OS_DISK_PAGE, true); /* partly, */
	calls->write(queue, 2, "b", 1, OS_DISK_PAGE, false);					 /* not */
	cr_expect_eq(calls->submit(queue), 0);
	calls->flush(queue, 3);
	for (int i = 0; i < 3; i++) {
		static const int64_t answers[] = {OS_DISK_PAGE, 2 * OS_DISK_PAGE, 1};
		uint64_t tag;
		int64_t answer;

		cr_assert_eq(calls->wait(queue, &tag, &answer), 0);
		cr_assert_lt(tag, 3, "the flush comes behind them");
		cr_expect_eq(answer, answers[tag]);
		tags |= UINT64_C(1) << tag;
	}
	cr_expect_eq(tags, 7);
	cr_expect_eq(wait_for(3), 0);
	cr_expect_eq(os_disk_read(disk, fd, bytes, 3, OS_DISK_PAGE - 1), 3);
	cr_expect_arr_eq(bytes, "ab", 3);
	calls->close(queue);
	disk->close(fd);
	free(memory);
}

/* As a lock tells it, which goes with the last descriptor of its file. */
Test(os_disk, a_queue_keeps_a_file_open_until_it_is_closed, .timeout = 60)
{
	static struct os_disk keeping;
	int kept = disk->create(folder, "lock", OS_DISK_WRITE), other = disk->open(folder, "lock", 0);

	keeping = *disk;
	keeping.kept_open = kept;
	disk = &keeping;
	if (!open_queue(2))
		return;
	cr_assert_eq(flock(kept, LOCK_EX), 0);
	close(kept);
	cr_expect_eq(flock(other, LOCK_EX | LOCK_NB), -1);
	calls->close(queue);
	cr_expect_eq(flock(other, LOCK_EX), 0, "once the kernel is done with it");
	close(other);
}

Test(os_disk, a_queue_goes_on_in_another_file_and_after_calls_that_failed)
{
	int first = create("first"), second = create("second");
	int reader = disk->open(folder, "first", 0);

	if (!open_queue(2))
		return;
	for (int i = 0; i < 3; i++) {
		calls->set_file(queue, reader);
		calls->write(queue, 7, "x", 1, 0, false);
		cr_expect_eq(wait_for(7), -EBADF);
		calls->set_file(queue, i == 0 ? first : second);
		calls->write(queue, 8, "xyz", 3, 0, true);
		cr_expect_eq(wait_for(8), 3);
		calls->set_file(queue, -1);
	}
	cr_expect_eq(disk->length(first), 3);
	cr_expect_eq(disk->length(second), 3);
	calls->close(queue);
	disk->close(first);
	disk->close(second);
	disk->close(reader);
}

/* ---- a journal -------------------------------------------------------------------------------- */

static int add_up(void *context, const struct replay_place *place, const struct format_record *record)
{
	(void)place;
	*(uint64_t *)context += ((const struct format_update *)(const void *)record)->number;
	return 0;
}

/* Turns of one write, and of several. */
static const uint64_t turn_ends[] = {1, 2, 300000, 300001, 400000, 0};

static void write_numbers(const struct os_disk *on, const struct replay_report *report, bool is_direct)
{
	struct journal_options options = {
		.file_bytes = 8 << 20,
		.journal_id = report->journal_id,
		.next_lsn = report->next_lsn,
		.next_turn = report->next_turn,
		.next_file = report->next_file,
		.is_direct = is_direct,
	};
	struct journal *journal;
	uint64_t number = 1;

	cr_assert_eq(journal_open(on, folder, &options, &journal), 0);
	for (const uint64_t *end = turn_ends; *end; end++) {
		for (; number <= *end; number++) {
			unsigned char *at = journal_reserve(journal, sizeof(struct format_update));

			cr_assert_not_null(at);
			format_update_put(at, &(struct format_update){.number = number});
		}
		cr_assert_eq(journal_end_turn(journal), 0);
	}
	cr_assert_eq(journal_close(journal), 0);
}

/* By io_uring, where it is not refused, and by plain calls. */
Test(os_disk, a_journal_is_written_and_read_past_the_page_cache_and_through_it)
{
	struct os_disk plain = os_disk_real;

	plain.queue = NULL;
	for (uint64_t round = 1; round <= 4; round++) {
		struct replay_report report;
		uint64_t sum = 0;
		struct replay_calls replayed = {.record = add_up, .context = &sum};

		cr_assert_eq(replay(disk, folder, NULL, &report), 0);
		write_numbers(round % 2 ? disk : &plain, &report, round > 2);
		cr_assert_eq(replay(disk, folder, &replayed, &report), 0);
		cr_expect_eq(sum, round * UINT64_C(80000200000));
		cr_expect(report.damage_count == 0 && report.cut_file == 0 && report.records == round * 400000);
	}
}
