/* Scripts: blocks get memory and give it back. */
#include "tests/crash/scene.h"
#include "tests/support/leaks.h"

enum { LARGE = 8 << 20 }; /* three of them are more than the sweep lets lie idle */

static void send_and_delete(struct actor *actor, uint32_t bytes, size_t count)
{
	struct rlq_message message[4];

	for (size_t i = 0; i < count; i++)
		verb_send(actor, actor->q, bytes, 0);
	for (int got = verb_receive(actor, actor->q, message, count, RLQ_DEFAULT, 0), i = 0; i < got; i++)
		verb_delete(actor, actor->q, &message[i].receipt, tag_check_body(actor->scene, &message[i]));
}

static void prepare_idle(struct actor *actor)
{
	send_and_delete(actor, LARGE, 3);
}

static void sweep_q(struct actor *actor)
{
	leaks_sweep(actor->q);
}

/* A call that may read there goes on, so the memory is not given back now. */
static void sweep_during_call(struct actor *actor)
{
	if (seg_enter(actor->q2->seg) != 0)
		scene_fail(actor->scene, "cannot enter");
	leaks_sweep(actor->q);
	seg_leave(actor->q2->seg);
	leaks_sweep(actor->q);
}

/* ---- small blocks, of which an extent has many ------------------------------------------------ */

static bool is_live(void *context, uint64_t place, uint64_t block)
{
	const struct segment *segment = context;
	struct place at = place_unpack(place);
	struct slot_word word = slot_read_stable(&segment->ring[at.ring].slots[at.slot]);

	(void)block;
	return word_state(word) != SLOT_FREE && (word_generation(word) & PLACE_GENERATION_MASK) == at.generation;
}

static bool is_dead(void *context, uint32_t row, uint32_t serial)
{
	return seg_handle_is_gone(context, row, serial);
}

/* As the sweep does it, but with nothing kept for later. */
static void trim(struct actor *actor)
{
	struct segment *segment = actor->q->seg;
	struct body_sweep sweep = {.is_live = is_live, .is_dead = is_dead, .context = segment};
	uint64_t cursor = 0;

	if (seg_enter(segment) != 0)
		scene_fail(actor->scene, "cannot enter");
	do
		body_sweep_step(segment, &sweep, &cursor, 4096);
	while (cursor != 0);
	seg_leave(segment);
}

static void prepare_small_idle(struct actor *actor)
{
	send_and_delete(actor, 20000, 3); /* two a 64 KiB extent */
}

static void send_block(struct actor *actor)
{
	verb_send(actor, actor->q, 20000, 0);
}

static void prepare_opener_died(struct actor *actor)
{
	kill_helper_at(actor, CRASH_body_owned, 1, send_block);
	kill_helper_at(actor, CRASH_body_backed, 1, send_block);
	kill_helper_at(actor, CRASH_body_opened, 1, send_block);
}

static void prepare_closer_died(struct actor *actor)
{
	prepare_small_idle(actor);
	kill_helper_at(actor, CRASH_body_claimed, 1, trim);
	kill_helper_at(actor, CRASH_body_punched, 1, trim);
}

static void prepare_all_claimed(struct actor *actor)
{
	prepare_small_idle(actor);
	kill_helper_at(actor, CRASH_body_claimed, 2, trim);
}

/* More blocks than the words of a class have memory for at first. */
static void send_beyond_words(struct actor *actor)
{
	for (int i = 0; i < 20; i++)
		verb_send(actor, actor->q, UINT32_C(300) << (i % 10), 0);
}

const struct script scripts_bodies[] = {
	{.name = "give back idle blocks", .prepare = prepare_idle, .run = sweep_q},
	{.name = "keep blocks while a call goes on", .prepare = prepare_idle, .run = sweep_during_call},
	{.name = "give back extents of small blocks", .prepare = prepare_small_idle, .run = trim},
	{.name = "take over extents being opened", .prepare = prepare_opener_died, .run = sweep_q},
	{.name = "take over extents being closed", .prepare = prepare_closer_died, .run = sweep_q},
	{.name = "take over extents wholly claimed", .prepare = prepare_all_claimed, .run = trim},
	{.name = "use many classes of blocks", .run = send_beyond_words},
	{0},
};
