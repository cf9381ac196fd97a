/* Scripts: reaping after time and death. */
#include "tests/crash/scene.h"
#include "tests/support/leaks.h"

static void sweep_q(struct actor *actor)
{
	leaks_sweep(actor->q);
}

/* A block that its slot did not name is an orphan once the slot is freed. */
static void sweep_twice(struct actor *actor)
{
	leaks_sweep(actor->q);
	leaks_sweep(actor->q);
}

static void prepare_ended(struct actor *actor)
{
	prepare_sent(actor, 3);
	verb_send(actor, actor->q, 300, 2000);
	prepare_leased(actor, 3, 1000);
	fake_clock_advance(&actor->scene->clock, 5000);
}

static void send_one_of_each(struct actor *actor)
{
	verb_send(actor, actor->q, 16, 0);
	verb_send(actor, actor->q, 300, 0);
}

static void receive_one_in_place(struct actor *actor)
{
	struct rlq_message message;

	verb_receive(actor, actor->q, &message, 1, RLQ_DEFAULT, RLQ_RECEIVE_IN_PLACE);
}

/* What dead producers and consumers leave. */
static void prepare_orphans(struct actor *actor)
{
	kill_helper_at(actor, CRASH_send_claimed, 1, send_one_of_each);
	kill_helper_at(actor, CRASH_send_block_claimed, 1, send_one_of_each);
	kill_helper_at(actor, CRASH_send_written, 2, send_one_of_each);
	kill_helper_at(actor, CRASH_receive_held, 1, receive_one_in_place);
	if (actor->scene->is_fifo) /* its token was lost with him */
		sweep_q(actor);
	kill_helper_at(actor, CRASH_receive_leased, 1, receive_one_in_place);
	fake_clock_advance(&actor->scene->clock, 2000);
}

static void prepare_lost_bits(struct actor *actor)
{
	prepare_sent(actor, 3);
	prepare_leased(actor, 3, 1000);
	fake_clock_advance(&actor->scene->clock, 5000);
	kill_helper_at(actor, CRASH_release_ready, 1, sweep_q);
	fake_clock_advance(&actor->scene->clock, 5000);
}

static void prepare_old(struct actor *actor)
{
	prepare_sent(actor, 2);
	verb_send(actor, actor->q, 300, 0);
	prepare_leased(actor, 1, RLQ_DEFAULT);
	tags_forget(actor->scene);
	fake_clock_advance(&actor->scene->clock, UINT64_C(5) * 86400 * 1000);
}

static void receive_expired(struct actor *actor)
{
	struct rlq_message message[4];

	verb_receive(actor, actor->q, message, 4, RLQ_DEFAULT, 0);
	leaks_sweep(actor->q);
}

/* A reader that dies with its message deleted by another. */
static void die_reading(struct actor *actor)
{
	struct rlq_message message;

	if (verb_receive(actor, actor->q, &message, 1, RLQ_DEFAULT, RLQ_RECEIVE_IN_PLACE) == 1)
		verb_delete(actor, actor->q2, &message.receipt, tag_check_body(actor->scene, &message));
	verb_send(actor, actor->q, 16, 0);
}

static void prepare_held_by_dead(struct actor *actor)
{
	verb_send(actor, actor->q, 300, 0);
	kill_helper_at(actor, CRASH_send_claimed, 1, die_reading);
	fake_clock_advance(&actor->scene->clock, 2000);
}

const struct script scripts_reap[] = {
	{.name = "reap ended leases and delays", .also_fifo = true, .prepare = prepare_ended, .run = sweep_q},
	{.name = "reap what the dead have left", .also_fifo = true, .prepare = prepare_orphans, .run = sweep_twice},
	{.name = "reap what a dead reader held",
	 .also_fifo = true,
	 .prepare = prepare_held_by_dead,
	 .run = sweep_q},
	{.name = "set bits again that were lost", .also_fifo = true, .prepare = prepare_lost_bits, .run = sweep_q},
	{.name = "reap by retention", .also_fifo = true, .prepare = prepare_old, .run = sweep_q},
	{.name = "meet expired messages in receive",
	 .also_fifo = true,
	 .prepare = prepare_old,
	 .run = receive_expired},
	{0},
};
