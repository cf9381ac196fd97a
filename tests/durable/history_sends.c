/* Sends: singly, in batches, in place, and again. */
#include "tests/durable/found.h"
#include "tests/durable/history_told.h"
#include "tests/durable/order.h"
#include "tests/support/child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OLDEST = 3, RETRIES = 10 }; /* sends that are tried again: of the first and of the last ones */

static const struct rlq_attribute attribute = {
	.name = "kind", .value = "durable", .value_bytes = 7, .type = RLQ_STRING};
static unsigned char bodies[RLQ_BATCH_MAX][BODY_MAX];

bool sent_attribute_is_there(const struct rlq_message *message)
{
	return message->attribute_count == 1 && strcmp(message->attributes[0].name, attribute.name) == 0 &&
	       message->attributes[0].value_bytes == attribute.value_bytes &&
	       memcmp(message->attributes[0].value, attribute.value, attribute.value_bytes) == 0;
}

static uint32_t message_begin(struct history *history, uint32_t bytes, unsigned char *body)
{
	uint32_t tag = history->message_count;
	struct told_message *told = &history->messages[tag];

	if (tag == MESSAGES_MAX) {
		fprintf(stderr, "too many messages in one history\n");
		exit(1);
	}
	*told = (struct told_message){.bytes = bytes, .state[0] = {.queue = NOWHERE}, .states = 1};
	history->message_count++;
	body_make(body, tag, bytes);
	return tag;
}

/* Of the messages begun last, those after the first `kept` are certainly not sent. */
static void refused(struct history *history, int kept, int count)
{
	for (int i = kept; i < count; i++)
		history->messages[history->message_count - (unsigned)(count - i)].states = 1;
	history->refused += kept > 0 && kept < count;
}

void h_send(struct history *history, int queue, int count, uint32_t bytes, int64_t delay_ms)
{
	struct rlq_queue *handle = history->is_over ? NULL : told_handle(history, queue);
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT, batch = RLQ_SEND_OPTIONS_INIT;
	struct rlq_send_entry entries[RLQ_BATCH_MAX];
	struct rlq_sent sent[RLQ_BATCH_MAX] = {0};
	struct order_ids ids[RLQ_BATCH_MAX];
	bool is_fifo = history->queues[queue].is_fifo;
	int result;

	if (handle == NULL)
		return;
	delay_ms = is_fifo ? 0 : delay_ms;
	options.delay_ms = delay_ms;
	options.ret_sent = batch.ret_sent = sent;
	options.attributes = &attribute;
	options.attribute_count = 1;
	for (int i = 0; i < count; i++) {
		uint32_t tag = message_begin(history, bytes, bodies[i]);

		told_state(history, tag, (struct message_state){.queue = queue, .is_delayed = delay_ms > 0});
		entries[i] = (struct rlq_send_entry){.body = bodies[i],
						     .body_bytes = bytes,
						     .attributes = &attribute,
						     .attribute_count = 1,
						     .delay_ms = delay_ms};
		if (!is_fifo)
			continue;
		order_begin(history, queue, tag);
		order_ids(tag, &ids[i]);
		options.group = entries[i].group = ids[i].group;
		options.dedup_id = entries[i].dedup_id = ids[i].dedup;
	}

	watchdog_names("send");
	result = count == 1 ? rlq_send(handle, bodies[0], bytes, &options, NULL)
			    : rlq_send_batch(handle, entries, (size_t)count, &batch, NULL);
	if (result == RLQ_EDISKFULL)
		refused(history, 0, count);
	else if (result >= 0 && count > 1)
		refused(history, result, count);
	for (int i = 0; is_fifo && i < (count == 1 ? result == 0 : result); i++) {
		uint32_t tag = history->message_count - (uint32_t)(count - i);

		order_sent(history, queue, tag, sent[i].sequence);
		order_acknowledged(history, tag, &sent[i]);
	}
	told_answer(history, "send", result, told_is_sync(history, queue));
}

static int reserve(struct rlq_queue *handle, uint32_t tag, const unsigned char *body, uint32_t bytes,
		   struct rlq_reservation *ret_reservation)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct order_ids ids;
	int error;

	order_ids(tag, &ids);
	options.attributes = &attribute;
	options.attribute_count = 1;
	options.group = ids.group;
	options.dedup_id = ids.dedup;
	error = rlq_reserve(handle, bytes, &options, ret_reservation);
	if (!error)
		memcpy(ret_reservation->body, body, bytes);
	return error;
}

void h_send_crossed(struct history *history, int queue, int count, uint32_t bytes)
{
	struct rlq_queue *handle = history->is_over ? NULL : told_handle(history, queue);
	struct rlq_reservation reservations[RLQ_BATCH_MAX];
	struct rlq_sent sent[RLQ_BATCH_MAX] = {0};
	unsigned first = history->message_count, found;
	const struct found *all;
	int result = 0;

	if (handle == NULL)
		return;
	watchdog_names("reserve");
	for (int i = 0; i < count && !result; i++) {
		uint32_t tag = message_begin(history, bytes, bodies[i]);

		order_begin(history, queue, tag);
		result = reserve(handle, tag, bodies[i], bytes, &reservations[i]);
	}
	watchdog_names("publish");
	for (int i = count - 1; i >= 0 && !result; i--) {
		told_state(history, first + (unsigned)i, (struct message_state){.queue = queue});
		result = rlq_publish(handle, &reservations[i], &sent[i].id);
	}
	told_answer(history, "publish", result, told_is_sync(history, queue));
	found = history->is_over ? 0 : found_in_all(history, &all);
	for (unsigned i = 0; i < found; i++)
		if (all[i].tag >= first) {
			struct rlq_sent *one = &sent[all[i].tag - first];

			one->sequence = all[i].sequence;
			order_found(history, queue, all[i].tag, one->sequence);
			order_acknowledged(history, all[i].tag, one);
		}
}

static void retry_one(struct history *history, uint32_t tag, bool is_alive)
{
	struct told_message *told = &history->messages[tag];
	struct rlq_queue *handle = told_handle(history, told->send.queue);
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_sent sent;
	struct order_ids ids;
	bool is_there = history_state(history, tag)->queue != NOWHERE;
	int result, before = told->states;

	if (handle == NULL ||
	    (is_there && told->send.may_be_forgotten)) /* a second one would be right, and confuse us */
		return;
	body_make(bodies[0], tag, told->bytes);
	order_ids(tag, &ids);
	options.attributes = &attribute;
	options.attribute_count = 1;
	options.group = ids.group;
	options.dedup_id = ids.dedup;
	options.ret_sent = &sent;
	/* Unless it was there: then this changes nothing. */
	if (!is_there) {
		told_state(history, tag, (struct message_state){.queue = told->send.queue});
		told->sequence = 0;
		told->was_moved = false;
	}
	watchdog_names("retry");
	result = rlq_send(handle, bodies[0], told->bytes, &options, NULL);
	if (result == 0)
		order_judge_retry(history, tag, &sent, is_there, is_alive);
	if (result == RLQ_EDISKFULL || (result == 0 && sent.is_duplicate))
		told->states = before;
	if (result == 0 && !sent.is_duplicate) {
		told->was_moved = false;
		order_sent(history, told->send.queue, tag, sent.sequence);
	}
	if (result == 0)
		order_acknowledged(history, tag, &sent);
	told_answer(history, "retry", result, told_is_sync(history, told->send.queue));
}

void retry_sends(struct history *history, bool is_alive)
{
	unsigned last = history->message_count;

	for (unsigned i = 0; i < last && !history->is_over; i++)
		if ((i < OLDEST || i + RETRIES >= last) && history->messages[i].send.is_one &&
		    told_queue_state(history, history->messages[i].send.queue)->exists)
			retry_one(history, i, is_alive);
}

void h_retry(struct history *history)
{
	retry_sends(history, true);
}
