/* The queues that one thread has open, by name. Not thread-safe: a thread has its own. */
#ifndef GATEWAY_HANDLES_H
#define GATEWAY_HANDLES_H

#include <ringlease.h>

struct handles;

/* Keeps up to `count_max` open; the one used longest ago is closed for another. NULL: out of memory. */
struct handles *handles_open(struct rlq_directory *directory, uint32_t count_max);
void handles_close(struct handles *handles);

/* 0, or the library's code: RLQ_ENOQUEUE, RLQ_ENAME ... A handle whose queue was removed (and perhaps made again)
 * is replaced. Good until the next call. */
int handles_get(struct handles *handles, const char *name, struct rlq_queue **ret_queue);

/* The queue was removed, or should be opened anew. */
void handles_drop(struct handles *handles, const char *name);

#endif
