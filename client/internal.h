/* What the files of this folder share: the handle. Composes shm/ for one thread of an application. */
#ifndef RLQ_INTERNAL_H
#define RLQ_INTERNAL_H

#include "ringlease.h"
#include "shm/message.h"
#include "shm/reap.h"
#include "shm/segment.h"

struct rlq_directory {
	struct seg_directory seg;
};

/* Memory for received copies: chunks that never move, all given back at the next receive. */
struct arena {
	struct arena_chunk *chunks; /* the one in use first */
	size_t used;		    /* of the first */
};

void *arena_take(struct arena *arena, size_t bytes);
void arena_reset(struct arena *arena);
void arena_free(struct arena *arena);

struct rlq_queue {
	struct segment *seg;
	struct rlq_directory *directory;
	struct arena arena;
	struct sweep sweep;
	uint64_t id_seed, id_count; /* message ids: 64 random bits a handle, then a count */
	uint64_t held[SEG_HOLD_COUNT]; /* places of messages the application holds in place */
	int hold_pending; /* index of a hold published for a lease that is being tried; -1 */
	uint32_t calls;
	uint32_t sender; /* uid */
};

/* Errors of lower layers as public codes. */
int public_error(int error);

/* Begins a call: the process is the one that opened the handle, the queue is there, the clock read. */
int call_begin(struct rlq_queue *queue);
void call_end(struct rlq_queue *queue);

/* Copies a caller's options over defaults: shorter ones are filled up, longer ones must be zero beyond
 * what we know. NULL: defaults. RLQ_EATTRIBUTE if not. */
int options_read(void *ret_options, size_t known_bytes, const void *options);

/* [clients without an engine] A budgeted step when no engine is prompt. Outside a call. */
void reap_if_needed(struct rlq_queue *queue);

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

/* A receipt, taken apart. */
struct receipt_parts {
	uint64_t incarnation, generation, id[2];
	uint32_t ring, ring_id, slot, receives, leased_ms;
};
void receipt_pack(const struct receipt_parts *parts, struct rlq_receipt *ret_receipt);
void receipt_unpack(const struct rlq_receipt *receipt, struct receipt_parts *ret_parts);

/* Ends our reading in place of the message a receipt names; frees it if it was deleted meanwhile. */
void hold_let_go(struct rlq_queue *queue, const struct receipt_parts *parts);

/* Makes the public view of a message from a copy of its slot and its payload. The views point into
 * `payload` and the arena. */
int message_view(struct rlq_queue *queue, const struct slot_message *message, const unsigned char *payload,
		 struct rlq_message *ret_message);

#endif
