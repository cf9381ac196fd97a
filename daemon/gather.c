#include "daemon/gather.h"

#include "daemon/moved.h"
#include "daemon/written.h"
#include "ring/prefetch.h"
#include "ring/ring.h"
#include "ringlease.h"
#include "shm/message.h"
#include "shm/move.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- what a slot says ------------------------------------------------------------------------- */

/* Is a message there that a restart should bring back? MOVED too, until its slot is free: by then its copy can be
 * seen (R8). */
bool gather_is_alive(struct slot_word word)
{
	const uint32_t alive = 1u << SLOT_PENDING | 1u << SLOT_READY | 1u << SLOT_LEASED | 1u << SLOT_DELAYED |
			       1u << SLOT_DEAD | 1u << SLOT_MOVING | 1u << SLOT_MOVED;

	return alive >> word_state(word) & 1;
}

/* Is there a message for this turn? Also if it was deleted since the turn began; not if it was moved: then its copy
 * is; nor if it never was one, but a duplicate, or a copy that did not come to be. */
bool gather_is_there(const struct turn *turn, struct slot_word word)
{
	return (gather_is_alive(word) && !word_was_moved(word)) ||
	       (word_was_held_in(word, turn->number) && word_owner(word) != OWNER_NEVER);
}

/* The one that is written? A copy is written as soon as its move is decided, though it may not have arrived. */
static bool is_kept(const struct turn *turn, const struct ledger_entry *entry, struct slot_word word)
{
	return word_generation(word) == entry->generation &&
	       (gather_is_there(turn, word) || word_state(word) == SLOT_ARRIVING);
}

/* When a delay ends, as the slot has it; 0: no delay. */
uint32_t gather_delay_of(struct slot_word word)
{
	bool is_delayed = word_state(word) == SLOT_DELAYED ||
			  (word_state(word) == SLOT_PENDING && word_owner(word) == PENDING_DELAYED);

	return is_delayed ? word_deadline_ms(word) : 0;
}

/* ---- rings ------------------------------------------------------------------------------------- */

/* Notes that what is written of a slot is deleted. */
static int message_gone(struct turn *turn, struct ledger_ring *ring, uint32_t slot)
{
	const struct ledger_entry *entry = ledger_find(ring, slot);

	if (turn_note_delete(turn, entry->number))
		return -ENOMEM;
	turn_uncount(turn, ring, entry);
	ledger_remove(ring, slot);
	return 0;
}

/* A ring that is gone was empty: all that is written of it is deleted. */
static int ring_gone(struct turn *turn, struct ledger_ring *ring)
{
	for (uint32_t i = 0; i < ring->group_count; i++)
		for (uint64_t left = ledger_entered(ring, i); left; left &= left - 1)
			if (message_gone(turn, ring, i * LEDGER_GROUP + (uint32_t)__builtin_ctzll(left)))
				return -ENOMEM;
	ledger_ring_end(ring);
	return 0;
}

void gather_forget(struct turn *turn, struct journaled *queue)
{
	for (int i = 0; i < SEG_RING_COUNT; i++) {
		const struct ledger_ring *ring = &queue->ledger.ring[i];

		for (uint32_t g = 0; g < ring->group_count; g++)
			for (uint64_t left = ledger_entered(ring, g); left; left &= left - 1) {
				const struct ledger_entry *entry = &ring->groups[g]->entry[__builtin_ctzll(left)];

				space_take(&turn->space, entry->file, entry->bytes);
			}
	}
	ledger_end(&queue->ledger);
}

/* Brings the ledger's rings in line with the queue's. */
static int rings_follow(struct turn *turn, struct journaled *queue, bool only_new)
{
	struct segment *segment = queue->segment;

	for (uint32_t i = 0; i < SEG_RING_COUNT; i++) {
		struct ledger_ring *ring = &queue->ledger.ring[i];
		bool is_listed = segment->listed >> i & 1;
		int error = 0;

		if (!only_new && ring->id && (!is_listed || ring->id != segment->ring_id[i]))
			error = ring_gone(turn, ring);
		if (!error && is_listed && ring->id == 0)
			error = ledger_ring_begin(ring, segment->ring_id[i], segment->ring[i].order);
		if (error)
			return error;
	}
	return 0;
}

int gather_follow_rings(struct turn *turn, struct journaled *queue)
{
	return rings_follow(turn, queue, true);
}

/* [J2] Takes the marks, then looks at the slots. */
static void take_marks(struct ledger_ring *ring, const struct ring *shared)
{
	struct marks_taking taking = {0};
	uint32_t slot;
	uint64_t bits;

	while (marks_take(&shared->marks, &taking, &slot, &bits))
		ledger_note_changed(ring, slot / LEDGER_GROUP, bits);
}

/* ---- ahead of the walk ------------------------------------------------------------------------- */

/* A slot was changed by another core, and lies there: to fetch it takes as long as to write its record. So those of
 * the next group are on their way while this one is looked at, and some bodies at a time. */
enum { BODIES_AHEAD = 8 };

static void fetch_slots(const struct ring *shared, uint32_t group, uint64_t bits)
{
	for (; bits; bits &= bits - 1)
		prefetch(&shared->slots[group * LEDGER_GROUP + (uint32_t)__builtin_ctzll(bits)]);
}

static void fetch_bodies(const struct segment *segment, uint32_t index, uint32_t group, uint64_t bits)
{
	for (int count = 0; bits && count < BODIES_AHEAD; bits &= bits - 1, count++)
		message_prefetch(
			segment,
			&segment->ring[index].slots[group * LEDGER_GROUP + (uint32_t)__builtin_ctzll(bits)]);
}

/* The next group in which slots have changed, which are fetched; or only those that have an entry. */
static uint32_t next_changed(struct ledger_ring *ring, const struct ring *shared, uint32_t from, bool only_entered)
{
	uint32_t next = ledger_next_changed(ring, from);

	if (next < ring->group_count)
		fetch_slots(shared, next,
			    ring->changed[next] & (only_entered ? ledger_entered(ring, next) : UINT64_MAX));
	return next;
}

/* ---- deletes ---------------------------------------------------------------------------------- */

static int gather_deletes_of(struct turn *turn, struct journaled *queue, uint32_t index)
{
	struct ledger_ring *ring = &queue->ledger.ring[index];
	const struct ring *shared = &queue->segment->ring[index];

	take_marks(ring, shared);
	for (uint32_t i = next_changed(ring, shared, 0, true), next; i < ring->group_count; i = next) {
		next = next_changed(ring, shared, i + 1, true);
		for (uint64_t left = ring->changed[i] & ledger_entered(ring, i); left; left &= left - 1) {
			uint32_t slot = i * LEDGER_GROUP + (uint32_t)__builtin_ctzll(left);
			const struct ledger_entry *entry = ledger_find(ring, slot);
			struct slot_word word = slot_read_stable(&shared->slots[slot]);

			if (is_kept(turn, entry, word))
				continue;
			if (message_gone(turn, ring, slot))
				return -ENOMEM;
		}
	}
	return 0;
}

int gather_deletes(struct turn *turn, struct journaled *queue)
{
	int error = seg_enter(queue->segment);

	if (error)
		return error == RLQ_EREMOVED ? 0 : error;
	queue->segment->clock = turn->clock; /* what we ask the next turn for is not older than this one */
	/* A dead handle may have changed what it had no time to mark: all is compared. */
	if (load_seq(&queue->segment->header->wanted) != queue->wanted) {
		queue->wanted = load_seq(&queue->segment->header->wanted);
		for (uint32_t i = 0; i < SEG_RING_COUNT; i++)
			ledger_ring_changed(&queue->ledger.ring[i]);
	}
	error = rings_follow(turn, queue, false);
	for (uint32_t i = 0; i < SEG_RING_COUNT && !error; i++)
		if (queue->ledger.ring[i].id)
			error = gather_deletes_of(turn, queue, i);
	seg_leave(queue->segment);
	return error;
}

/* ---- sends ------------------------------------------------------------------------------------ */

/* Is a message there that this turn has to have? What was sent since it began is for the next one; not if its
 * sender waits, for nobody can have received it. */
static bool is_of_turn(const struct turn *turn, const struct slot *slot, struct slot_word word)
{
	if (word_state(word) == SLOT_PENDING)
		return true;
	return gather_is_there(turn, word) && !sent_is_of_turn(message_read(&slot->message).sent, turn->number);
}

/* Settles a changed slot: 1, or 0: it has to be looked at again in the next turn. */
static int gather_slot(struct turn *turn, struct journaled *queue, uint32_t ring, uint32_t slot)
{
	struct ledger_ring *written = &queue->ledger.ring[ring];
	const struct slot *at = &queue->segment->ring[ring].slots[slot];
	struct ledger_entry *entry = ledger_find(written, slot);
	struct slot_word word = slot_read_stable(at);
	bool is_going = word_state(word) == SLOT_HELD || word_state(word) == SLOT_MOVED;
	int result = 1;

	/* A delete that nobody had marked in time: its process was killed in it. */
	if (entry && word_generation(word) != entry->generation) {
		if (turn_note_late(turn, &(struct late){entry->number, entry->file, entry->bytes}))
			return -ENOMEM;
		written->bytes -= entry->bytes;
		ledger_remove(written, slot);
		entry = NULL;
	}
	if (!gather_is_alive(word) && !is_going)
		return 1;
	if (entry)
		result = !is_going && written_differs(entry, word)
				 ? written_change(turn, queue, ring, slot, word, entry)
				 : 1;
	else if (word_was_moved(word))
		result = moved_write(turn, queue, ring, slot, word);
	else
		result = is_of_turn(turn, at, word) ? written_new(turn, queue, ring, slot, word) : 0;
	if (result == 1 && word_state(word) == SLOT_PENDING &&
	    turn_note_pending(turn, queue, ring, slot, word_generation(word)))
		return -ENOMEM;
	/* One that was moved too: with its copy, its id is to be known where it was. */
	if (is_going && seg_is_fifo(queue->segment) && known_note(turn, queue, ring, slot, word))
		return -ENOMEM;
	return is_going && result > 0 ? 0 : result;
}

static int gather_group(struct turn *turn, struct journaled *queue, uint32_t index, uint32_t group)
{
	struct ledger_ring *ring = &queue->ledger.ring[index];
	uint64_t settled = 0;
	int result = 0;

	for (uint64_t left = ring->changed[group], count = 0; left && result >= 0; left &= left - 1, count++) {
		uint32_t bit = (uint32_t)__builtin_ctzll(left);

		if (count % BODIES_AHEAD == 0)
			fetch_bodies(queue->segment, index, group, left & ~ledger_entered(ring, group));
		result = gather_slot(turn, queue, index, group * LEDGER_GROUP + bit);
		if (result == 1)
			settled |= UINT64_C(1) << bit;
	}
	ring->changed[group] &= ~settled;
	return result < 0 ? result : 0;
}

static int gather_sends_of(struct turn *turn, struct journaled *queue, uint32_t index)
{
	struct ledger_ring *ring = &queue->ledger.ring[index];
	const struct ring *shared = &queue->segment->ring[index];
	int error = 0;

	take_marks(ring, shared);
	for (uint32_t i = next_changed(ring, shared, 0, false), next; i < ring->group_count && !error; i = next) {
		next = next_changed(ring, shared, i + 1, false);
		error = gather_group(turn, queue, index, i);
	}
	return error;
}

int gather_sends(struct turn *turn, struct journaled *queue)
{
	struct segment *segment = queue->segment;
	int error = seg_enter(segment);

	if (error)
		return error == RLQ_EREMOVED ? 0 : error;
	error = rings_follow(turn, queue, true);
	for (uint32_t i = 0; i < SEG_RING_COUNT && !error; i++)
		if (gather_has_ring(queue, i))
			error = gather_sends_of(turn, queue, i);
	seg_leave(segment);
	return error;
}

/* ---- what was kept for us ---------------------------------------------------------------------- */

static void release_of(struct journaled *queue, uint32_t index)
{
	struct ledger_ring *ring = &queue->ledger.ring[index];
	const struct ring *shared = &queue->segment->ring[index];

	take_marks(ring, shared); /* [J7] */
	for (uint32_t i = next_changed(ring, shared, 0, false), next; i < ring->group_count; i = next) {
		next = next_changed(ring, shared, i + 1, false);
		for (uint64_t left = ring->changed[i]; left; left &= left - 1) {
			uint32_t slot = i * LEDGER_GROUP + (uint32_t)__builtin_ctzll(left);

			if (word_state(slot_read(&shared->slots[slot])) == SLOT_HELD)
				message_free_held(queue->segment, index, slot);
		}
	}
}

int gather_release(struct journaled *queue)
{
	struct segment *segment = queue->segment;
	int error = seg_enter(segment);

	if (error)
		return error == RLQ_EREMOVED ? 0 : error;
	for (uint32_t i = 0; i < SEG_RING_COUNT; i++)
		if (gather_has_ring(queue, i))
			release_of(queue, i);
	seg_leave(segment);
	return 0;
}
