/* Full is said at the capacity, and never while there is room. */
#include "client/internal.h"
#include "ring/event.h"
#include "tests/support/cases.h"
#include "tests/support/child.h"
#include "tests/support/queue_fixture.h"

#include <sched.h>
#include <stdio.h>

static const uint64_t capacities[] = {1, 2, 3, 10, 1000};
enum { CAPACITIES = sizeof(capacities) / sizeof(capacities[0]) };

static struct rlq_message message;

static struct rlq_queue *of_capacity(uint64_t capacity)
{
	char name[16];

	snprintf(name, sizeof(name), "q%lu", (unsigned long)capacity);
	return queue_of(name, capacity);
}

static int send_one(struct rlq_queue *queue)
{
	return rlq_send(queue, "x", 1, NULL, NULL);
}

static void fill(struct rlq_queue *queue, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		CHECK_EQ(send_one(queue), 0);
	CHECK_EQ(send_one(queue), RLQ_EFULL);
}

CASE(full_is_answered_exactly_at_the_capacity)
{
	queues_begin();
	for (int i = 0; i < CAPACITIES; i++) {
		struct rlq_queue *queue = of_capacity(capacities[i]);

		fill(queue, capacities[i]);
		for (int round = 0; round < 50; round++) {
			message = receive_one(queue);
			CHECK_EQ(send_one(queue), RLQ_EFULL);
			CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
			CHECK_EQ(send_one(queue), 0);
			CHECK_EQ(send_one(queue), RLQ_EFULL);
		}
		CHECK_EQ(faults_of(rlq_queue_name(queue)), 0);
	}
	queues_end();
}

CASE(a_queue_drained_while_full_takes_its_capacity_again)
{
	queues_begin();
	for (int i = 0; i < CAPACITIES; i++) {
		struct rlq_queue *queue = of_capacity(capacities[i]);

		for (int round = 0; round < 5; round++) {
			fill(queue, capacities[i]);
			for (uint64_t n = 0; n < capacities[i]; n++) {
				message = receive_one(queue);
				CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
			}
			CHECK_EQ(receive_now(queue, &message, 1), 0);
		}
	}
	queues_end();
}

CASE(messages_in_flight_and_delayed_count_and_leave_the_rest_usable)
{
	queues_begin();
	for (int i = 1; i < CAPACITIES; i++) {
		struct rlq_queue *queue = of_capacity(capacities[i]);

		for (uint64_t n = 0; n + 1 < capacities[i]; n++) {
			if (n % 2) {
				CHECK_EQ(send_one(queue), 0);
				receive_one(queue);
			} else {
				CHECK_EQ(send_delayed(queue, "x", 60000), 0);
			}
		}
		/* One is left, and it goes round many laps beside the others. */
		for (int round = 0; round < 300; round++) {
			CHECK_EQ(send_one(queue), 0);
			CHECK_EQ(send_one(queue), RLQ_EFULL);
			message = receive_one(queue);
			CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
		}
	}
	queues_end();
}

/* ---- in flight -------------------------------------------------------------------------------- */

enum { IN_FLIGHT = 120000 }; /* where AWS stops */

/* Needs about 45 MiB of tmpfs; a small one says so. */
static void send_batches(struct rlq_queue *queue, uint64_t count)
{
	static struct rlq_send_entry entries[RLQ_BATCH_MAX];

	for (int i = 0; i < RLQ_BATCH_MAX; i++)
		entries[i] = (struct rlq_send_entry){.body = "x", .body_bytes = 1, .delay_ms = RLQ_DEFAULT};
	while (count > 0) {
		int sent =
			rlq_send_batch(queue, entries, count < RLQ_BATCH_MAX ? count : RLQ_BATCH_MAX, NULL, NULL);

		if (sent == RLQ_ENOSPACE)
			case_skip("not enough memory in /dev/shm");
		CHECK(sent > 0);
		count -= (uint64_t)sent;
	}
}

CASE(more_than_120000_messages_may_be_in_flight_at_once)
{
	static struct rlq_message messages[RLQ_BATCH_MAX];
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_queue *queue;
	struct rlq_receipt first = {{0}};
	uint64_t in_flight = 0;

	queues_begin();
	queue = queue_of("q", IN_FLIGHT + 1000);
	send_batches(queue, IN_FLIGHT + 1000);
	options.visibility_ms = RLQ_VISIBILITY_MAX_MS;
	while (in_flight < IN_FLIGHT) {
		int got = rlq_receive(queue, messages, RLQ_BATCH_MAX, &options);

		CHECK(got > 0);
		if (in_flight == 0)
			first = messages[0].receipt;
		in_flight += (uint64_t)got;
	}
	while ((uint64_t)stat_of(queue).in_flight < IN_FLIGHT + 1000) {
		message = receive_one(queue);
		CHECK_EQ(message.receive_count, 1);
	}
	CHECK_EQ(receive_now(queue, &message, 1), 0);
	CHECK_EQ(rlq_delete(queue, &first), 0);
	CHECK_EQ(send_one(queue), 0);
	message = receive_one(queue);
	CHECK_EQ(faults_of("q"), 0);
	queues_end();
}

/* ---- room that comes back --------------------------------------------------------------------- */

CASE(what_time_has_freed_is_room_at_once)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue;

	queues_begin();
	attributes.capacity = 3;
	attributes.retention_ms = RLQ_RETENTION_MIN_MS;
	queue = queue_make("q", &attributes);
	fill(queue, 3);
	time_passes(RLQ_RETENTION_MIN_MS);
	fill(queue, 3);
	CHECK_EQ(stat_of(queue).expired, 3);
	queues_end();
}

CASE(reservations_count_until_they_are_abandoned)
{
	static struct rlq_reservation reservations[1000];

	queues_begin();
	for (int i = 0; i < CAPACITIES; i++) {
		struct rlq_queue *queue = of_capacity(capacities[i]);
		uint64_t capacity = capacities[i], beside = capacity / 3;

		fill(queue, capacity);
		CHECK_EQ(rlq_purge(queue, NULL), 0);
		for (uint64_t n = 0; n < beside; n++)
			CHECK_EQ(send_one(queue), 0);
		for (uint64_t n = beside; n < capacity; n++)
			CHECK_EQ(rlq_reserve(queue, 1, NULL, &reservations[n]), 0);
		CHECK_EQ(rlq_reserve(queue, 1, NULL, &reservations[0]), RLQ_EFULL);
		CHECK_EQ(send_one(queue), RLQ_EFULL);
		/* Published, they take the room they had; abandoned, they give it back. */
		for (uint64_t n = beside; n < capacity; n++) {
			if (n % 2) {
				CHECK_EQ(rlq_publish(queue, &reservations[n], NULL), 0);
			} else {
				CHECK_EQ(rlq_abandon(queue, &reservations[n]), 0);
				CHECK_EQ(send_one(queue), 0);
			}
			CHECK_EQ(send_one(queue), RLQ_EFULL);
		}
		CHECK_EQ(stat_of(queue).visible, capacity);
	}
	queues_end();
}

CASE(a_purged_queue_has_room_for_its_capacity)
{
	queues_begin();
	for (int i = 0; i < CAPACITIES; i++) {
		struct rlq_queue *queue = of_capacity(capacities[i]);
		uint64_t count = 0;

		fill(queue, capacities[i]);
		CHECK_EQ(rlq_purge(queue, &count), 0);
		CHECK_EQ(count, capacities[i]);
		fill(queue, capacities[i]);
	}
	queues_end();
}

/* ---- kills ------------------------------------------------------------------------------------ */

static void reserve_two(void *context)
{
	struct rlq_directory *directory;
	struct rlq_reservation reservation;
	struct rlq_queue *queue;

	CHECK_EQ(rlq_directory_open(queues_path(), &directory), 0);
	CHECK_EQ(rlq_queue_open(directory, context, &queue), 0);
	CHECK_EQ(rlq_reserve(queue, 1, NULL, &reservation), 0);
	rlq_reserve(queue, 5000, NULL, &reservation);
}

CASE(reservations_of_the_killed_take_no_room_for_good)
{
	queues_begin();
	for (int i = 0; i < CAPACITIES; i++) {
		struct rlq_queue *queue = of_capacity(capacities[i]);
		char name[16];

		snprintf(name, sizeof(name), "q%lu", (unsigned long)capacities[i]);
		for (int kill = 0; kill < 4; kill++) {
			die_doing(reserve_two, name);
			time_passes(SWEEP_MS);
			sweep_now(queue);
		}
		fill(queue, capacities[i]);
		CHECK_EQ(faults_of(name), 0);
	}
	queues_end();
}

CASE(the_killed_make_no_queue_full_for_others)
{
	struct rlq_queue *queue;
	char name[] = "q3";

	queues_begin();
	queue = of_capacity(3);
	CHECK_EQ(send_one(queue), 0);
	die_doing(reserve_two, name);
	time_passes(SWEEP_MS);
	/* Without anybody sweeping on purpose: the send itself sees to it. */
	CHECK_EQ(send_one(queue), 0);
	CHECK_EQ(send_one(queue), 0);
	CHECK_EQ(send_one(queue), RLQ_EFULL);
	queues_end();
}

/* ---- several handles -------------------------------------------------------------------------- */

CASE(several_handles_share_the_capacity_and_pass_it_by_a_bounded_number)
{
	enum { HANDLES = 4, AHEAD_MAX = 64 };
	struct rlq_queue *handles[HANDLES];
	uint64_t sent = 0;
	int refused = 0;

	queues_begin();
	handles[0] = of_capacity(1000);
	for (int i = 1; i < HANDLES; i++)
		handles[i] = queue_again("q1000");
	for (int i = 0; refused < HANDLES; i++) {
		int result = send_one(handles[i % HANDLES]);

		CHECK(result == 0 || result == RLQ_EFULL);
		refused = result == 0 ? 0 : refused + 1;
		sent += result == 0;
	}
	CHECK(sent >= 1000 && sent <= 1000 + HANDLES * AHEAD_MAX);
	queues_end();
}

/* ---- waiting for room ------------------------------------------------------------------------- */

static void send_waiting(void *context)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_directory *directory;
	struct rlq_queue *queue;

	CHECK_EQ(rlq_directory_open(queues_path(), &directory), 0);
	CHECK_EQ(rlq_queue_open(directory, "q1", &queue), 0);
	options.flags = RLQ_SEND_WAIT;
	options.timeout_ms = 60000;
	CHECK_EQ(rlq_send(queue, "waited", 6, &options, NULL), *(int *)context);
	rlq_queue_close(queue);
	rlq_directory_close(directory);
}

static pid_t start_waiting(struct rlq_queue *queue, int *wanted)
{
	pid_t pid = child_start(send_waiting, wanted);

	while (!event_has_sleepers(&queue->seg->header->producers))
		sched_yield();
	return pid;
}

CASE(a_send_that_waits_gets_the_room_that_a_delete_makes)
{
	struct rlq_queue *queue;
	int wanted = 0;
	pid_t pid;

	queues_begin();
	queue = of_capacity(1);
	CHECK_EQ(send_one(queue), 0);
	pid = start_waiting(queue, &wanted);
	message = receive_one(queue);
	CHECK_EQ(rlq_delete(queue, &message.receipt), 0);
	CHECK(child_exited(child_wait(pid), 0));
	CHECK_TEXT(drain(queue), "waited");
	queues_end();
}

CASE(who_waits_for_room_is_woken_when_a_reservation_is_abandoned)
{
	struct rlq_reservation reservation;
	struct rlq_queue *queue;

	queues_begin();
	queue = of_capacity(1);
	CHECK_EQ(rlq_reserve(queue, 1, NULL, &reservation), 0);
	CHECK_WAKES(producers, queue, CHECK_EQ(rlq_abandon(queue, &reservation), 0));
	queues_end();
}

CASE(who_waits_for_room_is_woken_when_a_receive_meets_an_expired_message)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue;

	queues_begin();
	attributes.capacity = 1;
	attributes.retention_ms = RLQ_RETENTION_MIN_MS;
	queue = queue_make("q", &attributes);
	CHECK_EQ(send_one(queue), 0);
	time_passes(RLQ_RETENTION_MIN_MS);
	queue->reaped_ms = boot_now(); /* so that the receive does not do the engine's work */
	CHECK_WAKES(producers, queue, CHECK_EQ(receive_now(queue, &message, 1), 0));
	queues_end();
}

CASE(who_waits_for_room_is_woken_when_the_last_reader_in_place_is_done)
{
	struct rlq_queue *queue;

	queues_begin();
	queue = of_capacity(1);
	CHECK_EQ(send_one(queue), 0);
	CHECK_EQ(receive_in_place(queue, &message), 1);
	CHECK_EQ(rlq_delete(queue_again("q1"), &message.receipt), 0);
	CHECK_WAKES(producers, queue, CHECK_EQ(rlq_let_go(queue, &message), 0));
	queues_end();
}

CASE(who_waits_for_room_is_woken_when_a_sweep_has_taken_it_from_the_dead)
{
	struct rlq_queue *queue;
	char name[] = "q3";

	queues_begin();
	queue = of_capacity(3);
	die_doing(reserve_two, name);
	CHECK_WAKES(producers, queue, sweep_now(queue));
	queues_end();
}

CASE(a_send_that_waits_answers_full_when_its_time_is_over)
{
	struct rlq_queue *queue;
	int wanted = RLQ_EFULL;
	pid_t pid;

	queues_begin();
	queue = of_capacity(1);
	CHECK_EQ(send_one(queue), 0);
	pid = start_waiting(queue, &wanted);
	time_passes(60000 + LEASE_SLACK_MS);
	CHECK(child_exited(child_wait(pid), 0));
	queues_end();
}

CASE(a_reservation_finds_the_room_that_time_has_freed)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_reservation reservation;
	struct rlq_queue *queue;

	queues_begin();
	attributes.capacity = 1;
	attributes.retention_ms = RLQ_RETENTION_MIN_MS;
	queue = queue_make("q", &attributes);
	fill(queue, 1);
	CHECK_EQ(rlq_reserve(queue, 1, NULL, &reservation), RLQ_EFULL);
	time_passes(RLQ_RETENTION_MIN_MS);
	CHECK_EQ(rlq_reserve(queue, 1, NULL, &reservation), 0);
	CHECK_EQ(rlq_abandon(queue, &reservation), 0);
	queues_end();
}

int main(int argc, char **argv)
{
	return cases_run(argc, argv);
}
