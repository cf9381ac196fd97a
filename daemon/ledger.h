/* What the journal has of one queue: for each slot the message that was written last, as it was then. Private
 * memory of the one thread that journals; nothing of it is shared, so no client can damage it.
 *
 * A ring is known by its id: ids are never used again in a queue. Its groups of 64 slots are allocated when the
 * first message of theirs is entered, and freed with the ring.
 */
#ifndef ENGINE_LEDGER_H
#define ENGINE_LEDGER_H

#include "ring/slot.h"
#include "shm/layout.h"

enum { LEDGER_GROUP = 64 };

/* `number` 0: nothing is written of this slot. */
struct ledger_entry {
	uint64_t number;
	uint64_t generation;
	uint32_t receives;
	uint32_t deadline_ms; /* of a delay, as in the slot; 0: none */
	uint32_t file;	      /* where the record lies */
	uint32_t bytes;	      /* of the record */
};

struct ledger_group {
	uint64_t entered; /* bits of the slots that have an entry */
	struct ledger_entry entry[LEDGER_GROUP];
};

struct ledger_ring {
	uint32_t id; /* 0: none */
	uint32_t slots, group_count;
	struct ledger_group **groups;
	uint64_t bytes;	   /* of the records of all entries */
	uint64_t *changed; /* bits of slots whose marks were taken and that have not been settled since */
	uint64_t *look;	   /* bits of groups that may have any: most have none */
};

struct ledger {
	struct ledger_ring ring[SEG_RING_COUNT];
};

/* Begins with a ring of which nothing is written: all its slots count as changed. 0 or -ENOMEM. */
int ledger_ring_begin(struct ledger_ring *ring, uint32_t id, uint32_t order);
void ledger_ring_end(struct ledger_ring *ring);
/* All slots count as changed again; nothing for a ring of id 0. */
void ledger_ring_changed(struct ledger_ring *ring);
void ledger_end(struct ledger *ledger);

static inline uint64_t ledger_bytes(const struct ledger *ledger)
{
	uint64_t bytes = 0;

	for (int i = 0; i < SEG_RING_COUNT; i++)
		bytes += ledger->ring[i].bytes;
	return bytes;
}

/* Slots of a group have changed. */
static inline void ledger_note_changed(struct ledger_ring *ring, uint32_t group, uint64_t bits)
{
	ring->changed[group] |= bits;
	ring->look[group / 64] |= UINT64_C(1) << (group % 64);
}

/* The first group at or after `from` in which slots have changed; group_count: there is none. */
uint32_t ledger_next_changed(struct ledger_ring *ring, uint32_t from);

/* Which slots of a group have an entry. */
static inline uint64_t ledger_entered(const struct ledger_ring *ring, uint32_t group)
{
	return ring->groups[group] ? ring->groups[group]->entered : 0;
}

/* The entry of a slot; NULL if there is none. */
static inline struct ledger_entry *ledger_find(const struct ledger_ring *ring, uint32_t slot)
{
	struct ledger_group *group = ring->groups[slot / LEDGER_GROUP];

	if (group == NULL || !(group->entered >> (slot % LEDGER_GROUP) & 1))
		return NULL;
	return &group->entry[slot % LEDGER_GROUP];
}

/* The same, made if there is none; NULL: no memory. */
struct ledger_entry *ledger_enter(struct ledger_ring *ring, uint32_t slot);
void ledger_remove(struct ledger_ring *ring, uint32_t slot);

#endif
