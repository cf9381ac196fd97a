/* An engine that brings queues back after a reboot is killed after each step: each call of its disk, each line that
 * it says. Whoever starts after it finds all messages, each once, whether it meets nothing, drafts or queues. The
 * same for one that adopts the journal of another machine: wherever it is killed, one of the two machines, and not
 * both, may go on with it unasked. */
#include "client/internal.h"
#include "daemon/journaling.h"
#include "tests/support/child.h"
#include "tests/support/tally.h"
#include "tests/support/tmpdir.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WATCHDOG_S = 60, FILE_BYTES = 64 << 10, QUEUES = 3, EACH = 150, STEPS_LEAST = 20 };

static char queues[TMPDIR_BYTES], data[TMPDIR_BYTES], pristine[TMPDIR_BYTES], kept[TMPDIR_BYTES];
static const size_t sizes[] = {0, 40, 64, 65, 700};
static struct rlq_directory *directory;
static struct journaling *journaling;
static atomic_int steps_left = -1; /* until the kill; -1: for ever */

static void needed(bool is_so, const char *what)
{
	if (is_so)
		return;
	fprintf(stderr, "FAILED: %s\n", what);
	exit(1);
}

/* ---- an engine that dies ---------------------------------------------------------------------- */

/* Also in the thread that reads ahead. */
static void step(void)
{
	if (atomic_load(&steps_left) >= 0 && atomic_fetch_sub(&steps_left, 1) == 0)
		raise(SIGKILL);
}

static __attribute__((format(printf, 2, 3))) void say(void *context, const char *format, ...)
{
	(void)context;
	(void)format;
	step();
}

static int step_open(int folder, const char *name, uint32_t flags)
{
	step();
	return os_disk_real.open(folder, name, flags);
}

static int64_t step_read(int fd, void *ret_bytes, size_t count, uint64_t offset)
{
	step();
	return os_disk_real.read(fd, ret_bytes, count, offset);
}

static int64_t step_write(int fd, const void *bytes, size_t count, uint64_t offset)
{
	step();
	return os_disk_real.write(fd, bytes, count, offset);
}

static int step_create(int folder, const char *name, uint32_t flags)
{
	step();
	return os_disk_real.create(folder, name, flags);
}

static int step_rename(int folder, const char *from, const char *to)
{
	step();
	return os_disk_real.rename(folder, from, to);
}

static int step_flush(int fd)
{
	step();
	return os_disk_real.flush(fd);
}

static int step_flush_folder(int folder)
{
	step();
	return os_disk_real.flush_folder(folder);
}

static int try_start(bool adopts)
{
	static struct os_disk disk;
	const struct journaling_options options = {
		.data = data, .disk = &disk, .file_bytes = FILE_BYTES, .mirror.adopt = adopts, .say = say};

	disk = os_disk_real;
	disk.create = step_create;
	disk.open = step_open;
	disk.read = step_read;
	disk.write = step_write;
	disk.write_durably = NULL;
	disk.rename = step_rename;
	disk.flush = step_flush;
	disk.flush_folder = step_flush_folder;
	disk.queue = NULL;
	needed(rlq_directory_open(queues, &directory) == 0, "opening the directory");
	return journaling_start(&directory->seg, &options, &journaling);
}

static void start(void)
{
	needed(try_start(false) == 0, "starting");
}

static void stop(void)
{
	journaling_stop(journaling);
	rlq_directory_close(directory);
}

/* ---- what is there ---------------------------------------------------------------------------- */

static const char *name_of(int queue)
{
	static const char *const names[QUEUES] = {"first", "second", "third"};

	return names[queue];
}

static size_t make_body(int queue, int message, unsigned char *ret_body)
{
	size_t bytes = sizes[message % (int)(sizeof(sizes) / sizeof(*sizes))];

	memset(ret_body, queue * 31 + message, bytes);
	return bytes;
}

static struct rlq_queue *opened(int queue)
{
	struct rlq_queue *handle;

	needed(rlq_queue_open(directory, name_of(queue), &handle) == 0, "opening a queue");
	return handle;
}

/* Every third one is deleted again. */
static void fill_queue(int queue)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	unsigned char body[1024];
	struct rlq_message message;
	struct rlq_queue *handle;

	attributes.durability = RLQ_SYNC;
	needed(rlq_queue_create(directory, name_of(queue), &attributes) == 1, "creating a queue");
	handle = opened(queue);
	for (int i = 0; i < EACH; i++) {
		size_t bytes = make_body(queue, i, body);

		needed(rlq_send(handle, body, bytes, NULL, NULL) == 0, "sending");
		if (i % 3 != 2)
			continue;
		needed(rlq_receive(handle, &message, 1, NULL) == 1, "receiving");
		needed(rlq_delete(handle, &message.receipt) == 0, "deleting");
	}
	rlq_queue_close(handle);
}

static void fill(void *context)
{
	(void)context;
	start();
	for (int i = 0; i < QUEUES; i++)
		fill_queue(i);
	stop();
}

static void check_queue(int queue)
{
	unsigned char body[1024];
	struct rlq_message message;
	struct rlq_queue *handle = opened(queue);

	for (int i = EACH / 3; i < EACH; i++) {
		size_t bytes = make_body(queue, i, body);

		needed(rlq_receive(handle, &message, 1, NULL) == 1, "a message is lost");
		needed(message.body_bytes == bytes && memcmp(message.body, body, bytes) == 0,
		       "a message is not the one that was next");
		needed(rlq_delete(handle, &message.receipt) == 0, "deleting");
	}
	needed(rlq_receive(handle, &message, 1, NULL) == 0, "a message is there twice");
	rlq_queue_close(handle);
}

static void check(void *context)
{
	(void)context;
	start();
	for (int i = 0; i < QUEUES; i++)
		check_queue(i);
	stop();
}

static void die(void *context)
{
	atomic_store(&steps_left, *(const int *)context);
	start();
}

/* ---- all of it -------------------------------------------------------------------------------- */

static void copy_folder(const char *from, const char *to)
{
	char command[3 * TMPDIR_BYTES];

	tmpdir_empty(to);
	snprintf(command, sizeof(command), "cp %s/journal-0* %s; cp %s/standing* %s 2>/dev/null", from, to, from,
		 to);
	needed(WIFEXITED(system(command)), command);
}

static bool succeeds(void (*run)(void *context), void *context)
{
	return child_exited(child_wait(child_start(run, context)), 0);
}

/* False: it was not killed, but got there first. */
static bool kill_after(int steps)
{
	int status;

	tmpdir_empty(queues);
	copy_folder(pristine, data);
	status = child_wait(child_start(die, &steps));
	if (!child_was_killed(status, SIGKILL))
		needed(child_exited(status, 0), child_status_text(status));
	if (!succeeds(check, NULL)) {
		fprintf(stderr, "FAILED: killed after %d steps\n", steps);
		exit(1);
	}
	return child_was_killed(status, SIGKILL);
}

/* ---- adoption --------------------------------------------------------------------------------- */

#define MACHINE "RINGLEASE_MACHINE_ID"

static char here[] = "11112222333344445555666677778888", there[] = "aaaabbbbccccddddeeeeffff00001111";

static void adopt_and_die(void *context)
{
	setenv(MACHINE, here, 1);
	atomic_store(&steps_left, *(const int *)context);
	needed(try_start(true) == 0, "adopting");
}

static void adopt_and_check(void *context)
{
	(void)context;
	setenv(MACHINE, here, 1);
	needed(try_start(true) == 0, "adopting after that");
	for (int i = 0; i < QUEUES; i++)
		check_queue(i);
	stop();
}

static void start_as(void *machine)
{
	int error;

	setenv(MACHINE, machine, 1);
	error = try_start(false);
	if (error && error != -EPERM)
		needed(false, "neither served nor refused");
	if (!error)
		stop();
	_exit(error != 0);
}

/* What a start leaves behind is of no account. */
static bool may_start(char *machine)
{
	bool may;

	copy_folder(data, kept);
	tmpdir_empty(queues);
	may = succeeds(start_as, machine);
	copy_folder(kept, data);
	tmpdir_empty(queues);
	return may;
}

/* False: it was not killed, but got there first. */
static bool adopt_and_kill_after(int steps)
{
	int status;

	tmpdir_empty(queues);
	copy_folder(pristine, data);
	status = child_wait(child_start(adopt_and_die, &steps));
	if (!child_was_killed(status, SIGKILL))
		needed(child_exited(status, 0), child_status_text(status));
	if (may_start(here) == may_start(there) || (child_exited(status, 0) && !may_start(here)) ||
	    !succeeds(adopt_and_check, NULL) || !may_start(here) || may_start(there)) {
		fprintf(stderr, "FAILED: killed after %d steps of an adoption\n", steps);
		exit(1);
	}
	return child_was_killed(status, SIGKILL);
}

int main(void)
{
	int steps = 0, adoptions = 0;

	watchdog(WATCHDOG_S);
	tmpdir_make(queues);
	tmpdir_make(data);
	tmpdir_make(pristine);
	tmpdir_make(kept);
	setenv(MACHINE, there, 1);
	needed(succeeds(fill, NULL), "filling");
	copy_folder(data, pristine);
	while (kill_after(steps))
		steps++;
	while (adopt_and_kill_after(adoptions))
		adoptions++;
	needed(steps >= STEPS_LEAST && adoptions > steps, "fewer steps than there must be");
	tmpdir_remove(queues);
	tmpdir_remove(data);
	tmpdir_remove(pristine);
	tmpdir_remove(kept);
	tally("recovery_kills", (uint64_t)steps);
	tally("adoption_kills", (uint64_t)adoptions);
	printf("%d passed, 0 failed\n", steps + adoptions);
	return 0;
}
