/* A local SQS server that takes part in `make bench-peers`. */
#ifndef BENCH_SQS_PEER_H
#define BENCH_SQS_PEER_H

#include "bench/queue.h"
#include "bench/sqs/program.h"

struct peer {
	const char *name;
	const char *is; /* which one, and what it keeps */
	/* In a folder of its own; NULL, or why there is none; the text stays. */
	const char *(*start)(struct program *program, const struct place *place);
	bool takes_alone; /* receives over one connection only: with more it hands messages out twice */
	bool gets_faster; /* while it runs: to be warmed up */
};

extern const struct peer peer_ringlease_sqs, peer_elasticmq, peer_moto;

#endif
