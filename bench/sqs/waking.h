/* From a send to the answer of a receive that waits for it over HTTP. */
#ifndef BENCH_SQS_WAKING_H
#define BENCH_SQS_WAKING_H

#include "bench/queue.h"
#include "bench/sqs/program.h"

/* Against a round trip of the yardstick; false: a limit does not hold. */
bool waking_play(const struct place *place, const struct program *endpoint, const char *queue);

#endif
