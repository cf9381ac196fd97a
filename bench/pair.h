/* Alternating pairs: subject, yardstick, subject, yardstick, ... in the same processes, with the
 * ping-pong time of the host before and after each pair. */
#ifndef BENCH_PAIR_H
#define BENCH_PAIR_H

#include "bench/team.h"

struct pair {
	const char *name;
	const char *unit;
	double scale; /* a printed figure is the measured one times this */
	/* The ratio is always subject / yardstick. It must be at least `limit` and should be at least
	 * `aim`; at most, where less is better. 0: nothing is asked. */
	bool less_is_better;
	double limit, aim;
	uint32_t rounds; /* counted ones; one more goes first and is thrown away */
};

/* One half of a pair, as one member plays it. Returns the figure; member 0's counts. */
typedef double pair_half(struct team *team, uint32_t me, void *context);

/* Every member calls it with the same arguments. The samples are in `team` afterwards. */
void pair_play(struct team *team, uint32_t me, const struct pair *pair, pair_half *subject, pair_half *yardstick,
	       void *context);

/* Prints one line for the samples in `team`, or a JSON object. Returns false if the limit does not
 * hold in one of the states of the host that the run met (BENCHMARKS.md, "States"). */
bool pair_report(const struct pair *pair, const struct team *team);

/* A team of so many does `work`, and the pair that it has played is reported: as pair_report(), false also if that
 * failed. */
bool pair_run(const struct pair *pair, uint32_t members,
	      void (*work)(struct team *team, uint32_t me, void *context), void *context);

/* A line for a figure that stands alone. */
void figure_report(const char *name, double value, const char *unit, const char *target, bool holds);

/* Begins a table. `title` says what the subject and the yardstick are. */
void report_title(const char *title);

/* What every program takes: --quick, --json, --rounds N, --only TEXT (those
 * that compare pairs). Ends the process on anything else. */
struct bench_options {
	bool quick, json;
	uint32_t rounds;
	const char *only; /* NULL: all */
};
extern struct bench_options bench_options;
void bench_start(int argc, char **argv);
/* Was this case asked for? Its name contains the text of --only. */
bool bench_wants(const char *name);

#endif
