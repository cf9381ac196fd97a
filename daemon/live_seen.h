/* What a journal says of deduplication ids that still count though their messages are gone. */
#ifndef ENGINE_LIVE_SEEN_H
#define ENGINE_LIVE_SEEN_H

#include "daemon/format.h"

#include <stddef.h>

struct live;

struct live_seen {
	struct format_seen_id id;
	uint32_t queue, file;
};

/* All of a record. 0 or -ENOMEM. */
int live_seen_put(struct live *live, const struct format_seen *record, uint64_t file);

/* Puts them in order: by queues and sequence numbers, each once. */
void live_seen_sort(struct live *live);

/* After that: those of a queue, `*ret_count`. */
const struct live_seen *live_seen_of(const struct live *live, uint32_t queue, size_t *ret_count);

#endif
