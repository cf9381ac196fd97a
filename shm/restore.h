/* Puts messages that were journaled into a segment that nobody else can open yet. */
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
	uint32_t body_bytes, extra_bytes;
};

/* Where it was put. */
struct restored_place {
	uint32_t ring, slot;
	struct slot_word word;
};

/* Claims a slot, hands out where the payload goes, and publishes what was written there. Between enter and leave.
 * 0 or a negative code: RLQ_EFULL, RLQ_ENOSPACE. */
int seg_restore_begin(struct segment *segment, const struct restored *message, struct restored_place *ret_place,
		      unsigned char **ret_payload);
void seg_restore_end(struct segment *segment, const struct restored *message, struct restored_place *place);

#endif
