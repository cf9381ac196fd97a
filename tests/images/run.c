#include "tests/images/run.h"

#include "tests/crash/cases.h"
#include "tests/images/film.h"
#include "tests/images/judge.h"
#include "tests/support/child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	RUN_SECONDS = 900,
	STEPS_PER_MS = 1024, /* while the victim waits */
	STEPS_OF_RUN_MAX = 8000000,
	STEPS_PER_LOOK = 4096, /* at the time */
};

/* ---- watching --------------------------------------------------------------------------------- */

/* The parts of a run, in the process of the survivor that has been there since before. */
struct watch {
	struct run *run;
	struct stage *stage;
	const struct script *script;
	struct actor early;
	struct trace trace;
	struct film *film;
	struct files files;
	uint32_t allocations; /* of the stage, seen */
	const struct accounts *accounts;
	struct scene_copy *scene;
};

static bool is_time_over(const struct run *run)
{
	return run->end_s != 0 && now_s() >= run->end_s;
}

static uint64_t watch_hash(const struct watch *watch)
{
	return image_files_hash(&watch->files) ^ accounts_hash(watch->accounts);
}

/* What memory was given to files since last asked. */
static void watch_allocations(struct watch *watch)
{
	while (watch->allocations < watch->stage->allocation_count) {
		const struct allocation *given = &watch->stage->allocation[watch->allocations++];

		image_files_allocate(&watch->files, watch->film, given->inode, given->offset, given->bytes,
				     given->is_punched);
	}
}

static void watch_look(struct watch *watch, bool is_everywhere)
{
	image_files_look_bytes(&watch->files, watch->film, is_everywhere);
	film_look_accounts(watch->film, watch->stage, &watch->accounts);
}

static void watch_cut(struct watch *watch)
{
	if (film_has_changes(watch->film))
		film_cut(watch->film, watch->trace.at, watch_hash(watch));
}

/* Prepares the scene, starts the victim, and sees what is there before its first instruction. */
static void watch_begin(struct watch *watch, struct run *run)
{
	struct stage *stage = run->stage;

	watch->run = run;
	watch->stage = stage;
	watch->script = stage_script(run->script);
	actor_open(&stage->scene, &watch->early);
	if (run->seed != 0)
		prelude_play(&watch->early, watch->script->delay_ms);
	if (watch->script->prepare)
		watch->script->prepare(&watch->early);
	judge_begin();
	watch->trace.covered = run->tally->covered;
	trace_start(&watch->trace, stage, run->victim, run->stage_fd, run->script, run->worker);
	watch->scene = scene_copy_take(&stage->scene);
	watch->film = film_make();
	image_files_begin(&watch->files, stage->scene.directory, run->kept_directory);
	watch_allocations(watch);
	image_files_look_names(&watch->files, watch->film);
	watch_look(watch, true);
	watch_cut(watch);
}

/* One instruction of the victim; false when its script is over. */
static bool watch_step(struct watch *watch)
{
	bool was_running = watch->stage->is_running;
	struct trace *trace = &watch->trace;
	int status;

	if (!trace_step(trace, &status))
		scene_fail(&watch->stage->scene, "the victim ended: %s %.400s", child_status_text(status),
			   watch->stage->scene.failure);
	if (trace->at.step > STEPS_OF_RUN_MAX)
		scene_fail(&watch->stage->scene, "the victim does not end");
	if (watch->stage->is_drifting && trace->at.step % STEPS_PER_MS == 0)
		fake_clock_advance(&watch->stage->scene.clock, 1);
	watch_allocations(watch);
	if (trace->call.is_call)
		image_files_look_names(&watch->files, watch->film);
	return !was_running || watch->stage->is_running;
}

/* ---- images ----------------------------------------------------------------------------------- */

static void note_verdict(struct verdict verdict, const struct scene *scene, uint64_t *failures, uint64_t *losses,
			 uint64_t *stuck)
{
	if (verdict.is_sound)
		return;
	++*failures;
	*losses += strstr(scene->failure, "is lost") != NULL;
	*stuck += verdict.is_stuck || strstr(scene->failure, "took a survivor") != NULL;
}

static void say_failure(const struct watch *watch, const char *what, const struct trace_place *place)
{
	const struct run *run = watch->run;

	printf("FAILED: %s, seed %llu, %s, %s after %llu instructions, before victim+0x%llx: %s\n",
	       watch->script->name, (unsigned long long)run->seed, run->has_engine ? "engine awake" : "no engine",
	       what, (unsigned long long)place->step, (unsigned long long)(place->pc - watch->stage->program),
	       watch->stage->scene.failure);
	printf("  again: --script '%s' --seed %llu --step %llu%s\n", watch->script->name,
	       (unsigned long long)run->seed, (unsigned long long)place->step, run->has_engine ? " --engine" : "");
	fflush(stdout);
}

static void note_waited(struct watch *watch)
{
	const struct scene *scene = &watch->stage->scene;
	struct tally *tally = watch->run->tally;

	if (scene->steps_max > tally->waited_max)
		tally->waited_max = scene->steps_max;
	if (scene->reap_steps_max > tally->reap_waited_max)
		tally->reap_waited_max = scene->reap_steps_max;
}

static void sample_keep(struct watch *watch, const struct image *image, struct verdict verdict)
{
	struct samples *samples = watch->run->samples;

	if (samples->count < SAMPLES_MAX)
		samples->sample[samples->count++] = (struct sample){.place = image->place,
								    .hash = image->hash,
								    .outcome = verdict.outcome,
								    .is_sound = verdict.is_sound};
}

/* Of two images of an instruction, with and without an engine, one each way. */
static struct verdict judge_at(struct watch *watch, uint64_t step)
{
	watch->stage->scene.retries_late = (step + watch->run->has_engine) % 2;
	return judge(&watch->early, watch->script);
}

static void judge_image(struct watch *watch, uint64_t number, struct files *wanted)
{
	const struct image *image = &watch->film->image[number];
	struct tally *tally = watch->run->tally;
	const struct accounts *accounts = watch->accounts;
	struct verdict verdict;

	film_play(watch->film, number, wanted, &accounts);
	watch->accounts = accounts;
	image_files_restore(wanted);
	scene_copy_restore(watch->scene, watch->stage, accounts);
	verdict = judge_at(watch, image->place.step);
	note_verdict(verdict, &watch->stage->scene, &tally->image_failures, &tally->image_losses,
		     &tally->image_stuck);
	note_waited(watch);
	if (!verdict.is_sound)
		say_failure(watch, "image", &image->place);
	if (tally->judged++ % watch->run->kill_every == 0)
		sample_keep(watch, image, verdict);
}

static void judge_images(struct watch *watch)
{
	static struct files wanted;
	const struct run *run = watch->run;
	struct tally *tally = run->tally;

	image_files_copy_unread(&wanted, &watch->files);
	for (uint64_t i = 0; i < watch->film->image_count; i++) {
		const struct image *image = &watch->film->image[i];
		bool is_new = known_add(run->known, image->hash);

		tally->images++;
		tally->distinct += is_new;
		if (is_time_over(run))
			continue;
		if (run->only_step ? image->place.step == run->only_step
				   : is_new && (tally->distinct - 1) % run->judge_every == 0)
			judge_image(watch, i, &wanted);
	}
}

static void film_main(void *context)
{
	static struct watch watch;
	struct run *run = context;
	struct tally *tally = run->tally;

	watchdog(RUN_SECONDS);
	watch_begin(&watch, run);
	while (watch_step(&watch)) {
		if (watch.trace.at.step % STEPS_PER_LOOK == 0 && is_time_over(run)) {
			trace_kill(&watch.trace);
			return;
		}
		watch_look(&watch, watch.trace.call.is_call);
		watch_cut(&watch);
	}
	trace_kill(&watch.trace);
	tally->runs++;
	tally->steps += watch.trace.at.step;
	tally->product_steps += watch.trace.product_steps;
	tally->calls += watch.trace.calls;
	judge_images(&watch);
}

/* ---- real kills ------------------------------------------------------------------------------- */

struct kill {
	struct run *run;
	const struct sample *sample;
};

/* At full speed, unless time goes by with the steps. */
static void go_to(struct watch *watch, const struct trace_place *place)
{
	int status;

	if (!watch->script->waits) {
		if (!trace_run_to(&watch->trace, place, &status))
			scene_fail(&watch->stage->scene, "the victim does not come there: %s %.400s",
				   child_status_text(status), watch->stage->scene.failure);
		return;
	}
	while (watch->trace.at.step < place->step)
		if (!watch_step(watch))
			scene_fail(&watch->stage->scene, "the script is over after %llu instructions",
				   (unsigned long long)watch->trace.at.step);
}

static void kill_main(void *context)
{
	static struct watch watch;
	const struct kill *kill = context;
	const struct sample *sample = kill->sample;
	struct tally *tally = kill->run->tally;
	struct verdict verdict;
	bool is_same;

	watchdog(RUN_SECONDS);
	watch_begin(&watch, kill->run);
	go_to(&watch, &sample->place);
	trace_kill(&watch.trace);
	watch_allocations(&watch);
	image_files_look_names(&watch.files, watch.film);
	watch_look(&watch, true);
	/* How often a victim looks while it waits is not the same each time. */
	is_same = watch.script->waits || watch_hash(&watch) == sample->hash;
	verdict = judge_at(&watch, sample->place.step);
	tally->kills++;
	note_verdict(verdict, &watch.stage->scene, &tally->kill_failures, &tally->kill_losses, &tally->kill_stuck);
	note_waited(&watch);
	if (!verdict.is_sound)
		say_failure(&watch, "killed", &sample->place);
	if (!watch.script->waits)
		is_same &= verdict.is_sound == sample->is_sound && verdict.outcome == sample->outcome;
	if (is_same)
		return;
	tally->kill_differences++;
	snprintf(watch.stage->scene.failure, sizeof(watch.stage->scene.failure),
		 "a real kill differs from the image");
	say_failure(&watch, "killed", &sample->place);
}

/* ---- both ------------------------------------------------------------------------------------- */

/* A scene of its own and a process of its own for each. */
static void run_in_child(struct run *run, void (*child_main)(void *context), void *context)
{
	const struct script *script = stage_script(run->script);
	struct stage *stage = run->stage;
	int status;

	stage_clear(stage);
	stage->seed = run->seed ? run->seed << 7 | run->script : 0; /* each script begins elsewhere */
	stage->scene.is_prompt = run->has_engine;
	tmpdir_empty(stage->scene.directory);
	tmpdir_empty(run->kept_directory);
	fake_clock_start(&stage->scene.clock);
	scene_build(&stage->scene, script);
	status = child_wait(child_start(child_main, context));
	if (child_exited(status, 0))
		return;
	run->tally->image_failures++;
	printf("FAILED: %s, seed %llu, %s: %s %s\n", script->name, (unsigned long long)run->seed,
	       run->has_engine ? "engine awake" : "no engine", child_status_text(status), stage->scene.failure);
	fflush(stdout);
}

void run_film(struct run *run)
{
	run->samples->count = 0;
	run_in_child(run, film_main, run);
}

void run_kill(struct run *run, const struct sample *sample)
{
	struct kill kill = {.run = run, .sample = sample};

	run_in_child(run, kill_main, &kill);
}
