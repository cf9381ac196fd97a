/* A full tmpfs: an error of send, while receive and delete go on; and it recovers. */
#include "client/internal.h"
#include "kmod-free/sysops.h"
#include "ring/event.h"
#include "tests/support/cases.h"
#include "tests/support/child.h"
#include "tests/support/queue_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static struct rlq_message message;
static char body[100000];

/* ---- injected --------------------------------------------------------------------------------- */

static struct os_sysops real;
static bool is_full;
static int allocations;

static int full_fallocate(int fd, int mode, off_t offset, off_t bytes)
{
	allocations++;
	if (is_full && !(mode & FALLOC_FL_PUNCH_HOLE)) {
		errno = ENOSPC;
		return -1;
	}
	return real.fallocate(fd, mode, offset, bytes);
}

static void begin(void)
{
	queues_begin();
	real = os_sys;
	os_sys.fallocate = full_fallocate;
}

CASE(a_full_tmpfs_refuses_large_bodies_while_receive_and_delete_go_on)
{
	struct rlq_queue *queue;

	begin();
	queue = queue_make("q", NULL);
	CHECK_EQ(rlq_send(queue, body, sizeof(body), NULL, NULL), 0);
	is_full = true;
	for (int i = 0; i < 5; i++)
		CHECK_EQ(rlq_send(queue, body, sizeof(body), NULL, NULL), RLQ_ENOSPACE);
	send_text(queue, "small");
	message = receive_one(queue);
	CHECK_EQ(message.body_bytes, sizeof(body));
	CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
	CHECK_EQ(rlq_send(queue, body, sizeof(body), NULL, NULL), 0); /* into what was freed */
	CHECK_TEXT(drain(queue), "small");			      /* the large one does not fit the text */
	is_full = false;
	CHECK_EQ(rlq_send(queue, body, sizeof(body), NULL, NULL), 0);
	CHECK_EQ(faults_of("q"), 0);
	queues_end();
}

CASE(a_full_tmpfs_stops_growth_at_the_last_slot_and_says_no_space)
{
	struct rlq_queue *queue;
	uint64_t sent = 0;
	int error = 0;

	begin();
	queue = queue_make("q", NULL);
	is_full = true;
	while (sent < 5000 && (error = rlq_send(queue, "x", 1, NULL, NULL)) == 0)
		sent++;
	CHECK_EQ(error, RLQ_ENOSPACE);
	CHECK_EQ(sent, stat_of(queue).slots);
	message = receive_one(queue);
	CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
	CHECK_EQ(rlq_send(queue, "x", 1, NULL, NULL), 0);
	is_full = false;
	for (int i = 0; i < 3000; i++)
		CHECK_EQ(rlq_send(queue, "x", 1, NULL, NULL), 0);
	for (uint64_t i = 0; i < sent + 3000; i++) {
		message = receive_one(queue);
		CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
	}
	CHECK_EQ(receive_now(queue, &message, 1), 0);
	queues_end();
}

CASE(a_full_tmpfs_refuses_new_queues_and_leaves_nothing_behind)
{
	struct rlq_queue *queue;

	begin();
	is_full = true;
	CHECK_EQ(rlq_queue_create(queues_directory(), "q", NULL), RLQ_ENOSPACE);
	CHECK_EQ(rlq_queue_open(queues_directory(), "q", &queue), RLQ_ENOQUEUE);
	is_full = false;
	queue_make("q", NULL);
	queues_end();
}

static void send_waiting(void *context)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_directory *directory;
	struct rlq_queue *queue;

	(void)context;
	CHECK_EQ(rlq_directory_open(queues_path(), &directory), 0);
	CHECK_EQ(rlq_queue_open(directory, "q", &queue), 0);
	options.flags = RLQ_SEND_WAIT;
	options.timeout_ms = 1000;
	CHECK_EQ(rlq_send(queue, body, sizeof(body), &options, NULL), RLQ_ENOSPACE);
	rlq_queue_close(queue);
	rlq_directory_close(directory);
}

CASE(a_send_that_waits_for_space_sleeps_and_answers_when_its_time_is_over)
{
	struct rlq_queue *queue;
	pid_t pid;

	begin();
	queue = queue_make("q", NULL);
	is_full = true;
	pid = child_start(send_waiting, NULL);
	while (!event_has_sleepers(&queue->seg->header->producers))
		sched_yield();
	time_passes(1000 + LEASE_SLACK_MS);
	CHECK(child_exited(child_wait(pid), 0));
	queues_end();
}

CASE(a_dlq_without_space_leaves_the_message_where_it_is)
{
	struct rlq_queue *dlq, *queue;

	begin();
	queue = queue_with_dlq("q", 1, &dlq);
	CHECK_EQ(rlq_send(queue, body, sizeof(body), NULL, NULL), 0);
	receive_one(queue);
	time_passes(1000 + LEASE_SLACK_MS);
	is_full = true;
	CHECK_EQ(receive_now(queue, &message, 1), 0);
	CHECK_EQ(stat_of(queue).dead, 1);
	CHECK_EQ(stat_of(queue).dlq_error, RLQ_ENOSPACE);
	is_full = false;
	sweep_now(queue);
	CHECK_EQ(stat_of(dlq).visible, 1);
	message = receive_one(dlq);
	CHECK_EQ(message.body_bytes, sizeof(body));
	queues_end();
}

/* ---- a tmpfs that is really small ------------------------------------------------------------- */

static char mounted[64] = "/tmp/ringlease-small.XXXXXX";

/* In a mount namespace of our own: nothing of it is left however the case ends. */
static void mount_small(const char *options)
{
	if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		case_skip("needs the right to mount");
	CHECK(mkdtemp(mounted) != NULL);
	if (mount("tmpfs", mounted, "tmpfs", 0, options) != 0) {
		rmdir(mounted);
		case_skip("cannot mount a tmpfs");
	}
	setenv("RINGLEASE_DIR", mounted, 1);
}

static void unmount_small(void)
{
	queues_end();
	CHECK_EQ(umount(mounted), 0);
	CHECK_EQ(rmdir(mounted), 0);
}

CASE(a_tmpfs_of_2_MiB_that_runs_full_raises_no_signal_and_recovers)
{
	struct rlq_queue *queue;
	int error = 0, sent = 0;

	mount_small("size=2m");
	queues_begin();
	queue = queue_make("q", NULL);
	for (int round = 0; round < 3; round++) {
		sent = 0;
		while ((error = rlq_send(queue, body, sizeof(body) / 10, NULL, NULL)) == 0)
			sent++;
		CHECK_EQ(error, RLQ_ENOSPACE);
		CHECK(sent > 50);
		while ((error = rlq_send(queue, "small", 5, NULL, NULL)) == 0)
			sent++;
		CHECK_EQ(error, RLQ_ENOSPACE);
		for (int i = 0; i < sent; i++) {
			message = receive_one(queue);
			CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
		}
		CHECK_EQ(receive_now(queue, &message, 1), 0);
		sweep_now(queue);
		CHECK_EQ(faults_of("q"), 0);
	}
	unmount_small();
}

static struct rlq_queue *queue_of_large(const char *name)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.message_bytes_max = RLQ_BODY_MAX;
	return queue_make(name, &attributes);
}

/* Fills the queue's free blocks of four sizes with 10 MiB each, and leaves it empty. */
static void use_four_sizes(struct rlq_queue *queue)
{
	static const size_t size[] = {16 << 10, 64 << 10, 512 << 10, 2 << 20};
	static char large[2 << 20];

	for (size_t at = 0; at < sizeof(size) / sizeof(size[0]); at++) {
		int count = (int)((10 << 20) / size[at]);

		for (int i = 0; i < count; i++)
			CHECK_EQ(rlq_send(queue, large, size[at], NULL, NULL), 0);
		for (int i = 0; i < count; i++) {
			message = receive_one(queue);
			CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
		}
	}
}

CASE(an_empty_queue_gives_its_memory_to_its_own_next_size)
{
	static char large[12 << 20];
	struct rlq_queue *queue;

	mount_small("size=64m");
	queues_begin();
	queue = queue_of_large("q");
	use_four_sizes(queue);
	CHECK(stat_of(queue).memory_bytes > 40 << 20);
	/* 16 MiB each; 64 are not left, but what is free elsewhere in the queue is given for it. */
	for (int i = 0; i < 3; i++)
		CHECK_EQ(rlq_send(queue, large, sizeof(large), NULL, NULL), 0);
	CHECK_EQ(rlq_send(queue, large, sizeof(large), NULL, NULL), RLQ_ENOSPACE);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(receive_one(queue).body_bytes, sizeof(large));
	CHECK_EQ(faults_of("q"), 0);
	unmount_small();
}

CASE(an_empty_queue_gives_its_memory_to_a_ring_that_grows)
{
	struct rlq_queue *queue;

	mount_small("size=43m");
	queues_begin();
	queue = queue_of_large("q");
	use_four_sizes(queue);
	for (int i = 0; i < 30000; i++)
		CHECK_EQ(rlq_send(queue, "x", 1, NULL, NULL), 0);
	unmount_small();
}

CASE(a_quiet_queue_gives_its_memory_to_others)
{
	struct rlq_queue *queue, *other;
	struct sweep sweep = {0};
	int sent = 0;

	mount_small("size=64m");
	queues_begin();
	queue = queue_of_large("q");
	other = queue_make("other", NULL);
	use_four_sizes(queue);
	for (int second = 0; second < 4; second++) {
		time_passes(SWEEP_MS);
		os_clock_read(&queue->seg->clock);
		while (seg_sweep_is_due(queue->seg, &sweep) && seg_sweep_step(queue->seg, &sweep, 1 << 14))
			;
	}
	CHECK(stat_of(queue).memory_bytes < 2 << 20);
	while (rlq_send(other, body, sizeof(body), NULL, NULL) == 0)
		sent++;
	CHECK(sent > (50 << 20) / (128 << 10));
	unmount_small();
}

CASE(memory_does_not_come_and_go_with_the_messages_of_a_busy_queue)
{
	struct rlq_queue *queue;
	struct sweep sweep = {0};
	int before;

	begin();
	queue = queue_make("q", NULL);
	for (int second = 0; second < 20; second++) {
		for (int i = 0; i < 8; i++)
			CHECK_EQ(rlq_send(queue, body, sizeof(body), NULL, NULL), 0);
		for (int i = 0; i < 8; i++) {
			message = receive_one(queue);
			CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
		}
		if (second == 0)
			before = allocations;
		time_passes(SWEEP_MS);
		os_clock_read(&queue->seg->clock);
		while (seg_sweep_is_due(queue->seg, &sweep) && seg_sweep_step(queue->seg, &sweep, 1 << 14))
			;
	}
	CHECK_EQ(allocations, before);
	queues_end();
}

CASE(a_default_queue_fits_a_tmpfs_of_1_MiB)
{
	struct rlq_queue *queue;

	mount_small("size=1m");
	queues_begin();
	queue = queue_make("q", NULL);
	send_text(queue, "fits");
	CHECK_TEXT(drain(queue), "fits");
	unmount_small();
}

int main(int argc, char **argv)
{
	return cases_run(argc, argv);
}
