#include "tests/crash/durable_stage.h"

#include "client/internal.h"
#include "daemon/journaling.h"
#include "kmod-free/futex.h"
#include "ringlease-engine.h"
#include "tests/support/child.h"

#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JOURNAL_FILE = 64 << 10, FRAME = 8 << 10 };

static pid_t engine; /* 0: none */

static __attribute__((format(printf, 2, 3))) void say(void *context, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (strstr(text, "DAMAGE") || strstr(text, "failed") || strstr(text, "cannot"))
		stage_fail(context, "the engine says: %s", text);
	if (getenv("SAY"))
		fprintf(stderr, "engine: %s\n", text);
}

/* What the engine moves to the DLQ while the judge goes from one queue to the other would be in both. */
static void rest_while_judged(struct stage *stage)
{
	uint32_t pauses = atomic_load(&stage->pauses);

	while (pauses % 2 == 1 && atomic_load(&stage->pauses) == pauses)
		os_futex_wait(&stage->pauses, pauses, UINT64_MAX);
}

/* What rlq_engine_run() does, but for the size of files. */
static void engine_main(void *context)
{
	struct stage *stage = context;
	struct os_disk plain = os_disk_real;
	struct journaling_options options = {.data = stage->data,
					     .disk = stage->is_plain ? &plain : &os_disk_real,
					     .file_bytes = JOURNAL_FILE,
					     .frame_bytes = FRAME,
					     .say = say,
					     .context = stage};
	struct rlq_directory *directory;
	struct journaling *journaling;
	struct rlq_engine *running = NULL;

	plain.queue = NULL;
	if (rlq_directory_open(stage->queues, &directory) != 0 ||
	    rlq_engine_open(stage->queues, NULL, &running) != 0)
		stage_fail(stage, "no engine can be opened");
	crash_arm(&stage->plan);
	if (journaling_start(&directory->seg, &options, &journaling) != 0)
		stage_fail(stage, "the engine does not start");
	else
		atomic_store(&stage->is_ready, true);
	rest_while_judged(stage);
	rlq_engine_run(running);
}

/* As it was to; else it is said. */
static bool was_killed(struct stage *stage, int status)
{
	engine = 0;
	story_life_ends(&stage->story, stage->plan.mode == CRASH_AT_POINT   ? crash_point_name(stage->plan.point)
				       : stage->plan.mode == CRASH_AT_STORE ? "before a store"
									    : "of itself");
	if (!child_was_killed(status, SIGKILL))
		stage_fail(stage, "an engine ends: %s", child_status_text(status));
	return child_was_killed(status, SIGKILL);
}

bool engine_begin(struct stage *stage, struct crash_plan plan)
{
	int status;

	stage->plan = plan;
	atomic_store(&stage->is_ready, false);
	story_life_begins(&stage->story, stage->is_plain, stage->is_rebooted);
	stage->is_rebooted = false;
	engine = child_start(engine_main, stage);
	while (!atomic_load(&stage->is_ready) && !stage->failure[0]) {
		if (child_has_changed(engine, &status)) {
			was_killed(stage, status);
			return false;
		}
		sched_yield();
	}
	return true;
}

void engine_kill(struct stage *stage)
{
	if (engine == 0)
		return;
	child_signal(engine, SIGKILL);
	child_wait(engine);
	engine = 0;
	story_life_ends(&stage->story, "killed");
}

static uint64_t turns_done(struct rlq_directory *directory)
{
	return load_acquire(&directory->seg.engine->turn_done);
}

void engine_plan(struct stage *stage, enum crash_point point, uint64_t nth)
{
	stage->plan.point = point;
	stage->plan.nth = stage->plan.reached[point] + nth;
	stage->plan.mode = CRASH_AT_POINT;
}

bool engine_await(struct stage *stage, uint64_t turns, bool amid_removal)
{
	struct rlq_directory *directory;
	bool has_died = false;
	uint64_t until;
	int status;

	if (rlq_directory_open(stage->queues, &directory) != 0) {
		stage_fail(stage, "the directory cannot be opened");
		return false;
	}
	until = turns_done(directory) + turns;
	while (!stage->failure[0] && !has_died &&
	       (turns_done(directory) < until || (amid_removal && !atomic_load(&stage->is_removing)))) {
		has_died = child_has_changed(engine, &status);
		sched_yield();
	}
	rlq_directory_close(directory);
	if (has_died)
		was_killed(stage, status);
	engine_kill(stage);
	return has_died;
}

/* ---- amid a turn ------------------------------------------------------------------------------ */

void engine_plan_stop(struct stage *stage, enum crash_point point)
{
	stage->plan.stops = true;
	engine_plan(stage, point, 1);
}

bool engine_await_stop(struct stage *stage)
{
	int status;

	if (child_wait_stopped(engine, &status))
		return true;
	was_killed(stage, status);
	return false;
}

bool engine_die_at(struct stage *stage, enum crash_point point)
{
	stage->plan.stops = false;
	engine_plan(stage, point, 1);
	child_signal(engine, SIGCONT);
	return was_killed(stage, child_wait(engine));
}
