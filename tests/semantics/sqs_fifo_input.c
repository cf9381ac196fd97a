/* FIFO queues: names, attributes, ids. What is needed, what is refused, what is kept. */
#include "tests/support/cases.h"
#include "tests/support/queue_fixture.h"

#include <string.h>

static struct rlq_queue *queue, *standard;
static struct rlq_message message;

static void begin(bool content_dedup)
{
	queues_begin();
	queue = fifo_make("q.fifo", NULL, content_dedup);
	standard = queue_make("standard", NULL);
}

static int send_ids(struct rlq_queue *to, const char *body, const char *group, const char *dedup_id)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;

	options.group = group;
	options.dedup_id = dedup_id;
	return rlq_send(to, body, strlen(body), &options, NULL);
}

static int create(const char *name, const struct rlq_queue_attributes *attributes)
{
	return rlq_queue_create(queues_directory(), name, attributes);
}

static uint64_t visible(struct rlq_queue *of)
{
	return stat_of(of).visible;
}

/* ---- queues ----------------------------------------------------------------------------------- */

CASE(names_of_fifo_queues_end_in_dot_fifo_and_no_others_do)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	char name[RLQ_NAME_MAX + 2];

	begin(false);
	CHECK_EQ(create("other.fifo", NULL), RLQ_ENAME);
	CHECK_EQ(create("other.fifo", &attributes), RLQ_ENAME);
	attributes.type = RLQ_FIFO;
	CHECK_EQ(create("other", &attributes), RLQ_ENAME);
	CHECK_EQ(create(".fifo", &attributes), RLQ_ENAME);
	CHECK_EQ(create("a.b.fifo", &attributes), RLQ_ENAME);
	memset(name, 'q', sizeof(name));
	strcpy(name + RLQ_NAME_MAX - 4, ".fifo");
	CHECK_EQ(create(name, &attributes), RLQ_ENAME); /* the suffix counts among the 80 */
	attributes.type = RLQ_FIFO + 1;
	CHECK_EQ(create("other.fifo", &attributes), RLQ_EATTRIBUTE);
	queues_end();
}

CASE(the_type_and_the_number_of_ids_are_fixed_at_creation)
{
	struct rlq_queue_attributes have = RLQ_QUEUE_ATTRIBUTES_INIT, wanted;

	begin(false);
	CHECK_EQ(rlq_queue_get_attributes(queue, &have), 0);
	CHECK_EQ(have.type, RLQ_FIFO);
	wanted = have;
	wanted.dedup_max++;
	CHECK_EQ(rlq_queue_set_attributes(queue, &wanted), RLQ_EATTRIBUTE);
	CHECK_EQ(rlq_queue_get_attributes(standard, &have), 0);
	CHECK_EQ(have.type, RLQ_STANDARD);
	wanted = have;
	wanted.type = RLQ_FIFO;
	CHECK_EQ(rlq_queue_set_attributes(standard, &wanted), RLQ_EATTRIBUTE);
	queues_end();
}

CASE(deduplication_by_content_scope_and_window_can_be_changed)
{
	struct rlq_queue_attributes have = RLQ_QUEUE_ATTRIBUTES_INIT, wanted;

	begin(false);
	CHECK_EQ(rlq_queue_get_attributes(queue, &have), 0);
	CHECK(!have.content_dedup);
	CHECK_EQ(have.dedup_scope, RLQ_DEDUP_QUEUE);
	CHECK_EQ(have.dedup_window_ms, 5 * 60 * 1000);
	wanted = have;
	wanted.content_dedup = true;
	wanted.dedup_scope = RLQ_DEDUP_GROUP;
	wanted.dedup_window_ms = RLQ_DEDUP_WINDOW_MIN_MS;
	CHECK_EQ(rlq_queue_set_attributes(queue, &wanted), 0);
	CHECK_EQ(rlq_queue_get_attributes(queue, &have), 0);
	CHECK(have.content_dedup);
	CHECK_EQ(have.dedup_scope, RLQ_DEDUP_GROUP);
	CHECK_EQ(have.dedup_window_ms, RLQ_DEDUP_WINDOW_MIN_MS);
	CHECK_EQ(send_ids(queue, "body", "g", NULL), 0);
	queues_end();
}

CASE(values_out_of_range_are_refused)
{
	struct rlq_queue_attributes good = RLQ_QUEUE_ATTRIBUTES_INIT, bad;

	begin(false);
	CHECK_EQ(rlq_queue_get_attributes(queue, &good), 0);
	bad = good;
	bad.dedup_window_ms = RLQ_DEDUP_WINDOW_MIN_MS - 1;
	CHECK_EQ(rlq_queue_set_attributes(queue, &bad), RLQ_EATTRIBUTE);
	bad.dedup_window_ms = RLQ_DEDUP_WINDOW_MAX_MS + 1;
	CHECK_EQ(rlq_queue_set_attributes(queue, &bad), RLQ_EATTRIBUTE);
	bad = good;
	bad.dedup_scope = RLQ_DEDUP_GROUP + 1;
	CHECK_EQ(rlq_queue_set_attributes(queue, &bad), RLQ_EATTRIBUTE);
	bad = good;
	bad.dedup_max = 0;
	CHECK_EQ(create("other.fifo", &bad), RLQ_EATTRIBUTE);
	bad.dedup_max = RLQ_DEDUP_MAX + 1;
	CHECK_EQ(create("other.fifo", &bad), RLQ_EATTRIBUTE);
	queues_end();
}

CASE(deduplication_attributes_are_refused_on_standard_queues)
{
	const struct rlq_queue_attributes defaults = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue_attributes wrong[4] = {defaults, defaults, defaults, defaults};

	begin(false);
	wrong[0].content_dedup = true;
	wrong[1].dedup_scope = RLQ_DEDUP_GROUP;
	wrong[2].dedup_window_ms++;
	wrong[3].dedup_max++;
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(create("other", &wrong[i]), RLQ_ENOTFIFO);
		CHECK_EQ(rlq_queue_set_attributes(standard, &wrong[i]), RLQ_ENOTFIFO);
	}
	queues_end();
}

CASE(a_dlq_is_of_the_type_of_its_queue)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	uint64_t moved;

	begin(false);
	attributes.receives_max = 1;
	strcpy(attributes.dlq, "q.fifo");
	CHECK_EQ(create("other", &attributes), RLQ_ETYPE);
	CHECK_EQ(rlq_queue_set_attributes(standard, &attributes), RLQ_ETYPE);
	CHECK_EQ(rlq_queue_get_attributes(queue, &attributes), 0);
	attributes.receives_max = 1;
	strcpy(attributes.dlq, "standard");
	CHECK_EQ(rlq_queue_set_attributes(queue, &attributes), RLQ_ETYPE);
	/* Nor is anything redriven to the other type. */
	CHECK_EQ(send_ids(queue, "body", "g", "id"), 0);
	send_text(standard, "body");
	CHECK_EQ(rlq_redrive(queue, "standard", 0, &moved), RLQ_ETYPE);
	CHECK_EQ(rlq_redrive(standard, "q.fifo", 0, &moved), RLQ_ETYPE);
	CHECK_EQ(visible(queue) + visible(standard), 2);
	queues_end();
}

/* ---- messages --------------------------------------------------------------------------------- */

CASE(a_message_to_a_fifo_queue_needs_a_group)
{
	begin(true);
	CHECK_EQ(send_ids(queue, "body", NULL, "id"), RLQ_ENOGROUP);
	CHECK_EQ(rlq_send(queue, "body", 4, NULL, NULL), RLQ_ENOGROUP);
	CHECK_EQ(visible(queue), 0);
	queues_end();
}

CASE(a_deduplication_id_is_needed_unless_it_is_made_of_the_body)
{
	struct rlq_reservation reservation;
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;

	begin(false);
	CHECK_EQ(send_ids(queue, "body", "g", NULL), RLQ_ENODEDUP);
	options.group = "g";
	CHECK_EQ(rlq_reserve(queue, 4, &options, &reservation), RLQ_ENODEDUP);
	CHECK_EQ(send_ids(queue, "body", "g", "id"), 0);
	CHECK_EQ(visible(queue), 1);
	queues_end();
}

/* What may be an id, tried as each of the two. */
static void expect_id(const char *id, bool is_good)
{
	CHECK_EQ(send_ids(queue, "body", id, id), is_good ? 0 : RLQ_EGROUPID);
	CHECK_EQ(send_ids(queue, "body", "g", id), is_good ? 0 : RLQ_EDEDUPID);
}

CASE(ids_are_1_to_128_letters_digits_and_punctuation_marks)
{
	char longest[RLQ_ID_MAX + 2];

	begin(false);
	expect_id("a", true);
	expect_id("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", true);
	memset(longest, 'x', sizeof(longest));
	longest[RLQ_ID_MAX] = '\0';
	expect_id(longest, true);
	longest[RLQ_ID_MAX] = 'x';
	longest[RLQ_ID_MAX + 1] = '\0';
	expect_id(longest, false);
	expect_id("", false);
	expect_id("group 1", false);
	expect_id("tab\t", false);
	expect_id("gr\xc3\xbcn", false);
	expect_id("\x7f", false);
	queues_end();
}

/* Known answers of SHA-256, for no bytes and for "abc". */
CASE(the_id_made_of_the_body_is_its_sha256_and_attributes_do_not_count)
{
	struct rlq_attribute attribute = {.name = "n", .type = RLQ_STRING, .value = "v", .value_bytes = 1};
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;

	begin(true);
	CHECK_EQ(send_ids(queue, "", "1", NULL), 0);
	message = receive_one(queue);
	CHECK_TEXT(message.dedup_id, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	options.group = "2";
	options.attributes = &attribute;
	options.attribute_count = 1;
	CHECK_EQ(rlq_send(queue, "abc", 3, &options, NULL), 0);
	message = receive_one(queue);
	CHECK_TEXT(message.dedup_id, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	queues_end();
}

CASE(an_explicit_id_overrides_that_of_the_body)
{
	begin(true);
	CHECK_EQ(send_ids(queue, "abc", "g", "mine"), 0);
	message = receive_one(queue);
	CHECK_TEXT(message.dedup_id, "mine");
	queues_end();
}

CASE(an_id_that_is_missing_in_one_entry_refuses_the_whole_batch)
{
	struct rlq_send_entry entries[] = {
		{.body = "1", .body_bytes = 1, .delay_ms = RLQ_DEFAULT, .group = "1", .dedup_id = "1"},
		{.body = "2", .body_bytes = 1, .delay_ms = RLQ_DEFAULT, .group = "2"},
	};

	begin(false);
	CHECK_EQ(rlq_send_batch(queue, entries, 2, NULL, NULL), RLQ_ENODEDUP);
	entries[1].dedup_id = "2";
	entries[1].group = NULL;
	CHECK_EQ(rlq_send_batch(queue, entries, 2, NULL, NULL), RLQ_ENOGROUP);
	CHECK_EQ(visible(queue), 0);
	entries[1].group = "2";
	CHECK_EQ(rlq_send_batch(queue, entries, 2, NULL, NULL), 2);
	queues_end();
}

CASE(a_message_of_a_fifo_queue_has_no_delay_of_its_own)
{
	struct rlq_send_entry entries[] = {
		{.body = "1", .body_bytes = 1, .delay_ms = RLQ_DEFAULT, .group = "1", .dedup_id = "1"},
		{.body = "2", .body_bytes = 1, .delay_ms = 1, .group = "2", .dedup_id = "2"},
	};
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;

	begin(true);
	options.group = "g";
	options.delay_ms = 1;
	CHECK_EQ(rlq_send(queue, "body", 4, &options, NULL), RLQ_EDELAY);
	options.delay_ms = -2;
	CHECK_EQ(rlq_send(queue, "body", 4, &options, NULL), RLQ_EDELAY);
	CHECK_EQ(rlq_send_batch(queue, entries, 2, NULL, NULL), 1); /* it alone is refused */
	CHECK_EQ(rlq_send_batch(queue, entries + 1, 1, NULL, NULL), RLQ_EDELAY);
	queues_end();
}

CASE(a_delay_of_0_does_not_override_that_of_the_queue)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;

	begin(true);
	CHECK_EQ(rlq_queue_get_attributes(queue, &attributes), 0);
	attributes.delay_ms = 60000;
	CHECK_EQ(rlq_queue_set_attributes(queue, &attributes), 0);
	options.group = "g";
	options.delay_ms = 0;
	CHECK_EQ(rlq_send(queue, "body", 4, &options, NULL), 0);
	CHECK_EQ(stat_of(queue).delayed, 1);
	queues_end();
}

CASE(a_deduplication_id_is_refused_on_standard_queues)
{
	begin(false);
	CHECK_EQ(send_ids(standard, "body", NULL, "id"), RLQ_ENOTFIFO);
	CHECK_EQ(send_ids(standard, "body", "g", "id"), RLQ_ENOTFIFO);
	CHECK_EQ(visible(standard), 0);
	queues_end();
}

CASE(a_group_on_a_standard_queue_is_kept_and_orders_nothing)
{
	struct rlq_message messages[2];

	begin(false);
	CHECK_EQ(send_ids(standard, "1", "tenant", NULL), 0);
	CHECK_EQ(send_ids(standard, "2", "tenant", NULL), 0);
	CHECK_EQ(send_ids(standard, "3", "a b", NULL), RLQ_EGROUPID);
	message = receive_one(standard);
	CHECK(body_is(&message, "1"));
	CHECK_TEXT(message.group, "tenant");
	CHECK(message.dedup_id == NULL);
	CHECK_EQ(message.sequence, 0);
	CHECK_EQ(receive_now(standard, messages, 2), 1); /* though the first one is in flight */
	CHECK_TEXT(messages[0].group, "tenant");
	queues_end();
}

CASE(ids_are_shown_by_peek_and_are_not_on_messages_without)
{
	uint64_t cursor = 0;

	begin(false);
	CHECK_EQ(send_ids(queue, "body", "g", "id"), 0);
	CHECK_EQ(rlq_peek(queue, &message, 1, &cursor), 1);
	CHECK_TEXT(message.group, "g");
	CHECK_TEXT(message.dedup_id, "id");
	send_text(standard, "body");
	message = receive_one(standard);
	CHECK(message.group == NULL && message.dedup_id == NULL);
	queues_end();
}

CASE(ids_do_not_count_as_bytes_of_the_message)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	begin(false);
	CHECK_EQ(rlq_queue_get_attributes(queue, &attributes), 0);
	attributes.message_bytes_max = 4;
	CHECK_EQ(rlq_queue_set_attributes(queue, &attributes), 0);
	CHECK_EQ(send_ids(queue, "body", "group", "deduplication-id"), 0);
	CHECK_EQ(send_ids(queue, "body!", "group", "another"), RLQ_ETOOBIG);
	queues_end();
}

CASE(a_move_to_the_dlq_and_back_keeps_group_and_deduplication_id)
{
	struct rlq_queue *source, *dlq;
	uint64_t moved;

	queues_begin();
	dlq = fifo_make("dlq.fifo", NULL, false);
	source = fifo_make("source.fifo", "dlq.fifo", false);
	CHECK_EQ(send_ids(source, "body", "g", "id"), 0);
	for (int i = 0; i < 2; i++) {
		receive_one(source);
		time_passes(1000 + LEASE_SLACK_MS);
	}
	CHECK_EQ(receive_now(source, &message, 1), 0);
	CHECK_EQ(visible(dlq), 1);
	message = receive_for(dlq, &message, 0) == 1 ? message : (struct rlq_message){0};
	CHECK_TEXT(message.group, "g");
	CHECK_TEXT(message.dedup_id, "id");
	CHECK_TEXT(message.dlq_source, "source.fifo");
	CHECK_EQ(rlq_redrive(dlq, NULL, 0, &moved), 0);
	CHECK_EQ(moved, 1);
	message = receive_one(source);
	CHECK(body_is(&message, "body"));
	CHECK_TEXT(message.group, "g");
	CHECK_TEXT(message.dedup_id, "id");
	CHECK(message.dlq_source == NULL);
	CHECK_EQ(faults_of("source.fifo") + faults_of("dlq.fifo"), 0);
	queues_end();
}

CASE(a_group_of_a_standard_queue_survives_the_move_to_the_dlq)
{
	struct rlq_queue *source, *dlq;

	queues_begin();
	source = queue_with_dlq("source", 1, &dlq);
	CHECK_EQ(send_ids(source, "body", "tenant", NULL), 0);
	receive_one(source);
	time_passes(1000 + LEASE_SLACK_MS);
	CHECK_EQ(receive_now(source, &message, 1), 0);
	message = receive_one(dlq);
	CHECK_TEXT(message.group, "tenant");
	queues_end();
}

CASE(attempt_ids_are_for_receives_from_fifo_queues)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;

	begin(false);
	options.attempt_id = "attempt";
	CHECK_EQ(rlq_receive(standard, &message, 1, &options), RLQ_ENOTFIFO);
	CHECK_EQ(rlq_receive(queue, &message, 1, &options), 0);
	options.attempt_id = "an attempt";
	CHECK_EQ(rlq_receive(queue, &message, 1, &options), RLQ_EDEDUPID);
	queues_end();
}

int main(int argc, char **argv)
{
	return cases_run(argc, argv);
}
