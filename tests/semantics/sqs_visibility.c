/* Visibility timeouts and receipts of a standard queue. */
#include "kmod-free/sysops.h"
#include "tests/support/cases.h"
#include "tests/support/queue_fixture.h"

#include <string.h>

#define HOUR INT64_C(3600000)

static struct rlq_queue *queue;
static struct rlq_message message, again;

static void begin(void)
{
	queues_begin();
	queue = queue_make("q", NULL);
}

/* Leases end so much after their time. */
static void lease_ends_after(int64_t ms)
{
	time_passes(ms + LEASE_SLACK_MS);
}

CASE(a_received_message_is_invisible_for_the_queues_timeout_and_then_visible_again)
{
	begin();
	send_text(queue, "a");
	message = receive_one(queue);
	CHECK_EQ(receive_now(queue, &again, 1), 0);
	time_passes(30000);
	CHECK_EQ(receive_now(queue, &again, 1), 0);
	time_passes(10); /* at most 10 ms longer */
	again = receive_one(queue);
	CHECK(memcmp(&again.id, &message.id, sizeof(again.id)) == 0);
	CHECK_EQ(again.receive_count, 2);
	queues_end();
}

CASE(the_timeout_of_a_receive_overrides_that_of_the_queue_from_0_to_12_hours)
{
	begin();
	send_text(queue, "a");
	CHECK_EQ(receive_for(queue, &message, 12 * HOUR), 1);
	time_passes(12 * HOUR);
	CHECK_EQ(receive_now(queue, &again, 1), 0);
	lease_ends_after(0);
	CHECK_EQ(receive_for(queue, &again, 1), 1);
	CHECK_EQ(receive_for(queue, &again, 12 * HOUR + 1), RLQ_EATTRIBUTE);
	CHECK_EQ(receive_for(queue, &again, -7), RLQ_EATTRIBUTE);
	queues_end();
}

CASE(a_changed_timeout_of_the_queue_touches_no_message_in_flight)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	begin();
	send_text(queue, "a");
	message = receive_one(queue);
	attributes.visibility_ms = 1000;
	CHECK_EQ(rlq_queue_set_attributes(queue, &attributes), 0);
	time_passes(29000);
	CHECK_EQ(receive_now(queue, &again, 1), 0);
	lease_ends_after(1000);
	again = receive_one(queue);
	lease_ends_after(1000);
	receive_one(queue);
	queues_end();
}

CASE(a_message_received_with_visibility_0_stays_visible_and_counts_as_received)
{
	begin();
	send_text(queue, "a");
	CHECK_EQ(receive_for(queue, &message, 0), 1);
	CHECK_EQ(stat_of(queue).visible, 1);
	CHECK_EQ(receive_for(queue, &again, 0), 1);
	CHECK_EQ(again.receive_count, 2);
	CHECK_EQ(rlq_delete(queue, &message.receipt), RLQ_ESTALE);
	CHECK_EQ(rlq_delete(queue, &again.receipt), 0);
	queues_end();
}

CASE(one_receive_hands_a_message_out_once_also_with_visibility_0)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message messages[10];

	begin();
	options.visibility_ms = 0;
	options.wait_ms = 0;
	for (int i = 0; i < 3; i++)
		send_text(queue, "a");
	for (int i = 1; i <= 5; i++) {
		CHECK_EQ(rlq_receive(queue, messages, 10, &options), 3);
		for (int m = 0; m < 3; m++)
			CHECK_EQ(messages[m].receive_count, i);
	}
	queues_end();
}

CASE(one_receive_hands_out_once_also_what_another_handle_has_made_visible_again)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message messages[10];

	begin();
	options.visibility_ms = 0;
	options.wait_ms = 0;
	send_text(queue, "a");
	send_text(queue, "b");
	CHECK_EQ(receive_for(queue, &message, 0), 1);
	CHECK_EQ(rlq_receive(queue_again("q"), messages, 10, &options), 2);
	CHECK(memcmp(&messages[0].id, &messages[1].id, sizeof(messages[0].id)) != 0);
	CHECK_EQ(rlq_receive(queue_again("q"), messages, 10, &options), 2);
	CHECK_EQ(messages[0].receive_count + messages[1].receive_count, 5);
	queues_end();
}

CASE(extending_sets_the_timeout_to_now_plus_the_value)
{
	begin();
	send_text(queue, "a");
	message = receive_one(queue);
	time_passes(20000);
	CHECK_EQ(rlq_extend(queue, &message.receipt, 15000), 0);
	time_passes(15000);
	CHECK_EQ(receive_now(queue, &again, 1), 0);
	lease_ends_after(0);
	again = receive_one(queue);
	/* Shorter than what is left, too; and it does not stick to later receives. */
	CHECK_EQ(rlq_extend(queue, &again.receipt, 100), 0);
	lease_ends_after(100);
	message = receive_one(queue);
	lease_ends_after(29000);
	CHECK_EQ(receive_now(queue, &again, 1), 0);
	queues_end();
}

CASE(extending_by_0_makes_the_message_visible_at_once)
{
	begin();
	send_text(queue, "a");
	message = receive_one(queue);
	CHECK_EQ(rlq_extend(queue, &message.receipt, 0), 0);
	CHECK_EQ(stat_of(queue).visible, 1);
	receive_one(queue);
	queues_end();
}

CASE(a_lease_of_over_12_hours_in_all_is_refused)
{
	begin();
	send_text(queue, "a");
	message = receive_one(queue);
	CHECK_EQ(rlq_extend(queue, &message.receipt, 12 * HOUR), 0);
	time_passes(1000);
	CHECK_EQ(rlq_extend(queue, &message.receipt, 12 * HOUR), RLQ_EATTRIBUTE);
	CHECK_EQ(rlq_extend(queue, &message.receipt, 12 * HOUR - 1000), 0);
	time_passes(6 * HOUR);
	CHECK_EQ(rlq_extend(queue, &message.receipt, 6 * HOUR), RLQ_EATTRIBUTE);
	CHECK_EQ(rlq_extend(queue, &message.receipt, 12 * HOUR + 1), RLQ_EATTRIBUTE);
	CHECK_EQ(rlq_extend(queue, &message.receipt, -1), RLQ_EATTRIBUTE);
	CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
	queues_end();
}

/* ---- long calls ------------------------------------------------------------------------------- */

enum { TAKES_MS = 500 };
static struct os_sysops real;

/* Half a second goes by while a call maps memory: the first large body a handle reads, its first move. */
static void *slow_mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	time_passes(TAKES_MS);
	return real.mmap(address, bytes, protection, flags, fd, offset);
}

static int receive_slowly(struct rlq_queue *from, struct rlq_message *ret_messages, size_t max)
{
	uint64_t began = boot_now();
	int count;

	real = os_sys;
	os_sys.mmap = slow_mmap;
	count = receive_now(from, ret_messages, max);
	os_sys = real;
	CHECK(boot_now() >= began + TAKES_MS); /* it was slow */
	return count;
}

CASE(a_lease_is_not_used_up_by_copying_the_messages_before_it)
{
	static char body[100000];
	struct rlq_message messages[2];

	begin();
	for (int i = 0; i < 2; i++)
		CHECK_EQ(rlq_send(queue, body, sizeof(body), NULL, NULL), 0);
	CHECK_EQ(receive_slowly(queue_again("q"), messages, 2), 2);
	time_passes(29999);
	CHECK_EQ(receive_now(queue, messages, 2), 1); /* the first, which took so long */
	lease_ends_after(1);
	CHECK_EQ(receive_now(queue, messages, 2), 1);
	queues_end();
}

CASE(a_lease_is_not_used_up_by_moving_others_to_the_dlq)
{
	struct rlq_queue *dlq;

	queues_begin();
	queue = queue_with_dlq("q", 1, &dlq);
	send_text(queue, "poison");
	receive_one(queue);
	lease_ends_after(1000);
	sweep_now(queue);
	send_text(queue, "good");
	CHECK_EQ(receive_slowly(queue, &message, 1), 1);
	CHECK(body_is(&message, "good"));
	CHECK_EQ(stat_of(dlq).visible, 1);
	time_passes(999);
	CHECK_EQ(receive_now(queue, &again, 1), 0);
	CHECK_EQ(stat_of(queue).in_flight, 1);
	CHECK_EQ(stat_of(dlq).visible, 1);
	queues_end();
}

/* ---- receipts --------------------------------------------------------------------------------- */

CASE(a_handle_whose_clock_is_behind_that_of_the_receiver_may_extend)
{
	begin();
	send_text(queue, "a");
	message = receive_one(queue);
	time_passes(-1);
	CHECK_EQ(rlq_extend(queue_again("q"), &message.receipt, 12 * HOUR), 0);
	CHECK_EQ(rlq_extend(queue_again("q"), &message.receipt, 12 * HOUR + 1), RLQ_EATTRIBUTE);
	queues_end();
}

CASE(after_a_second_receive_the_first_receipt_is_refused_and_the_new_holder_unharmed)
{
	begin();
	send_text(queue, "a");
	message = receive_one(queue);
	lease_ends_after(30000);
	again = receive_one(queue);
	CHECK_EQ(rlq_delete(queue, &message.receipt), RLQ_ESTALE);
	CHECK_EQ(rlq_extend(queue, &message.receipt, 0), RLQ_ESTALE);
	CHECK_EQ(rlq_extend(queue, &message.receipt, 40000), RLQ_ESTALE);
	CHECK_EQ(rlq_release(queue, &message.receipt, 0), RLQ_ESTALE);
	CHECK_EQ(rlq_release(queue, &message.receipt, 500), RLQ_ESTALE);
	CHECK_EQ(stat_of(queue).in_flight, 1);
	time_passes(29990);
	CHECK_EQ(receive_now(queue, &message, 1), 0);
	CHECK_EQ(rlq_delete(queue, &again.receipt), 0);
	queues_end();
}

CASE(a_lease_that_ran_out_still_lets_its_holder_delete_or_extend_until_the_next_receive)
{
	begin();
	send_text(queue, "a");
	message = receive_one(queue);
	lease_ends_after(30000);
	CHECK_EQ(stat_of(queue).in_flight, 1); /* nobody has looked yet */
	CHECK_EQ(rlq_extend(queue, &message.receipt, 5000), 0);
	CHECK_EQ(receive_now(queue, &again, 1), 0);
	lease_ends_after(5000);
	sweep_now(queue);
	CHECK_EQ(stat_of(queue).visible, 1);
	CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
	CHECK_EQ(receive_now(queue, &again, 1), 0);
	CHECK_EQ(stat_of(queue).deleted, 1);
	queues_end();
}

CASE(a_deleted_message_is_gone_and_a_second_delete_says_stale)
{
	begin();
	send_text(queue, "a");
	message = receive_one(queue);
	CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
	CHECK_EQ(rlq_delete(queue, &message.receipt), RLQ_ESTALE);
	CHECK_EQ(rlq_extend(queue, &message.receipt, 1000), RLQ_ESTALE);
	time_passes(100000);
	CHECK_EQ(receive_now(queue, &again, 1), 0);
	queues_end();
}

CASE(a_receipt_works_from_any_handle)
{
	begin();
	send_text(queue, "a");
	message = receive_one(queue);
	CHECK_EQ(rlq_extend(queue_again("q"), &message.receipt, 50000), 0);
	CHECK_EQ(rlq_delete(queue_again("q"), &message.receipt), 0);
	queues_end();
}

CASE(messages_in_flight_hold_nobody_up)
{
	begin();
	for (int i = 0; i < 500; i++) {
		send_text(queue, "old");
		receive_one(queue);
	}
	for (int i = 0; i < 2000; i++) {
		send_text(queue, "new");
		message = receive_one(queue);
		CHECK(body_is(&message, "new"));
		CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
	}
	CHECK_EQ(stat_of(queue).in_flight, 500);
	queues_end();
}

CASE(a_message_visible_again_comes_before_newer_ones)
{
	begin();
	send_text(queue, "old");
	message = receive_one(queue);
	for (int i = 0; i < 5; i++)
		send_text(queue, "new");
	CHECK_EQ(rlq_release(queue, &message.receipt, 0), 0);
	message = receive_one(queue);
	CHECK(body_is(&message, "old"));
	queues_end();
}

CASE(a_message_that_always_comes_back_starves_nobody_however_deep_the_queue)
{
	int newer = 0;

	begin();
	send_text(queue, "poison");
	for (int i = 0; i < 3000; i++)
		send_text(queue, "new");
	for (int i = 0; i < 8 * 3000 && newer < 3000; i++) {
		message = receive_one(queue);
		if (body_is(&message, "poison"))
			CHECK_EQ(rlq_release(queue, &message.receipt, 0), 0);
		else
			CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
		newer += body_is(&message, "new");
	}
	CHECK_EQ(newer, 3000);
	queues_end();
}

int main(int argc, char **argv)
{
	return cases_run(argc, argv);
}
