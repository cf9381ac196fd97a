#include "tests/durable/order.h"

#include <stdio.h>
#include <string.h>

void order_ids(uint32_t tag, struct order_ids *ret)
{
	snprintf(ret->group, sizeof(ret->group), "g%u", tag % ORDER_GROUPS);
	snprintf(ret->dedup, sizeof(ret->dedup), "d%u", tag);
}

static void note(struct history *history, int queue, uint32_t tag, uint64_t sequence)
{
	struct told_message *told = &history->messages[tag];

	told->sequence = sequence;
	told->sequence_of = queue;
	if (sequence > history->queues[queue].sequence)
		history->queues[queue].sequence = sequence;
}

void order_begin(struct history *history, int queue, uint32_t tag)
{
	history->messages[tag].send = (struct told_send){.is_one = true, .queue = queue};
}

void order_acknowledged(struct history *history, uint32_t tag, const struct rlq_sent *sent)
{
	struct told_send *send = &history->messages[tag].send;

	send->is_acknowledged = true;
	if (!sent->is_duplicate) /* a new message */
		send->is_durable = send->was_there = false;
	send->may_be_forgotten = false;
	send->id = sent->id;
	send->sequence = sent->sequence;
}

void order_forget(struct history *history, int queue)
{
	for (unsigned i = 0; i < history->message_count; i++)
		if (history->messages[i].send.is_one && history->messages[i].send.queue == queue)
			history->messages[i].send.may_be_forgotten = true;
}

/* In an async queue it may never have been there. */
void order_lost(struct told_send *send)
{
	if (!send->is_durable && (send->is_acknowledged || send->was_there))
		send->may_be_forgotten = true;
}

/* What was acknowledged and durable is known, and what is there. What is not there though nobody has heard that it
 * was sent was never sent. Else either may be so. */
void order_judge_retry(struct history *history, uint32_t tag, const struct rlq_sent *sent, bool is_there,
		       bool is_alive)
{
	const struct told_send *send = &history->messages[tag].send;
	bool was_there = send->is_acknowledged || send->was_there;
	bool is_known = is_there || (was_there && (send->is_durable || is_alive));

	if (send->may_be_forgotten)
		return;
	if (is_known && !sent->is_duplicate)
		history_fault(history, "message %u is sent to %s twice by one id; it %s", tag,
			      history_name(history, send->queue), is_there ? "is there" : "was there");
	if (!is_there && !was_there && sent->is_duplicate)
		history_fault(history, "message %u is a duplicate of nothing", tag);
	if (sent->is_duplicate && send->is_acknowledged &&
	    (sent->sequence != send->sequence || memcmp(&sent->id, &send->id, sizeof(sent->id)) != 0))
		history_fault(history, "message %u, a duplicate, has the number %llu, and had %llu", tag,
			      (unsigned long long)sent->sequence, (unsigned long long)send->sequence);
}

void order_sent(struct history *history, int queue, uint32_t tag, uint64_t sequence)
{
	if (sequence <= history->queues[queue].sequence)
		history_fault(history, "message %u was given the number %llu, after %llu", tag,
			      (unsigned long long)sequence, (unsigned long long)history->queues[queue].sequence);
	note(history, queue, tag, sequence);
}

/* One that was moved may be where it was before, or in the same queue a second time. */
void order_found(struct history *history, int queue, uint32_t tag, uint64_t sequence)
{
	struct told_message *told = &history->messages[tag];
	bool is_known = told->sequence != 0 && !told->was_moved && told->sequence_of == queue;

	if (sequence == 0 || (is_known && told->sequence != sequence))
		history_fault(history, "message %u has the number %llu, and was given %llu", tag,
			      (unsigned long long)sequence, (unsigned long long)told->sequence);
	told->send.was_there = true;
	told->was_moved |= told->sequence != 0 && told->sequence_of != queue;
	note(history, queue, tag, sequence);
}

static uint32_t tag_of(const struct rlq_message *message)
{
	uint32_t tag;

	memcpy(&tag, message->body, sizeof(tag));
	return tag;
}

static bool is_among(uint32_t tag, const struct rlq_message *messages, int count)
{
	for (int i = 0; i < count; i++)
		if (tag_of(&messages[i]) == tag)
			return true;
	return false;
}

/* Nothing of its group that was there before it is there still, but for what the same call has brought before. */
static void check_order(struct history *history, int queue, const struct rlq_message *messages, int at)
{
	uint32_t tag = tag_of(&messages[at]);

	for (uint32_t other = tag % ORDER_GROUPS; other < history->message_count; other += ORDER_GROUPS)
		if (other != tag && history_state(history, other)->queue == queue &&
		    history->messages[other].sequence < history->messages[tag].sequence &&
		    !is_among(other, messages, at))
			history_fault(history, "message %u received before message %u of its group", tag, other);
}

void order_received(struct history *history, int queue, const struct rlq_message *messages, int count)
{
	struct order_ids ids;

	for (int i = 0; i < count; i++) {
		const struct rlq_message *message = &messages[i];

		order_ids(tag_of(message), &ids);
		if (message->group == NULL || strcmp(message->group, ids.group) != 0 || message->dedup_id == NULL ||
		    strcmp(message->dedup_id, ids.dedup) != 0)
			history_fault(history, "message %u has other ids", tag_of(message));
		if (message->sequence != history->messages[tag_of(message)].sequence)
			history_fault(history, "message %u is received with the number %llu, and has %llu",
				      tag_of(message), (unsigned long long)message->sequence,
				      (unsigned long long)history->messages[tag_of(message)].sequence);
		check_order(history, queue, messages, i);
	}
}
