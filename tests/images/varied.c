/* Scripts that a seed makes: what is done before, and by the victim, is drawn from what a queue's users do. */
#include "kmod-free/memory.h"
#include "tests/crash/batch.h"
#include "tests/images/stage.h"
#include "tests/support/arguments.h"
#include "tests/support/leaks.h"

#include <stdlib.h>
#include <string.h>

enum { PREPARED_MAX = 40, RUN_ACTIONS = 6, PRELUDE_MAX = 70, KNOWN = 6 };

static const uint32_t sizes[] = {8, 16, 31, 64, 65, 300, 1000, 5000, 70000};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]), SIZES_OF_PRELUDE = 7 };

struct player {
	struct actor *actor;
	uint64_t random;
};

static uint32_t draw(struct player *player, uint32_t below)
{
	return (uint32_t)(random_next(&player->random) >> 33) % below;
}

static struct player player_begin(struct actor *actor, uint64_t part)
{
	uint64_t seed = ((const struct stage *)actor->scene)->seed;

	return (struct player){.actor = actor, .random = os_mix(seed * 4 + part)};
}

/* ---- ids -------------------------------------------------------------------------------------- */

static uint32_t draw_group(struct player *player)
{
	return draw(player, GROUPS);
}

/* One of the last messages to a FIFO queue, whose id is still remembered; most often there is none. */
static bool draw_known(struct player *player, uint32_t *ret_tag)
{
	const struct scene *scene = player->actor->scene;
	uint32_t count = scene->tag_count < KNOWN ? scene->tag_count : KNOWN;

	if (!scene->is_fifo || count == 0 || draw(player, 3))
		return false;
	*ret_tag = scene->tag_count - 1 - draw(player, count);
	return tag_is_remembered(scene, *ret_tag);
}

/* ---- receipts that the actor keeps ------------------------------------------------------------ */

static void keep_receipt(struct scene *scene, const struct rlq_message *message)
{
	if (scene->receipt_count == RECEIPTS_MAX)
		return;
	scene->receipt[scene->receipt_count] = message->receipt;
	scene->receipt_tag[scene->receipt_count++] = tag_check_body(scene, message);
}

/* Index of one of them, the newest rather than an old one; false if there is none. */
static bool draw_receipt(struct player *player, uint32_t *ret_index)
{
	uint32_t count = player->actor->scene->receipt_count;

	if (count == 0)
		return false;
	*ret_index = draw(player, 3) ? count - 1 - draw(player, count < 4 ? count : 4) : draw(player, count);
	return true;
}

static void forget_receipt(struct scene *scene, uint32_t index)
{
	scene->receipt_count--;
	scene->receipt[index] = scene->receipt[scene->receipt_count];
	scene->receipt_tag[index] = scene->receipt_tag[scene->receipt_count];
}

/* ---- actions ---------------------------------------------------------------------------------- */

static void act_send(struct player *player)
{
	struct actor *actor = player->actor;
	struct rlq_queue *queue = draw(player, 4) ? actor->q : actor->q2;
	uint32_t bytes = sizes[draw(player, SIZES)], tag;

	if (draw_known(player, &tag))
		verb_send_again(actor, tag);
	else if (actor->scene->is_fifo)
		verb_send_to(actor, queue, draw_group(player), bytes);
	else
		verb_send(actor, queue, bytes, draw(player, 4) ? 0 : 1000);
}

static void act_send_batch(struct player *player)
{
	struct scene *scene = player->actor->scene;
	struct batch batch = {.count = 0};
	uint32_t count = 1 + draw(player, BATCH_MAX), tag;

	while (batch.count < count) {
		uint32_t bytes = draw(player, 2) ? 16 : 8 + draw(player, BATCH_BODY - 8);
		uint32_t group = draw_group(player);

		if (draw_known(player, &tag) && scene->tag[tag].bytes <= BATCH_BODY)
			batch_add_again(&batch, scene, tag);
		else
			batch_add(&batch, scene, group, bytes, scene->is_fifo || draw(player, 5) ? 0 : 2000);
	}
	batch_send(&batch, player->actor);
}

static void act_reserve(struct player *player)
{
	struct rlq_queue *queue = player->actor->q;
	struct scene *scene = player->actor->scene;
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_reservation reservation;
	uint32_t tag = tag_new(scene), bytes = sizes[draw(player, SIZES)];
	struct tag_ids ids;
	int error;

	if (scene->is_fifo) {
		tag_set_ids(scene, tag, draw_group(player), &ids);
		options.group = ids.group;
		options.dedup_id = ids.dedup_id;
	}
	error = rlq_reserve(queue, bytes, &options, &reservation);
	expect_code(scene, "reserve", error);
	if (error)
		return;
	tag_sending(scene, false, tag, bytes);
	tag_write_body(tag, reservation.body, bytes);
	if (draw(player, 4) == 0)
		rlq_abandon(queue, &reservation);
	else if (rlq_publish(queue, &reservation, NULL) == 0)
		tag_published(scene, tag);
}

static void act_receive(struct player *player)
{
	struct actor *actor = player->actor;
	struct rlq_message message[BATCH_MAX];
	size_t max = draw(player, 2) ? 1 : BATCH_MAX;
	int count;

	if (actor->scene->is_fifo && draw(player, 3) == 0)
		count = verb_receive_attempt(actor, message, ATTEMPT_MAX);
	else
		count = verb_receive(actor, draw(player, 5) ? actor->q : actor->dlq, message, max,
				     draw(player, 3) ? RLQ_DEFAULT : 1000, 0);
	for (int i = 0; i < count; i++)
		keep_receipt(actor->scene, &message[i]);
}

/* Some are let go and stay leased, some are deleted while they are read. */
static void act_read_in_place(struct player *player)
{
	struct actor *actor = player->actor;
	struct rlq_message message[3];
	int count = verb_receive(actor, actor->q, message, 3, RLQ_DEFAULT, RLQ_RECEIVE_IN_PLACE);

	for (int i = 0; i < count; i++) {
		uint32_t tag = tag_check_body(actor->scene, &message[i]);

		if (draw(player, 2)) {
			keep_receipt(actor->scene, &message[i]);
			expect_code(actor->scene, "let_go", rlq_let_go(actor->q, &message[i]));
		} else {
			verb_delete(actor, actor->q, &message[i].receipt, tag);
		}
	}
}

static void act_delete(struct player *player)
{
	struct scene *scene = player->actor->scene;
	uint32_t index;

	if (!draw_receipt(player, &index))
		return;
	/* Those of the DLQ are refused by q, as they should be. */
	if (!scene->tag[scene->receipt_tag[index]].is_deleted &&
	    scene->tag[scene->receipt_tag[index]].counts[1] == 0)
		verb_delete(player->actor, player->actor->q, &scene->receipt[index], scene->receipt_tag[index]);
	forget_receipt(scene, index);
}

/* One of q's, about to be changed. */
static bool draw_lease(struct player *player, uint32_t *ret_index)
{
	struct scene *scene = player->actor->scene;

	if (!draw_receipt(player, ret_index) || scene->tag[scene->receipt_tag[*ret_index]].counts[1] != 0)
		return false;
	attempt_ends(scene, scene->receipt_tag[*ret_index]);
	return true;
}

static void act_extend(struct player *player)
{
	struct scene *scene = player->actor->scene;
	uint32_t index;

	if (draw_lease(player, &index))
		expect_code(scene, "extend",
			    rlq_extend(player->actor->q, &scene->receipt[index], draw(player, 3) ? 40000 : 0));
}

static void act_release(struct player *player)
{
	struct scene *scene = player->actor->scene;
	uint32_t index;

	if (draw_lease(player, &index))
		expect_code(scene, "release",
			    rlq_release(player->actor->q, &scene->receipt[index], draw(player, 2) ? 0 : 1500));
}

static void act_sweep(struct player *player)
{
	leaks_sweep(draw(player, 4) ? player->actor->q : player->actor->dlq);
}

static void (*const actions[])(struct player *player) = {
	act_send,	   act_send,   act_send_batch, act_reserve, act_receive, act_receive,
	act_read_in_place, act_delete, act_delete,     act_extend,  act_release, act_sweep,
};

static void act(struct player *player)
{
	actions[draw(player, sizeof(actions) / sizeof(actions[0]))](player);
}

/* ---- scripts ---------------------------------------------------------------------------------- */

static void prepare_varied(struct actor *actor)
{
	struct player player = player_begin(actor, 0);

	for (uint32_t count = draw(&player, PREPARED_MAX); count > 0; count--) {
		act(&player);
		if (draw(&player, 8) == 0)
			fake_clock_advance(&actor->scene->clock, 500 + draw(&player, 40000));
	}
}

static void run_varied(struct actor *actor)
{
	struct player player = player_begin(actor, 1);

	for (int i = 0; i < RUN_ACTIONS; i++)
		act(&player);
}

const struct script scripts_varied[] = {
	{.name = "varied", .prepare = prepare_varied, .run = run_varied},
	{.name = "varied, with a DLQ", .prepare = prepare_varied, .run = run_varied, .receives_max = 2},
	{.name = "varied, in growing rings", .prepare = prepare_varied, .run = run_varied, .order_first = 2},
	{.name = "varied, FIFO", .is_fifo = true, .prepare = prepare_varied, .run = run_varied},
	{.name = "varied, FIFO with a DLQ",
	 .is_fifo = true,
	 .prepare = prepare_varied,
	 .run = run_varied,
	 .receives_max = 2},
	{.name = "varied, FIFO in growing rings",
	 .is_fifo = true,
	 .prepare = prepare_varied,
	 .run = run_varied,
	 .order_first = 2},
	{.name = "varied, FIFO with ids for each group",
	 .is_fifo = true,
	 .has_group_ids = true,
	 .prepare = prepare_varied,
	 .run = run_varied},
	{.name = "varied, FIFO with ids of bodies",
	 .is_fifo = true,
	 .has_content_ids = true,
	 .prepare = prepare_varied,
	 .run = run_varied},
	{0},
};

/* ---- before other scripts --------------------------------------------------------------------- */

void prelude_play(struct actor *actor, uint32_t delay_ms)
{
	struct player player = player_begin(actor, 2);

	for (uint32_t count = draw(&player, PRELUDE_MAX); count > 0; count--) {
		struct rlq_message message;

		verb_send(actor, actor->q, sizes[draw(&player, SIZES_OF_PRELUDE)], 0);
		if (delay_ms > 0) {
			fake_clock_advance(&actor->scene->clock, delay_ms + 100);
			leaks_sweep(actor->q);
		}
		if (verb_receive(actor, actor->q, &message, 1, RLQ_DEFAULT, 0) != 1)
			scene_fail(actor->scene, "the message of a prelude does not come");
		verb_delete(actor, actor->q, &message.receipt, tag_check_body(actor->scene, &message));
	}
}
