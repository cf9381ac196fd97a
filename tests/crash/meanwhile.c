/* What others do between any two steps of a call: before each operation on a shared word in turn, whole calls of
 * another handle, so that ours loses each race that it can lose to them. Whatever that was, what was sent is
 * received once and in the order of its group, and verify finds nothing.
 *
 * Of FIFO queues, whose calls have many such places; the explorer has those of the others. */
#include "client/internal.h"
#include "ring/groups.h"
#include "shm/fifo.h"
#include "tests/crash/crash.h"
#include "tests/support/cases.h"
#include "tests/support/queue_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES_MAX = 4096, WINDOW_MS = 10000, LEASE_MS = 1000, STEPS_MOST = 100000 };

static struct rlq_queue *ours, *theirs;
static struct rlq_message leased; /* ours */
static struct crash_plan plan;

/* By number, which is the body. */
static uint32_t sent_count;
static enum fate { BEING_SENT, SENT, NOT_SENT, UNKNOWN } fate[MESSAGES_MAX];
static uint32_t taken[MESSAGES_MAX];

/* ---- what is called ----------------------------------------------------------------------------------- */

/* With an id of its own if it is NULL. */
static void send(struct rlq_queue *queue, const char *group, const char *dedup_id)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	uint32_t number = sent_count++;
	struct rlq_sent sent;
	char body[16];
	int error;

	CHECK(number < MESSAGES_MAX);
	snprintf(body, sizeof(body), "%u", number);
	fate[number] = BEING_SENT;
	taken[number] = 0;
	options.group = group;
	options.dedup_id = dedup_id ? dedup_id : body;
	options.ret_sent = &sent;
	error = rlq_send(queue, body, strlen(body) + 1, &options, NULL);
	CHECK(error == 0 || error == RLQ_EUNKNOWN);
	if (fate[number] == BEING_SENT) /* not purged meanwhile */
		fate[number] = error ? UNKNOWN : sent.is_duplicate ? NOT_SENT : SENT;
}

static void delete (struct rlq_queue *queue, const struct rlq_message *message)
{
	uint32_t number = (uint32_t)strtoul(message->body, NULL, 10);

	if (rlq_delete(queue, &message->receipt) == 0) {
		CHECK(fate[number] != NOT_SENT);
		CHECK_EQ(++taken[number], 1);
	}
}

/* Receives and deletes all that can be had; the numbers of a group rise. */
static uint32_t take_all(struct rlq_queue *queue)
{
	struct rlq_message message[10];
	uint64_t last[2] = {0};
	uint32_t all = 0;
	int count;

	while ((count = receive_now(queue, message, 10)) > 0)
		for (int i = 0; i < count; i++) {
			bool is_other = strcmp(message[i].group, "g") != 0;

			CHECK(message[i].sequence > last[is_other]);
			last[is_other] = message[i].sequence;
			delete (queue, &message[i]);
			all++;
		}
	CHECK_EQ(count, 0);
	return all;
}

/* An engine is there, and prompt: what it does, the test does. */
static void promise_engine(void)
{
	atomic_store(&ours->directory->seg.engine->awake_by_ms, boot_now() + ENGINE_SLEEP_MAX_MS);
}

static void pass(int64_t ms)
{
	time_passes(ms);
	promise_engine();
}

/* ---- our calls ---------------------------------------------------------------------------------------- */

static void send_one(void)
{
	send(ours, "g", NULL);
}

static void send_once_more(void)
{
	send(ours, "g", "same");
}

static void take_one(void)
{
	struct rlq_message message;

	if (receive_now(ours, &message, 1) == 1)
		delete (ours, &message);
}

static void delete_leased(void)
{
	delete (ours, &leased);
}

static void release_leased(void)
{
	rlq_release(ours, &leased.receipt, 0);
}

static void sweep(void)
{
	sweep_now(ours);
}

/* ---- and theirs --------------------------------------------------------------------------------------- */

static void take_and_sweep(void)
{
	take_all(theirs);
	sweep_now(theirs);
}

static void send_and_take(void)
{
	send(theirs, "g", "same");
	send(theirs, "g", NULL);
	take_all(theirs);
}

/* As who is told that the journal has no room for it: the first message goes, and its id is free again. */
static void take_first_back(void)
{
	struct slot *slot = &theirs->seg->ring[0].slots[0];
	struct slot_word word = slot_read(slot), pending = word_with_state(word, SLOT_PENDING);

	if (word_state(word) != SLOT_READY || !slot_change(slot, word, pending))
		return;
	CHECK_EQ(seg_enter(theirs->seg), 0);
	CHECK(fifo_take_back(theirs->seg, 0, 0, pending));
	seg_leave(theirs->seg);
	fate[0] = NOT_SENT;
}

static void purge(void)
{
	CHECK_EQ(rlq_purge(theirs, NULL), 0);
	for (uint32_t number = 0; number < sent_count; number++)
		if (fate[number] == SENT || fate[number] == BEING_SENT)
			fate[number] = UNKNOWN;
}

/* As groups do that come and go with the same cells. */
static void wear_out(const struct group_table *table)
{
	for (uint32_t i = 0; i < UINT32_C(1) << table->order; i++)
		if (load_relaxed(&table->cells[i].low) == 0)
			store_seq(&table->cells[i].high, load_relaxed(&table->cells[i].high) | GROUP_SEALED);
}

/* The table of groups is replaced, and the older one goes. */
static void replace_groups(void)
{
	const struct groups *groups = &theirs->seg->groups;

	wear_out(&groups->table[groups->table_count - 1]);
	send(theirs, "h", NULL);
	for (int sweeps = 0; sweeps < 3; sweeps++)
		sweep_now(theirs);
}

/* Tables of ids come and go, the one that is there now too: what was stamped before is too old to be judged. */
static void outlive_windows(void)
{
	pass(1);
	for (int i = 0; i < 4; i++) {
		send(theirs, "h", NULL);
		pass(WINDOW_MS);
		sweep_now(theirs);
	}
}

/* ---- each of ours against each of theirs -------------------------------------------------------------- */

static void begin(void)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.type = RLQ_FIFO;
	attributes.visibility_ms = LEASE_MS;
	attributes.capacity = 100;
	attributes.dedup_max = 1000;
	attributes.dedup_window_ms = WINDOW_MS;
	queues_begin();
	ours = queue_make("q.fifo", &attributes);
	theirs = queue_again("q.fifo");
	promise_engine();
	sent_count = 0;
	send(ours, "g", "same");
	send(ours, "g", NULL);
	send(ours, "g", NULL);
}

static void end(void)
{
	pass(LEASE_MS + LEASE_SLACK_MS);
	sweep_now(theirs);
	take_all(ours);
	sweep_now(theirs);
	CHECK_EQ(take_all(theirs), 0);
	for (uint32_t number = 0; number < sent_count; number++)
		CHECK(taken[number] == (fate[number] == SENT) || (fate[number] == UNKNOWN && taken[number] <= 1));
	CHECK_EQ(faults_of("q.fifo"), 0);
	queues_end();
}

static void meet(bool has_lease, void (*call)(void), void (*meanwhile)(void), uint64_t stride)
{
	uint64_t at = 1;

	for (;; at += stride) {
		begin();
		if (has_lease)
			leased = receive_one(ours);
		plan = (struct crash_plan){.mode = CRASH_AT_STEP, .nth = at, .meanwhile = meanwhile};
		crash_arm(&plan);
		call();
		crash_arm(NULL);
		end();
		if (plan.mode == CRASH_AT_STEP) /* it had ended before */
			break;
		CHECK(at < STEPS_MOST);
	}
	CHECK(at > 1);
}

static void meet_all(bool has_lease, void (*call)(void), uint64_t stride)
{
	meet(has_lease, call, take_and_sweep, stride);
	meet(has_lease, call, send_and_take, stride);
	meet(has_lease, call, take_first_back, stride);
	meet(has_lease, call, purge, stride);
	meet(has_lease, call, replace_groups, stride);
	meet(has_lease, call, outlive_windows, stride);
}

CASE(a_send_goes_on_whatever_was_done_meanwhile)
{
	meet_all(false, send_one, 1);
}

CASE(a_duplicate_stays_one_whatever_was_done_meanwhile)
{
	meet_all(false, send_once_more, 1);
}

CASE(a_receive_and_a_delete_go_on_whatever_was_done_meanwhile)
{
	meet_all(false, take_one, 1);
}

CASE(a_delete_of_the_head_goes_on_whatever_was_done_meanwhile)
{
	meet_all(true, delete_leased, 1);
}

CASE(a_release_of_the_head_goes_on_whatever_was_done_meanwhile)
{
	meet_all(true, release_leased, 1);
}

CASE(a_sweep_goes_on_whatever_was_done_meanwhile)
{
	meet_all(true, sweep, 101);
}

int main(int argc, char **argv)
{
	return cases_run(argc, argv);
}
