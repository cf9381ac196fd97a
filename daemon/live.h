/* What a journal says is alive: queues, and messages by their numbers. Built by replaying it, used to restore
 * queues after a reboot, or to find in living segments what is written of them.
 *
 * Memory, of a live message: 88 bytes here, 6 to 11 of the table, 4 once they are in order; more was needed while
 * more lived. Bodies are none of it: a keeper may put them where they belong as they come by.
 */
#ifndef ENGINE_LIVE_H
#define ENGINE_LIVE_H

#include "daemon/format.h"
#include "daemon/live_seen.h"

#include <stdbool.h>
#include <stddef.h>

enum { LIVE_CHUNK = 4096 };

struct live_message {
	uint64_t number; /* 0: none */
	uint64_t id[2];
	uint64_t sent_ms, due_ms;
	uint64_t sequence; /* in a FIFO queue; else 0 */
	uint64_t kept;	   /* the keeper's; 0: nothing of its payload is kept */
	uint32_t queue, sender;
	uint32_t receives, first_receive_ms;
	uint32_t body_bytes, extra_bytes;
	uint32_t file;		/* of the journal, where the record lies */
	uint32_t bytes : 31;	/* of the record there */
	uint32_t was_moved : 1; /* to its FIFO queue: its deduplication id does not count */
};
_Static_assert(sizeof(struct live_message) == 88, "said above");

struct live_queue {
	struct format_queue definition;
	bool is_removed;
	size_t first, count; /* its messages, once they are in order */
	void *kept;	     /* the keeper's */
};

/* Who keeps payloads. */
struct live_keeper {
	/* Of a message that is new, or was written again and is not kept yet. 0 or a negative code. */
	int (*keep)(void *context, struct live_message *message, const unsigned char *payload);
	/* A message that was kept is gone. */
	void (*drop)(void *context, struct live_message *message);
	void (*queue_gone)(void *context, struct live_queue *queue); /* with all its messages */
	void *context;
};

struct live {
	const struct live_keeper *keeper; /* NULL: nobody */
	struct live_queue *queues;	  /* by number */
	size_t queue_count;
	struct live_message **chunks; /* of LIVE_CHUNK messages each, filled one after the other */
	size_t used;		      /* messages that chunks have or had */
	uint32_t free;		      /* the first of those that are free, + 1, linked by `file`; 0: none */
	uint32_t *table;	      /* open addressing by number: index + 1; 0: free */
	size_t table_size;	      /* a power of two, or 0 */
	size_t message_count;
	uint32_t *order;
	struct live_seen *seen; /* as they were read; once in order: by queues and sequence numbers, each once */
	size_t seen_count, seen_room;
	uint64_t next_number; /* greater than any that was met */
	uint32_t next_queue;
};

/* One record of a complete turn, in the order of the journal; checked by format_record_check. 0, -ENOMEM, or what
 * the keeper says. */
int live_apply(struct live *live, const struct format_record *record, uint64_t file);

/* NULL: not alive. Until the next record. */
struct live_queue *live_queue_find(const struct live *live, uint32_t queue);

/* Is it alive, or was it? */
bool live_has_met(const struct live *live, uint32_t queue);

/* NULL: not alive. Until the next record. */
const struct live_message *live_message_find(const struct live *live, uint64_t number);

/* The message at each index below `used`; of number 0: none. */
static inline struct live_message *live_at(const struct live *live, size_t index)
{
	return &live->chunks[index / LIVE_CHUNK][index % LIVE_CHUNK];
}

/* Puts all messages of queues that are alive in order, and ids; until the next record. 0 or -ENOMEM. */
int live_sort(struct live *live);

/* After that: the messages of a queue, from 0 on, the oldest first; of a FIFO queue in the order of their sequence
 * numbers. */
static inline struct live_message *live_of_queue(const struct live *live, const struct live_queue *queue, size_t at)
{
	return live_at(live, live->order[queue->first + at]);
}

/* The keeper hears nothing of it. */
void live_end(struct live *live);

#endif
