#include "kmod-free/disk.h"

#include "kmod-free/uring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- the machine's own ------------------------------------------------------------------------ */

static int result_of(int answer)
{
	return answer < 0 ? -errno : answer;
}

static int real_open_folder(const char *path)
{
	return result_of(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static int real_close(int fd)
{
	return result_of(close(fd));
}

static int flags_of(uint32_t flags)
{
	return O_CLOEXEC | (flags & OS_DISK_WRITE ? O_RDWR : O_RDONLY) | (flags & OS_DISK_DIRECT ? O_DIRECT : 0);
}

static int real_create(int folder, const char *name, uint32_t flags)
{
	return result_of(
		openat(folder, name, flags_of(flags | OS_DISK_WRITE) | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
}

/* Only a regular file: a FIFO would keep us for ever. */
static int real_open(int folder, const char *name, uint32_t flags)
{
	struct stat status;
	int fd = openat(folder, name, flags_of(flags) | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);

	if (fd < 0)
		return errno == ELOOP ? -EMEDIUMTYPE : -errno; /* a link to somewhere else */
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		return fd;
	close(fd);
	return -EMEDIUMTYPE;
}

static int real_list(int folder, int (*found)(void *context, const char *name), void *context)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int error = 0;

	if (listing == NULL) {
		error = -errno;
		if (fd >= 0)
			close(fd);
		return error;
	}
	for (errno = 0; !error && (entry = readdir(listing)) != NULL; errno = 0)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			error = found(context, entry->d_name);
	if (!error)
		error = -errno;
	closedir(listing);
	return error;
}

static int real_rename(int folder, const char *from, const char *to)
{
	return result_of(renameat(folder, from, folder, to));
}

static int real_unlink(int folder, const char *name)
{
	return result_of(unlinkat(folder, name, 0));
}

static int64_t real_write(int fd, const void *bytes, size_t count, uint64_t offset)
{
	ssize_t answer = pwrite(fd, bytes, count, (off_t)offset);

	return answer < 0 ? -errno : answer;
}

static int64_t real_write_durably(int fd, const void *bytes, size_t count, uint64_t offset)
{
	const struct iovec all = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = count};
	ssize_t answer = pwritev2(fd, &all, 1, (off_t)offset, RWF_DSYNC);

	return answer < 0 ? -errno : answer;
}

static int64_t real_read(int fd, void *ret_bytes, size_t count, uint64_t offset)
{
	ssize_t answer = pread(fd, ret_bytes, count, (off_t)offset);

	return answer < 0 ? -errno : answer;
}

static int real_flush(int fd)
{
	return result_of(fdatasync(fd));
}

static int real_flush_folder(int folder)
{
	return result_of(fsync(folder));
}

static int real_allocate(int fd, uint64_t offset, uint64_t bytes)
{
	return result_of(fallocate(fd, 0, (off_t)offset, (off_t)bytes));
}

static int64_t real_length(int fd)
{
	struct stat status;

	return fstat(fd, &status) < 0 ? -errno : status.st_size;
}

const struct os_disk os_disk_real = {
	.open_folder = real_open_folder,
	.close = real_close,
	.create = real_create,
	.open = real_open,
	.list = real_list,
	.rename = real_rename,
	.unlink = real_unlink,
	.write = real_write,
	.write_durably = real_write_durably,
	.read = real_read,
	.flush = real_flush,
	.flush_folder = real_flush_folder,
	.allocate = real_allocate,
	.length = real_length,
	.reads_beside = true,
	.queue = &uring_calls,
};

/* ---- over any table --------------------------------------------------------------------------- */

/* To be made again? `tries`: so often in a row it was. */
static bool is_interrupted(int64_t answer, int *tries)
{
	*tries = answer == -EINTR ? *tries + 1 : 0;
	return answer == -EINTR && *tries < OS_DISK_TRIES;
}

static int error_of(int64_t answer)
{
	return answer == -EINTR ? -EIO : (int)answer;
}

static int write_all(int64_t (*write)(int fd, const void *bytes, size_t count, uint64_t offset), int fd,
		     const void *bytes, size_t count, uint64_t offset)
{
	const unsigned char *at = bytes;
	int tries = 0;

	while (count > 0) {
		int64_t written = write(fd, at, count, offset);

		if (is_interrupted(written, &tries))
			continue;
		if (written <= 0)
			return written < 0 ? error_of(written) : -EIO; /* nothing, and no reason given */
		at += written;
		count -= (size_t)written;
		offset += (uint64_t)written;
	}
	return 0;
}

int os_disk_write(const struct os_disk *disk, int fd, const void *bytes, size_t count, uint64_t offset)
{
	return write_all(disk->write, fd, bytes, count, offset);
}

int os_disk_write_durably(const struct os_disk *disk, int fd, const void *bytes, size_t count, uint64_t offset)
{
	int error = write_all(disk->write_durably ? disk->write_durably : disk->write, fd, bytes, count, offset);

	return error || disk->write_durably ? error : os_disk_flush(disk, fd);
}

int64_t os_disk_read(const struct os_disk *disk, int fd, void *ret_bytes, size_t count, uint64_t offset)
{
	unsigned char *at = ret_bytes;
	size_t have = 0;
	int tries = 0;

	while (have < count) {
		int64_t got = disk->read(fd, at + have, count - have, offset + have);

		if (is_interrupted(got, &tries))
			continue;
		if (got < 0)
			return error_of(got);
		if (got == 0)
			break;
		have += (size_t)got;
	}
	return (int64_t)have;
}

int os_disk_flush(const struct os_disk *disk, int fd)
{
	int error, tries = 0;

	do
		error = disk->flush(fd);
	while (is_interrupted(error, &tries));
	return error_of(error);
}

int os_disk_allocate(const struct os_disk *disk, int fd, uint64_t offset, uint64_t bytes)
{
	int error, tries = 0;

	do
		error = disk->allocate(fd, offset, bytes);
	while (is_interrupted(error, &tries));
	return error_of(error);
}
