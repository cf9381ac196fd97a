/* Stops a process (SIGSTOP) at every named crash point that every script passes. While it stands there
 * others go on within the same bound of steps, past the end of all leases, reap, and either use every slot
 * again or hold what there is. Then it goes on (SIGCONT) where it stood: what it still does is refused or does no
 * harm, what it reads in place has not been overwritten, and in the end nothing is lost or left behind.
 *
 * stop_continue [SCRIPT [POINT]]: only those whose names contain it. Exit 0 or 1. */
#include "tests/crash/cases.h"
#include "tests/support/shared.h"

#include <string.h>

struct totals {
	struct case_totals cases;
	uint32_t scripts, script_failures;
};

static const char *only_script = "", *only_point = "";

static void stop_at(struct totals *totals, struct scene *scene, const struct script *script, enum crash_point point,
		    uint64_t nth, enum case_others others)
{
	struct crash_plan plan = {.mode = CRASH_AT_POINT, .stops = true, .point = point, .nth = nth};
	const char *failure = case_run(scene, script, plan, others);

	cases_count(&totals->cases, scene, failure);
	if (failure == NULL)
		return;
	printf("FAILED: %s, stopped at %s, passage %llu, %s: %s\n", script->name, crash_point_name(point),
	       (unsigned long long)nth, case_others_text(others), failure);
}

static void run_script(struct totals *totals, struct scene *scene, const struct script *script)
{
	struct crash_plan plan = {.mode = CRASH_COUNT};
	uint64_t reached[CRASH_POINT_COUNT];
	const char *failure = case_run(scene, script, plan, OTHERS_ALONE);

	totals->scripts++;
	if (failure != NULL) {
		totals->script_failures++;
		printf("FAILED: %s, nobody stopped: %s\n", script->name, failure);
		return;
	}
	memcpy(reached, scene->plan.reached, sizeof(reached));
	for (enum crash_point point = 0; point < CRASH_POINT_COUNT; point++) {
		uint64_t last = script->waits && reached[point] > 2 ? 2 : reached[point];

		if (last == 0 || strstr(crash_point_name(point), only_point) == NULL)
			continue;
		stop_at(totals, scene, script, point, 1, OTHERS_ALONE);
		if (last > 1)
			stop_at(totals, scene, script, point, last, OTHERS_ALONE);
		stop_at(totals, scene, script, point, last, OTHERS_HOLD);
	}
}

static void work(void *context, struct scene *scene, uint32_t number)
{
	struct totals *totals = (struct totals *)context + number;
	const struct script *script;

	for (uint32_t i = number; (script = script_at(i)) != NULL; i += CASE_WORKERS)
		if (strstr(script->name, only_script) != NULL && !script->is_slow)
			run_script(totals, scene, script);
}

int main(int count, char **arguments)
{
	struct totals *totals = shared_memory((CASE_WORKERS + 1) * sizeof(*totals)), *sum = &totals[CASE_WORKERS];
	uint64_t failed;

	only_script = count > 1 ? arguments[1] : "";
	only_point = count > 2 ? arguments[2] : "";
	cases_share(work, totals);
	for (uint32_t i = 0; i < CASE_WORKERS; i++) {
		cases_add(&sum->cases, &totals[i].cases);
		sum->scripts += totals[i].scripts;
		sum->script_failures += totals[i].script_failures;
	}
	printf("%u scripts, %llu stops; another's call took at most %llu steps, %d allowed\n", sum->scripts,
	       (unsigned long long)sum->cases.cases, (unsigned long long)sum->cases.steps_max, STEPS_MAX);
	cases_tally(&sum->cases, "stops");
	failed = sum->cases.failures + sum->script_failures;
	printf("%llu passed, %llu failed\n", (unsigned long long)(sum->cases.cases - sum->cases.failures),
	       (unsigned long long)failed);
	return failed > 0 || sum->cases.cases == 0;
}
