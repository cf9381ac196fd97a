/* The tracing context of a message: what may be one, what it counts, and that it stays with its message. */
#include "client/internal.h"
#include "shm/message.h"
#include "tests/support/cases.h"
#include "tests/support/queue_fixture.h"

#include <string.h>

#define TRACE "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static struct rlq_queue *queue;
static struct rlq_message message;
static char longest[RLQ_TRACE_MAX + 2];

static void begin(const struct rlq_queue_attributes *attributes)
{
	queues_begin();
	queue = queue_make("q", attributes);
	memset(longest, 't', RLQ_TRACE_MAX);
}

static struct rlq_send_options with_trace(const char *trace)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;

	options.trace = trace;
	return options;
}

static int send_traced(struct rlq_queue *to, const char *body, const char *trace)
{
	struct rlq_send_options options = with_trace(trace);

	return rlq_send(to, body, strlen(body), &options, NULL);
}

CASE(a_trace_comes_back_as_it_was_sent)
{
	static const char *const traces[] = {TRACE, "t", "Root=1-5759e988;Sampled=1", "grün \xf0\x9f\x90\x8c",
					     longest};
	uint64_t cursor = 0;

	begin(NULL);
	for (size_t i = 0; i < sizeof(traces) / sizeof(traces[0]); i++) {
		CHECK_EQ(send_traced(queue, "body", traces[i]), 0);
		cursor = 0;
		CHECK_EQ(rlq_peek(queue, &message, 1, &cursor), 1);
		CHECK_TEXT(message.trace, traces[i]);
		message = receive_one(queue);
		CHECK_TEXT(message.trace, traces[i]);
		CHECK(body_is(&message, "body"));
		CHECK_EQ(message.attribute_count, 0);
		CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
	}
	send_text(queue, "none");
	CHECK(receive_one(queue).trace == NULL);
	CHECK_EQ(queue->seg->ring[0].slots[sizeof(traces) / sizeof(traces[0])].message.extra_bytes, 0);
	queues_end();
}

CASE(what_is_no_text_of_1_to_1024_bytes_is_no_trace)
{
	static const char *const bad[] = {
		"",
		"\x80",
		"a\xc3",
		"a\xc3(",
		"\xc0\xaf", /* overlong: of two, three, four bytes */
		"\xe0\x9f\xbf",
		"\xf0\x8f\xbf\xbf",
		"\xed\xa0\x80",	    /* a surrogate */
		"\xf4\x90\x80\x80", /* beyond U+10FFFF */
		"\xf5\x80\x80\x80",
		"\xe2\x82",
		"\xf0\x9f\x90(",
		longest,
	};
	static const char *const good[] = {"\x7f",	   "\xc2\x80",	       "\xdf\xbf",
					   "\xe0\xa0\x80", "\xed\x9f\xbf",     "\xee\x80\x80",
					   "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};

	begin(NULL);
	longest[RLQ_TRACE_MAX] = 't';
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (send_traced(queue, "body", bad[i]) != RLQ_ETRACE)
			case_fail(__FILE__, __LINE__, "number %zu was sent", i);
	CHECK_EQ(stat_of(queue).visible, 0);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (send_traced(queue, "body", good[i]) != 0)
			case_fail(__FILE__, __LINE__, "number %zu was not sent", i);
		message = receive_one(queue);
		CHECK_TEXT(message.trace, good[i]);
	}
	CHECK(strstr(rlq_strerror(RLQ_ETRACE), "tracing context") != NULL);
	queues_end();
}

CASE(a_trace_is_none_of_the_ten_attributes_and_counts_nothing_against_the_limit)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	static const char *const names[RLQ_ATTRIBUTES_MAX] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
	struct rlq_attribute ten[RLQ_ATTRIBUTES_MAX];
	struct rlq_send_options options;

	attributes.message_bytes_max = 4 + RLQ_ATTRIBUTES_MAX * (1 + 6 + 5);
	begin(&attributes);
	options = with_trace(longest);
	for (int i = 0; i < RLQ_ATTRIBUTES_MAX; i++)
		ten[i] = (struct rlq_attribute){
			.name = names[i], .type = RLQ_STRING, .value = "value", .value_bytes = 5};
	options.attributes = ten;
	options.attribute_count = RLQ_ATTRIBUTES_MAX;
	CHECK_EQ(rlq_send(queue, "body", 4, &options, NULL), 0);
	CHECK_EQ(rlq_send(queue, "body!", 5, &options, NULL), RLQ_ETOOBIG);
	message = receive_one(queue);
	CHECK_TEXT(message.trace, longest);
	CHECK_EQ(message.attribute_count, RLQ_ATTRIBUTES_MAX);
	for (int i = 0; i < RLQ_ATTRIBUTES_MAX; i++)
		CHECK_TEXT(message.attributes[i].name, names[i]);
	queues_end();
}

CASE(each_of_a_batch_has_its_own_trace)
{
	struct rlq_send_entry entries[3] = {{.body = "1", .body_bytes = 1, .delay_ms = RLQ_DEFAULT, .trace = "one"},
					    {.body = "2", .body_bytes = 1, .delay_ms = RLQ_DEFAULT},
					    {.body = "3", .body_bytes = 1, .delay_ms = RLQ_DEFAULT, .trace = ""}};

	begin(NULL);
	CHECK_EQ(rlq_send_batch(queue, entries, 3, NULL, NULL), 2);
	CHECK_EQ(rlq_send_batch(queue, entries + 2, 1, NULL, NULL), RLQ_ETRACE);
	CHECK_TEXT(receive_one(queue).trace, "one");
	CHECK(receive_one(queue).trace == NULL);
	queues_end();
}

CASE(a_message_sent_and_received_in_place_has_its_trace)
{
	struct rlq_send_options options = with_trace(TRACE);
	struct rlq_reservation reservation;

	begin(NULL);
	CHECK_EQ(rlq_reserve(queue, 4, &options, &reservation), 0);
	memcpy(reservation.body, "body", 4);
	CHECK_EQ(rlq_publish(queue, &reservation, NULL), 0);
	CHECK_EQ(receive_in_place(queue, &message), 1);
	CHECK(body_is(&message, "body"));
	CHECK_TEXT(message.trace, TRACE);
	CHECK_EQ(rlq_let_go(queue, &message), 0);
	options = with_trace("\xff");
	CHECK_EQ(rlq_reserve(queue, 4, &options, &reservation), RLQ_ETRACE);
	queues_end();
}

CASE(a_trace_survives_the_move_to_the_dlq_and_the_redrive)
{
	struct rlq_queue *dlq;
	uint64_t moved;

	queues_begin();
	queue = queue_with_dlq("source", 1, &dlq);
	CHECK_EQ(send_traced(queue, "body", TRACE), 0);
	receive_one(queue);
	time_passes(1000 + LEASE_SLACK_MS);
	CHECK_EQ(receive_now(queue, &message, 1), 0);
	CHECK_EQ(receive_for(dlq, &message, 0), 1);
	CHECK_TEXT(message.trace, TRACE);
	CHECK_TEXT(message.dlq_source, "source");
	CHECK_EQ(rlq_redrive(dlq, NULL, 0, &moved), 0);
	CHECK_EQ(moved, 1);
	message = receive_one(queue);
	CHECK_TEXT(message.trace, TRACE);
	CHECK(message.dlq_source == NULL);
	queues_end();
}

/* Its ids are found behind any other note. */
CASE(a_trace_stays_with_a_fifo_message_through_the_dlq_and_back)
{
	struct rlq_send_options options = with_trace(TRACE);
	struct rlq_queue *dlq;
	struct rlq_sent sent;
	uint64_t moved;

	queues_begin();
	dlq = fifo_make("dlq.fifo", NULL, true);
	queue = fifo_make("q.fifo", "dlq.fifo", true);
	options.group = "g";
	options.ret_sent = &sent;
	CHECK_EQ(rlq_send(queue, "body", 4, &options, NULL), 0);
	options.trace = "another, of a duplicate";
	CHECK_EQ(rlq_send(queue, "body", 4, &options, NULL), 0);
	CHECK(sent.is_duplicate);
	for (int i = 0; i < 2; i++) {
		CHECK_TEXT(receive_one(queue).trace, TRACE);
		time_passes(1000 + LEASE_SLACK_MS);
	}
	CHECK_EQ(receive_now(queue, &message, 1), 0);
	CHECK_EQ(receive_for(dlq, &message, 0), 1);
	CHECK_TEXT(message.trace, TRACE);
	CHECK_TEXT(message.group, "g");
	CHECK_EQ(rlq_redrive(dlq, NULL, 0, &moved), 0);
	message = receive_one(queue);
	CHECK_TEXT(message.trace, TRACE);
	CHECK_TEXT(message.group, "g");
	queues_end();
}

/* The record is behind the body: its kind, or its length. */
CASE(a_damaged_trace_is_an_error_of_the_receive)
{
	struct slot *slot;
	unsigned char *extra;

	begin(NULL);
	for (int damage = 0; damage < 2; damage++) {
		CHECK_EQ(send_traced(queue, "body", "trace"), 0);
		slot = &queue->seg->ring[0].slots[damage];
		extra = message_inline(queue->seg, slot) + 4;
		CHECK_EQ(slot->message.extra_bytes, 8 + 5);
		CHECK_EQ(extra[0], NOTE_TRACE);
		extra[damage == 0 ? 0 : 4]++;
		CHECK_EQ(receive_now(queue, &message, 1), RLQ_EDAMAGED);
		rlq_purge(queue, NULL);
	}
	queues_end();
}

int main(int argc, char **argv)
{
	return cases_run(argc, argv);
}
