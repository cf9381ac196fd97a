/* Threads on a sync FIFO queue, and what they write down of it, until the power is lost and after. Deduplication id
 * and group follow from a message's number. */
#ifndef DURABLE_FIFO_SENDERS_H
#define DURABLE_FIFO_SENDERS_H

#include "ringlease.h"

#include <stdbool.h>
#include <stdint.h>

enum { FIFO_THREADS = 4 };

#define FIFO_SENDERS_QUEUE "c.fifo"

struct fifo_counts {
	uint64_t acknowledged, repeated, duplicates; /* repeated after the loss of power: of these duplicates */
};

/* Nothing was done yet; on the queue, which is made. */
bool fifo_senders_begin(struct rlq_directory *directory);
/* One call, or two; false: the power is off. */
bool fifo_send_some(struct rlq_queue *queue, unsigned thread, uint64_t random);
bool fifo_receive_some(struct rlq_queue *queue, unsigned thread, bool deletes);

/* After the reboot: what nobody has heard of is sent again, and some of the rest; all is received and deleted; then
 * the history is judged. What is wrong, static text; NULL: nothing. */
const char *fifo_senders_judge(struct rlq_directory *directory, struct fifo_counts *counts);

#endif
