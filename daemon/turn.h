/* One turn of the journal: compares the slots of all durable queues with what was written of them, and writes the
 * difference (docs/adr/0008-journal.md). Runs in the journal's thread alone.
 */
#ifndef ENGINE_TURN_H
#define ENGINE_TURN_H

#include "daemon/aside.h"
#include "daemon/journal.h"
#include "daemon/known.h"
#include "daemon/ledger.h"
#include "daemon/reserve.h"
#include "daemon/space.h"
#include "shm/segment.h"

#include <errno.h>

/* One durable queue. */
struct journaled {
	struct segment *segment;
	struct ledger ledger;
	uint32_t queue;			/* its number in the journal */
	struct format_queue definition; /* as written last */
	bool is_written;		/* the definition is */
	bool is_back;			/* it was aside: that is still to be said */
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

/* A slot of which the present turn writes a record, and what was written of it before; number 0: nothing. */
struct touched {
	struct journaled *queue;
	uint32_t ring, slot;
	struct ledger_entry before;
};

/* That somebody has asked for. */
struct compaction {
	uint64_t asked;	    /* number in the engine's page; 0: none */
	uint64_t until;	    /* the last file to be looked at */
	uint64_t rewritten; /* bytes, in the last turn */
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
	struct reserve reserve;
	struct compaction compaction;
	struct known known;
	struct aside aside; /* durable queues that are none of `queues` at present */

	struct late *late; /* deletes that were seen too late for the present turn */
	size_t late_count, late_room;
	uint64_t *deletes; /* kept until they are durable, as are removals */
	size_t delete_count, delete_room;
	struct pending *pending;
	size_t pending_count, pending_room;
	uint32_t *removals; /* queues that have no ledger any more */
	size_t removal_count, removal_room;
	struct touched *touched;
	size_t touched_count, touched_room;
	bool defines_all; /* the last turn has failed: who knows which definitions it had */
};

/* Gathers and writes all differences of the turn that has begun; returns when they are durable. 0 or a negative
 * errno: nothing of this turn counts, and the journal is repaired, for a next one that writes what this one should
 * have. */
int turn_run(struct turn *turn, struct seg_engine_page *page);

/* An entry of the ledger was made, or is to go. 0 or -ENOMEM. */
static inline int turn_count(struct turn *turn, struct ledger_ring *ring, const struct ledger_entry *entry)
{
	if (space_add(&turn->space, entry->file, entry->bytes))
		return -ENOMEM;
	ring->bytes += entry->bytes;
	return 0;
}

static inline void turn_uncount(struct turn *turn, struct ledger_ring *ring, const struct ledger_entry *entry)
{
	ring->bytes -= entry->bytes;
	space_take(&turn->space, entry->file, entry->bytes);
}

/* After that: what was PENDING can be received (pending.c). */
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
int turn_note_pending(struct turn *turn, struct journaled *queue, uint32_t ring, uint32_t slot,
		      uint64_t generation);
/* A record of the slot will be written. `before`: what was written of it before; NULL: nothing. */
int turn_note_touched(struct turn *turn, struct journaled *queue, uint32_t ring, uint32_t slot,
		      const struct ledger_entry *before);

/* ---- after a failure (daemon/undo.c) ---- */

/* The ledger is what it was when the turn began, but for deletes and removals, which are still to be written; and
 * slots that the turn has settled count as changed. */
void turn_undo(struct turn *turn);

#endif
