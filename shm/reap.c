#include "shm/reap.h"

#include "ring/crashpoint.h"
#include "shm/rows.h"

enum {
	GROUP = 64,
	CLIENT_GROUPS = 16,		 /* groups a client brings up to date in one step */
	CLIENT_SLOTS = 4096,		 /* slots a client sweeps in one step */
	HEAD_LOOKS = 4 * CURSOR_LAG_MAX, /* positions from the head on where a message may be visible */
};

bool seg_make_ready(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word from)
{
	if (!ring_make_ready(&segment->ring[ring], slot, from))
		return false;
	if (seg_is_fifo(segment))
		fifo_became_ready(segment, ring, slot, word_with_state(from, SLOT_READY));
	return true;
}

/* ---- due ------------------------------------------------------------------------------------------ */

uint32_t seg_time_slot(struct segment *segment, uint32_t index, uint32_t slot)
{
	const struct ring *ring = &segment->ring[index];
	uint64_t now_ms = segment->clock.boot_ms;

	for (;;) {
		struct slot_word word = slot_read(&ring->slots[slot]);

		if (word_state(word) != SLOT_LEASED && word_state(word) != SLOT_DELAYED)
			return 0;
		if (!deadline_is_past(word_deadline_ms(word), (uint32_t)now_ms)) {
			due_lower(&ring->due, slot, seg_full_deadline(word, now_ms));
			return 0;
		}
		if (seg_make_ready(segment, index, slot, word)) {
			CRASH_POINT(reap_expired);
			return 1;
		}
	}
}

static uint32_t time_group(struct segment *segment, uint32_t index, uint32_t group)
{
	const struct ring *ring = &segment->ring[index];
	uint32_t end = (group + 1) * GROUP < ring_slot_count(ring) ? (group + 1) * GROUP : ring_slot_count(ring);
	uint32_t readied = 0;

	for (uint32_t slot = group * GROUP; slot < end; slot++)
		readied += seg_time_slot(segment, index, slot);
	return readied;
}

static uint64_t reap_ring(struct segment *segment, uint32_t index, uint32_t *budget)
{
	const struct ring *ring = &segment->ring[index];
	int64_t group = 0;

	while (*budget > 0 && (group = due_take(&ring->due, (uint32_t)group, segment->clock.boot_ms)) >= 0) {
		uint32_t readied = time_group(segment, index, (uint32_t)group);

		if (readied > 0)
			seg_notify(segment, readied);
		group++;
		(*budget)--;
	}
	return due_earliest(&ring->due);
}

uint64_t seg_reap_due(struct segment *segment, uint32_t budget)
{
	uint64_t next = DUE_NEVER;

	for (uint32_t i = 0; i < rings_count(segment->rings); i++) {
		uint64_t due = reap_ring(segment, rings_at(segment->rings, i), &budget);

		if (due < next)
			next = due;
	}
	return next;
}

/* ---- waking again ----------------------------------------------------------------------------------- */

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

void seg_wake_another(struct segment *segment)
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

/* ---- by a client ---------------------------------------------------------------------------------- */

uint64_t seg_reap_for_client(struct segment *segment, struct sweep *sweep)
{
	uint64_t next, now_ms, last_ms;

	if (seg_enter(segment) != 0)
		return DUE_NEVER;
	os_clock_read(&segment->clock);
	next = seg_reap_due(segment, CLIENT_GROUPS);
	seg_leave(segment);
	now_ms = segment->clock.boot_ms;
	last_ms = load_relaxed(&segment->header->sweep_ms); /* relaxed: takes turns only */
	/* One client a second looks for the dead, begins a sweep and carries it through. */
	if (!sweep->is_running && now_ms >= last_ms + SWEEP_EVERY_MS &&
	    cas_seq(&segment->header->sweep_ms, last_ms, now_ms)) {
		CRASH_POINT(reap_turn_taken);
		if (seg_free_dead_rows(segment, NULL) > 0)
			seg_directory_tidy(segment->directory);
		sweep->is_running_next = seg_sweep_is_due(segment, sweep);
	}
	if (sweep->is_running || sweep->is_running_next)
		seg_sweep_step(segment, sweep, CLIENT_SLOTS);
	return next;
}
