/* What an opened queue says of its type by its name. */
#ifndef GATEWAY_FIFO_H
#define GATEWAY_FIFO_H

#include <stdbool.h>
#include <string.h>

#include <ringlease.h>

/* The library lets no other queue have such a name, and none of them another. */
static inline bool name_is_fifo(const char *name)
{
	size_t bytes = strlen(name);

	return bytes > 5 && memcmp(name + bytes - 5, ".fifo", 5) == 0;
}

static inline bool queue_is_fifo(const struct rlq_queue *queue)
{
	return name_is_fifo(rlq_queue_name(queue));
}

#endif
