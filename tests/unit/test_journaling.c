/* Durable queues: what is there after a reboot, and after a restart of the engine. */
#include "kmod-free/sysops.h"
#include "tests/unit/journaling_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

TestSuite(journaling, .init = journaling_test_begin, .fini = journaling_test_end, .timeout = 120);

Test(journaling, many_messages_come_back_in_order, .description = "over several rings and files")
{
	struct rlq_queue *queue = made("q", RLQ_SYNC);

	send_numbered(queue, 0, 5000, 200);
	rlq_queue_close(queue);
	reboot_machine();
	queue = opened("q");
	cr_assert_eq(drain_numbered(queue, 0, 200), 5000);
	rlq_queue_close(queue);
	reboot_machine();
	queue = opened("q");
	cr_assert_eq(drain_numbered(queue, 0, 200), 0);
	rlq_queue_close(queue);
}

Test(journaling, a_large_body_comes_back)
{
	enum { BYTES = 3 << 20 };
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	unsigned char *body = malloc(BYTES);
	struct rlq_message message;
	struct rlq_queue *queue;

	attributes.durability = RLQ_SYNC;
	attributes.message_bytes_max = BYTES;
	cr_assert_eq(rlq_queue_create(directory, "q", &attributes), 1);
	queue = opened("q");
	for (size_t i = 0; i < BYTES; i++)
		body[i] = (unsigned char)(i * 31 >> 3);
	cr_assert_eq(rlq_send(queue, body, BYTES, NULL, NULL), 0);
	rlq_queue_close(queue);
	reboot_machine();
	queue = opened("q");
	cr_assert_eq(rlq_receive(queue, &message, 1, NULL), 1);
	cr_assert_eq(message.body_bytes, BYTES);
	cr_assert_eq(memcmp(message.body, body, BYTES), 0);
	rlq_queue_close(queue);
	free(body);
}

Test(journaling, an_engine_that_restarts_doubles_nothing)
{
	struct rlq_queue *queue = made("q", RLQ_SYNC);

	send_numbered(queue, 0, 100, 100);
	rlq_queue_close(queue);
	for (int i = 0; i < 3; i++)
		restart_engine();
	reboot_machine();
	queue = opened("q");
	cr_assert_eq(drain_numbered(queue, 0, 100), 100);
	rlq_queue_close(queue);
}

Test(journaling, async_is_there_once_a_later_turn_is_durable)
{
	struct rlq_queue *loose = made("loose", RLQ_ASYNC), *barrier = made("barrier", RLQ_SYNC);

	send_numbered(loose, 0, 3000, 100);
	cr_assert_eq(rlq_send(barrier, "x", 1, NULL, NULL), 0);
	rlq_queue_close(loose);
	rlq_queue_close(barrier);
	reboot_machine();
	loose = opened("loose");
	cr_assert_eq(drain_numbered(loose, 0, 100), 3000);
	rlq_queue_close(loose);
}

Test(journaling, attributes_are_those_that_were_set_last)
{
	struct rlq_queue_attributes now = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue = made("q", RLQ_SYNC);

	send_numbered(queue, 0, 1, 500);
	cr_assert_eq(rlq_queue_get_attributes(queue, &now), 0);
	now.visibility_ms = 12345;
	cr_assert_eq(rlq_queue_set_attributes(queue, &now), 0);
	rlq_queue_close(queue);
	reboot_machine();
	queue = opened("q");
	cr_assert_eq(rlq_queue_get_attributes(queue, &now), 0);
	cr_assert_eq(now.visibility_ms, 12345);
	cr_assert_eq(drain_numbered(queue, 0, 500), 1);
	rlq_queue_close(queue);
}

static int64_t wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void await_another_ms(void)
{
	for (int64_t start = wall_ms(); wall_ms() == start;)
		;
}

Test(journaling, a_queue_says_when_it_was_made_and_changed, .description = "not when the machine was started")
{
	struct rlq_queue_attributes now = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue_stat before = RLQ_QUEUE_STAT_INIT, after = RLQ_QUEUE_STAT_INIT;
	struct rlq_queue *queue = made("q", RLQ_SYNC);

	cr_assert_eq(rlq_queue_get_attributes(queue, &now), 0);
	/* Until the queue's own clock has gone on, which may be a coarser one. */
	do {
		now.delay_ms++;
		cr_assert_eq(rlq_queue_set_attributes(queue, &now), 0);
		cr_assert_eq(rlq_queue_stat(queue, &before), 0);
	} while (before.modified_ms <= before.created_ms);
	rlq_queue_close(queue);
	await_another_ms();
	reboot_machine();
	queue = opened("q");
	cr_assert_eq(rlq_queue_stat(queue, &after), 0);
	cr_expect_eq(after.created_ms, before.created_ms);
	cr_expect_eq(after.modified_ms, before.modified_ms);
	rlq_queue_close(queue);
}

Test(journaling, a_queue_removed_and_made_again_has_only_its_own)
{
	struct rlq_queue *queue = made("q", RLQ_SYNC);

	send_numbered(queue, 0, 20, 500);
	rlq_queue_close(queue);
	cr_assert_eq(rlq_queue_remove(directory, "q"), 0);
	queue = made("q", RLQ_SYNC);
	send_numbered(queue, 100, 20, 500);
	rlq_queue_close(queue);
	reboot_machine();
	queue = opened("q");
	cr_assert_eq(drain_numbered(queue, 100, 500), 20);
	rlq_queue_close(queue);
	/* Was the first one only hidden behind its namesake? */
	cr_assert_eq(rlq_queue_remove(directory, "q"), 0);
	reboot_machine();
	cr_assert_eq(rlq_queue_open(directory, "q", &queue), RLQ_ENOQUEUE);
}

Test(journaling, an_engine_that_died_amid_a_removal_starts)
{
	struct rlq_queue *queue = made("q", RLQ_SYNC);

	send_numbered(queue, 0, 1, 100);
	/* As the engine's death leaves it: marked, and the journal does not know. */
	journaling_stop(journaling);
	fetch_or_seq(&queue->seg->header->rings, RINGS_REMOVED);
	rlq_queue_close(queue);
	rlq_directory_close(directory);
	start_engine();
	cr_assert_eq(tmpdir_count(queues, "q.rlq"), 0);
	queue = made("q", RLQ_SYNC);
	send_numbered(queue, 5, 1, 100);
	rlq_queue_close(queue);
	reboot_machine();
	queue = opened("q");
	cr_assert_eq(drain_numbered(queue, 5, 100), 1);
	rlq_queue_close(queue);
}

Test(journaling, what_is_deleted_while_it_is_read_in_place_stays_away)
{
	struct rlq_queue *reader = made("q", RLQ_SYNC), *other = opened("q");
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message message;

	options.flags = RLQ_RECEIVE_IN_PLACE;
	send_numbered(reader, 1, 1, 500);
	cr_assert_eq(rlq_receive(reader, &message, 1, &options), 1);
	cr_assert_eq(rlq_delete(other, &message.receipt), 0);
	rlq_queue_close(other);
	rlq_queue_close(reader);
	reboot_machine();
	reader = opened("q");
	cr_assert_eq(drain_numbered(reader, 0, 500), 0);
	rlq_queue_close(reader);
}

Test(journaling, what_is_published_in_place_is_there, .description = "and what is only reserved is not")
{
	struct rlq_queue *queue = made("q", RLQ_SYNC);
	struct rlq_reservation published, reserved;
	unsigned number = 0;

	cr_assert_eq(rlq_reserve(queue, sizeof(number), NULL, &published), 0);
	cr_assert_eq(rlq_reserve(queue, sizeof(number), NULL, &reserved), 0);
	memcpy(published.body, &number, sizeof(number));
	cr_assert_eq(rlq_publish(queue, &published, NULL), 0);
	rlq_queue_close(queue);
	reboot_machine();
	queue = opened("q");
	cr_assert_eq(drain_numbered(queue, 0, sizeof(number)), 1);
	rlq_queue_close(queue);
}

static struct os_sysops real;
static pthread_t client;

/* No memory for anybody but the test. */
static void *mmap_for_one(void *address, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	if (pthread_equal(pthread_self(), client))
		return real.mmap(address, bytes, protection, flags, fd, offset);
	errno = ENOMEM;
	return MAP_FAILED;
}

Test(journaling, what_is_not_journaled_is_not_acknowledged)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue;

	attributes.durability = RLQ_SYNC;
	client = pthread_self();
	real = os_sys;
	os_sys.mmap = mmap_for_one;
	cr_expect_eq(rlq_queue_create(directory, "q", &attributes), RLQ_EENGINE);
	cr_expect_eq(rlq_queue_open(directory, "q", &queue), RLQ_ENOQUEUE, "nothing half-done");
	os_sys = real;
	queue = made("q", RLQ_SYNC);
	store_seq(&queue->seg->header->journaled_by, 1); /* by another, before */
	cr_expect_eq(rlq_send(queue, "x", 1, NULL, NULL), RLQ_EENGINE);
	rlq_queue_close(queue);
}
