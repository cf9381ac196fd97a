/* Calls of the system that fail while a directory is opened or a queue is made: an error, and nothing left. */
#include "kmod-free/memory.h"
#include "kmod-free/sysops.h"
#include "shm/create.h"
#include "tests/support/queue_fixture.h"
#include "tests/support/tmpdir.h"
#include "tests/unit/faulty_calls.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096 };

static struct os_sysops real;
static char path[TMPDIR_BYTES];
static struct seg_directory directory;

/* ---- what libc does, replaced for the whole program ------------------------------------------- */

static bool nameless_refused;
static int pages_unmapped;

/* By this the product asks whether a nameless file could be named. */
int access(const char *name, int mode)
{
	if (nameless_refused && strncmp(name, "/proc/self/fd/", 14) == 0) {
		errno = ENOENT;
		return -1;
	}
	return faccessat(AT_FDCWD, name, mode, 0);
}

int munmap(void *address, size_t bytes)
{
	pages_unmapped += bytes == PAGE;
	return (int)syscall(SYS_munmap, address, bytes);
}

static void set_up(void)
{
	tmpdir_make(path);
	real = os_sys;
}

static void tear_down(void)
{
	faulty_calls_end();
	os_sys = real;
	nameless_refused = false;
	tmpdir_remove(path);
}

TestSuite(directory_faults, .init = set_up, .fini = tear_down, .timeout = 60);

static int open_with(int calls, int error)
{
	int result;

	faulty_calls_begin(FAULTY_ANY, calls, error);
	result = seg_directory_open(path, &directory);
	faulty_calls_end();
	return result;
}

/* ---- the engine's page ------------------------------------------------------------------------ */

/* Until the directory opens each call fails in turn, and nothing but a whole page may stay. */
static void fail_each_call(int least)
{
	int calls = 1;

	for (;; calls++) {
		int error = open_with(calls, ENOSPC);

		if (error == 0)
			break;
		cr_assert_eq(error, -ENOSPC, "call %d: %d", calls, error);
		cr_expect_eq(tmpdir_count(path, ".build-"), 0, "call %d", calls);
		cr_expect_eq(tmpdir_count(path, ".alive-"), 0, "call %d", calls);
		cr_assert_lt(calls, 100);
	}
	cr_expect_gt(calls, least);
	seg_directory_close(&directory);
}

Test(directory_faults, shouldLeaveNothingHalfMade)
{
	fail_each_call(4); /* of the page: length, memory, name, map */
}

Test(directory_faults, shouldLeaveNothingHalfMadeWhereFilesMustHaveNames)
{
	nameless_refused = true;
	fail_each_call(4);
}

/* The page is there; what fails then is its map, and the name of the process. */
Test(directory_faults, shouldUnmapThePageOfADirectoryThatCannotBeOpened)
{
	cr_assert_eq(seg_directory_open(path, &directory), 0);
	seg_directory_close(&directory);
	pages_unmapped = 0;
	cr_expect_eq(open_with(1, ENOSPC), -ENOSPC);
	cr_expect_eq(pages_unmapped, 0);
	cr_expect_eq(open_with(2, ENOSPC), -ENOSPC);
	cr_expect_eq(pages_unmapped, 1);
	cr_expect_eq(tmpdir_count(path, ".alive-"), 0);
}

Test(directory_faults, shouldLeaveNoQueueHalfMadeWhereFilesMustHaveNames)
{
	struct seg_recipe recipe = {.name = "q", .capacity = 1000, .mode = 0600, .group = UINT32_MAX};
	int calls = 1, error;

	nameless_refused = true;
	cr_assert_eq(seg_directory_open(path, &directory), 0);
	for (;; calls++) {
		faulty_calls_begin(FAULTY_ANY, calls, ENOSPC);
		error = seg_create(&directory, &recipe);
		faulty_calls_end();
		if (error == 0)
			break;
		cr_assert_eq(error, -ENOSPC, "call %d: %d", calls, error);
		cr_expect_eq(tmpdir_count(path, ".build-"), 0, "call %d", calls);
		cr_expect_eq(tmpdir_count(path, "q.rlq"), 0, "call %d", calls);
	}
	cr_expect_eq(tmpdir_count(path, ".build-"), 0);
	cr_expect_eq(tmpdir_count(path, "q.rlq"), 1);
	seg_directory_close(&directory);
}

/* Another process makes the page between our look and our link. */
static int late_linkat(int old_fd, const char *old_name, int new_fd, const char *new_name, int flags)
{
	os_sys.linkat = real.linkat;
	cr_assert_eq(real.linkat(old_fd, old_name, new_fd, new_name, flags), 0);
	return real.linkat(old_fd, old_name, new_fd, new_name, flags);
}

Test(directory_faults, shouldUseThePageThatAnotherHasMadeMeanwhile)
{
	os_sys.linkat = late_linkat;
	cr_assert_eq(seg_directory_open(path, &directory), 0);
	cr_expect(os_sys.linkat == real.linkat);
	cr_expect_eq(memcmp(directory.engine->magic, "RLENGIN1", 8), 0);
	seg_directory_close(&directory);
}

Test(directory_faults, shouldRefuseAPageThatCannotBeOpened)
{
	char file[TMPDIR_BYTES + 16];

	snprintf(file, sizeof(file), "%s/.engine", path);
	cr_assert_eq(symlink(".engine", file), 0);
	cr_expect_eq(seg_directory_open(path, &directory), -ELOOP);
}

/* Twice would take away what another thread has mapped there meanwhile. */
Test(directory_faults, shouldUnmapAPageThatIsNoneOnlyOnce)
{
	char file[TMPDIR_BYTES + 16];
	int fd;

	snprintf(file, sizeof(file), "%s/.engine", path);
	fd = open(file, O_CREAT | O_RDWR, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(ftruncate(fd, PAGE), 0);
	close(fd);
	pages_unmapped = 0;
	cr_expect_eq(seg_directory_open(path, &directory), RLQ_EDAMAGED);
	cr_expect_eq(pages_unmapped, 1);
}
