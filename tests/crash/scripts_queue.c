/* Scripts: queues and handles come and go. */
#include "tests/crash/scene.h"

#include <string.h>

static void expect_one_of(struct actor *actor, const char *what, int code, int other)
{
	if (code < 0 && code != other)
		scene_fail(actor->scene, "%s: %s", what, rlq_strerror(code));
}

static void open_and_close(struct actor *actor)
{
	actor_open(actor->scene, actor);
	verb_send(actor, actor->q, 16, 0);
	actor_close(actor);
}

/* More handles than rows that have memory. */
static void open_many(struct actor *actor)
{
	struct rlq_queue *queue[16];

	for (int i = 0; i < 16; i++)
		if (rlq_queue_open(actor->directory, "q", &queue[i]) != 0)
			scene_fail(actor->scene, "cannot open handle %d", i);
	verb_send(actor, queue[15], 16, 0);
	for (int i = 0; i < 16; i++)
		rlq_queue_close(queue[i]);
}

static void create(struct actor *actor)
{
	expect_one_of(actor, "create", rlq_queue_create(actor->directory, "other", NULL), 0);
}

static void prepare_other(struct actor *actor)
{
	create(actor);
}

static void remove_queue(struct actor *actor)
{
	expect_one_of(actor, "remove", rlq_queue_remove(actor->directory, "other"), RLQ_ENOQUEUE);
}

static bool made_anew;

/* While a remover stands, the name can be taken away, and given to another queue; or the remover has it. */
static void remove_and_make_anew(struct actor *actor)
{
	int error = rlq_queue_remove(actor->directory, "other");

	if (error != RLQ_EBUSY)
		expect_one_of(actor, "remove meanwhile", error, RLQ_ENOQUEUE);
	error = rlq_queue_create(actor->directory, "other", NULL);
	expect_one_of(actor, "create meanwhile", error, RLQ_EBUSY);
	made_anew = error == 1;
}

/* The remover has not taken away the new one. */
static void expect_made_anew(struct actor *actor)
{
	struct rlq_queue *queue;

	if (!made_anew)
		return;
	expect_one_of(actor, "open what was made anew", rlq_queue_open(actor->directory, "other", &queue), 0);
	expect_one_of(actor, "send to it", rlq_send(queue, "a", 1, NULL, NULL), 0);
	rlq_queue_close(queue);
}

static void set_attributes(struct actor *actor)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	if (rlq_queue_get_attributes(actor->q, &attributes) != 0)
		scene_fail(actor->scene, "cannot read the attributes");
	attributes.visibility_ms = 20000;
	strcpy(attributes.dlq, "dlq");
	attributes.receives_max = 3;
	expect_one_of(actor, "set", rlq_queue_set_attributes(actor->q, &attributes), RLQ_EBUSY);
}

static void prepare_to_purge(struct actor *actor)
{
	prepare_sent(actor, 2);
	verb_send(actor, actor->q, 300, 0);
	verb_send(actor, actor->q, 16, 2000);
	prepare_leased(actor, 1, RLQ_DEFAULT);
	tags_forget(actor->scene);
}

static void purge(struct actor *actor)
{
	expect_one_of(actor, "purge", rlq_purge(actor->q, NULL), 0);
	tags_forget(actor->scene);
}

const struct script scripts_queue[] = {
	{.name = "open and close", .also_fifo = true, .run = open_and_close, .opens = true},
	{.name = "open more handles than there are rows", .run = open_many},
	{.name = "create a queue", .run = create, .meanwhile = create},
	{.name = "remove a queue",
	 .prepare = prepare_other,
	 .run = remove_queue,
	 .meanwhile = remove_and_make_anew,
	 .then = expect_made_anew},
	{.name = "set attributes", .run = set_attributes, .meanwhile = set_attributes},
	{.name = "purge", .also_fifo = true, .prepare = prepare_to_purge, .run = purge},
	{0},
};
