/* One slot: 128 bytes that hold a message and the word that decides its fate.
 *
 * The state word is 16 bytes and changes only by one compare-and-swap (docs/adr/0001):
 *
 *   low   generation:48 | owner:12 | state:4          high   deadline_ms:32 | receives:32
 *
 * generation  the lap of the ring in which the slot was last claimed (while FREE: the first lap in
 *             which it may be claimed). 48 bits: at 50 M messages/s through a ring of 1,024 slots
 *             one slot is claimed 48,828 times a second, so it wraps after 182 years.
 * owner       row of the process that owes the next step, in WRITING, PASSED, MOVING, ARRIVING;
 *             in READY, LEASED, HELD: who reads the body in place (0 nobody, OWNER_MANY several);
 *             in PENDING: what it becomes once durable, PENDING_READY or PENDING_DELAYED.
 * receives    the receive count = lease epoch, raised only by the lease. 32 bits: 50 M receives/s
 *             of one message wrap it after 86 s, but a message dies of retention after at most
 *             14 days and one slot is received by a real consumer at most some 10 M/s; a receipt
 *             is also refused when the message id differs. A lease at UINT32_MAX is refused.
 * deadline_ms low 32 bits of the clock (CLOCK_BOOTTIME in ms) at which a lease or delay ends;
 *             compared modulo 2^32, good for 24.8 days either way; retention ends at 14. READY keeps
 *             the last one: when it became visible. PENDING_DELAYED has its due time here. In the states
 *             that have an owner this field is the serial of the owner's row, so that a row can be used
 *             again at once: an owner whose row has another serial by now is gone. In MOVED, and HELD after
 *             it, the whole high half is the place of the copy; else in HELD, the turn of the journal in
 *             which it was deleted, see word_held().
 *
 *                        claim                publish
 *        .------> FREE --------> WRITING ------------------> READY <---------------.
 *        |          \               | passed by    publish ^ ^ |  | lease          | expire,
 *        |           \              v a consumer           | | |  v                | release
 *        |            \           PASSED ------------------' | |  LEASED ----------'
 *        |             \            |                   due  | |   |   \  release with delay
 *        |              \           '--publish--> DELAYED ---' |   |    '-----> DELAYED
 *        |               \                                     |   |
 *        |   delete, purge (also DEAD, MOVING), retention      |   |
 *        |<---------------+------------------------------------|---'
 *        |                |                                    | received too often
 *        |   last reader, v                                    v          DLQ gone
 *        |<- journal -- HELD                                 DEAD ----------------> READY
 *        |                                                     |  ^
 *        |                                               move  v  | mover died, DLQ full
 *        |    source freed                                   MOVING
 *        |<---------------------------- MOVED <----------------'
 *        |                                        decided: names its copy
 *        |    origin is not MOVED here
 *        '--------------------------- ARRIVING (in the DLQ) ---> READY    source is MOVED
 *
 *      sync queues: WRITING, PASSED --publish--> PENDING --durable--> READY, or DELAYED if sent so
 *                                                 PENDING --taken back by its sender--> FREE
 *
 * Who may make a transition, and what a kill leaves (before | after):
 *   claim    producer              slot free | WRITING of a dead owner: reaped to FREE
 *   publish  its owner only        as above  | message sent (linearisation point of send)
 *   durable  engine                PENDING, received by nobody, whoever has died: found by the engine that
 *                                  takes over | as sent; READY without bit: the sweep sets it
 *   take back  its sender          as above; when the journal had no room for it | gone, never to be sent
 *   pass     who moves head past   -         | producer sees PASSED at publish and sets the bit
 *   lease    any consumer          visible   | leased, ends by time (linearisation of receive)
 *   expire   anybody, by the clock leased, another reaper does it | READY without bit: the sweep sets it
 *   delete   the last lease's holder  leased, visible again, DEAD, MOVING | gone (linearisation of delete);
 *                                  of MOVING: its mover cannot decide, and frees the copy
 *   MOVING   consumer or engine    DEAD, by a redrive READY | the same again once its owner is dead
 *   MOVED    its owner only        MOVING    | decided: anybody finishes the move
 * PENDING has no owner: neither time nor death ends it, only the engine does, or its sender. DONE is never entered.
 *
 * In queues that have a journal, who makes a transition that the journal must know of also marks the slot
 * (ring_mark(), ring/marks.h); a kill in between leaves a slot that a full comparison finds. There every message
 * goes through HELD: while the journal gathers, what is deleted stays until it has been read (shm/durable.h).
 *
 * Every transition of the data plane is one CAS, so none of these functions waits. The loser of a
 * CAS reads the word again; slot_* functions try once and report.
 */
#ifndef RL_SLOT_H
#define RL_SLOT_H

#include "ring/atomic.h"

#include <stddef.h>

/* State codes are part of the segment's ABI. */
enum slot_state {
	SLOT_FREE = 0,
	SLOT_WRITING,
	SLOT_PASSED,
	SLOT_PENDING,
	SLOT_READY,
	SLOT_LEASED,
	SLOT_DELAYED,
	SLOT_DEAD,
	SLOT_MOVING,
	SLOT_MOVED,
	SLOT_ARRIVING,
	SLOT_DONE,
	SLOT_HELD,
	SLOT_STATE_COUNT,
};

enum {
	OWNER_NONE = 0,
	OWNER_MANY = 0xfff, /* several readers in place: look at every row */
	/* In the owner's place in HELD, of FIFO queues: a duplicate, or taken back; the journal knows of its id. */
	OWNER_NEVER = 0xffe,
	OWNER_SEEN = 0xffd,
	PENDING_READY = 0, /* in the owner's place, while PENDING */
	PENDING_DELAYED = 1,
	SLOT_INLINE_BYTES = 64,
	SLOT_BYTES = 128,
};

#define GENERATION_BITS 48
#define GENERATION_MASK ((UINT64_C(1) << GENERATION_BITS) - 1)

/* A slot's word, taken apart. `high` is kept whole for MOVED. */
struct slot_word {
	struct pair128 bits;
};

/* What the message says of itself. Written by the producer while WRITING, read after a lease;
 * `first_receive_ms` is the one field a consumer writes. A torn read is found by reading the state
 * word again (R9), so plain accesses are enough, made through memcpy-like copies in shm/.
 *
 * A consumer that was stopped just before that store makes it late, into another message of the slot. So
 * the field is a time, not a distance: its lease was before the other message was sent, and readers leave
 * a time that is not between sent and now alone. Nobody reads it of a message received once or never. What
 * may pass for right: a stop of over 24 days, a wall clock set back meanwhile, a copy in a DLQ, whose
 * sent time is that of the original; it is then the first receive that is wrong, and nothing else. */
struct slot_message {
	uint64_t id[2];
	uint64_t sent;		   /* turn:22 | wall clock:42, see sent_pack() */
	uint32_t first_receive_ms; /* low half of the wall clock, as in `sent` */
	uint32_t body_bytes;
	uint32_t extra_bytes; /* attributes and notes that follow the body in its block */
	uint32_t sender;      /* uid of the sending process */
	uint64_t block;	      /* of the body, and the tenant: see block_of() */
	unsigned char inline_bytes[SLOT_INLINE_BYTES];
};

struct slot {
	struct word128 word;
	struct slot_message message;
};

/* slot_message.block: class:8 | 0:4 | tenant:12 | index:40. Without the tenant it is the block's name
 * (shm/bodies.h), 0 if the body is inline. A tenant of 0 is nobody (ring/tenants.h). */
#define BLOCK_TENANT_SHIFT 40
#define BLOCK_TENANT_MASK (UINT64_C(0xfff) << BLOCK_TENANT_SHIFT)

static inline uint64_t block_of(uint64_t word)
{
	return word & ~BLOCK_TENANT_MASK;
}

static inline uint32_t block_tenant(uint64_t word)
{
	return (uint32_t)((word & BLOCK_TENANT_MASK) >> BLOCK_TENANT_SHIFT);
}

static inline uint64_t block_with_tenant(uint64_t block, uint32_t tenant)
{
	return block_of(block) | (uint64_t)tenant << BLOCK_TENANT_SHIFT;
}

_Static_assert(sizeof(struct slot) == SLOT_BYTES, "a slot is two cache lines");
_Static_assert(offsetof(struct slot, message.inline_bytes) == 64, "inline bytes have a line of their own");

/* A place names one message of a queue in 64 bits: ring:3 | slot:24 | generation:37. The generation
 * is cut, so a place is only followed together with a state that makes it fresh. 0 is "none":
 * `used` is the top bit of the generation field, always set. */
struct place {
	uint32_t ring, slot;
	uint64_t generation;
};
#define PLACE_GENERATION_MASK ((UINT64_C(1) << 36) - 1)

static inline uint64_t place_pack(uint32_t ring, uint32_t slot, uint64_t generation)
{
	return (UINT64_C(1) << 63) | (generation & PLACE_GENERATION_MASK) << 27 | (uint64_t)(slot & 0xffffff) << 3 |
	       (ring & 7);
}

static inline struct place place_unpack(uint64_t packed)
{
	return (struct place){
		.ring = packed & 7,
		.slot = (uint32_t)(packed >> 3) & 0xffffff,
		.generation = (packed >> 27) & PLACE_GENERATION_MASK,
	};
}

static inline struct slot_word word_make(enum slot_state state, uint64_t generation, uint32_t owner,
					 uint32_t receives, uint32_t deadline_ms)
{
	return (struct slot_word){{
		.low = generation << 16 | (uint64_t)(owner & 0xfff) << 4 | state,
		.high = (uint64_t)deadline_ms << 32 | receives,
	}};
}

static inline enum slot_state word_state(struct slot_word w)
{
	return (enum slot_state)(w.bits.low & 15);
}

static inline uint32_t word_owner(struct slot_word w)
{
	return (uint32_t)(w.bits.low >> 4) & 0xfff;
}

static inline uint64_t word_generation(struct slot_word w)
{
	return w.bits.low >> 16;
}

static inline uint32_t word_receives(struct slot_word w)
{
	return (uint32_t)w.bits.high;
}

static inline uint32_t word_deadline_ms(struct slot_word w)
{
	return (uint32_t)(w.bits.high >> 32);
}

/* Who owes the next step: a row and the serial of its user. */
static inline uint64_t owner_make(uint32_t row, uint32_t serial)
{
	return (uint64_t)serial << 32 | row;
}

static inline uint32_t word_serial(struct slot_word w)
{
	return word_deadline_ms(w);
}

/* The same word in another state; owner and high half kept. */
static inline struct slot_word word_with_state(struct slot_word w, enum slot_state state)
{
	w.bits.low = (w.bits.low & ~UINT64_C(15)) | state;
	return w;
}

static inline struct slot_word word_with_owner(struct slot_word w, uint32_t owner)
{
	w.bits.low = (w.bits.low & ~UINT64_C(0xfff0)) | (uint64_t)(owner & 0xfff) << 4;
	return w;
}

static inline struct slot_word word_with_deadline(struct slot_word w, uint32_t deadline_ms)
{
	w.bits.high = (w.bits.high & 0xffffffff) | (uint64_t)deadline_ms << 32;
	return w;
}

static inline struct slot_word word_with_generation(struct slot_word w, uint64_t generation)
{
	w.bits.low = (w.bits.low & 0xffff) | generation << 16;
	return w;
}

/* FREE, to be claimed from the next lap on. */
static inline struct slot_word word_freed(struct slot_word w)
{
	return word_make(SLOT_FREE, (word_generation(w) + 1) & GENERATION_MASK, OWNER_NONE, 0, 0);
}

/* HELD: deleted, while somebody may still look at it. A deadline means nothing any more; in its place the journal
 * finds the turn that had begun before the delete, 31 bits of it. What was MOVED keeps the place of its copy, of
 * which the top bit is set. */
static inline struct slot_word word_held(struct slot_word w, uint64_t turn)
{
	if (word_state(w) != SLOT_MOVED)
		w = word_with_deadline(w, (uint32_t)turn & INT32_MAX);
	return word_with_state(w, SLOT_HELD);
}

static inline bool word_was_moved(struct slot_word w)
{
	return word_state(w) == SLOT_MOVED || (word_state(w) == SLOT_HELD && w.bits.high >> 63);
}

static inline bool word_was_held_in(struct slot_word w, uint64_t turn)
{
	return word_state(w) == SLOT_HELD && word_deadline_ms(w) == ((uint32_t)turn & INT32_MAX);
}

/* When a message was sent: the wall clock, ms since 1970, until the year 2109; and the turn of the journal that had
 * begun before. Of a turn 22 bits: a sender would have to stop for exactly 2^22 turns, 7 minutes at the least,
 * between two instructions to be taken for one of the present turn; it would be journaled one turn late, and if the
 * queue is async and it waited for a turn, that one would not have it. */
#define SENT_MS_BITS 42

static inline uint64_t sent_pack(uint64_t wall_ms, uint64_t turn)
{
	return turn << SENT_MS_BITS | (wall_ms & ((UINT64_C(1) << SENT_MS_BITS) - 1));
}

static inline uint64_t sent_ms(uint64_t sent)
{
	return sent & ((UINT64_C(1) << SENT_MS_BITS) - 1);
}

static inline bool sent_is_of_turn(uint64_t sent, uint64_t turn)
{
	return (sent ^ turn << SENT_MS_BITS) >> SENT_MS_BITS == 0;
}

/* How many turns ago, modulo 2^22. */
static inline uint64_t sent_turns_ago(uint64_t sent, uint64_t turn)
{
	return ((turn << SENT_MS_BITS) - (sent - sent_ms(sent))) >> SENT_MS_BITS;
}

/* Is `deadline_ms` at or before `now_ms`? Both cut to 32 bits. */
static inline bool deadline_is_past(uint32_t deadline_ms, uint32_t now_ms)
{
	return (int32_t)(now_ms - deadline_ms) >= 0;
}

/* [L1] Reads the word. The halves are read one after the other, so the pair may never have existed;
 * a CAS from it then fails. Where no CAS follows, use slot_read_stable. Acquire pairs with the CAS
 * of every transition: who sees READY sees the message. The low half is loaded seq_cst: it is the later end of
 * store-load pairs ([R2], [K1], [S4], [D2], [H2]), and an acquire load (LDAPR on arm64, never mind C11) may be
 * served before the store that it comes after. On x86 both are the same instruction. */
static inline struct slot_word slot_read(const struct slot *slot)
{
	uint64_t low = load_seq(&slot->word.low);

	/* relaxed: behind the low half, which acquires */
	return (struct slot_word){{.low = low, .high = load_relaxed(&slot->word.high)}};
}

/* [L2] Reads a pair of which this is true: when `high` was read, `low` was the value before or
 * after. For a holder that asks "still (generation, LEASED) with my receive count?" this is exact:
 * receives never falls within a generation. Tries `tries` times; the word of a message that
 * changes under us so often is not ours any more, and the last reading says so. */
static inline struct slot_word slot_read_stable(const struct slot *slot)
{
	struct slot_word w = slot_read(slot);

	for (int tries = 0; tries < 4; tries++) {
		/* [L2] relaxed: not older than what `high` was read with */
		uint64_t low = load_relaxed(&slot->word.low);

		if (low == w.bits.low)
			break;
		w = slot_read(slot);
	}
	return w;
}

/* [R9] Does the lease still stand by which the bytes of the slot were just read? The fence keeps the looks behind
 * the bytes ([C1] keeps the bytes of the next message behind its claim). The low half alone says that they were
 * not freed up to now; read before the high half, which says that nobody has received the message since. */
static inline bool slot_is_leased_as(const struct slot *slot, struct slot_word leased)
{
	struct slot_word now;

	fence_acquire();
	now = slot_read(slot);
	return now.bits.low == leased.bits.low && word_receives(now) == word_receives(leased);
}

/* [C2] Changes generation, owner and state, and leaves the high half as it is; for an owner who knows
 * that nobody else looks at that half. */
static inline bool slot_change_low(struct slot *slot, struct slot_word from, struct slot_word to)
{
	return cas_seq(&slot->word.low, from.bits.low, to.bits.low);
}

/* [C1] The way in which a state changes. */
static inline bool slot_change(struct slot *slot, struct slot_word from, struct slot_word to)
{
	return cas128_seq(&slot->word, from.bits, to.bits);
}

/* [C1] The same where only the state is news. */
static inline bool slot_change_relaxed(struct slot *slot, struct slot_word from, struct slot_word to)
{
	return cas128_relaxed(&slot->word, from.bits,
			      to.bits); /* relaxed: as said; publish stays the head of the release sequence */
}

/* Takes the cache line of the inline bytes for ourselves, by a write that changes nothing. If consumers
 * only read it, the line stays shared with the core of the last producer, and the next one must wait
 * for it to be given up while it writes: 2.3 to 4.6 times the cost of a message (docs/BENCHMARKS.md). */
static inline void slot_own_inline(struct slot *slot)
{
	fetch_or_relaxed((atomic_u64 *)(void *)slot->message.inline_bytes, 0); /* relaxed: changes nothing */
}

#endif
