/* FIFO queues: the order of groups. The names are the rules (docs/SEMANTICS.md). */
#include "client/internal.h"
#include "ring/event.h"
#include "tests/support/cases.h"
#include "tests/support/queue_fixture.h"

#include <stdio.h>
#include <string.h>

static struct rlq_queue *queue, *dlq;
static struct rlq_message messages[20];

static struct rlq_queue *fifo_of(const char *name, struct rlq_queue_attributes attributes)
{
	attributes.type = RLQ_FIFO;
	attributes.visibility_ms = 1000;
	return queue_make(name, &attributes);
}

static void begin(void)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	queues_begin();
	queue = fifo_of("q.fifo", attributes);
}

static void begin_with_dlq(uint32_t receives_max)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	queues_begin();
	dlq = fifo_of("dlq.fifo", attributes);
	attributes.receives_max = receives_max;
	strcpy(attributes.dlq, "dlq.fifo");
	queue = fifo_of("q.fifo", attributes);
}

static void lease_ends(void)
{
	time_passes(1000 + LEASE_SLACK_MS);
	sweep_now(queue); /* somebody has seen it */
}

/* "g1-3" is the third of group g1; its deduplication id is its text. */
static uint64_t send_one(const char *text)
{
	char group[8];
	struct rlq_sent sent;
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;

	snprintf(group, sizeof(group), "%.*s", (int)strcspn(text, "-"), text);
	options.group = group;
	options.dedup_id = text;
	options.ret_sent = &sent;
	CHECK_EQ(rlq_send(queue, text, strlen(text), &options, NULL), 0);
	return sent.sequence;
}

/* Texts parted by blanks. */
static void send_all(const char *texts)
{
	char copy[256], *rest = copy, *text;

	snprintf(copy, sizeof(copy), "%s", texts);
	while ((text = strsep(&rest, " ")) != NULL)
		send_one(text);
}

/* What one receive of up to `max` brings, parted by blanks. */
static const char *receive_from(struct rlq_queue *from, size_t max)
{
	static char texts[256];
	int count = receive_now(from, messages, max);
	size_t used = 0;

	CHECK(count >= 0);
	texts[0] = '\0';
	for (int i = 0; i < count; i++)
		used += (size_t)snprintf(texts + used, sizeof(texts) - used, "%s%.*s", i ? " " : "",
					 (int)messages[i].body_bytes, (const char *)messages[i].body);
	return texts;
}

static const char *receive(size_t max)
{
	return receive_from(queue, max);
}

static void delete_nth(int n)
{
	CHECK_EQ(rlq_delete(queue, &messages[n].receipt), 0);
}

static void release_nth(int n)
{
	CHECK_EQ(rlq_extend(queue, &messages[n].receipt, 0), 0);
}

/* ---- order ------------------------------------------------------------------------------------ */

CASE(messages_of_a_group_come_in_the_order_in_which_they_were_sent)
{
	begin();
	send_all("g-1 g-2 g-3");
	CHECK_TEXT(receive(1), "g-1");
	delete_nth(0);
	CHECK_TEXT(receive(1), "g-2");
	delete_nth(0);
	CHECK_TEXT(receive(1), "g-3");
	delete_nth(0);
	CHECK_TEXT(receive(1), "");
	CHECK_EQ(faults_of("q.fifo"), 0);
	queues_end();
}

CASE(a_group_with_a_message_in_flight_hands_out_no_later_one)
{
	begin();
	send_all("g-1 g-2");
	CHECK_TEXT(receive(1), "g-1");
	CHECK_TEXT(receive(10), "");
	send_one("g-3"); /* nor does sending more unlock it */
	CHECK_TEXT(receive(10), "");
	queues_end();
}

CASE(other_groups_go_on)
{
	begin();
	send_all("a-1 a-2 b-1");
	CHECK_TEXT(receive(1), "a-1");
	CHECK_TEXT(receive(10), "b-1");
	queues_end();
}

CASE(one_receive_takes_as_many_of_a_group_as_it_can_and_then_the_next_group)
{
	begin();
	send_all("g1-1 g2-1 g1-2 g1-3");
	CHECK_TEXT(receive(10), "g1-1 g1-2 g1-3 g2-1");
	queues_end();
}

CASE(a_group_that_was_just_served_goes_to_the_back)
{
	begin();
	send_all("a-1 a-2 b-1 c-1");
	CHECK_TEXT(receive(1), "a-1");
	delete_nth(0);
	CHECK_TEXT(receive(1), "b-1");
	CHECK_TEXT(receive(1), "c-1");
	CHECK_TEXT(receive(1), "a-2");
	queues_end();
}

CASE(the_last_delete_frees_the_group_at_once)
{
	begin();
	send_all("g-1 g-2 g-3");
	CHECK_TEXT(receive(2), "g-1 g-2");
	delete_nth(0);
	CHECK_TEXT(receive(10), ""); /* the second is in flight */
	delete_nth(1);
	CHECK_TEXT(receive(10), "g-3");
	queues_end();
}

CASE(the_first_of_two_in_flight_comes_again_alone_when_it_is_released)
{
	begin();
	send_all("g-1 g-2 g-3");
	CHECK_TEXT(receive(2), "g-1 g-2");
	release_nth(0);
	CHECK_TEXT(receive(10), "g-1");
	queues_end();
}

CASE(the_second_released_while_the_first_is_in_flight_is_not_delivered)
{
	begin();
	send_all("g-1 g-2 g-3");
	CHECK_TEXT(receive(2), "g-1 g-2");
	release_nth(1);
	CHECK_TEXT(receive(10), "");
	delete_nth(0);
	CHECK_TEXT(receive(10), "g-2 g-3");
	queues_end();
}

CASE(of_three_whose_time_ends_those_behind_an_extended_one_wait)
{
	static const char *const comes[] = {"", "g-1", "g-1 g-2"};

	for (int extended = 0; extended < 3; extended++) {
		begin();
		send_all("g-1 g-2 g-3 g-4");
		CHECK_TEXT(receive(3), "g-1 g-2 g-3");
		CHECK_EQ(rlq_extend(queue, &messages[extended].receipt, 60000), 0);
		lease_ends();
		CHECK_TEXT(receive(10), comes[extended]);
		queues_end();
	}
}

CASE(what_is_deleted_in_the_midst_of_a_group_is_gone_and_the_others_keep_their_order)
{
	begin();
	send_all("g-1 g-2 g-3 g-4");
	CHECK_TEXT(receive(3), "g-1 g-2 g-3");
	delete_nth(1);
	lease_ends();
	CHECK_TEXT(receive(10), "g-1 g-3 g-4");
	for (int i = 0; i < 3; i++)
		delete_nth(i);
	CHECK_TEXT(receive(10), "");
	CHECK_EQ(stat_of(queue).visible + stat_of(queue).in_flight, 0);
	CHECK_EQ(faults_of("q.fifo"), 0);
	queues_end();
}

CASE(a_message_whose_time_is_over_can_not_be_deleted)
{
	begin();
	send_one("g-1");
	CHECK_TEXT(receive(1), "g-1");
	time_passes(1000 + LEASE_SLACK_MS);
	CHECK_EQ(rlq_delete(queue, &messages[0].receipt), RLQ_ESTALE);
	CHECK_TEXT(receive(1), "g-1");
	delete_nth(0);
	queues_end();
}

CASE(a_receive_with_visibility_0_leaves_the_group_as_it_is)
{
	begin();
	send_all("g-1 g-2");
	CHECK_EQ(receive_for(queue, messages, 0), 1);
	CHECK(body_is(messages, "g-1"));
	CHECK_TEXT(receive(10), "g-1 g-2");
	queues_end();
}

CASE(sequence_numbers_rise)
{
	uint64_t last = 0;

	begin();
	for (int i = 0; i < 100; i++) {
		char text[16];
		uint64_t sequence;

		snprintf(text, sizeof(text), "g%d-%d", i % 7, i);
		sequence = send_one(text);
		CHECK(sequence > last);
		last = sequence;
	}
	last = 0;
	CHECK(receive_now(queue, messages, 3) == 3);
	for (int i = 0; i < 3; i++) {
		CHECK(messages[i].sequence > last);
		last = messages[i].sequence;
	}
	queues_end();
}

/* ---- who waits -------------------------------------------------------------------------------- */

static void begin_blocked(void)
{
	begin();
	send_all("g-1 g-2 g-3");
	CHECK_TEXT(receive(2), "g-1 g-2");
}

CASE(the_last_delete_of_a_group_wakes_who_waits)
{
	begin_blocked();
	delete_nth(1);
	CHECK_WAKES(consumers, queue, delete_nth(0));
	CHECK_TEXT(receive(10), "g-3");
	queues_end();
}

CASE(the_end_of_the_timeout_wakes_who_waits)
{
	begin_blocked();
	time_passes(1000 + LEASE_SLACK_MS);
	CHECK_WAKES(consumers, queue, reap_now(queue));
	CHECK_TEXT(receive(10), "g-1 g-2 g-3");
	queues_end();
}

CASE(a_release_of_the_first_wakes_who_waits)
{
	begin_blocked();
	CHECK_WAKES(consumers, queue, CHECK_EQ(rlq_release(queue, &messages[0].receipt, 0), 0));
	CHECK_TEXT(receive(10), "g-1");
	queues_end();
}

CASE(a_send_to_a_group_that_is_free_wakes_who_waits)
{
	begin_blocked();
	CHECK_WAKES(consumers, queue, send_one("h-1"));
	CHECK_TEXT(receive(10), "h-1");
	queues_end();
}

/* ---- delay, expiry, purge --------------------------------------------------------------------- */

CASE(the_queues_delay_keeps_the_order)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	queues_begin();
	attributes.delay_ms = 5000;
	queue = fifo_of("q.fifo", attributes);
	send_one("g-1");
	time_passes(2000);
	send_one("g-2");
	CHECK_TEXT(receive(10), "");
	CHECK_EQ(stat_of(queue).delayed, 2);
	time_passes(3000 + LEASE_SLACK_MS);
	sweep_now(queue);
	CHECK_TEXT(receive(10), "g-1");
	delete_nth(0);
	time_passes(2000);
	sweep_now(queue);
	CHECK_TEXT(receive(10), "g-2");
	queues_end();
}

static void set_delay(int64_t delay_ms)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.type = RLQ_FIFO;
	attributes.visibility_ms = 1000;
	attributes.delay_ms = delay_ms;
	CHECK_EQ(rlq_queue_set_attributes(queue, &attributes), 0);
	sweep_now(queue);
}

CASE(a_changed_delay_of_the_queue_counts_for_messages_that_are_in_it)
{
	begin();
	set_delay(5000);
	send_one("g-1");
	time_passes(1000);
	send_one("g-2");
	set_delay(8000);
	time_passes(4000 + LEASE_SLACK_MS);
	sweep_now(queue);
	CHECK_TEXT(receive(10), "");
	time_passes(3000);
	sweep_now(queue);
	CHECK_TEXT(receive(1), "g-1");
	/* Released with a delay of its own: the queue's changes nothing. */
	CHECK_EQ(rlq_release(queue, &messages[0].receipt, 20000), 0);
	set_delay(0);
	CHECK_EQ(stat_of(queue).delayed, 1);
	CHECK_TEXT(receive(10), "");
	time_passes(20000 + LEASE_SLACK_MS);
	sweep_now(queue);
	CHECK_TEXT(receive(10), "g-1 g-2");
	queues_end();
}

CASE(what_retention_ends_leaves_its_group)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	queues_begin();
	attributes.retention_ms = RLQ_RETENTION_MIN_MS;
	queue = fifo_of("q.fifo", attributes);
	send_one("g-1");
	time_passes(40000);
	send_one("g-2");
	time_passes(30000);
	CHECK_TEXT(receive(10), "g-2");
	delete_nth(0);
	CHECK_EQ(stat_of(queue).expired, 1);
	CHECK_EQ(faults_of("q.fifo"), 0);
	queues_end();
}

CASE(a_purge_empties_all_groups)
{
	uint64_t count;

	begin();
	send_all("a-1 a-2 b-1 b-2 b-3");
	CHECK_TEXT(receive(1), "a-1");
	CHECK_EQ(rlq_purge(queue, &count), 0);
	CHECK_EQ(count, 5);
	CHECK_TEXT(receive(10), "");
	send_all("a-3 b-4");
	CHECK_TEXT(receive(10), "a-3 b-4");
	CHECK_EQ(faults_of("q.fifo"), 0);
	queues_end();
}

/* ---- many ------------------------------------------------------------------------------------- */

CASE(any_number_of_groups_can_be_there_and_their_memory_goes_with_them)
{
	enum { GROUPS = 20000 };
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	uint64_t memory;

	queues_begin();
	attributes.dedup_max = 2 * GROUPS; /* a table for the default would not fit into a small /dev/shm */
	queue = fifo_of("q.fifo", attributes);
	memory = stat_of(queue).memory_bytes;
	for (int i = 0; i < GROUPS; i++) {
		char text[32];

		snprintf(text, sizeof(text), "%d-1", i);
		send_one(text);
	}
	for (int i = 0; i < GROUPS;) {
		int count = receive_now(queue, messages, 20);

		CHECK(count > 0);
		for (int n = 0; n < count; n++, i++) {
			char text[32];

			snprintf(text, sizeof(text), "%d-1", i);
			CHECK(body_is(&messages[n], text)); /* first ready, first served */
			delete_nth(n);
		}
	}
	/* Their ids are remembered for a window, and until the table that has them is a window old. */
	for (int i = 0; i < 20; i++) {
		time_passes(60000);
		sweep_now(queue);
	}
	CHECK_EQ(faults_of("q.fifo"), 0);
	CHECK(stat_of(queue).memory_bytes < memory + (1 << 20));
	queues_end();
}

CASE(a_receive_does_not_look_at_what_is_blocked)
{
	begin();
	send_one("blocked-0");
	CHECK_TEXT(receive(1), "blocked-0");
	for (int i = 1; i <= 5000; i++) {
		char text[32];

		snprintf(text, sizeof(text), "blocked-%d", i);
		send_one(text);
	}
	send_one("free-1");
	CHECK_TEXT(receive(10), "free-1");
	queues_end();
}

/* ---- dead letters ----------------------------------------------------------------------------- */

CASE(used_up_messages_move_in_order_and_the_group_goes_on_in_the_same_receive)
{
	begin_with_dlq(1);
	send_all("g-1 g-2");
	CHECK_TEXT(receive(2), "g-1 g-2");
	lease_ends();
	send_one("g-3");
	CHECK_TEXT(receive(10), "g-3");
	CHECK_TEXT(receive_from(dlq, 10), "g-1 g-2");
	CHECK_TEXT(messages[0].group, "g");
	CHECK_TEXT(messages[1].dedup_id, "g-2");
	CHECK_TEXT(messages[0].dlq_source, "q.fifo");
	CHECK_EQ(faults_of("q.fifo") + faults_of("dlq.fifo"), 0);
	queues_end();
}

/* Unlike what a standard queue moves. */
CASE(sent_time_and_retention_begin_anew_in_the_dlq)
{
	const struct rlq_queue_attributes defaults = RLQ_QUEUE_ATTRIBUTES_INIT;

	begin_with_dlq(1);
	send_one("g-1");
	CHECK_TEXT(receive(1), "g-1");
	time_passes(defaults.retention_ms - 1000);
	sweep_now(queue);
	CHECK_TEXT(receive(1), "");
	time_passes(2000);
	CHECK_TEXT(receive_from(dlq, 1), "g-1");
	CHECK_EQ(messages[0].sent_ms, wall_now() - 2000);
	CHECK_EQ(messages[0].receive_count, 2);
	queues_end();
}

CASE(a_redrive_keeps_the_order)
{
	uint64_t moved;

	begin_with_dlq(1);
	send_all("g-1 g-2 h-1");
	CHECK_TEXT(receive(3), "g-1 g-2 h-1");
	lease_ends();
	CHECK_TEXT(receive(10), "");
	CHECK_EQ(rlq_redrive(dlq, NULL, 0, &moved), 0);
	CHECK_EQ(moved, 3);
	CHECK_TEXT(receive(10), "g-1 g-2 h-1");
	queues_end();
}

static void come_and_go(uint64_t first, uint64_t count)
{
	char text[16];

	for (uint64_t i = first; i < first + count; i++) {
		snprintf(text, sizeof(text), "h-%d", (int)i);
		send_one(text);
		CHECK_TEXT(receive(1), text);
		delete_nth(0);
	}
}

/* One message stays while others come and go around the ring: slots are not in the order of the group then. */
CASE(a_redrive_moves_all_of_a_group_wherever_its_messages_lie)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	uint64_t moved, slots;

	begin();
	dlq = fifo_of("dlq.fifo", attributes);
	slots = stat_of(queue).slots;
	come_and_go(0, slots / 2);
	send_one("g-1");
	CHECK_TEXT(receive(1), "g-1");
	come_and_go(slots, slots * 3 / 4);
	send_all("g-2 g-3");
	lease_ends();
	CHECK_EQ(rlq_redrive(queue, "dlq.fifo", 2, &moved), 0);
	CHECK_EQ(moved, 2);
	CHECK_EQ(rlq_redrive(queue, "dlq.fifo", 0, &moved), 0);
	CHECK_EQ(moved, 1);
	CHECK_TEXT(receive_from(dlq, 3), "g-1 g-2 g-3");
	queues_end();
}

int main(int argc, char **argv)
{
	return cases_run(argc, argv);
}
