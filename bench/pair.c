#include "bench/pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bench_options bench_options;

/* States of the host, by the one-way time of a cache line. */
enum { STATES = 4, STATE_SAMPLES_MIN = 2 };
static const struct {
	const char *name;
	double below_ns;
} states[STATES] = {{"one core", 25}, {"fast", 120}, {"slow", 500}, {"very slow", 1e12}};

void bench_start(int argc, char **argv)
{
	bench_options.rounds = 7;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--quick") == 0) {
			bench_options.quick = true;
			bench_options.rounds = 1;
		} else if (strcmp(argv[i], "--json") == 0) {
			bench_options.json = true;
		} else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
			bench_options.only = argv[++i];
		} else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc) {
			bench_options.rounds = (uint32_t)atoi(argv[++i]);
		} else {
			fprintf(stderr, "usage: %s [--quick] [--json] [--rounds N] [--only TEXT]\n", argv[0]);
			exit(2);
		}
	}
	if (bench_options.rounds < 1 || bench_options.rounds > TEAM_SAMPLES) {
		fprintf(stderr, "%s: --rounds takes 1 to %d\n", argv[0], TEAM_SAMPLES);
		exit(2);
	}
}

bool bench_wants(const char *name)
{
	return !bench_options.only || strstr(name, bench_options.only);
}

void pair_play(struct team *team, uint32_t me, const struct pair *pair, pair_half *subject, pair_half *yardstick,
	       void *context)
{
	for (uint32_t round = 0; round <= pair->rounds; round++) {
		struct pair_sample sample;

		sample.ping_before = team_ping(team, me);
		sample.subject = subject(team, me, context);
		sample.yardstick = yardstick(team, me, context);
		sample.ping_after = team_ping(team, me);
		if (me == 0 && round > 0)
			team->samples[round - 1] = sample;
	}
	if (me == 0)
		team->sample_count = pair->rounds;
	team_meet(team);
}

/* ---- statistics ------------------------------------------------------------------------------- */

struct spread {
	double low, median, high;
	uint32_t count;
};

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct spread spread_of(double *values, uint32_t count)
{
	if (count == 0)
		return (struct spread){0};
	qsort(values, count, sizeof(*values), compare);
	return (struct spread){
		.low = values[0],
		.median = (values[(count - 1) / 2] + values[count / 2]) / 2,
		.high = values[count - 1],
		.count = count,
	};
}

static double ping_of(const struct pair_sample *sample)
{
	return (sample->ping_before + sample->ping_after) / 2;
}

static int state_of(const struct pair_sample *sample)
{
	int state = 0;

	while (state < STATES - 1 && ping_of(sample) >= states[state].below_ns)
		state++;
	return state;
}

enum column { COLUMN_SUBJECT, COLUMN_YARDSTICK, COLUMN_RATIO, COLUMN_PING };

/* Of the samples taken in one state of the host; of all for state -1. */
static struct spread column_spread(const struct pair *pair, const struct team *team, enum column column, int state)
{
	double values[TEAM_SAMPLES];
	uint32_t count = 0;

	for (uint32_t i = 0; i < team->sample_count; i++) {
		const struct pair_sample *s = &team->samples[i];

		if (state >= 0 && state_of(s) != state)
			continue;
		values[count++] = column == COLUMN_SUBJECT     ? s->subject * pair->scale
				  : column == COLUMN_YARDSTICK ? s->yardstick * pair->scale
				  : column == COLUMN_RATIO     ? s->subject / s->yardstick
							       : ping_of(s);
	}
	return spread_of(values, count);
}

static bool is_as_good(const struct pair *pair, double ratio, double target)
{
	return pair->less_is_better ? ratio <= target : ratio >= target;
}

/* The worst median ratio among the states that the run met often enough; of all if it met none so. */
static double worst_ratio(const struct pair *pair, const struct team *team)
{
	double worst = 0;
	bool any = false;

	for (int state = 0; state < STATES; state++) {
		struct spread ratio = column_spread(pair, team, COLUMN_RATIO, state);

		if (ratio.count < STATE_SAMPLES_MIN)
			continue;
		if (!any || !is_as_good(pair, ratio.median, worst))
			worst = ratio.median;
		any = true;
	}
	return any ? worst : column_spread(pair, team, COLUMN_RATIO, -1).median;
}

static const char *verdict(const struct pair *pair, double worst)
{
	if (bench_options.quick)
		return "quick";
	if (pair->limit > 0 && !is_as_good(pair, worst, pair->limit))
		return "SHORT";
	if (pair->aim > 0 && is_as_good(pair, worst, pair->aim))
		return "AIM";
	return pair->limit > 0 ? "PASS" : "-";
}

/* ---- printing --------------------------------------------------------------------------------- */

static bool has_heading;

void report_title(const char *title)
{
	if (!bench_options.json)
		printf("\n%s\n", title);
	has_heading = false;
	fflush(stdout);
}

static void print_heading(void)
{
	if (!has_heading)
		printf("  %-40s %10s %10s %-8s %-20s %6s %6s %-6s %s\n", "case", "subject", "yardstick", "unit",
		       "ratio (min..max)", "limit", "aim", "", "ping-pong ns (min..max)");
	has_heading = true;
}

static void print_json(const struct pair *pair, const struct team *team, const char *says)
{
	struct spread ratio = column_spread(pair, team, COLUMN_RATIO, -1);

	printf("{\"case\":\"%s\",\"unit\":\"%s\",\"ratio\":%.4f,\"limit\":%.3f,\"aim\":%.3f,\"verdict\":\"%s\","
	       "\"samples\":[",
	       pair->name, pair->unit, ratio.median, pair->limit, pair->aim, says);
	for (uint32_t i = 0; i < team->sample_count; i++) {
		const struct pair_sample *s = &team->samples[i];

		printf("%s{\"subject\":%.4f,\"yardstick\":%.4f,\"ratio\":%.4f,\"ping_before_ns\":%.1f,"
		       "\"ping_after_ns\":%.1f}",
		       i ? "," : "", s->subject * pair->scale, s->yardstick * pair->scale,
		       s->subject / s->yardstick, s->ping_before, s->ping_after);
	}
	printf("]}\n");
}

static void print_target(double target)
{
	if (target > 0)
		printf(" %6.2f", target);
	else
		printf(" %6s", "-");
}

static void print_states(const struct pair *pair, const struct team *team)
{
	for (int state = 0; state < STATES; state++) {
		struct spread ratio = column_spread(pair, team, COLUMN_RATIO, state);

		if (ratio.count > 0 && ratio.count < team->sample_count)
			printf("    %u pairs in state '%s': ratio %.2f (%.2f..%.2f)\n", ratio.count,
			       states[state].name, ratio.median, ratio.low, ratio.high);
	}
}

static void print_line(const struct pair *pair, const struct team *team, const char *says)
{
	struct spread ratio = column_spread(pair, team, COLUMN_RATIO, -1);
	struct spread ping = column_spread(pair, team, COLUMN_PING, -1);
	char text[32];

	print_heading();
	snprintf(text, sizeof(text), "%.2f (%.2f..%.2f)", ratio.median, ratio.low, ratio.high);
	printf("  %-40s %10.3f %10.3f %-8s %-20s", pair->name, column_spread(pair, team, COLUMN_SUBJECT, -1).median,
	       column_spread(pair, team, COLUMN_YARDSTICK, -1).median, pair->unit, text);
	print_target(pair->limit);
	print_target(pair->aim);
	printf(" %-6s %.0f (%.0f..%.0f)\n", says, ping.median, ping.low, ping.high);
	print_states(pair, team);
}

bool pair_report(const struct pair *pair, const struct team *team)
{
	double worst = worst_ratio(pair, team);
	const char *says = verdict(pair, worst);

	if (bench_options.json)
		print_json(pair, team, says);
	else
		print_line(pair, team, says);
	fflush(stdout);
	return bench_options.quick || pair->limit <= 0 || is_as_good(pair, worst, pair->limit);
}

bool pair_run(const struct pair *pair, uint32_t members,
	      void (*work)(struct team *team, uint32_t me, void *context), void *context)
{
	struct team *team = team_new(members);
	bool good;

	if (!team) {
		fprintf(stderr, "%s: no memory\n", pair->name);
		return false;
	}
	good = team_run(team, work, context) && pair_report(pair, team);
	team_free(team);
	return good;
}

void figure_report(const char *name, double value, const char *unit, const char *target, bool holds)
{
	const char *says = bench_options.quick ? "quick" : holds ? "PASS" : "SHORT";

	if (bench_options.json)
		printf("{\"case\":\"%s\",\"value\":%.4f,\"unit\":\"%s\",\"target\":\"%s\",\"verdict\":\"%s\"}\n",
		       name, value, unit, target, says);
	else
		printf("  %-48s %12.3f %-6s target: %-24s %s\n", name, value, unit, target, says);
	fflush(stdout);
}
