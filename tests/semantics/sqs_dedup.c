/* Deduplication in FIFO queues. The names are the rules (docs/SEMANTICS.md). */
#include "tests/support/cases.h"
#include "tests/support/queue_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static struct rlq_queue *queue;
static struct rlq_message message;

static void begin_with(struct rlq_queue_attributes attributes)
{
	queues_begin();
	attributes.type = RLQ_FIFO;
	queue = queue_make("q.fifo", &attributes);
}

static void begin(void)
{
	begin_with((struct rlq_queue_attributes)RLQ_QUEUE_ATTRIBUTES_INIT);
}

static struct rlq_sent send_as(const char *body, const char *group, const char *id)
{
	struct rlq_sent sent = {0};
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;

	options.group = group;
	options.dedup_id = id;
	options.ret_sent = &sent;
	CHECK_EQ(rlq_send(queue, body, strlen(body), &options, NULL), 0);
	return sent;
}

static bool is_answer_of(struct rlq_sent first, struct rlq_sent second)
{
	return second.is_duplicate && first.id.word[0] == second.id.word[0] &&
	       first.id.word[1] == second.id.word[1] && first.sequence == second.sequence;
}

static void receive_and_delete(const char *body)
{
	message = receive_one(queue);
	CHECK(body_is(&message, body));
	CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
}

static void is_empty(void)
{
	CHECK_EQ(receive_now(queue, &message, 1), 0);
	CHECK_EQ(stat_of(queue).visible + stat_of(queue).in_flight + stat_of(queue).delayed, 0);
	CHECK_EQ(faults_of("q.fifo"), 0);
}

CASE(a_duplicate_is_answered_with_the_first_ones_id_and_number_and_stores_nothing)
{
	struct rlq_sent first, second;

	begin();
	first = send_as("a", "g", "1");
	second = send_as("b", "g", "1");
	CHECK(!first.is_duplicate);
	CHECK(is_answer_of(first, second));
	receive_and_delete("a");
	is_empty();
	CHECK_EQ(stat_of(queue).sent, 1);
	queues_end();
}

CASE(the_first_one_may_have_been_received_and_deleted_since)
{
	struct rlq_sent first;

	begin();
	first = send_as("a", "g", "1");
	message = receive_one(queue);
	CHECK(is_answer_of(first, send_as("a", "g", "1")));
	CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
	CHECK(is_answer_of(first, send_as("a", "g", "1")));
	is_empty();
	queues_end();
}

CASE(the_window_begins_with_the_first_send_and_duplicates_do_not_move_it)
{
	struct rlq_sent first, next;

	begin();
	first = send_as("a", "g", "1");
	time_passes(200000);
	CHECK(is_answer_of(first, send_as("a", "g", "1")));
	time_passes(99999);
	CHECK(is_answer_of(first, send_as("a", "g", "1")));
	time_passes(1);
	next = send_as("b", "g", "1");
	CHECK(!next.is_duplicate);
	CHECK(next.sequence > first.sequence);
	CHECK(is_answer_of(next, send_as("a", "g", "1")));
	receive_and_delete("a");
	receive_and_delete("b");
	is_empty();
	queues_end();
}

CASE(ids_stay_known_for_the_window_while_tables_are_replaced)
{
	enum { MINUTES = 40 };
	struct rlq_sent sent[MINUTES];

	begin();
	for (int i = 0; i < MINUTES; i++) {
		char id[16];

		snprintf(id, sizeof(id), "%d", i);
		sent[i] = send_as("a", "g", id);
		CHECK(!sent[i].is_duplicate);
		receive_and_delete("a");
		for (int n = i > 4 ? i - 4 : 0; n <= i; n++) {
			snprintf(id, sizeof(id), "%d", n);
			CHECK(is_answer_of(sent[n], send_as("a", "g", id)));
		}
		time_passes(59000);
		sweep_now(queue);
		time_passes(1000);
		sweep_now(queue);
	}
	is_empty();
	queues_end();
}

CASE(the_scope_is_the_queue_or_the_message_group)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_sent first;

	begin();
	first = send_as("a", "g", "1");
	CHECK(is_answer_of(first, send_as("a", "h", "1")));
	queues_end();

	attributes.dedup_scope = RLQ_DEDUP_GROUP;
	begin_with(attributes);
	first = send_as("a", "g", "1");
	CHECK(!send_as("a", "h", "1").is_duplicate);
	CHECK(is_answer_of(first, send_as("b", "g", "1")));
	queues_end();
}

CASE(by_content_the_id_is_the_sha_256_of_the_body_and_an_explicit_one_overrides)
{
	static const char digest[] =
		"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"; /* of "a" */
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_sent first;

	attributes.content_dedup = true;
	begin_with(attributes);
	first = send_as("a", "g", NULL);
	CHECK(is_answer_of(first, send_as("a", "g", NULL)));
	CHECK(!send_as("b", "g", NULL).is_duplicate);
	CHECK(!send_as("a", "g", "own").is_duplicate);
	CHECK(is_answer_of(first, send_as("other", "g", digest)));
	message = receive_one(queue);
	CHECK_TEXT(message.dedup_id, digest);
	queues_end();
}

CASE(a_purge_forgets_the_ids)
{
	begin();
	send_as("a", "g", "1");
	CHECK_EQ(rlq_purge(queue, NULL), 0);
	CHECK(!send_as("b", "g", "1").is_duplicate);
	receive_and_delete("b");
	is_empty();
	queues_end();
}

/* All of `count` ids beginning with `first` are taken, and not one more. */
static void fill(int first, int count)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	char id[16];

	for (int i = first; i < first + count; i++) {
		snprintf(id, sizeof(id), "%d", i);
		CHECK(!send_as("a", "g", id).is_duplicate);
	}
	options.group = "g";
	options.dedup_id = "one-too-many";
	CHECK_EQ(rlq_send(queue, "a", 1, &options, NULL), RLQ_EDEDUPFULL);
}

CASE(a_purge_makes_room_for_ids_however_often)
{
	enum { IDS = 1000, TIMES = 8 };
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.dedup_max = IDS;
	begin_with(attributes);
	for (int i = 0; i < TIMES; i++) {
		fill(i * IDS / 2, IDS); /* half of them are those of before */
		CHECK_EQ(rlq_purge(queue, NULL), 0);
		sweep_now(queue); /* older tables go a while after that */
		time_passes(300);
		sweep_now(queue);
	}
	fill(TIMES * IDS, IDS);
	CHECK_EQ(faults_of("q.fifo"), 0);
	queues_end();
}

CASE(a_full_table_refuses_and_forgets_nothing)
{
	enum { IDS = 2000 };
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_sent first;
	char id[16];

	attributes.dedup_max = IDS;
	begin_with(attributes);
	first = send_as("a", "g", "0");
	for (int i = 1; i < IDS; i++) {
		snprintf(id, sizeof(id), "%d", i);
		send_as("a", "g", id);
	}
	options.group = "g";
	options.dedup_id = "one-too-many";
	CHECK_EQ(rlq_send(queue, "a", 1, &options, NULL), RLQ_EDEDUPFULL);
	CHECK_EQ(stat_of(queue).visible, IDS);
	time_passes(299000);
	CHECK_EQ(rlq_send(queue, "a", 1, &options, NULL), RLQ_EDEDUPFULL);
	time_passes(2000);
	CHECK_EQ(rlq_send(queue, "a", 1, &options, NULL), 0);
	CHECK(!send_as("a", "g", "0").is_duplicate); /* its window is over */
	CHECK(first.sequence != 0);
	CHECK_EQ(faults_of("q.fifo"), 0);
	queues_end();
}

/* Large bodies, which lie in blocks. */
CASE(a_duplicate_takes_no_room_and_is_answered_by_a_full_queue)
{
	enum { BYTES = 5000, TIMES = 3000 };
	static char body[BYTES + 1];
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_sent first;
	uint64_t memory;

	memset(body, 'b', BYTES);
	attributes.capacity = 8;
	begin_with(attributes);
	first = send_as(body, "g", "1");
	memory = stat_of(queue).memory_bytes;
	for (int i = 0; i < TIMES; i++)
		CHECK(is_answer_of(first, send_as(body, "g", "1")));
	CHECK_EQ(stat_of(queue).memory_bytes, memory);
	CHECK_EQ(stat_of(queue).visible, 1);
	options.group = "g";
	for (int i = 2;; i++) {
		char id[16];
		int error;

		snprintf(id, sizeof(id), "%d", i);
		options.dedup_id = id;
		error = rlq_send(queue, "b", 1, &options, NULL);
		if (error == RLQ_EFULL)
			break;
		CHECK_EQ(error, 0);
	}
	CHECK(is_answer_of(first, send_as(body, "g", "1")));
	CHECK_EQ(faults_of("q.fifo"), 0);
	queues_end();
}

CASE(a_batch_may_have_duplicates_of_its_own)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_send_entry entries[3];
	struct rlq_sent sent[3];

	begin();
	for (int i = 0; i < 3; i++)
		entries[i] = (struct rlq_send_entry){.body = "a",
						     .body_bytes = 1,
						     .delay_ms = RLQ_DEFAULT,
						     .group = "g",
						     .dedup_id = i == 1 ? "2" : "1"};
	options.ret_sent = sent;
	CHECK_EQ(rlq_send_batch(queue, entries, 3, &options, NULL), 3);
	CHECK(!sent[0].is_duplicate && !sent[1].is_duplicate);
	CHECK(is_answer_of(sent[0], sent[2]));
	CHECK_EQ(stat_of(queue).visible, 2);
	queues_end();
}

CASE(what_is_written_in_place_is_deduplicated_when_it_is_published)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_reservation reservation;
	struct rlq_message_id id;
	struct rlq_sent first;

	begin();
	options.group = "g";
	options.dedup_id = "1";
	CHECK_EQ(rlq_reserve(queue, 1, &options, &reservation), 0);
	first = send_as("a", "g", "1");
	*(char *)reservation.body = 'b';
	CHECK_EQ(rlq_publish(queue, &reservation, &id), 0);
	CHECK(id.word[0] == first.id.word[0] && id.word[1] == first.id.word[1]);
	receive_and_delete("a");
	is_empty();
	queues_end();
}

int main(int argc, char **argv)
{
	return cases_run(argc, argv);
}
