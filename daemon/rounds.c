#include "daemon/rounds.h"

#include "daemon/engine_state.h"
#include "kmod-free/futex.h"
#include "ring/event.h"
#include "shm/rows.h"

enum {
	DUE_GROUPS = 1024,   /* groups of 64 slots brought up to date per queue and turn */
	SWEEP_SLOTS = 16384, /* slots swept per queue and turn */
};

/* Returns when the queue wants to be looked at again. */
static uint64_t serve(struct served *served, struct life_memo *memo)
{
	struct segment *segment = served->segment;
	uint64_t next;

	if (seg_enter(segment) != 0)
		return DUE_NEVER;
	os_clock_read(&segment->clock);
	next = seg_reap_due(segment, DUE_GROUPS);
	seg_wake_another(segment);
	seg_leave(segment);
	if (memo)
		seg_free_dead_rows(segment, memo);
	if (seg_sweep_is_due(segment, &served->sweep) && seg_sweep_step(segment, &served->sweep, SWEEP_SLOTS))
		next = 0;
	if (served->sweep.due_ms < next && (!served->sweep.is_running || served->sweep.is_paused))
		next = served->sweep.due_ms;
	return next;
}

/* The earliest that anything is due, by the hints alone. */
static uint64_t due_of(struct segment *segment)
{
	uint64_t next = DUE_NEVER;

	if (seg_enter(segment) != 0)
		return DUE_NEVER;
	for (uint32_t i = 0; i < rings_count(segment->rings); i++) {
		uint64_t due = due_earliest(&segment->ring[rings_at(segment->rings, i)].due);

		if (due < next)
			next = due;
	}
	seg_leave(segment);
	return next;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t rounds_turn(struct rlq_engine *engine)
{
	struct life_memo memo = {0};
	uint64_t next = DUE_NEVER;
	bool look_for_dead;

	os_clock_read(&engine->clock);
	look_for_dead = engine->clock.boot_ms >= engine->looked_ms + ENGINE_IDLE_MS;
	if (look_for_dead) {
		engine->looked_ms = engine->clock.boot_ms;
		seg_directory_tidy(&engine->directory);
	}
	for (size_t i = 0; i < engine->served_count; i++)
		next = earlier(next, serve(&engine->served[i], look_for_dead ? &memo : NULL));
	os_clock_read(&engine->clock);
	return earlier(next, engine->clock.boot_ms + (engine->listing.again ? LISTING_GRAIN_MS : ENGINE_IDLE_MS));
}

void rounds_sleep(struct rlq_engine *engine, uint64_t until_ms)
{
	struct seg_engine_page *page = engine->directory.engine;
	uint32_t ticket;

	store_seq(&page->awake_by_ms, until_ms);
	ticket = event_prepare(&page->bell);
	/* [W2] Said when we wake, now look again at what is due: pairs with [W1]. */
	for (size_t i = 0; i < engine->served_count; i++)
		if (due_of(engine->served[i].segment) < until_ms)
			return;
	if (!atomic_load(&engine->is_stopped))
		os_futex_wait(&page->bell, ticket, until_ms);
}
