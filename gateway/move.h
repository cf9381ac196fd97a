/* A message move task. */
#ifndef GATEWAY_MOVE_H
#define GATEWAY_MOVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/address.h"

enum {
	MOVE_ID_BYTES = 37, /* a UUID */
	MOVE_RATE_MAX = 500,
	MOVES_OF_SOURCE_MAX = 10, /* that are remembered, as AWS */
};
#define MOVE_COUNT_MAX (INT64_C(1) << 48) /* messages; more than any queue can have */

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

static inline bool move_is_active(const struct move *move)
{
	return move->state == MOVE_RUNNING || move->state == MOVE_CANCELLING;
}

/* "RUNNING" ... */
const char *move_state_text(enum move_state state);

#endif
