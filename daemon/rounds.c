#include "daemon/rounds.h"

#include "daemon/engine_state.h"
#include "kmod-free/futex.h"
#include "ring/event.h"
#include "shm/rows.h"

enum {
	DUE_GROUPS = 1024,		 /* groups of 64 slots brought up to date per queue and turn */
	SWEEP_SLOTS = 16384,		 /* slots swept per queue and turn */
	HEAD_LOOKS = 4 * CURSOR_LAG_MAX, /* positions from the head on where a message may be visible */
};

/* By a guess: consumers write the head only every CURSOR_LAG_MAX positions, and what they have taken lies
 * there in between. */
static bool is_anything_visible(const struct ring *ring)
{
	uint64_t head = load_relaxed(&ring->ends->head); /* relaxed: as said */

	if (bitmap_any(&ring->again))
		return true;
	for (uint64_t at = head; at < head + HEAD_LOOKS; at++) {
		struct slot_word word = slot_read(&ring->slots[at & ring->mask]);

		if (word_state(word) == SLOT_READY && word_generation(word) == at >> ring->order)
			return true;
	}
	return false;
}

/* A consumer that was woken and died has left its message: wake another while there is one. */
static void wake_another(struct segment *segment)
{
	if (!event_has_sleepers(&segment->header->consumers))
		return;
	for (uint32_t i = 0; i < rings_count(segment->rings); i++) {
		if (is_anything_visible(&segment->ring[rings_at(segment->rings, i)])) {
			seg_notify(segment, 1);
			return;
		}
	}
}

/* Returns when the queue wants to be looked at again. */
static uint64_t serve(struct served *served, struct life_memo *memo)
{
	struct segment *segment = served->segment;
	uint64_t next;

	if (seg_enter(segment) != 0)
		return DUE_NEVER;
	os_clock_read(&segment->clock);
	next = seg_reap_due(segment, DUE_GROUPS);
	wake_another(segment);
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
