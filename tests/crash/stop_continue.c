/* Stops a process (SIGSTOP) at every named crash point that every script passes. While it stands there
 * others go on within the same bound of steps, past the end of all leases, reap, and either press on the full
 * queue until every slot was used again, or hold what there is, or outlive the retention. Then it goes on (SIGCONT)
 * where it stood: what it still does is refused or does no harm, what it reads in place has not been overwritten,
 * and in the end nothing is lost or left behind.
 *
 * An engine too: at each point that it passes while it does what the preparation of a script leaves for it. Its
 * promise to be awake goes by, clients do its work, or a second engine takes over.
 *
 * stop_continue [SCRIPT [POINT]]: only those whose names contain it.
 * stop_continue --seconds N [--seed S]: only the engine, in as many of the scripts as there is time for.
 * Exit 0 or 1. */
#include "tests/crash/cases.h"
#include "tests/crash/engine.h"
#include "tests/support/arguments.h"
#include "tests/support/shared.h"

#include <string.h>
#include <time.h>

struct totals {
	struct case_totals cases[ROLE_COUNT];
	uint32_t scripts[ROLE_COUNT], script_failures;
};

static const char *only_script = "", *only_point = "";
static struct test_arguments arguments;
static time_t end; /* of the engine's long run; 0: a short one */

static void stop_at(struct case_totals *totals, struct scene *scene, const struct script *script,
		    enum crash_point point, uint64_t nth, enum case_others others)
{
	struct crash_plan plan = {.mode = CRASH_AT_POINT, .stops = true, .point = point, .nth = nth};
	const char *failure = case_run(scene, script, plan, others);

	cases_count(totals, scene, failure);
	if (failure == NULL)
		return;
	printf("FAILED: %s, stopped at %s, passage %llu, %s: %s\n", script->name, crash_point_name(point),
	       (unsigned long long)nth, case_others_text(others), failure);
}

static void stop_everywhere(struct case_totals *totals, struct scene *scene, const struct script *script,
			    enum crash_point point, uint64_t last)
{
	if (script->waits && last > 2)
		last = 2;
	stop_at(totals, scene, script, point, 1, OTHERS_ALONE);
	if (last > 1)
		stop_at(totals, scene, script, point, last, OTHERS_ALONE);
	stop_at(totals, scene, script, point, last, OTHERS_HOLD);
	stop_at(totals, scene, script, point, last, OTHERS_OUTLIVE);
}

/* The engine passes the same points in many scripts. A short run stops it at each in as many of them as there are
 * ways of others, a long one, or one of chosen scripts, in all. How often it passes one is not the same each time.
 */
static void stop_engine(struct case_totals *totals, struct scene *scene, const struct script *script,
			enum crash_point point, uint64_t reached)
{
	static const enum case_others kinds[] = {OTHERS_SERVE, OTHERS_ALONE, OTHERS_OUTLIVE, OTHERS_HOLD};
	enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };
	static uint32_t stops[CRASH_POINT_COUNT];

	if (end == 0 && *only_script == '\0') {
		if (stops[point] < KINDS)
			stop_at(totals, scene, script, point, 1, kinds[stops[point]++]);
		return;
	}
	for (uint32_t kind = 0; kind < KINDS; kind++)
		if (end == 0 || time(NULL) < end)
			stop_at(totals, scene, script, point, reached > 1 && kind % 2 ? 2 : 1, kinds[kind]);
}

static void run_script(struct totals *totals, struct scene *scene, const struct script *script, enum role role)
{
	struct crash_plan plan = {.mode = CRASH_COUNT};
	uint64_t reached[CRASH_POINT_COUNT];
	const char *failure = case_run(scene, script, plan, OTHERS_ALONE);

	totals->scripts[role]++;
	if (failure != NULL) {
		totals->script_failures++;
		printf("FAILED: %s, nobody stopped: %s\n", script->name, failure);
		return;
	}
	memcpy(reached, scene->plan.reached, sizeof(reached));
	for (enum crash_point point = 0; point < CRASH_POINT_COUNT; point++)
		if (reached[point] > 0 && strstr(crash_point_name(point), only_point) != NULL)
			(script->is_engine ? stop_engine : stop_everywhere)(&totals->cases[role], scene, script,
									    point, reached[point]);
}

static void work(void *context, struct scene *scene, uint32_t number)
{
	struct totals *totals = (struct totals *)context + number;
	const struct script *script;

	for (uint32_t i = number; (script = script_at(i)) != NULL; i += CASE_WORKERS) {
		struct script engine = engine_script(script);

		if (strstr(script->name, only_script) == NULL || script->is_slow)
			continue;
		run_script(totals, scene, script, script_role(i));
		if (script->prepare)
			run_script(totals, scene, &engine, ROLE_ENGINE);
	}
}

/* The engine alone, in turn from the script that the seed says. */
static void work_long(void *context, struct scene *scene, uint32_t number)
{
	struct totals *totals = (struct totals *)context + number;
	uint32_t count = 0;

	while (script_at(count) != NULL)
		count++;
	for (uint32_t i = number; i < count && time(NULL) < end; i += CASE_WORKERS) {
		const struct script *script = script_at((uint32_t)((arguments.seed + i) % count));
		struct script engine = engine_script(script);

		if (script->prepare && !script->is_slow)
			run_script(totals, scene, &engine, ROLE_ENGINE);
	}
}

static struct case_totals report_role(const struct totals *totals, enum role role)
{
	struct case_totals sum = {0};
	uint32_t scripts = 0;

	for (uint32_t i = 0; i < CASE_WORKERS; i++) {
		cases_add(&sum, &totals[i].cases[role]);
		scripts += totals[i].scripts[role];
	}
	if (scripts == 0)
		return sum;
	printf("%-34s %7u %6llu %8llu %8llu %10llu %7llu\n", role_name(role), scripts,
	       (unsigned long long)sum.cases, (unsigned long long)sum.compared, (unsigned long long)sum.steps_max,
	       (unsigned long long)sum.reap_steps_max, (unsigned long long)sum.failures);
	return sum;
}

int main(int count, char **values)
{
	struct totals *totals = shared_memory(CASE_WORKERS * sizeof(*totals));
	struct case_totals sum = {0};
	uint64_t failed = 0;

	if (count > 1 && strncmp(values[1], "--", 2) == 0) {
		arguments = test_arguments_read(count, values, 0);
		end = time(NULL) + (time_t)arguments.seconds;
	} else {
		only_script = count > 1 ? values[1] : "";
		only_point = count > 2 ? values[2] : "";
	}
	cases_share(end ? work_long : work, totals);
	printf("%-34s %7s %6s %8s %8s %10s %7s\n", "who was stopped", "scripts", "stops", "compared", "steps",
	       "and reaping", "failed");
	for (enum role role = 0; role < ROLE_COUNT; role++) {
		struct case_totals of_role = report_role(totals, role);

		cases_add(&sum, &of_role);
	}
	for (uint32_t i = 0; i < CASE_WORKERS; i++)
		failed += totals[i].script_failures;
	failed += sum.failures;
	printf("compared: bodies that the victim reads in place, while it stands; steps: the most that a call of "
	       "another took, %d allowed, %d when it reaps as well\n",
	       STEPS_MAX, REAP_STEPS_MAX);
	cases_tally(&sum, "stops");
	printf("%llu passed, %llu failed\n", (unsigned long long)(sum.cases - sum.failures),
	       (unsigned long long)failed);
	return failed > 0 || sum.cases == 0;
}
