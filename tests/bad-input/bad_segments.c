/* Files that are no segments, or not any more; receipts that are none of theirs. */
#include "client/internal.h"
#include "tests/support/cases.h"
#include "tests/support/queue_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct rlq_message message;

static int file_of(const char *name, int flags)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s.rlq", queues_path(), name);
	fd = open(path, flags | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	return fd;
}

static void ignore(void *context, const char *text)
{
	(void)context;
	(void)text;
}

/* Opening says `wanted`; verify names a fault; removing works all the same. */
static void is_refused(const char *name, int wanted)
{
	struct rlq_queue *queue;

	CHECK_EQ(rlq_queue_open(queues_directory(), name, &queue), wanted);
	CHECK(rlq_verify(queues_directory(), name, ignore, NULL) > 0);
	CHECK(rlq_queue_create(queues_directory(), name, NULL) < 0); /* never replaced silently */
	CHECK_EQ(rlq_queue_remove(queues_directory(), name), 0);
	CHECK_EQ(rlq_queue_open(queues_directory(), name, &queue), RLQ_ENOQUEUE);
}

CASE(a_segment_truncated_before_it_is_opened_is_refused)
{
	static const off_t sizes[] = {0, 1, 255, 256, 512, 4096, 16384, 1 << 20, (off_t)SEG_FILE_BYTES - 1};

	queues_begin();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int fd;

		CHECK_EQ(rlq_queue_create(queues_directory(), "q", NULL), 1);
		fd = file_of("q", O_RDWR);
		CHECK_EQ(ftruncate(fd, sizes[i]), 0);
		close(fd);
		is_refused("q", RLQ_EDAMAGED);
	}
	queues_end();
}

CASE(a_file_of_anything_else_is_refused)
{
	queues_begin();
	for (int kind = 0; kind < 3; kind++) {
		int fd = file_of("q", O_RDWR | O_CREAT);
		char bytes[4096];

		memset(bytes, kind == 0 ? 0 : 0xff, sizeof(bytes));
		if (kind < 2)
			CHECK_EQ(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
		CHECK_EQ(ftruncate(fd, (off_t)SEG_FILE_BYTES), 0);
		close(fd);
		is_refused("q", RLQ_EDAMAGED);
	}
	queues_end();
}

CASE(a_segment_of_another_version_or_boot_is_named_so)
{
	struct seg_identity identity;
	int fd;

	queues_begin();
	for (int kind = 0; kind < 3; kind++) {
		CHECK_EQ(rlq_queue_create(queues_directory(), "q", NULL), 1);
		fd = file_of("q", O_RDWR);
		CHECK_EQ(pread(fd, &identity, sizeof(identity), 0), sizeof(identity));
		if (kind == 0)
			identity.abi_major++;
		else if (kind == 1)
			identity.features |= 4;
		else
			identity.boot_id[0] ^= 1;
		CHECK_EQ(pwrite(fd, &identity, sizeof(identity), 0), sizeof(identity));
		CHECK_EQ(pwrite(fd, &identity, sizeof(identity), sizeof(identity)), sizeof(identity));
		close(fd);
		is_refused("q", kind == 2 ? RLQ_EBOOT : RLQ_EVERSION);
	}
	queues_end();
}

CASE(a_directory_or_a_dangling_link_of_a_queues_name_is_no_queue)
{
	struct rlq_queue *queue;
	char path[512];

	queues_begin();
	snprintf(path, sizeof(path), "%s/d.rlq", queues_path());
	CHECK_EQ(mkdir(path, 0700), 0);
	CHECK(rlq_queue_open(queues_directory(), "d", &queue) < 0);
	CHECK(rlq_queue_create(queues_directory(), "d", NULL) < 0);
	CHECK_EQ(rmdir(path), 0);
	snprintf(path, sizeof(path), "%s/l.rlq", queues_path());
	CHECK_EQ(symlink("nowhere", path), 0);
	CHECK_EQ(rlq_queue_open(queues_directory(), "l", &queue), RLQ_ENOQUEUE);
	CHECK(rlq_queue_create(queues_directory(), "l", NULL) < 0);
	queues_end();
}

/* ---- receipts --------------------------------------------------------------------------------- */

static int try_all(struct rlq_queue *queue, const struct rlq_receipt *receipt)
{
	int results[4] = {rlq_extend(queue, receipt, 1000), rlq_release(queue, receipt, 100),
			  rlq_release(queue, receipt, 0), rlq_delete(queue, receipt)};

	for (int i = 0; i < 4; i++)
		CHECK(results[i] == RLQ_ERECEIPT || results[i] == RLQ_ESTALE || results[i] == RLQ_EATTRIBUTE);
	return results[3];
}

CASE(receipts_that_are_made_up_do_nothing)
{
	struct rlq_receipt receipt = {{0}};
	struct rlq_queue *queue;
	uint64_t random = 7;

	queues_begin();
	queue = queue_make("q", NULL);
	for (int i = 0; i < 20; i++)
		send_text(queue, "x");
	for (int i = 0; i < 10; i++)
		message = receive_one(queue);
	CHECK_EQ(try_all(queue, &receipt), RLQ_ERECEIPT);
	for (int i = 0; i < 20000; i++) {
		for (int word = 0; word < 6; word++) {
			random = random * 6364136223846793005 + 1442695040888963407;
			receipt.opaque[word] = random ^ random >> 29;
		}
		if (i % 2)
			receipt.opaque[0] = message.receipt.opaque[0];
		if (i % 4 == 3)
			receipt.opaque[1] = message.receipt.opaque[1];
		try_all(queue, &receipt);
	}
	CHECK_EQ(stat_of(queue).visible, 10);
	CHECK_EQ(stat_of(queue).in_flight, 10);
	CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
	queues_end();
}

CASE(a_receipt_of_a_queue_removed_and_made_again_is_refused)
{
	struct rlq_queue *queue;

	queues_begin();
	queue = queue_make("q", NULL);
	send_text(queue, "x");
	message = receive_one(queue);
	CHECK_EQ(rlq_queue_remove(queues_directory(), "q"), 0);
	CHECK_EQ(rlq_delete(queue, &message.receipt), RLQ_EREMOVED);
	queue = queue_make("q", NULL);
	send_text(queue, "y");
	receive_one(queue);
	CHECK_EQ(try_all(queue, &message.receipt), RLQ_ERECEIPT);
	CHECK_EQ(stat_of(queue).in_flight, 1);
	queues_end();
}

CASE(a_receipt_of_a_message_whose_slot_was_used_again_is_stale)
{
	struct rlq_message old;
	struct rlq_queue *queue;

	queues_begin();
	queue = queue_of("q", 1);
	send_text(queue, "old");
	old = receive_one(queue);
	CHECK_EQ(rlq_delete(queue, &old.receipt), 0);
	for (int i = 0; i < 10; i++) {
		send_text(queue, "new");
		message = receive_one(queue);
		CHECK_EQ(try_all(queue, &old.receipt), RLQ_ESTALE);
		CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
	}
	queues_end();
}

int main(int argc, char **argv)
{
	return cases_run(argc, argv);
}
