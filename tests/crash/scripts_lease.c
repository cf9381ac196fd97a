/* Scripts: what the holder of a lease does. */
#include "tests/crash/scene.h"

static void prepare_held(struct actor *actor)
{
	prepare_sent(actor, 2);
	verb_send(actor, actor->q, 300, 0);
	verb_send(actor, actor->q, 70000, 0);
	prepare_leased(actor, 4, RLQ_DEFAULT);
}

static void delete_each(struct actor *actor)
{
	struct scene *scene = actor->scene;

	for (uint32_t i = 0; i < scene->receipt_count; i++)
		verb_delete(actor, actor->q, &scene->receipt[i], scene->receipt_tag[i]);
}

static void delete_batch(struct actor *actor)
{
	struct scene *scene = actor->scene;
	int result[RECEIPTS_MAX];
	int count;

	for (uint32_t i = 0; i < scene->receipt_count; i++)
		scene->tag[scene->receipt_tag[i]].is_deleting = 1;
	count = rlq_delete_batch(actor->q, scene->receipt, scene->receipt_count, result);
	expect_code(scene, "delete_batch", count);
	for (uint32_t i = 0; i < scene->receipt_count; i++) {
		expect_code(scene, "delete_batch", result[i]);
		if (result[i] == 0)
			tag_deleted(scene, scene->receipt_tag[i]);
		scene->tag[scene->receipt_tag[i]].is_deleting = 0;
	}
}

/* Who comes after 12 h is told that a message cannot be held for so long; refused in any case. */
static void extend_one(struct actor *actor, uint32_t which, int64_t ms)
{
	int code = rlq_extend(actor->q, &actor->scene->receipt[which], ms);

	if (code != RLQ_EATTRIBUTE || actor->scene->clock.boot_ms < RLQ_VISIBILITY_MAX_MS)
		expect_code(actor->scene, "extend", code);
}

static void extend(struct actor *actor)
{
	extend_one(actor, 0, 40000);
	extend_one(actor, 1, 0);
	extend_one(actor, 2, 1000);
	extend_one(actor, 0, 0);
}

static void release(struct actor *actor)
{
	const struct scene *scene = actor->scene;

	expect_code(actor->scene, "release", rlq_release(actor->q, &scene->receipt[0], 0));
	expect_code(actor->scene, "release", rlq_release(actor->q, &scene->receipt[2], 5000));
	expect_code(actor->scene, "release", rlq_release(actor->q, &scene->receipt[3], 0));
}

const struct script scripts_lease[] = {
	{.name = "delete", .also_fifo = true, .prepare = prepare_held, .run = delete_each},
	{.name = "delete a batch", .also_fifo = true, .prepare = prepare_held, .run = delete_batch},
	{.name = "change the visibility timeout", .also_fifo = true, .prepare = prepare_held, .run = extend},
	{.name = "release at once and with a delay", .also_fifo = true, .prepare = prepare_held, .run = release},
	{0},
};
