/* Scripts: sending. */
#include "tests/crash/batch.h"

#include <stdlib.h>

static void send_small(struct actor *actor)
{
	for (int i = 0; i < 3; i++)
		verb_send(actor, actor->q, 16, 0);
}

/* More than a cursor may lag behind the tail. */
static void send_many(struct actor *actor)
{
	for (int i = 0; i < 20; i++)
		verb_send(actor, actor->q, 16, 0);
}

static void send_in_blocks(struct actor *actor)
{
	verb_send(actor, actor->q, 300, 0);
	verb_send(actor, actor->q, 70000, 0);
	verb_send(actor, actor->q, 301, 0);
}

static void send_delayed(struct actor *actor)
{
	verb_send(actor, actor->q, 16, 5000);
	verb_send(actor, actor->q, 300, 3000);
}

static void send_batch(struct actor *actor)
{
	struct batch batch = {.count = 0};

	for (uint32_t i = 0; i < 5; i++)
		batch_add(&batch, actor->scene, i % 2, i % 2 ? 400 : 16,
			  i == 4 && !actor->scene->is_fifo ? 2000 : 0);
	batch_send(&batch, actor);
}

/* Reserves and writes; the tag of what was reserved. */
static uint32_t reserve(struct actor *actor, uint32_t bytes, struct rlq_reservation *ret_reservation)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	uint32_t tag = tag_new(actor->scene);
	struct tag_ids ids;
	int error;

	tag_set_ids(actor->scene, tag, 0, &ids);
	if (actor->scene->is_fifo) {
		options.group = ids.group;
		options.dedup_id = ids.dedup_id;
	}
	error = rlq_reserve(actor->q, bytes, &options, ret_reservation);
	if (error)
		scene_fail(actor->scene, "reserve: %s", rlq_strerror(error));
	tag_sending(actor->scene, false, tag, bytes);
	tag_write_body(tag, ret_reservation->body, bytes);
	return tag;
}

static void publish(struct actor *actor, struct rlq_reservation *reservation, uint32_t tag)
{
	int error = rlq_publish(actor->q, reservation, NULL);

	if (error)
		scene_fail(actor->scene, "publish: %s", rlq_strerror(error));
	tag_published(actor->scene, tag);
}

static void reserve_publish_abandon(struct actor *actor)
{
	struct rlq_reservation small, block, large;
	uint32_t small_tag = reserve(actor, 16, &small);

	reserve(actor, 300, &block);
	publish(actor, &small, small_tag);
	small_tag = reserve(actor, 70000, &large);
	rlq_abandon(actor->q, &block);
	publish(actor, &large, small_tag);
}

/* A consumer goes by while the message is being written. */
static void publish_what_was_passed(struct actor *actor)
{
	struct rlq_reservation reservation;
	struct rlq_message message[2];
	uint32_t tag = reserve(actor, 16, &reservation);

	verb_receive(actor, actor->q2, message, 2, RLQ_DEFAULT, 0);
	publish(actor, &reservation, tag);
	verb_receive(actor, actor->q2, message, 2, RLQ_DEFAULT, 0);
}

/* Leaves a ring with old messages at places that the tail comes to next. */
static void prepare_old_messages(struct actor *actor)
{
	struct rlq_message message[28];
	int count;

	prepare_sent(actor, 28);
	prepare_leased(actor, 6, RLQ_DEFAULT);
	count = verb_receive(actor, actor->q, message, 22, RLQ_DEFAULT, 0);
	for (int i = 0; i < count; i++)
		verb_delete(actor, actor->q, &message[i].receipt, tag_check_body(actor->scene, &message[i]));
}

/* Steps over them, then receives there and deletes one that bears a mark. */
static void send_around_old_messages(struct actor *actor)
{
	struct scene *scene = actor->scene;
	struct rlq_message message[8];

	for (int i = 0; i < 8; i++)
		verb_send(actor, actor->q, 16, 0);
	verb_receive(actor, actor->q, message, 8, RLQ_DEFAULT, 0);
	verb_delete(actor, actor->q, &scene->receipt[1], scene->receipt_tag[1]);
	for (int i = 0; i < 4; i++)
		verb_send(actor, actor->q, 16, 0);
}

static void prepare_full(struct actor *actor)
{
	prepare_sent(actor, actor->scene->capacity);
	prepare_leased(actor, 3, 1000);
	fake_clock_advance(&actor->scene->clock, 2000);
}

static void send_to_full_queue(struct actor *actor)
{
	verb_send(actor, actor->q, 16, 0);
	verb_send(actor, actor->q, 300, 0);
}

/* Every slot is being written, so that the tail goes round and round. One handle alone may not reserve more
 * than the capacity. */
static void reserve_every_slot(struct actor *actor)
{
	struct rlq_reservation reservation[40];

	for (int i = 0; i < 40; i++)
		expect_code(actor->scene, "reserve",
			    rlq_reserve(i % 2 ? actor->q2 : actor->q, 16, NULL, &reservation[i]));
}

static void wait_for_room(struct actor *actor)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	unsigned char body[16];
	uint32_t tag = tag_new(actor->scene);

	tag_write_body(tag, body, sizeof(body));
	actor->scene->tag[tag].is_sending = 1;
	options.flags = RLQ_SEND_WAIT;
	options.timeout_ms = 3;
	crash_drift(&actor->scene->clock);
	if (rlq_send(actor->q, body, sizeof(body), &options, NULL) == 0)
		actor->scene->tag[tag].is_sent = 1;
	crash_drift(NULL);
}

const struct script scripts_send[] = {
	{.name = "send small messages", .also_fifo = true, .run = send_small},
	{.name = "send more than a cursor's lag", .run = send_many},
	{.name = "send bodies in blocks", .run = send_in_blocks},
	{.name = "send delayed", .run = send_delayed},
	{.name = "send a batch", .also_fifo = true, .run = send_batch},
	{.name = "send a batch beyond a window", .is_fifo = true, .run = send_batch, .meanwhile = outlive_windows},
	{.name = "reserve, publish, abandon", .also_fifo = true, .run = reserve_publish_abandon},
	{.name = "publish what a consumer has passed", .also_fifo = true, .run = publish_what_was_passed},
	{.name = "send around old messages", .prepare = prepare_old_messages, .run = send_around_old_messages},
	{.name = "send to a full queue", .also_fifo = true, .prepare = prepare_full, .run = send_to_full_queue},
	{.name = "reserve every slot", .run = reserve_every_slot},
	{.name = "wait for room", .prepare = prepare_full, .run = wait_for_room, .waits = true},
	{0},
};
