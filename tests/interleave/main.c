#include "tests/interleave/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STATES_MAX = 400000000 };

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void scenario_build(const struct scenario *scenario)
{
	scenario->build();
	explore_allow_deaths(scenario->deaths);
	explore_allow_stops(scenario->stops);
}

/* The failure again with as few preemptions as will do, so that it can be read. */
static void show_failure(const struct scenario *scenario)
{
	for (unsigned switches = 0; switches <= 8; switches++) {
		scenario_build(scenario);
		if (explore_run(switches, STATES_MAX, true).failed) {
			printf("  (%u preemptions)\n", switches);
			return;
		}
	}
	scenario_build(scenario);
	explore_run(scenario->switches, STATES_MAX, true);
}

static const char *bound_text(unsigned switches)
{
	static char text[12];

	if (switches == SWITCHES_FREE)
		return "none";
	snprintf(text, sizeof(text), "%u", switches);
	return text;
}

static size_t states, ends; /* of all scenarios */
static unsigned passed, failed, late;

static const char *result_text(const struct explore_result *result)
{
	static char text[48];

	snprintf(text, sizeof(text), "cut after %zu states", result->states);
	return result->failed ? "FAILED" : result->cut ? "CUT" : result->late ? text : "passed";
}

static void run(const struct scenario *scenario, bool verbose)
{
	double began = seconds();
	struct explore_result result;

	scenario_build(scenario);
	result = explore_run(scenario->switches, STATES_MAX, false);
	printf("%-28s %5u %6d %6u %5u %5s %10zu %11zu %6u %6.1f s  %-8s %s\n", scenario->name,
	       1u << scenario->order, explore_actor_count(), scenario->deaths, scenario->stops,
	       bound_text(scenario->switches), result.states, result.steps, result.depth, seconds() - began,
	       result_text(&result), scenario->about);
	fflush(stdout);
	states += result.states;
	ends += result.ends;
	if (result.failed && verbose)
		show_failure(scenario);
	if (result.failed || result.cut)
		failed++;
	else if (result.late)
		late++;
	else
		passed++;
}

static struct {
	const char *only;
	bool with_long, is_quiet;
	double seconds; /* for all; 0: no limit */
} options;

static bool is_wanted(const struct scenario *scenario)
{
	return options.only ? strcmp(options.only, scenario->name) == 0 : !scenario->is_long || options.with_long;
}

static unsigned count_wanted(bool is_long)
{
	unsigned count = 0;

	for (const struct scenario *s = scenarios; s->name; s++)
		count += s->is_long == is_long && is_wanted(s);
	return count;
}

/* Short ones first; what time is left is shared by those that are still to come. */
static void run_wanted(bool is_long, double end)
{
	unsigned left = count_wanted(is_long) + (is_long ? 0 : count_wanted(true));

	for (const struct scenario *s = scenarios; s->name; s++) {
		if (s->is_long != is_long || !is_wanted(s))
			continue;
		if (options.seconds > 0) {
			double share = (end - seconds()) / left--;

			explore_limit(share > 0.1 ? share : 0.1);
		}
		run(s, !options.is_quiet);
	}
}

static void list(void)
{
	for (const struct scenario *s = scenarios; s->name; s++)
		printf("%-28s %s%s\n", s->name, s->is_long ? "(long) " : "", s->about);
}

int main(int argc, char **argv)
{
	double began = seconds();

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--list")) {
			list();
			return 0;
		} else if (!strcmp(argv[i], "--scenario") && i + 1 < argc) {
			options.only = argv[++i];
		} else if (!strcmp(argv[i], "--seconds") && i + 1 < argc) {
			options.seconds = strtod(argv[++i], NULL);
		} else if (!strcmp(argv[i], "--long")) {
			options.with_long = true;
		} else if (!strcmp(argv[i], "--quiet")) {
			options.is_quiet = true;
		} else {
			fprintf(stderr, "usage: interleave [--list] [--long] [--seconds N] [--quiet] [--scenario "
					"NAME]\n");
			return 2;
		}
	}
	printf("%-28s %5s %6s %6s %5s %5s %10s %11s %6s %8s  %-8s %s\n", "scenario", "slots", "actors", "deaths",
	       "stops", "bound", "states", "steps", "depth", "time", "result", "about");
	run_wanted(false, began + options.seconds);
	run_wanted(true, began + options.seconds);
	if (late > 0)
		printf("%u cut by time\n", late);
	printf("tally: states %zu schedules %zu\n", states, ends);
	printf("%u passed, %u failed\n", passed, failed);
	return failed > 0 || passed + late == 0;
}
