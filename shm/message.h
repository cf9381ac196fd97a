/* A message's bytes: where they lie, how attributes follow the body, and how it all is freed.
 *
 * Payload = body, then "extra": records of 8 bytes {kind:8, name_bytes:8, label_bytes:8, 0:8,
 * value_bytes:32} each followed by name, label and value. Kinds 1-3 are message attributes by type, then come the
 * ids and the trace; NOTE_SOURCE and NOTE_REASON come with a move to a DLQ, stand last, and are left behind by the
 * next move. A payload of at most SLOT_INLINE_BYTES lies in the slot; in a FIFO queue, where those bytes are a
 * struct fifo_links, one of at most SLOT_BYTES lies in the slot's cell. In a block lies a larger one, and that of a
 * moved message, whose inline bytes end with a struct origin.
 */
#ifndef SEG_MESSAGE_H
#define SEG_MESSAGE_H

#include "ring/fifo.h"
#include "ringlease.h"
#include "shm/segment.h"

#include <string.h>

enum {
	NOTE_GROUP = 8,
	NOTE_DEDUP = 9,
	NOTE_DEDUP_IN_GROUP = 10,
	NOTE_TRACE = 11,
	NOTE_SOURCE = 16,
	NOTE_REASON = 17,
};

/* Where a moved message was, at the end of its copy's inline bytes. */
struct origin {
	uint64_t incarnation;
	uint64_t place; /* place_pack() of the source slot */
	uint64_t file;	/* number of the source's file */
	uint64_t copy;	/* place of the copy itself, written last: then the copy is whole */
};
enum { ORIGIN_OFFSET = SLOT_INLINE_BYTES - sizeof(struct origin) };

static inline void origin_read(const struct slot *slot, struct origin *ret_origin)
{
	memcpy(ret_origin, slot->message.inline_bytes + ORIGIN_OFFSET, sizeof(*ret_origin));
}

/* In a FIFO queue, of a message at `place`: was it moved here, now or before a reboot? Its deduplication id does
 * not count here. */
static inline bool message_was_moved_here(const struct slot *slot, uint64_t place)
{
	const struct fifo_links *links = fifo_links(slot);
	struct origin origin;

	origin_read(slot, &origin);
	/* relaxed: behind the word */
	return origin.copy == place || (load_relaxed(&links->key[0]) == 0 && load_relaxed(&links->key[1]) == 0);
}

/* What is to be put into a slot. */
struct message_parts {
	const void *body;
	uint64_t body_bytes;
	const struct rlq_attribute *attributes;
	uint32_t attribute_count;
	bool dedup_in_group; /* where the deduplication id counts */
	uint32_t group_bytes, dedup_bytes;
	const char *group, *dedup_id, *trace, *source, *reason; /* notes; NULL: none */
};

uint64_t message_extra_bytes(const struct message_parts *parts);

static inline void message_place(struct slot *slot, uint64_t body_bytes, uint64_t extra_bytes, uint64_t block)
{
	slot->message.body_bytes = (uint32_t)body_bytes;
	slot->message.extra_bytes = (uint32_t)extra_bytes;
	slot->message.block = block;
}

/* Where a payload of up to segment->inline_bytes lies. */
static inline unsigned char *message_inline(const struct segment *segment, const struct slot *slot)
{
	return (unsigned char *)((uintptr_t)slot + segment->inline_offset);
}

/* Finds a block for a payload and notes it in the slot we claimed at `place`; `ret_payload` is where to
 * write. 0, RLQ_ENOSPACE, or another negative code. */
int message_make_block(struct segment *segment, struct slot *slot, uint64_t place, uint64_t body_bytes,
		       uint64_t extra_bytes, unsigned char **ret_payload);

/* The same, in the slot itself if it fits. */
static inline int message_make_room(struct segment *segment, struct slot *slot, uint64_t place, uint64_t body_bytes,
				    uint64_t extra_bytes, unsigned char **ret_payload)
{
	if (__builtin_expect(body_bytes + extra_bytes > segment->inline_bytes, 0))
		return message_make_block(segment, slot, place, body_bytes, extra_bytes, ret_payload);
	message_place(slot, body_bytes, extra_bytes, 0);
	*ret_payload = message_inline(segment, slot);
	return 0;
}

/* Writes the records after the body. */
void message_write_extra(unsigned char *extra, const struct message_parts *parts);

/* Where the payload of a copied slot_message lies, checked against its block, which must be that of the
 * message at `place` (0: anybody's); NULL: damaged, or the slot has changed meanwhile. */
const unsigned char *message_payload(struct segment *segment, const struct slot *slot,
				     const struct slot_message *message, uint64_t place);

/* Fetches the payload of a message, or what is likely to be its first lines, from memory: a hint. */
void message_prefetch(const struct segment *segment, const struct slot *slot);

/* What a message says of itself, but for inline bytes and state: each shared field read once. */
static inline struct slot_message message_read(const struct slot_message *shared)
{
	struct slot_message message;

	message.id[0] = __atomic_load_n(&shared->id[0], __ATOMIC_RELAXED);
	message.id[1] = __atomic_load_n(&shared->id[1], __ATOMIC_RELAXED);
	message.sent = __atomic_load_n(&shared->sent, __ATOMIC_RELAXED);
	message.first_receive_ms = __atomic_load_n(&shared->first_receive_ms, __ATOMIC_RELAXED);
	message.body_bytes = __atomic_load_n(&shared->body_bytes, __ATOMIC_RELAXED);
	message.extra_bytes = __atomic_load_n(&shared->extra_bytes, __ATOMIC_RELAXED);
	message.sender = __atomic_load_n(&shared->sender, __ATOMIC_RELAXED);
	message.block = block_of(__atomic_load_n(&shared->block, __ATOMIC_RELAXED));
	return message;
}

/* Copies up to 64 bytes without a call: most bodies are small, and a call costs as much as a lease. */
static inline void message_copy(unsigned char *to, const unsigned char *from, size_t bytes)
{
	/* No shared words, but a moment before which others may go on. */
	explore_step(from);
	explore_step(to);
	if (bytes > SLOT_INLINE_BYTES) {
		memcpy(to, from, bytes);
	} else if (bytes >= 32) {
		memcpy(to, from, 32);
		memcpy(to + bytes - 32, from + bytes - 32, 32);
	} else if (bytes >= 16) {
		memcpy(to, from, 16);
		memcpy(to + bytes - 16, from + bytes - 16, 16);
	} else if (bytes >= 8) {
		memcpy(to, from, 8);
		memcpy(to + bytes - 8, from + bytes - 8, 8);
	} else {
		for (size_t i = 0; i < bytes; i++)
			to[i] = from[i];
	}
}

/* One record of extra. */
struct message_record {
	uint8_t kind, name_bytes, label_bytes;
	uint32_t value_bytes;
	const unsigned char *name, *label, *value;
};

/* Reads the record at `*offset` of `bytes` and moves the offset on. 1: one was read, 0: the end,
 * RLQ_EDAMAGED: it does not fit. */
int message_next_record(const unsigned char *extra, uint64_t bytes, uint64_t *offset,
			struct message_record *ret_record);

/* The ids of a message; not terminated, and NULL where there is none. */
struct message_ids {
	const unsigned char *group, *dedup;
	uint32_t group_bytes, dedup_bytes;
	bool dedup_in_group; /* dedup counts among those of its group; else of the queue */
};

/* 0 or RLQ_EDAMAGED. */
int message_read_ids(const unsigned char *extra, uint64_t bytes, struct message_ids *ret_ids);

/* Is there a tracing context among its notes? */
bool message_has_trace(const unsigned char *extra, uint64_t bytes);

/* What hung on a message that is gone from its slot, `from` being its last word there: its block, and its count. */
void message_drop(struct segment *segment, uint64_t block, uint64_t place, struct slot_word from);

/* Frees slot and block of a message that nobody reads in place. */
static inline bool message_free_now(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word from)
{
	/* Read before the slot is freed; if it changes meanwhile, so does the word and the CAS fails. */
	uint64_t block = segment->ring[ring].slots[slot].message.block;

	if (!ring_free(&segment->ring[ring], slot, from))
		return false;
	/* Killed here: the block is an orphan, for its slot has moved on. */
	if (block)
		message_drop(segment, block, place_pack(ring, slot, word_generation(from)), from);
	return true;
}

/* The same after asking whether somebody does. */
bool message_free_seen(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word from);

/* Frees slot and block for good, or leaves them HELD for who reads in place, the journal among them. `from` is the
 * word as seen; false if it has changed. */
static inline bool message_free(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word from)
{
	if (__builtin_expect(word_state(from) == SLOT_LEASED && word_owner(from) == OWNER_NONE &&
				     !segment->keeps_deleted,
			     1))
		return message_free_now(segment, ring, slot, from);
	return message_free_seen(segment, ring, slot, from);
}

/* HELD -> FREE once nobody reads any more, and no chain keeps it. */
void message_free_held(struct segment *segment, uint32_t ring, uint32_t slot);
/* The same of what is in no chain. */
void message_free_popped(struct segment *segment, uint32_t ring, uint32_t slot);

#endif
