/* The product, behind the public calls, under a clock that the test moves. One at a time. */
#ifndef MODEL_DRIVER_RINGLEASE_H
#define MODEL_DRIVER_RINGLEASE_H

#include "tests/model/driver.h"

/* Each script gets new queues, or the queues of some scripts before it, emptied: far faster, and they have a past.
 * Of the latter kind `*ret_fresh` is the same with new ones. */
struct driver ringlease_driver(struct driver *ret_fresh);
void ringlease_driver_close(void);

#endif
