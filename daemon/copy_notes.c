#include "daemon/copy_notes.h"

#include "shm/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "sqs"
#define SUFFIX ".json"

_Static_assert(sizeof(FOLDER "/" SUFFIX) + SEG_NAME_MAX <= COPY_NOTES_PATH_BYTES, "a path fits");

struct copying {
	const struct os_disk *disk;
	int from, to; /* the folders of notes */
	unsigned char *bytes;
	uint64_t *files;
	char *path; /* of the one that is read; "": none is */
};

/* ---- one file --------------------------------------------------------------------------------- */

static bool is_notes(const char *name)
{
	const size_t length = strlen(name), suffix = strlen(SUFFIX);
	char queue[SEG_NAME_MAX + 1];

	if (length <= suffix || length - suffix > SEG_NAME_MAX || strcmp(name + length - suffix, SUFFIX) != 0)
		return false;
	snprintf(queue, sizeof(queue), "%.*s", (int)(length - suffix), name);
	return seg_name_is_valid(queue);
}

/* How many bytes it has, or a negative errno. */
static int64_t read_one(const struct copying *copying, const char *name)
{
	int fd = copying->disk->open(copying->from, name, 0);
	int64_t got;

	if (fd < 0)
		return fd;
	got = os_disk_read(copying->disk, fd, copying->bytes, COPY_NOTES_BYTES_MAX + 1, 0);
	copying->disk->close(fd);
	return got > COPY_NOTES_BYTES_MAX ? -EMEDIUMTYPE : got;
}

static int write_one(const struct copying *copying, const char *name, size_t bytes)
{
	int removed = copying->disk->unlink(copying->to, name), fd, error;

	if (removed < 0 && removed != -ENOENT)
		return removed;
	fd = copying->disk->create(copying->to, name, OS_DISK_WRITE);
	if (fd < 0)
		return fd;
	error = os_disk_write(copying->disk, fd, copying->bytes, bytes, 0);
	if (!error)
		error = os_disk_flush(copying->disk, fd);
	copying->disk->close(fd);
	if (!error && removed < 0)
		++*copying->files;
	return error;
}

static int copy_one(void *context, const char *name)
{
	const struct copying *copying = context;
	int64_t got;

	if (!is_notes(name))
		return 0;
	snprintf(copying->path, COPY_NOTES_PATH_BYTES, FOLDER "/%s", name);
	got = read_one(copying, name);
	if (got < 0 && got != -ENOENT)
		return (int)got;
	copying->path[0] = '\0';
	return got < 0 ? 0 : write_one(copying, name, (size_t)got); /* its queue was removed meanwhile */
}

/* ---- all of them ------------------------------------------------------------------------------ */

static int open_folder(int data)
{
	int fd = openat(data, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	return errno == ENOTDIR || errno == ELOOP ? -EMEDIUMTYPE : -errno;
}

static int make_folder(int data)
{
	return mkdirat(data, FOLDER, 0700) < 0 && errno != EEXIST ? -errno : open_folder(data);
}

static int copy_into(struct copying *copying, int to)
{
	int error;

	copying->to = make_folder(to);
	if (copying->to < 0)
		return copying->to;
	error = copying->disk->list(copying->from, copy_one, copying);
	if (!error)
		error = copying->disk->flush_folder(copying->to);
	if (!error)
		error = copying->disk->flush_folder(to);
	close(copying->to);
	return error;
}

int copy_notes(const struct os_disk *disk, int from, int to, uint64_t *files,
	       char ret_path[static COPY_NOTES_PATH_BYTES])
{
	struct copying copying = {.disk = disk, .from = open_folder(from), .files = files, .path = ret_path};
	int error;

	ret_path[0] = '\0';
	if (copying.from == -ENOENT)
		return 0;
	if (copying.from < 0) {
		strcpy(ret_path, FOLDER);
		return copying.from;
	}
	copying.bytes = malloc(COPY_NOTES_BYTES_MAX + 1);
	error = copying.bytes ? copy_into(&copying, to) : -ENOMEM;
	free(copying.bytes);
	close(copying.from);
	return error;
}

static int remove_one(void *context, const char *name)
{
	const struct copying *copying = context;

	if (is_notes(name))
		copying->disk->unlink(copying->to, name);
	return 0;
}

void copy_notes_remove(const struct os_disk *disk, int folder)
{
	struct copying copying = {.disk = disk, .to = open_folder(folder)};

	if (copying.to < 0)
		return;
	disk->list(copying.to, remove_one, &copying);
	close(copying.to);
	unlinkat(folder, FOLDER, AT_REMOVEDIR);
}
