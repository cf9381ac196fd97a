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

/* What the time limit cuts is no failure; it is said. */
enum outcome { PASSED, FAILED, CUT_BY_TIME, OUTCOMES };

static enum outcome run(const struct scenario *scenario, bool verbose)
{
	double began = seconds();
	struct explore_result result;

	scenario_build(scenario);
	result = explore_run(scenario->switches, STATES_MAX, false);
	printf("%-28s %5u %6d %6u %5u %5s %10zu %11zu %6u %6.1f s  %-9s %s\n", scenario->name,
	       1u << scenario->order, explore_actor_count(), scenario->deaths, scenario->stops,
	       bound_text(scenario->switches), result.states, result.steps, result.depth, seconds() - began,
	       result.failed ? "FAILED"
	       : result.cut  ? "CUT"
	       : result.late ? "cut: time"
			     : "passed",
	       scenario->about);
	fflush(stdout);
	if (result.failed && verbose)
		show_failure(scenario);
	return result.failed || result.cut ? FAILED : result.late ? CUT_BY_TIME : PASSED;
}

int main(int argc, char **argv)
{
	const char *only = NULL;
	bool is_long = false, quiet = false;
	unsigned count[OUTCOMES] = {0};

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--list")) {
			for (const struct scenario *s = scenarios; s->name; s++)
				printf("%-28s %s%s\n", s->name, s->is_long ? "(long) " : "", s->about);
			return 0;
		} else if (!strcmp(argv[i], "--scenario") && i + 1 < argc) {
			only = argv[++i];
		} else if (!strcmp(argv[i], "--long")) {
			is_long = true;
		} else if (!strcmp(argv[i], "--seconds") && i + 1 < argc && atof(argv[i + 1]) > 0) {
			explore_limit_seconds(atof(argv[++i]));
		} else if (!strcmp(argv[i], "--quiet")) {
			quiet = true;
		} else {
			fprintf(stderr,
				"usage: interleave [--list] [--long] [--quiet] [--seconds N] [--scenario NAME]\n");
			return 2;
		}
	}
	printf("%-28s %5s %6s %6s %5s %5s %10s %11s %6s %8s  %-9s %s\n", "scenario", "slots", "actors", "deaths",
	       "stops", "bound", "states", "steps", "depth", "time", "result", "about");
	for (const struct scenario *s = scenarios; s->name; s++) {
		if (only ? strcmp(only, s->name) != 0 : s->is_long && !is_long)
			continue;
		count[run(s, !quiet)]++;
	}
	if (count[CUT_BY_TIME] > 0)
		printf("%u cut by the time limit\n", count[CUT_BY_TIME]);
	printf("%u passed, %u failed\n", count[PASSED], count[FAILED]);
	return count[FAILED] > 0 || count[PASSED] + count[CUT_BY_TIME] == 0;
}
