#include "shm/sweep.h"

#include "ring/crashpoint.h"
#include "shm/message.h"
#include "shm/rings.h"
#include "shm/rows.h"
#include "shm/seen.h"
#include "shm/sweep_slot.h"
#include "shm/tenants.h"

enum {
	PAUSE_MS = 5,		    /* about a turn of the journal */
	IDLE_SWEEP_MS = 10000,	    /* between sweeps while messages wait and nothing moves */
	WALKED_PER_MS = 64,	    /* slots of the last sweep that put the next such one off by 1 ms */
	RETRIES_MAX = 3,	    /* 1 s doubled so often is the longest wait to settle what is unsettled */
	RETRIED_PER_MS = 1024,	    /* and slots that put that off by 1 ms */
	BLOCKS_PER_SLOT = 2,	    /* blocks looked at for each slot of the budget */
	KEEP_BYTES = 16 << 20,	    /* free blocks of a class in use that keep their memory */
	KEEP_IDLE_BYTES = 64 << 10, /* of one that was not used lately */
};

/* Changes whenever something has moved: the sum of all counters and ends. */
static uint64_t activity(const struct segment *segment)
{
	uint32_t high = seg_row_high(segment);
	uint64_t sum = 0; /* relaxed below: compared only */

	for (uint32_t i = 1; i <= high; i++) {
		const struct seg_row *row = &segment->rows[i];

		sum += load_relaxed(&row->sent) + load_relaxed(&row->left) * 3 + load_relaxed(&row->received) * 5 +
		       load_relaxed(&row->user.low) * 7;
	}
	for (uint32_t i = 0; i < SEG_RING_COUNT; i++)
		sum += load_relaxed(&segment->header->ends[i].tail) + load_relaxed(&segment->header->ends[i].head);
	return sum + load_relaxed(&segment->header->rings) + load_relaxed(&segment->header->wanted);
}

static bool is_live_block(void *context, uint64_t packed, uint64_t block)
{
	struct segment *segment = context;
	struct place place = place_unpack(packed);
	const struct ring *ring = &segment->ring[place.ring];
	struct slot_word word;

	/* A ring that our call does not know: it may have been appended since, with messages in it. */
	if (!rings_contain(segment->rings, place.ring))
		return load_seq(&segment->header->rings) != segment->rings;
	if (place.slot > ring->mask)
		return false;
	word = slot_read_stable(&ring->slots[place.slot]);
	if (word_state(word) == SLOT_FREE || (word_generation(word) & PLACE_GENERATION_MASK) != place.generation)
		return false;
	/* Who is still writing may not have noted its block yet. */
	if (word_state(word) == SLOT_WRITING || word_state(word) == SLOT_PASSED ||
	    word_state(word) == SLOT_ARRIVING)
		return true;
	return block_of(ring->slots[place.slot].message.block) == block;
}

static bool is_gone(void *context, uint32_t row, uint32_t serial)
{
	return seg_handle_is_gone(context, row, serial);
}

/* The rows' counters may miss what a killed or stopped process did last. What was counted slot by slot is right
 * to within what moved meanwhile; if anything did, it is counted again. */
static void correct_live(struct segment *segment, struct sweep *sweep, uint64_t moved)
{
	int64_t live = seg_live(segment), counted = (int64_t)sweep->counted;
	int64_t slack = moved < INT32_MAX ? (int64_t)moved : INT32_MAX;
	/* Modulo 2^64: damaged counters may say anything. */
	uint64_t error = live > counted + slack	  ? (uint64_t)(counted + slack) - (uint64_t)live
			 : live < counted - slack ? (uint64_t)(counted - slack) - (uint64_t)live
						  : 0;

	if (error != 0)
		fetch_add_seq(&segment->header->live_correction, error);
	CRASH_POINT(reap_live_corrected);
	sweep->unsettled |= seg_live(segment) != counted;
}

/* Shrinks: a large ring that takes the sends of a queue nearly empty gets a small successor, and will be
 * retired once empty. */
static void consider_shrinking(struct segment *segment, const struct sweep *sweep)
{
	uint32_t order = segment->ring[seg_newest_ring(segment)].order, wanted = SEG_ORDER_FIRST;
	int64_t live = seg_live(segment);
	uint64_t most = live > (int64_t)sweep->counted ? (uint64_t)live : sweep->counted;

	while (wanted < order && (UINT64_C(1) << wanted) < most * 4)
		wanted++;
	if (order >= wanted + 4 && !seg_is_short_of_regions(segment) && !seg_is_growing(segment))
		seg_grow(segment, wanted);
}

static void sweep_begin(struct segment *segment, struct sweep *sweep)
{
	sweep->retries = sweep->unsettled && activity(segment) == sweep->last_mark ? sweep->retries + 1 : 0;
	sweep->is_running = true;
	sweep->is_running_next = false;
	sweep->position = sweep->slot = 0;
	sweep->ring_id = 0;
	sweep->counted = sweep->walked = 0;
	sweep->unsettled = false;
	sweep->dlq_error = 0;
	sweep->oldest_ms = UINT64_MAX;
	sweep->overdue_ms = DUE_NEVER;
	if (seg_free_dead_rows(segment, NULL) > 0)
		seg_directory_tidy(segment->directory);
	seg_tenants_recount(segment);
	sweep->mark = activity(segment);
}

static void sweep_end(struct segment *segment, struct sweep *sweep)
{
	uint64_t retention = seg_attribute(segment, ATTRIBUTE_RETENTION_MS);
	uint64_t wall_ms = segment->clock.wall_ms, ends_ms = sweep->oldest_ms + retention;
	uint64_t mark = activity(segment);

	correct_live(segment, sweep, mark == sweep->mark ? 0 : mark - sweep->mark);
	seg_tenants_correct(segment, mark - sweep->mark);
	consider_shrinking(segment, sweep);
	sweep->is_running = false;
	sweep->last_ms = segment->clock.boot_ms;
	sweep->last_mark = mark;
	sweep->due_ms = sweep->overdue_ms;
	if (sweep->oldest_ms != UINT64_MAX)
		lower(&sweep->due_ms, sweep->last_ms + (ends_ms > wall_ms ? ends_ms - wall_ms : 0));
}

/* Walks slots of the listed rings; rings that come or go meanwhile are met by the next sweep. */
static bool sweep_slots(struct segment *segment, struct sweep *sweep, uint32_t budget)
{
	uint64_t counted;

	sweep->cost = 0;
	sweep->is_paused = false;
	while (sweep->position < rings_count(segment->rings)) {
		uint32_t index = rings_at(segment->rings, sweep->position);

		if (sweep->ring_id != segment->ring_id[index]) {
			sweep->ring_id = segment->ring_id[index];
			sweep->slot = 0;
		}
		for (; sweep->slot < ring_slot_count(&segment->ring[index]); sweep->slot++) {
			if (sweep->cost++ >= budget)
				return true;
			counted = sweep->counted;
			sweep_slot(segment, sweep, index, sweep->slot);
			if (sweep->is_paused) { /* it comes once more */
				sweep->counted = counted;
				return true;
			}
			sweep->walked++;
		}
		sweep->position++;
	}
	return false;
}

/* How long to wait after the last sweep while nothing moves. */
static uint64_t quiet_ms(const struct segment *segment, const struct sweep *sweep)
{
	uint32_t retries = sweep->retries < RETRIES_MAX ? sweep->retries : RETRIES_MAX;

	if (sweep->unsettled) /* under 1 % of a core */
		return ((uint64_t)SWEEP_EVERY_MS << retries) + sweep->walked / RETRIED_PER_MS;
	/* Yet somebody stopped between a lease and its hint may have gone on since, or who has read in place
	 * have let go of the last message of an old ring: under 0.1 %. */
	if (sweep->counted > 0 || rings_count(segment->rings) > 1)
		return IDLE_SWEEP_MS + sweep->walked / WALKED_PER_MS;
	return DUE_NEVER;
}

bool seg_sweep_is_due(struct segment *segment, const struct sweep *sweep)
{
	uint64_t now_ms = segment->clock.boot_ms;

	if (sweep->is_running || now_ms >= sweep->due_ms)
		return true;
	if (now_ms < sweep->last_ms + SWEEP_EVERY_MS)
		return false;
	return activity(segment) != sweep->last_mark || now_ms - sweep->last_ms >= quiet_ms(segment, sweep);
}

/* Tables of a FIFO queue. True if they need more than this step; those that cannot be replaced yet are looked at in
 * the next sweep. */
static bool tend_tables(struct segment *segment, struct sweep *sweep, uint32_t budget)
{
	bool more = fifo_tend(segment, &sweep->care, budget);

	more |= seen_tend(segment, budget);
	sweep->unsettled |= segment->groups.table_count > 1 || segment->token_count > 1 || segment->dedup.count > 1;
	return more;
}

bool seg_sweep_step(struct segment *segment, struct sweep *sweep, uint32_t budget)
{
	struct body_sweep bodies = {.is_live = is_live_block,
				    .is_dead = is_gone,
				    .context = segment,
				    .keep_bytes = KEEP_BYTES,
				    .keep_idle_bytes = KEEP_IDLE_BYTES};
	bool is_tending = false;

	if (seg_enter(segment) != 0) {
		sweep->is_running = sweep->is_running_next = false;
		return false;
	}
	os_clock_read(&segment->clock);
	if (!sweep->is_running)
		sweep_begin(segment, sweep);
	body_sweep_step(segment, &bodies, &sweep->blocks, budget * BLOCKS_PER_SLOT);
	if (seg_is_fifo(segment))
		is_tending = tend_tables(segment, sweep, budget);
	sweep->unsettled |= bodies.has_more;
	if (!sweep_slots(segment, sweep, budget) && sweep->blocks == 0)
		sweep_end(segment, sweep);
	seg_leave(segment);
	if (sweep->is_paused)
		sweep->due_ms = segment->clock.boot_ms + PAUSE_MS;
	if (sweep->is_running)
		return !sweep->is_paused;
	sweep->unsettled |= seg_retire_step(segment);
	/* Slots of the dead, orphaned blocks, memory given back, a corrected count: who waits for room looks. */
	seg_notify_room(segment);
	if (is_tending) { /* at once, and the slots are looked at meanwhile */
		sweep->is_running_next = true;
		lower(&sweep->due_ms, sweep->last_ms);
	}
	return is_tending;
}
