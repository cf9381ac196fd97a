/* Sending: check, find room, claim a slot, write the message, publish it. */
#include "client/internal.h"

#include "ring/crashpoint.h"
#include "ring/event.h"
#include "shm/fifo.h"
#include "shm/rings.h"
#include "shm/room.h"
#include "shm/tenants.h"

#include <string.h>

/* One message on its way. */
struct outgoing {
	struct message_parts parts;
	uint64_t extra_bytes;
	int64_t delay_ms;
	uint32_t ring;
	bool in_place;
	const struct foreseen_ids *foreseen; /* in a FIFO queue, if it was */
	struct ring_claim claim;
	unsigned char *payload;
};

static uint64_t id_variant(uint64_t count)
{
	/* An odd factor makes the count's image look random and keeps it unique. */
	return UINT64_C(1) << 63 | (count * UINT64_C(0x9e3779b97f4a7c15) & (UINT64_MAX >> 2));
}

/* 64 random bits of the handle and a count, dressed as a UUID of version 4. */
static struct rlq_message_id next_id(struct rlq_queue *queue)
{
	return (struct rlq_message_id){
		{(queue->id_seed & ~UINT64_C(0xf000)) | 0x4000, id_variant(queue->id_count++)}};
}

static inline __attribute__((always_inline)) int outgoing_check(struct rlq_queue *queue, struct outgoing *out)
{
	struct message_parts *parts = &out->parts;
	uint64_t bytes = parts->body_bytes;

	if (bytes > RLQ_BODY_MAX)
		return RLQ_ETOOBIG;
	if (parts->attribute_count > 0) {
		int error = message_check_attributes(parts->attributes, parts->attribute_count);

		if (error)
			return error;
		bytes += message_attribute_bytes(parts->attributes, parts->attribute_count);
		out->extra_bytes = message_extra_bytes(parts);
	}
	if (__builtin_expect(seg_is_fifo(queue->seg) || parts->group || parts->dedup_id, 0)) {
		int error = ids_prepare(queue, parts, &out->delay_ms, out->in_place, out->foreseen);

		if (error)
			return error;
		out->extra_bytes = message_extra_bytes(parts);
	}
	if (bytes > seg_attribute(queue->seg, ATTRIBUTE_BYTES_MAX))
		return RLQ_ETOOBIG;
	if (seg_is_fifo(queue->seg)) /* what is asked for is checked, and no more: each try asks for the same */
		return 0;
	if (out->delay_ms == RLQ_DEFAULT)
		out->delay_ms = (int64_t)seg_attribute(queue->seg, ATTRIBUTE_DELAY_MS);
	return out->delay_ms < 0 || out->delay_ms > RLQ_DELAY_MAX_MS ? RLQ_EATTRIBUTE : 0;
}

/* Gives slot and block back. Between enter and leave. */
static int outgoing_abandon(struct segment *segment, const struct outgoing *out)
{
	const struct ring *ring = &segment->ring[out->ring];
	uint64_t block = block_of(ring->slots[out->claim.slot].message.block);

	if (ring_abandon(ring, &out->claim, owner_make(segment->row, segment->serial)) != RING_OK)
		return RLQ_EDAMAGED;
	if (block)
		body_free(segment, block,
			  place_pack(out->ring, out->claim.slot, out->claim.position >> ring->order));
	if (seg_is_fifo(segment))
		fifo_unreserve(segment);
	return 0;
}

/* To a standard queue in which there are group ids. */
static __attribute__((cold)) int outgoing_note_tenant(struct rlq_queue *queue, struct outgoing *out)
{
	struct segment *segment = queue->seg;
	const char *group = out->parts.group;
	uint32_t tenant = group ? seg_tenant_of(segment, group, strlen(group)) : TENANT_NOBODY;
	int error = seg_tenant_note(segment, &segment->ring[out->ring].slots[out->claim.slot], tenant);

	if (error)
		outgoing_abandon(segment, out);
	return error;
}

/* Claims a slot and finds room for the payload in it. */
static inline __attribute__((always_inline)) int outgoing_reserve(struct rlq_queue *queue, struct outgoing *out)
{
	struct segment *segment = queue->seg;
	const struct ring *ring;
	bool in_order = __builtin_expect(seg_is_fifo(segment), 0);
	int error = seg_room(segment), index;

	if (!error && in_order)
		error = fifo_reserve(segment);
	if (error)
		return error;
	index = seg_claim(segment, &out->claim);
	if (index < 0) {
		if (in_order)
			fifo_unreserve(segment);
		return index;
	}
	out->ring = (uint32_t)index;
	ring = &segment->ring[index];
	error = message_make_room(segment, &ring->slots[out->claim.slot],
				  place_pack(out->ring, out->claim.slot, out->claim.position >> ring->order),
				  out->parts.body_bytes, out->extra_bytes, &out->payload);
	if (error)
		ring_abandon(ring, &out->claim, owner_make(segment->row, segment->serial));
	if (in_order && error)
		fifo_unreserve(segment);
	else if (in_order)
		ids_write(queue, &ring->slots[out->claim.slot]);
	else if (__builtin_expect(out->parts.group != NULL || seg_has_tenants(segment), 0))
		error = outgoing_note_tenant(queue, out);
	return error;
}

/* Publishes what is written. */
static inline __attribute__((always_inline)) int publish_in_ring(struct rlq_queue *queue, struct outgoing *out)
{
	struct segment *segment = queue->seg;
	const struct ring *ring = &segment->ring[out->ring];
	uint64_t owner = owner_make(segment->row, segment->serial);
	uint64_t due_ms = out->delay_ms == 0 ? 0 : deadline_after(queue, out->delay_ms);
	enum ring_result result;

	if (__builtin_expect(segment->durability == RLQ_SYNC, 0))
		result = ring_publish_pending(ring, &out->claim, owner, due_ms);
	else if (due_ms == 0)
		result = ring_publish(ring, &out->claim, owner);
	else
		result = ring_publish_delayed(ring, &out->claim, owner, due_ms);
	if (due_ms != 0)
		expect_due(queue, due_ms);
	return result == RING_OK ? 0 : RLQ_EDAMAGED;
}

/* The same in a FIFO queue: in the order of its group, if it is the first with its id. What finds no place there is
 * given back. */
static __attribute__((noinline)) int publish_in_group(struct rlq_queue *queue, struct outgoing *out)
{
	struct segment *segment = queue->seg;
	struct slot *slot = &segment->ring[out->ring].slots[out->claim.slot];
	struct fifo_sent sent;
	int64_t delay_ms;
	int error = fifo_send(segment, out->ring, out->claim.slot, slot_read(slot), &sent);

	if (error && error != -EAGAIN && error != RLQ_EUNKNOWN)
		outgoing_abandon(segment, out);
	if (error)
		return error;
	if (sent.is_duplicate)
		fifo_unreserve(segment);
	queue->ids.sequence = sent.sequence;
	queue->ids.is_duplicate = sent.is_duplicate;
	queue->ids.first = (struct rlq_message_id){{sent.id[0], sent.id[1]}};
	if (sent.is_duplicate)
		ids_note_first(queue, sent.link);
	delay_ms = (int64_t)seg_attribute(segment, ATTRIBUTE_DELAY_MS);
	if (delay_ms != 0)
		expect_due(queue, deadline_after(queue, delay_ms));
	return 0;
}

/* Fills in what is not payload and publishes. */
static inline __attribute__((always_inline)) int outgoing_publish(struct rlq_queue *queue, struct outgoing *out,
								  struct rlq_message_id *ret_id)
{
	struct segment *segment = queue->seg;
	const struct ring *ring = &segment->ring[out->ring];
	struct slot_message *message = &ring->slots[out->claim.slot].message;
	struct rlq_message_id id = next_id(queue);
	uint32_t tenant = block_tenant(message->block); /* read before it can be another's */
	int error;

	message->id[0] = id.word[0];
	message->id[1] = id.word[1];
	message->sent = sent_pack(segment->clock.wall_ms, seg_turn(segment));
	message->sender = queue->sender;
	CRASH_POINT(send_written);
	if (__builtin_expect(seg_is_fifo(segment), 0)) {
		error = publish_in_group(queue, out);
		if (!error && queue->ids.is_duplicate) {
			if (ret_id)
				*ret_id = queue->ids.first;
			return 0;
		}
	} else {
		error = publish_in_ring(queue, out);
	}
	if (error)
		return error;
	if (__builtin_expect(segment->durability == RLQ_SYNC, 0))
		queue->sent[queue->sent_count++] = (struct sent){
			.place = place_pack(out->ring, out->claim.slot, out->claim.position >> ring->order),
			.ring_id = segment->ring_id[out->ring],
			.duplicates = queue->first_count,
		};
	if (__builtin_expect(segment->durability != RLQ_MEMORY, 0))
		queue->unsettled += (uint64_t)message->body_bytes + message->extra_bytes;
	seg_count(&segment->me->sent, 1);
	CRASH_POINT(send_counted);
	if (__builtin_expect(tenant != TENANT_NONE, 0))
		seg_tenant_count(segment, tenant, 1);
	if (ret_id)
		*ret_id = id;
	return 0;
}

static inline __attribute__((always_inline)) int outgoing_send(struct rlq_queue *queue, struct outgoing *out,
							       struct rlq_message_id *ret_id)
{
	int error = outgoing_check(queue, out);

	if (!error && __builtin_expect(seg_is_fifo(queue->seg), 0) && ids_are_known(queue, ret_id))
		return 0;
	if (!error)
		error = outgoing_reserve(queue, out);
	if (error)
		return error;
	if (out->parts.body_bytes > 0)
		message_copy(out->payload, out->parts.body, out->parts.body_bytes);
	if (out->extra_bytes > 0)
		message_write_extra(out->payload + out->parts.body_bytes, &out->parts);
	return outgoing_publish(queue, out, ret_id);
}

/* Nothing is sent that could not be acknowledged. A flush takes far longer than to ask; for async the guess will
 * do, since its window ends with the engine. */
static int may_be_journaled(struct segment *segment)
{
	int error = segment->durability == RLQ_SYNC
			    ? seg_journal_state_again(segment)
			    : seg_journal_state_guess(segment->directory, segment->clock.boot_ms);

	if (error)
		return error;
	return seg_is_journaled(segment) ? seg_journal_room(segment) : RLQ_EENGINE;
}

/* Once for all that is sent in this call. */
static inline __attribute__((always_inline)) int send_begin(struct rlq_queue *queue)
{
	int error = call_begin(queue);

	if (error || __builtin_expect(queue->seg->durability == RLQ_MEMORY, 1))
		return error;
	error = may_be_journaled(queue->seg);
	if (error)
		call_end(queue);
	return error;
}

/* ---- waiting for room ------------------------------------------------------------------------- */

/* A call that was not asked to wait still does so for a ring that somebody is just making or giving back. It is
 * given up when no step of that was seen for so long (shm/rings.c): then he is stopped. Being woken, for what
 * others have freed meanwhile, says nothing about him. */
enum { GROWING_MS = 1000, GROWING_LOOK_MS = 10, GROWING_LOOKS = GROWING_MS / GROWING_LOOK_MS };

static bool is_growing(int error)
{
	return error == ROOM_GROWING || error == ROOM_GROWING_IDS;
}

static bool is_worth_waiting(int error)
{
	return error == RLQ_EFULL || error == RLQ_ENOSPACE || error == RLQ_EDISKFULL || is_growing(error);
}

/* What a send answers that has waited in vain. */
static int in_vain(int error)
{
	return error == ROOM_GROWING ? RLQ_EFULL : error == ROOM_GROWING_IDS ? RLQ_EDEDUPFULL : error;
}

struct patience {
	uint32_t flags;
	uint64_t steps;	   /* as seen last */
	uint64_t seen_ms;  /* when they were fewer */
	uint32_t looks;	   /* since then, each after a whole sleep */
	uint64_t until_ms; /* 0: not asked to wait */
};

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

/* Until when to sleep before the next try; 0: do not. */
static uint64_t waits_until(const struct rlq_queue *queue, struct patience *patience, int error)
{
	uint64_t now_ms = queue->seg->clock.boot_ms;

	if (patience->flags & RLQ_SEND_WAIT && now_ms < patience->until_ms)
		return patience->until_ms;
	return is_passing(queue, error) && goes_on(queue, patience) ? now_ms + GROWING_LOOK_MS : 0;
}

static int patience_begin(struct rlq_queue *queue, const struct rlq_send_options *options,
			  struct patience *ret_patience)
{
	if ((options->flags & ~(uint32_t)(RLQ_SEND_WAIT | RLQ_INTERRUPTIBLE)) != 0 || options->timeout_ms < 0)
		return RLQ_EATTRIBUTE;
	*ret_patience = (struct patience){.flags = options->flags};
	if (options->flags & RLQ_SEND_WAIT) {
		os_clock_read(&queue->seg->clock);
		ret_patience->until_ms = deadline_after(queue, options->timeout_ms);
	}
	return 0;
}

/* What is tried in one call: outgoing_send or outgoing_prepare. */
typedef int attempt_call(struct rlq_queue *queue, struct outgoing *out, struct rlq_message_id *ret_id);

static inline __attribute__((always_inline)) int try_once(struct rlq_queue *queue, struct outgoing *out,
							  attempt_call *attempt, struct rlq_message_id *ret_id)
{
	int error;

	do {
		error = send_begin(queue);
		if (error)
			return error;
		error = attempt(queue, out, ret_id);
		call_end(queue);
	} while (__builtin_expect(error == -EAGAIN, 0)); /* we had stood still for longer than ids are remembered */
	return error;
}

/* Sends, or reserves, what has found no room so far, if somebody makes some in time: consumers, or time
 * and death, whose work we do if nobody else does. */
static int try_patiently(struct rlq_queue *queue, struct outgoing *out, attempt_call *attempt,
			 struct patience *patience, struct rlq_message_id *ret_id)
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
		until_ms = waits_until(queue, patience, error);
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

/* ---- public ----------------------------------------------------------------------------------- */

/* Where the id of message `i` goes. */
static struct rlq_message_id *id_of(struct rlq_sent *ret_sent, size_t i, struct rlq_message_id *ret_ids)
{
	if (__builtin_expect(ret_sent != NULL, 0))
		return &ret_sent[i].id;
	return ret_ids ? &ret_ids[i] : NULL;
}

/* Who wants more than the id gets the rest; the id has gone there already. */
static void tell_more(const struct rlq_queue *queue, struct rlq_sent *ret_sent, struct rlq_message_id *ret_id)
{
	ret_sent->sequence = queue->ids.sequence;
	ret_sent->is_duplicate = queue->ids.is_duplicate;
	if (ret_id)
		*ret_id = ret_sent->id;
}

int rlq_send(struct rlq_queue *queue, const void *body, size_t body_bytes, const struct rlq_send_options *options,
	     struct rlq_message_id *ret_id)
{
	struct rlq_send_options o = RLQ_SEND_OPTIONS_INIT;
	struct patience patience = {0};
	struct outgoing out = {.parts = {.body = body, .body_bytes = body_bytes}, .delay_ms = RLQ_DEFAULT};
	struct foreseen_ids foreseen;
	int error;

	if (options) {
		error = options_read(&o, sizeof(o), options);
		if (!error)
			error = patience_begin(queue, &o, &patience);
		if (error)
			return error;
		out.parts.attributes = o.attributes;
		out.parts.attribute_count = o.attribute_count;
		out.parts.group = o.group;
		out.parts.dedup_id = o.dedup_id;
		out.delay_ms = o.delay_ms;
	}
	if (__builtin_expect(seg_is_fifo(queue->seg), 0)) {
		error = ids_foresee(queue, &out.parts, &foreseen);
		if (error)
			return error;
		out.foreseen = &foreseen;
	}
	do {
		struct rlq_message_id *id = id_of(o.ret_sent, 0, ret_id);

		error = try_once(queue, &out, outgoing_send, id);
		if (__builtin_expect(is_worth_waiting(error), 0))
			error = try_patiently(queue, &out, outgoing_send, &patience, id);
		if (error)
			return error;
		if (o.ret_sent)
			tell_more(queue, o.ret_sent, ret_id);
		seg_notify(queue->seg, 1);
		CRASH_POINT(send_notified);
		error = sends_settle(queue, NULL);
		/* Taken back, and not in vain if there will be room: the next try waits for it. */
	} while (__builtin_expect(error == RLQ_EDISKFULL, 0) && waits_until(queue, &patience, error) != 0);
	return error;
}

static struct outgoing outgoing_of(const struct rlq_queue *queue, const struct rlq_send_entry *entries, size_t i)
{
	const struct rlq_send_entry *entry = &entries[i];

	return (struct outgoing){.parts = {.body = entry->body,
					   .body_bytes = entry->body_bytes,
					   .attributes = entry->attributes,
					   .attribute_count = entry->attribute_count,
					   .group = entry->group,
					   .dedup_id = entry->dedup_id},
				 .delay_ms = entry->delay_ms,
				 .foreseen = seg_is_fifo(queue->seg) ? &queue->foreseen[i] : NULL};
}

/* As AWS: ids that a FIFO queue needs, missing in one entry, refuse all of them. */
static int check_batch(struct rlq_queue *queue, const struct rlq_send_entry *entries, size_t count)
{
	int error = 0;

	for (size_t i = 0; seg_is_fifo(queue->seg) && i < count && !error; i++)
		error = ids_foresee(
			queue, &(struct message_parts){.group = entries[i].group, .dedup_id = entries[i].dedup_id},
			&queue->foreseen[i]);
	return error;
}

/* So many slots at a time are set aside for a batch whose messages nobody receives before they are durable. */
#ifdef RL_EXPLORE
enum { SEND_RUN = 2 };
#else
enum { SEND_RUN = 16 };
#endif

/* As many of the batch as find room, from the `sent`th on, in one call. How many are sent then. */
static size_t send_run(struct rlq_queue *queue, const struct rlq_send_entry *entries, size_t sent, size_t count,
		       struct rlq_message_id *ret_ids, struct rlq_sent *ret_sent, int *ret_error)
{
	size_t before = sent;

	*ret_error = send_begin(queue);
	if (*ret_error)
		return sent;
	for (; sent < count; sent++) {
		struct outgoing out = outgoing_of(queue, entries, sent);

		if (queue->seg->durability == RLQ_SYNC && (sent - before) % SEND_RUN == 0)
			seg_claim_run(queue->seg, count - sent < SEND_RUN ? (uint32_t)(count - sent) : SEND_RUN);

		*ret_error = outgoing_send(queue, &out, id_of(ret_sent, sent, ret_ids));
		if (*ret_error)
			break;
		if (ret_sent)
			tell_more(queue, &ret_sent[sent], ret_ids ? &ret_ids[sent] : NULL);
	}
	call_end(queue);
	if (sent > before)
		seg_notify(queue->seg, sent - before);
	return sent;
}

int rlq_send_batch(struct rlq_queue *queue, const struct rlq_send_entry *entries, size_t count,
		   const struct rlq_send_options *options, struct rlq_message_id *ret_ids)
{
	struct rlq_send_options o = RLQ_SEND_OPTIONS_INIT;
	struct patience patience = {0};
	size_t sent = 0;
	int error = options_read(&o, sizeof(o), options);

	if (!error && options)
		error = patience_begin(queue, &o, &patience);
	if (error)
		return error;
	if (count == 0 || count > RLQ_BATCH_MAX)
		return RLQ_EATTRIBUTE;
	error = check_batch(queue, entries, count);
	if (error)
		return error;
	while (sent < count) {
		struct outgoing next;

		sent = send_run(queue, entries, sent, count, ret_ids, o.ret_sent, &error);
		if (error == -EAGAIN) /* as in try_once() */
			continue;
		if (sent == count || !is_worth_waiting(error))
			break;
		/* The one that found no room is sent patiently, then the rest again at once. */
		next = outgoing_of(queue, entries, sent);
		error = try_patiently(queue, &next, outgoing_send, &patience, id_of(o.ret_sent, sent, ret_ids));
		if (error)
			break;
		if (o.ret_sent)
			tell_more(queue, o.ret_sent + sent, ret_ids ? ret_ids + sent : NULL);
		seg_notify(queue->seg, 1);
		sent++;
	}
	if (sent > 0) {
		int unsettled = sends_settle(queue, &sent);

		if (unsettled)
			return unsettled;
	}
	/* To send it again could send it twice, so who asks must hear of it. */
	return sent > 0 && error != RLQ_EUNKNOWN ? (int)sent : error;
}

/* ---- in place --------------------------------------------------------------------------------- */

/* Claims and fills in all but the body. */
static int outgoing_prepare(struct rlq_queue *queue, struct outgoing *out, struct rlq_message_id *ret_id)
{
	int error = outgoing_check(queue, out);

	(void)ret_id;
	if (!error)
		error = outgoing_reserve(queue, out);
	if (!error && out->extra_bytes > 0)
		message_write_extra(out->payload + out->parts.body_bytes, &out->parts);
	return error;
}

/* What a reservation remembers in its opaque words. */
static void reservation_pack(const struct outgoing *out, const struct segment *segment,
			     struct rlq_reservation *ret_reservation)
{
	*ret_reservation = (struct rlq_reservation){
		.body = out->payload,
		.body_bytes = out->parts.body_bytes,
		.opaque = {(uint64_t)out->ring << 32 | out->claim.slot, out->claim.position, out->claim.late,
			   (uint64_t)out->delay_ms, segment->incarnation, owner_make(segment->row, segment->serial),
			   segment->ring_id[out->ring], 1},
	};
}

/* What was reserved, if it is still being written by us, neither published nor abandoned. Between enter and
 * leave, for only then its ring is known to be the one it was. 0 or RLQ_ERECEIPT. */
static int reservation_find(const struct rlq_queue *queue, const struct rlq_reservation *reservation,
			    struct outgoing *ret_out)
{
	const struct segment *segment = queue->seg;
	const uint64_t *word = reservation->opaque;
	uint32_t index = (uint32_t)(word[0] >> 32), slot = (uint32_t)word[0];
	uint64_t owner = owner_make(segment->row, segment->serial);
	const struct ring *ring;
	struct slot_word now;

	if (word[7] != 1 || word[4] != segment->incarnation || word[5] != owner || index >= SEG_RING_COUNT ||
	    !(segment->listed >> index & 1) || word[6] != segment->ring_id[index])
		return RLQ_ERECEIPT;
	ring = &segment->ring[index];
	if (slot > ring->mask)
		return RLQ_ERECEIPT;
	now = slot_read(&ring->slots[slot]);
	if ((word_state(now) != SLOT_WRITING && word_state(now) != SLOT_PASSED) ||
	    word_owner(now) != segment->row || word_generation(now) != word[1] >> ring->order)
		return RLQ_ERECEIPT;
	*ret_out = (struct outgoing){.ring = index,
				     .delay_ms = (int64_t)word[3],
				     .claim = {.position = word[1], .slot = slot, .late = word[2] != 0}};
	return 0;
}

int rlq_reserve(struct rlq_queue *queue, size_t body_bytes, const struct rlq_send_options *options,
		struct rlq_reservation *ret_reservation)
{
	struct rlq_send_options o = RLQ_SEND_OPTIONS_INIT;
	struct outgoing out = {.parts = {.body_bytes = body_bytes}, .in_place = true};
	struct patience patience = {0};
	int error = options_read(&o, sizeof(o), options);

	if (!error && options)
		error = patience_begin(queue, &o, &patience);
	if (!error && o.ret_sent)
		error = RLQ_EATTRIBUTE;
	if (error)
		return error;
	out.parts.attributes = o.attributes;
	out.parts.attribute_count = o.attribute_count;
	out.parts.group = o.group;
	out.parts.dedup_id = o.dedup_id;
	out.delay_ms = o.delay_ms;
	error = try_once(queue, &out, outgoing_prepare, NULL);
	if (is_worth_waiting(error))
		error = try_patiently(queue, &out, outgoing_prepare, &patience, NULL);
	if (!error) {
		queue->seg->reserved++;
		reservation_pack(&out, queue->seg, ret_reservation);
	}
	return error;
}

/* The body is there: the id that is made of it can be, too. */
static int outgoing_seal(struct rlq_queue *queue, const struct outgoing *out)
{
	const struct ring *ring = &queue->seg->ring[out->ring];

	return ids_seal(queue, &ring->slots[out->claim.slot],
			place_pack(out->ring, out->claim.slot, out->claim.position >> ring->order));
}

int rlq_publish(struct rlq_queue *queue, struct rlq_reservation *reservation, struct rlq_message_id *ret_id)
{
	struct segment *segment = queue->seg;
	struct outgoing out;
	int error = call_begin(queue);

	if (error)
		return error;
	error = reservation_find(queue, reservation, &out);
	if (!error && seg_is_fifo(segment))
		error = outgoing_seal(queue, &out);
	if (!error) {
		segment->reserved--;
		error = outgoing_publish(queue, &out, ret_id);
	}
	call_end(queue);
	if (!error) {
		seg_notify(segment, 1);
		memset(reservation, 0, sizeof(*reservation));
		error = sends_settle(queue, NULL);
	}
	return error;
}

int rlq_abandon(struct rlq_queue *queue, struct rlq_reservation *reservation)
{
	struct outgoing out;
	int error = call_begin(queue);

	if (error)
		return error;
	error = reservation_find(queue, reservation, &out);
	if (!error) {
		queue->seg->reserved--;
		error = outgoing_abandon(queue->seg, &out);
	}
	call_end(queue);
	if (!error)
		seg_notify_room(queue->seg);
	memset(reservation, 0, sizeof(*reservation));
	return error;
}
