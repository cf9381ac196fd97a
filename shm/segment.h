/* One queue's segment as one handle sees it: open, row, rings. Belongs to one thread. */
#ifndef SEG_SEGMENT_H
#define SEG_SEGMENT_H

#include "kmod-free/clock.h"
#include "ring/crashpoint.h"
#include "ring/event.h"
#include "shm/bodies.h"
#include "shm/directory.h"
#include "shm/layout.h"
#include "shm/tables.h"

/* What an async handle knows of the window (window.h). */
struct seg_window {
	uint64_t turn;		/* in which what is sent now will be */
	uint64_t piece;		/* bytes to take at a time */
	uint64_t left;		/* of what was taken, and given back by deletes */
	uint64_t next, present; /* bytes of all handles then, for this turn and for the one before */
};

/* What a handle knows of the tenants (tenants.h). */
struct seg_tenants {
	struct tenants view;
	uint64_t judged_ms, noisy_ms, flushed_ms; /* boot clock */
	uint32_t tenant; /* of whom messages have come or gone that the shared count lacks, */
	int32_t noted;	 /* and how many */
	int32_t *met;	 /* by the sweep, of each tenant; NULL: it does not count */
};

struct segment {
	struct seg_header *header;
	struct seg_row *rows;
	struct seg_row *me;
	const struct seg_directory *directory;
	unsigned char *base;
	int fd;
	uint32_t row, serial; /* of `me`; row 0 is never used */

	uint64_t rings;	 /* the word that `ring` was made from */
	uint32_t listed; /* the same list as a set: bit i for region i */
	struct ring ring[SEG_RING_COUNT];
	struct ring_cursor cursor[SEG_RING_COUNT];
	uint32_t ring_id[SEG_RING_COUNT];
	uint32_t occupied[SEG_RING_COUNT]; /* where to look first for what keeps a ring; a hint */

	struct groups groups; /* FIFO: its tables, as of groups.list_seen */
	struct ready tokens[TABLES_OF_A_KIND];
	uint32_t token_id[TABLES_OF_A_KIND];
	uint32_t token_count;
	uint64_t tokens_seen; /* the list that they are of */
	struct dedup dedup;   /* its tables of ids, as of dedup_seen */
	uint64_t dedup_seen;
	struct dedup_quota quota; /* ids that we may yet insert */
	struct dedup_settling settling;
	uint64_t settled; /* where we stand in emptying older tables */

	struct bodies bodies;
	struct os_clock clock;
	uint32_t capacity_order; /* order of the largest ring */
	bool has_marks;		 /* in its rings, of changed slots */
	bool keeps_deleted;	 /* HELD until journal or group lets go */
	uint64_t capacity;
	uint32_t durability; /* enum rlq_durability */
	/* A payload of up to inline_bytes lies so far behind its slot: in it, or where links fill it (ring/fifo.h),
	 * in its cell. */
	uint32_t inline_bytes;
	uintptr_t inline_offset;
	unsigned char *cells; /* FIFO; else NULL */
	struct seg_window window;
	struct seg_tenants tenants;
	uint64_t incarnation;
	uint64_t file; /* its number, as seg_file_number() gives it */
	char name[SEG_NAME_MAX + 1];
	uint64_t sends_left;	/* until the next count, see room.h */
	uint64_t reserved;	/* slots that we write in place; live ones do not count them */
	struct segment *peer;	/* the DLQ, once a move has needed it */
	struct os_peer journal; /* the process that journals, as it was last asked about */
	uint64_t dedup_max;	/* of a FIFO queue */
	uint64_t dedup_seed;	/* the same */
};

/* Opens by name and takes a row. -ENOENT, and the faults of seg_check_identity. */
int seg_open(const struct seg_directory *directory, const char *name, struct segment **ret_segment);

/* The same without a row, for looking only (verify, ls): nothing may be changed through it. */
int seg_open_to_look(const struct seg_directory *directory, const char *name, struct segment **ret_segment);

/* The same without a row, as there may be none left, to mark it as removed. */
int seg_open_to_mark(const struct seg_directory *directory, const char *name, struct segment **ret_segment);

/* As seg_open(), by the name of the file: one that nobody can open by the queue's yet. */
int seg_open_file(const struct seg_directory *directory, const char *file, struct segment **ret_segment);

void seg_close(struct segment *segment);

/* Faults of an identity, as RLQ_E* codes; 0: sound. */
int seg_check_identity(const struct seg_identity *identity, const struct seg_identity *mirror, uint64_t file_bytes,
		       const unsigned char boot_id[16]);

/* Do the rings of this queue have marks of changed slots (ring/marks.h)? Those of durable queues do. */
static inline bool seg_has_marks(const struct seg_identity *identity)
{
	return identity->durability != 0;
}

static inline bool seg_is_fifo(const struct segment *segment)
{
	return segment->cells != NULL;
}

/* Of a ring of this queue. */
static inline size_t seg_ring_bytes(const struct segment *segment, uint32_t order)
{
	return ring_bytes(order, segment->has_marks);
}

static inline size_t seg_cells_bytes(const struct segment *segment, uint32_t order)
{
	return seg_is_fifo(segment) ? (size_t)SLOT_BYTES << order : 0;
}

/* ---- calls ---- */

int seg_refresh(struct segment *segment) __attribute__((cold));

/* Begins a call: says which rings it works with, so that none of them goes away. [V1] The view, then the list:
 * pairs with [V2] in rings.c. 0, RLQ_EREMOVED, RLQ_EDAMAGED. */
static inline int seg_enter(struct segment *segment)
{
	store_seq(&segment->me->view, segment->rings);
	CRASH_POINT(call_entered);
	if (__builtin_expect(load_seq(&segment->header->rings) == segment->rings, 1))
		return 0;
	return seg_refresh(segment);
}

static inline void seg_leave(struct segment *segment)
{
	store_release(&segment->me->view, 0);
	CRASH_POINT(call_left);
}

static inline uint64_t seg_attribute(const struct segment *segment, enum seg_attribute attribute)
{
	return load_relaxed(&segment->header->attribute[attribute]); /* relaxed: a setting, no hand-over */
}

/* Was the message received as often as it may be? */
static inline bool seg_is_used_up(const struct segment *segment, struct slot_word word)
{
	uint64_t receives_max = seg_attribute(segment, ATTRIBUTE_RECEIVES_MAX);

	return receives_max != 0 && word_receives(word) >= receives_max;
}

static inline uint32_t seg_newest_ring(const struct segment *segment)
{
	return rings_at(segment->rings, rings_count(segment->rings) - 1);
}

/* Adds to a counter of our own row: nobody else writes it, so no locked operation. */
static inline __attribute__((always_inline)) void seg_count(atomic_u64 *counter, uint64_t more)
{
	store_relaxed(counter, load_relaxed(counter) + more);
	CRASH_POINT(row_counted);
}

/* Messages in the queue, by the rows' counters. Below zero when a producer was killed before it counted
 * what was received and deleted since; the sweep corrects it. */
int64_t seg_live(const struct segment *segment);

/* Wakes up to `count` who sleep on the event. */
void seg_wake(atomic_u32 *event, uint64_t count) __attribute__((cold));

/* Wakes up to `count` sleeping consumers; one load when none sleeps. [E1] after the message was made
 * READY; pairs with [E2]. */
static inline void seg_notify(struct segment *segment, uint64_t count)
{
	if (__builtin_expect(event_has_sleepers(&segment->header->consumers), 0))
		seg_wake(&segment->header->consumers, count);
}

/* Wakes all producers that wait for room, and all consumers, for removal. */
static inline __attribute__((always_inline)) void seg_notify_room(struct segment *segment)
{
	if (__builtin_expect(event_has_sleepers(&segment->header->producers), 0))
		seg_wake(&segment->header->producers, INT32_MAX);
	if (__builtin_expect((load_relaxed(&segment->header->rings) & RINGS_REMOVED) != 0, 0))
		seg_notify(segment, INT32_MAX);
}

/* ---- handles of others ---- */

/* Rows 1 .. this have memory; 0 if that is damaged: then nobody can be asked about, and nobody counts as
 * gone or as done. [V2], [T2]: a row that this does not count was taken by a call that sees what we changed. */
static inline uint32_t seg_row_high(const struct segment *segment)
{
	uint64_t word = load_seq(&segment->header->row_high);

	return watermark_is_sound(word) && (uint32_t)word < SEG_ROW_COUNT ? (uint32_t)word : 0;
}

/* Is the handle (row, serial) gone: closed, or its process dead by the kernel's word? */
bool seg_handle_is_gone(const struct segment *segment, uint32_t row, uint32_t serial);

/* Does any living handle read the message at `place` in place? [H2] */
bool seg_is_held(const struct segment *segment, uint64_t place);

#endif
