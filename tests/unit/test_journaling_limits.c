/* Queues that may have no more than so much of the journal. */
#include "client/outgoing.h"
#include "daemon/format.h"
#include "shm/durable.h"
#include "tests/unit/journaling_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

TestSuite(journaling_limits, .init = journaling_test_begin, .fini = journaling_test_end, .timeout = 120);

static struct rlq_queue *limited(enum rlq_durability durability, uint64_t bytes_max)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.durability = durability;
	attributes.journal_bytes_max = bytes_max;
	cr_assert_eq(rlq_queue_create(directory, "q", &attributes), 1);
	return opened("q");
}

static int sends_refused(struct rlq_queue *queue)
{
	struct rlq_queue_stat stat = RLQ_QUEUE_STAT_INIT;

	cr_assert_eq(rlq_queue_stat(queue, &stat), 0);
	return stat.sends_refused;
}

Test(journaling_limits, a_queue_keeps_to_its_limit_to_the_message)
{
	struct rlq_queue *queue = limited(RLQ_SYNC, 10 * format_message_bytes(100, 0)),
			 *other = made("p", RLQ_SYNC);
	struct rlq_send_entry entries[16];
	struct rlq_queue_stat stat = RLQ_QUEUE_STAT_INIT;
	struct rlq_message message;
	char body[201] = "x";

	for (int i = 0; i < 16; i++)
		entries[i] = (struct rlq_send_entry){.body = body, .body_bytes = 100};
	cr_expect_eq(rlq_send_batch(queue, entries, 16, NULL, NULL), 10);
	cr_expect_eq(rlq_queue_stat(queue, &stat), 0);
	cr_expect_eq(stat.visible, 10);
	cr_expect_eq(stat.sent, 10);
	cr_expect_eq(stat.sends_refused, -EDQUOT);
	cr_expect_eq(rlq_send(queue, "", 0, NULL, NULL), RLQ_EDISKFULL);
	cr_expect_eq(rlq_send(other, "", 0, NULL, NULL), 0);
	cr_expect_eq(rlq_receive(queue, &message, 1, NULL), 1);
	cr_expect_eq(rlq_delete(queue, &message.receipt), 0);
	cr_expect_eq(sends_refused(queue), 0);
	cr_expect_eq(rlq_send(queue, body, sizeof(body), NULL, NULL), RLQ_EDISKFULL, "larger than what is left");
	cr_expect_eq(rlq_send(queue, body, 100, NULL, NULL), 0);
	rlq_queue_close(other);
	rlq_queue_close(queue);
	reboot_machine();
	queue = opened("q");
	cr_expect_eq(rlq_queue_stat(queue, &stat), 0);
	cr_expect_eq(stat.visible, 10);
	cr_expect_eq(rlq_send(queue, "", 0, NULL, NULL), RLQ_EDISKFULL, "as before the reboot");
	rlq_queue_close(queue);
}

Test(journaling_limits, a_limit_that_is_raised_or_taken_off_counts_at_once)
{
	struct rlq_queue *queue = limited(RLQ_SYNC, 100);
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	cr_expect_eq(rlq_send(queue, "x", 1, NULL, NULL), 0);
	cr_expect_eq(rlq_send(queue, "x", 1, NULL, NULL), RLQ_EDISKFULL);
	cr_assert_eq(rlq_queue_get_attributes(queue, &attributes), 0);
	cr_expect_eq(attributes.journal_bytes_max, 100);
	attributes.journal_bytes_max = 200;
	cr_assert_eq(rlq_queue_set_attributes(queue, &attributes), 0);
	cr_expect_eq(rlq_send(queue, "x", 1, NULL, NULL), 0);
	cr_expect_eq(rlq_send(queue, "x", 1, NULL, NULL), RLQ_EDISKFULL);
	attributes.journal_bytes_max = 0;
	cr_assert_eq(rlq_queue_set_attributes(queue, &attributes), 0);
	for (int i = 0; i < 10; i++)
		cr_expect_eq(rlq_send(queue, "x", 1, NULL, NULL), 0);
	rlq_queue_close(queue);
}

Test(journaling_limits, a_limit_is_for_queues_with_a_journal)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.journal_bytes_max = 100;
	cr_expect_eq(rlq_queue_create(directory, "m", &attributes), RLQ_EATTRIBUTE);
}

/* Its messages were acknowledged without waiting: all that was taken stays. */
Test(journaling_limits, an_async_queue_at_its_limit_keeps_what_it_took)
{
	struct rlq_queue *queue = limited(RLQ_ASYNC, 1000);
	struct rlq_queue_stat stat = RLQ_QUEUE_STAT_INIT;
	unsigned taken = 0;
	int error = 0;

	for (; !error; taken += !error) {
		error = rlq_send(queue, "x", 1, NULL, NULL);
		if (!error && taken % 10 == 9)
			cr_assert_eq(seg_wait_durable(&directory->seg), 0);
	}
	cr_expect_eq(error, RLQ_EDISKFULL);
	cr_expect_geq(taken, 1000 / format_message_bytes(1, 0));
	rlq_queue_close(queue);
	reboot_machine();
	queue = opened("q");
	cr_expect_eq(rlq_queue_stat(queue, &stat), 0);
	cr_expect_eq(stat.visible, taken);
	rlq_queue_close(queue);
}

/* Where the message has to go there is no room: it stays, and goes once there is. */
Test(journaling_limits, a_move_to_a_full_queue_waits)
{
	struct rlq_receive_options at_once = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_queue *dead = limited(RLQ_SYNC, format_message_bytes(1, 0)), *queue = made("p", RLQ_SYNC);
	struct rlq_message message;
	uint64_t moved = 1;

	cr_assert_eq(rlq_send(dead, "x", 1, NULL, NULL), 0);
	cr_assert_eq(rlq_send(queue, "y", 1, NULL, NULL), 0);
	cr_expect_eq(rlq_redrive(queue, "q", 0, &moved), RLQ_EDISKFULL);
	cr_expect_eq(moved, 0);
	at_once.visibility_ms = 0;
	cr_expect_eq(rlq_receive(queue, &message, 1, &at_once), 1, "it is where it was");
	cr_assert_eq(rlq_receive(dead, &message, 1, NULL), 1);
	cr_assert_eq(rlq_delete(dead, &message.receipt), 0);
	cr_expect_eq(rlq_redrive(queue, "q", 0, &moved), 0);
	cr_expect_eq(moved, 1);
	rlq_queue_close(queue);
	rlq_queue_close(dead);
}

/* ---- in order ----------------------------------------------------------------------------------- */

static struct rlq_queue *limited_fifo(uint64_t bytes_max)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.type = RLQ_FIFO;
	attributes.durability = RLQ_SYNC;
	attributes.journal_bytes_max = bytes_max;
	cr_assert_eq(rlq_queue_create(directory, "q.fifo", &attributes), 1);
	return opened("q.fifo");
}

static int send_in_order(struct rlq_queue *queue, const char *group, unsigned id, size_t bytes)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	static const char body[2000];
	char dedup_id[16];

	snprintf(dedup_id, sizeof(dedup_id), "%u", id);
	options.group = group;
	options.dedup_id = dedup_id;
	return rlq_send(queue, body, bytes, &options, NULL);
}

/* He does not come to look what became of it. */
static void send_and_die(struct rlq_queue *queue, const char *group, size_t bytes)
{
	static const char body[2000];
	struct outgoing out = {.parts = {.body = body, .body_bytes = bytes, .group = group, .dedup_id = "dead"},
			       .delay_ms = RLQ_DEFAULT};

	cr_assert_eq(send_begin(queue), 0);
	cr_assert_eq(outgoing_send(queue, &out, NULL), 0);
	call_end(queue);
	queue->sent_count = 0;
}

/* Those behind it fill the limit, and nobody can receive them before it. */
Test(journaling_limits, what_a_dead_sender_left_at_the_head_of_its_group_is_not_left_out_for_ever)
{
	struct rlq_queue *queue = limited_fifo(1500);
	struct rlq_message message[10];
	unsigned behind = 0;

	cr_assert_eq(send_in_order(queue, "a", 1000, 300), 0);
	send_and_die(queue, "b", 1200);
	while (send_in_order(queue, "b", behind, 100) == 0)
		behind++;
	cr_expect_gt(behind, 0);
	cr_assert_eq(rlq_receive(queue, message, 1, NULL), 1);
	cr_assert_eq(message[0].body_bytes, 300);
	cr_assert_eq(rlq_delete(queue, &message[0].receipt), 0);
	for (int turn = 0; turn < 8; turn++)
		cr_assert_eq(seg_wait_durable(&directory->seg), 0);
	cr_assert_eq(rlq_receive(queue, message, 10, NULL), (int)behind + 1);
	cr_expect_eq(message[0].body_bytes, 1200);
	rlq_queue_close(queue);
}
