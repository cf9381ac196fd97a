/* Producers and consumers on one peer, each a thread with a client of its own. */
#ifndef BENCH_PEERS_TRAFFIC_H
#define BENCH_PEERS_TRAFFIC_H

#include "bench/peers/peer.h"

enum { TRAFFIC_PRODUCERS = 16, TRAFFIC_CONSUMERS = 16 };

struct traffic {
	uint32_t batch, body_bytes;
	bool is_shared; /* deletes go with the next receive in one round trip, where the peer can do that */
	double seconds; /* so long is sent; what is then left is received and deleted, in the time that counts */
};

/* Full cycles a second, each acknowledged. Ends the program if not all that was sent came, once. */
double traffic_run(const struct peer *peer, const struct traffic *traffic);

#endif
