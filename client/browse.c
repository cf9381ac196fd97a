/* Calls that walk all slots: peek, purge, redrive, verify. */
#include "client/internal.h"

#include "shm/fifo.h"
#include "shm/move.h"
#include "shm/seen.h"
#include "shm/verify.h"

#include <errno.h>
#include <string.h>

/* ---- peek ------------------------------------------------------------------------------------- */

/* Copies one visible message; 1 if it was still the same afterwards. */
static int peek_slot(struct rlq_queue *queue, uint32_t ring, uint32_t index, struct rlq_message *ret_message)
{
	const struct slot *slot = &queue->seg->ring[ring].slots[index];
	struct slot_word before = slot_read_stable(slot), after;
	struct slot_message message;
	const unsigned char *payload;
	uint64_t sequence;
	size_t bytes;
	void *copy;
	int error;

	if (word_state(before) != SLOT_READY && word_state(before) != SLOT_DEAD)
		return 0;
	message = message_read(&slot->message);
	payload = message_payload(queue->seg, slot, &message, place_pack(ring, index, word_generation(before)));
	bytes = (size_t)message.body_bytes + message.extra_bytes;
	after = slot_read_stable(slot);
	if (memcmp(&before, &after, sizeof(before)) != 0 || seg_is_expired(queue->seg, sent_ms(message.sent)))
		return 0;
	if (payload == NULL)
		return RLQ_EDAMAGED;
	copy = arena_take(&queue->arena, bytes ? bytes : 1);
	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, payload, bytes);
	sequence = message_sequence(queue->seg, slot);
	after = slot_read_stable(slot);
	if (memcmp(&before, &after, sizeof(before)) != 0)
		return 0;
	error = message_view(queue, &message, copy, ret_message);
	ret_message->sequence = sequence;
	memset(&ret_message->receipt, 0, sizeof(ret_message->receipt));
	ret_message->receive_count = word_receives(before);
	ret_message->first_receive_ms =
		word_receives(before) > 0 ? message_first_receive(&message, queue->seg->clock.wall_ms) : 0;
	return error ? error : 1;
}

/* The cursor counts slots over the list of rings. A ring that goes away meanwhile shifts it: peek is
 * for people to look, not an account. */
int rlq_peek(struct rlq_queue *queue, struct rlq_message *ret_messages, size_t max, uint64_t *cursor)
{
	struct segment *segment = queue->seg;
	uint64_t first = 0;
	int count = 0, error = call_begin(queue);

	if (error)
		return error;
	arena_reset(&queue->arena);
	for (uint32_t i = 0; i < rings_count(segment->rings) && !error; i++) {
		const struct ring *ring = &segment->ring[rings_at(segment->rings, i)];
		uint64_t start = load_relaxed(&ring->ends->head); /* relaxed: only where to begin */

		while (*cursor < first + ring_slot_count(ring) && (size_t)count < max && !error) {
			uint32_t slot = (uint32_t)(start + *cursor - first) & ring->mask;
			int got = peek_slot(queue, rings_at(segment->rings, i), slot, &ret_messages[count]);

			(*cursor)++;
			if (got < 0)
				error = got;
			else
				count += got;
		}
		first += ring_slot_count(ring);
	}
	call_end(queue);
	return error ? error : count;
}

/* ---- purge ------------------------------------------------------------------------------------ */

static bool is_purged(enum slot_state state)
{
	return state == SLOT_READY || state == SLOT_LEASED || state == SLOT_DELAYED || state == SLOT_DEAD ||
	       state == SLOT_MOVING;
}

/* Is it one of those up to the mark, whose ids are forgotten too? Decided, if it has joined and was not yet; what
 * has only its number so far is still being sent, and may stay. */
static bool fifo_is_purged(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word *word,
			   uint64_t mark)
{
	const struct slot *at = &segment->ring[ring].slots[slot];
	uint64_t sequence = load_acquire(&fifo_links(at)->sequence);

	if (sequence == 0 || sequence > mark)
		return false;
	fifo_publish_joined(segment, ring, slot, *word);
	*word = slot_read_stable(at);
	return true;
}

/* Deletes what is in the slot unless it was sent after the purge began: its generation is then new. */
static bool purge_slot(struct segment *segment, uint32_t ring, uint32_t slot, uint64_t mark)
{
	const struct slot *at = &segment->ring[ring].slots[slot];
	struct slot_word word = slot_read_stable(at);
	uint64_t generation = word_generation(word);

	if (seg_is_fifo(segment) && !fifo_is_purged(segment, ring, slot, &word, mark))
		return false;

	while (is_purged(word_state(word)) && word_generation(word) == generation) {
		if (message_free(segment, ring, slot, word)) {
			seg_count(&segment->me->left, 1);
			seg_count(&segment->me->deleted, 1);
			return true;
		}
		word = slot_read_stable(at);
	}
	return false;
}

int rlq_purge(struct rlq_queue *queue, uint64_t *ret_count)
{
	struct segment *segment = queue->seg;
	uint64_t count = 0, mark = 0;
	int error = call_begin(queue);

	if (error)
		return error;
	if (seg_is_fifo(segment))
		mark = seen_purge(segment);
	for (uint32_t i = 0; i < rings_count(segment->rings); i++) {
		uint32_t index = rings_at(segment->rings, i);

		for (uint32_t slot = 0; slot <= segment->ring[index].mask; slot++)
			count += purge_slot(segment, index, slot, mark);
	}
	call_end(queue);
	seg_notify_room(segment);
	if (ret_count)
		*ret_count = count;
	return count > 0 ? call_settle(queue) : 0;
}

/* ---- redrive ---------------------------------------------------------------------------------- */

enum { REDRIVE_STEP = 64 };

/* Where the last message went; most go to the same queue. */
struct route {
	struct segment *target;
	char name[RLQ_NAME_MAX + 1];
};

static int route_to(struct rlq_queue *queue, struct route *route, const char *name)
{
	int error;

	if (route->target && strcmp(route->name, name) == 0)
		return 0;
	seg_close(route->target);
	route->target = NULL;
	if (!seg_name_is_valid(name) || strcmp(name, rlq_queue_name(queue)) == 0)
		return RLQ_ENODLQ;
	if (seg_name_is_fifo(name) != seg_is_fifo(queue->seg))
		return RLQ_ETYPE;
	error = seg_open(queue->seg->directory, name, &route->target);
	if (error)
		return error == -ENOENT ? RLQ_ENODLQ : public_error(error);
	strcpy(route->name, name);
	return 0;
}

/* The queue a message came from, by its note; "" if it has none. */
static int source_of(struct rlq_queue *queue, const struct slot *slot, uint64_t place, char *ret_name)
{
	struct slot_message message = message_read(&slot->message);
	const unsigned char *payload = message_payload(queue->seg, slot, &message, place);
	struct message_record record;
	uint64_t offset = 0;
	int result;

	ret_name[0] = '\0';
	if (payload == NULL)
		return RLQ_EDAMAGED;
	while ((result = message_next_record(payload + message.body_bytes, message.extra_bytes, &offset,
					     &record)) == 1) {
		if (record.kind == NOTE_SOURCE && record.value_bytes <= RLQ_NAME_MAX) {
			memcpy(ret_name, record.value, record.value_bytes);
			ret_name[record.value_bytes] = '\0';
		}
	}
	return result;
}

/* Moves the message of one slot. 1: moved, 0: nothing to move, or it was taken by a consumer. */
static int redrive_slot(struct rlq_queue *queue, uint32_t ring, uint32_t slot, const char *target,
			struct route *route)
{
	struct slot *at = &queue->seg->ring[ring].slots[slot];
	struct slot_word word = slot_read_stable(at);
	char name[RLQ_NAME_MAX + 1];
	int error;

	if (word_state(word) != SLOT_READY)
		return 0;
	/* In order: those behind it come when it is gone. */
	if (seg_is_fifo(queue->seg) && !fifo_is_head(queue->seg, ring, slot, word))
		return 0;
	/* Its time is over, and moved it would get a new one. A sweep will free it. */
	if (seg_is_expired(queue->seg, sent_ms(at->message.sent)))
		return 0;
	if (target == NULL) {
		error = source_of(queue, at, place_pack(ring, slot, word_generation(word)), name);
		if (slot_read_stable(at).bits.low != word.bits.low)
			return 0;
		if (error)
			return error;
	}
	error = route_to(queue, route, target ? target : name);
	if (error)
		return error;
	error = seg_move(queue->seg, ring, slot, word, route->target, MOVE_REDRIVE);
	return error == RLQ_ESTALE ? 0 : error ? error : 1;
}

/* Until what was moved so far is durable. */
static int settle_target(const struct route *route)
{
	int error = route->target->durability == RLQ_MEMORY ? 0 : seg_settle_sync(route->target);

	return error ? error : 1;
}

struct redrive {
	struct rlq_queue *queue;
	const char *target; /* NULL: where they came from */
	uint64_t max, moved;
	uint64_t last; /* FIFO: the last number given when it began */
	struct route route;
};

static bool is_enough(const struct redrive *redrive)
{
	return redrive->max != 0 && redrive->moved >= redrive->max;
}

/* The same as redrive_slot(), with turns of the journal awaited in between. */
static int redrive_one(struct redrive *redrive, uint32_t ring, uint32_t slot)
{
	int result;

	/* Enough is on its way: this one once more, after the next turn. */
	while ((result = redrive_slot(redrive->queue, ring, slot, redrive->target, &redrive->route)) == -EAGAIN) {
		result = settle_target(&redrive->route);
		if (result < 0)
			return result;
	}
	if (result != 1)
		return result;
	redrive->moved++;
	/* So that what no sender takes back is little when the journal has no room for more. */
	return redrive->moved % REDRIVE_STEP == 0 ? settle_target(&redrive->route) : 1;
}

/* The head of the group, if it was there when the redrive began. 1; 0: none; else a code. */
static int head_of(const struct redrive *redrive, uint64_t group, uint32_t *ret_ring, uint32_t *ret_slot)
{
	struct segment *segment = redrive->queue->seg;
	const struct ring *ring;
	uint64_t head = 0;
	int found = fifo_head(segment, group, &head);

	if (found != 1)
		return found;
	ring = fifo_place(segment, head, ret_ring, ret_slot);
	return ring != NULL && load_acquire(&fifo_links(&ring->slots[*ret_slot])->sequence) <= redrive->last;
}

/* What lies in a slot; in a FIFO queue also those behind it in its group, which may lie in slots that were passed.
 */
static int redrive_from(struct redrive *redrive, uint32_t ring, uint32_t slot)
{
	struct segment *segment = redrive->queue->seg;
	uint64_t group = seg_is_fifo(segment) ? fifo_group(&segment->ring[ring].slots[slot]) : 0;
	int result = redrive_one(redrive, ring, slot);

	while (result == 1 && seg_is_fifo(segment) && !is_enough(redrive)) {
		result = head_of(redrive, group, &ring, &slot);
		if (result == 1)
			result = redrive_one(redrive, ring, slot);
	}
	return result;
}

/* Where the walk over a ring begins: about the oldest first. A redrive in many calls goes on where the last one
 * stopped, and does not walk over what it has moved each time. */
static uint64_t redrive_start(const struct rlq_queue *queue, uint32_t index)
{
	const struct ring *ring = &queue->seg->ring[index];
	uint64_t head = load_relaxed(&ring->ends->head), at = queue->redriven.at; /* relaxed: any will do */

	return index == queue->redriven.ring && at - head <= ring->mask ? at : head;
}

/* All of it once, wherever that begins. */
static int redrive_ring(struct redrive *redrive, uint32_t index)
{
	const struct ring *ring = &redrive->queue->seg->ring[index];
	uint64_t start = redrive_start(redrive->queue, index), n = 0;
	int result = 0;

	for (; n <= ring->mask && result >= 0 && !is_enough(redrive); n++)
		result = redrive_from(redrive, index, (uint32_t)(start + n) & ring->mask);
	redrive->queue->redriven.ring = index;
	redrive->queue->redriven.at = start + n;
	return result;
}

/* Which of the list is the ring where the last one stopped. */
static uint32_t redrive_first(const struct rlq_queue *queue, uint64_t rings)
{
	for (uint32_t i = 0; i < rings_count(rings); i++)
		if (rings_at(rings, i) == queue->redriven.ring)
			return i;
	return 0;
}

int rlq_redrive(struct rlq_queue *queue, const char *target, uint64_t max, uint64_t *ret_moved)
{
	struct segment *segment = queue->seg;
	struct redrive redrive = {.queue = queue, .target = target, .max = max};
	int result = call_begin(queue);
	uint32_t first;

	if (result)
		return result;
	redrive.last = load_seq(&segment->header->sequence);
	first = redrive_first(queue, segment->rings);
	for (uint32_t i = 0; i < rings_count(segment->rings) && result >= 0 && !is_enough(&redrive); i++)
		result =
			redrive_ring(&redrive, rings_at(segment->rings, (first + i) % rings_count(segment->rings)));
	call_end(queue);
	seg_close(redrive.route.target);
	if (ret_moved)
		*ret_moved = redrive.moved;
	if (result >= 0 && redrive.moved > 0)
		result = call_settle(queue);
	return result < 0 ? result : 0;
}

/* ---- verify ----------------------------------------------------------------------------------- */

int rlq_verify(struct rlq_directory *directory, const char *name, void (*fault)(void *context, const char *text),
	       void *context)
{
	if (!seg_name_is_valid(name))
		return RLQ_ENAME;
	if (!os_liveness_is_own(&directory->seg.liveness))
		return RLQ_EFORKED; /* it takes a row, in the parent's name */
	return public_error(seg_verify(&directory->seg, name, fault, context));
}
