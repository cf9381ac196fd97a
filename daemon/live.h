/* What a journal says is alive: queues, and messages by their numbers. Built by replaying it, used to restore
 * queues after a reboot, or to find in living segments what is written of them. */
#ifndef ENGINE_LIVE_H
#define ENGINE_LIVE_H

#include "daemon/format.h"

#include <stdbool.h>
#include <stddef.h>

struct live_message {
	struct format_message *record; /* owned: head and, if it was asked for, payload */
	uint64_t file;		       /* of the journal, where the record lies */
	uint32_t bytes;		       /* of the record there */
};

struct live_queue {
	struct format_queue definition;
	bool is_removed;
};

struct live {
	bool keeps_payloads;
	struct live_queue *queues;
	size_t queue_count;
	struct live_message *table; /* open addressing by number; record NULL: free */
	size_t table_size;	    /* a power of two, or 0 */
	size_t message_count;
	uint64_t next_number; /* greater than any that was met */
	uint32_t next_queue;
};

/* One record of a complete turn, in the order of the journal; checked by format_record_check. 0 or -ENOMEM. */
int live_apply(struct live *live, const struct format_record *record, uint64_t file);

/* NULL: not alive. */
struct live_queue *live_queue_find(struct live *live, uint32_t queue);

/* NULL: not alive. Until the next record. */
const struct live_message *live_message_find(const struct live *live, uint64_t number);

/* All messages of one queue, oldest first; *ret_messages is the caller's to free. -ENOMEM, or how many. */
int64_t live_of_queue(const struct live *live, uint32_t queue, struct live_message **ret_messages);

void live_end(struct live *live);

#endif
