/* What clients do when no engine is prompt: one that is stopped or was killed, and none at all. The engine is
 * a process of its own, mostly under the clock that the test moves. A client that finds nothing, or waits,
 * reaps as soon as the engine is late; one that always succeeds does so every REAP_EVERY_CALLS calls. */
#include "client/internal.h"
#include "kmod-free/clock.h"
#include "ringlease-engine.h"
#include "tests/support/cases.h"
#include "tests/support/child.h"
#include "tests/support/queue_fixture.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

enum {
	LEASE_MS = 1000,
	GRACE_MS = 30000, /* until a used-up message is moved that nobody receives */
	WAIT_MS = 20000,
};

static struct rlq_queue *queue;
static struct rlq_message message, again;
static pid_t engine;

/* The case's watchdog ends us if it never comes true. */
#define AWAIT(condition)                                                                                           \
	while (!(condition))                                                                                       \
	sched_yield()

/* ---- the engine ------------------------------------------------------------------------------- */

static void engine_main(void *context)
{
	struct rlq_engine *served;

	(void)context;
	if (rlq_engine_open(queues_path(), NULL, &served) == 0)
		rlq_engine_run(served);
}

static void engine_starts(void)
{
	engine = child_start(engine_main, NULL);
	AWAIT(rlq_directory_has_engine(queues_directory()));
}

/* In the middle of whatever it is doing; it may have just promised to be awake in a second. */
static void engine_stops(void)
{
	int status;

	child_signal(engine, SIGSTOP);
	CHECK(child_wait_stopped(engine, &status));
}

static void engine_dies(void)
{
	child_signal(engine, SIGKILL);
	CHECK(child_was_killed(child_wait(engine), SIGKILL));
}

static enum slot_state state_of(struct rlq_queue *of, uint32_t slot)
{
	return word_state(slot_read(&of->seg->ring[0].slots[slot]));
}

/* Without a call. */
static bool is_anything(struct rlq_queue *of, enum slot_state state)
{
	for (uint32_t slot = 0; slot < ring_slot_count(&of->seg->ring[0]); slot++)
		if (state_of(of, slot) == state)
			return true;
	return false;
}

/* It goes on where it stood: it is prompt again and does its work while nobody calls, all is in order, and
 * the queue is empty but for what it brings back. */
static void engine_goes_on(void)
{
	uint64_t until_ms = boot_now();

	child_signal(engine, SIGCONT);
	AWAIT(load_seq(&queues_directory()->seg.engine->awake_by_ms) >= until_ms);
	CHECK_TEXT(drain(queue), "");
	CHECK_EQ(send_delayed(queue, "last", LEASE_MS), 0);
	time_passes(LEASE_MS + LEASE_SLACK_MS);
	AWAIT(is_anything(queue, SLOT_READY));
	CHECK_TEXT(drain(queue), "last");
	CHECK_EQ(faults_of("q"), 0);
	engine_dies();
}

/* From now on it is too late, whatever it had promised: nobody promises more than what is due then. */
static void engine_becomes_late(void)
{
	time_passes(LEASE_MS + LEASE_SLACK_MS + ENGINE_PATIENCE_MS + 1);
}

static void begin(void)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	queues_begin();
	attributes.visibility_ms = LEASE_MS;
	queue = queue_make("q", &attributes);
}

/* ---- a late engine ---------------------------------------------------------------------------- */

static void lease_comes_back(void (*leaves)(void))
{
	begin();
	engine_starts();
	send_text(queue, "a");
	message = receive_one(queue);
	leaves();
	CHECK_EQ(receive_now(queue, &again, 1), 0);
	engine_becomes_late();
	again = receive_one(queue);
	CHECK(memcmp(&again.id, &message.id, sizeof(again.id)) == 0);
	CHECK_EQ(again.receive_count, 2);
	CHECK_EQ(rlq_delete(queue, &message.receipt), RLQ_ESTALE);
	CHECK_EQ(rlq_delete(queue, &again.receipt), 0);
}

CASE(a_lease_ends_while_the_engine_is_stopped)
{
	lease_comes_back(engine_stops);
	engine_goes_on();
	queues_end();
}

CASE(a_lease_ends_after_the_engine_was_killed)
{
	lease_comes_back(engine_dies);
	queues_end();
}

CASE(a_delayed_message_becomes_visible_while_the_engine_is_stopped)
{
	begin();
	engine_starts();
	engine_stops();
	CHECK_EQ(send_delayed(queue, "a", LEASE_MS), 0);
	CHECK_EQ(receive_now(queue, &message, 1), 0);
	engine_becomes_late();
	CHECK_TEXT(drain(queue), "a");
	engine_goes_on();
	queues_end();
}

static void *wait_and_receive(void *result)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;

	options.wait_ms = WAIT_MS;
	*(int *)result = rlq_receive(queue, &again, 1, &options);
	return NULL;
}

/* It sleeps as long as the engine has promised, then looks itself. */
CASE(a_waiting_client_gets_what_comes_back_while_the_engine_is_stopped)
{
	struct rlq_queue *other;
	pthread_t waiter;
	int result = -1;

	begin();
	other = queue_again("q");
	engine_starts();
	send_text(queue, "a");
	message = receive_one(other);
	engine_stops();
	CHECK_EQ(pthread_create(&waiter, NULL, wait_and_receive, &result), 0);
	AWAIT(event_has_sleepers(&queue->seg->header->consumers));
	engine_becomes_late();
	pthread_join(waiter, NULL); /* time stands still until it has its message */
	CHECK_EQ(result, 1);
	CHECK_EQ(again.receive_count, 2);
	CHECK_EQ(rlq_delete(queue, &again.receipt), 0);
	engine_goes_on();
	queues_end();
}

/* Under the kernel's clock, which alone shows that it wakes by itself. */
CASE(a_client_wakes_from_its_sleep_when_the_engine_becomes_late)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;

	begin();
	os_clock_fake(NULL);
	queue = queue_again("q"); /* a handle keeps the time it has read */
	engine_starts();
	send_text(queue, "a");
	CHECK_EQ(receive_for(queue, &message, 100), 1);
	engine_stops();
	options.wait_ms = 5000;
	CHECK_EQ(rlq_receive(queue, &again, 1, &options), 1);
	CHECK_EQ(again.receive_count, 2);
	engine_dies();
	queues_end();
}

CASE(a_used_up_message_goes_to_the_dlq_while_the_engine_is_stopped)
{
	struct rlq_queue *dlq;

	queues_begin();
	queue = queue_with_dlq("q", 1, &dlq);
	engine_starts();
	send_text(queue, "poison");
	message = receive_one(queue);
	engine_stops();
	engine_becomes_late();
	CHECK_EQ(receive_now(queue, &again, 1), 0);
	CHECK_TEXT(drain(dlq), "poison");
	engine_goes_on();
	CHECK_EQ(faults_of("dlq"), 0);
	queues_end();
}

/* ---- clients that always succeed -------------------------------------------------------------- */

/* As many sends as make the handle reap, each of which finds room. */
static void keep_sending(void)
{
	for (int i = 0; i < REAP_EVERY_CALLS; i++)
		CHECK_EQ(rlq_send(queue, "more", 4, NULL, NULL), 0);
}

CASE(a_client_that_only_sends_ends_the_leases_of_others)
{
	begin();
	send_text(queue, "a");
	message = receive_one(queue_again("q"));
	time_passes(LEASE_MS + LEASE_SLACK_MS);
	CHECK_EQ(state_of(queue, 0), SLOT_LEASED);
	keep_sending();
	CHECK_EQ(state_of(queue, 0), SLOT_READY);
	again = receive_one(queue_again("q"));
	CHECK(memcmp(&again.id, &message.id, sizeof(again.id)) == 0);
	queues_end();
}

static void reserve_one(void *context)
{
	struct rlq_reservation reservation;
	struct rlq_directory *directory;
	struct rlq_queue *own;

	(void)context;
	CHECK_EQ(rlq_directory_open(queues_path(), &directory), 0);
	CHECK_EQ(rlq_queue_open(directory, "q", &own), 0);
	CHECK_EQ(rlq_reserve(own, 16, NULL, &reservation), 0);
}

CASE(a_client_that_only_sends_takes_back_what_a_killed_process_had)
{
	begin();
	time_passes(SWEEP_MS);
	die_doing(reserve_one, NULL);
	CHECK_EQ(state_of(queue, 0), SLOT_WRITING);
	CHECK_EQ(stat_of(queue).handles, 2);
	keep_sending();
	CHECK_EQ(state_of(queue, 0), SLOT_FREE);
	CHECK_EQ(stat_of(queue).handles, 1);
	queues_end();
}

CASE(a_client_that_only_sends_moves_to_the_dlq_what_nobody_receives)
{
	struct rlq_queue *dlq;

	queues_begin();
	queue = queue_with_dlq("q", 1, &dlq);
	send_text(queue, "poison");
	receive_one(queue_again("q"));
	time_passes(LEASE_MS + LEASE_SLACK_MS + GRACE_MS);
	keep_sending();
	CHECK_TEXT(drain(dlq), "poison");
	queues_end();
}

/* Twice as many messages as one handle must receive before it reaps, in few calls. */
static void fill(void)
{
	static struct rlq_send_entry entries[RLQ_BATCH_MAX];

	for (int i = 0; i < RLQ_BATCH_MAX; i++)
		entries[i] = (struct rlq_send_entry){.body = "more", .body_bytes = 4, .delay_ms = RLQ_DEFAULT};
	for (int i = 0; i < 2; i++)
		CHECK_EQ(rlq_send_batch(queue, entries, RLQ_BATCH_MAX, NULL, NULL), RLQ_BATCH_MAX);
}

CASE(a_client_that_always_receives_something_gets_what_comes_back)
{
	struct rlq_queue *consumer;
	int received = 0;

	begin();
	consumer = queue_again("q");
	send_text(queue, "a");
	message = receive_one(queue);
	fill();
	time_passes(LEASE_MS + LEASE_SLACK_MS);
	do {
		CHECK(received < REAP_EVERY_CALLS + RING_HEAD_EVERY);
		again = receive_one(consumer);
		received++;
		CHECK_EQ(rlq_delete(consumer, &again.receipt), 0);
	} while (again.receive_count == 1);
	CHECK(memcmp(&again.id, &message.id, sizeof(again.id)) == 0);
	queues_end();
}

int main(int argc, char **argv)
{
	return cases_run(argc, argv);
}
