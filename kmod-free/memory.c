#include "kmod-free/memory.h"
#include "kmod-free/clock.h"
#include "kmod-free/sysops.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif

enum {
	NAME_TRIES = 8,		     /* hidden names before giving up */
	PIECE_BYTES_MIN = 64 * 1024, /* an allocation that signals interrupt shrinks to this */
};

/* ---- build, link ------------------------------------------------------------------------------ */

static void descriptor_path(int fd, char ret_path[32])
{
	snprintf(ret_path, 32, "/proc/self/fd/%d", fd);
}

/* -1 if the directory's file system, or a missing /proc, does not allow it. */
static int build_nameless(int directory_fd)
{
	char path[32];
	int fd = openat(directory_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		return -1;
	descriptor_path(fd, path);
	if (access(path, F_OK) == 0)
		return fd;
	close(fd);
	return -1;
}

static int build_hidden(int directory_fd, char *ret_hidden)
{
	for (int tries = 0; tries < NAME_TRIES; tries++) {
		char name[64];
		uint64_t random;
		int fd;

		os_random(&random, sizeof(random));
		snprintf(name, sizeof(name), OS_HIDDEN_PREFIX "%016llx", (unsigned long long)random);
		fd = openat(directory_fd, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
		if (fd >= 0) {
			memcpy(ret_hidden, name, strlen(name) + 1);
			return fd;
		}
		if (errno != EEXIST && errno != EINTR)
			break;
	}
	return -errno;
}

int os_file_build(int directory_fd, uint32_t mode, char *ret_hidden)
{
	int fd = build_nameless(directory_fd);

	if (fd >= 0) {
		ret_hidden[0] = '\0';
	} else {
		fd = build_hidden(directory_fd, ret_hidden);
		if (fd < 0)
			return fd;
	}
	/* After the fact, so that the umask has no say. */
	if (fchmod(fd, mode & 0777) != 0) {
		int error = -errno;

		os_file_discard(directory_fd, fd, ret_hidden);
		return error;
	}
	return fd;
}

int os_file_link(int directory_fd, int fd, const char *hidden, const char *name)
{
	char path[32];
	int done, error;

	if (hidden[0] == '\0') {
		/* Naming a descriptor as such (AT_EMPTY_PATH) takes a capability; its link in /proc does not. */
		descriptor_path(fd, path);
		done = os_sys.linkat(AT_FDCWD, path, directory_fd, name, AT_SYMLINK_FOLLOW);
		return done == 0 ? 0 : -errno;
	}
	done = os_sys.linkat(directory_fd, hidden, directory_fd, name, 0);
	error = done == 0 ? 0 : -errno;
	os_sys.unlinkat(directory_fd, hidden, 0);
	return error;
}

void os_file_discard(int directory_fd, int fd, const char *hidden)
{
	if (hidden[0] != '\0')
		os_sys.unlinkat(directory_fd, hidden, 0);
	close(fd);
}

/* ---- size and space --------------------------------------------------------------------------- */

static bool range_is_sane(uint64_t offset, uint64_t bytes)
{
	return offset <= INT64_MAX && bytes <= INT64_MAX - offset;
}

/* Beyond RLIMIT_FSIZE the kernel does not only refuse: its SIGXFSZ ends the process. */
static bool is_within_size_limit(uint64_t bytes)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || bytes <= limit.rlim_cur;
}

int os_file_resize(int fd, uint64_t bytes)
{
	if (!range_is_sane(0, bytes) || !is_within_size_limit(bytes))
		return -EFBIG;
	while (os_sys.ftruncate(fd, (off_t)bytes) != 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

int os_file_allocate(int fd, uint64_t offset, uint64_t bytes)
{
	uint64_t piece = bytes;

	if (!range_is_sane(offset, bytes))
		return -EFBIG;
	/* tmpfs undoes a call that a signal interrupts, so a steady timer could make a large one fail for
	 * ever: each interruption halves the piece. */
	while (bytes > 0) {
		piece = piece < bytes ? piece : bytes;
		if (os_sys.fallocate(fd, 0, (off_t)offset, (off_t)piece) == 0) {
			offset += piece;
			bytes -= piece;
		} else if (errno != EINTR) {
			return -errno;
		} else if (piece > PIECE_BYTES_MIN) {
			piece = (piece / 2 + PIECE_BYTES_MIN - 1) & ~(uint64_t)(PIECE_BYTES_MIN - 1);
		}
	}
	return 0;
}

/* A hole in which one page is there is filled by one huge page that is cleared; what is allocated page by page
 * would be cleared, copied and given back so. */
static bool allocate_huge(int fd, uint64_t offset, unsigned char *memory)
{
	return os_file_allocate(fd, offset, 1) == 0 && os_sys.madvise(memory, OS_HUGE_BYTES, MADV_COLLAPSE) == 0;
}

int os_map_allocate(int fd, uint64_t offset, unsigned char *memory, uint64_t bytes, bool *huge)
{
	uint64_t skip = -offset % OS_HUGE_BYTES;

	for (; *huge && skip < bytes && bytes - skip >= OS_HUGE_BYTES; skip += OS_HUGE_BYTES)
		*huge = allocate_huge(fd, offset + skip, memory + skip);
	return os_file_allocate(fd, offset, bytes);
}

int os_file_punch(int fd, uint64_t offset, uint64_t bytes)
{
	if (!range_is_sane(offset, bytes))
		return -EFBIG;
	if (bytes == 0)
		return 0;
	while (os_sys.fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)bytes) != 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

uint64_t os_file_memory(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 ? (uint64_t)status.st_blocks * 512 : 0;
}

/* ---- mapping ---------------------------------------------------------------------------------- */

/* Mapped at `at`, or where the kernel likes. */
static void *map_at(uintptr_t at, int fd, uint64_t offset, size_t bytes, bool writable)
{
	void *memory = os_sys.mmap((void *)at, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd,
				   (off_t)offset);

	return memory == MAP_FAILED ? NULL : memory;
}

void *os_map(int fd, uint64_t offset, size_t bytes, bool writable)
{
	void *memory = map_at(0, fd, offset, bytes, writable);
	uintptr_t above = ((uintptr_t)memory - offset) % OS_HUGE_BYTES;

	if (memory == NULL || bytes < OS_HUGE_BYTES || above == 0)
		return memory;
	/* Most often there is room just below; if not, it lies anywhere, which is as good but for speed. */
	munmap(memory, bytes);
	return map_at((uintptr_t)memory - above, fd, offset, bytes, writable);
}

void os_unmap(void *memory, size_t bytes)
{
	if (memory != NULL)
		munmap(memory, bytes);
}

void os_map_populate(void *memory, size_t bytes)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)memory & ~(page - 1);
	size_t reach = bytes + ((uintptr_t)memory - start);

	/* Where the kernel lacks it the first touch pays, as it would have anyway. */
	while (madvise((void *)start, reach, MADV_POPULATE_WRITE) != 0 && errno == EINTR)
		;
}

/* ---- facts ------------------------------------------------------------------------------------ */

bool os_is_tmpfs(int directory_fd)
{
	struct statfs status;

	if (fstatfs(directory_fd, &status) != 0)
		return false;
	return (unsigned long)status.f_type == TMPFS_MAGIC || (unsigned long)status.f_type == RAMFS_MAGIC;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int os_boot_id(unsigned char ret_id[16])
{
	unsigned char id[16] = {0};
	char text[64];
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC), digits = 0;
	ssize_t got;

	if (fd < 0)
		return -errno;
	got = read(fd, text, sizeof(text));
	close(fd);
	for (ssize_t i = 0; i < got && digits < 32; i++) {
		int digit = hex_digit(text[i]);

		if (digit >= 0) {
			id[digits / 2] = (unsigned char)(id[digits / 2] << 4 | digit);
			digits++;
		}
	}
	if (digits != 32)
		return -EIO;
	memcpy(ret_id, id, sizeof(id));
	return 0;
}

uint64_t os_mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* Not secret, but different in each process and call: for a kernel that refuses getrandom. */
static void random_poor(unsigned char *ret_bytes, size_t bytes)
{
	static uint64_t calls;
	const unsigned char *given = (const unsigned char *)getauxval(AT_RANDOM);
	uint64_t x = __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED), seed = 0;

	if (given != NULL)
		memcpy(&seed, given, sizeof(seed));
	x = os_mix(os_mix(os_mix(x ^ os_ticks()) ^ (uint64_t)getpid()) ^ os_boot_us()) ^ seed;
	for (size_t i = 0; i < bytes; i++) {
		x = os_mix(x);
		ret_bytes[i] = (unsigned char)x;
	}
}

void os_random(void *ret_bytes, size_t bytes)
{
	unsigned char *next = ret_bytes;

	while (bytes > 0) {
		ssize_t got = os_sys.getrandom(next, bytes, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			random_poor(next, bytes);
			return;
		}
		next += got;
		bytes -= (size_t)got;
	}
}
