/* One turn of the journal: compares the slots of all durable queues with what was written of them, and writes the
 * difference (docs/adr/0008-journal.md). Runs in the journal's thread alone.
 */
#ifndef ENGINE_TURN_H
#define ENGINE_TURN_H

#include "daemon/journal.h"
#include "daemon/ledger.h"
#include "daemon/space.h"
#include "shm/segment.h"

/* One durable queue. */
struct journaled {
	struct segment *segment;
	struct ledger ledger;
	uint32_t queue;			/* its number in the journal */
	struct format_queue definition; /* as written last */
	bool is_written;		/* the definition is */
	bool is_removed;		/* and the journal knows, once the turn is durable */
	uint64_t wanted;		/* header->wanted when it was compared as a whole */
};

/* A message that becomes receivable once the turn is durable. */
struct pending {
	struct journaled *queue;
	uint32_t ring, slot;
	uint64_t generation;
};

/* A delete that waits for the next turn: what was done before it may not be in this one. Its message lives on in
 * its file until then. */
struct late {
	uint64_t number;
	uint64_t file;
	uint32_t bytes;
};

struct turn {
	uint64_t number; /* as clients know it (shm/durable.h) */
	struct journal *journal;
	struct journaled **queues;
	size_t queue_count;
	uint64_t next_number; /* of the next message */
	uint64_t file_bytes;  /* of a file of the journal */
	uint64_t outdated;    /* files up to this number are to go: they are not encrypted as they should be */
	struct os_clock clock;
	struct space space;

	struct late *late; /* deletes that were seen too late for the present turn */
	size_t late_count, late_room;
	uint64_t *deletes;
	size_t delete_count, delete_room;
	struct pending *pending;
	size_t pending_count, pending_room;
	uint32_t *removals; /* queues whose removal was begun when no journal was there */
	size_t removal_count, removal_room;
};

/* Gathers and writes all differences of the turn that has begun; returns when they are durable. 0 or a negative
 * errno, after which the journal has failed: nothing of this turn counts. */
int turn_run(struct turn *turn, struct seg_engine_page *page);

/* After that: what was PENDING can be received. */
void turn_settle(struct turn *turn);

void turn_end(struct turn *turn);

/* For journal_options: the definitions of all queues, as written last. `context` is the turn. */
int turn_write_definitions(void *context, struct journal *journal);

/* ---- for gathering ---- */

/* To be written as deleted. 0 or -ENOMEM. */
int turn_note_delete(struct turn *turn, uint64_t number);
/* The queue of this number is to be written as removed; it is none of `queues`. 0 or -ENOMEM. */
int turn_note_removal(struct turn *turn, uint32_t queue);
/* The same, in the next turn. */
int turn_note_late(struct turn *turn, const struct late *late);
/* To be made receivable. */
int turn_note_pending(struct turn *turn, const struct pending *pending);

#endif
