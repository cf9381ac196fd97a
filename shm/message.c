#include "shm/message.h"

#include "ring/crashpoint.h"
#include "ring/prefetch.h"
#include "shm/durable.h"
#include "shm/fifo.h"
#include "shm/message_attributes.h"
#include "shm/tenants.h"

#include <errno.h>
#include <string.h>

enum { RECORD_BYTES = 8 };

/* ---- extra ------------------------------------------------------------------------------------ */

/* In the order in which they stand. */
static const uint8_t note_kind[] = {NOTE_GROUP, NOTE_DEDUP,  NOTE_DEDUP_IN_GROUP,
				    NOTE_TRACE, NOTE_SOURCE, NOTE_REASON};

static const char *note_of(const struct message_parts *parts, uint8_t kind, uint32_t *ret_bytes)
{
	const char *note = kind == NOTE_TRACE ? parts->trace : kind == NOTE_SOURCE ? parts->source : parts->reason;

	switch (kind) {
	case NOTE_GROUP:
		*ret_bytes = parts->group_bytes;
		return parts->group;
	case NOTE_DEDUP:
	case NOTE_DEDUP_IN_GROUP:
		*ret_bytes = parts->dedup_bytes;
		return (kind == NOTE_DEDUP_IN_GROUP) == parts->dedup_in_group ? parts->dedup_id : NULL;
	default:
		*ret_bytes = note ? (uint32_t)strlen(note) : 0;
		return note;
	}
}

uint64_t message_extra_bytes(const struct message_parts *parts)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < parts->attribute_count; i++)
		bytes += RECORD_BYTES + strlen(parts->attributes[i].name) +
			 attribute_label_bytes(&parts->attributes[i]) + parts->attributes[i].value_bytes;
	for (size_t i = 0; i < sizeof(note_kind); i++) {
		uint32_t note_bytes;

		if (note_of(parts, note_kind[i], &note_bytes))
			bytes += RECORD_BYTES + note_bytes;
	}
	return bytes;
}

static unsigned char *put(unsigned char *at, const void *bytes, size_t count)
{
	if (count > 0)
		memcpy(at, bytes, count);
	return at + count;
}

static unsigned char *record_write(unsigned char *at, uint8_t kind, const char *name, const char *label,
				   const void *value, uint32_t value_bytes)
{
	uint8_t head[4] = {kind, (uint8_t)strlen(name), (uint8_t)strlen(label), 0};

	at = put(at, head, sizeof(head));
	at = put(at, &value_bytes, sizeof(value_bytes));
	at = put(at, name, head[1]);
	at = put(at, label, head[2]);
	return put(at, value, value_bytes);
}

void message_write_extra(unsigned char *extra, const struct message_parts *parts)
{
	for (uint32_t i = 0; i < parts->attribute_count; i++) {
		const struct rlq_attribute *attribute = &parts->attributes[i];

		extra = record_write(extra, (uint8_t)attribute->type, attribute->name,
				     attribute->type_label ? attribute->type_label : "", attribute->value,
				     attribute->value_bytes);
	}
	for (size_t i = 0; i < sizeof(note_kind); i++) {
		uint32_t bytes;
		const char *note = note_of(parts, note_kind[i], &bytes);

		if (note)
			extra = record_write(extra, note_kind[i], "", "", note, bytes);
	}
}

int message_next_record(const unsigned char *extra, uint64_t bytes, uint64_t *offset,
			struct message_record *ret_record)
{
	struct message_record record;
	uint64_t at = *offset, need;

	if (at == bytes)
		return 0;
	if (bytes - at < RECORD_BYTES)
		return RLQ_EDAMAGED;
	record.kind = extra[at];
	record.name_bytes = extra[at + 1];
	record.label_bytes = extra[at + 2];
	memcpy(&record.value_bytes, extra + at + 4, sizeof(record.value_bytes));
	at += RECORD_BYTES;
	need = (uint64_t)record.name_bytes + record.label_bytes + record.value_bytes;
	if (bytes - at < need)
		return RLQ_EDAMAGED;
	record.name = extra + at;
	record.label = record.name + record.name_bytes;
	record.value = record.label + record.label_bytes;
	*offset = at + need;
	*ret_record = record;
	return 1;
}

int message_read_ids(const unsigned char *extra, uint64_t bytes, struct message_ids *ret_ids)
{
	struct message_record record;
	uint64_t offset = 0;
	int result;

	*ret_ids = (struct message_ids){0};
	while ((result = message_next_record(extra, bytes, &offset, &record)) == 1) {
		if (record.kind == NOTE_GROUP) {
			ret_ids->group = record.value;
			ret_ids->group_bytes = record.value_bytes;
		} else if (record.kind == NOTE_DEDUP || record.kind == NOTE_DEDUP_IN_GROUP) {
			ret_ids->dedup = record.value;
			ret_ids->dedup_bytes = record.value_bytes;
			ret_ids->dedup_in_group = record.kind == NOTE_DEDUP_IN_GROUP;
		}
	}
	return result;
}

bool message_has_trace(const unsigned char *extra, uint64_t bytes)
{
	struct message_record record;
	uint64_t offset = 0;

	while (message_next_record(extra, bytes, &offset, &record) == 1)
		if (record.kind == NOTE_TRACE)
			return true;
	return false;
}

/* ---- payload ---------------------------------------------------------------------------------- */

int message_make_block(struct segment *segment, struct slot *slot, uint64_t place, uint64_t body_bytes,
		       uint64_t extra_bytes, unsigned char **ret_payload)
{
	uint64_t bytes = body_bytes + extra_bytes, room, block;
	unsigned char *payload;
	int error;

	if (bytes > body_bytes_max()) /* the largest block is larger than RLQ_BODY_MAX, for what goes with it */
		return RLQ_ETOOBIG;
	error = body_allocate(segment, bytes ? bytes : 1, place, &block);
	if (error)
		return error == -ENOSPC ? RLQ_ENOSPACE : error;
	CRASH_POINT(send_block_claimed);
	payload = body_at(segment, block, &room);
	if (payload == NULL || room < bytes) {
		body_free(segment, block, place);
		return RLQ_EDAMAGED;
	}
	message_place(slot, body_bytes, extra_bytes, block);
	*ret_payload = payload;
	return 0;
}

const unsigned char *message_payload(struct segment *segment, const struct slot *slot,
				     const struct slot_message *message, uint64_t place)
{
	uint64_t bytes = (uint64_t)message->body_bytes + message->extra_bytes, room;
	const unsigned char *payload;

	if (message->block == 0)
		return bytes <= segment->inline_bytes ? message_inline(segment, slot) : NULL;
	payload = place ? body_of(segment, message->block, place, &room) : body_at(segment, message->block, &room);
	return payload && bytes <= room ? payload : NULL;
}

void message_prefetch(const struct segment *segment, const struct slot *slot)
{
	struct slot_message message = message_read(&slot->message);

	if (message.block == 0)
		prefetch(message_inline(segment, slot));
	else
		body_prefetch(segment, message.block, (uint64_t)message.body_bytes + message.extra_bytes);
}

/* ---- free ------------------------------------------------------------------------------------- */

/* Was it ever a message that somebody could receive? */
static bool was_sent(struct slot_word word)
{
	enum slot_state state = word_state(word);

	return state != SLOT_WRITING && state != SLOT_PASSED && state != SLOT_ARRIVING;
}

/* It is gone from the queue, having been there as `from`. */
static void tenant_leaves(struct segment *segment, uint64_t block, struct slot_word from)
{
	if (block_tenant(block) != TENANT_NONE && was_sent(from) && word_state(from) != SLOT_HELD)
		seg_tenant_count(segment, block_tenant(block), -1);
}

void message_drop(struct segment *segment, uint64_t block, uint64_t place, struct slot_word from)
{
	tenant_leaves(segment, block, from);
	if (block_of(block))
		body_free(segment, block_of(block), place);
}

/* In a durable FIFO queue the journal has to know that the id was seen, which nobody can tell it but the slot. */
static bool is_to_be_noted(const struct segment *segment, struct slot_word held)
{
	return segment->has_marks && seg_is_fifo(segment) && word_owner(held) != OWNER_NEVER &&
	       word_owner(held) != OWNER_SEEN;
}

/* Is it read in place? */
static bool is_viewed(const struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word held)
{
	if (word_owner(held) == OWNER_NONE || word_owner(held) == OWNER_NEVER)
		return false;
	if (word_owner(held) == OWNER_SEEN &&
	    load_relaxed(&segment->header->viewers) == 0) /* relaxed: as in viewer_of() */
		return false;
	return seg_is_held(segment, place_pack(ring, slot, word_generation(held)));
}

void message_free_popped(struct segment *segment, uint32_t ring, uint32_t slot)
{
	struct slot_word word = slot_read(&segment->ring[ring].slots[slot]);

	if (word_state(word) != SLOT_HELD)
		return;
	ring_mark(&segment->ring[ring], slot); /* deleted, though it may stay HELD for long */
	/* [J5] The journal frees what it still has to read. */
	if (is_to_be_noted(segment, word)) {
		seg_want_turn(segment);
		return;
	}
	if (seg_is_gathering(segment) || is_viewed(segment, ring, slot, word))
		return;
	if (message_free_now(segment, ring, slot, word))
		seg_notify_room(segment); /* its slot and bytes; it does not count as live any more */
}

void message_free_held(struct segment *segment, uint32_t ring, uint32_t slot)
{
	struct slot_word word = slot_read(&segment->ring[ring].slots[slot]);

	if (word_state(word) == SLOT_HELD && !(seg_is_fifo(segment) && fifo_keeps(segment, ring, slot, word)))
		message_free_popped(segment, ring, slot);
}

/* Who may be reading this message in place? A row, OWNER_NONE or OWNER_MANY. */
static uint32_t viewer_of(const struct segment *segment, struct slot_word word)
{
	switch (word_state(word)) {
	case SLOT_READY:
	case SLOT_LEASED:
	case SLOT_DELAYED:
	case SLOT_DEAD:
		return word_owner(word);
	case SLOT_MOVING:
	case SLOT_MOVED: /* the mover's name has taken the viewer's place */
		return load_relaxed(&segment->header->viewers) ? OWNER_MANY : OWNER_NONE;
	default:
		return OWNER_NONE;
	}
}

/* Is it to be HELD first: for the journal, or for the chain that it may be in? */
static bool is_kept(const struct segment *segment, const struct slot *slot, struct slot_word word)
{
	if (seg_is_fifo(segment) && load_relaxed(&fifo_links(slot)->sequence) != 0) /* relaxed: behind the word */
		return true;
	return segment->has_marks && was_sent(word);
}

bool message_free_seen(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word from)
{
	uint64_t block = segment->ring[ring].slots[slot].message.block; /* as in message_free_now() */
	uint32_t viewer = viewer_of(segment, from);
	struct slot_word held;
	uint64_t group;

	if (viewer == OWNER_NONE && !is_kept(segment, &segment->ring[ring].slots[slot], from))
		return message_free_now(segment, ring, slot, from);
	/* Somebody may read it in place: HELD first, then ask who, so that either we see the reader's hold
	 * or the reader, letting go, sees HELD. [H2] The journal too: [J5]. And the chain of its group: [G1]. */
	group = seg_is_fifo(segment) ? fifo_group(&segment->ring[ring].slots[slot]) : 0;
	held = word_with_owner(word_held(from, seg_turn(segment)),
			       seg_is_fifo(segment) && !was_sent(from) ? OWNER_NEVER : viewer);
	if (!slot_change(&segment->ring[ring].slots[slot], from, held))
		return false;
	CRASH_POINT(free_held);
	tenant_leaves(segment, block, from);
	if (seg_is_fifo(segment)) {
		ring_mark(&segment->ring[ring], slot); /* it may be long before it is popped */
		fifo_settle_held(segment, group, ring, slot, held);
	} else {
		message_free_popped(segment, ring, slot);
	}
	return true;
}
