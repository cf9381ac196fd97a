/* Reaping: what time and death ask for. Safe to run by several at once, since every transition is one
 * CAS; called by the engine, and by clients when no engine is prompt.
 *
 *   seg_reap_due    leases and delays that have ended, found by the hints (ring/due.h)
 *   seg_sweep_step  a part of a full sweep (shm/sweep.h)
 */
#ifndef SEG_REAP_H
#define SEG_REAP_H

#include "shm/sweep.h"

/* Makes up to `budget` groups of 64 slots up to date. Returns when the next one is due (boot clock;
 * DUE_NEVER: nothing is); at or before now if the budget did not suffice. Between enter and leave. */
uint64_t seg_reap_due(struct segment *segment, uint32_t budget);

/* A consumer that was woken and died has left its message: wakes another while there is one. Between enter and
 * leave. */
void seg_wake_another(struct segment *segment);

/* One budgeted step of both, for a client without a prompt engine; takes turns with other clients so
 * that not all of them sweep. Outside enter and leave. Returns when something is next due. */
uint64_t seg_reap_for_client(struct segment *segment, struct sweep *sweep);

/* LEASED or DELAYED: ready again if its time has come; else the hint must know of it. Returns 1 if it
 * became visible. */
uint32_t seg_time_slot(struct segment *segment, uint32_t index, uint32_t slot);

/* READY again after `from`: expiry, release, due delay, DLQ gone. Between enter and leave. */
bool seg_make_ready(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word from);

/* The full 64-bit deadline of a word, near `now_ms`. */
static inline uint64_t seg_full_deadline(struct slot_word word, uint64_t now_ms)
{
	return now_ms + (uint64_t)(int64_t)(int32_t)(word_deadline_ms(word) - (uint32_t)now_ms);
}

/* What was sent by then is past the queue's retention. */
static inline uint64_t seg_expired_ms(const struct segment *segment)
{
	uint64_t retention_ms = seg_attribute(segment, ATTRIBUTE_RETENTION_MS);

	return segment->clock.wall_ms > retention_ms ? segment->clock.wall_ms - retention_ms : 0;
}

static inline bool seg_is_expired(const struct segment *segment, uint64_t sent_ms)
{
	return sent_ms <= seg_expired_ms(segment);
}

#endif
