/* What a call costs, in operations on shared words: in steady traffic, beside stopped processes, and where
 * it has to walk. docs/PROMISES.md has the table; here each bound of it is a test.
 *
 * A stopped producer is a reservation that is never published, a stopped consumer a lease that never ends:
 * just what they look like to the others. Exit 0 or 1. */
#include "client/internal.h"
#include "shm/layout.h"
#include "tests/crash/crash.h"
#include "tests/support/queue_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY = 896, SLOTS = 1024, LEASED = CAPACITY - 8, STOPPED = 64, ROUNDS = 2048 };

static struct rlq_queue *queue;
static struct rlq_message message[RLQ_BATCH_MAX];
static struct rlq_reservation reservation[CAPACITY];
static uint32_t reserved, failures, passed;

static void must(int code, const char *what)
{
	if (code >= 0)
		return;
	fprintf(stderr, "step_bounds: %s: %s\n", what, rlq_strerror(code));
	exit(1);
}

/* ---- settings ------------------------------------------------------------------------------------- */

static void send_one(void)
{
	must(rlq_send(queue, "x", 1, NULL, NULL), "send");
}

/* To a FIFO queue; each has an id of its own. */
static void send_to(uint32_t group)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	char group_id[16], dedup_id[16];
	static uint32_t count;

	snprintf(group_id, sizeof(group_id), "%u", group);
	snprintf(dedup_id, sizeof(dedup_id), "%u", count++);
	options.group = group_id;
	options.dedup_id = dedup_id;
	must(rlq_send(queue, "x", 1, &options, NULL), "send to a group");
}

static void take(size_t count)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;

	options.visibility_ms = RLQ_VISIBILITY_MAX_MS;
	must(rlq_receive(queue, message, count, &options), "receive");
}

static void steady(void)
{
	for (int i = 0; i < 100; i++)
		send_one();
	for (int i = 0; i < 50; i++) {
		take(1);
		must(rlq_delete(queue, &message[0].receipt), "delete");
		send_one();
	}
}

/* Producers that have claimed and do not publish, then one message. */
static void stopped_producers(void)
{
	for (reserved = 0; reserved < STOPPED; reserved++)
		must(rlq_reserve(queue, 1, NULL, &reservation[reserved]), "reserve");
	send_one();
}

static void pass_through(uint32_t messages)
{
	for (uint32_t i = 0; i < messages; i++) {
		send_one();
		take(1);
		must(rlq_delete(queue, &message[0].receipt), "delete");
	}
}

/* Leases in most slots; the next send, a lap later, is the first to meet them. */
static void stopped_consumers(void)
{
	for (int i = 0; i < LEASED; i++)
		send_one();
	take(LEASED);
	pass_through(SLOTS - LEASED);
}

/* The same, met before: the slots have their marks. */
static void stopped_consumers_known(void)
{
	stopped_consumers();
	pass_through(2 * (SLOTS - LEASED));
}

static void empty(void)
{
	steady();
	while (rlq_receive(queue, message, 1, NULL) > 0)
		must(rlq_delete(queue, &message[0].receipt), "delete");
}

static void full(void)
{
	for (int i = 0; i < CAPACITY; i++)
		send_one();
}

/* ---- calls ---------------------------------------------------------------------------------------- */

/* Each brings the setting back, outside of what is counted. */
static uint64_t steps_of_send(void)
{
	uint64_t steps;

	crash_steps_taken();
	send_one();
	steps = crash_steps_taken();
	take(1);
	must(rlq_delete(queue, &message[0].receipt), "delete");
	return steps;
}

static uint64_t steps_of_receive(void)
{
	uint64_t steps;

	crash_steps_taken();
	take(1);
	steps = crash_steps_taken();
	must(rlq_delete(queue, &message[0].receipt), "delete");
	send_one();
	return steps;
}

static uint64_t steps_of_delete(void)
{
	uint64_t steps;

	take(1);
	crash_steps_taken();
	must(rlq_delete(queue, &message[0].receipt), "delete");
	steps = crash_steps_taken();
	send_one();
	return steps;
}

static uint64_t steps_of_extend(void)
{
	uint64_t steps;

	take(1);
	crash_steps_taken();
	must(rlq_extend(queue, &message[0].receipt, 1000), "extend");
	steps = crash_steps_taken();
	must(rlq_delete(queue, &message[0].receipt), "delete");
	send_one();
	return steps;
}

static uint64_t steps_of_release(void)
{
	uint64_t steps;

	take(1);
	crash_steps_taken();
	must(rlq_release(queue, &message[0].receipt, 0), "release");
	steps = crash_steps_taken();
	return steps;
}

static uint64_t steps_of_empty(void)
{
	crash_steps_taken();
	if (rlq_receive(queue, message, 1, NULL) != 0)
		must(RLQ_EDAMAGED, "the queue should be empty");
	return crash_steps_taken();
}

static uint64_t steps_of_full(void)
{
	crash_steps_taken();
	if (rlq_send(queue, "x", 1, NULL, NULL) != RLQ_EFULL)
		must(RLQ_EDAMAGED, "the queue should be full");
	return crash_steps_taken();
}

static uint64_t steps_of_publish(void)
{
	struct rlq_reservation last;
	uint64_t steps;

	must(rlq_reserve(queue, 1, NULL, &last), "reserve");
	crash_steps_taken();
	must(rlq_publish(queue, &last, NULL), "publish");
	steps = crash_steps_taken();
	take(1);
	must(rlq_delete(queue, &message[0].receipt), "delete");
	return steps;
}

static uint64_t steps_of_purge(void)
{
	uint64_t steps;

	crash_steps_taken();
	must(rlq_purge(queue, NULL), "purge");
	steps = crash_steps_taken();
	full();
	return steps;
}

/* One at a time, as often as there are messages: none walks over what is gone. */
static uint64_t steps_of_redrive(void)
{
	uint64_t moved;

	crash_steps_taken();
	must(rlq_redrive(queue, "target", 1, &moved), "redrive");
	if (moved != 1)
		must(RLQ_EDAMAGED, "there should be one to move");
	return crash_steps_taken();
}

static void full_beside_another(void)
{
	full();
	queue_of("target", CAPACITY);
}

/* Without an engine, one call in REAP_EVERY_CALLS takes a step of the sweep, if a second has gone by. */
static uint64_t steps_of_reaping_call(void)
{
	struct rlq_receipt receipt;
	uint64_t most = 0;

	take(1);
	receipt = message[0].receipt;
	time_passes(SWEEP_MS);
	for (int i = 0; i < REAP_EVERY_CALLS; i++) {
		uint64_t steps;

		crash_steps_taken();
		must(rlq_extend(queue, &receipt, RLQ_VISIBILITY_MAX_MS / 2), "extend");
		steps = crash_steps_taken();
		most = steps > most ? steps : most;
	}
	must(rlq_release(queue, &receipt, 0), "release");
	return most;
}

/* ---- FIFO ----------------------------------------------------------------------------------------- */

enum { GROUP = 10000 }; /* the one that is measured */

static void groups(void)
{
	for (uint32_t i = 0; i < 50; i++)
		send_to(i);
}

/* Those who hold the first message of each group do not go on; the others wait behind it. */
static void blocked_groups(void)
{
	for (uint32_t i = 0; i < LEASED / 2; i++)
		send_to(i);
	take(LEASED / 2);
	for (uint32_t i = 0; i < LEASED / 2; i++)
		send_to(i);
}

static void long_group(void)
{
	for (uint32_t i = 0; i < CAPACITY / 2; i++)
		send_to(GROUP);
}

static uint64_t steps_of_send_to_group(void)
{
	uint64_t steps;

	crash_steps_taken();
	send_to(GROUP);
	steps = crash_steps_taken();
	take(1);
	must(rlq_delete(queue, &message[0].receipt), "delete");
	return steps;
}

/* Of an empty queue beside those that are blocked, or of the groups in turn. */
static uint64_t steps_of_receive_in_order(void)
{
	uint64_t steps;

	send_to(GROUP);
	crash_steps_taken();
	take(1);
	steps = crash_steps_taken();
	must(rlq_delete(queue, &message[0].receipt), "delete");
	return steps;
}

static uint64_t steps_of_delete_in_order(void)
{
	uint64_t steps;

	send_to(GROUP);
	take(1);
	crash_steps_taken();
	must(rlq_delete(queue, &message[0].receipt), "delete");
	steps = crash_steps_taken();
	return steps;
}

/* ---- the table ------------------------------------------------------------------------------------ */

static const struct row {
	const char *call, *setting;
	void (*set)(void);
	uint64_t (*steps)(void);
	int rounds;
	bool is_alone;	/* no engine */
	uint64_t bound; /* of the dearest of the rounds */
} rows[] = {
	{"send", "steady traffic", steady, steps_of_send, ROUNDS, false, 64},
	{"send", "7/8 leased, met for the first time", stopped_consumers, steps_of_send, 1, false, 12 * SLOTS},
	{"send", "7/8 leased, met before", stopped_consumers_known, steps_of_send, ROUNDS, false, 256},
	{"send", "answers full", full, steps_of_full, ROUNDS, false, 256},
	{"publish", "steady traffic", steady, steps_of_publish, ROUNDS, false, 16},
	{"receive", "steady traffic", steady, steps_of_receive, ROUNDS, false, 32},
	{"receive", "64 stopped producers at the head", stopped_producers, steps_of_receive, 1, false,
	 17 * STOPPED},
	{"receive", "7/8 leased, answers empty", stopped_consumers_known, steps_of_empty, ROUNDS, false, 32},
	{"receive", "answers empty", empty, steps_of_empty, ROUNDS, false, 32},
	{"delete", "steady traffic", steady, steps_of_delete, ROUNDS, false, 16},
	{"extend", "steady traffic", steady, steps_of_extend, ROUNDS, false, 32},
	{"release", "steady traffic", steady, steps_of_release, ROUNDS, false, 16},
	{"purge", "full", full, steps_of_purge, 2, false, 9 * SLOTS},
	{"redrive", "full, one of it each time", full_beside_another, steps_of_redrive, CAPACITY, false, SLOTS},
	{"send", "FIFO, 50 groups", groups, steps_of_send_to_group, ROUNDS, false, 512},
	{"send", "FIFO, behind 448 of its group", long_group, steps_of_send_to_group, ROUNDS, false, 512},
	{"receive", "FIFO, 50 groups", groups, steps_of_receive_in_order, ROUNDS, false, 64},
	{"receive", "FIFO, 444 groups blocked", blocked_groups, steps_of_receive_in_order, ROUNDS, false, 64},
	{"delete", "FIFO, 50 groups", groups, steps_of_delete_in_order, ROUNDS, false, 64},
	{"receive", "FIFO, empty, 444 groups blocked", blocked_groups, steps_of_empty, ROUNDS, false, 32},
	{"any", "the 1,024th call, no engine", steady, steps_of_reaping_call, 4, true, 6 * SLOTS},
};

/* As an engine says that it is awake; the clock stands still unless the test moves it. */
static void promise_engine(void)
{
	atomic_store(&queue->directory->seg.engine->awake_by_ms, boot_now() + ENGINE_SLEEP_MAX_MS);
}

static struct rlq_queue *fifo(void)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.type = RLQ_FIFO;
	attributes.capacity = CAPACITY;
	return queue_make("q.fifo", &attributes);
}

static void run(const struct row *row)
{
	uint64_t most = 0, sum = 0;

	queues_begin();
	queue = strncmp(row->setting, "FIFO", 4) == 0 ? fifo() : queue_of("q", CAPACITY);
	if (!row->is_alone)
		promise_engine();
	row->set();
	for (int i = 0; i < row->rounds; i++) {
		uint64_t steps = row->steps();

		sum += steps;
		most = steps > most ? steps : most;
	}
	printf("%-8s  %-36s %8.1f %8llu %8llu  %s\n", row->call, row->setting, (double)sum / row->rounds,
	       (unsigned long long)most, (unsigned long long)row->bound, most <= row->bound ? "ok" : "FAILED");
	passed += most <= row->bound;
	failures += most > row->bound;
	queues_end();
}

int main(void)
{
	printf("%d slots, %d messages at most\n", SLOTS, CAPACITY);
	printf("%-8s  %-36s %8s %8s %8s\n", "call", "while", "mean", "most", "bound");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		run(&rows[i]);
	printf("%u passed, %u failed\n", passed, failures);
	return failures > 0;
}
