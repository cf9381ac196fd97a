#include "daemon/data_folder.h"

#include "kmod-free/clock.h"
#include "kmod-free/futex.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef CIFS_SUPER_MAGIC
#define CIFS_SUPER_MAGIC 0xFF534D42
#endif
#ifndef SMB2_SUPER_MAGIC
#define SMB2_SUPER_MAGIC 0xFE534D42
#endif

enum { TRY_AGAIN_MS = 10 };

/* ---- where it is ------------------------------------------------------------------------------ */

/* The folder above those of all directories. */
static int state_folder(char *ret_path, size_t room)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int length;

	if (state && state[0] == '/')
		length = snprintf(ret_path, room, "%s/ringlease", state);
	else if (geteuid() == 0)
		length = snprintf(ret_path, room, "/var/lib/ringlease");
	else if (home && home[0] == '/')
		length = snprintf(ret_path, room, "%s/.local/state/ringlease", home);
	else
		return -ENOENT;
	return length < (int)room ? length : -ENAMETOOLONG;
}

int data_folder_default(const char *queues, char *ret_path, size_t room)
{
	const char *given = getenv("RINGLEASE_DATA");
	char whole[PATH_MAX];
	int length;

	if (given && *given)
		return snprintf(ret_path, room, "%s", given) < (int)room ? 0 : -ENAMETOOLONG;
	length = state_folder(ret_path, room);
	if (length < 0)
		return length;
	if (realpath(queues, whole) == NULL)
		return -errno;
	for (char *at = whole; *at; at++)
		if (*at == '/')
			*at = '%';
	if (snprintf(ret_path + length, room - (size_t)length, "/%s", whole + 1) >= (int)(room - (size_t)length) ||
	    strlen(whole) > NAME_MAX)
		return -ENAMETOOLONG;
	return 0;
}

/* ---- opened ----------------------------------------------------------------------------------- */

int data_folder_make(const char *path)
{
	char part[PATH_MAX];

	if (snprintf(part, sizeof(part), "%s", path) >= (int)sizeof(part))
		return -ENAMETOOLONG;
	for (char *at = part + 1; *at; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return -errno;
		*at = '/';
	}
	return mkdir(part, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* A lock there may be lost with the network, and what is flushed need not be on a disk. */
static bool is_on_network(int fd)
{
	struct statfs status;

	if (fstatfs(fd, &status) < 0)
		return false;
	switch ((unsigned long)status.f_type & 0xffffffff) {
	case NFS_SUPER_MAGIC:
	case SMB_SUPER_MAGIC:
	case CIFS_SUPER_MAGIC:
	case SMB2_SUPER_MAGIC:
	case CEPH_SUPER_MAGIC:
	case AFS_SUPER_MAGIC:
	case V9FS_MAGIC:
		return true;
	default:
		return false;
	}
}

/* Has the process of this number ended, but for being waited for? */
static bool has_ended(const char *pid)
{
	char path[64], status[512], *name_end;
	ssize_t got = 0;
	int fd;

	if (*pid == '\0' || strspn(pid, "0123456789") != strlen(pid))
		return false;
	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT && access("/proc/self/stat", F_OK) == 0;
	got = read(fd, status, sizeof(status) - 1);
	close(fd);
	status[got > 0 ? got : 0] = '\0';
	name_end = strrchr(status, ')'); /* "123 (name) Z ..." */
	return name_end && (strncmp(name_end, ") Z", 3) == 0 || strncmp(name_end, ") X", 3) == 0);
}

static void read_holder(int fd, char ret_pid[32])
{
	ssize_t got = pread(fd, ret_pid, 31, 0);

	ret_pid[got > 0 ? (size_t)got : 0] = '\0';
	ret_pid[strcspn(ret_pid, " \n")] = '\0';
}

/* A holder that was killed has it until the kernel has ended its last write. No call waits for a lock with a
 * deadline, so it is tried again and again. False: somebody living has it, or the disk does not end. */
static bool take_lock(int fd, char ret_pid[32])
{
	const uint64_t until_ms = os_boot_ms() + DATA_FOLDER_PATIENCE_MS;
	_Atomic uint32_t nothing = 0;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		read_holder(fd, ret_pid);
		if (!has_ended(ret_pid) || os_boot_ms() >= until_ms)
			return flock(fd, LOCK_EX | LOCK_NB) == 0;
		os_futex_wait(&nothing, 0, os_boot_ms() + TRY_AGAIN_MS);
	}
	return true;
}

static int say_unusable(const char *path, int error, char *ret_why, size_t room)
{
	snprintf(ret_why, room, "%s: cannot be used: %s; name a folder that this user may write to", path,
		 strerrordesc_np(-error));
	return error;
}

static int lock(struct data_folder *folder, char *ret_why, size_t room)
{
	char pid[32] = "";

	folder->lock_fd = openat(folder->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (folder->lock_fd < 0)
		return say_unusable(folder->path, -errno, ret_why, room);
	if (!take_lock(folder->lock_fd, pid)) {
		snprintf(ret_why, room,
			 has_ended(pid) ? "%s: in use by an engine that is not to be seen here (process %s): in "
					  "another container, or killed, and its last write does not end"
					: "%s: in use by another engine (process %s); give this one another --data",
			 folder->path, pid[0] ? pid : "unknown");
		return -EBUSY;
	}
	/* Over what is there: a full disk has room for that. */
	snprintf(pid, sizeof(pid), "%-11d\n", getpid());
	if (pwrite(folder->lock_fd, pid, strlen(pid), 0) < 0)
		return say_unusable(folder->path, -errno, ret_why, room);
	return 0;
}

int data_folder_open(const char *path, struct data_folder *ret_folder, char *ret_why, size_t room)
{
	int error = data_folder_make(path);

	*ret_folder = (struct data_folder){.fd = -1, .lock_fd = -1};
	if (!error && snprintf(ret_folder->path, sizeof(ret_folder->path), "%s", path) >= PATH_MAX)
		error = -ENAMETOOLONG;
	if (!error) {
		ret_folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		error = ret_folder->fd < 0 ? -errno : 0;
	}
	if (error) {
		say_unusable(path, error, ret_why, room);
	} else if (is_on_network(ret_folder->fd)) {
		snprintf(ret_why, room,
			 "%s: on a network file system, where a flush promises nothing; use a local disk", path);
		error = -EREMOTE;
	} else {
		error = lock(ret_folder, ret_why, room);
	}
	if (error)
		data_folder_close(ret_folder);
	return error;
}

/* Unlocked by name: a queue that was closed may let go of its descriptor later, and nothing is under way. */
void data_folder_close(struct data_folder *folder)
{
	if (folder->lock_fd >= 0) {
		flock(folder->lock_fd, LOCK_UN);
		close(folder->lock_fd);
	}
	if (folder->fd >= 0)
		close(folder->fd);
	folder->fd = folder->lock_fd = -1;
}
