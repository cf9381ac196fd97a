/* Which queues have a dead-letter queue. Looks at all of a directory, by handles of its own. */
#ifndef GATEWAY_SOURCES_H
#define GATEWAY_SOURCES_H

#include <stdbool.h>

#include <ringlease.h>

/* Does what this queue can not get rid of go to `dlq`? */
bool source_is(struct rlq_directory *directory, const char *name, const char *dlq);

/* Is there any such queue? */
bool source_exists(struct rlq_directory *directory, const char *dlq);

#endif
