#include "tests/crash/scene.h"

#include "tests/support/child.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CAPACITY = 28, ORDER_FIRST = 5 };

void scene_fail(struct scene *scene, const char *format, ...)
{
	char text[sizeof(scene->failure)]; /* an earlier failure may be part of this one */
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	strcpy(scene->failure, text);
	_exit(1);
}

const char *scene_queue_name(const struct scene *scene, bool is_dlq)
{
	static const char *const names[2][2] = {{"q", "dlq"}, {"q.fifo", "dlq.fifo"}};

	return names[scene->is_fifo][is_dlq];
}

static void build_q(struct scene *scene, const struct script *script, struct rlq_directory *directory)
{
	struct seg_recipe recipe = {
		.name = scene_queue_name(scene, false),
		.type = scene->is_fifo ? RLQ_FIFO : RLQ_STANDARD,
		.dedup_max = scene->is_fifo ? RLQ_DEDUP_DEFAULT : 0,
		.capacity = scene->capacity,
		.order_first = script->order_first ? script->order_first : ORDER_FIRST,
		.mode = 0600,
		.group = UINT32_MAX,
		.attribute = {[ATTRIBUTE_VISIBILITY_MS] = VISIBILITY_MS,
			      [ATTRIBUTE_RETENTION_MS] = RETENTION_MS,
			      [ATTRIBUTE_BYTES_MAX] = RLQ_BODY_MAX,
			      [ATTRIBUTE_RECEIVES_MAX] = script->receives_max,
			      [ATTRIBUTE_OVERDUE_MS] = 30000,
			      [ATTRIBUTE_DELAY_MS] = script->delay_ms,
			      [ATTRIBUTE_CONTENT_DEDUP] = script->has_content_ids,
			      [ATTRIBUTE_DEDUP_SCOPE] = script->has_group_ids ? RLQ_DEDUP_GROUP : RLQ_DEDUP_QUEUE,
			      [ATTRIBUTE_DEDUP_WINDOW_MS] = scene->is_fifo ? DEDUP_WINDOW_MS : 0},
	};
	int error;

	if (script->receives_max)
		strcpy(recipe.dlq, scene_queue_name(scene, true));
	error = seg_create(&directory->seg, &recipe);
	if (error)
		scene_fail(scene, "cannot create q: %s", rlq_strerror(error));
}

void scene_build(struct scene *scene, const struct script *script)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_directory *directory;
	int error;

	scene->capacity = script->capacity ? script->capacity : CAPACITY;
	scene->is_fifo = script->is_fifo;
	scene->has_group_ids = script->has_group_ids;
	scene->has_content_ids = script->has_content_ids;
	scene->receives_max = script->receives_max;
	attributes.type = scene->is_fifo ? RLQ_FIFO : RLQ_STANDARD;
	attributes.dedup_scope = scene->has_group_ids ? RLQ_DEDUP_GROUP : RLQ_DEDUP_QUEUE;
	attributes.content_dedup = scene->has_content_ids;
	attributes.capacity = scene->capacity;
	attributes.message_bytes_max = RLQ_BODY_MAX;
	error = rlq_directory_open(scene->directory, &directory);
	if (!error)
		error = rlq_queue_create(directory, scene_queue_name(scene, true), &attributes);
	if (error < 0)
		scene_fail(scene, "cannot create dlq: %s", rlq_strerror(error));
	build_q(scene, script, directory);
	rlq_directory_close(directory);
}

/* Prompt or not, as clients see it: what the case is named for must be so. */
void scene_check_engine(const struct actor *actor)
{
	struct scene *scene = actor->scene;

	if (seg_engine_is_prompt(&actor->directory->seg, scene->clock.boot_ms) != scene->is_prompt)
		scene_fail(scene, "the engine is %s", scene->is_prompt ? "not prompt" : "prompt");
}

/* Clients leave all reaping to an engine that says it is awake. */
static void pretend_engine(const struct actor *actor)
{
	if (actor->scene->is_prompt)
		crash_promise(&actor->directory->seg.engine->awake_by_ms, &actor->scene->clock);
	scene_check_engine(actor);
}

void actor_open(struct scene *scene, struct actor *ret_actor)
{
	struct actor actor = {.scene = scene};
	int error = rlq_directory_open(scene->directory, &actor.directory);

	if (!error)
		error = rlq_queue_open(actor.directory, scene_queue_name(scene, false), &actor.q);
	if (!error)
		error = rlq_queue_open(actor.directory, scene_queue_name(scene, false), &actor.q2);
	if (!error)
		error = rlq_queue_open(actor.directory, scene_queue_name(scene, true), &actor.dlq);
	if (error)
		scene_fail(scene, "cannot open: %s", rlq_strerror(error));
	pretend_engine(&actor);
	*ret_actor = actor;
}

void actor_close(struct actor *actor)
{
	rlq_queue_close(actor->q);
	rlq_queue_close(actor->q2);
	rlq_queue_close(actor->dlq);
	crash_promise(NULL, NULL);
	rlq_directory_close(actor->directory);
}

/* ---- preparing -------------------------------------------------------------------------------- */

void prepare_sent(struct actor *actor, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (verb_send(actor, actor->q, 16, 0) != 0)
			scene_fail(actor->scene, "cannot prepare message %u", i);
}

void prepare_leased(struct actor *actor, size_t count, int64_t visibility_ms)
{
	struct scene *scene = actor->scene;
	struct rlq_message message[RECEIPTS_MAX];
	int got = verb_receive(actor, actor->q, message, count, visibility_ms, 0);

	if (got != (int)count)
		scene_fail(scene, "%d messages to prepare with, not %zu", got, count);
	for (size_t i = 0; i < count; i++) {
		scene->receipt[scene->receipt_count] = message[i].receipt;
		scene->receipt_tag[scene->receipt_count++] = tag_check_body(scene, &message[i]);
	}
}

/* ---- helpers that die ------------------------------------------------------------------------- */

struct helper {
	struct scene *scene;
	enum crash_point point;
	uint64_t nth;
	void (*run)(struct actor *actor);
};

static void helper_main(void *context)
{
	static struct crash_plan plan;
	const struct helper *helper = context;
	struct actor actor;

	plan = (struct crash_plan){.mode = CRASH_AT_POINT, .point = helper->point, .nth = helper->nth};
	actor_open(helper->scene, &actor);
	crash_arm(&plan);
	helper->run(&actor);
}

void kill_helper_at(struct actor *actor, enum crash_point point, uint64_t nth, void (*run)(struct actor *actor))
{
	struct helper helper = {.scene = actor->scene, .point = point, .nth = nth, .run = run};
	int status = child_wait(child_start(helper_main, &helper));

	if (!child_was_killed(status, SIGKILL))
		scene_fail(actor->scene, "a helper did not reach %s: %s", crash_point_name(point),
			   child_status_text(status));
}
