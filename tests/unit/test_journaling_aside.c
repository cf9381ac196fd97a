/* Queues that the journal cannot open: it sets them aside, and takes them back. */
#include "shm/durable.h"
#include "tests/unit/journaling_fixture.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

TestSuite(journaling_aside, .init = journaling_test_begin, .fini = journaling_test_end, .timeout = 120);

enum { FILES_MAX = 10 }; /* of the journal: what is set aside keeps no other file */

static void queue_file(const char *name, char ret_path[TMPDIR_BYTES + 64])
{
	snprintf(ret_path, TMPDIR_BYTES + 64, "%s/%s.rlq", queues, name);
}

/* Flips a bit of its first byte: damaged, and then sound again. */
static void spoil(const char *name)
{
	char path[TMPDIR_BYTES + 64];
	unsigned char byte;
	int fd;

	queue_file(name, path);
	fd = open(path, O_RDWR);
	cr_assert_eq(pread(fd, &byte, 1, 0), 1);
	byte ^= 1;
	cr_assert_eq(pwrite(fd, &byte, 1, 0), 1);
	close(fd);
}

/* Twenty messages in a queue that cannot be opened. */
static void start_without(const char *name)
{
	struct rlq_queue *queue = made(name, RLQ_SYNC);

	send_numbered(queue, 100, 20, 500);
	rlq_queue_close(queue);
	stop_engine();
	spoil(name);
	start_engine();
}

static void expect_twenty(const char *name)
{
	struct rlq_queue *queue = opened(name);

	cr_expect_eq(drain_numbered(queue, 100, 500), 20);
	send_numbered(queue, 7, 1, 500);
	rlq_queue_close(queue);
	reboot_machine();
	queue = opened(name);
	cr_expect_eq(drain_numbered(queue, 7, 500), 1);
	rlq_queue_close(queue);
}

Test(journaling_aside, a_queue_that_is_damaged_keeps_none_of_the_others, .description = "and none of its files")
{
	start_without("q");
	cr_assert_leq(keep_busy(40), FILES_MAX);
	reboot_machine();
	expect_twenty("q");
}

Test(journaling_aside, a_queue_that_can_be_opened_again_is_back)
{
	start_without("q");
	cr_assert_leq(keep_busy(40), FILES_MAX);
	spoil("q");
	cr_assert_eq(seg_wait_durable(&directory->seg), 0);
	expect_twenty("q");
}

Test(journaling_aside, a_damaged_queue_whose_file_is_deleted_is_made_anew)
{
	char path[TMPDIR_BYTES + 64];

	start_without("q");
	cr_assert_leq(keep_busy(20), FILES_MAX);
	queue_file("q", path);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(seg_wait_durable(&directory->seg), 0);
	expect_twenty("q");
}

Test(journaling_aside, another_queue_in_its_place_is_not_taken_for_it)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	char path[TMPDIR_BYTES + 64];

	start_without("q");
	stop_engine();
	queue_file("q", path);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(rlq_directory_open(queues, &directory), 0);
	cr_assert_eq(rlq_queue_create(directory, "q", &attributes), 1);
	rlq_directory_close(directory);
	start_engine();
	cr_assert_leq(keep_busy(20), FILES_MAX);
	cr_assert_eq(rlq_queue_remove(directory, "q"), 0);
	cr_assert_eq(seg_wait_durable(&directory->seg), 0);
	expect_twenty("q");
}

Test(journaling_aside, who_has_it_open_hears_that_it_is_not_journaled)
{
	struct rlq_directory *own;
	struct rlq_queue *queue;
	struct rlq_message message;

	cr_assert_eq(rlq_directory_open(queues, &own), 0);
	rlq_queue_close(made("q", RLQ_SYNC));
	cr_assert_eq(rlq_queue_open(own, "q", &queue), 0);
	start_without("p");
	cr_assert_eq(rlq_send(queue, "x", 1, NULL, NULL), 0);
	stop_engine();
	spoil("q");
	start_engine();
	cr_expect_eq(rlq_send(queue, "y", 1, NULL, NULL), RLQ_EENGINE);
	cr_expect_eq(rlq_receive(queue, &message, 1, NULL), 1);
	cr_expect_eq(rlq_delete(queue, &message.receipt), RLQ_EUNKNOWN);
	spoil("q");
	cr_assert_eq(seg_wait_durable(&directory->seg), 0);
	cr_expect_eq(rlq_send(queue, "z", 1, NULL, NULL), 0);
	rlq_queue_close(queue);
	rlq_directory_close(own);
	reboot_machine();
	queue = opened("q");
	cr_expect_eq(rlq_receive(queue, &message, 1, NULL), 1);
	cr_expect_eq(*(const char *)message.body, 'z');
	cr_expect_eq(rlq_receive(queue, &message, 1, NULL), 0);
	rlq_queue_close(queue);
}

Test(journaling_aside, a_queue_that_only_the_journal_before_had_is_not_taken_for_its_own,
     .description = "of two in one process")
{
	struct journaling_options options = engine_options(NULL);
	struct rlq_queue *queue = made("q", RLQ_SYNC);

	cr_assert_eq(rlq_send(queue, "x", 1, NULL, NULL), 0);
	journaling_stop(journaling);
	spoil("q");
	cr_assert_eq(journaling_start(&directory->seg, &options, &journaling), 0);
	cr_expect_eq(rlq_send(queue, "y", 1, NULL, NULL), RLQ_EENGINE);
	spoil("q");
	cr_assert_eq(seg_wait_durable(&directory->seg), 0);
	cr_expect_eq(rlq_send(queue, "z", 1, NULL, NULL), 0);
	rlq_queue_close(queue);
}

/* It can be opened, but its list of rings is damaged. */
Test(journaling_aside, a_queue_removed_while_it_is_set_aside_stays_away)
{
	struct rlq_queue *queue = made("q", RLQ_SYNC);

	send_numbered(queue, 0, 20, 500);
	journaling_stop(journaling);
	store_seq(&queue->seg->header->rings, rings_make(0, 0, 0));
	rlq_queue_close(queue);
	rlq_directory_close(directory);
	start_engine();
	cr_expect_eq(rlq_queue_remove(directory, "q"), 0);
	queue = made("q", RLQ_SYNC);
	rlq_queue_close(queue);
	reboot_machine();
	queue = opened("q");
	cr_expect_eq(drain_numbered(queue, 0, 500), 0);
	rlq_queue_close(queue);
}

/* A message has moved to its DLQ, and the engine ended before it could write so. */
static void move_unseen(void)
{
	struct rlq_receive_options at_once = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_queue *dlq = made("dlq", RLQ_SYNC), *queue = made_with_dlq("q", RLQ_SYNC);
	struct seg_engine_page *page = directory->seg.engine;
	const uint64_t key = load_seq(&page->journal_key);
	struct rlq_message message;

	send_numbered(queue, 7, 1, 500);
	at_once.visibility_ms = 0;
	at_once.wait_ms = 0;
	cr_assert_eq(rlq_receive(queue, &message, 1, &at_once), 1);
	journaling_stop(journaling);
	store_seq(&page->journal_key, key);
	cr_assert_eq(rlq_receive(queue, &message, 1, &at_once), 0);
	store_seq(&page->journal_key, 0);
	at_once.visibility_ms = 60000;
	cr_assert_eq(rlq_receive(dlq, &message, 1, &at_once), 1);
	cr_assert_eq(rlq_release(dlq, &message.receipt, 0), 0);
	rlq_queue_close(dlq);
	rlq_queue_close(queue);
	rlq_directory_close(directory);
}

static void expect_one(const char *name, unsigned in_it)
{
	struct rlq_queue *queue = opened(name);
	struct rlq_queue_stat stat = RLQ_QUEUE_STAT_INIT;

	cr_assert_eq(rlq_queue_stat(queue, &stat), 0);
	cr_expect_eq(stat.visible, in_it, "%s has %llu", name, (unsigned long long)stat.visible);
	rlq_queue_close(queue);
}

Test(journaling_aside, what_moved_from_a_queue_that_is_set_aside_is_in_one)
{
	move_unseen();
	spoil("q");
	start_engine();
	cr_assert_eq(seg_wait_durable(&directory->seg), 0);
	reboot_machine();
	expect_one("q", 1);
	expect_one("dlq", 0);
}

Test(journaling_aside, what_moved_to_a_queue_that_is_set_aside_is_in_one)
{
	move_unseen();
	spoil("dlq");
	start_engine();
	cr_assert_leq(keep_busy(20), FILES_MAX);
	reboot_machine();
	expect_one("q", 1);
	expect_one("dlq", 0);
}

Test(journaling_aside, what_moved_to_a_queue_that_was_set_aside_is_in_one)
{
	move_unseen();
	spoil("dlq");
	start_engine();
	cr_assert_leq(keep_busy(20), FILES_MAX);
	spoil("dlq");
	cr_assert_eq(seg_wait_durable(&directory->seg), 0);
	reboot_machine();
	expect_one("q", 0);
	expect_one("dlq", 1);
}
