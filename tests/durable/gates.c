/* What others may see, and who may go on, while the journal stands before a write or a flush; and that all who wait
 * hear when the power goes: the clock stands, so nobody's patience ends, and who is not told hangs. */
#include "shm/durable.h"
#include "shm/fifo.h"
#include "tests/durable/machine.h"
#include "tests/support/cases.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

enum { WAITERS = 8, HOUR_MS = 3600000, TURNS = 4, BATCH = 50 };

/* A call in a thread of its own. */
struct call {
	pthread_t thread;
	int (*make)(struct rlq_queue *queue, const struct rlq_receipt *receipt);
	const struct rlq_receipt *receipt;
	int result;
	atomic_bool has_returned;
};

static int make_send(struct rlq_queue *queue, const struct rlq_receipt *receipt)
{
	(void)receipt;
	return rlq_send(queue, "late", 4, NULL, NULL);
}

static int make_delete(struct rlq_queue *queue, const struct rlq_receipt *receipt)
{
	return rlq_delete(queue, receipt);
}

static struct rlq_queue *opened(const char *name)
{
	struct rlq_queue *queue;

	CHECK_EQ(rlq_queue_open(machine_directory(), name, &queue), 0);
	return queue;
}

static void *run(void *context)
{
	struct call *call = context;
	struct rlq_queue *queue = opened("q");

	call->result = call->make(queue, call->receipt);
	rlq_queue_close(queue);
	atomic_store(&call->has_returned, true);
	return NULL;
}

static void start(struct call *call, int (*make)(struct rlq_queue *, const struct rlq_receipt *),
		  const struct rlq_receipt *receipt)
{
	*call = (struct call){.make = make, .receipt = receipt};
	CHECK_EQ(pthread_create(&call->thread, NULL, run, call), 0);
}

static int result_of(struct call *call)
{
	CHECK_EQ(pthread_join(call->thread, NULL), 0);
	return call->result;
}

static struct rlq_queue *sync_queue(void)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	machine_begin();
	CHECK_EQ(machine_start(), 0);
	attributes.durability = RLQ_SYNC;
	CHECK_EQ(rlq_queue_create(machine_directory(), "q", &attributes), 1);
	for (int i = 0; i < TURNS; i++) /* until no file is to be made ready */
		CHECK_EQ(seg_wait_durable(&machine_directory()->seg), 0);
	return opened("q");
}

static int receive(struct rlq_queue *queue, struct rlq_message *ret_message)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;

	options.wait_ms = 0;
	options.visibility_ms = HOUR_MS;
	return rlq_receive(queue, ret_message, 1, &options);
}

static void send_waits_at(unsigned gate)
{
	struct rlq_queue *queue = sync_queue();
	struct rlq_message message;
	struct call call;

	disk_gate_close(gate);
	start(&call, make_send, NULL);
	CHECK(disk_gate_await());
	CHECK_EQ(receive(queue, &message), 0);
	CHECK(!atomic_load(&call.has_returned));
	disk_gate_open();
	CHECK_EQ(result_of(&call), 0);
	CHECK_EQ(receive(queue, &message), 1);
	rlq_queue_close(queue);
	machine_end();
}

CASE(nobody_receives_what_is_not_written_yet)
{
	send_waits_at(SHADOW_WRITE);
}

CASE(nobody_receives_what_is_not_flushed_yet)
{
	send_waits_at(SHADOW_FLUSH);
}

static void delete_waits_at(unsigned gate)
{
	struct rlq_queue *queue = sync_queue();
	struct rlq_message message;
	struct call call;

	CHECK_EQ(rlq_send(queue, "x", 1, NULL, NULL), 0);
	CHECK_EQ(receive(queue, &message), 1);
	disk_gate_close(gate);
	start(&call, make_delete, &message.receipt);
	CHECK(disk_gate_await());
	CHECK(!atomic_load(&call.has_returned));
	disk_gate_open();
	CHECK_EQ(result_of(&call), 0);
	rlq_queue_close(queue);
	machine_end();
}

CASE(a_delete_is_not_confirmed_before_it_is_written)
{
	delete_waits_at(SHADOW_WRITE);
}

CASE(a_delete_is_not_confirmed_before_it_is_flushed)
{
	delete_waits_at(SHADOW_FLUSH);
}

static uint64_t sent_by_all(struct rlq_queue *queue)
{
	struct rlq_queue_stat stat = RLQ_QUEUE_STAT_INIT;

	CHECK_EQ(rlq_queue_stat(queue, &stat), 0);
	return stat.sent;
}

/* ---- what a flush serves ---------------------------------------------------------------------- */

/* The first one has a flush of its own, before which the others have come. */
CASE(all_who_wait_are_served_by_one_flush)
{
	struct rlq_queue *queue = sync_queue();
	uint64_t before = disk_calls(SHADOW_FLUSH);
	struct call first, calls[WAITERS];

	disk_gate_close(SHADOW_FLUSH);
	start(&first, make_send, NULL);
	CHECK(disk_gate_await());
	for (int i = 0; i < WAITERS; i++)
		start(&calls[i], make_send, NULL);
	while (sent_by_all(queue) < 1 + WAITERS)
		sched_yield();
	disk_gate_open();
	CHECK_EQ(result_of(&first), 0);
	for (int i = 0; i < WAITERS; i++)
		CHECK_EQ(result_of(&calls[i]), 0);
	CHECK_EQ(disk_calls(SHADOW_FLUSH) - before, 2);
	rlq_queue_close(queue);
	machine_end();
}

CASE(a_batch_costs_one_flush)
{
	struct rlq_send_entry entries[BATCH];
	struct rlq_message messages[BATCH];
	struct rlq_receipt receipts[BATCH];
	struct rlq_queue *queue = sync_queue();
	uint64_t before = disk_calls(SHADOW_FLUSH);

	for (int i = 0; i < BATCH; i++)
		entries[i] = (struct rlq_send_entry){.body = "x", .body_bytes = 1, .delay_ms = RLQ_DEFAULT};
	CHECK_EQ(rlq_send_batch(queue, entries, BATCH, NULL, NULL), BATCH);
	CHECK_EQ(disk_calls(SHADOW_FLUSH) - before, 1);
	CHECK_EQ(rlq_receive(queue, messages, BATCH, NULL), BATCH);
	for (int i = 0; i < BATCH; i++)
		receipts[i] = messages[i].receipt;
	CHECK_EQ(rlq_delete_batch(queue, receipts, BATCH, NULL), BATCH);
	CHECK_EQ(disk_calls(SHADOW_FLUSH) - before, 2);
	for (int i = 0; i < TURNS; i++)
		CHECK_EQ(rlq_send(queue, "x", 1, NULL, NULL), 0);
	CHECK_EQ(disk_calls(SHADOW_FLUSH) - before, 2 + TURNS);
	rlq_queue_close(queue);
	machine_end();
}

/* ---- failures --------------------------------------------------------------------------------- */

/* The first is in the turn that stands; those after it wait for the next one. */
static void all_hear_at_once(int error, bool for_good, int wanted, int wanted_after)
{
	struct rlq_queue *queue = sync_queue();
	struct call first, calls[WAITERS];

	disk_gate_close(SHADOW_FLUSH);
	start(&first, make_send, NULL);
	CHECK(disk_gate_await());
	for (int i = 0; i < WAITERS; i++)
		start(&calls[i], make_send, NULL);
	while (sent_by_all(queue) < 1 + WAITERS)
		sched_yield();
	if (error)
		disk_fail(SHADOW_FLUSH, 1, error, for_good);
	else
		disk_power_for(0);
	disk_gate_open();
	CHECK_EQ(result_of(&first), wanted);
	for (int i = 0; i < WAITERS; i++)
		CHECK_EQ(result_of(&calls[i]), wanted);
	CHECK_EQ(rlq_send(queue, "more", 4, NULL, NULL), wanted_after);
	rlq_queue_close(queue);
	machine_end();
}

CASE(all_who_wait_hear_at_once_that_the_power_is_gone)
{
	all_hear_at_once(0, false, RLQ_EUNKNOWN, RLQ_EJOURNAL);
}

CASE(all_who_wait_hear_at_once_that_flushes_fail)
{
	all_hear_at_once(-EIO, true, RLQ_EUNKNOWN, RLQ_EJOURNAL);
}

CASE(nobody_hears_of_one_flush_that_failed)
{
	all_hear_at_once(-EIO, false, 0, 0);
}

/* By somebody else, before the journal has read it: the turn has nothing to write. */
CASE(a_message_that_is_damaged_before_its_turn_is_not_acknowledged)
{
	struct rlq_queue *queue = sync_queue();
	struct call first, second;
	struct slot *slot;

	disk_gate_close(SHADOW_WRITE);
	start(&first, make_send, NULL);
	CHECK(disk_gate_await());
	start(&second, make_send, NULL);
	slot = &queue->seg->ring[0].slots[1];
	while (word_state(slot_read_stable(slot)) != SLOT_PENDING)
		sched_yield();
	slot->message.body_bytes = UINT32_MAX;
	disk_gate_open();
	CHECK_EQ(result_of(&first), 0);
	CHECK_EQ(result_of(&second), RLQ_EDAMAGED);
	CHECK_EQ(rlq_send(queue, "next", 4, NULL, NULL), 0);
	rlq_queue_close(queue);
	machine_end();
}

/* Without a wake-up by anybody: the clock stands, so no slice of a sleep ends. */
CASE(a_delete_after_the_failure_hears_at_once)
{
	struct rlq_queue *queue = sync_queue();
	struct rlq_message message;

	CHECK_EQ(rlq_send(queue, "x", 1, NULL, NULL), 0);
	CHECK_EQ(receive(queue, &message), 1);
	disk_power_for(0);
	CHECK_EQ(rlq_send(queue, "y", 1, NULL, NULL), RLQ_EUNKNOWN);
	CHECK_EQ(rlq_send(queue, "z", 1, NULL, NULL), RLQ_EJOURNAL);
	CHECK_EQ(rlq_delete(queue, &message.receipt), RLQ_EJOURNAL);
	CHECK_EQ(receive(queue, &message), 0);
	rlq_queue_close(queue);
	machine_end();
}

/* Without a sweep that would find it later. */
CASE(a_message_is_its_group_s_turn_once_it_is_durable)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_queue *queue;
	uint64_t head;

	machine_begin();
	CHECK_EQ(machine_start(), 0);
	attributes.durability = RLQ_SYNC;
	attributes.type = RLQ_FIFO;
	CHECK_EQ(rlq_queue_create(machine_directory(), "q.fifo", &attributes), 1);
	queue = opened("q.fifo");
	options.group = options.dedup_id = "1";
	CHECK_EQ(rlq_send(queue, "x", 1, &options, NULL), 0);
	CHECK_EQ(seg_enter(queue->seg), 0);
	CHECK_EQ(fifo_next(queue->seg, &head), 1);
	seg_leave(queue->seg);
	rlq_queue_close(queue);
	machine_end();
}

int main(int argc, char **argv)
{
	return cases_run(argc, argv);
}
