/* Is every message where it should be? Asked of ringlease's queues natively, outside the time. */
#ifndef BENCH_SQS_ACCOUNTS_H
#define BENCH_SQS_ACCOUNTS_H

#include "bench/queue.h"
#include "bench/sqs/ledger.h"

/* Takes what is left in the queue. Each message of the ledger must have come once, then or before; and nothing
 * else.
 */
void accounts_close(struct ledger *ledger, const struct place *place, const char *queue);

#endif
