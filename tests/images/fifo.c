/* Scripts of FIFO queues beside those of tests/crash: deduplication in all its kinds, and groups that move as a
 * whole. */
#include "tests/crash/batch.h"
#include "tests/crash/order.h"
#include "tests/images/stage.h"
#include "tests/support/leaks.h"

enum { DELAY_MS = 2000 };

static void send_to(struct actor *actor, uint32_t group, uint32_t count)
{
	while (count-- > 0)
		verb_send_to(actor, actor->q, group, count % 2 ? 300 : 16);
}

static void receive_and_delete(struct actor *actor, struct rlq_queue *queue, size_t max)
{
	struct rlq_message message[RECEIPTS_MAX];
	int count = verb_receive(actor, queue, message, max, RLQ_DEFAULT, 0);

	for (int i = 0; i < count; i++)
		verb_delete(actor, queue, &message[i].receipt, tag_check_body(actor->scene, &message[i]));
}

/* ---- deduplication ---------------------------------------------------------------------------- */

/* Messages 0 (deleted), 1 (in flight), 2 and 3 (waiting, one of them behind the one in flight). */
static void prepare_known_ids(struct actor *actor)
{
	send_to(actor, 0, 1);
	receive_and_delete(actor, actor->q, 1);
	send_to(actor, 0, 1);
	prepare_leased(actor, 1, RLQ_DEFAULT);
	send_to(actor, 0, 1);
	send_to(actor, 1, 1);
}

static void send_new_and_known(struct actor *actor)
{
	send_to(actor, 0, 1);
	for (uint32_t tag = 0; tag < 5; tag++)
		verb_send_again(actor, tag);
	send_to(actor, 2, 1);
	receive_and_delete(actor, actor->q, 2);
}

/* New ones to three groups, one of them twice, and known ones. */
static void send_batch_with_duplicates(struct actor *actor)
{
	struct scene *scene = actor->scene;
	struct batch batch = {.count = 0};
	uint32_t new = scene->tag_count;

	batch_add_again(&batch, scene, 1);
	batch_add(&batch, scene, 0, 16, 0);
	batch_add(&batch, scene, 1, 300, 0);
	batch_add_again(&batch, scene, new);
	batch_add_again(&batch, scene, 0);
	batch_add(&batch, scene, 2, 16, 0);
	batch_send(&batch, actor);
	receive_and_delete(actor, actor->q, 3);
}

/* The id is made when the body is there: of the second one it is that of the first. */
static void publish_twice(struct actor *actor)
{
	uint32_t tag = tag_new(actor->scene);

	tag_sending(actor->scene, false, tag, 300);
	for (int i = 0; i < 2; i++) {
		struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
		struct rlq_reservation reservation;
		struct tag_ids ids;

		tag_set_ids(actor->scene, tag, 0, &ids);
		options.group = ids.group;
		if (rlq_reserve(actor->q, 300, &options, &reservation) != 0)
			scene_fail(actor->scene, "cannot reserve");
		tag_write_body(tag, reservation.body, 300);
		if (rlq_publish(actor->q, &reservation, NULL) != 0)
			scene_fail(actor->scene, "cannot publish");
		tag_published(actor->scene, tag);
	}
	receive_and_delete(actor, actor->q, 3);
}

/* A small table takes half of its cells in ids, and then a larger one follows. */
static void prepare_ids(struct actor *actor)
{
	uint32_t ids = (1u << DEDUP_ORDER_MIN) / 2 - DEDUP_RUN - 2;

	while (actor->scene->tag_count < ids) {
		for (uint32_t i = 0; i < actor->scene->capacity && actor->scene->tag_count < ids; i++)
			send_to(actor, i % GROUPS, 1);
		receive_and_delete(actor, actor->q, RECEIPTS_MAX);
	}
	send_to(actor, 0, 3);
}

static void send_beyond_ids(struct actor *actor)
{
	uint32_t first = actor->scene->tag_count - 3;

	send_to(actor, 1, DEDUP_RUN + 8);
	verb_send_again(actor, first);
	verb_send_again(actor, actor->scene->tag_count - 1);
	receive_and_delete(actor, actor->q, 2);
}

/* ---- attempts --------------------------------------------------------------------------------- */

static void prepare_pairs(struct actor *actor)
{
	for (uint32_t group = 0; group < GROUPS; group++)
		send_to(actor, group, 2);
}

/* Of two groups; then the first of them is given back, and it is another attempt. */
static void attempt_groups(struct actor *actor)
{
	struct rlq_message message[ATTEMPT_MAX];
	int count;

	verb_receive_attempt(actor, message, ATTEMPT_MAX);
	count = verb_receive_attempt(actor, message, ATTEMPT_MAX);
	if (count == 0)
		return;
	attempt_ends(actor->scene, tag_check_body(actor->scene, &message[0]));
	expect_code(actor->scene, "release", rlq_release(actor->q, &message[0].receipt, 0));
	verb_receive_attempt(actor, message, ATTEMPT_MAX);
}

/* ---- to the DLQ and back ---------------------------------------------------------------------- */

/* Three of a group and one of another have used up their one receive. */
static void prepare_group_used_up(struct actor *actor)
{
	send_to(actor, 0, 3);
	send_to(actor, 1, 1);
	prepare_leased(actor, 4, 1000);
	send_to(actor, 0, 1);
	fake_clock_advance(&actor->scene->clock, 2000);
	leaks_sweep(actor->q);
}

static void receive_past_them(struct actor *actor)
{
	receive_and_delete(actor, actor->q, 2);
	receive_and_delete(actor, actor->dlq, 2);
}

static void prepare_group_overdue(struct actor *actor)
{
	prepare_group_used_up(actor);
	fake_clock_advance(&actor->scene->clock, 60000);
}

static void sweep_and_receive(struct actor *actor)
{
	leaks_sweep(actor->q);
	receive_past_them(actor);
}

static void prepare_group_in_dlq(struct actor *actor)
{
	struct rlq_message message;

	prepare_group_used_up(actor);
	receive_and_delete(actor, actor->q, 1);
	verb_receive(actor, actor->q, &message, 1, RLQ_DEFAULT, 0);
}

static void redrive(struct actor *actor)
{
	/* They are counted anew from here. */
	for (uint32_t tag = 0; tag < actor->scene->tag_count; tag++)
		actor->scene->tag[tag].counts[0] = 0;
	order_redriven(actor->scene);
	expect_code(actor->scene, "redrive", rlq_redrive(actor->dlq, NULL, 0, NULL));
	receive_and_delete(actor, actor->q, 2);
}

/* ---- delays ----------------------------------------------------------------------------------- */

static void prepare_delayed(struct actor *actor)
{
	send_to(actor, 0, 2);
	send_to(actor, 1, 1);
	fake_clock_advance(&actor->scene->clock, DELAY_MS / 2);
}

/* The first of a group are due, one behind them is not. */
static void receive_what_is_due(struct actor *actor)
{
	send_to(actor, 0, 1);
	send_to(actor, 2, 1);
	verb_send_again(actor, 0);
	fake_clock_advance(&actor->scene->clock, DELAY_MS / 2 + 100);
	leaks_sweep(actor->q);
	receive_and_delete(actor, actor->q, 4);
}

const struct script scripts_images[] = {
	{.name = "send new and known ids",
	 .is_fifo = true,
	 .prepare = prepare_known_ids,
	 .run = send_new_and_known},
	{.name = "send with ids of bodies",
	 .is_fifo = true,
	 .has_content_ids = true,
	 .prepare = prepare_known_ids,
	 .run = send_new_and_known},
	{.name = "send with ids that other groups have",
	 .is_fifo = true,
	 .has_group_ids = true,
	 .prepare = prepare_known_ids,
	 .run = send_new_and_known},
	{.name = "send a batch with duplicates",
	 .is_fifo = true,
	 .prepare = prepare_known_ids,
	 .run = send_batch_with_duplicates},
	{.name = "publish the same body twice",
	 .is_fifo = true,
	 .has_content_ids = true,
	 .prepare = prepare_known_ids,
	 .run = publish_twice},
	{.name = "grow the table of ids", .is_fifo = true, .prepare = prepare_ids, .run = send_beyond_ids},
	{.name = "receive groups again by attempt",
	 .is_fifo = true,
	 .prepare = prepare_pairs,
	 .run = attempt_groups},
	{.name = "move a group to the DLQ by receive",
	 .is_fifo = true,
	 .receives_max = 1,
	 .prepare = prepare_group_used_up,
	 .run = receive_past_them},
	{.name = "move a group to the DLQ by the sweep",
	 .is_fifo = true,
	 .receives_max = 1,
	 .prepare = prepare_group_overdue,
	 .run = sweep_and_receive},
	{.name = "redrive a group",
	 .is_fifo = true,
	 .receives_max = 1,
	 .prepare = prepare_group_in_dlq,
	 .run = redrive},
	{.name = "delay groups",
	 .is_fifo = true,
	 .delay_ms = DELAY_MS,
	 .prepare = prepare_delayed,
	 .run = receive_what_is_due},
	{0},
};
