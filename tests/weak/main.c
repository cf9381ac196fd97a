/* usage: weak [--long [--seconds N]] [--scenario NAME [--weaken SITE=ORDER]...]   litmus tests and scenarios;
 *                                 begins none after N seconds
 *        weak --list             the sites of ring/
 *        weak --table FILE       each weakening that FILE names is caught as it says (orders.list)
 *        weak --search NUMBER    which scenario catches which weakening, from that site on; for such a file */
#include "tests/interleave/scenario.h"
#include "tests/weak/weak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STATES_MAX = 200000000 };

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct explore_result weak_explore(void (*build)(void), struct model_terms terms, unsigned switches, bool verbose)
{
	struct explore_result result;

	model_forget();
	do {
		build();
		model_begin(terms);
		result = explore_run(switches, STATES_MAX, false);
	} while (model_has_grown());
	if (result.failed && verbose) {
		build();
		model_begin(terms);
		explore_run(switches, STATES_MAX, true);
	}
	return result;
}

static void (*build_of(const struct weak_scenario *scenario))(void)
{
	const struct scenario *s = scenarios;
	const char *suffix = strstr(scenario->name, "_long");
	size_t length = suffix ? (size_t)(suffix - scenario->name) : strlen(scenario->name);

	if (scenario->build)
		return scenario->build;
	while (s->name && (strncmp(s->name, scenario->name, length) != 0 || s->name[length] != '\0'))
		s++;
	return s->build;
}

struct explore_result weak_run(const struct weak_scenario *scenario)
{
	return weak_explore(build_of(scenario), scenario->terms, scenario->switches, false);
}

static void bound_text(char *ret_text, size_t bytes, unsigned bound)
{
	if (bound == SWITCHES_FREE)
		snprintf(ret_text, bytes, "none");
	else
		snprintf(ret_text, bytes, "%u", bound);
}

/* The failure with as few preemptions and stale reads as will do. */
static void show_failure(const struct weak_scenario *scenario)
{
	for (unsigned stale = 0; stale <= 2; stale++)
		for (unsigned switches = 0; switches <= 4; switches++) {
			struct model_terms terms = scenario->terms;

			terms.stale = stale;
			if (weak_explore(build_of(scenario), terms, switches, true).failed) {
				printf("  (%u preemptions, %u stale reads)\n", switches, stale);
				return;
			}
		}
}

static size_t states, ends; /* of all scenarios */

static bool run(const struct weak_scenario *scenario)
{
	double began = seconds();
	struct explore_result result = weak_run(scenario);
	char switches[12], stale[12];

	bound_text(switches, sizeof(switches), scenario->switches);
	bound_text(stale, sizeof(stale), scenario->terms.stale);
	printf("%-20s %6d %11s %5s %4s %9zu %10zu %6.2f s  %s\n", scenario->name, explore_actor_count(), switches,
	       stale, scenario->terms.has_data ? "yes" : "", result.states, result.steps, seconds() - began,
	       result.failed ? "FAILED"
	       : result.cut  ? "CUT"
			     : "passed");
	fflush(stdout);
	states += result.states;
	ends += result.ends;
	if (result.failed)
		show_failure(scenario);
	return !result.failed && !result.cut;
}

static int run_all(const char *only, bool is_long, double seconds_max)
{
	double began = seconds();
	unsigned passed = 0, failed = 0, count = 0;

	if (!only) {
		printf("%-30s %-20s %-9s %s\n", "litmus test", "ending", "in model", "result");
		failed = litmus_failures(&count);
		passed = count - failed;
	}
	printf("%-20s %6s %11s %5s %4s %9s %10s %8s  %s\n", "scenario", "actors", "preemptions", "stale", "data",
	       "states", "steps", "time", "result");
	for (const struct weak_scenario *s = weak_scenarios; s->name; s++) {
		if (only ? strcmp(only, s->name) != 0 : s->is_long && !is_long)
			continue;
		if (seconds() - began > seconds_max) {
			printf("%-20s not run: the time is over\n", s->name);
			continue;
		}
		if (run(s))
			passed++;
		else
			failed++;
	}
	printf("tally: states %zu schedules %zu\n", states, ends);
	printf("%u passed, %u failed\n", passed, failed);
	return failed > 0 || passed == 0;
}

static void list_sites(void)
{
	char name[SITE_NAME_MAX];

	for (int i = 0; i < sites_count(); i++) {
		const struct site *site = site_number(i, name);

		printf("%s:%d %s\n", site->file, site->line, name);
	}
}

static int usage(void)
{
	fprintf(stderr, "usage: weak [--long [--seconds N]] [--scenario NAME [--weaken SITE=ORDER]...]\n"
			"       weak --list\n"
			"       weak --table FILE\n"
			"       weak --search NUMBER [--long]\n");
	return 2;
}

int main(int argc, char **argv)
{
	const char *only = NULL, *table = NULL;
	bool is_long = false;
	double seconds_max = 1e9;
	int from = -1;

	sites_find();
	for (int i = 1; i < argc; i++) {
		bool has_more = i + 1 < argc;

		if (!strcmp(argv[i], "--list")) {
			list_sites();
			return 0;
		} else if (!strcmp(argv[i], "--long")) {
			is_long = true;
		} else if (!strcmp(argv[i], "--seconds") && has_more) {
			seconds_max = atof(argv[++i]);
		} else if (!strcmp(argv[i], "--scenario") && has_more) {
			only = argv[++i];
		} else if (!strcmp(argv[i], "--table") && has_more) {
			table = argv[++i];
		} else if (!strcmp(argv[i], "--search") && has_more) {
			from = atoi(argv[++i]);
		} else if (!strcmp(argv[i], "--weaken") && has_more) {
			if (!orders_weaken(argv[++i])) {
				fprintf(stderr, "weak: no such site or order: %s\n", argv[i]);
				return 2;
			}
		} else {
			return usage();
		}
	}
	if (from >= 0)
		orders_search(from, is_long);
	else if (table)
		return orders_check(table);
	else
		return run_all(only, is_long, seconds_max);
	return 0;
}
