#include "tests/crash/stores.h"

#include "tests/crash/cases.h"
#include "tests/support/arguments.h"
#include "tests/support/shared.h"
#include "tests/support/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { DEFAULT_SECONDS = 6 };

/* One store of one script, and how the others behave. */
struct spot {
	const struct script *script;
	uint64_t nth;
	enum case_others others;
};

/* A worker's walk over all of them. */
struct walk {
	struct case_totals totals;
	struct scene *scene;
	struct spot *spot;
	uint64_t spot_count;
};

static struct test_arguments arguments;
static bool stops;

static void end_at(struct walk *walk, const struct spot *spot)
{
	struct crash_plan plan = {.mode = CRASH_AT_STORE, .stops = stops, .nth = spot->nth};
	const char *failure = case_run(walk->scene, spot->script, plan, spot->others);

	/* With an engine a script may end sooner. */
	if (failure != NULL && spot->others == OTHERS_WITH_ENGINE && walk->scene->plan.stores < spot->nth)
		failure = NULL;
	cases_count(&walk->totals, walk->scene, failure);
	if (failure)
		printf("FAILED: %s, %s before store %llu, %s: %s\n", spot->script->name,
		       stops ? "stopped" : "killed", (unsigned long long)spot->nth, case_others_text(spot->others),
		       failure);
}

/* The stores that a script makes; 0 if it is not to be used. */
static uint64_t count_stores(struct walk *walk, const struct script *script)
{
	const char *failure;

	if (script->is_slow || script->waits)
		return 0;
	failure = case_run(walk->scene, script, (struct crash_plan){.mode = CRASH_COUNT}, OTHERS_ALONE);
	walk->totals.failures += failure != NULL;
	if (failure)
		printf("FAILED: %s, nobody ended: %s\n", script->name, failure);
	return failure ? 0 : walk->scene->plan.stores;
}

static void find_spots(struct walk *walk)
{
	static const enum case_others killed[] = {OTHERS_ALONE, OTHERS_WITH_ENGINE};
	static const enum case_others stopped[] = {OTHERS_ALONE, OTHERS_HOLD, OTHERS_OUTLIVE};
	const enum case_others *kind = stops ? stopped : killed;
	uint32_t kinds = stops ? sizeof(stopped) / sizeof(stopped[0]) : sizeof(killed) / sizeof(killed[0]);

	for (uint32_t i = 0; script_at(i) != NULL; i++) {
		uint64_t stores = count_stores(walk, script_at(i));
		struct spot *more =
			reallocarray(walk->spot, walk->spot_count + kinds * stores + 1, sizeof(walk->spot[0]));

		if (more == NULL)
			abort();
		walk->spot = more;
		for (uint64_t j = 0; j < kinds * stores; j++)
			more[walk->spot_count++] = (struct spot){script_at(i), j / kinds + 1, kind[j % kinds]};
	}
}

/* The same order in each worker. */
static void shuffle_spots(struct walk *walk)
{
	uint64_t random = arguments.seed;

	for (uint64_t i = walk->spot_count; i > 1; i--) {
		uint64_t other = random_next(&random) % i;
		struct spot swapped = walk->spot[i - 1];

		walk->spot[i - 1] = walk->spot[other];
		walk->spot[other] = swapped;
	}
}

static void work(void *context, struct scene *scene, uint32_t number)
{
	struct walk *walk = (struct walk *)context + number;
	time_t end = time(NULL) + (time_t)arguments.seconds;

	walk->scene = scene;
	find_spots(walk);
	shuffle_spots(walk);
	for (uint64_t i = number; i < walk->spot_count; i += CASE_WORKERS)
		if (arguments.seconds == 0 || time(NULL) < end)
			end_at(walk, &walk->spot[i]);
}

int stores_main(int count, char **values, bool is_stopping)
{
	struct walk *walk = shared_memory(CASE_WORKERS * sizeof(*walk));
	struct case_totals sum = {0};

	arguments = test_arguments_read(count, values, DEFAULT_SECONDS);
	stops = is_stopping;
	cases_share(work, walk);
	for (uint32_t i = 0; i < CASE_WORKERS; i++)
		cases_add(&sum, &walk[i].totals);
	printf("%llu of %llu cases\n", (unsigned long long)sum.cases, (unsigned long long)walk->spot_count);
	cases_tally(&sum, stops ? "stops" : "kills");
	tally("unreached", walk->spot_count > sum.cases ? walk->spot_count - sum.cases : 0);
	printf("%llu passed, %llu failed\n", (unsigned long long)(sum.cases - sum.failures),
	       (unsigned long long)sum.failures);
	return sum.failures > 0 || sum.cases == 0;
}
