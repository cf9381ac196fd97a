/* A driver that answers as the model would, but for one planted fault. */
#ifndef MODEL_FAKE_H
#define MODEL_FAKE_H

#include "tests/model/driver.h"

enum planted {
	SOUND,
	LOSES,	       /* a message is acknowledged and not kept */
	KEEPS_DELETED, /* a delete is confirmed, and does nothing */
	KEEPS_PURGED,
	INVENTS,
	MIXES_PLACES, /* who asks the DLQ is answered by the queue */
	LEASES_NOTHING,
	LEASES_SHORT,
	LEASES_LONG,
	DELAYS_SHORT,
	IGNORES_EXTEND,
	IGNORES_RELEASE,
	TAKES_STALE,  /* any receipt is good */
	REFUSES_GOOD, /* and none */
	COUNTS_TWO,   /* for one receive */
	MOVES_EARLY,
	MOVES_LATE,
	MOVES_NEVER,
	MOVES_OUT_OF_TURN,
	FILLS_EARLY,
	FILLS_LATE,
	MISCOUNTS, /* its depth */
	GIVES_TOO_MANY,
	GIVES_TWICE, /* in one receive */
	STOPS_SHORT, /* a receive leaves out the last */
	SAME_IDS,
	OTHER_ID, /* at a receive than at the send */
	NO_GROUPS,
	SWAPS,	    /* the first two of a receive */
	TURNS_BACK, /* who became ready last is served first */
	NO_DEDUP,
	DEDUP_FOR_EVER,
	DEDUP_BY_QUEUE, /* though the scope is the group */
	DEDUP_AFTER_PURGE,
	SEQUENCE_FALLS,
	SEQUENCE_DIFFERS, /* at a receive from that at the send */
	NO_ATTEMPTS,
};

struct fake {
	enum planted planted;
	struct model model;
	struct {
		int number;
		unsigned receives;
		enum place place;
	} receipt[OPERATIONS_MAX * RECEIVE_MAX];
	int receipts;
	int group[NUMBERS_MAX], id[NUMBERS_MAX]; /* as they were sent */
	uint64_t ids;				 /* given */
};

struct driver fake_driver(struct fake *fake);

#endif
