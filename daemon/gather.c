#include "daemon/gather.h"

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

static bool is_same_message(const struct ledger_entry *entry, struct slot_word word)
{
	return gather_is_alive(word) && word_generation(word) == entry->generation;
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
	space_take(&turn->space, entry->file, entry->bytes);
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

/* What the slot holds now. A move that was decided is finished first, if its mover was stopped or killed in it: the
 * copy may be gone already, and whoever deleted it waits for this turn. */
static struct slot_word read_finished(struct journaled *queue, uint32_t index, uint32_t slot)
{
	const struct slot *at = &queue->segment->ring[index].slots[slot];
	struct slot_word word = slot_read_stable(at);

	if (word_state(word) == SLOT_MOVED && seg_finish_moved(queue->segment, index, slot, word))
		word = slot_read_stable(at);
	return word;
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

			if (is_same_message(entry, read_finished(queue, index, slot)))
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

/* Room that turned out not to be needed: a record that readers pass over. */
static void make_filler(unsigned char *room, size_t bytes)
{
	struct format_record filler = {.bytes = (uint32_t)bytes, .kind = UINT8_MAX, .flags = FORMAT_OPTIONAL};

	memset(room, 0, bytes);
	memcpy(room, &filler, sizeof(filler));
}

/* Copies the message of a slot into the journal. 1: written, 0: it has changed meanwhile, for the next turn. */
static int write_message(struct turn *turn, const struct journaled *queue, uint32_t ring, uint32_t slot,
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
		.sent_ms = message.sent_ms,
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
	if (!is_same_message(entry, slot_read(from))) {
		make_filler(room, bytes);
		return 0;
	}
	return space_add(&turn->space, entry->file, entry->bytes) ? -ENOMEM : 1;
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

/* Settles a changed slot: 1, or 0: it has to be looked at again in the next turn. */
static int gather_slot(struct turn *turn, struct journaled *queue, uint32_t ring, uint32_t slot)
{
	struct ledger_ring *written = &queue->ledger.ring[ring];
	const struct slot *at = &queue->segment->ring[ring].slots[slot];
	struct ledger_entry *entry = ledger_find(written, slot);
	struct slot_word word = slot_read_stable(at);
	int result = 1;

	/* A delete that is seen late: it may have had causes that are not gathered. But what was sent into the slot
	 * since may be the cause of a delete that was seen in time. */
	if (entry && !is_same_message(entry, word)) {
		if (turn_note_late(turn, &(struct late){entry->number, entry->file, entry->bytes}))
			return -ENOMEM;
		ledger_remove(written, slot);
		entry = NULL;
	}
	if (!gather_is_alive(word))
		return 1;
	if (entry == NULL) {
		/* Decided, and not written: then its copy is, as what it is instead of (or nothing was promised).
		 */
		if (word_state(word) == SLOT_MOVED)
			return 1;
		entry = ledger_enter(written, slot);
		result = entry ? write_message(turn, queue, ring, slot, word, turn->next_number++, entry) : -ENOMEM;
		if (result != 1 && entry)
			ledger_remove(written, slot);
	} else if (differs(entry, word)) {
		result = write_update(turn, at, word, entry);
	}
	if (entry && word_state(word) == SLOT_MOVED)
		return result < 0 ? result : 0; /* to be finished, in the next turn at the latest */
	if (result == 1 && word_state(word) == SLOT_PENDING)
		result = turn_note_pending(turn, &(struct pending){.queue = queue,
								   .ring = ring,
								   .slot = slot,
								   .generation = word_generation(word)});
	return result;
}

int gather_again(struct turn *turn, struct journaled *queue, uint32_t ring, uint32_t slot)
{
	struct ledger_entry *entry = ledger_find(&queue->ledger.ring[ring], slot), again;
	struct slot_word word = slot_read_stable(&queue->segment->ring[ring].slots[slot]);
	int result;

	if (!is_same_message(entry, word) || word_state(word) == SLOT_MOVED)
		return 0;
	result = write_message(turn, queue, ring, slot, word, entry->number, &again);
	if (result != 1)
		return result;
	space_take(&turn->space, entry->file, entry->bytes);
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
