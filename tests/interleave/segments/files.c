/* Two files in one directory, q.rlq and d.rlq: what shm/ asks the C library and shm/directory.c about them. */
#include "kmod-free/memory.h"
#include "tests/interleave/segments/world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

uint64_t name_step;
struct seg_engine_page engine_page;

int fake_openat(int directory, const char *name, int flags, ...);
int fake_close(int fd);
int fake_fstat(int fd, struct stat *status);
int fake_fstatat(int directory, const char *name, struct stat *status, int flags);
ssize_t fake_pread(int fd, void *bytes, size_t count, off_t offset);
off_t fake_lseek(int fd, off_t offset, int whence);
int fake_flock(int fd, int operation);
int fake_faccessat(int directory, const char *name, int mode, int flags);
int fake_fchmod(int fd, mode_t mode);
int fake_fchown(int fd, uid_t owner, gid_t group);
int fake_unlinkat(int directory, const char *name, int flags);
pid_t fake_getpid(void);
uid_t fake_geteuid(void);

static bool is_file_of(const char *file, int queue)
{
	size_t bytes = strlen(world_name(queue));

	return strncmp(file, world_name(queue), bytes) == 0 && strcmp(file + bytes, ".rlq") == 0;
}

/* The queue of that file name, if it has its name; -1 and errno if not. One look at the directory. */
static int find_name(const char *file)
{
	explore_step(&name_step);
	for (int i = 0; i < QUEUES; i++)
		if (is_file_of(file, i) && world.files[i].named)
			return i;
	errno = ENOENT;
	return -1;
}

int fake_openat(int directory, const char *name, int flags, ...)
{
	int queue = find_name(name);

	(void)directory, (void)flags;
	return queue < 0 ? -1 : FIRST_FD + queue;
}

int fake_close(int fd)
{
	(void)fd;
	return 0;
}

int fake_fstat(int fd, struct stat *status)
{
	memset(status, 0, sizeof(*status));
	status->st_mode = S_IFREG | 0600;
	status->st_size = (off_t)SEG_FILE_BYTES;
	status->st_ino = (ino_t)(fd - FIRST_FD + 1);
	return 0;
}

int fake_fstatat(int directory, const char *name, struct stat *status, int flags)
{
	int queue = find_name(name);

	(void)directory, (void)flags;
	return queue < 0 ? -1 : fake_fstat(FIRST_FD + queue, status);
}

ssize_t fake_pread(int fd, void *bytes, size_t count, off_t offset)
{
	memcpy(bytes, map_base[fd - FIRST_FD] + offset, count);
	return (ssize_t)count;
}

/* Nothing but holes; poison is looked at by os_check_poison. */
off_t fake_lseek(int fd, off_t offset, int whence)
{
	(void)fd, (void)offset, (void)whence;
	return -1;
}

int fake_flock(int fd, int operation)
{
	(void)fd, (void)operation;
	return 0;
}

int fake_faccessat(int directory, const char *name, int mode, int flags)
{
	(void)directory, (void)mode, (void)flags;
	return find_name(name) < 0 ? -1 : 0;
}

int fake_fchmod(int fd, mode_t mode)
{
	(void)fd, (void)mode;
	return 0;
}

int fake_fchown(int fd, uid_t owner, gid_t group)
{
	(void)fd, (void)owner, (void)group;
	return 0;
}

int fake_unlinkat(int directory, const char *name, int flags)
{
	int queue = find_name(name);

	(void)directory, (void)flags;
	if (queue < 0)
		return -1;
	world.files[queue].named = 0;
	return 0;
}

pid_t fake_getpid(void)
{
	return 1;
}

uid_t fake_geteuid(void)
{
	return 1;
}

/* ---- kmod-free/memory.h, as far as creating goes ---- */

int os_file_build(int directory_fd, uint32_t mode, char *ret_hidden)
{
	(void)directory_fd, (void)mode;
	ret_hidden[0] = '\0';
	return FIRST_FD + (world.files[QUEUE].named ? DLQ : QUEUE);
}

int os_file_link(int directory_fd, int fd, const char *hidden, const char *name)
{
	(void)directory_fd, (void)hidden, (void)name;
	world.files[fd - FIRST_FD].named = 1;
	return 0;
}

int os_file_resize(int fd, uint64_t bytes)
{
	(void)fd, (void)bytes;
	return 0;
}

/* ---- shm/directory.h ---- */

bool seg_name_is_valid(const char *name)
{
	return strcmp(name, world_name(QUEUE)) == 0 || strcmp(name, world_name(DLQ)) == 0;
}

void seg_file_name(const char *queue, char *ret_name)
{
	snprintf(ret_name, SEG_NAME_MAX + 8, "%.8s.rlq", queue);
}

uint64_t seg_file_number(const struct seg_directory *directory, const char *queue)
{
	char file[SEG_NAME_MAX + 8];

	(void)directory;
	seg_file_name(queue, file);
	return (uint64_t)(find_name(file) + 1);
}

int seg_directory_list(const struct seg_directory *directory, const char *prefix,
		       int (*each)(void *context, const char *name), void *context)
{
	bool listed[QUEUES];
	int result = 0;

	(void)directory, (void)prefix;
	explore_step(&name_step);
	for (int i = 0; i < QUEUES; i++)
		listed[i] = world.files[i].named;
	for (int i = QUEUES - 1; i >= 0 && result == 0; i--) /* by name */
		if (listed[i])
			result = each(context, world_name(i));
	return result;
}

void seg_directory_tidy(const struct seg_directory *directory)
{
	(void)directory;
}

/* Actors reap by calls of their own, as an engine does. */
bool seg_engine_is_prompt(const struct seg_directory *directory, uint64_t now_ms)
{
	(void)directory, (void)now_ms;
	return true;
}

void seg_engine_expect(const struct seg_directory *directory, uint64_t due_ms, uint64_t now_ms)
{
	(void)directory, (void)due_ms, (void)now_ms;
}

struct seg_directory *directory_of(int actor)
{
	static struct seg_directory directories[PEOPLE];
	struct seg_directory *directory = &directories[actor];

	*directory = (struct seg_directory){.fd = DIRECTORY_FD,
					    .is_tmpfs = true,
					    .engine = &engine_page,
					    .liveness = {.pid = 1, .key = (uint64_t)actor + 1}};
	return directory;
}

int seg_directory_open(const char *path, struct seg_directory *ret_directory)
{
	(void)path, (void)ret_directory;
	return -EACCES;
}

void seg_directory_close(struct seg_directory *directory)
{
	(void)directory;
}
