/* Receiving: lease a message, copy it or hold it in place, check that it is still ours. */
#include "client/taking.h"

#include "ring/crashpoint.h"
#include "ring/event.h"
#include "shm/dlq.h"
#include "shm/fifo.h"
#include "shm/tenants.h"

enum {
	WAIT_DEFAULT_MAX_MS = 20000, /* of a queue; a call may ask for more */
};

/* Leases from here on count from the last reading of the clock. */
static inline void stamp(const struct rlq_queue *queue, struct demand *demand)
{
	demand->terms.deadline_ms = deadline_after(queue, demand->visibility_ms);
	demand->copied = 0;
}

/* The same with a new reading, after what took long: a lease must not be used up by what came before it. */
void stamp_anew(struct rlq_queue *queue, struct demand *demand)
{
	os_clock_read(&queue->seg->clock);
	stamp(queue, demand);
}

static void hold_before_lease(void *context, uint64_t place)
{
	hold_publish(((const struct demand *)context)->queue, place);
}

/* What is received for no time may be met again by the same call. */
static bool has_taken(void *context, uint64_t place)
{
	const struct demand *demand = context;
	struct receipt_parts parts;

	for (size_t i = 0; i < demand->taken_count; i++) {
		receipt_unpack(&demand->taken[i].receipt, &parts);
		if (place_pack(parts.ring, parts.slot, parts.generation) == place)
			return true;
	}
	return false;
}

/* Finds the next message where it is not simply at our cursor. 1: leased. 0: there is none. Else a code. */
static int take_walk(struct rlq_queue *queue, uint32_t index, struct demand *demand, struct ring_taken *ret_taken)
{
	struct segment *segment = queue->seg;
	const struct ring *ring = &segment->ring[index];
	uint32_t busy = 0;

	for (;;) {
		enum ring_result result;

		if ((demand->flags & RLQ_RECEIVE_IN_PLACE) && !hold_is_free(queue))
			return RLQ_EHOLDS;
		result = (demand->from_aside ? ring_take_aside : ring_take)(ring, &segment->cursor[index],
									    &demand->terms, ret_taken);
		if (result == RING_EMPTY)
			return 0;
		if (result == RING_DAMAGED || (result == RING_BUSY && ++busy > ring_busy_max(ring)))
			return RLQ_EDAMAGED;
		if (result == RING_OK && !ret_taken->is_dead)
			return 1;
		/* Without a DLQ it stays receivable, also by us: else we would meet it for ever. */
		if (result == RING_OK && seg_bury(segment, index, ret_taken->slot, ret_taken->word) == RLQ_ENODLQ)
			demand->terms.receives_max = 0;
		stamp_anew(queue, demand);
	}
}

/* Takes from one ring until it is empty, `max` is reached or something is wrong. */
static int take_from_ring(struct rlq_queue *queue, uint32_t index, struct demand *demand,
			  struct rlq_message *ret_messages, size_t max)
{
	struct segment *segment = queue->seg;
	struct taking taking = taking_begin(queue, demand, index);
	size_t count = 0;
	int error = 0;

	demand->terms.ring_index = index;
	while (count < max) {
		struct ring_taken taken;
		int took;

		if (__builtin_expect(demand->from_aside, 0) ||
		    !ring_take_next(taking.ring, &segment->cursor[index], &demand->terms, &taken)) {
			struct ring_taken walked;

			error = take_walk(queue, index, demand, &walked);
			if (error <= 0)
				break;
			taken = walked;
			taking = taking_begin(queue, demand, index);
		}
		took = message_take(&taking, &taken, &ret_messages[count]);
		if (took <= 0 && demand->terms.stay_visible)
			ring_set_again(taking.ring, taken.slot);
		if (took < 0) {
			error = took;
			break;
		}
		count += (size_t)took;
		demand->taken_count += (size_t)took;
		if (__builtin_expect(demand->copied >= STAMP_BYTES || took == 0, 0)) {
			stamp_anew(queue, demand);
			taking = taking_begin(queue, demand, index);
		}
	}
	if (count == 0)
		return error;
	seg_count(&segment->me->received, count);
	call_note(queue); /* the receive count is to survive */
	return (int)count;
}

/* What was received for no time is there for others. Killed before that, the sweep shows it. */
static void show_again(struct segment *segment, const struct rlq_message *messages, size_t count)
{
	struct receipt_parts parts;

	for (size_t i = 0; i < count; i++) {
		receipt_unpack(&messages[i].receipt, &parts);
		ring_set_again(&segment->ring[parts.ring], parts.slot);
		if (seg_is_fifo(segment))
			fifo_settle(segment, fifo_group(&segment->ring[parts.ring].slots[parts.slot]));
	}
	seg_notify(segment, count);
}

static bool all_came_back(const struct rlq_message *messages, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (messages[i].receive_count == 1)
			return false;
	return true;
}

static inline __attribute__((always_inline)) int take_from_each(struct rlq_queue *queue, struct demand *demand,
								struct rlq_message *ret_messages, size_t max)
{
	struct segment *segment = queue->seg;
	uint32_t rings = rings_count(segment->rings), first = 0;
	int count = 0;

	/* Oldest ring first, for order. But what always comes back in an old ring must not starve the
	 * others: while only such messages come, 1 call in RING_HEAD_EVERY begins at each ring in turn. */
	if (rings > 1 && queue->only_again && ++queue->turn % RING_HEAD_EVERY == 0)
		first = queue->turn / RING_HEAD_EVERY % rings;
	/* What was put aside is no more in order: the newest ring in turn, for it may have what older ones have
	 * not. */
	if (demand->from_aside && ++queue->asides % 2 == 0)
		first = rings - 1;
	for (uint32_t i = 0; i < rings && (size_t)count < max; i++) {
		uint32_t at = first + i < rings ? first + i : first + i - rings;
		int took = take_from_ring(queue, rings_at(segment->rings, at), demand, ret_messages + count,
					  max - (size_t)count);

		if (took < 0 && count == 0)
			count = took;
		if (took < 0)
			break;
		count += took;
	}
	queue->only_again = count > 0 && all_came_back(ret_messages, (size_t)count);
	return count;
}

int take_from_rings(struct rlq_queue *queue, struct demand *demand, struct rlq_message *ret_messages, size_t max)
{
	return take_from_each(queue, demand, ret_messages, max);
}

static int take_some(struct rlq_queue *queue, struct demand *demand, struct rlq_message *ret_messages, size_t max)
{
	struct segment *segment = queue->seg;
	int error = call_begin(queue), count;
	uint64_t due_ms;

	if (error)
		return error;
	demand->taken = ret_messages;
	demand->taken_count = 0;
	stamp(queue, demand);
	due_ms = demand->terms.deadline_ms; /* the earliest */
	if (__builtin_expect(seg_is_fifo(segment), 0))
		count = take_in_order(queue, demand, ret_messages, max);
	else if (seg_has_tenants(segment))
		count = take_fairly(queue, demand, ret_messages, max);
	else
		count = take_from_each(queue, demand, ret_messages, max);
	hold_cancel(queue);
	if (count > 0 && !demand->terms.stay_visible)
		expect_due(queue, due_ms);
	else if (count > 0)
		show_again(segment, ret_messages, (size_t)count);
	call_end(queue);
	return count;
}

static int demand_read(struct rlq_queue *queue, const struct rlq_receive_options *options,
		       struct demand *ret_demand)
{
	struct segment *segment = queue->seg;
	int64_t visibility_ms = RLQ_DEFAULT, wait_ms = RLQ_DEFAULT;
	const char *attempt_id = NULL;
	uint32_t flags = 0;

	if (options) {
		struct rlq_receive_options o = RLQ_RECEIVE_OPTIONS_INIT;
		int error = options_read(&o, sizeof(o), options);

		if (error)
			return error;
		visibility_ms = o.visibility_ms;
		wait_ms = o.wait_ms;
		flags = o.flags;
		attempt_id = o.attempt_id;
	}
	if (attempt_id && (!seg_is_fifo(segment) || !id_is_valid(attempt_id)))
		return seg_is_fifo(segment) ? RLQ_EDEDUPID : RLQ_ENOTFIFO;
	if (visibility_ms == RLQ_DEFAULT)
		visibility_ms = (int64_t)seg_attribute(segment, ATTRIBUTE_VISIBILITY_MS);
	if (wait_ms == RLQ_DEFAULT) {
		wait_ms = (int64_t)seg_attribute(segment, ATTRIBUTE_WAIT_MS);
		if (wait_ms < 0 || wait_ms > WAIT_DEFAULT_MAX_MS)
			return RLQ_EDAMAGED;
	}
	if (visibility_ms < 0 || visibility_ms > RLQ_VISIBILITY_MAX_MS || wait_ms < 0 ||
	    (flags & ~(uint32_t)(RLQ_RECEIVE_IN_PLACE | RLQ_INTERRUPTIBLE)) != 0)
		return RLQ_EATTRIBUTE;
	*ret_demand = (struct demand){
		.queue = queue,
		.visibility_ms = visibility_ms,
		.flags = flags,
		.attempt_id = attempt_id,
		.terms = {.receives_max = (uint32_t)seg_attribute(segment, ATTRIBUTE_RECEIVES_MAX),
			  .stay_visible = visibility_ms == 0,
			  .has_taken = visibility_ms == 0 ? has_taken : NULL,
			  .viewer = flags & RLQ_RECEIVE_IN_PLACE ? segment->row : OWNER_NONE,
			  .hold = hold_before_lease,
			  .context = ret_demand},
	};
	if (ret_demand->terms.viewer != OWNER_NONE && load_relaxed(&segment->header->viewers) == 0)
		store_seq(&segment->header->viewers, 1);
	CRASH_POINT(receive_viewer_said);
	if (wait_ms > 0) {
		os_clock_read(&segment->clock);
		ret_demand->until_ms = deadline_after(queue, wait_ms);
	}
	return 0;
}

/* Nothing there: sleeps until something may be. */
static int wait_for_message(struct rlq_queue *queue, struct demand *demand, struct rlq_message *ret_messages,
			    size_t max)
{
	atomic_u32 *event = &queue->seg->header->consumers;

	for (;;) {
		uint32_t ticket = event_prepare(event);
		/* [E2] looks again after saying that it will sleep */
		int count, error;

		demand->terms.before_sleep = true;
		count = take_some(queue, demand, ret_messages, max);
		demand->terms.before_sleep = false;
		if (count != 0)
			return count;
		if (queue->seg->clock.boot_ms >= demand->until_ms)
			return 0;
		error = sleep_on(queue, event, ticket, demand->until_ms);
		if (error && (demand->flags & RLQ_INTERRUPTIBLE))
			return error;
	}
}

/* Nothing there, and this call does not sleep; but who has armed a watch will. He has set the sleepers bit, or it
 * was taken away by a wake-up, which is reported. */
static int look_for_watch(struct rlq_queue *queue, struct demand *demand, struct rlq_message *ret_messages,
			  size_t max)
{
	if (!event_has_sleepers(&queue->seg->header->consumers))
		return 0;
	demand->terms.before_sleep = true;
	return take_some(queue, demand, ret_messages, max);
}

int rlq_receive(struct rlq_queue *queue, struct rlq_message *ret_messages, size_t max,
		const struct rlq_receive_options *options)
{
	struct demand demand;
	int count = demand_read(queue, options, &demand);

	if (count < 0)
		return count;
	if (max == 0 || max > RLQ_BATCH_MAX)
		return RLQ_EATTRIBUTE;
	arena_reset(&queue->arena);
	count = take_some(queue, &demand, ret_messages, max);
	if (__builtin_expect(count != 0, 1))
		return count;
	/* Never "empty" while something is only waiting to be reaped. */
	if (reap_if_needed(queue))
		count = take_some(queue, &demand, ret_messages, max);
	if (count != 0)
		return count;
	if (demand.until_ms == 0)
		return look_for_watch(queue, &demand, ret_messages, max);
	return wait_for_message(queue, &demand, ret_messages, max);
}
