/* Batches, messages written and read in place. */
#include "client/internal.h"
#include "tests/support/cases.h"
#include "tests/support/queue_fixture.h"

#include <string.h>

static struct rlq_queue *queue;
static struct rlq_message message;

static void begin(void)
{
	queues_begin();
	queue = queue_make("q", NULL);
}

static struct rlq_send_entry entry_of(const char *text)
{
	return (struct rlq_send_entry){.body = text, .body_bytes = strlen(text), .delay_ms = RLQ_DEFAULT};
}

/* ---- batches ---------------------------------------------------------------------------------- */

CASE(a_batch_is_sent_in_order_and_received_in_one_call)
{
	struct rlq_send_entry entries[RLQ_BATCH_MAX];
	struct rlq_message_id ids[RLQ_BATCH_MAX];
	static struct rlq_message messages[RLQ_BATCH_MAX];
	static struct rlq_receipt receipts[RLQ_BATCH_MAX];
	static int results[RLQ_BATCH_MAX];

	begin();
	for (int i = 0; i < RLQ_BATCH_MAX; i++)
		entries[i] = entry_of("x");
	CHECK_EQ(rlq_send_batch(queue, entries, RLQ_BATCH_MAX, NULL, ids), RLQ_BATCH_MAX);
	CHECK_EQ(receive_now(queue, messages, RLQ_BATCH_MAX), RLQ_BATCH_MAX);
	for (int i = 0; i < RLQ_BATCH_MAX; i++) {
		CHECK(memcmp(&messages[i].id, &ids[i], sizeof(ids[i])) == 0);
		CHECK(body_is(&messages[i], "x"));
		receipts[i] = messages[i].receipt;
	}
	receipts[5] = receipts[4];
	CHECK_EQ(rlq_delete_batch(queue, receipts, RLQ_BATCH_MAX, results), RLQ_BATCH_MAX - 1);
	CHECK_EQ(results[4], 0);
	CHECK_EQ(results[5], RLQ_ESTALE);
	CHECK_EQ(rlq_delete_batch(queue, receipts, 10, NULL), 0);
	CHECK_EQ(stat_of(queue).in_flight, 1);
	queues_end();
}

CASE(batches_of_no_or_too_many_messages_are_refused)
{
	struct rlq_send_entry entry = entry_of("x");
	struct rlq_receipt receipt = {{0}};

	begin();
	CHECK_EQ(rlq_send_batch(queue, &entry, 0, NULL, NULL), RLQ_EATTRIBUTE);
	CHECK_EQ(rlq_send_batch(queue, &entry, RLQ_BATCH_MAX + 1, NULL, NULL), RLQ_EATTRIBUTE);
	CHECK_EQ(rlq_delete_batch(queue, &receipt, 0, NULL), RLQ_EATTRIBUTE);
	CHECK_EQ(rlq_delete_batch(queue, &receipt, RLQ_BATCH_MAX + 1, NULL), RLQ_EATTRIBUTE);
	CHECK_EQ(receive_now(queue, &message, 0), RLQ_EATTRIBUTE);
	CHECK_EQ(receive_now(queue, &message, RLQ_BATCH_MAX + 1), RLQ_EATTRIBUTE);
	queues_end();
}

CASE(of_a_batch_that_finds_room_for_a_part_that_part_is_sent)
{
	struct rlq_send_entry entries[10];

	queues_begin();
	queue = queue_of("q", 7);
	for (int i = 0; i < 10; i++)
		entries[i] = entry_of("x");
	CHECK_EQ(rlq_send_batch(queue, entries, 10, NULL, NULL), 7);
	CHECK_EQ(rlq_send_batch(queue, entries, 10, NULL, NULL), RLQ_EFULL);
	message = receive_one(queue);
	CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
	CHECK_EQ(rlq_send_batch(queue, entries, 10, NULL, NULL), 1);
	queues_end();
}

CASE(a_batch_stops_at_an_entry_that_is_refused)
{
	struct rlq_send_entry entries[3] = {entry_of("a"), entry_of("b"), entry_of("c")};

	begin();
	entries[1].delay_ms = -3;
	CHECK_EQ(rlq_send_batch(queue, entries, 3, NULL, NULL), 1);
	CHECK_EQ(rlq_send_batch(queue, entries + 1, 2, NULL, NULL), RLQ_EATTRIBUTE);
	CHECK_EQ(stat_of(queue).visible, 1);
	queues_end();
}

CASE(each_entry_of_a_batch_has_its_own_delay_and_attributes)
{
	struct rlq_attribute attribute = {.name = "n", .type = RLQ_STRING, .value = "v", .value_bytes = 1};
	struct rlq_send_entry entries[2] = {entry_of("now"), entry_of("late")};

	begin();
	entries[0].attributes = &attribute;
	entries[0].attribute_count = 1;
	entries[1].delay_ms = 1000;
	CHECK_EQ(rlq_send_batch(queue, entries, 2, NULL, NULL), 2);
	message = receive_one(queue);
	CHECK(body_is(&message, "now"));
	CHECK_EQ(message.attribute_count, 1);
	CHECK_EQ(receive_now(queue, &message, 1), 0);
	time_passes(1000 + LEASE_SLACK_MS);
	message = receive_one(queue);
	CHECK(body_is(&message, "late"));
	CHECK_EQ(message.attribute_count, 0);
	queues_end();
}

/* ---- written in place ------------------------------------------------------------------------- */

CASE(a_reservation_is_invisible_until_it_is_published)
{
	static const size_t sizes[] = {0, 10, 64, 65, 5000, 1 << 20};
	struct rlq_reservation reservation;

	begin();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		CHECK_EQ(rlq_reserve(queue, sizes[i], NULL, &reservation), 0);
		CHECK_EQ(reservation.body_bytes, sizes[i]);
		memset(reservation.body, 'r', sizes[i]);
		CHECK_EQ(receive_now(queue, &message, 1), 0);
		CHECK_EQ(stat_of(queue).visible, 0);
		CHECK_EQ(rlq_publish(queue, &reservation, NULL), 0);
		message = receive_one(queue);
		CHECK_EQ(message.body_bytes, sizes[i]);
		CHECK(sizes[i] == 0 || ((const char *)message.body)[sizes[i] - 1] == 'r');
		CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
	}
	queues_end();
}

CASE(others_pass_a_reservation_however_long_it_is_held)
{
	struct rlq_reservation reservation;

	begin();
	CHECK_EQ(rlq_reserve(queue, 1, NULL, &reservation), 0);
	for (int i = 0; i < 5000; i++) {
		send_text(queue, "x");
		message = receive_one(queue);
		CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
	}
	time_passes(3600000);
	sweep_now(queue);
	*(char *)reservation.body = 'r';
	CHECK_EQ(rlq_publish(queue, &reservation, NULL), 0);
	CHECK_TEXT(drain(queue), "r");
	queues_end();
}

CASE(a_reservation_can_be_used_once)
{
	struct rlq_reservation reservation, copy;

	begin();
	CHECK_EQ(rlq_reserve(queue, 1000, NULL, &reservation), 0);
	copy = reservation;
	CHECK_EQ(rlq_abandon(queue, &reservation), 0);
	CHECK_EQ(rlq_publish(queue, &reservation, NULL), RLQ_ERECEIPT);
	CHECK(rlq_publish(queue, &copy, NULL) < 0);
	CHECK(rlq_abandon(queue, &copy) < 0);
	CHECK_EQ(rlq_reserve(queue_again("q"), 1, NULL, &copy), 0);
	CHECK_EQ(rlq_publish(queue, &copy, NULL), RLQ_ERECEIPT); /* of another handle */
	CHECK_EQ(stat_of(queue).visible, 0);
	CHECK_EQ(faults_of("q"), 0);
	queues_end();
}

CASE(a_reservation_keeps_its_delay_and_attributes)
{
	struct rlq_attribute attribute = {.name = "n", .type = RLQ_STRING, .value = "v", .value_bytes = 1};
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_reservation reservation;

	begin();
	options.delay_ms = 500;
	options.attributes = &attribute;
	options.attribute_count = 1;
	CHECK_EQ(rlq_reserve(queue, 2, &options, &reservation), 0);
	memcpy(reservation.body, "hi", 2);
	CHECK_EQ(rlq_publish(queue, &reservation, NULL), 0);
	CHECK_EQ(stat_of(queue).delayed, 1);
	time_passes(500 + LEASE_SLACK_MS);
	message = receive_one(queue);
	CHECK(body_is(&message, "hi"));
	CHECK_TEXT(message.attributes[0].name, "n");
	queues_end();
}

/* ---- read in place ---------------------------------------------------------------------------- */

static bool every_slot_is_free(void)
{
	const struct ring *ring = &queue->seg->ring[0];

	for (uint32_t i = 0; i <= ring->mask; i++)
		if (word_state(slot_read(&ring->slots[i])) != SLOT_FREE)
			return false;
	return true;
}

CASE(a_body_read_in_place_stays_until_it_is_let_go_even_when_it_is_deleted)
{
	static char body[100000], other[100000];

	begin();
	memset(body, 'b', sizeof(body));
	CHECK_EQ(rlq_send(queue, body, sizeof(body), NULL, NULL), 0);
	CHECK_EQ(receive_in_place(queue, &message), 1);
	CHECK(message.in_place);
	/* Another handle deletes it; others send into what would be free. */
	CHECK_EQ(rlq_delete(queue_again("q"), &message.receipt), 0);
	memset(other, 'o', sizeof(other));
	for (int i = 0; i < 20; i++)
		CHECK_EQ(rlq_send(queue, other, sizeof(other), NULL, NULL), 0);
	sweep_now(queue);
	CHECK(memcmp(message.body, body, sizeof(body)) == 0);
	CHECK_EQ(rlq_let_go(queue, &message), 0);
	CHECK_EQ(rlq_purge(queue, NULL), 0);
	sweep_now(queue);
	CHECK_EQ(faults_of("q"), 0);
	queues_end();
}

CASE(letting_go_does_not_end_the_lease)
{
	begin();
	send_text(queue, "a");
	CHECK_EQ(receive_in_place(queue, &message), 1);
	CHECK_EQ(rlq_let_go(queue, &message), 0);
	CHECK_EQ(stat_of(queue).in_flight, 1);
	CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
	queues_end();
}

CASE(one_handle_holds_16_messages_in_place_and_no_more)
{
	struct rlq_message held[RLQ_HOLDS_MAX];

	begin();
	for (int i = 0; i <= RLQ_HOLDS_MAX; i++)
		send_text(queue, "a");
	for (int i = 0; i < RLQ_HOLDS_MAX; i++)
		CHECK_EQ(receive_in_place(queue, &held[i]), 1);
	CHECK_EQ(receive_in_place(queue, &message), RLQ_EHOLDS);
	CHECK_EQ(stat_of(queue).visible, 1);
	message = receive_one(queue); /* a copy can still be had */
	CHECK_EQ(rlq_release(queue, &message.receipt, 0), 0);
	CHECK_EQ(rlq_let_go(queue, &held[3]), 0);
	CHECK_EQ(receive_in_place(queue, &message), 1);
	CHECK_EQ(receive_in_place(queue, &held[3]), RLQ_EHOLDS);
	for (int i = 0; i < RLQ_HOLDS_MAX; i++)
		if (i != 3)
			CHECK_EQ(rlq_delete(queue, &held[i].receipt), 0);
	CHECK_EQ(receive_in_place(queue, &message), 0);
	queues_end();
}

/* Both have `message` in place: the lease of `first` has ended. */
static void receive_twice_in_place(struct rlq_queue *first, struct rlq_queue *second, struct rlq_message *ret_first)
{
	send_text(queue, "a");
	CHECK_EQ(receive_in_place(first, ret_first), 1);
	time_passes(30000 + LEASE_SLACK_MS);
	CHECK_EQ(receive_in_place(second, &message), 1);
}

CASE(a_delete_ends_the_reading_of_its_handle_also_when_others_have_read_in_place)
{
	struct rlq_queue *other;
	struct rlq_message first;

	begin();
	other = queue_again("q");
	for (int i = 0; i < 2 * RLQ_HOLDS_MAX; i++) {
		receive_twice_in_place(queue, other, &first);
		CHECK_EQ(rlq_delete(other, &message.receipt), 0);
		/* Too late, and done with it. */
		CHECK_EQ(rlq_delete(queue, &first.receipt), RLQ_ESTALE);
	}
	CHECK(every_slot_is_free());
	queues_end();
}

CASE(a_release_ends_the_reading_of_its_handle)
{
	begin();
	for (int i = 0; i < 2 * RLQ_HOLDS_MAX; i++) {
		send_text(queue, "a");
		CHECK_EQ(receive_in_place(queue, &message), 1);
		CHECK_EQ(rlq_release(queue, &message.receipt, i % 2 ? 5000 : 0), 0);
		CHECK_EQ(rlq_purge(queue, NULL), 0);
	}
	CHECK(every_slot_is_free());
	queues_end();
}

CASE(a_handle_that_reads_a_message_twice_ends_each_reading_by_itself)
{
	static char body[1000];
	struct rlq_message first;

	begin();
	CHECK_EQ(rlq_send(queue, body, sizeof(body), NULL, NULL), 0);
	CHECK_EQ(receive_in_place(queue, &first), 1);
	time_passes(30000 + LEASE_SLACK_MS);
	CHECK_EQ(receive_in_place(queue, &message), 1);
	CHECK_EQ(rlq_let_go(queue, &first), 0);
	CHECK_EQ(rlq_delete(queue_again("q"), &message.receipt), 0);
	CHECK(!every_slot_is_free());
	CHECK_EQ(rlq_let_go(queue, &message), 0);
	CHECK(every_slot_is_free());
	queues_end();
}

static void hold_one(void *context)
{
	struct rlq_directory *directory;
	struct rlq_queue *mine;

	(void)context;
	CHECK_EQ(rlq_directory_open(queues_path(), &directory), 0);
	CHECK_EQ(rlq_queue_open(directory, "q", &mine), 0);
	CHECK_EQ(receive_in_place(mine, &message), 1);
}

CASE(what_the_dead_held_in_place_is_freed)
{
	begin();
	send_text(queue, "a");
	die_doing(hold_one, NULL);
	CHECK_EQ(rlq_purge(queue, NULL), 0);
	sweep_now(queue);
	for (int i = 0; i < 2000; i++) {
		send_text(queue, "b");
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
