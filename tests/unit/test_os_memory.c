#include "kmod-free/memory.h"
#include "kmod-free/sysops.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[256];
static int directory_fd = -1;
static struct os_sysops real;

static void setup(void)
{
	const char *base = getenv("RINGLEASE_DIR"); /* the runner's, removed afterwards */

	snprintf(directory, sizeof(directory), "%s/ringlease-unit.XXXXXX", base ? base : "/dev/shm");
	cr_assert(mkdtemp(directory) != NULL);
	directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert(directory_fd >= 0);
	real = os_sys;
}

static void teardown(void)
{
	os_sys = real;
	unlinkat(directory_fd, "file", 0);
	close(directory_fd);
	cr_expect_eq(rmdir(directory), 0, "nothing else is left behind");
}

TestSuite(os_memory, .init = setup, .fini = teardown, .timeout = 60);

static int build(char hidden[64])
{
	int fd = os_file_build(directory_fd, 0640, hidden);

	cr_assert(fd >= 0, "%d", fd);
	return fd;
}

/* A file of `bytes`, allocated if asked. */
static int file_of(uint64_t bytes, bool allocated)
{
	char hidden[64];
	int fd = build(hidden);

	cr_assert_eq(os_file_resize(fd, bytes), 0);
	if (allocated)
		cr_assert_eq(os_file_allocate(fd, 0, bytes), 0);
	cr_assert_eq(os_file_link(directory_fd, fd, hidden, "file"), 0);
	return fd;
}

static int entries(void)
{
	DIR *listing = fdopendir(openat(directory_fd, ".", O_RDONLY | O_DIRECTORY));
	int count = -2; /* . and .. */

	while (readdir(listing) != NULL)
		count++;
	closedir(listing);
	return count;
}

Test(os_memory, a_file_has_no_name_until_it_is_whole)
{
	char hidden[64];
	int fd = build(hidden);
	struct stat status;

	cr_assert_str_eq(hidden, "", "tmpfs has nameless files");
	cr_assert_eq(entries(), 0);
	cr_assert_eq(os_file_link(directory_fd, fd, hidden, "file"), 0);
	cr_assert_eq(fstatat(directory_fd, "file", &status, 0), 0);
	cr_assert_eq(status.st_mode & 07777, 0640);
	cr_assert_eq(status.st_nlink, 1);
	close(fd);
}

Test(os_memory, the_umask_has_no_say_in_the_mode)
{
	char hidden[64];
	struct stat status;
	mode_t before = umask(0777);
	int fd = build(hidden);

	umask(before);
	cr_assert_eq(fstat(fd, &status), 0);
	cr_assert_eq(status.st_mode & 07777, 0640);
	os_file_discard(directory_fd, fd, hidden);
}

Test(os_memory, the_slower_of_two_builders_is_told)
{
	int winner = file_of(4096, false);
	char hidden[64];
	int loser = build(hidden);

	cr_assert_eq(os_file_link(directory_fd, loser, hidden, "file"), -EEXIST);
	close(loser);
	close(winner);
	cr_assert_eq(entries(), 1);
}

/* As on a file system without nameless files: a hidden name made by hand. */
static int build_by_name(char hidden[64])
{
	strcpy(hidden, OS_HIDDEN_PREFIX "0");
	return openat(directory_fd, hidden, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
}

Test(os_memory, a_hidden_name_goes_when_the_file_gets_its_own)
{
	char hidden[64];
	int fd = build_by_name(hidden);
	struct stat status;

	cr_assert_eq(os_file_link(directory_fd, fd, hidden, "file"), 0);
	cr_assert_eq(fstat(fd, &status), 0);
	cr_assert_eq(status.st_nlink, 1);
	cr_assert_eq(entries(), 1);
	close(fd);
}

Test(os_memory, a_hidden_name_goes_when_another_was_faster)
{
	char hidden[64];
	int winner = file_of(4096, false), loser = build_by_name(hidden);

	cr_assert_eq(os_file_link(directory_fd, loser, hidden, "file"), -EEXIST);
	cr_assert_eq(entries(), 1);
	close(loser);
	close(winner);
}

Test(os_memory, discarding_leaves_nothing)
{
	char hidden[64];
	int fd = build_by_name(hidden);

	os_file_discard(directory_fd, fd, hidden);
	cr_assert_eq(entries(), 0);
	cr_assert_eq(fcntl(fd, F_GETFD), -1);
}

Test(os_memory, a_file_in_a_missing_directory_is_an_error)
{
	char hidden[64];

	cr_assert_eq(os_file_build(-1, 0600, hidden), -EBADF);
}

Test(os_memory, resizing_takes_no_memory_and_allocating_does)
{
	int fd = file_of(1 << 20, false);

	cr_assert_eq(os_file_memory(fd), 0);
	cr_assert_eq(os_file_allocate(fd, 65536, 65536), 0);
	cr_assert_eq(os_file_memory(fd), 65536);
	cr_assert_eq(os_file_allocate(fd, 65536, 65536), 0, "twice is fine");
	cr_assert_eq(os_file_memory(fd), 65536);
	close(fd);
}

Test(os_memory, a_limit_on_file_sizes_is_an_error_and_no_signal)
{
	const struct rlimit little = {.rlim_cur = 1 << 20, .rlim_max = RLIM_INFINITY};
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &little), 0);
	cr_expect_eq(os_file_resize(fd, (1 << 20) + 1), -EFBIG);
	cr_expect_eq(os_file_resize(fd, 1 << 20), 0);
	close(fd);
}

Test(os_memory, allocating_keeps_what_was_there_and_grows_the_file)
{
	int fd = file_of(4096, true);
	struct stat status;
	char byte = 'x';

	cr_assert_eq(pwrite(fd, &byte, 1, 100), 1);
	cr_assert_eq(os_file_allocate(fd, 0, 65536), 0);
	cr_assert_eq(fstat(fd, &status), 0);
	cr_assert_eq(status.st_size, 65536);
	byte = 0;
	cr_assert_eq(pread(fd, &byte, 1, 100), 1);
	cr_assert_eq(byte, 'x');
	close(fd);
}

Test(os_memory, punched_memory_is_given_back_and_reads_as_zero)
{
	int fd = file_of(1 << 20, true);
	unsigned char *memory = os_map(fd, 0, 1 << 20, true);

	cr_assert(memory != NULL);
	memset(memory, 1, 1 << 20);
	cr_assert_eq(os_file_punch(fd, 0, 1 << 19), 0);
	cr_assert_eq(os_file_punch(fd, 0, 0), 0);
	cr_assert_eq(os_file_memory(fd), 1 << 19);
	cr_assert_eq(os_file_allocate(fd, 0, 1 << 19), 0);
	cr_assert_eq(memory[100], 0);
	cr_assert_eq(memory[(1 << 19) + 100], 1);
	os_unmap(memory, 1 << 20);
	close(fd);
}

Test(os_memory, absurd_ranges_are_refused)
{
	int fd = file_of(4096, false);

	cr_assert_eq(os_file_resize(fd, UINT64_MAX), -EFBIG);
	cr_assert_eq(os_file_allocate(fd, UINT64_MAX, 1), -EFBIG);
	cr_assert_eq(os_file_allocate(fd, 1, INT64_MAX), -EFBIG);
	cr_assert_eq(os_file_punch(fd, INT64_MAX, 2), -EFBIG);
	close(fd);
}

/* ---- faults ---- */

static int fallocate_full(int fd, int mode, off_t offset, off_t bytes)
{
	(void)fd, (void)mode, (void)offset, (void)bytes;
	errno = ENOSPC;
	return -1;
}

Test(os_memory, a_full_tmpfs_is_an_error)
{
	int fd = file_of(4096, false);

	os_sys.fallocate = fallocate_full;
	cr_assert_eq(os_file_allocate(fd, 0, 4096), -ENOSPC);
	cr_assert_eq(os_file_punch(fd, 0, 4096), -ENOSPC);
	close(fd);
}

/* ---- huge pages ---- */

static unsigned collapses;

static int collapse_refused(void *address, size_t bytes, int advice)
{
	(void)address, (void)bytes, (void)advice;
	collapses++;
	errno = EINVAL;
	return -1;
}

static int collapse_noted(void *address, size_t bytes, int advice)
{
	collapses++;
	cr_assert_eq((uintptr_t)address % OS_HUGE_BYTES, 0);
	cr_assert_eq(bytes, OS_HUGE_BYTES);
	return real.madvise(address, bytes, advice);
}

enum { LARGE = 9 << 20 };

Test(os_memory, a_large_mapping_is_where_huge_pages_fit)
{
	int fd = file_of(LARGE, false);
	unsigned char *memory = os_map(fd, 0, LARGE, true), *behind = os_map(fd, 1 << 20, LARGE - (1 << 20), true);

	cr_assert(memory != NULL && behind != NULL);
	cr_assert_eq((uintptr_t)memory % OS_HUGE_BYTES, 0);
	cr_assert_eq((uintptr_t)behind % OS_HUGE_BYTES, 1 << 20);
	memory[(1 << 20) + 7] = 9;
	cr_assert_eq(behind[7], 9);
	os_unmap(memory, LARGE);
	os_unmap(behind, LARGE - (1 << 20));
	close(fd);
}

Test(os_memory, whole_huge_pages_are_asked_for_and_all_is_allocated)
{
	int fd = file_of(LARGE, false);
	unsigned char *memory = os_map(fd, 0, LARGE, true);
	const uint64_t from = 1 << 20, bytes = LARGE - from - 4096;
	bool huge = true;

	os_sys.madvise = collapse_noted;
	cr_assert_eq(os_map_allocate(fd, from, memory + from, bytes, &huge), 0);
	cr_assert_eq(collapses, huge ? 3u : 1u, "2 to 8 MiB, unless the kernel has none");
	cr_assert_eq(os_file_memory(fd), bytes, "what was asked for, and no more");
	for (uint64_t at = 0; at < bytes; at += 4096)
		cr_assert_eq(memory[from + at], 0);
	cr_assert_eq(os_file_punch(fd, from, bytes), 0);
	cr_assert_eq(os_file_memory(fd), 0);
	os_unmap(memory, LARGE);
	close(fd);
}

Test(os_memory, where_huge_pages_are_refused_small_ones_do_and_nobody_asks_again)
{
	int fd = file_of(LARGE, false);
	unsigned char *memory = os_map(fd, 0, LARGE, true);
	bool huge = true;

	os_sys.madvise = collapse_refused;
	cr_assert_eq(os_map_allocate(fd, 0, memory, 4 << 20, &huge), 0);
	cr_assert_eq(os_map_allocate(fd, 4 << 20, memory + (4 << 20), LARGE - (4 << 20), &huge), 0);
	cr_assert(!huge);
	cr_assert_eq(collapses, 1);
	cr_assert_eq(os_file_memory(fd), LARGE);
	os_unmap(memory, LARGE);
	close(fd);
}

Test(os_memory, a_full_tmpfs_is_an_error_with_huge_pages_too)
{
	int fd = file_of(LARGE, false);
	unsigned char *memory = os_map(fd, 0, LARGE, true);
	bool huge = true;

	os_sys.fallocate = fallocate_full;
	os_sys.madvise = collapse_refused;
	cr_assert_eq(os_map_allocate(fd, 0, memory, LARGE, &huge), -ENOSPC);
	cr_assert_eq(collapses, 0);
	os_unmap(memory, LARGE);
	close(fd);
}

static off_t piece_max;

/* A timer so fast that only small pieces get through. */
static int fallocate_interrupted(int fd, int mode, off_t offset, off_t bytes)
{
	if (bytes > piece_max) {
		errno = EINTR;
		return -1;
	}
	return real.fallocate(fd, mode, offset, bytes);
}

Test(os_memory, an_allocation_gets_through_a_hail_of_signals)
{
	int fd = file_of(1 << 20, false);

	piece_max = 128 * 1024;
	os_sys.fallocate = fallocate_interrupted;
	cr_assert_eq(os_file_allocate(fd, 4096, (1 << 20) - 4096), 0);
	cr_assert_eq(os_file_memory(fd), (1 << 20) - 4096);
	close(fd);
}

static int interruptions;

static int ftruncate_interrupted(int fd, off_t bytes)
{
	if (interruptions-- > 0) {
		errno = EINTR;
		return -1;
	}
	return real.ftruncate(fd, bytes);
}

Test(os_memory, resizing_goes_on_after_a_signal)
{
	int fd = file_of(4096, false);
	struct stat status;

	interruptions = 3;
	os_sys.ftruncate = ftruncate_interrupted;
	cr_assert_eq(os_file_resize(fd, 8192), 0);
	cr_assert_eq(fstat(fd, &status), 0);
	cr_assert_eq(status.st_size, 8192);
	close(fd);
}

static void *mmap_refused(void *address, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	(void)address, (void)bytes, (void)protection, (void)flags, (void)fd, (void)offset;
	errno = ENOMEM;
	return MAP_FAILED;
}

Test(os_memory, a_refused_mapping_is_null_and_errno)
{
	int fd = file_of(4096, false);

	os_sys.mmap = mmap_refused;
	errno = 0;
	cr_assert(os_map(fd, 0, 4096, true) == NULL);
	cr_assert_eq(errno, ENOMEM);
	os_unmap(NULL, 4096);
	close(fd);
}

static ssize_t getrandom_refused(void *bytes, size_t count, unsigned flags)
{
	(void)bytes, (void)count, (void)flags;
	errno = ENOSYS;
	return -1;
}

static ssize_t getrandom_by_bytes(void *bytes, size_t count, unsigned flags)
{
	if (interruptions-- > 0) {
		errno = EINTR;
		return -1;
	}
	return real.getrandom(bytes, count > 3 ? 3 : count, flags);
}

Test(os_memory, random_bytes_come_in_pieces_too)
{
	unsigned char bytes[64] = {0};
	int zeros = 0;

	interruptions = 2;
	os_sys.getrandom = getrandom_by_bytes;
	os_random(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		zeros += bytes[i] == 0;
	cr_assert(zeros < 16, "%d", zeros);
}

Test(os_memory, random_bytes_differ_even_where_the_kernel_gives_none)
{
	uint64_t first[4], second[4];

	os_sys.getrandom = getrandom_refused;
	os_random(first, sizeof(first));
	os_random(second, sizeof(second));
	for (int i = 0; i < 4; i++) {
		cr_assert_neq(first[i], second[i]);
		cr_assert_neq(first[i], 0);
	}
}

/* ---- facts ---- */

Test(os_memory, a_read_only_mapping_shows_what_is_written)
{
	int fd = file_of(8192, true);
	const unsigned char *shown = os_map(fd, 4096, 4096, false);
	unsigned char *written = os_map(fd, 0, 8192, true);

	os_map_populate(written + 10, 5000);
	written[4096] = 42;
	cr_assert_eq(shown[0], 42);
	os_unmap(written, 8192);
	os_unmap((void *)shown, 4096);
	close(fd);
}

Test(os_memory, tells_a_tmpfs_from_a_disk)
{
	int proc = open("/proc", O_RDONLY | O_DIRECTORY);

	cr_assert(os_is_tmpfs(directory_fd));
	cr_assert(!os_is_tmpfs(proc));
	cr_assert(!os_is_tmpfs(-1));
	close(proc);
}

Test(os_memory, the_boot_has_one_name)
{
	unsigned char first[16] = {0}, second[16] = {0}, none[16] = {0};

	cr_assert_eq(os_boot_id(first), 0);
	cr_assert_eq(os_boot_id(second), 0);
	cr_assert_eq(memcmp(first, second, 16), 0);
	cr_assert_neq(memcmp(first, none, 16), 0);
}
