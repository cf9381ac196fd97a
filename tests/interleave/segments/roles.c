/* What actors do: the calls of client/, and what an engine calls. Each checks its answer. */
#include "tests/interleave/segments/journal.h"
#include "tests/interleave/segments/judge.h"

#include "shm/dlq.h"
#include "shm/move.h"
#include "shm/reap.h"
#include "shm/rings.h"

#include <string.h>

enum { SMALL_BYTES = 8, BIG_BYTES = 96, SLOTS_A_STEP = 4096, SWEEP_STEPS_MAX = 8, EXTENDED_MS = 500 };

static struct rlq_queue *handle_of(int actor, int queue)
{
	return own[actor].handle[queue];
}

/* The segment of a queue as this actor sees it. */
static struct segment *segment_of(int actor, int queue)
{
	return handle_of(actor, queue)->seg;
}

static bool is_removed(int queue)
{
	return header_of(queue)->rings & RINGS_REMOVED;
}

/* ---- producers ---- */

static void check_sent(int result, unsigned number)
{
	bool exists = (monitor_step(), world.accounts[number].exists);

	if (result == 0 && (!exists || world.accounts[number].taken_back))
		explore_fail("message %llu was sent, yet it is not there", number);
	if (result == RLQ_EDISKFULL && world_is_fifo() && !exists) /* nor was the one that it was a duplicate of */
		return;
	if (result == RLQ_EDISKFULL && exists) {
		cut_judge_refused(number);
		return;
	}
	if (result == RLQ_EUNKNOWN &&
	    (explore_any_death() || (world_is_fifo() && world_is_sync()))) /* both are right */
		return;
	if (result != 0 && exists)
		explore_fail("message %llu was refused, yet it is there", number);
	if (result == 0 && !explore_failed())
		cut_judge_sent(number);
	if (result == RLQ_EENGINE && world_is_durable() && explore_any_death())
		return;
	if (result != 0 && result != RLQ_EFULL && result != RLQ_ENOSPACE && result != RLQ_EREMOVED)
		explore_fail("send answered %lld", (uint64_t)(int64_t)result);
	if (result == RLQ_EREMOVED && !is_removed(QUEUE))
		explore_fail("send says REMOVED, which it is not", 0);
}

static void send(int actor, unsigned number, size_t bytes)
{
	unsigned char body[BIG_BYTES];
	bool was_removed;
	bool is_duplicate = false;
	int result;

	if (!handle_of(actor, QUEUE)) /* not opened: it was removed before */
		return;
	memset(body, (int)number, bytes);
	was_removed = is_removed(QUEUE);
	result = world_is_fifo() ? fifo_send_call(handle_of(actor, QUEUE), body, bytes, number, &is_duplicate)
				 : rlq_send(handle_of(actor, QUEUE), body, bytes, NULL, NULL);
	if (was_removed && result != RLQ_EREMOVED)
		explore_fail("message %llu was sent to a queue removed before", number);
	if (!is_duplicate)
		check_sent(result, number);
}

void call_send(int actor, unsigned number)
{
	send(actor, number, SMALL_BYTES);
}

void call_send_big(int actor, unsigned number)
{
	send(actor, number, BIG_BYTES);
}

void call_send_two(int actor, unsigned number)
{
	unsigned char body[2][SMALL_BYTES];
	struct rlq_send_entry entries[2];
	int sent;

	for (unsigned i = 0; i < 2; i++) {
		memset(body[i], (int)(number + i), SMALL_BYTES);
		entries[i] = (struct rlq_send_entry){
			.body = body[i], .body_bytes = SMALL_BYTES, .delay_ms = RLQ_DEFAULT};
	}
	sent = rlq_send_batch(handle_of(actor, QUEUE), entries, 2, NULL, NULL);
	check_sent(sent > 0 ? 0 : sent, number);
	check_sent(sent > 1 ? 0 : RLQ_EFULL, number + 1);
}

/* ---- consumers ---- */

static void check_received(int actor, const struct rlq_message *message)
{
	unsigned number = number_of_bytes(message->body, message->body_bytes);

	if (world.attempts[actor])
		fifo_share(actor, number, message->receive_count);
	if (number == 0)
		explore_fail("received a message that is not whole", 0);
	else if (world.accounts[number].epoch_of[actor] < message->receive_count ||
		 (!world_is_fifo() && world.accounts[number].epoch_of[actor] != message->receive_count))
		explore_fail("received message %llu, which it did not lease", number);
}

static void view(int actor, int queue, const struct rlq_message *message)
{
	uint64_t word = message->receipt.opaque[1], generation = message->receipt.opaque[2] >> 16;

	world.viewed[actor] = (struct viewed){
		.bytes = message->body,
		.count = message->body_bytes,
		.place = place_pack((uint32_t)(word >> 24) & 0xff, (uint32_t)word & 0xffffff, generation),
		.number = number_of_bytes(message->body, message->body_bytes),
		.queue = (uint32_t)queue,
	};
}

static void receive(int actor, int queue, unsigned max, uint32_t flags, const char *attempt)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct own *me = &own[actor];
	int count;

	options.flags = flags;
	options.attempt_id = attempt;
	world.attempts[actor] = attempt != NULL;
	count = rlq_receive(handle_of(actor, queue), me->message, max, &options);
	monitor_step();
	if (count < 0 && count != RLQ_EREMOVED)
		explore_fail("receive answered %lld", (uint64_t)(int64_t)count);
	me->has = (uint8_t)(count > 0 ? count : 0);
	for (int i = 0; i < count; i++) {
		check_received(actor, &me->message[i]);
		me->number[i] = (uint8_t)number_of_bytes(me->message[i].body, me->message[i].body_bytes);
	}
	world.attempts[actor] = 0;
	if (world_is_fifo())
		fifo_judge_received(actor, queue, me->message, me->has);
	if (count > 0 && (flags & RLQ_RECEIVE_IN_PLACE))
		view(actor, queue, &me->message[0]);
}

void call_receive(int actor, unsigned max)
{
	receive(actor, QUEUE, max, 0, NULL);
}

void call_receive_dlq(int actor, unsigned max)
{
	receive(actor, DLQ, max, 0, NULL);
}

void call_receive_held(int actor, unsigned max)
{
	receive(actor, QUEUE, max, RLQ_RECEIVE_IN_PLACE, NULL);
}

void call_attempt(int actor, unsigned max)
{
	receive(actor, QUEUE, max, 0, "again");
}

static int queue_of_receipt(int actor, const struct rlq_receipt *receipt)
{
	return handle_of(actor, DLQ) && segment_of(actor, DLQ)->incarnation == receipt->opaque[0] ? DLQ : QUEUE;
}

/* Refused: then somebody has received it since, or it is gone or on its way. */
static void check_refused(int actor, int error, unsigned i)
{
	unsigned number = own[actor].number[i];
	const struct account *account = &world.accounts[number];

	if (error != RLQ_ESTALE && error != RLQ_EREMOVED)
		explore_fail("a holder is answered %lld", (uint64_t)(int64_t)error);
	else if (world_is_fifo() && error == RLQ_ESTALE)
		fifo_check_refused(actor, number, own[actor].message[i].receive_count);
	else if (error == RLQ_ESTALE && !account->deleted && !account->moved && account->holder == actor)
		explore_fail("message %llu: its latest holder was refused", number);
}

/* What it received is over for it, whatever the answer. */
static void each_received(int actor, int (*call)(struct rlq_queue *queue, const struct rlq_receipt *receipt),
			  void (*accepted)(int actor, unsigned number))
{
	struct own *me = &own[actor];

	world.viewed[actor] = (struct viewed){0};
	for (unsigned i = 0; i < me->has; i++) {
		const struct rlq_receipt *receipt = &me->message[i].receipt;
		int error = call(handle_of(actor, queue_of_receipt(actor, receipt)), receipt);

		monitor_step();
		if (error)
			check_refused(actor, error, i);
		else
			accepted(actor, me->number[i]);
	}
}

static void has_nothing(int actor)
{
	struct own *me = &own[actor];

	me->has = 0;
	memset(me->message, 0, sizeof(me->message));
	memset(me->number, 0, sizeof(me->number));
}

static void check_deleted(int actor, unsigned number)
{
	if (!world.accounts[number].deleted || world.accounts[number].deleted_by != actor)
		explore_fail("message %llu was not deleted, though its holder is told so", number);
	else
		cut_judge_deleted(number);
}

void call_delete(int actor, unsigned unused)
{
	(void)unused;
	each_received(actor, rlq_delete, check_deleted);
	has_nothing(actor);
}

static int extend(struct rlq_queue *queue, const struct rlq_receipt *receipt)
{
	return rlq_extend(queue, receipt, EXTENDED_MS);
}

static int release(struct rlq_queue *queue, const struct rlq_receipt *receipt)
{
	return rlq_release(queue, receipt, 0);
}

static void believe(int actor, unsigned number)
{
	(void)actor, (void)number;
}

/* From here on nobody may take the lease away until much later. */
static void check_extended(int actor, unsigned number)
{
	world.accounts[number].extended_by = world.accounts[number].holder == actor ? (uint8_t)actor : NOBODY;
}

void call_extend(int actor, unsigned unused)
{
	(void)unused;
	each_received(actor, extend, check_extended);
}

void call_release(int actor, unsigned unused)
{
	(void)unused;
	each_received(actor, release, believe);
}

void call_let_go(int actor, unsigned unused)
{
	(void)unused;
	world.viewed[actor] = (struct viewed){0};
	if (own[actor].has > 0)
		rlq_let_go(handle_of(actor, QUEUE), &own[actor].message[0]);
}

/* ---- engine and others ---- */

void call_reap(int actor, unsigned unused)
{
	struct segment *segment = segment_of(actor, QUEUE);

	(void)unused;
	if (seg_enter(segment) != 0)
		return;
	os_clock_read(&segment->clock);
	seg_reap_due(segment, 16);
	seg_leave(segment);
}

static void sweep(int actor, int queue)
{
	struct rlq_queue *handle = handle_of(actor, queue);

	for (int steps = 0; seg_sweep_step(handle->seg, &handle->sweep, SLOTS_A_STEP); steps++)
		if (steps == SWEEP_STEPS_MAX) {
			explore_fail("a sweep does not end", 0);
			return;
		}
}

void call_sweep(int actor, unsigned unused)
{
	(void)unused;
	sweep(actor, QUEUE);
}

void call_sweep_dlq(int actor, unsigned unused)
{
	(void)unused;
	sweep(actor, DLQ);
}

void call_purge(int actor, unsigned unused)
{
	(void)unused;
	world.purges[actor] = 1;
	if (rlq_purge(handle_of(actor, QUEUE), NULL) != 0 && !is_removed(QUEUE))
		explore_fail("purge was refused", 0);
	monitor_step();
	world.purges[actor] = 0;
}

void call_redrive(int actor, unsigned unused)
{
	int error = rlq_redrive(handle_of(actor, DLQ), NULL, 0, NULL);

	(void)unused;
	if (error && error != RLQ_EFULL)
		explore_fail("redrive answered %lld", (uint64_t)(int64_t)error);
}

void call_remove(int actor, unsigned unused)
{
	struct rlq_directory directory = {.seg = *directory_of(actor)};
	int error = rlq_queue_remove(&directory, world_name(QUEUE));

	(void)unused;
	if (error && error != RLQ_ENOQUEUE)
		explore_fail("remove answered %lld", (uint64_t)(int64_t)error);
	if (!is_removed(QUEUE))
		explore_fail("removed, yet not marked", 0);
}

/* A handle on each queue that it has none on, and its way to the dead-letter queue. */
void call_open(int actor, unsigned unused)
{
	static struct rlq_directory directories[PEOPLE];
	struct segment *dlq;

	(void)unused;
	directories[actor].seg = *directory_of(actor);
	for (int queue = 0; queue < QUEUES; queue++) {
		int error;

		if (handle_of(actor, queue) ||
		    (queue == DLQ && header_of(QUEUE)->attribute[ATTRIBUTE_RECEIVES_MAX] == 0))
			continue;
		error = rlq_queue_open(&directories[actor], world_name(queue), &own[actor].handle[queue]);
		if (error && error != RLQ_ENOQUEUE)
			explore_fail("open answered %lld", (uint64_t)(int64_t)error);
		if (error == RLQ_ENOQUEUE && !is_removed(queue))
			explore_fail("open does not find the queue", 0);
	}
	if (handle_of(actor, QUEUE) && explore_current() == ACTORS_MAX)
		seg_dlq(segment_of(actor, QUEUE), &dlq);
}

void call_finish_removal(int actor, unsigned unused)
{
	(void)unused;
	seg_finish_removal(directory_of(actor), world_name(QUEUE));
}

void call_retire(int actor, unsigned unused)
{
	(void)unused;
	seg_retire_step(segment_of(actor, QUEUE));
}

void call_give_back(int actor, unsigned unused)
{
	struct segment *segment = segment_of(actor, QUEUE);

	(void)unused;
	if (seg_enter(segment) != 0)
		return;
	body_give_back(segment, SEG_BODY_REGION);
	seg_leave(segment);
}

void call_tick(int actor, unsigned ms)
{
	(void)actor;
	explore_step(&world.now_ms);
	world.now_ms += ms;
}
