/* What a message of a FIFO queue says beside struct slot_message, in its inline bytes; its payload is always in a
 * block. Links name a slot together with its generation, so that who comes late finds another value.
 * docs/adr/0013-fifo-groups.md says how it all hangs together.
 *
 * The last 32 bytes are a struct origin in a message that was moved here: those are not deduplicated, nor delayed.
 */
#ifndef RL_FIFO_H
#define RL_FIFO_H

#include "ring/slot.h"

struct fifo_links {
	atomic_u64 next;     /* in the chain of its group: link_unset(), a follower's link, or link_closed() */
	atomic_u64 group;    /* keyed hash of the group's id, never 0; written by the claimer */
	atomic_u64 sequence; /* rising; 0: it has not tried to join */
	atomic_u64 ticket;   /* of its last token (ring/ready.h); 0: none. While leased by an attempt: of that */
	atomic_u64 boot_ms;  /* when it was sent, boot clock: what delay and deduplication count from */
	atomic_u64 key[2];   /* of its deduplication id; 0, 0: there is none */
	atomic_u64 purged;   /* the purge mark of deduplication when it was sent */
};
_Static_assert(sizeof(struct fifo_links) == SLOT_INLINE_BYTES, "links fill the inline bytes");

static inline struct fifo_links *fifo_links(const struct slot *slot)
{
	return (struct fifo_links *)(void *)slot->message.inline_bytes;
}

#define TICKET_IS_ATTEMPT (UINT64_C(1) << 63)

/* A link: used:1 | generation:35 | slot:24 | ring:3, 63 bits. 0 is "none". The generation is cut: it comes again
 * after 2^35 laps of the ring, far more than any call lasts. */
#define LINK_FLAG (UINT64_C(1) << 63)
#define LINK_USED (UINT64_C(1) << 62)
#define LINK_MASK (LINK_FLAG - 1)
#define LINK_GENERATION_MASK ((UINT64_C(1) << 35) - 1)

static inline uint64_t link_pack(uint32_t ring, uint32_t slot, uint64_t generation)
{
	return LINK_USED | (generation & LINK_GENERATION_MASK) << 27 | (uint64_t)(slot & 0xffffff) << 3 |
	       (ring & 7);
}

static inline uint32_t link_ring(uint64_t link)
{
	return (uint32_t)link & 7;
}

static inline uint32_t link_slot(uint64_t link)
{
	return (uint32_t)(link >> 3) & 0xffffff;
}

/* Is it of the message that is, or was, in the slot with this word? */
static inline bool link_is_of(uint64_t link, struct slot_word word)
{
	return ((link >> 27 ^ word_generation(word)) & LINK_GENERATION_MASK) == 0;
}

/* The values of `next` before and after there is a follower. */
static inline uint64_t link_unset(uint64_t self)
{
	return self;
}

static inline uint64_t link_closed(uint64_t self)
{
	return self | LINK_FLAG;
}

#endif
