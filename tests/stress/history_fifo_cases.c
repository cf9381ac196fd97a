/* What the checker finds in histories of FIFO queues. */
#include "tests/stress/history_cases.h"

enum { WINDOW_MS = 1000 };

/* Number `sequence` of a group, with the deduplication id of the same number as the message. */
static struct history_event fifo_send(uint64_t id, uint32_t group, uint64_t sequence, int64_t start_ms)
{
	struct history_event event = send_event(id, HISTORY_DONE);

	event.start_ns = start_ms * MS;
	event.end_ns = (start_ms + 1) * MS;
	event.group = group;
	event.sequence = sequence;
	event.dedup_id = (uint32_t)id;
	return event;
}

/* A send of the same deduplication id as `first`, answered with its id. */
static struct history_event fifo_again(uint64_t id, struct history_event first, int64_t start_ms)
{
	first.id = id;
	first.is_duplicate = true;
	first.start_ns = start_ms * MS;
	first.end_ns = (start_ms + 1) * MS;
	return first;
}

static struct history_event fifo_receive(struct history_event send, uint32_t count, int64_t start_ms)
{
	struct history_event event = receive_event(send.id, count, start_ms);

	event.group = send.group;
	event.sequence = send.sequence;
	return event;
}

static struct history_event fifo_delete(struct history_event send, uint32_t count, int64_t start_ms)
{
	return delete_event(send.id, count, start_ms, HISTORY_DONE);
}

/* Sent, received once and deleted. */
static void add_whole(struct history_event send, int64_t receive_ms, int64_t delete_ms)
{
	add(0, send);
	add(0, fifo_receive(send, 1, receive_ms));
	add(0, fifo_delete(send, 1, delete_ms));
}

static struct history_event a1, a2, a3, b1;

/* Group 1 has three messages: the first two are received by one call, deleted, then the third, which outlives a
 * lease. Group 2 has one, received meanwhile; and a duplicate is sent, and a send is repeated whose answer is
 * unknown. */
static void write_sound_fifo(void)
{
	struct history_event unknown = fifo_send(5, 2, 0, 9);

	history_log_clear(told.log[0]);
	history_log_clear(told.log[1]);
	a1 = fifo_send(1, 1, 10, 1);
	a2 = fifo_send(2, 1, 11, 3);
	b1 = fifo_send(3, 2, 12, 5);
	a3 = fifo_send(4, 1, 13, 7);
	unknown.outcome = HISTORY_UNKNOWN;
	unknown.end_ns = 0;
	add(0, a1);
	add(0, a2);
	add(0, b1);
	add(0, a3);
	add(0, unknown);
	add(0, fifo_again(6, a1, 11));
	add(1, fifo_receive(a1, 1, 20));
	add(1, fifo_receive(a2, 1, 20));
	add(0, fifo_receive(b1, 1, 22));
	add(1, fifo_delete(a2, 1, 24));
	add(1, fifo_delete(a1, 1, 26));
	add(0, fifo_delete(b1, 1, 28));
	add(1, fifo_receive(a3, 1, 30));
	add(0, fifo_receive(a3, 2, 70));
	add(0, fifo_delete(a3, 2, 80));
}

static void find_disorder(void)
{
	struct history_event a4 = fifo_send(9, 1, 14, 90), a5 = fifo_send(10, 1, 15, 92),
			     held = fifo_receive(a4, 1, 100);

	expect("a sound history of a FIFO queue has no fault", NULL);
	add(0, a4);
	add(0, a5);
	add(0, fifo_receive(a5, 1, 110));
	add(0, fifo_receive(a4, 1, 120));
	add(0, fifo_delete(a4, 1, 122));
	add(0, fifo_delete(a5, 1, 124));
	expect("a message that comes before one that was there is out of order",
	       "order, before one that was there: message 9");
	add(0, a4);
	add(0, a5);
	add(0, held);
	add(1, fifo_receive(a5, 1, 110));
	add(0, fifo_delete(a4, 1, 122));
	add(0, fifo_delete(a5, 1, 124));
	expect("a message behind one in flight is out of order", "order, behind one in flight: message 9");
	add(0, a4);
	add(0, a5);
	held.lease_ns = 100 * MS;
	add(0, held);
	add(0, fifo_receive(a5, 1, 100));
	add(1, fifo_receive(a5, 2, 140));
	add(0, fifo_delete(a4, 1, 150));
	add(0, fifo_delete(a5, 2, 152));
	expect("also if both were received by one call before", "order, behind one in flight: message 9");
	add(0, a4);
	add(0, a5);
	add(0, held);
	add(0, fifo_delete(a4, 1, 108));
	add(1, fifo_receive(a5, 1, 108));
	add(0, fifo_delete(a5, 1, 124));
	expect("a message comes when the delete of the one before it may have been done", NULL);
	a4.outcome = HISTORY_UNKNOWN;
	add(0, a4);
	add(0, a5);
	add(1, fifo_receive(a5, 1, 110));
	a4.outcome = HISTORY_DONE;
	add(0, fifo_receive(a4, 1, 120));
	add(0, fifo_delete(a4, 1, 122));
	add(0, fifo_delete(a5, 1, 124));
	expect("also one whose send never answered keeps its place", "order, before one that was there: message 9");
}

static void find_moved_disorder(void)
{
	struct history_event a4 = fifo_send(9, 1, 14, 90), a5 = fifo_send(10, 1, 15, 92);
	struct history_event from_dlq = fifo_receive(a4, 6, 140), deletion = fifo_delete(a4, 6, 150);

	from_dlq.is_dlq = deletion.is_dlq = 1;
	add(0, a4);
	add(0, a5);
	add(0, fifo_receive(a4, 1, 100));
	add(0, fifo_receive(a5, 1, 135));
	add(0, fifo_delete(a5, 1, 137));
	from_dlq.sequence = 3; /* the DLQ counts for itself */
	add(0, from_dlq);
	add(0, deletion);
	expect("a message that may be in the DLQ holds nobody up", NULL);
	add(0, a4);
	add(0, a5);
	from_dlq.sequence = 3;
	add(0, from_dlq);
	add(0, deletion);
	from_dlq = fifo_receive(a5, 6, 110);
	from_dlq.sequence = 4;
	from_dlq.is_dlq = deletion.is_dlq = 1;
	add(1, from_dlq);
	deletion.id = a5.id;
	add(1, deletion);
	expect("the DLQ has its order too", "order, before one that was there: message 9");
}

/* What comes is not quite what was sent. */
static void add_received_as(struct history_event send, struct history_event received)
{
	add(0, send);
	add(0, received);
	add(0, fifo_delete(send, 1, 110));
}

static void find_bad_numbers(void)
{
	struct history_event a4 = fifo_send(9, 1, 14, 90), received;

	a4.sequence = 12;
	add_whole(a4, 100, 110);
	expect("two messages with one number are found", "sequence, twice: message 3");
	a4 = fifo_send(9, 2, 9, 90);
	add_whole(a4, 100, 110);
	expect("a number that does not rise is found", "sequence, not rising: message 4");
	a4 = fifo_send(9, 1, 14, 90);
	received = fifo_receive(a4, 1, 100);
	received.sequence = 15;
	add_received_as(a4, received);
	expect("a number that changes is found", "sequence, another one than at the send: message 9");
	received = fifo_receive(a4, 1, 100);
	received.group = 7;
	add_received_as(a4, received);
	expect("a group that changes is found", "other group: message 9");
}

static void find_duplicates(void)
{
	struct history_event again = fifo_again(9, a2, 90), other = again;

	add(0, again);
	expect("a duplicate need not be delivered", NULL);
	add_whole(again, 100, 110);
	expect("a duplicate that is delivered is found", "duplicate, delivered: message 2");
	other.message_id[0] = 77;
	add(0, other);
	expect("a duplicate with an id of its own is found", "duplicate, answered with another id: message 2");
	other = again;
	other.sequence = 14;
	add(0, other);
	expect("a duplicate with a number of its own is found", "duplicate, answered with another id: message 2");
	other.is_duplicate = false;
	other.message_id[0] = 77;
	add_whole(other, 100, 110);
	expect("a duplicate that is taken for new is found", "duplicate, taken for new: message 2");
	other.start_ns = (3 + WINDOW_MS + 10) * MS;
	other.end_ns = (3 + WINDOW_MS + 11) * MS;
	add_whole(other, WINDOW_MS + 20, WINDOW_MS + 30);
	expect("an id may be used again after the window", NULL);
	other = fifo_again(9, a2, 3 + WINDOW_MS + 20);
	add(0, other);
	expect("a send after the window is no duplicate", "not a duplicate: message 9");
	again.dedup_id = 99;
	add(0, again);
	expect("a send of an id that nobody sent is no duplicate", "not a duplicate: message 9");
	again = fifo_again(9, a2, 90);
	again.group = 2;
	again.is_duplicate = false;
	again.message_id[0] = 77;
	again.sequence = 14;
	told.dedup_by_group = true;
	add_whole(again, 100, 110);
	expect("another group may use the same id, if groups are the scope", NULL);
	told.dedup_by_group = false;
}

static void find_repeated_sends(void)
{
	struct history_event answered = fifo_send(5, 2, 14, 90), other;

	add(0, answered);
	expect("a repeated send that is acknowledged and never seen again is lost", "lost: message 5");
	answered.is_duplicate = true;
	add(0, answered);
	expect("also if it was answered as a duplicate of the first try", "lost: message 5");
	add_whole(answered, 100, 105);
	expect("a repeated send is one message", NULL);
	add_whole(answered, 100, 105);
	add(0, fifo_receive(answered, 1, 110));
	add(0, fifo_delete(answered, 1, 115));
	expect("two messages of it are found", "double lease, same receive count: message 5");
	add(0, answered);
	other = fifo_again(5, answered, 95);
	other.message_id[0] = 77;
	add(0, other);
	add(0, fifo_receive(answered, 1, 100));
	add(0, fifo_delete(answered, 1, 105));
	expect("all who repeat it hear of one message", "duplicates, answered with two ids: message 5");
	add(0, answered);
	other = fifo_receive(answered, 1, 100);
	other.sequence = 99;
	add(0, other);
	add(0, fifo_delete(answered, 1, 105));
	expect("and of its number", "sequence, another one than at the send: message 5");
}

static struct history_event fifo_peek(struct history_event send, int64_t start_ms)
{
	struct history_event event = fifo_receive(send, 0, start_ms);

	event.kind = HISTORY_PEEK;
	return event;
}

static void find_faults_over_reboots(void)
{
	struct history_event a4 = fifo_send(9, 1, 14, 90), a5 = fifo_send(10, 1, 15, 92),
			     later = fifo_receive(a4, 1, 105), deletion = fifo_delete(a4, 1, 107);

	later.epoch = deletion.epoch = 1;
	add(0, a4);
	add(0, fifo_receive(a4, 1, 100));
	add(1, later);
	add(1, deletion);
	expect("a lease, and its count, do not outlive a reboot", NULL);
	add(0, a4);
	add(0, fifo_receive(a4, 1, 100));
	add(0, fifo_delete(a4, 1, 102));
	add(1, later);
	expect("a delete does", "received after its delete: message 9");
	later = fifo_receive(a5, 1, 105);
	later.epoch = deletion.epoch = 1;
	deletion.id = a5.id;
	add(0, a4);
	add(0, a5);
	add(1, later);
	add(1, deletion);
	add(1, fifo_peek(a4, 110));
	expect("and so does the order", "order, before one that was there: message 9");
}

static void find_faults_of_what_is_left(void)
{
	struct history_event a4 = fifo_send(9, 1, 14, 90), other = a4;

	add(0, a4);
	add(1, fifo_peek(a4, 110));
	expect("what is there at the end is not lost", NULL);
	add(1, fifo_peek(a4, 110));
	expect("what is there was sent", "invented: message 9");
	add(0, a4);
	add(0, fifo_receive(a4, 1, 100));
	add(0, fifo_delete(a4, 1, 102));
	add(1, fifo_peek(a4, 110));
	expect("what is there was not deleted", "there after its delete: message 9");
	told.is_cut = true;
	add(0, a4);
	add(0, fifo_receive(a4, 1, 100));
	add(0, fifo_delete(a4, 1, 102));
	add(1, fifo_peek(a4, 110));
	expect("unless a reboot has undone that", NULL);
	add(1, fifo_peek(a4, 110));
	expect("or what was before this history", NULL);
	add(0, a4);
	expect("and has undone sends", NULL);
	told.is_cut = false;
	other.sequence = 20;
	add(0, a4);
	add(1, fifo_peek(other, 110));
	expect("what is there has the number that it was given",
	       "sequence, another one than at the send: message 9");
}

static void find_late_deletes(void)
{
	struct history_event a4 = fifo_send(9, 1, 14, 90), change = fifo_receive(a4, 1, 105);

	add_whole(a4, 100, 145);
	expect("a delete after the lease is too late", "late delete: message 9");
	change.kind = HISTORY_EXTEND;
	add(0, a4);
	add(0, fifo_receive(a4, 1, 100));
	change.start_ns = 120 * MS;
	change.end_ns = 121 * MS;
	add(0, change);
	add(0, fifo_delete(a4, 1, 145));
	expect("a delete after an extension is not", NULL);
	change.kind = HISTORY_CHANGE;
	add(0, a4);
	add(0, fifo_receive(a4, 1, 100));
	add(0, change);
	add(0, fifo_delete(a4, 1, 125));
	expect("a delete after a release is too late", "late delete: message 9");
}

void find_fifo_faults(void)
{
	write_sound = write_sound_fifo;
	told.is_fifo = true;
	told.dedup_window_ns = WINDOW_MS * INT64_C(1000000);
	write_sound();
	find_disorder();
	find_moved_disorder();
	told.receives_max = 0;
	find_disorder();
	find_bad_numbers();
	find_duplicates();
	find_repeated_sends();
	find_faults_over_reboots();
	find_faults_of_what_is_left();
	find_late_deletes();
}
