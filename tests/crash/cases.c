#include "tests/crash/cases.h"

#include "kmod-free/sysops.h"
#include "tests/crash/engine.h"
#include "tests/support/arguments.h"
#include "tests/support/child.h"
#include "tests/support/shared.h"
#include "tests/support/tally.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
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
	enum case_others others;
};

static void victim_main(void *context)
{
	struct one_case *one = context;
	struct actor actor = {.scene = one->scene};

	if (!one->script->opens)
		actor_open(one->scene, &actor);
	actor.is_victim = true;
	crash_arm(&one->scene->plan);
	one->script->run(&actor);
	crash_arm(NULL);
}

/* ---- while it stands, or is dead -------------------------------------------------------------- */

/* An engine's promise lasts for a while: until then others leave reaping to it, and go on. */
static void outlive_promise(struct actor *early)
{
	early->scene->is_prompt = seg_engine_is_prompt(&early->directory->seg, early->scene->clock.boot_ms);
	survivors_go_on(early);
	engine_becomes_late(early);
	early->scene->is_prompt = false;
}

static void outlive_messages(struct actor *early)
{
	tags_forget(early->scene);
	fake_clock_advance(&early->scene->clock, RETENTION_MS + 1);
	survivors_go_on(early);
}

/* A lease ends by it while nobody else reaps. */
static pid_t let_another_serve(struct actor *actor)
{
	struct scene *scene = actor->scene;
	struct rlq_message message;
	pid_t engine = engine_start(scene);
	int status;

	if (scene->is_fifo) /* beside what the victim holds */
		verb_send_to(actor, actor->q, GROUPS, 16);
	else
		verb_send(actor, actor->q, 16, 0);
	if (verb_receive(actor, actor->q, &message, 1, 1000, 0) != 1)
		scene_fail(scene, "cannot receive what was just sent");
	if (!engine_work(actor, engine, 4, 1000, &status))
		scene_fail(scene, "the second engine: %s", child_status_text(status));
	scene->is_prompt = true;
	scene_check_engine(actor);
	if (verb_receive(actor, actor->q, &message, 1, RLQ_DEFAULT, 0) +
		    verb_receive(actor, actor->dlq, &message, 1, RLQ_DEFAULT, 0) !=
	    1)
		scene_fail(scene, "a lease does not end by the second engine");
	return engine;
}

/* The victim goes on, and what it still does is refused or harmless. */
static void let_go_on(struct one_case *one, struct actor *actor, pid_t victim)
{
	int status;

	child_signal(victim, SIGCONT);
	status = one->script->is_engine ? engine_end(actor, victim) : child_wait(victim);
	if (!child_exited(status, 0))
		scene_fail(one->scene, "the victim did not go on: %s %.400s", child_status_text(status),
			   one->scene->failure);
}

static void end_other(struct actor *actor, pid_t engine)
{
	int status = engine_end(actor, engine);

	if (!child_exited(status, 0))
		scene_fail(actor->scene, "the second engine did not end: %s", child_status_text(status));
	actor->scene->is_prompt = false;
}

/* The victim is stopped: others go on, also past all leases, and use what they get. Then it goes on. */
static void go_on_while_stopped(struct one_case *one, struct actor *early, struct actor *late, pid_t victim)
{
	pid_t other = 0;

	survivors_go_on(late);
	if (one->others == OTHERS_OUTLIVE)
		outlive_messages(early);
	late->is_reaping = true;
	if (one->others == OTHERS_HOLD) {
		early->is_measured = late->is_measured = false;
		survivors_hold(late);
	} else {
		survivors_drain(late);
		survivors_check_only_in_hands(late);
		survivors_use_again(late);
	}
	if (one->others == OTHERS_SERVE)
		other = let_another_serve(late);
	early->is_measured = late->is_measured = false;
	survivors_compare_readings(late, victim);
	if (one->script->meanwhile)
		one->script->meanwhile(late);
	let_go_on(one, late, victim);
	if (one->script->then)
		one->script->then(late);
	if (other)
		end_other(late, other);
	survivors_still_hold(late);
}

/* ---- one case --------------------------------------------------------------------------------- */

/* The victim has come to its place, or to its end. */
static void await_victim(struct one_case *one, struct actor *actor, pid_t victim)
{
	bool stops = one->scene->plan.stops, dies = !stops && one->scene->plan.mode != CRASH_COUNT;
	int status;

	if (one->script->is_engine)
		status = engine_end(actor, victim);
	else
		child_wait_stopped(victim, &status);
	if (stops ? WIFSTOPPED(status) : dies ? child_was_killed(status, SIGKILL) : child_exited(status, 0))
		return;
	scene_fail(one->scene, "the victim did not %s: %s %.400s", stops || dies ? "reach its point" : "end",
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
	survivors_try_late(early);
	case_end(early, &late);
}

static void case_main(void *context)
{
	struct one_case *one = context;
	struct actor early, late;
	pid_t victim;

	watchdog(CASE_SECONDS);
	actor_open(one->scene, &early);
	if (one->script->prepare)
		one->script->prepare(&early);
	if (one->script->is_engine)
		engine_has_promised(&early);
	victim = child_start(victim_main, one);
	await_victim(one, &early, victim);
	if (!one->scene->plan.stops && !one->script->is_engine) {
		case_after_death(&early, one->script);
		return;
	}
	survivors_verify(&early);
	early.is_measured = !one->script->is_slow;
	if (one->script->is_engine)
		outlive_promise(&early);
	actor_open(one->scene, &late);
	late.is_measured = early.is_measured;
	survivors_go_on(&early);
	if (one->scene->plan.stops)
		go_on_while_stopped(one, &early, &late, victim);
	else
		survivors_go_on(&late);
	case_end(&early, &late);
}

const char *case_others_text(enum case_others others)
{
	static const char *const texts[] = {"no engine", "engine awake", "others hold", "another engine",
					    "past retention"};

	return texts[others];
}

/* The same in each run of a case, so that groups have the same places in their tables, and a victim takes the same
 * way each time. */
static uint64_t *random_state;

static ssize_t drawn_random(void *bytes, size_t count, unsigned flags)
{
	unsigned char *next = bytes;

	(void)flags;
	for (size_t i = 0; i < count; i++)
		next[i] = (unsigned char)(random_next(random_state) >> 32);
	return (ssize_t)count;
}

static void draw_randomly(struct scene *scene)
{
	scene->random = getenv("RL_SEED") ? (uint64_t)atoll(getenv("RL_SEED")) : 1;
	random_state = &scene->random;
	os_sys.getrandom = drawn_random;
}

const char *case_run(struct scene *scene, const struct script *script, struct crash_plan plan,
		     enum case_others others)
{
	struct one_case one = {.scene = scene, .script = script, .others = others};
	char directory[TMPDIR_BYTES];
	int status;

	strcpy(directory, scene->directory);
	memset(scene, 0, sizeof(*scene));
	strcpy(scene->directory, directory);
	scene->plan = plan;
	scene->is_prompt = others == OTHERS_WITH_ENGINE;
	scene->retries_late = !plan.stops && (plan.point + plan.nth) % 2;
	tmpdir_empty(directory);
	fake_clock_start(&scene->clock);
	draw_randomly(scene);
	scene_build(scene, script);
	status = child_wait(child_start(case_main, &one));
	if (child_exited(status, 0))
		return NULL;
	scene->is_stuck |= child_was_killed(status, SIGALRM);
	if (scene->failure[0] == '\0' || child_was_killed(status, SIGALRM))
		snprintf(scene->failure, sizeof(scene->failure), "the case ended: %s", child_status_text(status));
	return scene->failure;
}

static void raise_to(uint64_t *most, uint64_t value)
{
	if (value > *most)
		*most = value;
}

void cases_count(struct case_totals *totals, const struct scene *scene, const char *failure)
{
	totals->cases++;
	totals->fifo += scene->is_fifo;
	totals->failures += failure != NULL;
	totals->losses += failure != NULL && scene->is_loss;
	totals->stuck += failure != NULL && scene->is_stuck;
	totals->compared += scene->readings_compared;
	raise_to(&totals->steps_max, scene->steps_max);
	raise_to(&totals->reap_steps_max, scene->reap_steps_max);
}

void cases_add(struct case_totals *sum, const struct case_totals *more)
{
	sum->cases += more->cases;
	sum->fifo += more->fifo;
	sum->failures += more->failures;
	sum->losses += more->losses;
	sum->stuck += more->stuck;
	sum->compared += more->compared;
	raise_to(&sum->steps_max, more->steps_max);
	raise_to(&sum->reap_steps_max, more->reap_steps_max);
}

void cases_tally(const struct case_totals *totals, const char *what)
{
	char fifo[32];

	snprintf(fifo, sizeof(fifo), "fifo_%s", what);
	tally(what, totals->cases);
	tally(fifo, totals->fifo);
	tally("losses", totals->losses);
	tally("stuck", totals->stuck);
	tally("steps_max", totals->steps_max);
	if (totals->reap_steps_max > 0)
		tally("reap_steps_max", totals->reap_steps_max);
}

/* ---- all scripts ------------------------------------------------------------------------------ */

static const struct {
	enum role role;
	const struct script *scripts;
} parts[] = {
	{ROLE_PRODUCER, scripts_send},	{ROLE_CONSUMER, scripts_receive}, {ROLE_CONSUMER, scripts_lease},
	{ROLE_REAPER, scripts_reap},	{ROLE_MOVER, scripts_move},	  {ROLE_GROWER, scripts_rings},
	{ROLE_SWEEPER, scripts_bodies}, {ROLE_OPERATOR, scripts_queue},	  {ROLE_ORDERER, scripts_fifo},
};
enum { PARTS = sizeof(parts) / sizeof(parts[0]), FIFO_MAX = 64, NAME_BYTES = 80 };

/* The same with FIFO queues. */
static const struct script *fifo_script(const struct script *of, uint32_t number)
{
	static struct script scripts[FIFO_MAX];
	static char names[FIFO_MAX][NAME_BYTES];

	if (number >= FIFO_MAX)
		abort();
	snprintf(names[number], NAME_BYTES, "FIFO: %s", of->name);
	scripts[number] = *of;
	scripts[number].name = names[number];
	scripts[number].is_fifo = true;
	return &scripts[number];
}

/* All scripts, then those that are also for FIFO queues, with them. */
static const struct script *find_script(uint32_t number, enum role *ret_role)
{
	uint32_t fifo_count = 0;

	for (size_t i = 0; i < PARTS; i++) {
		*ret_role = parts[i].role;
		for (const struct script *script = parts[i].scripts; script->name; script++)
			if (number-- == 0)
				return script;
	}
	for (size_t i = 0; i < PARTS; i++) {
		*ret_role = parts[i].role;
		for (const struct script *script = parts[i].scripts; script->name; script++)
			if (script->also_fifo && fifo_count++ == number)
				return fifo_script(script, number);
	}
	return NULL;
}

const struct script *script_at(uint32_t number)
{
	enum role role;

	return find_script(number, &role);
}

enum role script_role(uint32_t number)
{
	enum role role;

	find_script(number, &role);
	return role;
}

const char *role_name(enum role role)
{
	static const char *const names[] = {
		[ROLE_PRODUCER] = "producer",
		[ROLE_CONSUMER] = "consumer",
		[ROLE_REAPER] = "reaper of messages",
		[ROLE_MOVER] = "mover to a DLQ and back",
		[ROLE_GROWER] = "grower and retirer of rings",
		[ROLE_SWEEPER] = "sweeper of bodies",
		[ROLE_ORDERER] = "user of groups",
		[ROLE_OPERATOR] = "who opens, makes, sets, removes",
		[ROLE_ENGINE] = "engine",
	};

	return names[role];
}
