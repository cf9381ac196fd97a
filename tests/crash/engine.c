#include "tests/crash/engine.h"

#include "ringlease-engine.h"
#include "tests/support/child.h"

#include <sched.h>
#include <signal.h>

enum {
	STEP_MS = 1100,	  /* more than an engine sleeps: a turn at least for each */
	STEPS = 4,	  /* what is orphaned in one sweep is freed by the next */
	GRACE_MS = 31000, /* until used-up messages are moved that nobody receives */
};

static struct rlq_engine *running;

static void end_engine(int number)
{
	(void)number;
	rlq_engine_stop(running);
}

static void serve(struct actor *actor)
{
	if (rlq_engine_open(actor->scene->directory, NULL, &running) != 0)
		scene_fail(actor->scene, "no engine can be opened");
	signal(SIGTERM, end_engine);
	if (rlq_engine_run(running) != 0)
		scene_fail(actor->scene, "the engine gave up");
	signal(SIGTERM, SIG_IGN);
	rlq_engine_close(running);
}

struct script engine_script(const struct script *of)
{
	struct script script = *of;

	script.run = serve;
	script.meanwhile = script.then = NULL;
	script.is_engine = script.opens = true;
	script.waits = true;
	return script;
}

void engine_has_promised(struct actor *actor)
{
	store_seq(&actor->directory->seg.engine->awake_by_ms, actor->scene->clock.boot_ms - 1);
}

static void engine_main(void *context)
{
	struct actor actor = {.scene = context};

	serve(&actor);
}

pid_t engine_start(struct scene *scene)
{
	return child_start(engine_main, scene);
}

/* It wakes nobody when it says so, hence the turns given away; the watchdog ends us if it never comes. */
static bool await(struct actor *actor, pid_t engine, int *ret_status)
{
	uint64_t now_ms = actor->scene->clock.boot_ms;

	while (load_seq(&actor->directory->seg.engine->awake_by_ms) < now_ms) {
		if (child_has_changed(engine, ret_status))
			return false;
		sched_yield();
	}
	return true;
}

bool engine_work(struct actor *actor, pid_t engine, int steps, uint64_t ms, int *ret_status)
{
	bool goes_on = await(actor, engine, ret_status);

	while (goes_on && steps-- > 0) {
		fake_clock_advance(&actor->scene->clock, ms);
		goes_on = await(actor, engine, ret_status);
	}
	return goes_on;
}

int engine_end(struct actor *actor, pid_t engine)
{
	int status;

	if (engine_work(actor, engine, STEPS, STEP_MS, &status) &&
	    engine_work(actor, engine, 1, GRACE_MS, &status) &&
	    engine_work(actor, engine, STEPS, STEP_MS, &status)) {
		child_signal(engine, SIGTERM);
		child_wait_stopped(engine, &status);
	}
	return status;
}

void engine_becomes_late(struct actor *actor)
{
	fake_clock_advance(&actor->scene->clock, ENGINE_SLEEP_MAX_MS + ENGINE_PATIENCE_MS + 1);
}
