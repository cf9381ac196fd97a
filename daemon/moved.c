#include "daemon/moved.h"

#include "daemon/gather.h"
#include "daemon/written.h"
#include "shm/message.h"
#include "shm/move.h"

#include <string.h>

/* A message that was moved, where it has come to. */
struct copy {
	struct journaled *queue;
	uint32_t ring, slot;
	struct slot_word word;
};

/* Where the copy of a message is that was moved. False: it has gone from there, or it was moved to a queue that is
 * not journaled. */
static bool find_copy(const struct turn *turn, const struct copy *of, struct copy *ret)
{
	bool is_found = false;

	for (size_t i = 0; i < turn->queue_count && !is_found; i++) {
		struct journaled *queue = turn->queues[i];

		if (queue == of->queue || seg_enter(queue->segment))
			continue;
		ret->queue = queue;
		is_found = seg_has_copy(queue->segment, of->queue->segment, of->ring, of->slot, of->word,
					&ret->ring, &ret->slot, &ret->word);
		seg_leave(queue->segment);
	}
	return is_found;
}

/* The last copy of a message that was moved, perhaps more than once. */
static bool find_last_copy(const struct turn *turn, struct copy *copy)
{
	struct copy next;

	for (size_t i = 0; word_was_moved(copy->word); i++) {
		if (word_state(copy->word) == SLOT_MOVED)
			seg_finish_moved(copy->queue->segment, copy->ring, copy->slot, copy->word);
		if (i > turn->queue_count || !find_copy(turn, copy, &next))
			return false;
		*copy = next;
	}
	return true;
}

int moved_write(struct turn *turn, struct journaled *queue, uint32_t ring, uint32_t slot, struct slot_word moved)
{
	const struct slot *at = &queue->segment->ring[ring].slots[slot];
	struct copy copy = {.queue = queue, .ring = ring, .slot = slot, .word = moved};
	int result;

	if (sent_is_of_turn(message_read(&at->message).sent, turn->number))
		return 0;
	if (!find_last_copy(turn, &copy) || seg_enter(copy.queue->segment))
		return 0;
	result = gather_follow_rings(turn, copy.queue);
	if (result == 0 && gather_has_ring(copy.queue, copy.ring) &&
	    ledger_find(&copy.queue->ledger.ring[copy.ring], copy.slot) == NULL &&
	    (gather_is_there(turn, copy.word) || word_state(copy.word) == SLOT_ARRIVING))
		result = written_new(turn, copy.queue, copy.ring, copy.slot, copy.word);
	seg_leave(copy.queue->segment);
	return result < 0 ? result : 0;
}

uint64_t moved_origin(const struct turn *turn, const struct slot *slot, uint64_t own_place)
{
	struct origin origin;
	struct place place;

	origin_read(slot, &origin);
	if (origin.copy != own_place)
		return 0;
	place = place_unpack(origin.place);
	for (size_t i = 0; i < turn->queue_count; i++) {
		const struct ledger_ring *ring = &turn->queues[i]->ledger.ring[place.ring % SEG_RING_COUNT];
		const struct ledger_entry *entry;

		if (turn->queues[i]->segment->incarnation != origin.incarnation || ring->id == 0 ||
		    place.slot >= ring->slots)
			continue;
		entry = ledger_find(ring, place.slot);
		return entry && (entry->generation & PLACE_GENERATION_MASK) == place.generation ? entry->number : 0;
	}
	return 0;
}

bool moved_from_aside(const struct turn *turn, const struct slot *slot, uint64_t own_place)
{
	struct origin origin;

	if (turn->aside.queue_count == 0)
		return false;
	origin_read(slot, &origin);
	return origin.copy == own_place && aside_has_incarnation(&turn->aside, origin.incarnation);
}
