/* Kills a process before a store to a shared word, at any of all the stores that the scripts make, and
 * checks as crash_points does: what that does at chosen passages, this does at random ones, or at all.
 *
 * crash_stores [--seed S] [--seconds N]; --seconds 0: every store of every script (minutes). */
#include "tests/crash/cases.h"
#include "tests/support/arguments.h"
#include "tests/support/shared.h"

#include <stdio.h>
#include <time.h>

enum { DEFAULT_SECONDS = 6, SCRIPTS_MAX = 128 };

static struct test_arguments arguments;

static void kill_at(struct case_totals *totals, struct scene *scene, const struct script *script, uint64_t nth)
{
	struct crash_plan plan = {.mode = CRASH_AT_STORE, .nth = nth};
	const char *failure = case_run(scene, script, plan, nth % 2 ? OTHERS_WITH_ENGINE : OTHERS_ALONE);

	/* With an engine a script may end sooner. */
	if (failure != NULL && nth % 2 && scene->plan.stores < nth)
		failure = NULL;
	cases_count(totals, scene, failure);
	if (failure)
		printf("FAILED: %s, killed before store %llu: %s\n", script->name, (unsigned long long)nth,
		       failure);
}

/* The stores that a script makes; 0 if it is not to be used. */
static uint64_t count_stores(struct case_totals *totals, struct scene *scene, const struct script *script)
{
	const char *failure;

	if (script->is_slow || script->waits)
		return 0;
	failure = case_run(scene, script, (struct crash_plan){.mode = CRASH_COUNT}, OTHERS_ALONE);
	totals->failures += failure != NULL;
	if (failure)
		printf("FAILED: %s, nobody killed: %s\n", script->name, failure);
	return failure ? 0 : scene->plan.stores;
}

static void work(void *context, struct scene *scene, uint32_t number)
{
	struct case_totals *totals = (struct case_totals *)context + number;
	uint64_t random = arguments.seed + number + 1, stores[SCRIPTS_MAX];
	time_t end = time(NULL) + (time_t)arguments.seconds;
	uint32_t scripts = 0;

	for (; script_at(scripts) != NULL && scripts < SCRIPTS_MAX; scripts++)
		stores[scripts] = count_stores(totals, scene, script_at(scripts));
	while (arguments.seconds > 0 && time(NULL) < end) {
		uint32_t i = (uint32_t)(random_next(&random) % scripts);

		if (stores[i] > 0)
			kill_at(totals, scene, script_at(i), random_next(&random) % stores[i] + 1);
	}
	for (uint32_t i = 0; arguments.seconds == 0 && i < scripts; i++)
		for (uint64_t nth = number + 1; nth <= stores[i]; nth += CASE_WORKERS)
			kill_at(totals, scene, script_at(i), nth);
}

int main(int count, char **values)
{
	struct case_totals *totals = shared_memory((CASE_WORKERS + 1) * sizeof(*totals)),
			   *sum = &totals[CASE_WORKERS];

	arguments = test_arguments_read(count, values, DEFAULT_SECONDS);
	cases_share(work, totals);
	for (uint32_t i = 0; i < CASE_WORKERS; i++)
		cases_add(sum, &totals[i]);
	cases_tally(sum, "kills");
	printf("%llu passed, %llu failed\n", (unsigned long long)(sum->cases - sum->failures),
	       (unsigned long long)sum->failures);
	return sum->failures > 0 || sum->cases == 0;
}
