#include "tests/durable/found.h"

#include "ring/fifo.h"
#include "shm/message.h"
#include "tests/durable/history_told.h"

#include <string.h>

void body_make(unsigned char *body, uint32_t tag, uint32_t bytes)
{
	memset(body, (int)(tag * 7 + 1), bytes);
	memcpy(body, &tag, sizeof(tag));
}

bool body_is_whole(const struct history *history, const unsigned char *body, uint64_t bytes)
{
	uint32_t tag;

	if (bytes < sizeof(tag))
		return false;
	memcpy(&tag, body, sizeof(tag));
	if (tag >= history->message_count || bytes != history->messages[tag].bytes)
		return false;
	for (uint64_t i = sizeof(tag); i < bytes; i++)
		if (body[i] != (unsigned char)(tag * 7 + 1))
			return false;
	return true;
}

static void look_at_slot(struct history *history, int queue, uint32_t ring, uint32_t index, struct found *found,
			 unsigned *count)
{
	struct segment *segment = history->queues[queue].handle->seg;
	const struct slot *slot = &segment->ring[ring].slots[index];
	struct slot_word word = slot_read_stable(slot);
	struct slot_message message = message_read(&slot->message);
	const unsigned char *payload;

	switch (word_state(word)) {
	case SLOT_READY:
	case SLOT_LEASED:
	case SLOT_DELAYED:
	case SLOT_DEAD:
		break;
	case SLOT_FREE:
		return;
	case SLOT_HELD: /* deleted, behind others of its group */
		if (history->queues[queue].is_fifo)
			return;
		/* fall through */
	default:
		history_fault(history, "%s: a slot in state %d", history_name(history, queue),
			      (int)word_state(word));
		return;
	}
	payload = message_payload(segment, slot, &message, place_pack(ring, index, word_generation(word)));
	if (payload == NULL || !body_is_whole(history, payload, message.body_bytes)) {
		history_fault(history, "%s: a message that nobody sent", history_name(history, queue));
		return;
	}
	if (*count == FOUND_MAX) {
		history_fault(history, "too many messages");
		return;
	}
	found[*count] = (struct found){.queue = queue,
				       .receives = word_receives(word),
				       .is_delayed = word_state(word) == SLOT_DELAYED,
				       .is_leased = word_state(word) == SLOT_LEASED};
	if (history->queues[queue].is_fifo)
		found[*count].sequence = fifo_links(slot)->sequence;
	memcpy(&found[(*count)++].tag, payload, sizeof(found->tag));
}

static unsigned look_at_queue(struct history *history, int queue, struct found *found, unsigned count)
{
	struct rlq_queue *handle = told_handle(history, queue);
	int error = handle ? seg_enter(handle->seg) : 0;

	if (handle == NULL)
		return count;
	if (error) {
		history_fault(history, "%s: %s", history_name(history, queue), rlq_strerror(error));
		return count;
	}
	for (uint32_t i = 0; i < SEG_RING_COUNT; i++)
		if (handle->seg->listed >> i & 1)
			for (uint32_t slot = 0; slot <= handle->seg->ring[i].mask; slot++)
				look_at_slot(history, queue, i, slot, found, &count);
	seg_leave(handle->seg);
	return count;
}

unsigned found_in_all(struct history *history, const struct found **ret_found)
{
	static struct found found[FOUND_MAX];
	unsigned count = 0;

	for (int i = 0; i < QUEUES_MAX; i++)
		if (told_queue_state(history, i)->exists)
			count = look_at_queue(history, i, found, count);
	*ret_found = found;
	return count;
}
