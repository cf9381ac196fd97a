/* What has become of each message of a run, by its number; shared by the processes that send and receive. */
#ifndef BENCH_SQS_LEDGER_H
#define BENCH_SQS_LEDGER_H

#include <stdint.h>
#include <string.h>

#include "bench/sqs/http.h"
#include "bench/team.h"

/* Each member has numbers of its own. */
enum { LEDGER_SHARE = 1 << 19, LEDGER_MAX = LEDGER_SHARE * TEAM_MAX };

enum { LEDGER_NONE, LEDGER_SENT, LEDGER_RECEIVED };

struct ledger {
	_Alignas(128) uint64_t next[TEAM_MAX]; /* number of each member's next message, within its share */
	unsigned char state[LEDGER_MAX];
};

static inline uint64_t ledger_send(struct ledger *ledger, uint32_t me)
{
	uint64_t number = ledger->next[me]++;

	if (number == LEDGER_SHARE)
		sqs_fail("more messages than the ledger has room for");
	number += (uint64_t)me * LEDGER_SHARE;
	ledger->state[number] = LEDGER_SENT;
	return number;
}

static inline void ledger_receive(struct ledger *ledger, uint64_t number)
{
	if (number >= LEDGER_MAX || ledger->state[number] == LEDGER_NONE)
		sqs_fail("message %llx came and was never sent", (unsigned long long)number);
	if (ledger->state[number] == LEDGER_RECEIVED)
		sqs_fail("message %llx came twice", (unsigned long long)number);
	ledger->state[number] = LEDGER_RECEIVED;
}

/* Sent and not received; of all members. */
static inline uint64_t ledger_waiting(const struct ledger *ledger)
{
	uint64_t count = 0;

	for (uint64_t me = 0; me < TEAM_MAX; me++)
		for (uint64_t i = 0; i < ledger->next[me]; i++)
			count += ledger->state[me * LEDGER_SHARE + i] == LEDGER_SENT;
	return count;
}

static inline void ledger_clear(struct ledger *ledger)
{
	for (uint64_t me = 0; me < TEAM_MAX; me++) {
		memset(ledger->state + me * LEDGER_SHARE, LEDGER_NONE, ledger->next[me]);
		ledger->next[me] = 0;
	}
}

#endif
