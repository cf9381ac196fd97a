/* Payloads on their way back: kept in the segments that are built anew, from the moment they are read. */
#ifndef ENGINE_DRAFT_H
#define ENGINE_DRAFT_H

#include "daemon/live.h"
#include "shm/restore.h"

/* What there is of a queue, as long as its journal is read. */
struct draft {
	struct segment *segment; /* NULL: not known; what comes by is not kept */
	bool is_living;		 /* it was there: nothing has to be kept */
	struct format_queue definition;
};

struct drafts {
	const struct seg_directory *directory;
	struct live *live;
	uint32_t only;				    /* the one queue whose messages are wanted; 0: all */
	unsigned char (**cells)[SLOT_INLINE_BYTES]; /* of payloads that fit a slot, until they have one */
	uint32_t cell_count, free_cell;		    /* index + 1, linked by the first bytes */
};

/* For struct live_keeper; the context is the drafts. */
int drafts_keep(void *context, struct live_message *message, const unsigned char *payload);
void drafts_drop(void *context, struct live_message *message);
void drafts_queue_gone(void *context, struct live_queue *queue);

/* Makes the segment that is to be filled, unless there is one, and brings it up to the definition as it is now. */
int draft_complete(struct drafts *drafts, struct live_queue *queue);
/* Should its payload have been kept? */
bool draft_is_wanted(const struct drafts *drafts, const struct live_message *message);
/* Where a message is found that was kept. */
void draft_locate(const struct drafts *drafts, const struct live_message *message, struct restored *ret);

/* Gives up what was begun of a queue. */
void draft_discard(struct drafts *drafts, struct live_queue *queue);
void drafts_end(struct drafts *drafts);

#endif
