/* What the files of this folder share: the handle. Composes shm/ for one thread of an application. */
#ifndef RLQ_INTERNAL_H
#define RLQ_INTERNAL_H

#include "ring/fifo.h"
#include "ringlease.h"
#include "shm/create.h"
#include "shm/durable.h"
#include "shm/ids.h"
#include "shm/message.h"
#include "shm/reap.h"
#include "shm/removal.h"
#include "shm/segment.h"

#include <stddef.h>

struct rlq_directory {
	struct seg_directory seg;
};

struct arena_chunk {
	struct arena_chunk *next;
	size_t bytes;
	_Alignas(16) unsigned char data[];
};

/* Memory for received copies: chunks that never move, all given back at the next receive. */
struct arena {
	struct arena_chunk *chunks; /* the one in use first */
	unsigned char *next, *end;  /* what is left of it */
};

/* `bytes` of memory aligned to 16; NULL without memory. */
void *arena_take_chunk(struct arena *arena, size_t bytes);
static inline void *arena_take(struct arena *arena, size_t bytes)
{
	size_t need = (bytes + 15) & ~(size_t)15;
	unsigned char *taken = arena->next;

	if (__builtin_expect(need > (size_t)(arena->end - arena->next) || need == 0, 0))
		return arena_take_chunk(arena, need ? need : 16);
	arena->next += need;
	return taken;
}
void arena_reset_chunks(struct arena *arena);
static inline void arena_reset(struct arena *arena)
{
	if (arena->chunks && arena->chunks->next)
		arena_reset_chunks(arena);
	else if (arena->chunks)
		arena->next = arena->chunks->data;
}
void arena_free(struct arena *arena);

/* One message read in place: it belongs to one lease, since the same message may be received again, by
 * the same handle, while it is still being read. */
struct hold {
	uint64_t place; /* as published in the row; 0: unused */
	uint32_t receives;
};

/* A message that was sent, and where. */
struct sent {
	uint64_t place;
	uint32_t ring_id;
	uint32_t duplicates; /* of the same batch, before it */
};

/* What the ids of the message that is being sent to a FIFO queue come to. */
struct sending_ids {
	uint64_t group;
	struct id_key key;
	char content[65]; /* made of the body, where no other is given */
	/* Of the message that was sent last, once it is. */
	uint64_t sequence;
	bool is_duplicate; /* of this one: */
	struct rlq_message_id first;
	uint64_t first_link;
};

/* The same of one that will soon be sent to a FIFO queue. */
struct foreseen_ids {
	uint64_t group;
	struct id_key key;
	uint32_t group_bytes, dedup_bytes; /* 0: nothing is known, its id is to be made of the body */
	bool dedup_in_group;
};

/* The first message of one that was a duplicate, in a sync queue. */
struct first_sent {
	uint64_t link;
	struct id_key key;
};

struct rlq_queue {
	struct segment *seg;
	struct rlq_directory *directory;
	struct arena arena;
	struct sweep sweep;
	uint64_t id_seed, id_count;	  /* message ids: 64 random bits a handle, then a count */
	struct hold held[SEG_HOLD_COUNT]; /* what the application reads in place */
	int hold_pending;		  /* index of a hold published for a lease that is being tried; -1 */
	uint64_t reaped_ms;		  /* when this handle last did the engine's work */
	struct sent *sent;		  /* to a sync queue since the last sends_settle(): RLQ_BATCH_MAX at most */
	uint32_t sent_count;
	struct first_sent *firsts; /* of duplicates, likewise; in a FIFO queue */
	uint32_t first_count;
	uint64_t unsettled; /* bytes sent to an async queue since the last call_settle() */
	uint32_t calls;
	uint32_t turn;	     /* receives from several rings */
	uint32_t aside_turn; /* receives while some tenant was noisy */
	uint32_t asides;     /* looks at what was put aside */
	bool only_again;     /* the last receive brought nothing but what had come back */
	uint32_t sender;     /* uid */
	struct sending_ids ids;
	struct foreseen_ids *foreseen; /* of a batch: RLQ_BATCH_MAX; in a FIFO queue */
	struct {
		uint32_t ring;
		uint64_t at;
	} redriven; /* how far the last redrive of this handle came */
};

/* Was it opened by a parent of this process? */
static inline bool is_forked(const struct rlq_directory *directory)
{
	return !os_liveness_is_own(&directory->seg.liveness);
}

/* Errors of lower layers as public codes. */
int public_error(int error);

/* Sizes of the public structs in their first version, by what was then their last member. */
#define BYTES_UP_TO(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))

/* Copies a caller's options over defaults: shorter ones are filled up, longer ones must be zero beyond
 * what we know. NULL: defaults. RLQ_EATTRIBUTE if not. */
int options_read(void *ret_options, size_t known_bytes, const void *options);

/* The same the other way: fills a caller's struct, whose first member is its size, with as much of ours as
 * fits, and with zeros beyond what we know. The size stays. RLQ_EATTRIBUTE if it is below `least_bytes`, that
 * of the struct's first version: most likely it was not set. */
int output_write(void *ret_output, size_t least_bytes, size_t known_bytes, const void *output);

/* A budgeted step of the engine's work when no engine is prompt; says whether it did one. Outside a
 * call. */
bool reap_if_needed(struct rlq_queue *queue) __attribute__((cold));

enum { REAP_EVERY_CALLS = 1024 };

/* Begins a call: the process is the one that opened the handle, and the queue is there. Inline, like
 * all that every call does. */
static inline __attribute__((always_inline)) int call_begin_untimed(struct rlq_queue *queue)
{
	if (__builtin_expect(!os_liveness_is_own(&queue->seg->directory->liveness), 0))
		return RLQ_EFORKED;
	if (__builtin_expect(++queue->calls % REAP_EVERY_CALLS == 0, 0))
		reap_if_needed(queue);
	return seg_enter(queue->seg);
}

/* The same, with the clock read: one reading of the time-stamp counter. */
static inline int call_begin(struct rlq_queue *queue)
{
	os_clock_read(&queue->seg->clock);
	return call_begin_untimed(queue);
}

static inline void call_end(struct rlq_queue *queue)
{
	seg_leave(queue->seg);
}

/* After a call that changed something: a sync queue waits until that is durable, an async one when its window is
 * used up. Outside a call. 0, RLQ_EUNKNOWN, RLQ_EJOURNAL. */
static inline int call_settle(struct rlq_queue *queue)
{
	struct segment *segment = queue->seg;
	uint64_t bytes = queue->unsettled;

	if (__builtin_expect(segment->durability == RLQ_MEMORY, 1))
		return 0;
	queue->unsettled = 0;
	return segment->durability == RLQ_SYNC ? seg_settle_sync(segment) : seg_settle_async(segment, bytes);
}

/* The same after sends. What the journal has left out is taken back: RLQ_EDAMAGED if something was damaged
 * meanwhile; for lack of room RLQ_EDISKFULL if that is all, else 0, and `*count` says how many were sent, the first
 * ones; RLQ_EUNKNOWN if others than the first ones were. */
int sends_settle(struct rlq_queue *queue, size_t *count);

/* The same for what nobody waits for. */
static inline void call_note(struct rlq_queue *queue)
{
	if (__builtin_expect(queue->seg->durability != RLQ_MEMORY, 0))
		seg_want_turn(queue->seg);
}

enum { SLICE_MS = 10 }; /* longest sleep while no engine is prompt */

/* Sleeps on `event` with `ticket`, until woken, `until_ms`, or the next thing is due when no engine is
 * prompt. 0 or -EINTR. Outside a call. */
int sleep_on(struct rlq_queue *queue, const atomic_u32 *event, uint32_t ticket, uint64_t until_ms);

/* Something of this queue ends at due_ms: the engine should be awake. */
static inline void expect_due(struct rlq_queue *queue, uint64_t due_ms)
{
	seg_engine_expect(queue->seg->directory, due_ms, queue->seg->clock.boot_ms);
}

/* now + duration, at least that long from now; for ever stays for ever. */
static inline uint64_t deadline_after(const struct rlq_queue *queue, int64_t duration_ms)
{
	uint64_t now_ms = queue->seg->clock.boot_ms + OS_CLOCK_SLACK_MS;

	return (uint64_t)duration_ms >= UINT64_MAX / 4 ? UINT64_MAX : now_ms + (uint64_t)duration_ms;
}

/* Fills in where the rings lie, and by which policy. */
void placement_read(const struct segment *segment, struct rlq_queue_stat *stat);

/* A receipt, taken apart. */
struct receipt_parts {
	uint64_t incarnation, generation, id[2];
	uint32_t ring, ring_id, slot, receives, leased_ms;
};

/* The layout is described in receipt.c. */
static inline void receipt_pack(const struct receipt_parts *parts, struct rlq_receipt *ret_receipt)
{
	uint64_t *word = ret_receipt->opaque;

	word[0] = parts->incarnation;
	word[1] = (uint64_t)parts->ring_id << 32 | (uint64_t)(parts->ring & 0xff) << 24 | (parts->slot & 0xffffff);
	word[2] = parts->generation << 16;
	word[3] = (uint64_t)parts->receives << 32 | parts->leased_ms;
	word[4] = parts->id[0];
	word[5] = parts->id[1];
}

static inline void receipt_unpack(const struct rlq_receipt *receipt, struct receipt_parts *ret_parts)
{
	const uint64_t *word = receipt->opaque;

	*ret_parts = (struct receipt_parts){
		.incarnation = word[0],
		.ring_id = (uint32_t)(word[1] >> 32),
		.ring = (uint32_t)(word[1] >> 24) & 0xff,
		.slot = (uint32_t)word[1] & 0xffffff,
		.generation = word[2] >> 16,
		.receives = (uint32_t)(word[3] >> 32),
		.leased_ms = (uint32_t)word[3],
		.id = {word[4], word[5]},
	};
}

/* Adds attributes and notes to the view of a message; they point into `extra` and the arena. */
int message_view_extra(struct rlq_queue *queue, const unsigned char *extra, uint32_t bytes,
		       struct rlq_message *ret_message);

/* Are they what a message to this queue may, and must, have? Notes their lengths. 0, RLQ_ENOGROUP, RLQ_EGROUPID,
 * ...
 */
int ids_check(const struct rlq_queue *queue, struct message_parts *parts);

/* The same for one that will soon be sent to a FIFO queue, with what its ids come to: once, however often it is
 * tried, and so early that what is looked up in is on its way from memory meanwhile. */
int ids_foresee(struct rlq_queue *queue, struct message_parts *parts, struct foreseen_ids *ret);

/* The same for a message that is about to be sent; and where it is to a FIFO queue, its delay too: completes the
 * parts, whose body is there unless it is to be written in place, and sets queue->ids. `foreseen`: NULL if not. */
int ids_prepare(struct rlq_queue *queue, struct message_parts *parts, int64_t *delay_ms, bool in_place,
		const struct foreseen_ids *foreseen);

/* It was a duplicate: in a sync queue its answer waits until it is known what became of the first one. */
void ids_note_first(struct rlq_queue *queue, uint64_t link);

/* Is there a message that counts with the deduplication id in queue->ids? Then the send is answered as that one's.
 * Asked before a slot is claimed: one for a duplicate would stay until all before it in its group are gone. */
bool ids_are_known(struct rlq_queue *queue, struct rlq_message_id *ret_id);

/* Notes queue->ids in the slot that we have claimed in a FIFO queue. */
void ids_write(const struct rlq_queue *queue, struct slot *slot);

/* Before a message that was written in place in a FIFO queue is published: makes its deduplication id of its body,
 * if it was reserved without one. RLQ_EDAMAGED. */
int ids_seal(struct rlq_queue *queue, struct slot *slot, uint64_t place) __attribute__((cold));

/* Number in the order of a FIFO queue, by what its slot says; else 0. */
static inline uint64_t message_sequence(const struct segment *segment, const struct slot *slot)
{
	if (__builtin_expect(!seg_is_fifo(segment), 1))
		return 0;
	return load_relaxed(&fifo_links(slot)->sequence); /* relaxed: fixed before the message could be received */
}

/* When the message was first received, by what its slot says; 0: it says nothing that can be true. */
static inline uint64_t message_first_receive(const struct slot_message *message, uint64_t wall_ms)
{
	uint64_t when_ms = sent_ms(message->sent);
	uint64_t after_ms = (uint32_t)(message->first_receive_ms - (uint32_t)when_ms); /* modulo 2^32 */

	return wall_ms >= when_ms && after_ms <= wall_ms - when_ms ? when_ms + after_ms : 0;
}

/* Makes the public view of a message from a copy of its slot and its payload, but for the receipt, the first
 * receive, the sequence number, and what else a lease adds. Field by field: this is every receive's work. */
static inline int message_view(struct rlq_queue *queue, const struct slot_message *message,
			       const unsigned char *payload, struct rlq_message *ret)
{
	ret->body = payload;
	ret->body_bytes = message->body_bytes;
	ret->id.word[0] = message->id[0];
	ret->id.word[1] = message->id[1];
	ret->sent_ms = sent_ms(message->sent);
	ret->receive_count = 0;
	ret->sender = message->sender;
	ret->attributes = NULL;
	ret->attribute_count = 0;
	ret->in_place = false;
	ret->dlq_source = ret->dlq_reason = ret->group = ret->dedup_id = ret->trace = NULL;
	if (__builtin_expect(message->extra_bytes == 0, 1))
		return 0;
	return message_view_extra(queue, payload + message->body_bytes, message->extra_bytes, ret);
}

#endif
