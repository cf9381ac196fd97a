/* Kills a process after every instruction. A victim runs a script one instruction at a time; what it has left in
 * shared memory after each, what names there are and what was acknowledged make an image, equal ones once. Each
 * image is put back, with the victim really dead, and given to survivors, who check as crash_points does. A sample
 * is done again with a real kill at the same instruction: memory, verdict and what survivors do must be the same.
 *
 * images [--victim PROGRAM] [--seed S] [--seconds N] [--images M] [--kills K] [--every E] [--kill-every E]
 *        [--script NAME] [--fifo] [--engine] [--step N]
 * One round of all scripts, with and without an engine; with --images or --seconds further rounds from start states
 * that the seed makes, until M images were judged and K processes killed, or N seconds are over. --every: only one
 * new image in E. --kill-every: a real kill for one judged image in E.
 * --script, --fifo, --engine, --step: only this script (or those whose names contain it, if there is none of that
 * name), only FIFO queues, only with an engine, only the image of this step.
 * Exit 0, 1 or 77. */
#include "tests/images/options.h"
#include "tests/images/report.h"
#include "tests/images/run.h"
#include "tests/support/child.h"
#include "tests/support/shared.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORKERS = 2 };

/* Shared by the workers. */
struct campaign {
	struct options options;
	uint32_t script_count;
	bool is_exact; /* there is a script of the name that is asked for */
	uint64_t end_s;
	atomic_ulong next;	     /* work not yet taken */
	atomic_ulong judged, killed; /* by all */
	struct known known;
	struct tally tally[WORKERS][SCRIPTS_MAX];
	struct samples samples[WORKERS];
};

/* Work is numbered: all scripts with and without an engine in a round, round after round. */
static bool is_over(const struct campaign *campaign, uint64_t round)
{
	const struct options *options = &campaign->options;

	if (campaign->end_s != 0 && now_s() >= campaign->end_s)
		return true;
	if (round == 0)
		return false;
	if (options->images == 0 && options->kills == 0)
		return options->seconds == 0;
	return campaign->judged >= options->images && campaign->killed >= options->kills;
}

/* In the first round the scripts are as they are, but for those that need a seed. */
static uint64_t seed_of(const struct campaign *campaign, uint32_t script, uint64_t round)
{
	bool is_varied = script_is_varied(script);

	if (campaign->options.script[0] != '\0' && campaign->options.step != 0)
		return campaign->options.seed;
	return round == 0 && !is_varied ? 0 : campaign->options.seed + round;
}

/* A sample has three of eight scripts, which the seed says, once in a round, with or without an engine. Those with
 * thousands of slots are left to tests/crash: to look at all of them after each instruction takes many minutes. */
static bool is_wanted(const struct campaign *campaign, uint32_t number, bool has_engine)
{
	const struct script *script = stage_script(number);
	const struct options *options = &campaign->options;

	if (script->is_slow || (options->fifo_only && !script->is_fifo))
		return false;
	if (campaign->is_exact ? strcmp(script->name, options->script) != 0
			       : strstr(script->name, options->script) == NULL)
		return false;
	if (options->engine_only || options->step != 0)
		return has_engine == options->engine_only;
	if (options->every > 1 && options->script[0] == '\0' && (number / 2 * 3 + options->seed) % 8 >= 3)
		return false;
	return options->every == 1 || has_engine == number % 2;
}

static void do_work(struct campaign *campaign, struct run *run, uint32_t worker, uint64_t number)
{
	uint64_t per_round = campaign->script_count * 2, judged, killed;

	run->script = (uint32_t)(number % per_round / 2);
	run->has_engine = number % 2;
	run->seed = seed_of(campaign, run->script, number / per_round);
	if (!is_wanted(campaign, run->script, run->has_engine))
		return;
	run->tally = &campaign->tally[worker][run->script];
	judged = run->tally->judged;
	killed = run->tally->kills;
	run_film(run);
	campaign->judged += run->tally->judged - judged;
	for (uint32_t i = 0; i < run->samples->count; i++)
		if (campaign->end_s == 0 || now_s() < campaign->end_s)
			run_kill(run, &run->samples->sample[i]);
	campaign->killed += run->tally->kills - killed;
}

struct worker {
	struct campaign *campaign;
	uint32_t number;
};

static void worker_main(void *context)
{
	const struct worker *worker = context;
	struct campaign *campaign = worker->campaign;
	const struct options *options = &campaign->options;
	struct run run = {
		.victim = options->victim,
		.worker = worker->number,
		.judge_every = options->every,
		.kill_every = options->kill_every,
		.only_step = options->step,
		.end_s = campaign->end_s,
		.known = &campaign->known,
		.samples = &campaign->samples[worker->number],
	};

	run.stage = stage_make(&run.stage_fd);
	stage_enter(run.stage);
	tmpdir_make(run.stage->scene.directory);
	tmpdir_make(run.kept_directory);
	for (;;) {
		uint64_t number = atomic_fetch_add(&campaign->next, 1);

		if (is_over(campaign, number / (campaign->script_count * 2)))
			break;
		do_work(campaign, &run, worker->number, number);
	}
	tmpdir_remove(run.kept_directory);
	tmpdir_remove(run.stage->scene.directory);
}

/* Returns how many workers failed. */
static uint32_t work_all(struct campaign *campaign)
{
	pid_t pid[WORKERS];
	uint32_t failed = 0;

	for (uint32_t i = 0; i < WORKERS; i++) {
		struct worker worker = {.campaign = campaign, .number = i};

		pid[i] = child_start(worker_main, &worker);
	}
	for (uint32_t i = 0; i < WORKERS; i++) {
		int status = child_wait(pid[i]);

		if (child_exited(status, 0))
			continue;
		printf("a worker ended: %s\n", child_status_text(status));
		failed++;
	}
	return failed;
}

int main(int count, char **arguments)
{
	struct campaign *campaign = shared_memory(sizeof(*campaign));
	const char *refusal = trace_refusal();
	const struct script *script;
	struct report report = {0};

	campaign->options = images_options_read(count, arguments);
	if (refusal != NULL) {
		printf("skipped: %s\n", refusal);
		return 77;
	}
	while ((script = stage_script(campaign->script_count)) != NULL) {
		campaign->is_exact |= strcmp(script->name, campaign->options.script) == 0;
		if (++campaign->script_count == SCRIPTS_MAX)
			abort();
	}
	campaign->end_s = campaign->options.seconds ? now_s() + campaign->options.seconds : 0;
	report.failures = work_all(campaign);
	for (uint32_t i = 0; i < campaign->script_count; i++) {
		for (uint32_t j = 1; j < WORKERS; j++)
			tally_add(&campaign->tally[0][i], &campaign->tally[j][i]);
		report_script(&report, stage_script(i), &campaign->tally[0][i]);
	}
	return report_end(&report, campaign->options.images, campaign->options.kills);
}
