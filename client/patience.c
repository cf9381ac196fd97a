/* Waiting for room: what a send that found none does until there is some, or its patience ends. */
#include "client/patience.h"

#include "ring/event.h"
#include "shm/rings.h"

/* A call that was not asked to wait still does so for a ring that somebody is just making or giving back. It is
 * given up when no step of that was seen for so long (shm/rings.c): then he is stopped. Being woken, for what
 * others have freed meanwhile, says nothing about him. */
enum { GROWING_MS = 1000, GROWING_LOOK_MS = 10, GROWING_LOOKS = GROWING_MS / GROWING_LOOK_MS };

/* What a send answers that has waited in vain. */
static int in_vain(int error)
{
	return error == ROOM_GROWING ? RLQ_EFULL : error == ROOM_GROWING_IDS ? RLQ_EDEDUPFULL : error;
}

/* Is the error due to rings that are being made? All but one of several made at once give their memory back. */
static bool is_passing(const struct rlq_queue *queue, int error)
{
	return is_growing(error) || (error == RLQ_ENOSPACE && seg_is_growing(queue->seg));
}

static bool goes_on(const struct rlq_queue *queue, struct patience *patience)
{
	/* relaxed: a hint, and looked at again */
	uint64_t steps = load_relaxed(&queue->seg->header->region_steps);

	if (steps != patience->steps || patience->seen_ms == 0) {
		patience->steps = steps;
		patience->seen_ms = queue->seg->clock.boot_ms;
		patience->looks = 0;
	}
	return patience->looks < GROWING_LOOKS && queue->seg->clock.boot_ms - patience->seen_ms < GROWING_MS;
}

uint64_t patience_until(const struct rlq_queue *queue, struct patience *patience, int error)
{
	uint64_t now_ms = queue->seg->clock.boot_ms;

	if (patience->flags & RLQ_SEND_WAIT && now_ms < patience->until_ms)
		return patience->until_ms;
	return is_passing(queue, error) && goes_on(queue, patience) ? now_ms + GROWING_LOOK_MS : 0;
}

int try_patiently(struct rlq_queue *queue, struct outgoing *out, attempt_call *attempt, struct patience *patience,
		  struct rlq_message_id *ret_id)
{
	atomic_u32 *event = &queue->seg->header->producers;
	uint32_t ticket = 0, tries;
	int error = ROOM_GROWING; /* or what else it was */

	/* Never "full" while something is only waiting to be reaped. */
	reap_if_needed(queue);
	for (tries = 0;; tries++) {
		uint64_t until_ms;

		seg_room_linger(queue->seg);
		if (is_growing(error) && seg_is_fifo(queue->seg))
			fifo_make_way(queue->seg);
		/* [E2] tried again after the ticket, so that room made in between is not slept through */
		error = try_once(queue, out, attempt, ret_id);
		if (!is_worth_waiting(error))
			return error;
		until_ms = patience_until(queue, patience, error);
		if (until_ms == 0)
			return in_vain(error);
		if (tries > 0) {
			int interrupted = sleep_on(queue, event, ticket, until_ms);

			if (interrupted && (patience->flags & RLQ_INTERRUPTIBLE))
				return interrupted;
			patience->looks += load32_acquire(event) == ticket; /* nobody has woken us */
		}
		ticket = event_prepare(event);
	}
}
