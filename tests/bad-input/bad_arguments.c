/* Names, sizes and ranges that are none; directories that cannot be used. */
#include "client/internal.h"
#include "shm/rings.h"
#include "tests/support/cases.h"
#include "tests/support/child.h"
#include "tests/support/queue_fixture.h"
#include "tests/support/tmpdir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { TMPFS_MAGIC_NUMBER = 0x01021994 };

static struct rlq_message message;

static void ignore(void *context, const char *text)
{
	(void)context;
	(void)text;
}

CASE(every_call_that_takes_a_name_refuses_what_is_none)
{
	static const char *const bad[] = {"",	 ".",	"..",	"a/b",	 "../a",   "a b",
					  "a.b", "a\n", "\xff", "-\x01", ".engine"};
	struct rlq_directory *directory;
	char longest[RLQ_NAME_MAX + 2];
	struct rlq_queue *queue;

	queues_begin();
	directory = queues_directory();
	memset(longest, 'n', sizeof(longest));
	longest[RLQ_NAME_MAX + 1] = '\0';
	for (size_t i = 0; i <= sizeof(bad) / sizeof(bad[0]); i++) {
		const char *name = i < sizeof(bad) / sizeof(bad[0]) ? bad[i] : longest;

		CHECK_EQ(rlq_queue_create(directory, name, NULL), RLQ_ENAME);
		CHECK_EQ(rlq_queue_open(directory, name, &queue), RLQ_ENAME);
		CHECK_EQ(rlq_queue_remove(directory, name), RLQ_ENAME);
		CHECK_EQ(rlq_verify(directory, name, ignore, NULL), RLQ_ENAME);
	}
	CHECK_EQ(rlq_queue_create(directory, NULL, NULL), RLQ_ENAME);
	longest[RLQ_NAME_MAX] = '\0';
	CHECK_EQ(rlq_queue_create(directory, longest, NULL), 1);
	CHECK_EQ(rlq_queue_open(directory, "none", &queue), RLQ_ENOQUEUE);
	CHECK_EQ(rlq_queue_remove(directory, "none"), RLQ_ENOQUEUE);
	queues_end();
}

CASE(flags_that_do_not_exist_are_refused)
{
	struct rlq_receive_options receive = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_send_options send = RLQ_SEND_OPTIONS_INIT;
	struct rlq_reservation reservation;
	struct rlq_queue *queue;

	queues_begin();
	queue = queue_make("q", NULL);
	receive.flags = 1 << 30;
	send.flags = 1 << 30;
	CHECK_EQ(rlq_receive(queue, &message, 1, &receive), RLQ_EATTRIBUTE);
	CHECK_EQ(rlq_send(queue, "x", 1, &send, NULL), RLQ_EATTRIBUTE);
	CHECK_EQ(rlq_reserve(queue, 1, &send, &reservation), RLQ_EATTRIBUTE);
	send.flags = RLQ_SEND_WAIT;
	send.timeout_ms = -5;
	CHECK_EQ(rlq_send(queue, "x", 1, &send, NULL), RLQ_EATTRIBUTE);
	receive.flags = 0;
	receive.wait_ms = -7;
	CHECK_EQ(rlq_receive(queue, &message, 1, &receive), RLQ_EATTRIBUTE);
	queues_end();
}

CASE(what_is_let_go_with_a_ring_that_cannot_be_is_refused)
{
	struct rlq_queue *queue;

	queues_begin();
	queue = queue_make("q", NULL);
	send_text(queue, "a");
	CHECK_EQ(receive_in_place(queue, &message), 1);
	for (uint64_t ring = 8; ring < 256; ring += 8) {
		struct rlq_message made_up = message;

		made_up.receipt.opaque[1] += ring << 24; /* client/receipt.c */
		CHECK_EQ(rlq_let_go(queue, &made_up), RLQ_ERECEIPT);
		CHECK_EQ(rlq_delete(queue, &made_up.receipt), RLQ_ERECEIPT);
	}
	CHECK(queue->seg->me->holds[0] != 0); /* it is still held */
	CHECK_EQ(rlq_let_go(queue, &message), 0);
	CHECK_EQ(queue->seg->me->holds[0], 0);
	queues_end();
}

/* Appends a ring of 2^order slots, and takes away those before it. */
static void ring_alone(struct rlq_queue *queue, uint32_t order)
{
	CHECK_EQ(seg_enter(queue->seg), 0);
	CHECK_EQ(seg_grow(queue->seg, order), 0);
	seg_leave(queue->seg);
	seg_retire_step(queue->seg);
}

CASE(a_reservation_used_twice_touches_no_ring_that_came_after_its_own)
{
	struct rlq_reservation used, copy;
	struct rlq_queue *queue, *other;
	uint64_t memory;

	queues_begin();
	queue = queue_make("q", NULL);
	other = queue_again("q");
	ring_alone(queue, 12); /* in region 1 */
	for (int i = 0; i < 1500; i++)
		send_text(queue, "a");
	CHECK_EQ(rlq_reserve(queue, 1, NULL, &used), 0);
	copy = used;
	CHECK_EQ(rlq_publish(queue, &used, NULL), 0);
	CHECK_EQ(rlq_purge(queue, NULL), 0);
	for (int i = 0; i < 2; i++)
		ring_alone(other, 10); /* in regions 0 and 1 */
	CHECK_EQ(seg_newest_ring(other->seg), 1);
	memory = stat_of(other).memory_bytes;
	used = copy;
	CHECK_EQ(rlq_publish(queue, &copy, NULL), RLQ_ERECEIPT);
	CHECK_EQ(rlq_abandon(queue, &used), RLQ_ERECEIPT);
	CHECK_EQ(stat_of(other).memory_bytes, memory); /* reading beyond the ring would take some */
	queues_end();
}

CASE(closing_nothing_is_harmless)
{
	rlq_queue_close(NULL);
	rlq_directory_close(NULL);
}

/* ---- directories ------------------------------------------------------------------------------ */

static int open_and_use(const char *path)
{
	struct rlq_directory *directory;
	int error = rlq_directory_open(path, &directory);

	if (error)
		return error;
	error = rlq_queue_create(directory, "q", NULL);
	rlq_directory_close(directory);
	return error;
}

static void use_as_nobody(void *context)
{
	const char *path = context;
	char below[TMPDIR_BYTES + 8];

	if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
		case_skip("cannot become nobody");
	snprintf(below, sizeof(below), "%s/below", path);
	CHECK_EQ(open_and_use(path), -EACCES);
	CHECK_EQ(open_and_use(below), -EACCES);
}

CASE(a_directory_that_may_not_be_written_is_refused)
{
	char path[TMPDIR_BYTES];
	int status;

	tmpdir_make(path);
	CHECK_EQ(chmod(path, 0555), 0);
	status = child_wait(child_start(use_as_nobody, path));
	CHECK_EQ(chmod(path, 0700), 0);
	tmpdir_remove(path);
	CHECK(child_exited(status, 0));
}

static void use_foreign_queue(void *context)
{
	struct rlq_directory *directory;
	struct rlq_queue *queue;

	if (geteuid() != 0 || setgid(65534) != 0 || setuid(65534) != 0)
		return;
	if (rlq_directory_open(context, &directory) != 0)
		return; /* it is private already */
	CHECK_EQ(rlq_queue_open(directory, "q", &queue), -EACCES);
	rlq_directory_close(directory);
}

CASE(a_queue_of_somebody_else_is_refused)
{
	char path[TMPDIR_BYTES];
	int status;

	tmpdir_make(path);
	CHECK_EQ(chmod(path, 0777), 0);
	CHECK_EQ(open_and_use(path), 1);
	status = child_wait(child_start(use_foreign_queue, path));
	tmpdir_remove(path);
	CHECK(child_exited(status, 0));
}

CASE(a_path_that_leads_nowhere_is_an_error_of_its_own)
{
	char path[5000];

	CHECK_EQ(open_and_use("/proc/self/no/such"), -ENOENT);
	CHECK_EQ(open_and_use("/dev/null"), -ENOTDIR);
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	CHECK_EQ(open_and_use(path), -ENAMETOOLONG);
}

CASE(a_directory_that_is_not_tmpfs_works_and_says_so)
{
	const char *base = getenv("TMPDIR");
	char path[TMPDIR_BYTES];
	struct statfs status;
	struct rlq_queue *queue;

	snprintf(path, sizeof(path), "%s", base ? base : "/var/tmp");
	if (statfs(path, &status) != 0 || status.f_type == TMPFS_MAGIC_NUMBER)
		case_skip("no directory on a disk");
	setenv("RINGLEASE_DIR", path, 1);
	queues_begin();
	CHECK(!rlq_directory_is_tmpfs(queues_directory()));
	queue = queue_make("q", NULL);
	for (int i = 0; i < 2000; i++)
		send_text(queue, "x");
	for (int i = 0; i < 2000; i++) {
		message = receive_one(queue);
		CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
	}
	CHECK_EQ(faults_of("q"), 0);
	queues_end();
}

int main(int argc, char **argv)
{
	return cases_run(argc, argv);
}
