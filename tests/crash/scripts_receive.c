/* Scripts: receiving. */
#include "tests/crash/scene.h"
#include "tests/support/leaks.h"

#include <string.h>

static void prepare_mixed(struct actor *actor)
{
	prepare_sent(actor, 3);
	verb_send(actor, actor->q, 300, 0);
	verb_send(actor, actor->q, 70000, 0);
}

static void receive_copies(struct actor *actor)
{
	struct rlq_message message[10];

	verb_receive(actor, actor->q, message, 10, RLQ_DEFAULT, 0);
}

static void prepare_many(struct actor *actor)
{
	prepare_sent(actor, 24);
}

/* More than a cursor may lag behind the head. */
static void receive_one_by_one(struct actor *actor)
{
	struct rlq_message message;

	for (int i = 0; i < 24; i++)
		if (verb_receive(actor, actor->q, &message, 1, RLQ_DEFAULT, 0) == 1)
			verb_delete(actor, actor->q, &message.receipt, tag_check_body(actor->scene, &message));
	verb_receive(actor, actor->q, &message, 1, RLQ_DEFAULT, 0);
}

/* Reads on to the end what it holds, however late. */
static void receive_in_place(struct actor *actor)
{
	struct rlq_message message[3];
	int count = verb_receive(actor, actor->q, message, 3, RLQ_DEFAULT, RLQ_RECEIVE_IN_PLACE);

	for (int i = 0; i < count; i++)
		tag_check_body(actor->scene, &message[i]);
	if (count > 0)
		verb_let_go(actor, actor->q, &message[0]);
	for (int i = 1; i < count; i++) {
		uint32_t tag = tag_check_body(actor->scene, &message[i]);

		verb_delete(actor, actor->q, &message[i].receipt, tag);
	}
}

static void prepare_blocks(struct actor *actor)
{
	for (int i = 0; i < 4; i++)
		verb_send(actor, actor->q, i % 2 ? 70000 : 300, 0);
}

/* Another handle deletes what we hold; the bytes stay until we let go. */
static void delete_under_reader(struct actor *actor)
{
	struct rlq_message message[2];
	int count = verb_receive(actor, actor->q, message, 2, RLQ_DEFAULT, RLQ_RECEIVE_IN_PLACE);

	for (int i = 0; i < count; i++)
		verb_delete(actor, actor->q2, &message[i].receipt, tag_check_body(actor->scene, &message[i]));
	for (int i = 0; i < count; i++) {
		tag_check_body(actor->scene, &message[i]);
		verb_let_go(actor, actor->q, &message[i]);
	}
}

/* Two readers of one message: the lease of the first has run out. */
static void prepare_read_by_another(struct actor *actor)
{
	struct rlq_message message[2];

	prepare_sent(actor, 2);
	verb_receive(actor, actor->q, message, 2, 1000, RLQ_RECEIVE_IN_PLACE);
	fake_clock_advance(&actor->scene->clock, 2000);
	leaks_sweep(actor->q);
	/* Let go at once: a survivor that held on would keep the slots for itself. */
	rlq_let_go(actor->q, &message[0]);
	rlq_let_go(actor->q, &message[1]);
}

static void prepare_came_back(struct actor *actor)
{
	prepare_sent(actor, 6);
	prepare_leased(actor, 6, 1000);
	fake_clock_advance(&actor->scene->clock, 2000);
	leaks_sweep(actor->q);
}

static void receive_what_came_back(struct actor *actor)
{
	struct rlq_message message[6];

	verb_receive(actor, actor->q, message, 2, RLQ_DEFAULT, 0);
	verb_receive(actor, actor->q, message, 6, RLQ_DEFAULT, 0);
}

static void receive_without_lease(struct actor *actor)
{
	struct rlq_message message;

	for (int i = 0; i < 3; i++)
		verb_receive(actor, actor->q, &message, 1, 0, 0);
}

static void receive_past_a_producer(struct actor *actor)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_reservation reservation;
	struct rlq_message message[4];

	if (actor->scene->is_fifo) {
		options.group = "g0";
		options.dedup_id = "reserved";
	}
	if (rlq_reserve(actor->q2, 16, &options, &reservation) != 0)
		scene_fail(actor->scene, "cannot reserve");
	verb_send(actor, actor->q, 16, 0);
	verb_receive(actor, actor->q, message, 4, RLQ_DEFAULT, 0);
	rlq_abandon(actor->q2, &reservation);
}

static void wait_for_message(struct actor *actor)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message message;

	options.wait_ms = 3;
	crash_drift(&actor->scene->clock);
	rlq_receive(actor->q, &message, 1, &options);
	crash_drift(NULL);
	verb_send(actor, actor->q2, 16, 0);
}

/* Others reap and find a sleeper that is gone. */
static void prepare_leased_soon_back(struct actor *actor)
{
	prepare_sent(actor, 2);
	prepare_leased(actor, 2, 1000);
	fake_clock_advance(&actor->scene->clock, 2000);
}

/* Nobody has reaped: the empty-handed consumer does it. */
static void receive_reaps(struct actor *actor)
{
	struct rlq_message message[4];

	verb_receive(actor, actor->q, message, 4, RLQ_DEFAULT, 0);
}

/* ---- tenants ---------------------------------------------------------------------------------- */

static void send_as_tenants(struct actor *actor)
{
	verb_send_as(actor, actor->q, "noisy", 18);
	verb_send_as(actor, actor->q, "quiet", 1);
}

/* The noisy one's are passed, then taken. */
static void receive_from_tenants(struct actor *actor)
{
	struct rlq_message message;

	for (int i = 0; i < 4; i++)
		if (verb_receive(actor, actor->q, &message, 1, RLQ_DEFAULT, 0) == 1)
			verb_delete(actor, actor->q, &message.receipt, tag_check_body(actor->scene, &message));
}

const struct script scripts_receive[] = {
	{.name = "receive copies", .also_fifo = true, .prepare = prepare_mixed, .run = receive_copies},
	{.name = "receive and delete one by one",
	 .also_fifo = true,
	 .prepare = prepare_many,
	 .run = receive_one_by_one},
	{.name = "receive in place", .also_fifo = true, .prepare = prepare_mixed, .run = receive_in_place},
	{.name = "receive blocks in place", .prepare = prepare_blocks, .run = receive_in_place},
	{.name = "delete under a reader in place",
	 .also_fifo = true,
	 .prepare = prepare_blocks,
	 .run = delete_under_reader},
	{.name = "receive in place what another has read",
	 .also_fifo = true,
	 .prepare = prepare_read_by_another,
	 .run = receive_in_place},
	{.name = "receive what came back",
	 .also_fifo = true,
	 .prepare = prepare_came_back,
	 .run = receive_what_came_back},
	{.name = "receive with no visibility timeout",
	 .also_fifo = true,
	 .prepare = prepare_mixed,
	 .run = receive_without_lease},
	{.name = "receive past a producer", .also_fifo = true, .run = receive_past_a_producer},
	{.name = "send with group ids", .run = send_as_tenants},
	{.name = "receive past a noisy tenant", .prepare = send_as_tenants, .run = receive_from_tenants},
	{.name = "wait for a message", .also_fifo = true, .run = wait_for_message, .waits = true},
	{.name = "reap before saying empty",
	 .also_fifo = true,
	 .prepare = prepare_leased_soon_back,
	 .run = receive_reaps},
	{0},
};
