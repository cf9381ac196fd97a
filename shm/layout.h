/* The segment: every byte that processes share, and where it lies. Format version 1.
 *
 *   offset          bytes     what
 *   0               16 KiB    struct seg_header (allocated whole)
 *   SEG_ROWS        256 KiB   struct seg_row x 1,024 (allocated 16 rows at a time)
 *   SEG_TENANTS     16 KiB    TENANT_COUNT counts (allocated by the first send with a group id; shm/tenants.h)
 *   SEG_RINGS       8 regions of SEG_RING_REGION bytes, a ring of 2^order slots at the start of each
 *   SEG_TABLES      12 regions of SEG_TABLE_REGION bytes, in FIFO queues: of groups, tokens, ids (shm/tables.h)
 *   SEG_BODIES      19 regions of SEG_BODY_REGION bytes, one a size class (shm/bodies.h)
 *   SEG_CELLS       as SEG_RINGS, in FIFO queues: where a ring has a slot, SLOT_BYTES for a small payload
 *
 * The file is sparse: it is made as long as the sum (about 657 GiB) and only what is used has memory.
 * All places follow from indexes, so there are no offsets in shared memory that could be damaged.
 *
 * To change the format: raise SEG_ABI_MINOR if older code may still use the segment (new field in
 * spare space, zero meaning "as before"), SEG_ABI_MAJOR if not, and SEG_FEATURES for what older code
 * must know of. Segments do not outlive a boot, so there is no conversion: a segment of another major
 * version is refused by name until it is removed.
 */
#ifndef SEG_LAYOUT_H
#define SEG_LAYOUT_H

#include "ring/dedup.h"
#include "ring/ring.h"

#define SEG_MAGIC "RINGLEAS"
enum {
	SEG_ABI_MAJOR = 1,
	SEG_ABI_MINOR = 0,
	SEG_NAME_MAX = 80,
	SEG_ROW_COUNT = 1024,
	SEG_ROWS_STEP = 16,
	SEG_HOLD_COUNT = 16,
	SEG_RING_COUNT = 8,
	SEG_TABLE_COUNT = 12, /* 4 of groups, 4 of tokens, 4 of ids */
	SEG_TABLE_KINDS = 3,
	SEG_REGION_COUNT = SEG_RING_COUNT + SEG_TABLE_COUNT,
	SEG_HEADER_BYTES = 16384,
	SEG_BODY_CLASS_COUNT = 19,
	SEG_TARGET_COUNT = 8,
	SEG_ATTEMPT_COUNT = 128,
	SEG_ORDER_FIRST = 10, /* a queue begins with 1,024 slots */
};
/* Bits of what a reader must understand; a segment has those that it needs. */
#define SEG_FEATURE_FIFO UINT64_C(1)
#define SEG_FEATURES SEG_FEATURE_FIFO

#define SEG_ROWS ((uint64_t)SEG_HEADER_BYTES)
#define SEG_TENANTS (UINT64_C(512) << 10)
#define SEG_TENANTS_BYTES (TENANT_COUNT * sizeof(atomic_u32))
#define SEG_RINGS (UINT64_C(1) << 20)
#define SEG_RING_REGION ((UINT64_C(2) << 30) + (UINT64_C(32) << 20)) /* ring_bytes(24, true) fits */
#define SEG_TABLES (SEG_RINGS + SEG_RING_COUNT * SEG_RING_REGION)
#define SEG_TABLE_REGION ((UINT64_C(1) << 30) + (UINT64_C(2) << 20))	/* dedup_table_bytes(24) fits */
#define SEG_MAP_BYTES (SEG_TABLES + SEG_TABLE_COUNT * SEG_TABLE_REGION) /* mapped at once */
#define SEG_BODIES (UINT64_C(32) << 30)
#define SEG_BODY_REGION (UINT64_C(32) << 30) /* mapped when first used */
#define SEG_CELLS (SEG_BODIES + SEG_BODY_CLASS_COUNT * SEG_BODY_REGION)
#define SEG_CELLS_BYTES (SEG_RING_COUNT * SEG_RING_REGION) /* mapped at once, in FIFO queues */
#define SEG_FILE_BYTES (SEG_CELLS + SEG_CELLS_BYTES)

/* Never changes after creation; kept twice, so that a flipped bit is noticed. */
struct seg_identity {
	char magic[8];
	uint16_t abi_major, abi_minor;
	uint32_t header_bytes;
	uint64_t features;
	unsigned char boot_id[16];
	uint64_t incarnation; /* random, never 0; part of every receipt */
	uint64_t created_ms;  /* wall clock */
	uint64_t capacity;
	uint32_t order_max; /* of the largest ring the capacity needs */
	uint32_t placement, placement_node;
	uint32_t mode, group;
	char name[SEG_NAME_MAX + 4];
	uint32_t durability; /* enum rlq_durability */
	uint32_t type;	     /* enum rlq_type */
	uint64_t dedup_max;  /* of a FIFO queue */
	uint64_t dedup_seed; /* of the hashes of its deduplication ids: the same after a reboot */
	char spare[64];
};
_Static_assert(sizeof(struct seg_identity) == 256, "identity");

/* Attributes that can change: one word each, read when needed, set one by one. */
enum seg_attribute {
	ATTRIBUTE_VISIBILITY_MS,
	ATTRIBUTE_DELAY_MS,
	ATTRIBUTE_RETENTION_MS,
	ATTRIBUTE_WAIT_MS,
	ATTRIBUTE_BYTES_MAX,
	ATTRIBUTE_RECEIVES_MAX,
	ATTRIBUTE_OVERDUE_MS,
	/* While RECEIVES_MAX is not 0: 1 or 2, the DLQ is dlq_name[that - 1]; a setter writes the other one first.
	 * 0: there has never been one. */
	ATTRIBUTE_DLQ,
	ATTRIBUTE_MODIFIED_MS,
	ATTRIBUTE_JOURNAL_BYTES_MAX, /* of live messages in the journal; 0: no limit */
	ATTRIBUTE_CONTENT_DEDUP,     /* these three of FIFO queues only */
	ATTRIBUTE_DEDUP_SCOPE,
	ATTRIBUTE_DEDUP_WINDOW_MS,
	ATTRIBUTE_COUNT = 16,
};

/* How much of something has memory, with its complement, so that a flipped bit is noticed and nobody
 * touches what was never allocated. Only ever raised. Zero: nothing yet. */
static inline uint64_t watermark_pack(uint32_t count)
{
	return count ? (uint64_t)~count << 32 | count : 0;
}

static inline bool watermark_is_sound(uint64_t word)
{
	return word == watermark_pack((uint32_t)word);
}

/* The list of rings in one word, so that appending and retiring are one CAS each:
 *   removed:1 | count:4 | version:27 | eight indexes of 4 bits, the oldest lowest
 * A version is never met again while a call lasts: 2^27 appends of at least 10 us each. */
#define RINGS_REMOVED (UINT64_C(1) << 63)

static inline uint32_t rings_count(uint64_t rings)
{
	return (uint32_t)(rings >> 59) & 15;
}

static inline uint32_t rings_version(uint64_t rings)
{
	return (uint32_t)(rings >> 32) & 0x7ffffff;
}

static inline uint32_t rings_at(uint64_t rings, uint32_t position)
{
	return (uint32_t)(rings >> (position * 4)) & 15;
}

/* Is ring region `index` on the list? */
static inline bool rings_contain(uint64_t rings, uint32_t index)
{
	for (uint32_t i = 0; i < rings_count(rings) && i < SEG_RING_COUNT; i++)
		if (rings_at(rings, i) == index)
			return true;
	return false;
}

static inline uint64_t rings_make(uint32_t count, uint32_t version, uint32_t list)
{
	return (uint64_t)count << 59 | (uint64_t)(version & 0x7ffffff) << 32 | list;
}

/* A region of a ring or a table: who uses it, and for which one.
 *   low   state:4 | order:8 | row:12 | complement of order:8        high   ring id:32 | row serial:32
 *   EMPTY -> BUSY(row) -> LIVE -> (unlisted) BUSY(row) -> EMPTY
 * BUSY belongs to one process, which builds or gives back; a dead one's is taken over. The order says how
 * much of the region has memory, and tmpfs cannot be asked (it calls a page a hole until it is touched);
 * hence it is kept twice. */
enum region_state { REGION_EMPTY, REGION_BUSY, REGION_LIVE };
#define REGION_ORDER_BITS UINT64_C(0xff000ff0)

static inline uint64_t region_order_pack(uint32_t order)
{
	return (uint64_t)order << 4 | (uint64_t)(~order & 0xff) << 24;
}

/* The order in the low word of a region; UINT32_MAX if the two copies disagree. */
static inline uint32_t region_order(uint64_t low)
{
	uint32_t order = (uint32_t)(low >> 4) & 0xff;

	return (low & REGION_ORDER_BITS) == region_order_pack(order) ? order : UINT32_MAX;
}

/* One handle of one process. The counters belong to the row, not to the process: they only grow (but for a send
 * that is taken back), and the next user of the row goes on from where they stand, so nothing has to be folded when
 * it dies. */
struct seg_row {
	/* low: serial:32 | used:1; high: key of the process. One CAS takes or frees a row. */
	struct word128 user;
	atomic_u64 view; /* the rings word this handle's call works with; 0: not in a call */
	atomic_u64 pid;	 /* to be shown, proves nothing */
	atomic_u64 spare[4];
	/* [counters] written by the row's user only */
	atomic_u64 sent, left; /* messages put in and gone for good; live = sum(sent) - sum(left) */
	atomic_u64 received, deleted, redelivered, moved, expired;
	atomic_u64 spare_count;
	/* Places of messages read in place (R9); 0: unused. */
	atomic_u64 holds[SEG_HOLD_COUNT];
};
_Static_assert(sizeof(struct seg_row) == 256, "a row is four lines");

/* A receive attempt of a FIFO queue (client/attempts.c). */
struct seg_attempt {
	atomic_u64 key;	  /* hash of its id */
	atomic_u64 nonce; /* new each time */
	atomic_u64 stamp; /* boot clock:48 | messages:16; 0: not complete */
	atomic_u64 spare;
};

struct seg_header {
	struct seg_identity identity, mirror;
	atomic_u64 attribute[ATTRIBUTE_COUNT];
	char dlq_name[2][SEG_NAME_MAX + 8];
	atomic_u64 wanted; /* raised by who wants a sweep: settings have changed, a dead handle's row was freed */

	/* Read by every call, written seldom. */
	_Alignas(128) atomic_u64 rings;
	atomic_u32 consumers;	  /* eventcount of sleeping consumers */
	atomic_u32 producers;	  /* eventcount of producers waiting for room */
	atomic_u64 viewers;	  /* set for good once anybody has received in place */
	atomic_u64 sends_refused; /* errno by which the journal has no room for messages to this queue; 0: it has */
	atomic_u64 tenants; /* watermark: counts of tenants that have memory; set for good by the first group id */

	_Alignas(128) atomic_u64 row_high; /* watermark: rows 1 .. that have memory */
	atomic_u64 row_used;		   /* about how many are in use; counted anew by the sweep */
	atomic_u64 ring_next;		   /* id of the next ring, from 1 */
	atomic_u64 live_correction;	   /* added to the sum of the rows, modulo 2^64 */
	atomic_u64 sweep_ms;		   /* when a full sweep last began, boot clock */
	atomic_u64 region_steps;	   /* counts steps of making rings and giving them back */
	atomic_u64 journaled_by;	   /* key of the process that last journaled this queue; 0: none has */
	atomic_u64 dlq_error;		   /* negated code of the last failed move */
	atomic_u64 window[2];		   /* of the even and the odd turns (shm/window.c) */
	/* Numbers of the files that messages were ever moved to; 0: none yet, UINT64_MAX: any (move.c). */
	atomic_u64 move_target[SEG_TARGET_COUNT];

	_Alignas(128) struct word128 region[SEG_REGION_COUNT];
	struct ring_ends ends[SEG_RING_COUNT];

	/* FIFO queues (shm/tables.h): a list of tables for each kind, like `rings`, by their regions among those of
	 * their kind; the ends of each table of tokens. */
	_Alignas(128) atomic_u64 tables[SEG_TABLE_KINDS];
	_Alignas(128) atomic_u64 sequence; /* the last number that a message was given */
	struct ring_ends tokens[SEG_TABLE_COUNT / SEG_TABLE_KINDS];
	struct dedup_marks dedup;
	struct seg_attempt attempt[SEG_ATTEMPT_COUNT];

	_Alignas(128) unsigned char bodies[4096]; /* shm/bodies.h */
};
_Static_assert(sizeof(struct seg_header) <= SEG_HEADER_BYTES, "header");

/* One page a directory, DIR/.engine: is somebody reaping? */
struct seg_engine_page {
	char magic[8];
	atomic_u64 awake_by_ms; /* boot clock: the engine looks at all queues again by then */
	atomic_u32 bell;	/* eventcount: rings the engine awake */
	uint32_t spare;
	atomic_u64 key; /* of the engine's process */
	atomic_u64 pid;

	/* The journal's turns (shm/durable.h). Read by all who wait, written once a turn. */
	_Alignas(128) atomic_u64 journal_key; /* of the process that journals; 0: none */
	atomic_u64 journal_error;	      /* why it takes nothing at present, negated; 0: it does */
	atomic_u64 turn_begun, turn_gathered, turn_done;
	atomic_u32 durable[2]; /* eventcounts of those who wait for an even turn, and for an odd one */
	/* Written by clients, once a turn. */
	_Alignas(128) atomic_u64 turn_wanted, turn_urgent;
	/* When the turn was first wanted, boot clock: the even ones and the odd ones. Of all that is not durable,
	 * the oldest was changed no earlier. */
	atomic_u64 wanted_since_ms[2];
	atomic_u32 journal_bell; /* eventcount: the journal's thread sleeps on it */
	uint32_t bell_spare;
	/* Compaction that is asked for: a number, and the one that is done. The journal's size as of the last turn.
	 */
	_Alignas(128) atomic_u64 compact_asked;
	atomic_u64 compact_done;
	atomic_u64 journal_files, journal_bytes, journal_live_bytes;
	/* Bytes moved to durable queues, by turns as those of a window (shm/window.h). */
	atomic_u64 moved[2];
};

enum {
	ENGINE_PATIENCE_MS = 10,    /* an engine later than this is not prompt */
	ENGINE_SLEEP_MAX_MS = 2000, /* none sleeps longer: who says so has left it behind */
};

#endif
