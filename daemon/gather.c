#include "daemon/gather.h"

#include "ring/ring.h"
#include "ringlease.h"
#include "shm/message.h"
#include "shm/move.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A message that was moved, where it has come to. */
struct copy {
	struct journaled *queue;
	uint32_t ring, slot;
	struct slot_word word;
};

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
 * is. */
static bool is_there(const struct turn *turn, struct slot_word word)
{
	return (gather_is_alive(word) && !word_was_moved(word)) || word_was_held_in(word, turn->number);
}

/* The one that is written? A copy is written as soon as its move is decided, though it may not have arrived. */
static bool is_kept(const struct turn *turn, const struct ledger_entry *entry, struct slot_word word)
{
	return word_generation(word) == entry->generation &&
	       (is_there(turn, word) || word_state(word) == SLOT_ARRIVING);
}

/* When a delay ends, as the slot has it; 0: no delay. */
uint32_t gather_delay_of(struct slot_word word)
{
	bool is_delayed = word_state(word) == SLOT_DELAYED ||
			  (word_state(word) == SLOT_PENDING && word_owner(word) == PENDING_DELAYED);

	return is_delayed ? word_deadline_ms(word) : 0;
}

/* The receive count; of a message that was MOVED the high half is a place. */
static uint32_t receives_of(const struct ledger_entry *entry, struct slot_word word)
{
	return word_state(word) == SLOT_MOVED ? (entry ? entry->receives : 0) : word_receives(word);
}

static bool differs(const struct ledger_entry *entry, struct slot_word word)
{
	return receives_of(entry, word) != entry->receives || gather_delay_of(word) != entry->deadline_ms;
}

/* The boot clock's deadline as wall clock, for the journal. */
static uint64_t wall_of(const struct turn *turn, uint32_t deadline_ms)
{
	if (deadline_ms == 0)
		return 0;
	return turn->clock.wall_ms + (uint64_t)(int64_t)(int32_t)(deadline_ms - (uint32_t)turn->clock.boot_ms);
}

/* ---- deletes ---------------------------------------------------------------------------------- */

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
		for (uint64_t left = ring->groups[i] ? ring->groups[i]->entered : 0; left; left &= left - 1)
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
			for (uint64_t left = ring->groups[g] ? ring->groups[g]->entered : 0; left;
			     left &= left - 1) {
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
		ring->changed[slot / LEDGER_GROUP] |= bits;
}

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

static int gather_deletes_of(struct turn *turn, struct journaled *queue, uint32_t index)
{
	struct ledger_ring *ring = &queue->ledger.ring[index];

	take_marks(ring, &queue->segment->ring[index]);
	for (uint32_t i = 0; i < ring->group_count; i++) {
		uint64_t entered = ring->groups[i] ? ring->groups[i]->entered : 0;

		for (uint64_t left = ring->changed[i] & entered; left; left &= left - 1) {
			uint32_t slot = i * LEDGER_GROUP + (uint32_t)__builtin_ctzll(left);
			const struct ledger_entry *entry = ledger_find(ring, slot);
			struct slot_word word = slot_read_stable(&queue->segment->ring[index].slots[slot]);

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

/* The number of the message that this one was moved from, if the journal still has it as alive; else 0. */
static uint64_t origin_of(const struct turn *turn, const struct slot *slot, uint64_t own_place)
{
	struct origin origin;
	struct place place;

	memcpy(&origin, slot->message.inline_bytes, sizeof(origin));
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

/* Copies the message of a slot into the journal. 1: written, 0: it has changed meanwhile, for the next turn. */
static int write_message(struct turn *turn, struct journaled *queue, uint32_t ring, uint32_t slot,
			 struct slot_word word, uint64_t number, struct ledger_entry *entry)
{
	const struct slot *from = &queue->segment->ring[ring].slots[slot];
	struct slot_message message = message_read(&from->message);
	uint64_t place = place_pack(ring, slot, word_generation(word));
	const unsigned char *payload = message_payload(queue->segment, from, &message, place);
	size_t bytes = format_message_bytes(message.body_bytes, message.extra_bytes);
	struct format_message head = {
		.number = number,
		.queue = queue->queue,
		.sender = message.sender,
		.id = {message.id[0], message.id[1]},
		.sent_ms = sent_ms(message.sent),
		.due_ms = wall_of(turn, gather_delay_of(word)),
		.receives = receives_of(NULL, word),
		.first_receive_ms = message.first_receive_ms,
		.body_bytes = message.body_bytes,
		.extra_bytes = message.extra_bytes,
		.origin = message.block ? origin_of(turn, from, place) : 0,
	};
	unsigned char *room;

	if (payload == NULL)
		return 0;
	room = journal_reserve(turn->journal, bytes);
	if (room == NULL)
		return journal_error(turn->journal);
	memcpy(format_message_put(room, &head)->payload, payload, (size_t)message.body_bytes + message.extra_bytes);
	*entry = (struct ledger_entry){
		.number = number,
		.generation = word_generation(word),
		.receives = head.receives,
		.deadline_ms = gather_delay_of(word),
		.file = (uint32_t)journal_file(turn->journal),
		.bytes = (uint32_t)bytes,
	};
	/* [R9] The slot may have gone on under the copy. */
	fence_acquire();
	if (word_generation(slot_read(from)) != entry->generation) {
		format_filler_put(room, bytes);
		return 0;
	}
	return turn_count(turn, &queue->ledger.ring[ring], entry) ? -ENOMEM : 1;
}

/* What is written of the message is right but for its receive count or delay. */
static int write_update(struct turn *turn, const struct slot *slot, struct slot_word word,
			struct ledger_entry *entry)
{
	struct format_update update = {
		.number = entry->number,
		.due_ms = wall_of(turn, gather_delay_of(word)),
		.receives = receives_of(entry, word),
		.first_receive_ms = message_read(&slot->message).first_receive_ms,
	};
	unsigned char *room = journal_reserve(turn->journal, sizeof(update));

	if (room == NULL)
		return journal_error(turn->journal);
	format_update_put(room, &update);
	entry->receives = update.receives;
	entry->deadline_ms = gather_delay_of(word);
	return 1;
}

static int write_changed(struct turn *turn, struct journaled *queue, uint32_t ring, uint32_t slot,
			 struct slot_word word, struct ledger_entry *entry)
{
	if (turn_note_touched(turn, &(struct touched){queue, ring, slot, *entry}))
		return -ENOMEM;
	return write_update(turn, &queue->segment->ring[ring].slots[slot], word, entry);
}

/* Is a message there that this turn has to have? What was sent since it began is for the next one; not if its
 * sender waits, for nobody can have received it. */
static bool is_of_turn(const struct turn *turn, const struct slot *slot, struct slot_word word)
{
	if (word_state(word) == SLOT_PENDING)
		return true;
	return is_there(turn, word) && !sent_is_of_turn(message_read(&slot->message).sent, turn->number);
}

/* Was it moved from a queue that is aside? There it lives on in the journal, so it is not written yet. */
static bool is_from_aside(const struct turn *turn, const struct slot *slot, const struct slot_message *message,
			  uint64_t own_place)
{
	struct origin origin;

	if (turn->aside.queue_count == 0 || message->block == 0)
		return false;
	memcpy(&origin, slot->message.inline_bytes, sizeof(origin));
	return origin.copy == own_place && aside_has_incarnation(&turn->aside, origin.incarnation);
}

/* Is a new message damaged, or is there no room on the disk for it and can its sender still take it back? */
static bool is_left_out(struct turn *turn, struct journaled *queue, uint32_t ring, uint32_t slot,
			struct slot_word word)
{
	const struct slot *from = &queue->segment->ring[ring].slots[slot];
	struct slot_message message = message_read(&from->message);
	uint64_t bytes = format_message_bytes(message.body_bytes, message.extra_bytes),
		 place = place_pack(ring, slot, word_generation(word));

	/* No room is made for lengths that are none. */
	if (message_payload(queue->segment, from, &message, place) == NULL ||
	    is_from_aside(turn, from, &message, place))
		return true;
	return !reserve_admits(turn, queue, bytes) && word_state(word) == SLOT_PENDING;
}

/* A message of which nothing is written. As gather_slot(). */
static int gather_new(struct turn *turn, struct journaled *queue, uint32_t ring, uint32_t slot,
		      struct slot_word word)
{
	struct ledger_ring *written = &queue->ledger.ring[ring];
	struct ledger_entry *entry;
	int result;

	if (is_left_out(turn, queue, ring, slot, word))
		return 0;
	if (turn_note_touched(turn, &(struct touched){queue, ring, slot, {0}}))
		return -ENOMEM;
	entry = ledger_enter(written, slot);
	result = entry ? write_message(turn, queue, ring, slot, word, turn->next_number++, entry) : -ENOMEM;
	if (result != 1 && entry)
		ledger_remove(written, slot);
	return result;
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

/* Of what was moved its copy is written, if it is not: that may be in a queue that was looked at before. */
static int write_copy(struct turn *turn, struct journaled *queue, uint32_t ring, uint32_t slot,
		      struct slot_word moved)
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
	    (is_there(turn, copy.word) || word_state(copy.word) == SLOT_ARRIVING))
		result = gather_new(turn, copy.queue, copy.ring, copy.slot, copy.word);
	seg_leave(copy.queue->segment);
	return result < 0 ? result : 0;
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
		result =
			!is_going && differs(entry, word) ? write_changed(turn, queue, ring, slot, word, entry) : 1;
	else if (word_was_moved(word))
		result = write_copy(turn, queue, ring, slot, word);
	else
		result = is_of_turn(turn, at, word) ? gather_new(turn, queue, ring, slot, word) : 0;
	if (result == 1 && word_state(word) == SLOT_PENDING)
		result = turn_note_pending(turn, &(struct pending){.queue = queue,
								   .ring = ring,
								   .slot = slot,
								   .generation = word_generation(word)});
	return is_going && result > 0 ? 0 : result;
}

int gather_again(struct turn *turn, struct journaled *queue, uint32_t ring, uint32_t slot)
{
	struct ledger_entry *entry = ledger_find(&queue->ledger.ring[ring], slot), again;
	struct slot_word word = slot_read_stable(&queue->segment->ring[ring].slots[slot]);
	int result;

	if (word_generation(word) != entry->generation || !gather_is_alive(word) || word_state(word) == SLOT_MOVED)
		return 0;
	if (turn_note_touched(turn, &(struct touched){queue, ring, slot, *entry}))
		return -ENOMEM;
	result = write_message(turn, queue, ring, slot, word, entry->number, &again);
	if (result != 1)
		return result;
	turn_uncount(turn, &queue->ledger.ring[ring], entry);
	*entry = again;
	return 1;
}

static int gather_sends_of(struct turn *turn, struct journaled *queue, uint32_t index)
{
	struct ledger_ring *ring = &queue->ledger.ring[index];

	take_marks(ring, &queue->segment->ring[index]);
	for (uint32_t i = 0; i < ring->group_count; i++)
		for (uint64_t left = ring->changed[i]; left; left &= left - 1) {
			uint32_t bit = (uint32_t)__builtin_ctzll(left);
			int result = gather_slot(turn, queue, index, i * LEDGER_GROUP + bit);

			if (result < 0)
				return result;
			if (result == 1)
				ring->changed[i] &= ~(UINT64_C(1) << bit);
		}
	return 0;
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
	const struct slot *slots = queue->segment->ring[index].slots;

	take_marks(ring, &queue->segment->ring[index]); /* [J7] */
	for (uint32_t i = 0; i < ring->group_count; i++)
		for (uint64_t left = ring->changed[i]; left; left &= left - 1) {
			uint32_t slot = i * LEDGER_GROUP + (uint32_t)__builtin_ctzll(left);

			if (word_state(slot_read(&slots[slot])) == SLOT_HELD)
				message_free_held(queue->segment, index, slot);
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
