#include "tests/crash/cases.h"

#include "tests/support/child.h"
#include "tests/support/shared.h"
#include "tests/support/tally.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CASE_SECONDS = 60 };

struct worker {
	void (*work)(void *context, struct scene *scene, uint32_t number);
	void *context;
	uint32_t number;
};

static void worker_main(void *context)
{
	struct worker *worker = context;
	struct scene *scene = shared_memory(sizeof(*scene));

	tmpdir_make(scene->directory);
	worker->work(worker->context, scene, worker->number);
	tmpdir_remove(scene->directory);
}

void cases_share(void (*work)(void *context, struct scene *scene, uint32_t number), void *context)
{
	pid_t pid[CASE_WORKERS];

	for (uint32_t i = 0; i < CASE_WORKERS; i++) {
		struct worker worker = {.work = work, .context = context, .number = i};

		pid[i] = child_start(worker_main, &worker);
	}
	for (uint32_t i = 0; i < CASE_WORKERS; i++) {
		int status = child_wait(pid[i]);

		if (!child_exited(status, 0)) {
			printf("a worker ended: %s\n", child_status_text(status));
			exit(1);
		}
	}
}

struct one_case {
	struct scene *scene;
	const struct script *script;
};

static void victim_main(void *context)
{
	struct one_case *one = context;
	struct actor actor = {.scene = one->scene};

	if (!one->script->opens)
		actor_open(one->scene, &actor);
	crash_arm(&one->scene->plan);
	one->script->run(&actor);
	crash_arm(NULL);
}

/* The victim is stopped: others go on, also past all leases, and use what they get. Then it goes on. */
static void go_on_while_stopped(struct one_case *one, struct actor *early, struct actor *late, pid_t victim)
{
	int status;

	survivors_go_on(early);
	survivors_go_on(late);
	early->is_measured = late->is_measured = false;
	if (one->scene->is_holding) {
		survivors_hold(late);
	} else {
		/* What a stopped mover has in its hands may be missing until it goes on (R3), no more. */
		survivors_drain(late);
		survivors_use_again(late);
	}
	child_signal(victim, SIGCONT);
	status = child_wait(victim);
	if (!child_exited(status, 0))
		scene_fail(one->scene, "the victim did not go on: %s %.400s", child_status_text(status),
			   one->scene->failure);
	survivors_still_hold(late);
}

static void expect_end(struct one_case *one, int status)
{
	bool dies = one->scene->plan.mode != CRASH_COUNT;

	if (dies ? child_was_killed(status, SIGKILL) : child_exited(status, 0))
		return;
	scene_fail(one->scene, "the victim did not %s: %s %.400s", dies ? "reach its point" : "end",
		   child_status_text(status), one->scene->failure);
}

/* Nothing is lost and nothing stays behind, twice over. */
static void case_end(struct actor *early, struct actor *late)
{
	early->is_measured = late->is_measured = false;
	survivors_drain(early);
	survivors_check_nothing_lost(early);
	survivors_check_nothing_left(early);
	survivors_fill_exactly(late);
	survivors_drain(late);
	survivors_check_nothing_lost(late);
	survivors_check_nothing_left(late);
}

void case_after_death(struct actor *early, const struct script *script)
{
	struct actor late;

	survivors_verify(early);
	actor_open(early->scene, &late);
	early->is_measured = late.is_measured = !script->is_slow;
	survivors_go_on(early);
	survivors_go_on(&late);
	case_end(early, &late);
}

static void case_main(void *context)
{
	struct one_case *one = context;
	struct actor early, late;
	bool stops = one->scene->plan.stops;
	pid_t victim;
	int status;

	watchdog(CASE_SECONDS);
	actor_open(one->scene, &early);
	if (one->script->prepare)
		one->script->prepare(&early);
	victim = child_start(victim_main, one);
	if (stops && !child_wait_stopped(victim, &status))
		scene_fail(one->scene, "the victim did not reach its point: %s %.400s", child_status_text(status),
			   one->scene->failure);
	if (!stops)
		expect_end(one, child_wait(victim));
	if (!stops) {
		case_after_death(&early, one->script);
		return;
	}
	survivors_verify(&early);
	actor_open(one->scene, &late);
	early.is_measured = late.is_measured = !one->script->is_slow;
	go_on_while_stopped(one, &early, &late, victim);
	case_end(&early, &late);
}

const char *case_others_text(enum case_others others)
{
	static const char *const texts[] = {"no engine", "engine awake", "others hold"};

	return texts[others];
}

const char *case_run(struct scene *scene, const struct script *script, struct crash_plan plan,
		     enum case_others others)
{
	struct one_case one = {.scene = scene, .script = script};
	uint64_t steps_max = scene->steps_max;
	char directory[TMPDIR_BYTES];
	int status;

	strcpy(directory, scene->directory);
	memset(scene, 0, sizeof(*scene));
	strcpy(scene->directory, directory);
	scene->steps_max = steps_max;
	scene->plan = plan;
	scene->is_prompt = others == OTHERS_WITH_ENGINE;
	scene->is_holding = others == OTHERS_HOLD;
	tmpdir_empty(directory);
	fake_clock_start(&scene->clock);
	scene_build(scene, script);
	status = child_wait(child_start(case_main, &one));
	if (child_exited(status, 0))
		return NULL;
	scene->is_stuck |= child_was_killed(status, SIGALRM);
	if (scene->failure[0] == '\0' || child_was_killed(status, SIGALRM))
		snprintf(scene->failure, sizeof(scene->failure), "the case ended: %s", child_status_text(status));
	return scene->failure;
}

void cases_count(struct case_totals *totals, const struct scene *scene, const char *failure)
{
	totals->cases++;
	totals->failures += failure != NULL;
	totals->losses += failure != NULL && scene->is_loss;
	totals->stuck += failure != NULL && scene->is_stuck;
	if (scene->steps_max > totals->steps_max)
		totals->steps_max = scene->steps_max;
}

void cases_add(struct case_totals *sum, const struct case_totals *more)
{
	sum->cases += more->cases;
	sum->failures += more->failures;
	sum->losses += more->losses;
	sum->stuck += more->stuck;
	if (more->steps_max > sum->steps_max)
		sum->steps_max = more->steps_max;
}

void cases_tally(const struct case_totals *totals, const char *what)
{
	tally(what, totals->cases);
	tally("losses", totals->losses);
	tally("stuck", totals->stuck);
	tally("steps_max", totals->steps_max);
}

const struct script *script_at(uint32_t number)
{
	static const struct script *const all[] = {
		scripts_send, scripts_receive, scripts_lease,  scripts_reap,
		scripts_move, scripts_rings,   scripts_bodies, scripts_queue,
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (const struct script *script = all[i]; script->name; script++)
			if (number-- == 0)
				return script;
	return NULL;
}
