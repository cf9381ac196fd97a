/* Puts messages that were journaled into a segment that nobody else can open yet: payloads in any order, as they
 * come, then slots in the order in which they will be received. All between enter and leave. */
#ifndef SEG_RESTORE_H
#define SEG_RESTORE_H

#include "shm/message.h"

struct restored {
	uint64_t id[2];
	uint64_t sent_ms;
	uint64_t due_ms; /* boot clock; 0: visible at once */
	uint32_t receives;
	uint32_t first_receive_ms;
	uint32_t sender;
	uint64_t sent_boot_ms; /* boot clock, may lie before the boot; of a message of a FIFO queue, as are: */
	bool was_moved;	       /* its deduplication id does not count */
	uint64_t sequence;     /* of a message of a FIFO queue: it keeps it, if it is above those before; else 0 */
	uint32_t body_bytes, extra_bytes;
	uint64_t number;	      /* of the journal: whose block it is until it has a slot */
	uint64_t block;		      /* of its payload; 0: it fits the slot */
	const unsigned char *payload; /* which then is here; NULL: it is empty */
};

/* Where it was put. */
struct restored_place {
	uint32_t ring, slot;
	struct slot_word word;
};

/* Copies a payload that does not fit a slot to a block. 0, RLQ_ENOSPACE, or another negative code. */
int seg_restore_payload(struct segment *segment, uint64_t number, const unsigned char *payload, uint64_t bytes,
			uint64_t *ret_block);
/* The message is gone. */
void seg_restore_drop(struct segment *segment, uint64_t number, uint64_t block);

/* Gives a message its slot, and its place in its group, behind those that were given one before. 0 or a negative
 * code: RLQ_EFULL, RLQ_ENOSPACE, RLQ_EDAMAGED. */
int seg_restore(struct segment *segment, const struct restored *message, struct restored_place *ret_place);

/* Before messages are put into a FIFO queue: room for so many deduplication ids. 0 or a negative code. */
int seg_restore_ids(struct segment *segment, uint64_t count);
/* An id of a message that is gone. `boot_ms` as sent_boot_ms above. 0 or RLQ_ENOSPACE. */
int seg_restore_id(struct segment *segment, const struct dedup_message *message);
/* All are in place: numbers go on above `sequence`; ids up to `purged` are forgotten. */
void seg_restore_sequence(struct segment *segment, uint64_t sequence, uint64_t purged);

#endif
