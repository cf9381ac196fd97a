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

static bool run(const struct scenario *scenario, bool verbose)
{
	double began = seconds();
	struct explore_result result;

	scenario_build(scenario);
	result = explore_run(scenario->switches, STATES_MAX, false);
	printf("%-28s %5u %6d %6u %5s %10zu %11zu %6u %6.1f s  %s\n", scenario->name, 1u << scenario->order,
	       explore_actor_count(), scenario->deaths, bound_text(scenario->switches), result.states, result.steps,
	       result.depth, seconds() - began,
	       result.failed ? "FAILED"
	       : result.cut  ? "CUT"
			     : "passed");
	fflush(stdout);
	states += result.states;
	ends += result.ends;
	if (result.failed && verbose)
		show_failure(scenario);
	return !result.failed && !result.cut;
}

int main(int argc, char **argv)
{
	const char *only = NULL;
	bool is_long = false, quiet = false;
	unsigned passed = 0, failed = 0;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--list")) {
			for (const struct scenario *s = scenarios; s->name; s++)
				printf("%-28s %s%s\n", s->name, s->is_long ? "(long) " : "", s->about);
			return 0;
		} else if (!strcmp(argv[i], "--scenario") && i + 1 < argc) {
			only = argv[++i];
		} else if (!strcmp(argv[i], "--long")) {
			is_long = true;
		} else if (!strcmp(argv[i], "--quiet")) {
			quiet = true;
		} else {
			fprintf(stderr, "usage: interleave [--list] [--long] [--quiet] [--scenario NAME]\n");
			return 2;
		}
	}
	printf("%-28s %5s %6s %6s %5s %10s %11s %6s %8s  %s\n", "scenario", "slots", "actors", "deaths", "bound",
	       "states", "steps", "depth", "time", "result");
	for (const struct scenario *s = scenarios; s->name; s++) {
		if (only ? strcmp(only, s->name) != 0 : s->is_long && !is_long)
			continue;
		if (run(s, !quiet))
			passed++;
		else
			failed++;
	}
	printf("tally: states %zu schedules %zu\n", states, ends);
	printf("%u passed, %u failed\n", passed, failed);
	return failed > 0 || passed == 0;
}
