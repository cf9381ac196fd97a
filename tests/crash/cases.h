/* One case: a script, a place to die or stop at, and all checks after it, in a process of its own. */
#ifndef TEST_CRASH_CASES_H
#define TEST_CRASH_CASES_H

#include "tests/crash/scene.h"

/* Runs `work` in CASE_WORKERS processes, each with a scene of its own and its number; what they count is
 * in memory shared with the caller. Ends the test if one of them fails to end. */
enum { CASE_WORKERS = 2 };
void cases_share(void (*work)(void *context, struct scene *scene, uint32_t number), void *context);

/* How the others behave. */
enum case_others {
	OTHERS_ALONE,	    /* without an engine */
	OTHERS_WITH_ENGINE, /* with one that says it is awake but never comes */
	OTHERS_HOLD,	    /* without; while the victim is stopped, they keep what they receive */
	OTHERS_SERVE,	    /* a second engine takes over from the one that is stopped */
	OTHERS_OUTLIVE,	    /* without; it is stopped for longer than messages are kept */
};
const char *case_others_text(enum case_others others);

/* Runs it; the plan says where to die or stop. NULL, or what went wrong (in the scene). After a run
 * without a death (CRASH_COUNT) the plan holds the counts. */
const char *case_run(struct scene *scene, const struct script *script, struct crash_plan plan,
		     enum case_others others);

/* What a worker's cases have come to. */
struct case_totals {
	uint64_t cases, failures, losses, stuck;
	uint64_t fifo;	   /* of the cases */
	uint64_t compared; /* bodies, while their reader stood */
	uint64_t steps_max, reap_steps_max;
};

/* Counts one case, as it was left in the scene. */
void cases_count(struct case_totals *totals, const struct scene *scene, const char *failure);
void cases_add(struct case_totals *sum, const struct case_totals *more);
/* Tallies them; `what` are the cases. */
void cases_tally(const struct case_totals *totals, const char *what);

/* What the survivors do after a death, and check; `early` has been open since before, another comes anew. */
void case_after_death(struct actor *early, const struct script *script);

/* What the victim is in a script. */
enum role {
	ROLE_PRODUCER,
	ROLE_CONSUMER,
	ROLE_REAPER,
	ROLE_MOVER,
	ROLE_GROWER,
	ROLE_SWEEPER,
	ROLE_ORDERER,
	ROLE_OPERATOR,
	ROLE_ENGINE,
	ROLE_COUNT
};
const char *role_name(enum role role);

/* The script with that number, NULL beyond the last. */
const struct script *script_at(uint32_t number);
enum role script_role(uint32_t number);

#endif
