/* Recovery that is not as usual. */
#include "tests/unit/journaling_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdatomic.h>

TestSuite(journaling_recovery, .init = journaling_test_begin, .fini = journaling_test_end, .timeout = 120);

/* Changes a byte of the first frame of a file. */
static void damage_first_frame(const char *name)
{
	int folder = os_disk_real.open_folder(data), fd = os_disk_real.open(folder, name, OS_DISK_WRITE);
	unsigned char byte;

	cr_assert_geq(fd, 0);
	cr_assert_eq(os_disk_real.read(fd, &byte, 1, 4096 + 100), 1);
	byte ^= 1;
	cr_assert_eq(os_disk_real.write(fd, &byte, 1, 4096 + 100), 1);
	os_disk_real.close(fd);
	os_disk_real.close(folder);
}

Test(journaling_recovery, what_was_read_before_its_queue_was_known_comes_back,
     .description = "the definition is damaged, and stands in the next file again")
{
	struct rlq_queue *queue = made("q", RLQ_SYNC);

	for (unsigned i = 0; i < 30; i++)
		send_numbered(queue, i * 10, 10, 500);
	rlq_queue_close(queue);
	stop_engine();
	cr_assert_geq(files_of_journal(), 2);
	damage_first_frame("journal-0000000001");
	tmpdir_empty(queues);
	start_engine();
	queue = opened("q");
	cr_assert_eq(drain_numbered(queue, 0, 500), 300);
	rlq_queue_close(queue);
}

static int drafts_at_last_read;

static int64_t read_and_count(int fd, void *ret_bytes, size_t count, uint64_t offset)
{
	drafts_at_last_read = tmpdir_count(queues, ".restore-");
	return os_disk_real.read(fd, ret_bytes, count, offset);
}

Test(journaling_recovery, what_a_removed_queue_had_is_given_up_while_the_rest_is_read)
{
	static struct os_disk disk;
	struct rlq_queue *gone = made("gone", RLQ_SYNC), *queue = made("q", RLQ_SYNC);

	send_numbered(gone, 0, 20, 500);
	rlq_queue_close(gone);
	cr_assert_eq(rlq_queue_remove(directory, "gone"), 0);
	send_numbered(queue, 0, 300, 500);
	rlq_queue_close(queue);
	stop_engine();
	tmpdir_empty(queues);
	disk = os_disk_real;
	disk.read = read_and_count;
	disk.reads_beside = false;
	start_engine_on(&disk);
	cr_assert_eq(drafts_at_last_read, 1);
	queue = opened("q");
	cr_assert_eq(drain_numbered(queue, 0, 500), 300);
	rlq_queue_close(queue);
}

static atomic_bool is_stopped;

static int64_t read_and_stop(int fd, void *ret_bytes, size_t count, uint64_t offset)
{
	is_stopped = is_stopped || tmpdir_count(queues, ".restore-") > 0;
	return os_disk_real.read(fd, ret_bytes, count, offset);
}

Test(journaling_recovery, recovery_that_is_stopped_leaves_nothing, .description = "amid the messages")
{
	struct rlq_queue *queue = made("q", RLQ_SYNC);
	struct os_disk disk = os_disk_real;
	struct journaling_options options = engine_options(&disk);

	for (unsigned i = 0; i < 30; i++)
		send_numbered(queue, i * 10, 10, 500);
	rlq_queue_close(queue);
	stop_engine();
	tmpdir_empty(queues);
	options.is_stopped = &is_stopped;
	disk.read = read_and_stop;
	disk.reads_beside = false;
	cr_assert_eq(rlq_directory_open(queues, &directory), 0);
	cr_assert_eq(journaling_start(&directory->seg, &options, &journaling), -ECANCELED);
	cr_assert_eq(tmpdir_count(queues, ".restore-"), 0);
	rlq_directory_close(directory);
	start_engine();
	queue = opened("q");
	cr_assert_eq(drain_numbered(queue, 0, 500), 300);
	rlq_queue_close(queue);
}
