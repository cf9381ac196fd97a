/* Killing and stopping a process at a point of its own choosing.
 *
 * The objects of this folder are linked with a library that calls crash_point_reached() at each
 * CRASH_POINT (ring/crashpoint.h), and crash_step() or crash_store() at each operation on a shared word
 * (ring/atomic.h). A process that has armed a plan counts what it passes and ends itself where the plan
 * says; or it does there what others might do meanwhile. */
#ifndef TEST_CRASH_H
#define TEST_CRASH_H

#include "kmod-free/clock.h"
#include "ring/crashpoint.h"

#include <stdbool.h>
#include <stdint.h>

enum crash_mode {
	CRASH_COUNT,	/* count only */
	CRASH_AT_POINT, /* at the nth passage of `point` */
	CRASH_AT_STORE, /* before the nth store to a shared word */
	CRASH_AT_STEP,	/* before the nth operation on one */
};

enum { CRASH_PAIRS_MAX = 512 };

/* Lies in memory shared with who looks at the counts. */
struct crash_plan {
	enum crash_mode mode;
	bool stops;		 /* SIGSTOP instead of SIGKILL; only once */
	void (*meanwhile)(void); /* instead of ending: this, and on; only once */
	enum crash_point point;
	uint64_t nth;
	/* Of the armed process so far. */
	uint64_t reached[CRASH_POINT_EVERY];
	uint64_t stores, steps;
	/* Places in the code of two stores without a point in between. */
	uint64_t pair_count;
	struct crash_pair {
		void *first, *second;
	} pair[CRASH_PAIRS_MAX];
};

/* From here on the calling process follows the plan; NULL: no more. */
void crash_arm(struct crash_plan *plan);

/* While the calling process waits, time goes by: 1 ms every 64 of its steps. NULL: no more. */
void crash_drift(struct os_clock_words *clock);

/* An engine keeps its promises without ever coming: whenever the time that the word (awake_by_ms of its
 * page) names has gone by, it promises the next. Renewed at each step of the calling process, since its
 * clock moves only there. NULL: no more. */
void crash_promise(_Atomic uint64_t *awake_by_ms, const struct os_clock_words *clock);

const char *crash_point_name(enum crash_point point);

/* Steps (operations on shared words) of the calling process since it last asked. */
uint64_t crash_steps_taken(void);

#endif
