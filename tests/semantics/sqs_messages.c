/* Bodies, attributes, batches, peek, purge. */
#include "client/internal.h"
#include "tests/support/cases.h"
#include "tests/support/queue_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

static struct rlq_queue *queue;
static struct rlq_message message;

static void begin(void)
{
	queues_begin();
	queue = queue_make("q", NULL);
}

/* ---- bodies ----------------------------------------------------------------------------------- */

static void fill(unsigned char *body, size_t bytes, uint64_t seed)
{
	for (size_t i = 0; i < bytes; i++) {
		seed = seed * 6364136223846793005 + 1442695040888963407;
		body[i] = (unsigned char)(seed >> 56);
	}
}

/* How large the tmpfs is that holds the queues. */
static size_t tmpfs_bytes(void)
{
	struct statvfs status;

	return statvfs("/dev/shm", &status) == 0 ? (size_t)status.f_blocks * status.f_frsize : 0;
}

CASE(bodies_of_every_size_from_0_to_64_MiB_come_back_as_they_were)
{
	static const size_t sizes[] = {0,	    1,	   2,	    63,	     64,      65,
				       255,	    256,   257,	    4095,    4096,    65535,
				       65536,	    65537, 1000000, 1 << 20, 5000000, RLQ_BODY_MAX - 1,
				       RLQ_BODY_MAX};
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	unsigned char *body = malloc(RLQ_BODY_MAX);

	queues_begin();
	attributes.message_bytes_max = RLQ_BODY_MAX;
	queue = queue_make("q", &attributes);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int sent;

		fill(body, sizes[i], i);
		sent = rlq_send(queue, body, sizes[i], NULL, NULL);
		if (sent == RLQ_ENOSPACE && sizes[i] > tmpfs_bytes() / 2)
			continue; /* the machine's /dev/shm is too small for it, and says so */
		CHECK_EQ(sent, 0);
		message = receive_one(queue);
		CHECK_EQ(message.body_bytes, sizes[i]);
		CHECK(memcmp(message.body, body, sizes[i]) == 0);
		CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
	}
	CHECK_EQ(rlq_send(queue, body, (size_t)RLQ_BODY_MAX + 1, NULL, NULL), RLQ_ETOOBIG);
	CHECK_EQ(faults_of("q"), 0);
	free(body);
	queues_end();
}

/* Also where it came from, which is noted when it moves. */
CASE(what_goes_with_a_body_of_64_MiB_has_room_beside_it)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	char id[RLQ_ID_MAX + 1] = "", trace[RLQ_TRACE_MAX + 1] = "";
	unsigned char *body = calloc(1, RLQ_BODY_MAX);
	struct rlq_queue *dlq;

	if (tmpfs_bytes() < 4 * (size_t)RLQ_BODY_MAX)
		case_skip("needs 256 MiB of /dev/shm");
	queues_begin();
	dlq = fifo_make("dlq.fifo", NULL, false);
	queue = fifo_make("q.fifo", "dlq.fifo", false);
	CHECK_EQ(rlq_queue_get_attributes(queue, &attributes), 0);
	attributes.message_bytes_max = RLQ_BODY_MAX;
	attributes.receives_max = 1;
	CHECK_EQ(rlq_queue_set_attributes(queue, &attributes), 0);
	options.group = options.dedup_id = memset(id, 'i', RLQ_ID_MAX);
	options.trace = memset(trace, 't', RLQ_TRACE_MAX);
	CHECK_EQ(rlq_send(queue, body, RLQ_BODY_MAX, &options, NULL), 0);
	CHECK_EQ(receive_one(queue).body_bytes, RLQ_BODY_MAX);
	time_passes(1000 + LEASE_SLACK_MS);
	CHECK_EQ(receive_now(queue, &message, 1), 0);
	message = receive_one(dlq);
	CHECK_EQ(message.body_bytes, RLQ_BODY_MAX);
	CHECK_TEXT(message.trace, trace);
	CHECK_TEXT(message.dedup_id, id);
	CHECK_TEXT(message.dlq_source, "q.fifo");
	CHECK_EQ(faults_of("q.fifo") + faults_of("dlq.fifo"), 0);
	free(body);
	queues_end();
}

/* A body without ids, of a standard queue. */
CASE(a_body_of_64_MiB_moves_to_the_dlq)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	unsigned char *body = calloc(1, RLQ_BODY_MAX);
	struct rlq_queue *dlq;

	if (tmpfs_bytes() < 4 * (size_t)RLQ_BODY_MAX)
		case_skip("needs 256 MiB of /dev/shm");
	queues_begin();
	queue = queue_with_dlq("q", 1, &dlq);
	CHECK_EQ(rlq_queue_get_attributes(queue, &attributes), 0);
	attributes.message_bytes_max = RLQ_BODY_MAX;
	CHECK_EQ(rlq_queue_set_attributes(queue, &attributes), 0);
	CHECK_EQ(rlq_send(queue, body, RLQ_BODY_MAX, NULL, NULL), 0);
	receive_one(queue);
	time_passes(1000 + LEASE_SLACK_MS);
	CHECK_EQ(receive_now(queue, &message, 1), 0);
	CHECK_EQ(receive_one(dlq).body_bytes, RLQ_BODY_MAX);
	free(body);
	queues_end();
}

CASE(the_limit_of_the_queue_counts_body_and_attributes)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	/* name 1 + type "String" 6 + value 3 */
	struct rlq_attribute attribute = {.name = "n", .type = RLQ_STRING, .value = "abc", .value_bytes = 3};
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	char body[100] = "";

	queues_begin();
	attributes.message_bytes_max = 100;
	queue = queue_make("q", &attributes);
	CHECK_EQ(rlq_send(queue, body, 100, NULL, NULL), 0);
	CHECK_EQ(rlq_send(queue, body, 101, NULL, NULL), RLQ_ETOOBIG);
	options.attributes = &attribute;
	options.attribute_count = 1;
	CHECK_EQ(rlq_send(queue, body, 90, &options, NULL), 0);
	CHECK_EQ(rlq_send(queue, body, 91, &options, NULL), RLQ_ETOOBIG);
	CHECK_EQ(rlq_send(queue, body, SIZE_MAX - 4, &options, NULL), RLQ_ETOOBIG);
	queues_end();
}

/* ---- attributes ------------------------------------------------------------------------------- */

static int send_with(const struct rlq_attribute *attributes, uint32_t count)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;

	options.attributes = attributes;
	options.attribute_count = count;
	return rlq_send(queue, "body", 4, &options, NULL);
}

CASE(ten_attributes_of_all_types_come_back_as_they_were)
{
	struct rlq_attribute attributes[11];
	char names[11][8];
	static const char binary[] = {0, 1, (char)255, 0};

	begin();
	for (uint32_t i = 0; i < 11; i++) {
		snprintf(names[i], sizeof(names[i]), "a.%u", i);
		attributes[i] =
			(struct rlq_attribute){.name = names[i], .type = (enum rlq_attribute_type)(i % 3 + 1)};
		attributes[i].value = i % 3 == 0 ? "text" : i % 3 == 1 ? "-1.5e10" : binary;
		attributes[i].value_bytes = i % 3 == 1 ? 7 : 4;
	}
	attributes[3].type_label = "json";
	CHECK_EQ(send_with(attributes, 11), RLQ_EATTRIBUTE);
	CHECK_EQ(send_with(attributes, 10), 0);
	message = receive_one(queue);
	CHECK(body_is(&message, "body"));
	CHECK_EQ(message.attribute_count, 10);
	for (uint32_t i = 0; i < 10; i++) {
		const struct rlq_attribute *got = &message.attributes[i];

		CHECK_TEXT(got->name, names[i]);
		CHECK_EQ(got->type, attributes[i].type);
		CHECK_EQ(got->value_bytes, attributes[i].value_bytes);
		CHECK(memcmp(got->value, attributes[i].value, got->value_bytes) == 0);
		CHECK_TEXT(got->type_label, i == 3 ? "json" : "");
	}
	queues_end();
}

static int send_named(const char *name)
{
	struct rlq_attribute attribute = {.name = name, .type = RLQ_STRING, .value = "v", .value_bytes = 1};

	return send_with(&attribute, 1);
}

CASE(attribute_names_follow_the_rules_of_sqs)
{
	static const char *const bad[] = {
		"", ".a", "a.", "a..b", "a b", "AWS.x", "aws.x", "Amazon.x", "AMAZON.y", "a/b",
		/* half a letter; signs amid the letters; what stands before and behind them */
		"\xc3", "a\xc3z", "\xa4", "2×2", "2÷2", "¿", "ɐ", "ж", "字"};
	static const char *const accented[] = {"À", "ÿ", "Grüße", "ɏ", "Łódź.é"};
	char longest[257];

	begin();
	CHECK_EQ(send_named("Az09_-.x"), 0);
	CHECK_EQ(send_named("awsx"), 0);
	CHECK_EQ(send_named(NULL), RLQ_EATTRIBUTE);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_EQ(send_named(bad[i]), RLQ_EATTRIBUTE);
	for (size_t i = 0; i < sizeof(accented) / sizeof(accented[0]); i++)
		CHECK_EQ(send_named(accented[i]), 0);
	memset(longest, 'n', sizeof(longest));
	longest[256] = '\0';
	CHECK_EQ(send_named(longest), RLQ_EATTRIBUTE);
	longest[255] = '\0';
	CHECK_EQ(send_named(longest), 0);
	queues_end();
}

CASE(attribute_values_and_types_follow_the_rules_of_sqs)
{
	static const char *const numbers[] = {
		"0", "-1", "+1", "1.5", ".5", "5.", "1e5", "1E-5", "12345678901234567890"};
	static const char *const none[] = {"x", "", "1x", "--1", ".", "e5", "1e", "1.2.3", "0x10", " 1", "NaN"};
	struct rlq_attribute a = {.name = "n", .type = RLQ_NUMBER}, twice[2];
	char label[256];

	begin();
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		a.value = numbers[i];
		a.value_bytes = (uint32_t)strlen(numbers[i]);
		CHECK_EQ(send_with(&a, 1), 0);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		a.value = none[i];
		a.value_bytes = (uint32_t)strlen(none[i]);
		CHECK_EQ(send_with(&a, 1), RLQ_EATTRIBUTE);
	}
	a = (struct rlq_attribute){.name = "n", .type = RLQ_STRING, .value = "", .value_bytes = 0};
	CHECK_EQ(send_with(&a, 1), RLQ_EATTRIBUTE); /* empty values are refused */
	a = (struct rlq_attribute){.name = "n", .type = RLQ_STRING, .value = "v", .value_bytes = 1};
	a.type = (enum rlq_attribute_type)0;
	CHECK_EQ(send_with(&a, 1), RLQ_EATTRIBUTE);
	a.type = (enum rlq_attribute_type)4;
	CHECK_EQ(send_with(&a, 1), RLQ_EATTRIBUTE);
	a.type = RLQ_STRING;
	memset(label, 'l', sizeof(label));
	label[249] = '\0'; /* "String." and 249 make 256 */
	a.type_label = label;
	CHECK_EQ(send_with(&a, 1), RLQ_EATTRIBUTE);
	label[248] = '\0';
	CHECK_EQ(send_with(&a, 1), 0);
	twice[0] = twice[1] = a;
	CHECK_EQ(send_with(twice, 2), RLQ_EATTRIBUTE); /* one name twice */
	CHECK_EQ(send_with(NULL, 1), RLQ_EATTRIBUTE);
	queues_end();
}

/* What the consumer of `old` has noted in its slot, stored once more when the slot holds another message:
 * as if it had been stopped just before that store. */
CASE(a_note_of_the_first_receive_that_comes_late_is_not_believed_of_another_message)
{
	struct slot_message *slot;
	uint64_t cursor = 0;
	uint32_t late;

	queues_begin();
	queue = queue_of("q", 1); /* of two slots */
	slot = &queue->seg->ring[0].slots[0].message;
	send_text(queue, "old");
	time_passes(500);
	message = receive_one(queue);
	late = slot->first_receive_ms;
	CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
	send_text(queue, "beside");
	message = receive_one(queue);
	CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
	time_passes(5);
	send_text(queue, "new");
	slot->first_receive_ms = late;
	CHECK_EQ(rlq_peek(queue, &message, 1, &cursor), 1);
	CHECK_EQ(message.first_receive_ms, 0);
	time_passes(60000);
	message = receive_one(queue);
	CHECK_EQ(message.id.word[1], slot->id[1]); /* it is that slot */
	CHECK_EQ(message.first_receive_ms, wall_now());
	slot->first_receive_ms = late;
	time_passes(60000);
	message = receive_one(queue);
	CHECK_EQ(message.first_receive_ms, wall_now());
	time_passes(60000);
	message = receive_one(queue);
	CHECK_EQ(message.first_receive_ms, wall_now() - 60000);
	queues_end();
}

CASE(a_message_received_after_the_wall_clock_was_set_back_was_first_received_when_sent)
{
	uint64_t sent;

	begin();
	sent = wall_now();
	send_text(queue, "a");
	time_passes(-5000);
	message = receive_one(queue);
	CHECK_EQ(message.first_receive_ms, sent);
	queues_end();
}

CASE(a_message_says_when_it_was_sent_and_first_received_and_by_whom)
{
	uint64_t sent;

	begin();
	sent = wall_now();
	send_text(queue, "a");
	time_passes(500);
	message = receive_one(queue);
	CHECK_EQ(message.sent_ms, sent);
	CHECK_EQ(message.first_receive_ms, sent + 500);
	time_passes(40000);
	message = receive_one(queue);
	CHECK_EQ(message.first_receive_ms, sent + 500);
	CHECK(message.dlq_source == NULL && message.dlq_reason == NULL);
	queues_end();
}

/* ---- peek and purge --------------------------------------------------------------------------- */

CASE(peek_shows_the_visible_messages_and_changes_nothing)
{
	struct rlq_message messages[4];
	struct rlq_queue_stat before, after;
	uint64_t cursor = 0;
	int count, seen = 0;

	begin();
	for (int i = 0; i < 10; i++)
		send_text(queue, "visible");
	CHECK_EQ(send_delayed(queue, "delayed", 1000), 0);
	receive_one(queue);
	before = stat_of(queue);
	while ((count = rlq_peek(queue, messages, 4, &cursor)) > 0) {
		for (int i = 0; i < count; i++) {
			CHECK(body_is(&messages[i], "visible"));
			CHECK_EQ(messages[i].receive_count, 0);
			CHECK_EQ(messages[i].first_receive_ms, 0);
			CHECK_EQ(rlq_delete(queue, &messages[i].receipt), RLQ_ERECEIPT);
		}
		seen += count;
	}
	CHECK_EQ(count, 0);
	CHECK_EQ(seen, 9);
	after = stat_of(queue);
	CHECK(before.visible == after.visible && before.received == after.received &&
	      before.in_flight == after.in_flight);
	message = receive_one(queue);
	CHECK_EQ(message.receive_count, 1);
	queues_end();
}

CASE(purge_deletes_visible_in_flight_and_delayed_messages)
{
	uint64_t count = 0;

	begin();
	for (int i = 0; i < 3; i++)
		send_text(queue, "a");
	CHECK_EQ(send_delayed(queue, "a", 1000), 0);
	message = receive_one(queue);
	CHECK_EQ(rlq_purge(queue, &count), 0);
	CHECK_EQ(count, 4);
	CHECK_EQ(rlq_delete(queue, &message.receipt), RLQ_ESTALE);
	time_passes(60000);
	CHECK_EQ(receive_now(queue, &message, 1), 0);
	send_text(queue, "after");
	CHECK_TEXT(drain(queue), "after");
	CHECK_EQ(rlq_purge(queue, NULL), 0);
	queues_end();
}

int main(int argc, char **argv)
{
	return cases_run(argc, argv);
}
