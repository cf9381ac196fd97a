#include "shm/dlq.h"

#include "ring/crashpoint.h"
#include "ringlease.h"
#include "shm/move.h"
#include "shm/reap.h"

#include <errno.h>
#include <string.h>

int seg_dlq(struct segment *segment, struct segment **ret_target)
{
	uint64_t which = seg_attribute(segment, ATTRIBUTE_DLQ);
	char name[SEG_NAME_MAX + 1];
	int error;

	*ret_target = NULL;
	if (which == 0 || seg_attribute(segment, ATTRIBUTE_RECEIVES_MAX) == 0)
		return 0;
	if (which > 2)
		return RLQ_EDAMAGED;
	memcpy(name, segment->header->dlq_name[which - 1], SEG_NAME_MAX);
	name[SEG_NAME_MAX] = '\0';
	if (segment->peer && (strcmp(segment->peer->name, name) != 0 ||
			      (load_relaxed(&segment->peer->header->rings) & RINGS_REMOVED))) {
		seg_close(segment->peer);
		segment->peer = NULL;
	}
	if (segment->peer == NULL) {
		error = seg_name_is_valid(name) ? seg_open(segment->directory, name, &segment->peer) : RLQ_EDAMAGED;
		if (error)
			return error == -ENOENT ? RLQ_ENODLQ : error;
	}
	*ret_target = segment->peer;
	return 0;
}

int seg_bury(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word dead)
{
	struct segment *target;
	int error = seg_dlq(segment, &target);

	if (error == RLQ_ENODLQ || (error == 0 && target == NULL)) {
		/* As AWS: without a DLQ the message stays in its queue. */
		if (seg_make_ready(segment, ring, slot, dead))
			seg_notify(segment, 1);
		store_relaxed(&segment->header->dlq_error, (uint64_t)-error);
		CRASH_POINT(move_error_noted);
		return RLQ_ENODLQ;
	}
	if (error == 0)
		error = seg_move(segment, ring, slot, dead, target, MOVE_TO_DLQ);
	if (error != RLQ_ESTALE && error != -EAGAIN)
		store_relaxed(&segment->header->dlq_error, (uint64_t)-error); /* relaxed: only shown */
	CRASH_POINT(move_error_noted);
	return error;
}
