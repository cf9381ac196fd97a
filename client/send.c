/* Sending: one message, or many in few calls. */
#include "client/patience.h"

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
		outgoing_set_options(&out, &o);
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
	} while (__builtin_expect(error == RLQ_EDISKFULL, 0) && patience_until(queue, &patience, error) != 0);
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
					   .dedup_id = entry->dedup_id,
					   .trace = entry->trace},
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
