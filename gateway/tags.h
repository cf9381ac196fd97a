/* Tags of queues. */
#ifndef GATEWAY_TAGS_H
#define GATEWAY_TAGS_H

#include <stdbool.h>

#include "gateway/call.h"

/* Ours: says at creation what the queue's messages survive. */
#define TAG_DURABILITY "ringlease:durability"

/* May these be the tags of a queue, an object of texts? */
bool tags_check(struct call *call, const char *queue, const json_t *tags);

/* What the tag says: memory, async or sync; `otherwise` without it. */
bool tags_durability(struct call *call, const json_t *tags, enum rlq_durability otherwise,
		     enum rlq_durability *ret_durability);

/* For a queue that was just made. */
bool tags_write(struct call *call, struct rlq_queue *queue, const json_t *tags);

#endif
