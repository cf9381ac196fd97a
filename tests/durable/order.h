/* What a history judges of its FIFO queues: the order within groups, and sequence numbers, which never fall. A
 * message's group and deduplication id follow from its tag. */
#ifndef DURABLE_ORDER_H
#define DURABLE_ORDER_H

#include "tests/durable/history.h"

enum { ORDER_GROUPS = 3, ORDER_ID_BYTES = 16 };

/* Both at once: they stay as they are until the next message of this place in a batch. */
struct order_ids {
	char group[ORDER_ID_BYTES], dedup[ORDER_ID_BYTES];
};
void order_ids(uint32_t tag, struct order_ids *ret);

/* A send to a FIFO queue begins. */
void order_begin(struct history *history, int queue, uint32_t tag);
/* It has answered so. */
void order_acknowledged(struct history *history, uint32_t tag, const struct rlq_sent *sent);
/* All ids that the queue has seen may be unknown from now on. */
void order_forget(struct history *history, int queue);
/* It is not there after a reboot. */
void order_lost(struct told_send *send);
/* Sent once more, was it, or was it not, to be a duplicate? */
void order_judge_retry(struct history *history, uint32_t tag, const struct rlq_sent *sent, bool is_there,
		       bool is_alive);

/* It was sent, and given this number: above all that are known of the queue. */
void order_sent(struct history *history, int queue, uint32_t tag, uint64_t sequence);
/* It is there with this number. */
void order_found(struct history *history, int queue, uint32_t tag, uint64_t sequence);
/* These were received in one call, in this order; states are those after it. */
void order_received(struct history *history, int queue, const struct rlq_message *messages, int count);

#endif
