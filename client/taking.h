/* Taking messages: what a receive asks for, and how a slot that it has leased becomes a message. Shared by the
 * files of a receive: receive.c, receive_fifo.c for the order of groups, receive_fair.c for tenants of a standard
 * queue. Inline, where every receive does it. */
#ifndef RLQ_TAKING_H
#define RLQ_TAKING_H

#include "client/hold.h"

#include "ring/crashpoint.h"

#include <errno.h>

enum { STAMP_BYTES = 64 * 1024 }; /* copied under one reading of the clock: 10 to 20 us */

/* What one receive call asks for. */
struct demand {
	struct ring_terms terms;
	struct rlq_queue *queue;
	const struct rlq_message *taken; /* by this call so far */
	size_t taken_count;
	int64_t visibility_ms;
	uint32_t flags;
	const char *attempt_id; /* NULL: none */
	uint64_t attempt_key;
	struct seg_attempt *attempt; /* where it is remembered, or is to be */
	bool attempt_is_known;
	uint64_t until_ms; /* end of the wait */
	size_t copied;	   /* bytes of blocks since the deadline was stamped */
	bool from_aside;   /* take what was put aside, and nothing else */
};

/* What stays the same while a call takes from one ring under one reading of the clock, fetched once. */
struct taking {
	struct rlq_queue *queue;
	struct demand *demand;
	const struct ring *ring;
	uint32_t index, ring_id;
	uint64_t incarnation, boot_ms, wall_ms;
	uint64_t expired_ms; /* what was sent by then is past its retention */
};

/* For messages of one ring, by the clock as it was read last. */
static inline struct taking taking_begin(struct rlq_queue *queue, struct demand *demand, uint32_t index)
{
	const struct segment *segment = queue->seg;

	return (struct taking){
		.queue = queue,
		.demand = demand,
		.ring = &segment->ring[index],
		.index = index,
		.ring_id = segment->ring_id[index],
		.incarnation = segment->incarnation,
		.boot_ms = segment->clock.boot_ms,
		.wall_ms = segment->clock.wall_ms,
		.expired_ms = seg_expired_ms(segment),
	};
}

static inline void receipt_make(const struct taking *taking, const struct ring_taken *taken,
				const struct slot_message *message, struct rlq_receipt *ret_receipt)
{
	receipt_pack(
		&(struct receipt_parts){
			.incarnation = taking->incarnation,
			.generation = word_generation(taken->word),
			.id = {message->id[0], message->id[1]},
			.ring = taking->index,
			.ring_id = taking->ring_id,
			.slot = taken->slot,
			.receives = word_receives(taken->word),
			.leased_ms = (uint32_t)taking->boot_ms,
		},
		ret_receipt);
}

/* The first receive, noted in the slot if this is it: the one field of a message that a consumer writes.
 * Also when a later one finds no sound note: its consumer was killed before it, or another's came late. */
static inline uint64_t first_receive(uint64_t wall_ms, uint32_t receives, struct slot_message *shared,
				     const struct slot_message *copy)
{
	uint64_t first_ms = receives > 1 ? message_first_receive(copy, wall_ms) : 0;

	if (first_ms == 0) {
		first_ms = wall_ms > sent_ms(copy->sent) ? wall_ms : sent_ms(copy->sent);
		__atomic_store_n(&shared->first_receive_ms, (uint32_t)first_ms, __ATOMIC_RELAXED);
	}
	return first_ms;
}

/* Payload where the application may read it: in place, or a copy of ours. */
static inline int payload_fetch(struct rlq_queue *queue, const struct slot *slot,
				const struct slot_message *message, uint64_t place, struct demand *demand,
				const unsigned char **ret_payload)
{
	const unsigned char *shared = message_payload(queue->seg, slot, message, place);
	size_t bytes = (size_t)message->body_bytes + message->extra_bytes;
	void *copy;

	if (shared == NULL)
		return RLQ_EDAMAGED;
	*ret_payload = shared;
	if (demand->flags & RLQ_RECEIVE_IN_PLACE)
		return 0;
	copy = arena_take(&queue->arena, bytes ? bytes : 1);
	if (copy == NULL)
		return -ENOMEM;
	message_copy(copy, shared, bytes);
	if (message->block != 0)
		demand->copied += bytes;
	CRASH_POINT(receive_copied);
	*ret_payload = copy;
	return 0;
}

/* Leased, but its retention is over: it goes. */
void taking_expire(const struct taking *taking, const struct ring_taken *taken) __attribute__((cold));

/* A leased slot becomes a message. 1: it is one. 0: it was not for us after all (expired by retention,
 * or taken from us while we copied). Else a code; the message then comes back when its lease ends. */
static inline __attribute__((always_inline)) int message_take(const struct taking *taking,
							      const struct ring_taken *taken,
							      struct rlq_message *ret_message)
{
	struct rlq_queue *queue = taking->queue;
	struct slot *slot = &taking->ring->slots[taken->slot];
	bool in_place = taking->demand->flags & RLQ_RECEIVE_IN_PLACE;
	const unsigned char *payload;
	struct slot_message message = message_read(&slot->message);
	uint64_t first_ms, sequence = message_sequence(queue->seg, slot);
	uint64_t place = place_pack(taking->index, taken->slot, word_generation(taken->word));
	int error;

	if (__builtin_expect(sent_ms(message.sent) <= taking->expired_ms, 0)) {
		taking_expire(taking, taken);
		return 0;
	}
	if (message.block == 0 && message.body_bytes > 0 && !seg_is_fifo(queue->seg))
		slot_own_inline(slot);
	CRASH_POINT(receive_line_owned);
	first_ms = first_receive(taking->wall_ms, word_receives(taken->word), &slot->message, &message);
	error = payload_fetch(queue, slot, &message, place, taking->demand, &payload);
	/* R9: what was copied counts only if the lease still stands. */
	if (!slot_is_leased_as(slot, taken->word))
		return 0;
	if (!error)
		error = message_view(queue, &message, payload, ret_message);
	if (error)
		return error;
	if (in_place)
		hold_confirm(queue, place, word_receives(taken->word));
	ret_message->in_place = in_place;
	ret_message->receive_count = word_receives(taken->word);
	ret_message->first_receive_ms = first_ms;
	ret_message->sequence = sequence;
	receipt_make(taking, taken, &message, &ret_message->receipt);
	if (word_receives(taken->word) > 1)
		seg_count(&queue->seg->me->redelivered, 1);
	return 1;
}

/* The same, not inline. */
int taking_message(const struct taking *taking, const struct ring_taken *taken, struct rlq_message *ret_message);

/* Reads the clock: a lease must not be used up by what came before it. */
void stamp_anew(struct rlq_queue *queue, struct demand *demand);

/* Receive attempts (attempts.c), between enter and leave: looks whether this one was made before; takes its
 * messages again under their leases, as many as there were, or 0: it is to be made anew; remembers what a new one
 * has brought. */
void attempt_begin(struct rlq_queue *queue, struct demand *demand);
int attempt_again(struct rlq_queue *queue, struct demand *demand, struct rlq_message *ret_messages, size_t max);
void attempt_note(struct rlq_queue *queue, struct demand *demand, const struct rlq_message *messages, size_t count);

/* Takes up to `max` messages of a FIFO queue in their order. Their number, or a code. Between enter and leave. */
int take_in_order(struct rlq_queue *queue, struct demand *demand, struct rlq_message *ret_messages, size_t max);

/* The same of a standard queue, from its heads. */
int take_from_rings(struct rlq_queue *queue, struct demand *demand, struct rlq_message *ret_messages, size_t max);
/* The same where messages have tenants: those of noisy ones do not come before the others'. */
int take_fairly(struct rlq_queue *queue, struct demand *demand, struct rlq_message *ret_messages, size_t max);

#endif
