/* The limit of messages in flight: about 120,000 of a queue, as AWS has it.
 *
 * The library counts them only by a walk over all slots. So a walk allows as many receives as are missing to the
 * limit; deletes allow as many more. The next walk is due when these are used up; a queue that is at its limit is
 * walked ten times a second at most. What other processes receive meanwhile is seen by the next walk. Thread-safe.
 */
#ifndef GATEWAY_IN_FLIGHT_H
#define GATEWAY_IN_FLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include <ringlease.h>

enum {
	IN_FLIGHT_MAX = 120000,
	IN_FLIGHT_STEP = 1000, /* receives between two walks at least: the limit may be passed by as many */
};

/* May more be received? */
bool in_flight_allows(struct rlq_queue *queue);

/* So many were received, or, negative, deleted. */
void in_flight_add(struct rlq_queue *queue, int64_t count);

#endif
