/* Message move tasks: messages leave a dead-letter queue, by a thread of the gateway, in steps. Tasks are this
 * gateway's, and end with it; what was moved is moved, the rest is where it was. Thread-safe. */
#ifndef GATEWAY_MOVES_H
#define GATEWAY_MOVES_H

#include <stddef.h>
#include <stdint.h>

#include <ringlease.h>

#include "gateway/address.h"

enum {
	MOVE_ID_BYTES = 37,	  /* a UUID */
	MOVES_ACTIVE_MAX = 100,	  /* at a time, as AWS */
	MOVES_OF_SOURCE_MAX = 10, /* that are remembered, as AWS */
	MOVES_MAX = 1000,
};

enum move_state { MOVE_RUNNING, MOVE_COMPLETED, MOVE_CANCELLING, MOVE_CANCELLED, MOVE_FAILED };

struct move {
	char id[MOVE_ID_BYTES];
	char source[NAME_TEXT_BYTES], source_arn[ADDRESS_TEXT_BYTES];
	char destination[NAME_TEXT_BYTES], destination_arn[ADDRESS_TEXT_BYTES]; /* "": each where it came from */
	int64_t rate; /* messages per second; 0: as fast as it goes */
	enum move_state state;
	uint64_t moved, to_move; /* to_move: what was there at the start */
	int64_t started_ms;	 /* wall clock */
	char failure[128];	 /* why it failed */
};

struct moves;

/* NULL: out of memory, or of threads. */
struct moves *moves_open(struct rlq_directory *directory);
/* Ends after the step under way. */
void moves_close(struct moves *moves);

/* Takes source, destination, their ARNs, rate and to_move from `move`, and fills in the rest. 0; -EBUSY: one of
 * that source is active; -EDQUOT: too many are; -ENOMEM. */
int moves_start(struct moves *moves, struct move *move);

/* Those of a source, newest first; how many. */
size_t moves_list(struct moves *moves, const char *source, struct move *ret_moves, size_t max);

/* 0, or -ESRCH: no such task runs. */
int moves_cancel(struct moves *moves, const char *id, uint64_t *ret_moved);

/* Message k leaves (k - 1) / rate seconds after the start: how many may have left by then, and when the next one
 * may leave once `moved` have. */
static inline uint64_t moves_allowed(int64_t rate, int64_t elapsed_ms)
{
	return (uint64_t)(elapsed_ms * rate / 1000) + 1;
}
static inline int64_t moves_due_ms(int64_t rate, uint64_t moved)
{
	return ((int64_t)moved * 1000 + rate - 1) / rate;
}

#endif
