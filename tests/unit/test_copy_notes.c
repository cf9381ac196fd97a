/* Notes beside a journal, copied: all of them and nothing else, while others change them. */
#include "daemon/copy_notes.h"

#include "tests/support/tmpdir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LONGEST "a2345678901234567890123456789012345678901234567890123456789012345678901234567890"

static char top[TMPDIR_BYTES], failed[COPY_NOTES_PATH_BYTES];
static int from, to;
static uint64_t files;

static const char *path_of(const char *path)
{
	static char paths[4][TMPDIR_BYTES + 128];
	static unsigned next;
	char *whole = paths[next++ % 4];

	snprintf(whole, sizeof(paths[0]), "%s/%s", top, path);
	return whole;
}

static int folder_make(const char *path)
{
	cr_assert_eq(mkdir(path_of(path), 0700), 0);
	return open(path_of(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void setup(void)
{
	tmpdir_make(top);
	from = folder_make("from");
	to = folder_make("to");
	close(folder_make("from/sqs"));
	files = 0;
}

static void teardown(void)
{
	char command[TMPDIR_BYTES + 16];

	close(from);
	close(to);
	snprintf(command, sizeof(command), "rm -rf %s", top);
	cr_assert_eq(system(command), 0);
}

TestSuite(copy_notes, .init = setup, .fini = teardown, .timeout = 60);

static void put_bytes(const char *path, const void *bytes, size_t count)
{
	int fd = open(path_of(path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, bytes, count), (ssize_t)count);
	close(fd);
}

static void put(const char *path, const char *text)
{
	put_bytes(path, text, strlen(text));
}

/* As a gateway does it. */
static void replace(const char *name, const char *text)
{
	char path[128], beside[128];

	snprintf(path, sizeof(path), "from/sqs/%s", name);
	snprintf(beside, sizeof(beside), "from/sqs/%s.new", name);
	put(beside, text);
	cr_assert_eq(rename(path_of(beside), path_of(path)), 0);
}

/* NULL: there is none. Until the next call. */
static const char *copied(const char *name)
{
	static char text[256];
	char path[128];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "to/sqs/%s", name);
	fd = open(path_of(path), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	got = read(fd, text, sizeof(text) - 1);
	cr_assert_geq(got, 0);
	text[got] = '\0';
	close(fd);
	return text;
}

static int copy_by(const struct os_disk *disk)
{
	return copy_notes(disk, from, to, &files, failed);
}

static int copy(void)
{
	return copy_by(&os_disk_real);
}

/* ---- what is copied --------------------------------------------------------------------------- */

Test(copy_notes, all_of_them_are_copied)
{
	struct stat status;

	put("from/sqs/jobs.json", "{\"tags\":{}}");
	put("from/sqs/ordered.fifo.json", "");
	put("from/sqs/" LONGEST ".json", "any text");
	cr_assert_eq(copy(), 0);
	cr_expect_eq(files, 3);
	cr_expect_str_eq(copied("jobs.json"), "{\"tags\":{}}");
	cr_expect_str_eq(copied("ordered.fifo.json"), "");
	cr_expect_str_eq(copied(LONGEST ".json"), "any text");
	cr_expect_str_eq(failed, "");
	cr_assert_eq(stat(path_of("to/sqs"), &status), 0);
	cr_expect_eq(status.st_mode & 0777, 0700);
	cr_assert_eq(stat(path_of("to/sqs/jobs.json"), &status), 0);
	cr_expect_eq(status.st_mode & 0777, 0600);
}

Test(copy_notes, none_are_nothing)
{
	cr_assert_eq(copy(), 0);
	cr_assert_eq(rmdir(path_of("from/sqs")), 0);
	cr_assert_eq(copy(), 0);
	cr_expect_eq(files, 0);
}

Test(copy_notes, what_is_none_is_left)
{
	static const char *const others[] = {
		"jobs.json.new",    "jobs.json.damaged", ".json", ".jobs.json", "jobs", "a b.json",
		"jobs.fifo.x.json", "a" LONGEST ".json"};
	char path[256];

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		snprintf(path, sizeof(path), "from/sqs/%s", others[i]);
		put(path, "x");
	}
	close(folder_make("from/sqs/folder"));
	cr_assert_eq(symlink("/etc/passwd", path_of("from/sqs/link")), 0);
	cr_assert_eq(copy(), 0);
	cr_expect_eq(files, 0);
	cr_expect_eq(tmpdir_count(path_of("to/sqs"), ""), 0);
}

/* ---- what is refused -------------------------------------------------------------------------- */

static void refuses(const char *path, int error)
{
	cr_expect_eq(copy(), error);
	cr_expect_str_eq(failed, path);
}

Test(copy_notes, no_link_is_followed)
{
	put("from/secret", "secret");
	cr_assert_eq(symlink("../secret", path_of("from/sqs/jobs.json")), 0);
	refuses("sqs/jobs.json", -EMEDIUMTYPE);
	cr_expect_null(copied("jobs.json"));
}

Test(copy_notes, nor_one_to_the_folder)
{
	put("from/sqs/jobs.json", "x");
	cr_assert_eq(rename(path_of("from/sqs"), path_of("from/elsewhere")), 0);
	cr_assert_eq(symlink("elsewhere", path_of("from/sqs")), 0);
	refuses("sqs", -EMEDIUMTYPE);
}

Test(copy_notes, a_file_instead_of_the_folder_is_refused)
{
	cr_assert_eq(rmdir(path_of("from/sqs")), 0);
	put("from/sqs", "x");
	refuses("sqs", -EMEDIUMTYPE);
}

Test(copy_notes, what_is_no_file_is_refused)
{
	close(folder_make("from/sqs/jobs.json"));
	refuses("sqs/jobs.json", -EMEDIUMTYPE);
	cr_assert_eq(rmdir(path_of("from/sqs/jobs.json")), 0);
	cr_assert_eq(mkfifo(path_of("from/sqs/jobs.json"), 0600), 0);
	refuses("sqs/jobs.json", -EMEDIUMTYPE);
}

Test(copy_notes, the_largest_are_copied_and_larger_ones_refused)
{
	static const char bytes[COPY_NOTES_BYTES_MAX + 1];
	struct stat status;

	put_bytes("from/sqs/" LONGEST ".json", bytes, COPY_NOTES_BYTES_MAX);
	cr_assert_eq(copy(), 0);
	cr_assert_eq(stat(path_of("to/sqs/" LONGEST ".json"), &status), 0);
	cr_expect_eq(status.st_size, COPY_NOTES_BYTES_MAX);
	put_bytes("from/sqs/" LONGEST ".json", bytes, sizeof(bytes));
	refuses("sqs/" LONGEST ".json", -EMEDIUMTYPE);
}

static int open_closed(int folder, const char *name, uint32_t flags)
{
	(void)folder, (void)name, (void)flags;
	return -EACCES;
}

/* (Who runs this may read all.) */
Test(copy_notes, one_that_may_not_be_read_is_named)
{
	struct os_disk disk = os_disk_real;

	disk.open = open_closed;
	put("from/sqs/jobs.json", "x");
	cr_expect_eq(copy_by(&disk), -EACCES);
	cr_expect_str_eq(failed, "sqs/jobs.json");
}

/* ---- changed meanwhile ------------------------------------------------------------------------ */

static int open_what_has_gone(int folder, const char *name, uint32_t flags)
{
	cr_assert_eq(unlinkat(folder, name, 0), 0);
	return os_disk_real.open(folder, name, flags);
}

Test(copy_notes, one_that_goes_meanwhile_is_left_out)
{
	struct os_disk disk = os_disk_real;

	disk.open = open_what_has_gone;
	put("from/sqs/jobs.json", "x");
	cr_assert_eq(copy_by(&disk), 0);
	cr_expect_eq(files, 0);
	cr_expect_null(copied("jobs.json"));
	cr_expect_str_eq(failed, "");
}

/* One byte at a time; before each, it is replaced. */
static int64_t read_what_changes(int fd, void *ret_bytes, size_t count, uint64_t offset)
{
	replace("jobs.json", offset % 2 ? "the new one" : "another");
	return os_disk_real.read(fd, ret_bytes, count ? 1 : 0, offset);
}

Test(copy_notes, one_that_is_replaced_meanwhile_is_copied_as_it_was)
{
	struct os_disk disk = os_disk_real;

	disk.read = read_what_changes;
	put("from/sqs/jobs.json", "the old one");
	cr_assert_eq(copy_by(&disk), 0);
	cr_expect_str_eq(copied("jobs.json"), "the old one");
}

Test(copy_notes, copied_again_what_is_new_counts_and_what_has_gone_is_kept)
{
	put("from/sqs/kept.json", "kept");
	put("from/sqs/changed.json", "old, and longer");
	cr_assert_eq(copy(), 0);
	cr_expect_eq(files, 2);
	cr_assert_eq(unlink(path_of("from/sqs/kept.json")), 0);
	replace("changed.json", "new");
	put("from/sqs/made.json", "made");
	cr_assert_eq(copy(), 0);
	cr_expect_eq(files, 3);
	cr_expect_str_eq(copied("kept.json"), "kept");
	cr_expect_str_eq(copied("changed.json"), "new");
	cr_expect_str_eq(copied("made.json"), "made");
}

/* ---- a disk that fails ------------------------------------------------------------------------ */

static int calls_left; /* until one fails, whichever it is */
static int unflushed;  /* written since the last flush */

static int64_t write_or_fail(int fd, const void *bytes, size_t count, uint64_t offset)
{
	unflushed = 1;
	return calls_left-- == 0 ? -ENOSPC : os_disk_real.write(fd, bytes, count, offset);
}

static int64_t read_or_fail(int fd, void *ret_bytes, size_t count, uint64_t offset)
{
	return calls_left-- == 0 ? -EIO : os_disk_real.read(fd, ret_bytes, count, offset);
}

static int flush_or_fail(int fd)
{
	unflushed = 0;
	return calls_left-- == 0 ? -EIO : os_disk_real.flush(fd);
}

static int close_flushed(int fd)
{
	cr_expect_eq(unflushed, 0, "closed before it was flushed");
	return os_disk_real.close(fd);
}

static int create_or_fail(int folder, const char *name, uint32_t flags)
{
	return calls_left-- == 0 ? -EMFILE : os_disk_real.create(folder, name, flags);
}

static int open_or_fail(int folder, const char *name, uint32_t flags)
{
	return calls_left-- == 0 ? -EIO : os_disk_real.open(folder, name, flags);
}

static int unlink_or_fail(int folder, const char *name)
{
	return calls_left-- == 0 ? -EROFS : os_disk_real.unlink(folder, name);
}

static int list_or_fail(int folder, int (*found)(void *context, const char *name), void *context)
{
	return calls_left-- == 0 ? -EIO : os_disk_real.list(folder, found, context);
}

static int flush_folder_or_fail(int folder)
{
	return calls_left-- == 0 ? -EIO : os_disk_real.flush_folder(folder);
}

Test(copy_notes, fails_with_any_call_that_it_needs_and_leaves_nothing)
{
	struct os_disk disk = {
		.open = open_or_fail,
		.create = create_or_fail,
		.close = os_disk_real.close,
		.list = list_or_fail,
		.unlink = unlink_or_fail,
		.write = write_or_fail,
		.read = read_or_fail,
		.flush = flush_or_fail,
		.flush_folder = flush_folder_or_fail,
	};
	int fails_at = 0, result;

	put("from/sqs/a.json", "a");
	put("from/sqs/b.json", "b");
	for (;; fails_at++) {
		calls_left = fails_at;
		result = copy_by(&disk);
		if (calls_left >= 0)
			break;
		cr_assert_lt(result, 0, "call %d", fails_at);
		copy_notes_remove(&os_disk_real, to);
		cr_assert_eq(tmpdir_count(path_of("to"), ""), 0, "call %d: something is left", fails_at);
	}
	cr_expect_eq(result, 0);
	/* List; of two files: open, two reads, unlink, create, write, flush; both folders. */
	cr_expect_eq(fails_at, 17);
}

Test(copy_notes, each_file_is_flushed)
{
	struct os_disk disk = os_disk_real;

	disk.write = write_or_fail;
	disk.flush = flush_or_fail;
	disk.close = close_flushed;
	calls_left = -1;
	put("from/sqs/a.json", "a");
	put("from/sqs/b.json", "b");
	cr_assert_eq(copy_by(&disk), 0);
	cr_expect_eq(unflushed, 0);
}

Test(copy_notes, nothing_there_is_nothing_to_remove)
{
	copy_notes_remove(&os_disk_real, to);
	cr_expect_eq(tmpdir_count(path_of("to"), ""), 0);
}
