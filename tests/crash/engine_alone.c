/* A process is killed, and then nothing moves in the queue any more: nobody sends, receives or opens it.
 * The engine alone must bring back, within seconds of the clock, what the dead had in its hands. */
#include "ringlease-engine.h"
#include "tests/crash/scene.h"
#include "tests/support/child.h"
#include "tests/support/leaks.h"
#include "tests/support/shared.h"
#include "tests/support/tally.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	QUIET_MS = 4000, /* of the fake clock: two looks for the dead, and the sweeps after them */
	STEP_MS = 100,
	WATCHDOG_S = 30,
};

struct story {
	const char *name;
	uint32_t receives_max;
	void (*prepare)(struct actor *actor);
	void (*run)(struct actor *actor); /* by who dies */
	enum crash_point point;
	bool is_in_dlq;			   /* where the message is then to be received */
	bool leaves_nothing;		   /* it was never sent */
	void (*then)(struct actor *actor); /* after the kill, before the engine comes */
};

/* ---- the engine ------------------------------------------------------------------------------- */

static void engine_main(void *context)
{
	const struct scene *scene = context;
	struct rlq_engine *engine;

	if (rlq_engine_open(scene->directory, NULL, &engine) == 0)
		rlq_engine_run(engine);
}

/* Until the engine has looked at everything and means to be awake by `ms` or later. It wakes nobody when
 * it says so, hence the turns given away; the watchdog ends us if it never comes. */
static void engine_await(const struct actor *actor, uint64_t ms)
{
	while (load_seq(&actor->directory->seg.engine->awake_by_ms) < ms)
		sched_yield();
}

static void let_time_pass(struct actor *actor, uint64_t ms)
{
	for (uint64_t gone = 0; gone < ms; gone += STEP_MS) {
		fake_clock_advance(&actor->scene->clock, STEP_MS);
		engine_await(actor, actor->scene->clock.boot_ms);
	}
}

/* ---- stories ---------------------------------------------------------------------------------- */

static void prepare_one(struct actor *actor)
{
	prepare_sent(actor, 1);
}

static void prepare_came_back(struct actor *actor)
{
	prepare_sent(actor, 1);
	prepare_leased(actor, 1, 1000);
	fake_clock_advance(&actor->scene->clock, 2000);
	leaks_sweep(actor->q);
}

static void prepare_leased_long_ago(struct actor *actor)
{
	prepare_sent(actor, 1);
	prepare_leased(actor, 1, 1000);
	fake_clock_advance(&actor->scene->clock, 2000);
}

static void receive_one(struct actor *actor)
{
	struct rlq_message message;

	verb_receive(actor, actor->q, &message, 1, 1000, 0);
}

static void receive_in_place(struct actor *actor)
{
	struct rlq_message message;

	verb_receive(actor, actor->q, &message, 1, 1000, RLQ_RECEIVE_IN_PLACE);
}

static void sweep(struct actor *actor)
{
	leaks_sweep(actor->q);
}

static void send_block(struct actor *actor)
{
	verb_send(actor, actor->q, 300, 0);
}

static void send_delayed(struct actor *actor)
{
	verb_send(actor, actor->q, 16, 1000);
}

/* A queue that cannot be opened, and has nothing to do with ours. */
static void prepare_beside_damage(struct actor *actor)
{
	int fd = openat(actor->directory->seg.fd, "damaged.rlq", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, "no segment", 10) != 10)
		scene_fail(actor->scene, "cannot make a damaged queue");
	close(fd);
	prepare_came_back(actor);
}

static void remove_q(struct actor *actor)
{
	if (rlq_queue_remove(actor->directory, rlq_queue_name(actor->q)) != 0)
		scene_fail(actor->scene, "cannot remove the queue");
}

static const struct story stories[] = {
	{"a bit that a dead consumer had cleared is set again", 0, prepare_came_back, receive_one,
	 CRASH_receive_bit_cleared, false, false, NULL},
	{"a bit that a dead reaper had not set yet is set", 0, prepare_leased_long_ago, sweep, CRASH_release_ready,
	 false, false, NULL},
	{"a hint that a dead reaper had taken is not missed", 0, prepare_leased_long_ago, sweep,
	 CRASH_reap_hint_taken, false, false, NULL},
	{"a lease whose hint a dead consumer had not lowered ends", 0, prepare_one, receive_one,
	 CRASH_receive_leased, false, false, NULL},
	{"a lease of a dead reader in place ends", 0, prepare_one, receive_in_place, CRASH_receive_leased, false,
	 false, NULL},
	{"a delay whose hint a dead producer had not lowered ends", 0, NULL, send_delayed, CRASH_send_published,
	 false, false, NULL},
	{"a message that a dead consumer had found used up is moved", 1, prepare_came_back, receive_one,
	 CRASH_receive_dead, true, false, NULL},
	{"a move that its dead owner had begun is made", 1, prepare_came_back, receive_one, CRASH_move_copied, true,
	 false, NULL},
	{"a move that its dead owner had decided is finished", 1, prepare_came_back, receive_one,
	 CRASH_move_decided, true, false, NULL},
	{"a move is finished beside a queue that cannot be opened", 1, prepare_beside_damage, receive_one,
	 CRASH_move_decided, true, false, NULL},
	{"a move is undone and made beside a queue that cannot be opened", 1, prepare_beside_damage, receive_one,
	 CRASH_move_copied, true, false, NULL},
	{"a message that a dead owner had moved outlives its queue", 1, prepare_came_back, receive_one,
	 CRASH_move_decided, true, false, remove_q},
	{"a message that was copied whole outlives its queue", 1, prepare_came_back, receive_one, CRASH_move_copied,
	 true, false, remove_q},
	{"a copy that is not whole does not outlive its queue", 1, prepare_came_back, receive_one,
	 CRASH_move_arriving, true, true, remove_q},
	{"the slot of a dead producer is freed", 0, NULL, send_block, CRASH_send_claimed, false, true, NULL},
	{"the block of a dead producer is freed", 0, NULL, send_block, CRASH_send_block_claimed, false, true, NULL},
	{"the extent of a dead producer is given back", 0, NULL, send_block, CRASH_body_backed, false, true, NULL},
};

/* ---- one story -------------------------------------------------------------------------------- */

static struct scene *scene;

/* The message can be received, if there is one, and nothing else is left of what happened. */
static void expect_back(struct actor *actor, const struct story *story)
{
	struct rlq_queue *queue = story->is_in_dlq ? actor->dlq : actor->q;
	struct rlq_message message;
	const char *left = NULL;

	if (!story->leaves_nothing) {
		if (verb_receive(actor, queue, &message, 1, RLQ_DEFAULT, 0) != 1)
			scene_fail(scene, "the message does not come back");
		verb_delete(actor, queue, &message.receipt, tag_check_body(scene, &message));
	}
	if (story->is_in_dlq)
		left = leaks_find(actor->dlq);
	if (!left && !(load_seq(&actor->q->seg->header->rings) & RINGS_REMOVED))
		left = leaks_find(actor->q);
	if (left)
		scene_fail(scene, "%s", left);
}

static void story_main(void *context)
{
	const struct story *story = context;
	struct actor actor;
	pid_t engine;

	watchdog(WATCHDOG_S);
	actor_open(scene, &actor);
	if (story->prepare)
		story->prepare(&actor);
	kill_helper_at(&actor, story->point, 1, story->run);
	if (story->then)
		story->then(&actor);
	engine = child_start(engine_main, scene);
	engine_await(&actor, 1);
	/* The overdue messages of R8 wait for 30 s before the engine takes them. */
	let_time_pass(&actor, story->is_in_dlq ? QUIET_MS + 40000 : QUIET_MS);
	expect_back(&actor, story);
	child_signal(engine, SIGKILL);
	child_wait(engine);
}

static bool story_is_true(const struct story *story)
{
	struct script script = {.name = story->name, .receives_max = story->receives_max};
	char directory[TMPDIR_BYTES];
	int status;

	strcpy(directory, scene->directory);
	memset(scene, 0, sizeof(*scene));
	strcpy(scene->directory, directory);
	tmpdir_empty(directory);
	fake_clock_start(&scene->clock);
	scene_build(scene, &script);
	status = child_wait(child_start(story_main, (void *)(uintptr_t)story));
	printf("%s  %s\n", child_exited(status, 0) ? "ok  " : "FAIL", story->name);
	if (!child_exited(status, 0))
		printf("      %s %s\n", child_status_text(status), scene->failure);
	return child_exited(status, 0);
}

int main(void)
{
	unsigned passed = 0, count = sizeof(stories) / sizeof(stories[0]);

	scene = shared_memory(sizeof(*scene));
	tmpdir_make(scene->directory);
	for (unsigned i = 0; i < count; i++)
		passed += story_is_true(&stories[i]);
	tmpdir_remove(scene->directory);
	tally("kills", count);
	printf("%u passed, %u failed\n", passed, count - passed);
	return passed < count;
}
