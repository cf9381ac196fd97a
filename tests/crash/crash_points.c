/* Kills a process at every named crash point that every script passes, at its first, second and last
 * passage without an engine, and at its last with one that is awake but never comes to reap; and an engine at
 * each point that it passes while it does what the preparation of a script leaves for it. After each
 * death others must go on, nothing acknowledged may be lost and nothing stay behind. Fails when a point
 * of the list is never reached, and when two stores to shared words follow each other without a point
 * between them.
 *
 * crash_points [SCRIPT [POINT]]: only those whose names contain it. Exit 0 or 1. */
#include "tests/crash/cases.h"
#include "tests/crash/engine.h"
#include "tests/support/shared.h"

#include <string.h>

enum { ENGINE_KILLS_EACH = 4 }; /* at a point, by one worker */

/* Of one worker. */
struct totals {
	uint64_t reached[CRASH_POINT_COUNT];
	uint32_t kills[CRASH_POINT_COUNT], failures[CRASH_POINT_COUNT];
	uint32_t scripts, script_failures, pair_count;
	struct crash_pair pair[CRASH_PAIRS_MAX];
	struct case_totals cases;
};

static const char *only_script = "", *only_point = "";

static void kill_at(struct totals *totals, struct scene *scene, const struct script *script, enum crash_point point,
		    uint64_t nth, enum case_others others)
{
	struct crash_plan plan = {.mode = CRASH_AT_POINT, .point = point, .nth = nth};
	const char *failure = case_run(scene, script, plan, others);

	totals->kills[point]++;
	cases_count(&totals->cases, scene, failure);
	if (failure == NULL)
		return;
	totals->failures[point]++;
	printf("FAILED: %s, killed at %s, passage %llu, %s: %s\n", script->name, crash_point_name(point),
	       (unsigned long long)nth, case_others_text(others), failure);
}

static void note_pairs(struct totals *totals, const struct crash_plan *plan)
{
	for (uint64_t i = 0; i < plan->pair_count; i++) {
		bool known = false;

		for (uint32_t j = 0; j < totals->pair_count; j++)
			known |= memcmp(&totals->pair[j], &plan->pair[i], sizeof(plan->pair[i])) == 0;
		if (!known && totals->pair_count < CRASH_PAIRS_MAX)
			totals->pair[totals->pair_count++] = plan->pair[i];
	}
}

/* Runs the script to its end to learn which points it passes how often, then kills it at each. */
static void run_with(struct totals *totals, struct scene *scene, const struct script *script,
		     enum case_others others)
{
	struct crash_plan plan = {.mode = CRASH_COUNT};
	uint64_t reached[CRASH_POINT_COUNT];
	const char *failure = case_run(scene, script, plan, others);

	if (failure != NULL) {
		totals->script_failures++;
		printf("FAILED: %s, nobody killed: %s\n", script->name, failure);
		return;
	}
	note_pairs(totals, &scene->plan);
	memcpy(reached, scene->plan.reached, sizeof(reached));
	for (enum crash_point point = 0; point < CRASH_POINT_COUNT; point++) {
		uint64_t last = reached[point];

		totals->reached[point] += last;
		if (last == 0 || strstr(crash_point_name(point), only_point) == NULL)
			continue;
		if (script->waits && last > 2)
			last = 2;
		if (others == OTHERS_ALONE)
			kill_at(totals, scene, script, point, 1, others);
		if (others == OTHERS_ALONE && last > 2)
			kill_at(totals, scene, script, point, 2, others);
		if (others == OTHERS_WITH_ENGINE || last > 1)
			kill_at(totals, scene, script, point, last, others);
	}
}

/* The engine passes the same points in many scripts: at each point it is killed in a few of them, or in all that
 * were asked for. */
static void kill_engine(struct totals *totals, struct scene *scene, const struct script *script)
{
	static uint32_t kills[CRASH_POINT_COUNT];
	struct script engine = engine_script(script);
	uint64_t reached[CRASH_POINT_COUNT];
	const char *failure = case_run(scene, &engine, (struct crash_plan){.mode = CRASH_COUNT}, OTHERS_ALONE);

	if (failure != NULL) {
		totals->script_failures++;
		printf("FAILED: %s, nobody killed: %s\n", engine.name, failure);
		return;
	}
	memcpy(reached, scene->plan.reached, sizeof(reached));
	for (enum crash_point point = 0; point < CRASH_POINT_COUNT; point++)
		if (reached[point] > 0 && strstr(crash_point_name(point), only_point) != NULL &&
		    (*only_script != '\0' || kills[point]++ < ENGINE_KILLS_EACH))
			kill_at(totals, scene, &engine, point, 1, OTHERS_ALONE);
}

static void work(void *context, struct scene *scene, uint32_t number)
{
	struct totals *totals = (struct totals *)context + number;
	const struct script *script;

	for (uint32_t i = number; (script = script_at(i)) != NULL; i += CASE_WORKERS) {
		if (strstr(script->name, only_script) == NULL)
			continue;
		totals->scripts++;
		run_with(totals, scene, script, OTHERS_ALONE);
		if (!script->is_slow)
			run_with(totals, scene, script, OTHERS_WITH_ENGINE);
		if (!script->is_slow && script->prepare)
			kill_engine(totals, scene, script);
	}
}

static void add(struct totals *sum, const struct totals *more)
{
	for (enum crash_point point = 0; point < CRASH_POINT_COUNT; point++) {
		sum->reached[point] += more->reached[point];
		sum->kills[point] += more->kills[point];
		sum->failures[point] += more->failures[point];
	}
	sum->scripts += more->scripts;
	sum->script_failures += more->script_failures;
	cases_add(&sum->cases, &more->cases);
	for (uint32_t i = 0; i < more->pair_count; i++)
		printf("two stores without a point between them: crash_arm%+td and crash_arm%+td\n",
		       (char *)more->pair[i].first - (char *)(uintptr_t)crash_arm,
		       (char *)more->pair[i].second - (char *)(uintptr_t)crash_arm);
	sum->pair_count += more->pair_count;
}

static int report(const struct totals *totals)
{
	uint32_t passed = 0, failed = totals->script_failures + (totals->pair_count > 0);

	printf("%-26s %8s %6s  %s\n", "point", "reached", "kills", "result");
	for (enum crash_point point = 0; point < CRASH_POINT_COUNT; point++) {
		bool good = totals->reached[point] > 0 && totals->failures[point] == 0;

		printf("%-26s %8llu %6u  %s\n", crash_point_name(point), (unsigned long long)totals->reached[point],
		       totals->kills[point],
		       good			     ? "ok"
		       : totals->reached[point] == 0 ? "NEVER REACHED"
						     : "FAILED");
		passed += good;
		failed += !good;
	}
	printf("%u scripts, %llu kills; a survivor's call took at most %llu steps, %d allowed\n", totals->scripts,
	       (unsigned long long)totals->cases.cases, (unsigned long long)totals->cases.steps_max, STEPS_MAX);
	cases_tally(&totals->cases, "kills");
	printf("%u passed, %u failed\n", passed, failed);
	return failed > 0;
}

int main(int count, char **arguments)
{
	struct totals *totals = shared_memory((CASE_WORKERS + 1) * sizeof(*totals));

	only_script = count > 1 ? arguments[1] : "";
	only_point = count > 2 ? arguments[2] : "";
	cases_share(work, totals);
	for (uint32_t i = 0; i < CASE_WORKERS; i++)
		add(&totals[CASE_WORKERS], &totals[i]);
	return report(&totals[CASE_WORKERS]);
}
