/* The victim: runs a script with the product's code as it ships, without crash points, while images.c looks at
 * it after each instruction.
 *
 * victim STAGE_FD SCRIPT_NUMBER */
#include "tests/images/stage.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const char __executable_start[], _end[], __start_product_text[], __stop_product_text[];

static struct stage *stage;

/* ---- what crash.c does in programs with crash points ------------------------------------------ */

void crash_arm(struct crash_plan *plan)
{
	(void)plan;
}

void crash_drift(struct os_clock_words *clock)
{
	stage->is_drifting = clock != NULL;
}

/* The clock does not go further than this while the script runs. */
void crash_promise(_Atomic uint64_t *awake_by_ms, const struct os_clock_words *clock)
{
	if (awake_by_ms)
		atomic_store(awake_by_ms, clock->boot_ms + ENGINE_SLEEP_MAX_MS);
}

const char *crash_point_name(enum crash_point point)
{
	(void)point;
	return "a crash point";
}

uint64_t crash_steps_taken(void)
{
	return 0;
}

/* ----------------------------------------------------------------------------------------------- */

/* Says where everything is. */
static void introduce(void)
{
	const uintptr_t writers[WRITERS_MAX] = {
		(uintptr_t)memcpy,  (uintptr_t)memmove, (uintptr_t)memset,  (uintptr_t)strcpy,
		(uintptr_t)strncpy, (uintptr_t)stpcpy,	(uintptr_t)mempcpy,
	};

	stage->program = (uintptr_t)__executable_start;
	stage->program_end = (uintptr_t)_end;
	stage->text_begin = (uintptr_t)__start_product_text;
	stage->text_end = (uintptr_t)__stop_product_text;
	memcpy(stage->writer, writers, sizeof(writers));
}

int main(int count, char **arguments)
{
	const struct script *script;
	struct actor actor;

	if (count != 3)
		return 2;
	stage = stage_map(atoi(arguments[1]));
	script = stage_script((uint32_t)atoi(arguments[2]));
	stage_enter(stage);
	os_clock_fake(&stage->scene.clock);
	actor = (struct actor){.scene = &stage->scene};
	if (!script->opens)
		actor_open(&stage->scene, &actor);
	introduce();
	raise(SIGSTOP); /* from here on we are watched */
	stage->is_running = true;
	script->run(&actor);
	stage->is_running = false;
	for (;;)
		pause(); /* until killed: nothing of ours is closed */
}
