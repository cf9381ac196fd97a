/* Bodies that do not fit a slot, in blocks of 19 size classes: 256 B << class, the last one with room
 * for attributes beside a body of 64 MiB.
 *
 * Each class has a region of its own (SEG_BODY_REGION), mapped by a process when it first needs it:
 * a table of one word a block, a bitmap of free blocks and one of extents without memory (hints), then
 * the blocks, by extents of 64 KiB or one block. The table's word is the truth:
 *
 *   HOLE (0) -> OWNED(row, serial) -> FREE -> USED(place) -> FREE ...      FREE -> OWNED -> HOLE
 *
 *   HOLE   no memory behind it. Zeroed memory says HOLE.
 *   OWNED  one process is giving it memory or taking it away; a dead one's is taken over.
 *   FREE   has memory, not used. Its bit should be set; a lost bit is found by the sweep.
 *   USED   belongs to the message at `place`. Live only while the slot there, at that generation, is
 *          not FREE; a block whose slot has moved on is an orphan and the sweep frees it.
 *
 * A kill leaves at worst an orphan (swept) or OWNED extents (taken over once their owner is dead).
 * All calls are lock-free: a stopped process holds at most the extent it was opening, or the
 * BODY_BATCH it was giving back.
 */
#ifndef SEG_BODIES_H
#define SEG_BODIES_H

#include "shm/layout.h"

struct segment;

enum {
	BODY_INDEX_BITS = 56, /* block name: class:8 | index + 1:56 */
#ifdef RL_EXPLORE
	BODY_EXTENT_BYTES = 512,
	BODY_STEP = 4,
	BODY_SPINS = 1,
#else
	BODY_EXTENT_BYTES = 64 * 1024,
	BODY_STEP = 512,   /* blocks: the first and least step of `backed` */
	BODY_SPINS = 4096, /* pauses of one batch to let the calls under way end */
#endif
	/* Lost tries of one call, each of them another handle's success; then -ENOSPC. */
	BODY_TRIES = SEG_ROW_COUNT,
	BODY_LARGE_BYTES = 64 * 1024,
	BODY_TURNS = 8,	 /* 16 gained less (docs/BENCHMARKS.md) */
	BODY_MISSES = 8, /* searches that a summary misled */
	BODY_BATCH = 16, /* extents given back together, at most BODY_BATCH_BYTES but at least one */
	BODY_BATCH_BYTES = 16 << 20,
	BODY_LOOKS = 1024, /* extents of a class looked at for one that is wholly free */
};

/* What all processes share of one class, in seg_header.bodies. */
struct body_words {
	/* Watermark: blocks whose table word and bits have memory. */
	_Alignas(128) atomic_u64 backed;
	/* Extents from here on were never opened. Only ever raised. A HOLE below it should have its bit;
	 * a lost one is found by the sweep. */
	atomic_u64 next;
	/* Set by who allocates when it is clear, cleared by the sweep: is the class in use? A hint. */
	atomic_u64 used;
};
_Static_assert(sizeof(struct body_words) * SEG_BODY_CLASS_COUNT <= sizeof(((struct seg_header *)0)->bodies),
	       "the words of all classes fit the header");

/* One process's view of the region of one class. */
struct body_region {
	unsigned char *base; /* NULL: not mapped yet */
	unsigned char *data; /* the first block */
	atomic_u64 *table;
	struct body_words *words;
	struct bitmap free, holes;
	uint64_t block_bytes;
	uint32_t blocks, per_extent;
	uint32_t backed; /* as last seen: it never falls */
	uint32_t class;
	uint32_t turn; /* for large blocks: which of the first to ask for */
};

/* Private view of the regions this process has mapped. */
struct bodies {
	struct body_region region[SEG_BODY_CLASS_COUNT];
};

/* Largest payload of any block. */
uint64_t body_bytes_max(void);

/* A block for `bytes` (1 .. body_bytes_max()), belonging to the message at `place` (slot.h), which must
 * already be WRITING or ARRIVING and ours. Returns its name (never 0) in `ret_block`. -ENOSPC when the
 * tmpfs or the class is full; then nothing is held, and what was free in other classes was given back
 * before. -ENOMEM: cannot map the class; RLQ_EDAMAGED. */
int body_allocate(struct segment *segment, uint64_t bytes, uint64_t place, uint64_t *ret_block);

/* Where a block lies and how much it can hold; NULL if the name is none or the block has no memory now:
 * damage, unless the slot that named it has changed meanwhile. Does not say whose it is.
 * The memory stays until our call ends (seg_leave), and longer for a message that is held in place or
 * not yet published; reading it later may raise SIGBUS. A handle without a row may not read it. */
void *body_at(struct segment *segment, uint64_t block, uint64_t *ret_bytes);

/* The same for a reader of the message at `place`: NULL also if the block is not that message's. */
void *body_of(struct segment *segment, uint64_t block, uint64_t place, uint64_t *ret_bytes);

/* Gives back memory of wholly free extents until `bytes` are given, unless a call that may still read them
 * goes on; for who finds the tmpfs full. Looks at a bounded number of extents. Returns the bytes given. To be
 * called inside a call that is not reading a body. */
uint64_t body_give_back(struct segment *segment, uint64_t bytes);

/* Fetches a block's word and its first bytes, of `bytes` in all, from memory, if its region is mapped: a hint. */
void body_prefetch(const struct segment *segment, uint64_t block, uint64_t bytes);

/* USED(place) -> FREE. Does nothing if the block is not that message's any more. */
void body_free(struct segment *segment, uint64_t block, uint64_t place);

/* USED(from) -> USED(to). False: it is not that message's. */
bool body_hand_over(struct segment *segment, uint64_t block, uint64_t from, uint64_t to);

/* Is this block USED by that place? For verify and for readers that check twice. */
bool body_belongs(struct segment *segment, uint64_t block, uint64_t place);

/* One step of the sweep over at most `budget` blocks, rounded up to whole extents (of at most 256
 * blocks), from where the last one ended (`cursor`, 0 to begin; 0 again when round): frees orphans,
 * takes over OWNED of the dead, sets lost bits, and gives back memory of extents that are wholly free
 * beyond `keep_bytes` per class, or `keep_idle_bytes` of a class that nobody has allocated from since the
 * last round, the highest ones, unless a call that may still read them goes on. `has_more` is set when
 * the next round may have more to give.
 * `is_live(context, place, block)` says whether the slot at `place` may still name `block`: its
 * generation is that one (as far as a place tells) and it is not FREE. A slot being written counts as
 * live though it names no block yet. Once no, the answer must stay no;
 * `is_dead(context, row, serial)` whether that handle is gone. Returns the bytes given back.
 * To be called inside a call (seg_enter), which keeps rings from going away, so that a place cannot
 * come back with another ring; the call must not be reading a body. */
struct body_sweep {
	bool (*is_live)(void *context, uint64_t place, uint64_t block);
	bool (*is_dead)(void *context, uint32_t row, uint32_t serial);
	void *context;
	uint64_t keep_bytes, keep_idle_bytes;
	bool has_more;
};
uint64_t body_sweep_step(struct segment *segment, struct body_sweep *sweep, uint64_t *cursor, uint32_t budget);

void bodies_unmap(struct bodies *bodies);

#endif
