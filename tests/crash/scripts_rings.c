/* Scripts: rings come and go. */
#include "tests/crash/scene.h"
#include "tests/support/leaks.h"

#include "shm/rings.h"

static void send_into_growth(struct actor *actor)
{
	for (int i = 0; i < 12; i++)
		verb_send(actor, actor->q, 16, 0);
}

static void delete_some(struct actor *actor, int count)
{
	struct rlq_message message;

	for (int i = 0; i < count; i++)
		if (verb_receive(actor, actor->q, &message, 1, RLQ_DEFAULT, 0) == 1)
			verb_delete(actor, actor->q, &message.receipt, tag_check_body(actor->scene, &message));
}

static void prepare_grown(struct actor *actor)
{
	prepare_sent(actor, 12);
	delete_some(actor, 10);
}

static void sweep_q(struct actor *actor)
{
	leaks_sweep(actor->q);
}

static void sweep_twice(struct actor *actor)
{
	leaks_sweep(actor->q);
	leaks_sweep(actor->q);
}

static void prepare_large(struct actor *actor)
{
	prepare_sent(actor, 3);
}

/* A ring that is nearly empty gets a small successor, and goes once it is empty. */
static void shrink(struct actor *actor)
{
	leaks_sweep(actor->q);
	delete_some(actor, 3);
	sweep_twice(actor);
}

static void prepare_grower_died_listing(struct actor *actor)
{
	kill_helper_at(actor, CRASH_grow_appended, 1, send_into_growth);
}

static void prepare_grower_died_early(struct actor *actor)
{
	kill_helper_at(actor, CRASH_grow_allocated, 1, send_into_growth);
	kill_helper_at(actor, CRASH_grow_busy, 1, send_into_growth);
}

static void prepare_retirer_died(struct actor *actor)
{
	prepare_grown(actor);
	kill_helper_at(actor, CRASH_retire_unlisted, 1, sweep_q);
	kill_helper_at(actor, CRASH_retire_busy, 1, sweep_q);
}

/* Somebody else appends while we do: what we have prepared is given back. The other call is played by
 * another handle, whose view is older. */
static void grow_and_lose(struct actor *actor)
{
	struct segment *slow = actor->q->seg, *fast = actor->q2->seg;

	if (seg_enter(slow) != 0 || seg_enter(fast) != 0)
		scene_fail(actor->scene, "cannot enter");
	seg_grow(fast, 4);
	seg_grow(slow, 4);
	seg_leave(fast);
	seg_leave(slow);
}

const struct script scripts_rings[] = {
	{.name = "grow", .also_fifo = true, .order_first = 2, .run = send_into_growth},
	{.name = "grow and lose to another", .order_first = 2, .run = grow_and_lose},
	{.name = "retire emptied rings",
	 .also_fifo = true,
	 .order_first = 2,
	 .prepare = prepare_grown,
	 .run = sweep_twice},
	{.name = "shrink",
	 .capacity = 14336,
	 .order_first = 14,
	 .prepare = prepare_large,
	 .run = shrink,
	 .is_slow = true},
	{.name = "finish listing a ring for the dead",
	 .order_first = 2,
	 .prepare = prepare_grower_died_listing,
	 .run = sweep_twice},
	{.name = "give back what the dead were growing",
	 .order_first = 2,
	 .prepare = prepare_grower_died_early,
	 .run = sweep_twice},
	{.name = "finish retiring for the dead",
	 .also_fifo = true,
	 .order_first = 2,
	 .prepare = prepare_retirer_died,
	 .run = sweep_twice},
	{0},
};
