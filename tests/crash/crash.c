#include "tests/crash/crash.h"

#include "ring/atomic.h"
#include "shm/layout.h"
#include "tests/support/fake_clock.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

enum { STEPS_PER_MS = 64 };

static struct crash_plan *armed;
static uint64_t steps;
static void *store_before; /* since the last point */
static struct os_clock_words *drifting;
static _Atomic uint64_t *promised;
static const struct os_clock_words *promised_on;

#define CRASH_POINT_NAME(name) #name,
static const char *const names[] = {CRASH_POINTS(CRASH_POINT_NAME) JOURNAL_POINTS(CRASH_POINT_NAME)
					    FIFO_SYNC_POINTS(CRASH_POINT_NAME)};
#undef CRASH_POINT_NAME

const char *crash_point_name(enum crash_point point)
{
	return names[point];
}

void crash_arm(struct crash_plan *plan)
{
	armed = plan;
	store_before = NULL;
}

void crash_drift(struct os_clock_words *clock)
{
	drifting = clock;
}

void crash_promise(_Atomic uint64_t *awake_by_ms, const struct os_clock_words *clock)
{
	promised = awake_by_ms;
	promised_on = clock;
}

/* Past every access of ring/atomic.h, which would bring us here again. */
static void renew_promise(void)
{
	uint64_t now_ms = promised_on->boot_ms;

	if (atomic_load_explicit(promised, memory_order_relaxed) < now_ms)
		atomic_store_explicit(promised, now_ms + ENGINE_SLEEP_MAX_MS, memory_order_relaxed);
}

static void end_here(void)
{
	struct crash_plan *plan = armed;

	if (plan->meanwhile) {
		armed = NULL;
		plan->meanwhile();
		crash_arm(plan);
		plan->mode = CRASH_COUNT;
		return;
	}
	if (plan->stops) {
		plan->mode = CRASH_COUNT; /* goes on from here */
		raise(SIGSTOP);		  /* here: another thread might take what is sent to the process */
		return;
	}
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

static void count_step(void)
{
	steps++;
	if (promised)
		renew_promise();
	if (drifting && steps % STEPS_PER_MS == 0)
		fake_clock_advance(drifting, 1);
	if (armed && ++armed->steps == armed->nth && armed->mode == CRASH_AT_STEP)
		end_here();
}

uint64_t crash_steps_taken(void)
{
	uint64_t taken = steps;

	steps = 0;
	return taken;
}

void crash_point_reached(enum crash_point point)
{
	store_before = NULL;
	if (armed == NULL)
		return;
	armed->reached[point]++;
	if (armed->mode == CRASH_AT_POINT && armed->point == point && armed->reached[point] >= armed->nth)
		end_here();
}

void crash_step(void)
{
	count_step();
}

static void note_pair(void *first, void *second)
{
	for (uint64_t i = 0; i < armed->pair_count; i++)
		if (armed->pair[i].first == first && armed->pair[i].second == second)
			return;
	if (armed->pair_count < CRASH_PAIRS_MAX)
		armed->pair[armed->pair_count++] = (struct crash_pair){first, second};
}

void crash_store(void)
{
	void *here = __builtin_return_address(0);

	count_step();
	if (armed == NULL)
		return;
	armed->stores++;
	if (armed->mode == CRASH_AT_STORE && armed->stores >= armed->nth)
		end_here();
	if (store_before != NULL)
		note_pair(store_before, here);
	store_before = here;
}
