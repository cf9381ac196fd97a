/* The lapped slot ring: positions, claim, publish, take, free.
 *
 * Position p = lap x N + slot. `tail` and `head` are monotonic hints that may be read stale (R1): the
 * slot's word alone decides. A slot FREE(g) may be claimed for any lap >= g and is freed to g + 1.
 *
 * Positions that are *used up* can never bring a message again: the slot's generation is greater than
 * their lap, or equal and the slot is not FREE (whoever made it something else than READY owes it a
 * redelivery bit). Producers and consumers therefore walk over used-up positions on a cursor of their
 * own and write the shared word only every CURSOR_LAG_MAX positions. Both try the slot at their own cursor
 * first, without reading the shared word (docs/adr/0006); walks begin at the later of the two. They differ
 * in what is left:
 *
 *   producer at t: FREE(g <= lap)  claim it
 *                  an older message: mark it, move the shared tail past it, so that consumers know
 *   consumer at h: READY(lap)      lease it
 *                  WRITING(lap)    after a short spin PASSED: its producer will set the bit
 *                  FREE(g <= lap), or an older message: if tail > h it is provably not coming but for
 *                  a producer that claims late; move the shared head past it, then look again ([R2]).
 *                  if tail <= h the ring has nothing more.
 *
 * A claim is *late* when its producer, after it, finds the shared tail past it. It loads head after the
 * publish ([R1], pairs with [R2]: publish-load against head-reread) and sets the redelivery bit if
 * head has gone by. Both checks are necessary: tests/interleave has the mutants.
 *
 * Long-occupied slots carry a mark in `kept`, set by the producer that stepped over them, so that tail
 * and head jump up to 64 positions. Who claims a slot with its mark still set clears the mark first
 * and counts as late: then a jump that believed the mark is answered by the same pair.
 *
 * Progress: lock-free. claim and take walk at most RING_STEPS_MAX positions or jumps a call. A kill
 * leaves fewer than two cursor lags of positions for others to walk over, or a WRITING slot (reaped).
 */
#ifndef RL_RING_H
#define RL_RING_H

#include "ring/bitmap.h"
#include "ring/crashpoint.h"
#include "ring/due.h"
#include "ring/marks.h"
#include "ring/tenants.h"

enum {
	RING_ORDER_MAX = 24, /* 16,777,216 slots: 10 M messages at 7/8 */
#ifdef RL_EXPLORE
	CURSOR_LAG_MAX = 2,
	RING_STEPS_MAX = 16,
	RING_LOOKS = 0,
	RING_LANES = 1,
#else
	CURSOR_LAG_MAX = 16,
	RING_STEPS_MAX = 4096,
	RING_LOOKS = 12,
	RING_LANES = 8, /* in which messages of noisy tenants are put aside */
#endif
	RING_HEAD_EVERY = 4, /* at least one take in this many starts at the head */
};

/* The two words everybody writes, each with its line (and the neighbour the prefetcher brings). */
struct ring_ends {
	_Alignas(128) atomic_u64 tail;
	_Alignas(128) atomic_u64 head;
};

/* One process's view of one ring; all pointers into shared memory. */
struct ring {
	struct ring_ends *ends;
	struct slot *slots;
	uint32_t order; /* log2 of the number of slots, 0 .. RING_ORDER_MAX */
	uint32_t mask;
	struct marks marks;  /* slots that have changed, for the journal; in rings of durable queues only */
	struct bitmap again; /* slots to look at for redelivery */
	struct bitmap kept;  /* slots that tail and head may jump over */
	struct bitmap aside[RING_LANES]; /* slots that head has passed, of noisy tenants */
	struct due due;
};

/* One handle's place in one ring. Private memory; zeroed is a good start. */
struct ring_cursor {
	uint64_t tail, head;
	uint64_t stepped; /* occupied positions met in a row since the last claim */
	uint32_t again;	  /* where to look for the next redelivery bit */
	uint32_t turn;
	uint32_t lane; /* where to look first for what was put aside, and where in each */
	uint32_t aside[RING_LANES];
	bool owes_wake; /* a claim has shown consumers a message that they may have passed: wake one */
};

/* Bytes of shared memory of a ring of 2^order slots, without its ends. Zeroed memory is empty. */
size_t ring_bytes(uint32_t order, bool has_marks);
void ring_place(struct ring *ret, struct ring_ends *ends, void *memory, uint32_t order, bool has_marks);

static inline uint32_t ring_slot_count(const struct ring *ring)
{
	return ring->mask + 1;
}

static inline bool ring_has_marks(const struct ring *ring)
{
	return ring->marks.words != NULL;
}

struct ring_claim {
	uint64_t position;
	uint32_t slot;
	bool late;
};

enum ring_result {
	RING_OK,
	RING_EMPTY, /* take: nothing to receive */
	RING_FULL,  /* claim: went once round, every slot is occupied */
	RING_BUSY,  /* walked RING_STEPS_MAX steps; call again, after other work */
	RING_DAMAGED,
};

/* More answers RING_BUSY than that in one call: head or tail is damaged. */
static inline uint32_t ring_busy_max(const struct ring *ring)
{
	return 64 + 64 * (ring_slot_count(ring) / RING_STEPS_MAX);
}

/* Claims one slot: FREE -> WRITING(owner). `owner` is owner_make(row, serial). */
enum ring_result ring_claim(const struct ring *ring, struct ring_cursor *cursor, uint64_t owner,
			    struct ring_claim *ret);
/* The same, for a copy that comes from another queue: FREE -> ARRIVING(owner), receive count kept. */
enum ring_result ring_claim_arriving(const struct ring *ring, struct ring_cursor *cursor, uint64_t owner,
				     uint32_t receives, struct ring_claim *ret);

/* Sets the next `count` positions aside for this cursor: the shared tail goes past them at once, and who does the
 * same meanwhile goes on behind them. So two that send many at a time do not meet at each slot. A hint like every
 * tail: the slots decide, and anybody may claim there. All claims there are late ones, so only for what nobody is
 * to receive yet. Tries a few times; then, or if the ring is damaged, nothing is set aside. */
void ring_claim_run(const struct ring *ring, struct ring_cursor *cursor, uint32_t count);

/* WRITING or PASSED -> READY. Linearisation point of send. RING_DAMAGED if the slot is not ours. */
static inline enum ring_result ring_publish(const struct ring *ring, const struct ring_claim *claim,
					    uint64_t owner);
/* WRITING or PASSED -> DELAYED until `due_ms` (64-bit clock). */
enum ring_result ring_publish_delayed(const struct ring *ring, const struct ring_claim *claim, uint64_t owner,
				      uint64_t due_ms);
/* WRITING or PASSED -> PENDING: sent, but nobody receives it before ring_durable(). `due_ms`: it is delayed
 * until then; 0: it is not. */
enum ring_result ring_publish_pending(const struct ring *ring, const struct ring_claim *claim, uint64_t owner,
				      uint64_t due_ms);
/* WRITING or PASSED -> FREE: the producer changed its mind. */
enum ring_result ring_abandon(const struct ring *ring, const struct ring_claim *claim, uint64_t owner);

struct ring_terms {
	uint64_t deadline_ms;  /* of the lease, 64-bit clock */
	uint32_t receives_max; /* 0: no limit */
	uint32_t viewer;       /* row that will read in place, or OWNER_NONE for a copy */
	/* Visibility timeout 0: counts as received, stays READY. Whoever took it sets its redelivery bit
	 * when its call is over, and says until then that it has it, so that one call does not take it twice.
	 * `has_taken` NULL: nobody asks. */
	bool stay_visible;
	bool (*has_taken)(void *context, uint64_t place);
	bool before_sleep; /* the caller sleeps if it hears EMPTY: look at every redelivery bit */
	/* Called before the lease of a reader in place, with the place it must publish (R9). */
	void (*hold)(void *context, uint64_t place);
	void *context;
	uint32_t ring_index;
	const struct tenants *tenants; /* what the noisy ones have is put aside; NULL: nobody is noisy */
};

struct ring_taken {
	uint32_t slot;
	struct slot_word word; /* as it is after the transition */
	bool is_dead;	       /* received too often: now DEAD, to be moved; not leased */
};

/* Leases one message: READY -> LEASED, receive count + 1. Linearisation point of receive. Not one that was put
 * aside: */
enum ring_result ring_take(const struct ring *ring, struct ring_cursor *cursor, const struct ring_terms *terms,
			   struct ring_taken *ret);
/* one of those, from the lanes in turn. Who hears EMPTY from the one before, and then from this, may sleep. */
enum ring_result ring_take_aside(const struct ring *ring, struct ring_cursor *cursor,
				 const struct ring_terms *terms, struct ring_taken *ret);

/* The same of the message in this slot, READY as read: READY -> LEASED, or DEAD if it was received too often
 * already. False: somebody else was faster, or it may not be leased. */
bool ring_lease(const struct ring *ring, uint32_t slot, struct slot_word ready, const struct ring_terms *terms,
		struct ring_taken *ret);

/* READY again after `from` (expiry, release, due delay, DLQ gone): CAS, then the bit. */
bool ring_make_ready(const struct ring *ring, uint32_t slot, struct slot_word from);
/* ARRIVING -> READY: a moved copy becomes receivable. */
bool ring_arrive(const struct ring *ring, uint32_t slot, struct slot_word from);
/* PENDING -> READY, or DELAYED if it was sent so. By the one who takes the marks, and so needs none; the
 * linearisation point of such a send. What is READY has to be looked at: adds its bit, of the 64 slots that it is
 * one of, to `again`, which the caller sets with ring_set_again_word() when it is through with them. */
bool ring_durable(const struct ring *ring, uint32_t slot, struct slot_word from, uint64_t *again);
/* The slots of `again` among the 64 that `slot` is one of, and at least one, are worth a look. */
void ring_set_again_word(const struct ring *ring, uint32_t slot, uint64_t again);
/* Keeps the state, LEASED or DELAYED, and sets a new end; or LEASED -> DELAYED (release with delay). */
bool ring_set_deadline(const struct ring *ring, uint32_t slot, struct slot_word from, enum slot_state to,
		       uint64_t deadline_ms);
/* Anything -> FREE of the next lap. Linearisation point of delete. The caller has made sure that
 * nobody reads in place. */
static inline bool ring_free(const struct ring *ring, uint32_t slot, struct slot_word from);

/* Says that slot i is worth a look. */
static inline void ring_set_again(const struct ring *ring, uint32_t slot)
{
	bitmap_set(&ring->again, slot);
}

static inline const struct bitmap *ring_lane(const struct ring *ring, uint32_t tenant)
{
	return &ring->aside[tenant % RING_LANES];
}

/* Is the message in slot i one that was put aside, and will be looked for there? A guess: the sweep comes again. */
static inline bool ring_is_aside(const struct ring *ring, uint32_t slot)
{
	return bitmap_guess(ring_lane(ring, slot_tenant(&ring->slots[slot])), slot);
}

/* What the journal keeps of this slot has changed: after each transition that changes it, here in ring/ and above.
 * What a kill before leaves, a full comparison finds (ring/marks.h). */
static inline void ring_mark(const struct ring *ring, uint32_t slot)
{
	if (__builtin_expect(ring_has_marks(ring), 0))
		marks_set(&ring->marks, slot);
}

/* Is the READY message in this slot one that the head will not meet again? Then the sweep sets its bit. */
static inline bool ring_is_behind_head(const struct ring *ring, uint32_t slot, struct slot_word word)
{
	/* relaxed: the sweep comes again */
	return (word_generation(word) << ring->order | slot) < load_relaxed(&ring->ends->head);
}

/* ---- the common case, inline ------------------------------------------------------------------
 *
 * ring_claim_next and ring_take_next try what a queue in steady traffic asks for: the slot at our own
 * cursor is as the lap says, and nothing has come back. Everything else walks (ring_claim, ring_take,
 * which begin with the same try). The steps that decide are written once, here. */

static inline uint64_t ring_lap(const struct ring *ring, uint64_t position)
{
	return (position >> ring->order) & GENERATION_MASK;
}

/* [K2] Clears the mark of a slot just claimed; a jump may have believed it. */
static inline bool ring_mark_was_set(const struct ring *ring, uint32_t slot)
{
	return bitmap_test(&ring->kept, slot) && bitmap_clear(&ring->kept, slot);
}

/* Claims the slot of position t. False: somebody else was faster. */
static inline __attribute__((always_inline)) bool ring_claim_slot(const struct ring *ring,
								  struct ring_cursor *cursor, uint64_t t,
								  struct slot_word from, struct slot_word to,
								  struct ring_claim *ret)
{
	uint32_t slot = (uint32_t)t & ring->mask;
	uint64_t tail;
	bool late;

	if (!slot_change(&ring->slots[slot], from, to))
		return false;
	CRASH_POINT(send_claimed);
	late = ring_mark_was_set(ring, slot);
	/* [A1] Had the tail gone past before the claim? Then a consumer may have passed an empty slot. */
	tail = load_seq(&ring->ends->tail);
	late = late || tail > t;
	cursor->tail = t + 1;
	cursor->stepped = 0;
	if (t + 1 >= tail + CURSOR_LAG_MAX) {
		raise_seq(&ring->ends->tail, t + 1); /* [A2] */
		CRASH_POINT(send_tail_moved);
	}
	*ret = (struct ring_claim){.position = t, .slot = slot, .late = late};
	return true;
}

/* False: the walk has to be asked. */
static inline __attribute__((always_inline)) bool ring_claim_next(const struct ring *ring,
								  struct ring_cursor *cursor, uint64_t owner,
								  struct ring_claim *ret)
{
	uint64_t t = cursor->tail, lap = ring_lap(ring, t);
	struct slot_word free = word_make(SLOT_FREE, lap, OWNER_NONE, 0, 0);
	struct slot_word claimed = word_make(SLOT_WRITING, lap, (uint32_t)owner, 0, (uint32_t)(owner >> 32));

	/* relaxed: a guess, the CAS decides */
	return load_relaxed(&ring->slots[t & ring->mask].word.low) == free.bits.low &&
	       ring_claim_slot(ring, cursor, t, free, claimed, ret);
}

/* The word of a slot that we have claimed, in another state. */
static inline struct slot_word ring_claimed_word(const struct ring *ring, const struct ring_claim *claim,
						 enum slot_state state, uint64_t owner)
{
	return word_make(state, ring_lap(ring, claim->position), (uint32_t)owner, 0, (uint32_t)(owner >> 32));
}

/* Published where head has gone by: the bit, and the mark. */
void ring_publish_again(const struct ring *ring, uint32_t slot) __attribute__((cold));
/* PASSED -> to. */
bool ring_leave_passed(const struct ring *ring, const struct ring_claim *claim, uint64_t owner,
		       struct slot_word to);

static inline enum ring_result ring_publish(const struct ring *ring, const struct ring_claim *claim, uint64_t owner)
{
	struct slot_word writing = ring_claimed_word(ring, claim, SLOT_WRITING, owner);
	struct slot_word ready = ring_claimed_word(ring, claim, SLOT_READY, OWNER_NONE);
	bool passed = false;

	/* [S3] Publishes the message; pairs with the acquire of [L1] and with the lease CAS. By the half
	 * that names us: the other one stays, being of no meaning before the first receive.
	 * Killed just before: WRITING, the reaper frees it. Just after: sent, though nobody heard so. */
	if (__builtin_expect(!slot_change_low(&ring->slots[claim->slot], writing, ready), 0)) {
		passed = true;
		if (!ring_leave_passed(ring, claim, owner, ready))
			return RING_DAMAGED;
	}
	CRASH_POINT(send_published);
	/* [R1] A late claim asks whether head has gone by; pairs with [R2] in look_again(). */
	if (passed || (claim->late && load_seq(&ring->ends->head) > claim->position))
		ring_publish_again(ring, claim->slot);
	else
		ring_mark(ring, claim->slot);
	return RING_OK;
}

/* [T1] Takes the message; acquire pairs with [S3]. Linearisation point of receive. Killed just after: the
 * lease ends by time. False: the word has changed. */
static inline bool ring_lease_slot(const struct ring *ring, uint32_t slot, struct slot_word ready,
				   struct slot_word leased, const struct ring_terms *terms)
{
	if (!slot_change(&ring->slots[slot], ready, leased))
		return false;
	CRASH_POINT(receive_leased);
	if (!terms->stay_visible)
		due_lower(&ring->due, slot, terms->deadline_ms);
	ring_mark(ring, slot); /* the receive count */
	return true;
}

/* The message at our cursor, if nobody has received it yet and it is to be copied. False: the walk has to
 * be asked. */
static inline bool ring_take_next(const struct ring *ring, struct ring_cursor *cursor,
				  const struct ring_terms *terms, struct ring_taken *ret)
{
	uint64_t h = cursor->head;
	uint32_t index = (uint32_t)h & ring->mask;
	struct slot *slot = &ring->slots[index];
	struct slot_word word, leased;

	word.bits.low = load_acquire(&slot->word.low); /* [T1] */
	if (word.bits.low != word_make(SLOT_READY, ring_lap(ring, h), OWNER_NONE, 0, 0).bits.low ||
	    bitmap_any(&ring->again) || terms->viewer != OWNER_NONE || terms->stay_visible ||
	    (terms->tenants != NULL && tenant_is_noisy(terms->tenants, slot_tenant(slot))))
		return false;
	word.bits.high = load_relaxed(&slot->word.high); /* relaxed: behind the low half, as [L1] */
	leased = word_with_deadline(word_with_state(word, SLOT_LEASED), (uint32_t)terms->deadline_ms);
	leased.bits.high += 1; /* the receive count */
	if (word_receives(word) != 0 || !ring_lease_slot(ring, index, word, leased, terms))
		return false;
	cursor->head = h + 1;
	/* [Q1] Written down now and then, so that others need not walk there. */
	if ((h + 1) % CURSOR_LAG_MAX == 0) {
		raise_release(&ring->ends->head, h + 1);
		CRASH_POINT(receive_head_moved);
	}
	*ret = (struct ring_taken){.slot = index, .word = leased};
	return true;
}

static inline bool ring_free(const struct ring *ring, uint32_t slot, struct slot_word from)
{
	/* [F1] Killed just before: the message is still there. Just after: gone, its mark at most stale. */
	if (!slot_change(&ring->slots[slot], from, word_freed(from)))
		return false;
	CRASH_POINT(delete_freed);
	if (bitmap_guess(&ring->kept, slot))
		bitmap_clear(&ring->kept, slot);
	CRASH_POINT(delete_mark_cleared);
	ring_mark(ring, slot);
	return true;
}

#endif
