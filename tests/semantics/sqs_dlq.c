/* Dead-letter queues and retention. */
#include "tests/support/cases.h"
#include "tests/support/queue_fixture.h"

#include <string.h>

static struct rlq_queue *queue, *dlq;
static struct rlq_message message;

static void begin(uint32_t receives_max)
{
	queues_begin();
	queue = queue_with_dlq("q", receives_max, &dlq);
}

static void lease_ends(void)
{
	time_passes(1000 + LEASE_SLACK_MS);
}

CASE(a_message_moves_at_the_receive_after_the_last_and_others_are_returned_meanwhile)
{
	struct rlq_message messages[10];

	begin(3);
	send_text(queue, "poison");
	for (int i = 1; i <= 3; i++) {
		message = receive_one(queue);
		CHECK_EQ(message.receive_count, i);
		lease_ends();
		CHECK_EQ(stat_of(dlq).visible, 0); /* not when the lease ends */
	}
	send_text(queue, "good");
	sweep_now(queue); /* somebody has seen that the lease has ended */
	CHECK_EQ(receive_now(queue, messages, 10), 1);
	CHECK(body_is(&messages[0], "good"));
	CHECK_EQ(stat_of(dlq).visible, 1);
	CHECK_EQ(stat_of(queue).in_flight, 1);
	queues_end();
}

CASE(the_receive_count_goes_on_in_the_dlq)
{
	begin(1);
	send_text(queue, "poison");
	receive_one(queue);
	lease_ends();
	CHECK_EQ(receive_now(queue, &message, 1), 0);
	message = receive_one(dlq);
	CHECK_EQ(message.receive_count, 2);
	CHECK_TEXT(message.dlq_source, "q");
	queues_end();
}

CASE(the_dlqs_own_delay_does_not_apply)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	begin(1);
	attributes.delay_ms = 60000;
	CHECK_EQ(rlq_queue_set_attributes(dlq, &attributes), 0);
	send_text(queue, "poison");
	receive_one(queue);
	lease_ends();
	CHECK_EQ(receive_now(queue, &message, 1), 0);
	CHECK_EQ(stat_of(dlq).visible, 1);
	queues_end();
}

CASE(the_last_holder_may_delete_until_the_message_is_moved_and_not_after)
{
	struct rlq_message second;

	begin(1);
	send_text(queue, "one");
	send_text(queue, "two");
	message = receive_one(queue);
	message.body = NULL;
	second = receive_one(queue);
	lease_ends();
	CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
	CHECK_EQ(receive_now(queue, &message, 1), 0);
	CHECK_EQ(rlq_delete(queue, &second.receipt), RLQ_ESTALE);
	CHECK_EQ(stat_of(dlq).visible, 1);
	queues_end();
}

CASE(a_raised_number_of_receives_gives_a_message_more_tries)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	begin(1);
	send_text(queue, "a");
	receive_one(queue);
	lease_ends();
	CHECK_EQ(rlq_queue_get_attributes(queue, &attributes), 0);
	attributes.receives_max = 2;
	CHECK_EQ(rlq_queue_set_attributes(queue, &attributes), 0);
	message = receive_one(queue);
	CHECK_EQ(message.receive_count, 2);
	lease_ends();
	CHECK_EQ(receive_now(queue, &message, 1), 0);
	CHECK_EQ(stat_of(dlq).visible, 1);
	queues_end();
}

CASE(a_message_received_with_visibility_0_moves_too)
{
	begin(2);
	send_text(queue, "poison");
	CHECK_EQ(receive_for(queue, &message, 0), 1);
	CHECK_EQ(receive_for(queue, &message, 0), 1);
	CHECK_EQ(receive_for(queue, &message, 0), 0);
	CHECK_EQ(stat_of(dlq).visible, 1);
	queues_end();
}

CASE(a_used_up_message_that_nobody_receives_moves_after_the_grace)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	begin(1);
	CHECK_EQ(rlq_queue_get_attributes(queue, &attributes), 0);
	attributes.overdue_ms = 7000;
	CHECK_EQ(rlq_queue_set_attributes(queue, &attributes), 0);
	send_text(queue, "poison");
	receive_one(queue);
	lease_ends();
	sweep_now(queue);
	time_passes(6999);
	sweep_now(queue);
	CHECK_EQ(stat_of(dlq).visible, 0);
	time_passes(LEASE_SLACK_MS);
	sweep_now(queue);
	CHECK_EQ(stat_of(dlq).visible, 1);
	queues_end();
}

CASE(a_queue_whose_dlq_is_gone_can_be_changed)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	begin(3);
	CHECK_EQ(rlq_queue_remove(queues_directory(), "dlq"), 0);
	CHECK_EQ(rlq_queue_get_attributes(queue, &attributes), 0);
	attributes.visibility_ms = 2000;
	CHECK_EQ(rlq_queue_set_attributes(queue, &attributes), 0);
	strcpy(attributes.dlq, "none");
	CHECK_EQ(rlq_queue_set_attributes(queue, &attributes), RLQ_ENODLQ);
	queues_end();
}

/* ---- redrive ---------------------------------------------------------------------------------- */

/* Sent with one attribute, received `receives` times, moved to the DLQ; what it was at the last one. */
static struct rlq_message use_up_one_with_attribute(const char *text, uint32_t receives)
{
	struct rlq_attribute attribute = {
		.name = "color", .type = RLQ_STRING, .type_label = "hue", .value = "red", .value_bytes = 3};
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_message sent = {0};

	options.attributes = &attribute;
	options.attribute_count = 1;
	CHECK_EQ(rlq_send(queue, text, strlen(text), &options, NULL), 0);
	for (uint32_t i = 0; i < receives; i++) {
		sent = receive_one(queue);
		lease_ends();
	}
	CHECK_EQ(receive_now(queue, &message, 1), 0);
	CHECK_EQ(stat_of(dlq).visible, 1);
	return sent;
}

static void redrive_one(void)
{
	uint64_t moved = 0;

	CHECK_EQ(rlq_redrive(dlq, NULL, 0, &moved), 0);
	CHECK_EQ(moved, 1);
}

CASE(a_redrive_keeps_id_body_attributes_and_sender)
{
	struct rlq_message sent;

	begin(1);
	sent = use_up_one_with_attribute("poison", 1);
	redrive_one();
	message = receive_one(queue);
	CHECK(message.id.word[0] == sent.id.word[0] && message.id.word[1] == sent.id.word[1]);
	CHECK(body_is(&message, "poison"));
	CHECK_EQ(message.sender, sent.sender);
	CHECK_EQ(message.attribute_count, 1);
	CHECK_TEXT(message.attributes[0].name, "color");
	CHECK_TEXT(message.attributes[0].type_label, "hue");
	CHECK_EQ(message.attributes[0].type, RLQ_STRING);
	CHECK_EQ(message.attributes[0].value_bytes, 3);
	CHECK(memcmp(message.attributes[0].value, "red", 3) == 0);
	queues_end();
}

CASE(a_redrive_begins_sent_time_first_receive_and_count_anew)
{
	struct rlq_message sent;
	uint64_t redriven_ms;

	begin(2);
	sent = use_up_one_with_attribute("poison", 2);
	time_passes(60000);
	message = receive_one(dlq);
	CHECK_EQ(message.sent_ms, sent.sent_ms);
	CHECK_EQ(message.first_receive_ms, sent.first_receive_ms);
	CHECK_EQ(rlq_release(dlq, &message.receipt, 0), 0);
	redriven_ms = wall_now();
	redrive_one();
	time_passes(500);
	message = receive_one(queue);
	CHECK_EQ(message.sent_ms, redriven_ms);
	CHECK_EQ(message.first_receive_ms, redriven_ms + 500);
	CHECK_EQ(message.receive_count, 1);
	/* All its tries are before it again. */
	lease_ends();
	message = receive_one(queue);
	CHECK_EQ(message.receive_count, 2);
	lease_ends();
	CHECK_EQ(receive_now(queue, &message, 1), 0);
	message = receive_one(dlq);
	CHECK_EQ(message.receive_count, 3);
	queues_end();
}

CASE(retention_begins_anew_with_a_redrive)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	begin(1);
	CHECK_EQ(rlq_queue_get_attributes(queue, &attributes), 0);
	attributes.retention_ms = RLQ_RETENTION_MIN_MS;
	CHECK_EQ(rlq_queue_set_attributes(queue, &attributes), 0);
	use_up_one_with_attribute("poison", 1);
	time_passes(RLQ_RETENTION_MIN_MS);
	redrive_one();
	time_passes(RLQ_RETENTION_MIN_MS - 1);
	sweep_now(queue);
	CHECK_EQ(stat_of(queue).visible, 1);
	time_passes(2);
	sweep_now(queue);
	CHECK_EQ(stat_of(queue).visible, 0);
	queues_end();
}

/* ---- chains, retention ------------------------------------------------------------------------ */

CASE(a_message_goes_from_dlq_to_dlq_and_names_the_last_queue)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *last;

	begin(1);
	last = queue_make("last", NULL);
	CHECK_EQ(rlq_queue_get_attributes(dlq, &attributes), 0);
	attributes.receives_max = 2;
	attributes.visibility_ms = 1000;
	strcpy(attributes.dlq, "last");
	CHECK_EQ(rlq_queue_set_attributes(dlq, &attributes), 0);
	send_text(queue, "poison");
	receive_one(queue);
	lease_ends();
	CHECK_EQ(receive_now(queue, &message, 1), 0);
	message = receive_one(dlq);
	CHECK_EQ(message.receive_count, 2);
	lease_ends();
	CHECK_EQ(receive_now(dlq, &message, 1), 0);
	message = receive_one(last);
	CHECK_TEXT(message.dlq_source, "dlq");
	queues_end();
}

/* ---- retention -------------------------------------------------------------------------------- */

CASE(retention_counts_from_the_original_send_also_in_flight_and_in_the_dlq)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	begin(1);
	attributes.retention_ms = RLQ_RETENTION_MIN_MS;
	CHECK_EQ(rlq_queue_set_attributes(dlq, &attributes), 0);
	send_text(queue, "a");
	receive_one(queue);
	time_passes(50000);
	CHECK_EQ(receive_now(queue, &message, 1), 0);
	CHECK_EQ(stat_of(dlq).visible, 1);
	time_passes(10000);
	CHECK_EQ(receive_now(dlq, &message, 1), 0);
	CHECK_EQ(stat_of(dlq).expired, 1);
	queues_end();
}

CASE(an_expired_message_is_not_received_even_before_anybody_swept)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	queues_begin();
	attributes.retention_ms = RLQ_RETENTION_MIN_MS;
	queue = queue_make("q", &attributes);
	send_text(queue, "old");
	time_passes(RLQ_RETENTION_MIN_MS - 1);
	send_text(queue, "new");
	time_passes(1);
	CHECK_TEXT(drain(queue), "new");
	queues_end();
}

CASE(an_expired_message_is_not_redriven)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *elsewhere;
	uint64_t moved = 9;

	queues_begin();
	elsewhere = queue_make("elsewhere", NULL);
	attributes.retention_ms = RLQ_RETENTION_MIN_MS;
	queue = queue_make("q", &attributes);
	send_text(queue, "old");
	time_passes(RLQ_RETENTION_MIN_MS - 1);
	send_text(queue, "new");
	time_passes(1);
	CHECK_EQ(rlq_redrive(queue, "elsewhere", 0, &moved), 0);
	CHECK_EQ(moved, 1);
	CHECK_TEXT(drain(elsewhere), "new");
	queues_end();
}

CASE(lowering_the_retention_expires_older_messages)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	queues_begin();
	queue = queue_make("q", NULL);
	send_text(queue, "old");
	time_passes(100000);
	send_text(queue, "new");
	attributes.retention_ms = RLQ_RETENTION_MIN_MS;
	CHECK_EQ(rlq_queue_set_attributes(queue, &attributes), 0);
	time_passes(SWEEP_MS);
	CHECK_TEXT(drain(queue), "new");
	CHECK_EQ(stat_of(queue).expired, 1);
	queues_end();
}

CASE(a_holder_cannot_keep_a_message_over_its_retention)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	queues_begin();
	attributes.retention_ms = RLQ_RETENTION_MIN_MS;
	queue = queue_make("q", &attributes);
	send_text(queue, "a");
	CHECK_EQ(receive_for(queue, &message, 3600000), 1);
	time_passes(RLQ_RETENTION_MIN_MS);
	sweep_now(queue);
	CHECK_EQ(stat_of(queue).in_flight, 0);
	CHECK_EQ(rlq_delete(queue, &message.receipt), RLQ_ESTALE);
	queues_end();
}

int main(int argc, char **argv)
{
	return cases_run(argc, argv);
}
