/* What the files of a receive share: receive.c, receive_fifo.c for the order of groups, and receive_fair.c for
 * tenants of a standard queue. */
#ifndef RLQ_TAKING_H
#define RLQ_TAKING_H

#include "client/internal.h"

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
struct taking taking_begin(struct rlq_queue *queue, struct demand *demand, uint32_t index);

/* A leased slot becomes a message. 1: it is one. 0: it was not for us after all (expired by retention, or taken
 * from us while we copied). Else a code; the message then comes back when its lease ends. */
int taking_message(const struct taking *taking, const struct ring_taken *taken, struct rlq_message *ret_message);

/* Reads the clock: a lease must not be used up by what came before it. */
void stamp_anew(struct rlq_queue *queue, struct demand *demand);

/* May this handle read another message in place? */
bool hold_is_free(const struct rlq_queue *queue);

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
