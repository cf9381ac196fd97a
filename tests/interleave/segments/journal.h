/* An actor that journals: the shipped turn over a disk of numbers. What a turn writes is kept as one line a live
 * message, and counts when the turn ends, in one step: torn writes are the business of tests/durable.
 */
#ifndef INTERLEAVE_SEGMENTS_JOURNAL_H
#define INTERLEAVE_SEGMENTS_JOURNAL_H

#include "daemon/turn.h"
#include "tests/interleave/segments/world.h"

enum {
	KEEPERS = 3, /* of one journal, one after the other; the last is the DRAINER */
	WRITTEN_MAX = 8,
	STAGED_MAX = 12,
	RECORD_BYTES = 512,
	PLACE_BYTES = 16,
	SMALL_PLACES = 16,
	SCRATCH_BYTES = 256,
	SCRATCH_PLACES = 2,
	GROUP_PLACES = QUEUES * RINGS_SEEN,
	LIST_BYTES = 1024 * sizeof(struct touched),
	LIST_PLACES = 4,
	KNOWN_BYTES = 2048 * 128, /* ids of FIFO queues */
	KNOWN_PLACES = 4,
	GROUP_SEEN_BYTES = offsetof(struct ledger_group, entry) + SLOTS_SEEN * sizeof(struct ledger_entry),
	KNOWN_SEEN_BYTES = 512,
	LIST_SEEN_BYTES = SLOTS_SEEN * sizeof(struct touched),
};

/* A message that is alive by the journal. */
struct written_message {
	uint64_t id[2];
	uint8_t number, queue, message, receives;
	uint8_t padding[4];
};

/* What is durable. */
struct written {
	struct written_message live[WRITTEN_MAX];
	uint64_t end_step; /* the moment when a turn becomes durable */
	uint64_t ready_ms; /* when the scenario began: all before was durable, or is in the window */
	uint8_t count;
	uint8_t next; /* number of the next message */
	uint8_t keeper;
	uint8_t is_full; /* for new messages: what the reserve is for fits */
	uint8_t padding[4];
};
extern struct written written;

/* A record of the present turn. */
struct staged {
	struct written_message message;
	uint8_t kind, origin;
	uint8_t padding[6];
};

/* The disk, as its writer has it; memory of its own. */
struct journal {
	uint64_t count;
	struct staged staged[STAGED_MAX];
	_Alignas(8) unsigned char record[RECORD_BYTES]; /* reserved last, not yet staged */
};

/* All memory of one who journals, at fixed places. */
struct keeper {
	struct journal journal;
	struct turn turn;
	struct journaled queue[QUEUES];
	struct journaled *queues[QUEUES];
	uint32_t small_used, scratch_used, group_used, list_used, known_used, padding;
	_Alignas(16) unsigned char small[SMALL_PLACES][PLACE_BYTES];
	_Alignas(16) unsigned char scratch[SCRATCH_PLACES][SCRATCH_BYTES];
	/* Of these the first bytes are used, and remembered. */
	struct ledger_group group[GROUP_PLACES];
	_Alignas(16) unsigned char list[LIST_PLACES][LIST_BYTES];
	_Alignas(16) unsigned char known[KNOWN_PLACES][KNOWN_BYTES];
};
extern struct keeper keepers[KEEPERS];

/* The memory of an actor; NULL: it does not journal. */
struct keeper *keeper_of(int actor);
void journal_begin(void);
/* All that belongs to a state. */
void journal_remember(void);
/* Somebody waits for a turn: may it? */
void journal_judge_wait(void);
/* Whoever waits outside of steps gets a turn. */
void journal_play(void);
/* Is somebody alive who could play one? */
bool journal_is_kept(void);
void journal_leave(int actor);

/* ---- cut.c ---- */

/* What each call knows of those before it; kept for durable queues. */
struct cut {
	uint16_t knows[PEOPLE], does[PEOPLE]; /* sets of deeds: by each so far, and by its present call */
	uint16_t causes[16];
	uint16_t returned, happened;
	uint16_t must;	       /* returned before the present turn began */
	uint8_t turn_of[16];   /* that had begun when the deed's call did */
	uint8_t began[PEOPLE]; /* the same, of each one's present call */
	uint8_t home[MESSAGES_MAX];
	uint8_t padding[1];
};
extern struct cut cut;

void cut_begin(void);
void cut_call_begins(int actor);
void cut_call_returns(int actor);
void cut_turn_begins(void);
/* By the actor at work, to a message of a queue. */
void cut_sent(unsigned message, int sender);
void cut_received(int queue, unsigned message);
void cut_deleted(int queue, unsigned message);
void cut_moved(unsigned message);
/* A turn of this number has become durable: is what is written a cut? */
void cut_judge(uint64_t turn);
/* After a turn without anybody at work: is just what is there written? */
void cut_judge_rest(void);
/* A sync call has answered. */
void cut_judge_sent(unsigned message);
void cut_judge_deleted(unsigned message);
void cut_judge_refused(unsigned message);

#endif
