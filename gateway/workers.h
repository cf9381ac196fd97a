/* Threads for calls that may wait for a disk, which else would hold up all connections of a thread that serves.
 * Started as they are needed. The more calls wait at once, the more share a flush. */
#ifndef GATEWAY_WORKERS_H
#define GATEWAY_WORKERS_H

#include <stdint.h>

struct exchange;
struct handles;
struct rlq_directory;
struct workers;

/* `work` is called with a thread's own handles; NULL: it has no memory for them now. NULL: out of memory. */
struct workers *workers_open(struct rlq_directory *directory, uint32_t threads_max,
			     void (*work)(struct handles *handles, struct exchange *exchange));

/* To be worked on by the next thread that is free. Thread-safe. 0, or a negative errno: there is no thread at all;
 * -ESHUTDOWN: there is none any more. */
int workers_add(struct workers *workers, struct exchange *exchange);

/* Ends once all is worked on. What is added from then on is refused. */
void workers_stop(struct workers *workers);
/* The same, and frees it: nothing is added any more. NULL is fine. */
void workers_close(struct workers *workers);

#endif
