#include "shm/removal.h"

#include "ring/crashpoint.h"
#include "ringlease.h"
#include "shm/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Is that still the file of this name? */
static bool names_file(const struct seg_directory *directory, const char *file, int fd)
{
	struct stat named, ours;

	return fstatat(directory->fd, file, &named, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &ours) == 0 &&
	       named.st_ino == ours.st_ino && named.st_dev == ours.st_dev;
}

/* Takes the name away from the file behind `fd`. Removers of one file take turns by a lock, so that none
 * takes the name from a queue that was made anew under it meanwhile. */
static int take_name(const struct seg_directory *directory, const char *file, int fd)
{
	int error = 0;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return RLQ_EBUSY;
	if (!names_file(directory, file, fd))
		error = -ENOENT;
	else if (unlinkat(directory->fd, file, 0) < 0)
		error = -errno;
	flock(fd, LOCK_UN);
	return error;
}

/* The same for what cannot be opened as a segment, being damaged or of another boot. */
static int take_name_unopened(const struct seg_directory *directory, const char *file)
{
	int fd = openat(directory->fd, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW), error;

	if (fd < 0) /* nothing that could be a queue, or be made anew as one under us */
		return unlinkat(directory->fd, file, 0) < 0 ? -errno : 0;
	error = take_name(directory, file, fd);
	close(fd);
	return error;
}

/* The journal must have it before the name goes: else a restart would bring the queue back. */
static int settle_removal(const struct segment *segment)
{
	return segment->durability ? seg_wait_durable(segment->directory) : 0;
}

static int remove_queue(const struct seg_directory *directory, const char *name, bool asks_journal)
{
	struct segment *segment;
	char file[SEG_NAME_MAX + 8];
	/* Without a row: there may be none left. */
	int error = seg_open_to_mark(directory, name, &segment);

	seg_file_name(name, file);
	if (error == -ENOENT || error == -EACCES)
		return error;
	if (error)
		return take_name_unopened(directory, file);
	error = asks_journal && segment->durability ? seg_journal_state(directory) : 0;
	if (error) {
		seg_close(segment);
		return error;
	}
	fetch_or_seq(&segment->header->rings, RINGS_REMOVED);
	CRASH_POINT(remove_marked);
	seg_notify_room(segment);
	error = asks_journal ? settle_removal(segment) : 0;
	if (!error)
		error = take_name(directory, file, segment->fd);
	seg_close(segment);
	return error;
}

int seg_remove(const struct seg_directory *directory, const char *name)
{
	return remove_queue(directory, name, true);
}

int seg_withdraw(const struct seg_directory *directory, const char *name)
{
	return remove_queue(directory, name, false);
}

void seg_finish_removal(const struct seg_directory *directory, const char *name)
{
	struct segment *segment;
	char file[SEG_NAME_MAX + 8];

	seg_file_name(name, file);
	if (seg_open_to_mark(directory, name, &segment) != 0)
		return;
	if (load_seq(&segment->header->rings) & RINGS_REMOVED && !settle_removal(segment))
		take_name(directory, file, segment->fd);
	seg_close(segment);
}
