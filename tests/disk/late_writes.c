/* An engine is killed while the kernel has a write of its queue under way: nobody gets its folder before that has
 * ended. On a file system of our own, whose disk is a file of another one that is frozen, so that the write cannot
 * end. */
#include "daemon/data_folder.h"
#include "daemon/sink.h"
#include "tests/support/child.h"
#include "tests/support/tmpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WATCHDOG_S = 60, SKIPPED = 77, BATCH = 128 << 10 };

static char work[TMPDIR_BYTES], below[TMPDIR_BYTES + 16], mount_point[TMPDIR_BYTES + 16];
static int signals[2], go_on[2];

static void clean_up(void)
{
	char command[4 * sizeof(mount_point)];

	snprintf(command, sizeof(command), "umount -l '%s' 2>/dev/null; umount -l '%s' 2>/dev/null; rm -rf '%s'",
		 mount_point, below, work);
	if (system(command) != 0)
		fprintf(stderr, "not cleaned up: %s\n", work);
}

static bool mount_own(void)
{
	char command[4 * sizeof(mount_point)];

	tmpdir_make(work);
	snprintf(below, sizeof(below), "%s/below", work);
	snprintf(mount_point, sizeof(mount_point), "%s/disk", work);
	snprintf(command, sizeof(command),
		 "cd '%s' && mkdir disk below && truncate -s 40M image && mkfs.ext4 -q image 2>/dev/null && "
		 "mount -o loop image below 2>/dev/null && truncate -s 16M below/image && "
		 "mkfs.ext4 -q below/image 2>/dev/null && mount -o loop below/image disk 2>/dev/null",
		 work);
	return system(command) == 0;
}

/* So that nothing but the bytes has to be written later. */
static bool fill_with_zeros(const struct os_disk *disk, int fd)
{
	void *zeros = aligned_alloc(OS_DISK_PAGE, 3 * BATCH);

	memset(zeros, 0, 3 * BATCH);
	return os_disk_write(disk, fd, zeros, 3 * BATCH, 0) == 0 && os_disk_flush(disk, fd) == 0;
}

/* Two batches: the first one is under way when the second is begun. */
static void write_and_wait(void *context)
{
	struct os_disk disk = os_disk_real;
	struct data_folder folder;
	struct sink *sink;
	unsigned char *room;
	char why[600], byte;
	int fd;

	(void)context;
	if (data_folder_open(mount_point, &folder, why, sizeof(why)) != 0)
		_exit(1);
	disk.kept_open = folder.lock_fd;
	fd = disk.create(folder.fd, "file", OS_DISK_WRITE | OS_DISK_DIRECT);
	if (fd < 0 || !fill_with_zeros(&disk, fd))
		_exit(1);
	if (sink_open(&disk, BATCH, &sink) != 0 || !sink_is_queued(sink) || sink_begin(sink, fd, 0) != 0)
		_exit(SKIPPED);
	if (write(signals[1], "r", 1) != 1 || read(go_on[0], &byte, 1) != 1)
		_exit(1);
	for (int i = 0; i < 2; i++) {
		if (sink_room(sink, BATCH, &room) != 0)
			_exit(1);
		memset(room, 'x', BATCH);
		sink_add(sink, BATCH);
	}
	if (sink_room(sink, BATCH, &room) != 0 || write(signals[1], "w", 1) != 1)
		_exit(1);
	pause();
}

int main(void)
{
	int frozen, lock, result, status;
	char path[sizeof(mount_point) + 16];
	bool was_taken;
	char byte;
	pid_t pid;

	watchdog(WATCHDOG_S);
	if (geteuid() != 0 || !mount_own()) {
		printf("skipped: no file system of our own can be mounted here\n");
		return SKIPPED;
	}
	atexit(clean_up);
	if (pipe(signals) != 0 || pipe(go_on) != 0)
		return 1;
	pid = child_start(write_and_wait, NULL);
	close(signals[1]);
	if (read(signals[0], &byte, 1) != 1) {
		status = child_wait(pid);
		printf("%s\n", child_exited(status, SKIPPED) ? "skipped: io_uring is refused here" : "failed");
		return child_exited(status, SKIPPED) ? SKIPPED : 1;
	}
	frozen = open(below, O_RDONLY | O_DIRECTORY);
	snprintf(path, sizeof(path), "%s/lock", mount_point);
	lock = open(path, O_RDWR);
	if (ioctl(frozen, FIFREEZE, 0) != 0) {
		child_signal(pid, SIGKILL);
		printf("skipped: it cannot be frozen\n");
		return SKIPPED;
	}
	result = write(go_on[1], "g", 1) == 1 && read(signals[0], &byte, 1) == 1 ? 0 : 1;
	child_signal(pid, SIGKILL);
	child_wait(pid);
	was_taken = flock(lock, LOCK_EX | LOCK_NB) == 0;
	ioctl(frozen, FITHAW, 0);
	if (result == 0 && !was_taken && flock(lock, LOCK_EX) != 0)
		result = 1;
	close(lock);
	close(frozen);
	printf("%s: the folder of a killed engine is %s while its write is under way\n",
	       result || was_taken ? "FAILED" : "ok", was_taken ? "given away" : "kept");
	printf("%d passed, %d failed\n", !(result || was_taken), result || was_taken);
	return result || was_taken;
}
