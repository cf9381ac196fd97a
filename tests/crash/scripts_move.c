/* Scripts: moves to the dead-letter queue and back. */
#include "tests/crash/order.h"
#include "tests/support/leaks.h"

/* Messages that have used up their one receive. */
static void prepare_used_up(struct actor *actor)
{
	prepare_sent(actor, 1);
	verb_send(actor, actor->q, 300, 0);
	prepare_leased(actor, 2, 1000);
	fake_clock_advance(&actor->scene->clock, 2000);
	leaks_sweep(actor->q);
}

static void receive_used_up(struct actor *actor)
{
	struct rlq_message message[4];

	verb_receive(actor, actor->q, message, 4, RLQ_DEFAULT, 0);
}

static void prepare_overdue(struct actor *actor)
{
	prepare_used_up(actor);
	fake_clock_advance(&actor->scene->clock, 60000);
}

static void sweep_q(struct actor *actor)
{
	leaks_sweep(actor->q);
}

static void sweep_dlq_then_q(struct actor *actor)
{
	leaks_sweep(actor->dlq);
	leaks_sweep(actor->q);
}

static void sweep_q_then_dlq(struct actor *actor)
{
	leaks_sweep(actor->q);
	leaks_sweep(actor->dlq);
}

static void prepare_mover_died_deciding(struct actor *actor)
{
	prepare_used_up(actor);
	kill_helper_at(actor, CRASH_move_decided, 1, receive_used_up);
}

static void prepare_mover_died_arriving(struct actor *actor)
{
	prepare_used_up(actor);
	kill_helper_at(actor, CRASH_move_arrived, 1, receive_used_up);
}

static void prepare_mover_died_copying(struct actor *actor)
{
	prepare_used_up(actor);
	kill_helper_at(actor, CRASH_move_copied, 1, receive_used_up);
	kill_helper_at(actor, CRASH_move_claimed, 1, receive_used_up);
}

static void prepare_consumer_died_finding(struct actor *actor)
{
	prepare_used_up(actor);
	kill_helper_at(actor, CRASH_receive_dead, 1, receive_used_up);
}

static void prepare_in_dlq(struct actor *actor)
{
	struct rlq_message message[4];

	prepare_used_up(actor);
	verb_receive(actor, actor->q, message, 4, RLQ_DEFAULT, 0);
	actor->scene->known.is_redriven = true; /* from here on they may be */
}

/* By the receipts of the last holder. */
static void delete_used_up(struct actor *actor)
{
	struct scene *scene = actor->scene;

	for (uint32_t i = 0; i < scene->receipt_count; i++)
		verb_delete(actor, actor->q, &scene->receipt[i], scene->receipt_tag[i]);
}

static void redrive(struct actor *actor)
{
	/* They are counted anew from here. */
	for (uint32_t tag = 0; tag < actor->scene->tag_count; tag++)
		actor->scene->tag[tag].counts[0] = 0;
	order_redriven(actor->scene);
	expect_code(actor->scene, "redrive", rlq_redrive(actor->dlq, NULL, 0, NULL));
}

/* The target has no room: the messages stay, counted, and go later. */
static void prepare_dlq_full(struct actor *actor)
{
	while (verb_send(actor, actor->dlq, 16, 0) == 0)
		;
	prepare_overdue(actor);
}

static void set_no_dlq(struct actor *actor)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	if (rlq_queue_get_attributes(actor->q, &attributes) != 0)
		scene_fail(actor->scene, "cannot read the attributes");
	attributes.dlq[0] = '\0';
	attributes.receives_max = 0;
	if (rlq_queue_set_attributes(actor->q, &attributes) != 0)
		scene_fail(actor->scene, "cannot set the attributes");
}

/* DEAD, and then the queue has no DLQ any more. */
static void prepare_dlq_gone(struct actor *actor)
{
	prepare_consumer_died_finding(actor);
	set_no_dlq(actor);
}

const struct script scripts_move[] = {
	{.name = "move to the DLQ by receive",
	 .also_fifo = true,
	 .receives_max = 1,
	 .prepare = prepare_used_up,
	 .run = receive_used_up},
	{.name = "move to the DLQ by the sweep",
	 .also_fifo = true,
	 .receives_max = 1,
	 .prepare = prepare_overdue,
	 .run = sweep_q},
	{.name = "finish a decided move from the source",
	 .also_fifo = true,
	 .receives_max = 1,
	 .prepare = prepare_mover_died_deciding,
	 .run = sweep_q_then_dlq},
	{.name = "finish a decided move from the DLQ",
	 .also_fifo = true,
	 .receives_max = 1,
	 .prepare = prepare_mover_died_deciding,
	 .run = sweep_dlq_then_q},
	{.name = "finish a move that has arrived",
	 .also_fifo = true,
	 .receives_max = 1,
	 .prepare = prepare_mover_died_arriving,
	 .run = sweep_q_then_dlq},
	{.name = "undo an undecided move from the source",
	 .also_fifo = true,
	 .receives_max = 1,
	 .prepare = prepare_mover_died_copying,
	 .run = sweep_q_then_dlq},
	{.name = "undo an undecided move from the DLQ",
	 .also_fifo = true,
	 .receives_max = 1,
	 .prepare = prepare_mover_died_copying,
	 .run = sweep_dlq_then_q},
	{.name = "move what was found dead",
	 .also_fifo = true,
	 .receives_max = 1,
	 .prepare = prepare_consumer_died_finding,
	 .run = sweep_q},
	{.name = "delete what a dead mover has claimed",
	 .also_fifo = true,
	 .receives_max = 1,
	 .prepare = prepare_mover_died_copying,
	 .run = delete_used_up},
	{.name = "redrive", .also_fifo = true, .receives_max = 1, .prepare = prepare_in_dlq, .run = redrive},
	{.name = "move to a full DLQ",
	 .also_fifo = true,
	 .receives_max = 1,
	 .prepare = prepare_dlq_full,
	 .run = sweep_q},
	{.name = "set no DLQ", .also_fifo = true, .receives_max = 1, .prepare = prepare_used_up, .run = set_no_dlq},
	{.name = "keep what has no DLQ any more",
	 .also_fifo = true,
	 .receives_max = 1,
	 .prepare = prepare_dlq_gone,
	 .run = sweep_q},
	{0},
};
