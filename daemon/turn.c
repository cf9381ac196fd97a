#include "daemon/turn.h"

#include "daemon/format.h"
#include "shm/message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DELETES_MAX = 4096 }; /* of one record */

/* ---- lists that grow -------------------------------------------------------------------------- */

static bool grow(void **list, size_t *room, size_t count, size_t bytes)
{
	size_t more = *room ? *room * 2 : 1024;
	void *larger;

	if (count < *room)
		return true;
	larger = reallocarray(*list, more, bytes);
	if (larger == NULL)
		return false;
	*list = larger;
	*room = more;
	return true;
}

int turn_note_delete(struct turn *turn, uint64_t number)
{
	if (!grow((void **)&turn->deletes, &turn->delete_room, turn->delete_count, sizeof(*turn->deletes)))
		return -ENOMEM;
	turn->deletes[turn->delete_count++] = number;
	return 0;
}

static int note_pending(struct turn *turn, const struct pending *pending)
{
	if (!grow((void **)&turn->pending, &turn->pending_room, turn->pending_count, sizeof(*turn->pending)))
		return -ENOMEM;
	turn->pending[turn->pending_count++] = *pending;
	return 0;
}

/* ---- what a slot says ------------------------------------------------------------------------- */

/* Is a message there that a restart should bring back? MOVED too, until its slot is free: by then its copy can be
 * seen (R8). */
bool turn_is_alive(struct slot_word word)
{
	const uint32_t alive = 1u << SLOT_PENDING | 1u << SLOT_READY | 1u << SLOT_LEASED | 1u << SLOT_DELAYED |
			       1u << SLOT_DEAD | 1u << SLOT_MOVING | 1u << SLOT_MOVED;

	return alive >> word_state(word) & 1;
}

static bool is_same_message(const struct ledger_entry *entry, struct slot_word word)
{
	return turn_is_alive(word) && word_generation(word) == entry->generation;
}

/* When a delay ends, as the slot has it; 0: no delay. */
uint32_t turn_delay_of(struct slot_word word)
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
	return receives_of(entry, word) != entry->receives || turn_delay_of(word) != entry->deadline_ms;
}

/* The boot clock's deadline as wall clock, for the journal. */
static uint64_t wall_of(const struct turn *turn, uint32_t deadline_ms)
{
	if (deadline_ms == 0)
		return 0;
	return turn->clock.wall_ms + (uint64_t)(int64_t)(int32_t)(deadline_ms - (uint32_t)turn->clock.boot_ms);
}

/* ---- deletes ---------------------------------------------------------------------------------- */

/* A ring that is gone was empty: all that is written of it is deleted. */
static int ring_gone(struct turn *turn, struct ledger_ring *ring)
{
	int error = 0;

	for (uint32_t i = 0; i < ring->group_count && !error; i++)
		for (uint64_t left = ring->groups[i] ? ring->groups[i]->entered : 0; left && !error; left &= left - 1)
			error = turn_note_delete(turn, ring->groups[i]->entry[__builtin_ctzll(left)].number);
	ledger_ring_end(ring);
	return error;
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

int turn_follow_rings(struct turn *turn, struct journaled *queue)
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

static int gather_deletes_of(struct turn *turn, struct ledger_ring *ring, const struct ring *shared)
{
	take_marks(ring, shared);
	for (uint32_t i = 0; i < ring->group_count; i++) {
		uint64_t entered = ring->groups[i] ? ring->groups[i]->entered : 0;

		for (uint64_t left = ring->changed[i] & entered; left; left &= left - 1) {
			uint32_t slot = i * LEDGER_GROUP + (uint32_t)__builtin_ctzll(left);
			const struct ledger_entry *entry = ledger_find(ring, slot);

			if (is_same_message(entry, slot_read_stable(&shared->slots[slot])))
				continue;
			if (turn_note_delete(turn, entry->number))
				return -ENOMEM;
			ledger_remove(ring, slot);
		}
	}
	return 0;
}

static int gather_deletes(struct turn *turn, struct journaled *queue)
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
			error = gather_deletes_of(turn, &queue->ledger.ring[i], &queue->segment->ring[i]);
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

		if (turn->queues[i]->segment->incarnation != origin.incarnation || ring->id == 0 || place.slot >= ring->slots)
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
			 struct slot_word word, struct ledger_entry *entry)
{
	const struct slot *from = &queue->segment->ring[ring].slots[slot];
	struct slot_message message = message_read(&from->message);
	uint64_t place = place_pack(ring, slot, word_generation(word));
	const unsigned char *payload = message_payload(queue->segment, from, &message, place);
	size_t bytes = format_message_bytes(message.body_bytes, message.extra_bytes);
	struct format_message head = {
		.number = turn->next_number,
		.queue = queue->queue,
		.sender = message.sender,
		.id = {message.id[0], message.id[1]},
		.sent_ms = message.sent_ms,
		.due_ms = wall_of(turn, turn_delay_of(word)),
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
	memcpy(format_message_put(room, &head)->payload, payload,
	       (size_t)message.body_bytes + message.extra_bytes);
	*entry = (struct ledger_entry){
		.number = turn->next_number++,
		.generation = word_generation(word),
		.receives = head.receives,
		.deadline_ms = turn_delay_of(word),
		.file = (uint32_t)journal_file(turn->journal),
		.bytes = (uint32_t)bytes,
	};
	/* [R9] The slot may have gone on under the copy. */
	fence_acquire();
	if (is_same_message(entry, slot_read(from)))
		return 1;
	make_filler(room, bytes);
	return 0;
}

/* What is written of the message is right but for its receive count or delay. */
static int write_update(struct turn *turn, const struct slot *slot, struct slot_word word, struct ledger_entry *entry)
{
	struct format_update update = {
		.number = entry->number,
		.due_ms = wall_of(turn, turn_delay_of(word)),
		.receives = receives_of(entry, word),
		.first_receive_ms = message_read(&slot->message).first_receive_ms,
	};
	unsigned char *room = journal_reserve(turn->journal, sizeof(update));

	if (room == NULL)
		return journal_error(turn->journal);
	format_update_put(room, &update);
	entry->receives = update.receives;
	entry->deadline_ms = turn_delay_of(word);
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

	if (entry && !is_same_message(entry, word))
		return 0; /* a delete that was seen late: it may have had causes that are not gathered */
	if (!turn_is_alive(word))
		return 1;
	if (entry == NULL) {
		entry = ledger_enter(written, slot);
		result = entry ? write_message(turn, queue, ring, slot, word, entry) : -ENOMEM;
		if (result != 1 && entry)
			ledger_remove(written, slot);
	} else if (differs(entry, word)) {
		result = write_update(turn, at, word, entry);
	}
	if (result == 1 && word_state(word) == SLOT_PENDING)
		result = note_pending(turn, &(struct pending){.queue = queue, .ring = ring, .slot = slot,
							      .generation = word_generation(word)});
	return result;
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

static int gather_sends(struct turn *turn, struct journaled *queue)
{
	struct segment *segment = queue->segment;
	int error = seg_enter(segment);

	if (error)
		return error == RLQ_EREMOVED ? 0 : error;
	error = rings_follow(turn, queue, true);
	for (uint32_t i = 0; i < SEG_RING_COUNT && !error; i++)
		if (queue->ledger.ring[i].id && segment->listed >> i & 1 &&
		    queue->ledger.ring[i].id == segment->ring_id[i])
			error = gather_sends_of(turn, queue, i);
	seg_leave(segment);
	return error;
}

/* ---- definitions ------------------------------------------------------------------------------ */

void turn_define(const struct journaled *queue, struct format_queue *ret)
{
	const struct seg_identity *identity = &queue->segment->header->identity;
	const struct seg_header *header = queue->segment->header;
	uint64_t dlq = load_acquire(&header->attribute[ATTRIBUTE_DLQ]);

	*ret = (struct format_queue){
		.queue = queue->queue,
		.durability = identity->durability,
		.incarnation = identity->incarnation,
		.created_ms = identity->created_ms,
		.capacity = identity->capacity,
		.mode = identity->mode,
		.group = identity->group,
		.placement = identity->placement,
		.placement_node = identity->placement_node,
	};
	for (int i = 0; i < ATTRIBUTE_COUNT; i++)
		ret->attributes[i] = load_relaxed(&header->attribute[i]); /* relaxed: a setting, no hand-over */
	ret->modified_ms = ret->attributes[ATTRIBUTE_MODIFIED_MS];
	memcpy(ret->name, identity->name, SEG_NAME_MAX);
	if (ret->attributes[ATTRIBUTE_RECEIVES_MAX] != 0 && (dlq == 1 || dlq == 2))
		memcpy(ret->dlq, header->dlq_name[dlq - 1], SEG_NAME_MAX);
}

static int write_definition(struct journal *journal, const struct format_queue *definition)
{
	unsigned char *room = journal_reserve(journal, sizeof(*definition));

	if (room == NULL)
		return journal_error(journal);
	format_queue_put(room, definition);
	return 0;
}

int turn_write_definitions(void *context, struct journal *journal)
{
	const struct turn *turn = context;
	int error = 0;

	for (size_t i = 0; i < turn->queue_count && !error; i++)
		if (turn->queues[i]->is_written)
			error = write_definition(journal, &turn->queues[i]->definition);
	return error;
}

static int write_removal(struct journal *journal, struct journaled *queue)
{
	unsigned char *room = queue->is_written ? journal_reserve(journal, sizeof(struct format_removed)) : NULL;

	queue->is_removed = true;
	if (!queue->is_written)
		return 0;
	if (room == NULL)
		return journal_error(journal);
	format_removed_put(room, queue->queue);
	queue->is_written = false;
	return 0;
}

/* A queue that is new, has been set anew, or was removed. */
static int gather_definition(struct turn *turn, struct journaled *queue)
{
	struct format_queue now;
	int error;

	if (load_seq(&queue->segment->header->rings) & RINGS_REMOVED)
		return write_removal(turn->journal, queue);
	turn_define(queue, &now);
	if (queue->is_written && memcmp(&now, &queue->definition, sizeof(now)) == 0)
		return 0;
	error = write_definition(turn->journal, &now);
	if (!error) {
		queue->definition = now;
		queue->is_written = true;
	}
	return error;
}

/* ---- the whole -------------------------------------------------------------------------------- */

static int write_deletes(struct turn *turn)
{
	for (size_t done = 0; done < turn->delete_count;) {
		size_t left = turn->delete_count - done, count = left < DELETES_MAX ? left : DELETES_MAX;
		unsigned char *room = journal_reserve(turn->journal, format_delete_bytes((uint16_t)count));

		if (room == NULL)
			return journal_error(turn->journal);
		format_delete_put(room, turn->deletes + done, (uint16_t)count);
		done += count;
	}
	turn->delete_count = 0;
	return 0;
}

int turn_run(struct turn *turn)
{
	int error = 0;

	os_clock_read(&turn->clock);
	for (size_t i = 0; i < turn->queue_count && !error; i++)
		error = gather_definition(turn, turn->queues[i]);
	for (size_t i = 0; i < turn->queue_count && !error; i++)
		error = gather_deletes(turn, turn->queues[i]);
	for (size_t i = 0; i < turn->queue_count && !error; i++)
		error = gather_sends(turn, turn->queues[i]);
	if (!error)
		error = write_deletes(turn);
	return error ? error : journal_end_turn(turn->journal);
}

static uint64_t settle(const struct pending *pending)
{
	struct segment *segment = pending->queue->segment;
	const struct ring *ring = &segment->ring[pending->ring];
	struct slot_word word = slot_read(&ring->slots[pending->slot]);

	return word_state(word) == SLOT_PENDING && word_generation(word) == pending->generation &&
	       ring_durable(ring, pending->slot, word);
}

void turn_settle(struct turn *turn)
{
	for (size_t i = 0; i < turn->pending_count;) {
		struct journaled *queue = turn->pending[i].queue;
		uint64_t settled = 0;
		int error = seg_enter(queue->segment);

		for (; i < turn->pending_count && turn->pending[i].queue == queue; i++)
			settled += error ? 0 : settle(&turn->pending[i]);
		if (error)
			continue;
		seg_leave(queue->segment);
		if (settled > 0)
			seg_notify(queue->segment, settled);
	}
	turn->pending_count = 0;
}

void turn_end(struct turn *turn)
{
	free(turn->deletes);
	free(turn->pending);
	turn->deletes = NULL;
	turn->pending = NULL;
}
