/* Calls on queues, and on messages that were received. */
#include "shm/durable.h"
#include "tests/durable/found.h"
#include "tests/durable/history_told.h"
#include "tests/durable/order.h"
#include "tests/support/child.h"

#include <string.h>

static struct rlq_queue_attributes attributes_of(const struct history *history, int queue)
{
	const struct told_queue *told = &history->queues[queue];
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.durability = told->durability;
	attributes.type = told->is_fifo ? RLQ_FIFO : RLQ_STANDARD;
	attributes.receives_max = told->receives_max;
	attributes.visibility_ms = told->state[told->states - 1].visibility_ms;
	attributes.message_bytes_max = BODY_MAX;
	if (told->dlq >= 0)
		strcpy(attributes.dlq, history_name(history, told->dlq));
	return attributes;
}

void h_create(struct history *history, int queue, enum rlq_durability durability, int dlq, uint32_t receives_max)
{
	struct told_queue *told = &history->queues[queue];
	struct rlq_queue_attributes attributes;

	if (history->is_over)
		return;
	told->durability = durability;
	told->dlq = dlq;
	told->receives_max = receives_max;
	told_queue_is(history, queue, (struct queue_state){.exists = true, .visibility_ms = LONG_MS});
	attributes = attributes_of(history, queue);
	watchdog_names("create");
	told_answer(history, "create",
		    rlq_queue_create(machine_directory(), history_name(history, queue), &attributes), true);
}

void h_create_fifo(struct history *history, int queue, enum rlq_durability durability, int dlq,
		   uint32_t receives_max)
{
	if (history->is_over)
		return;
	history->queues[queue].is_fifo = true;
	history->queues[queue].sequence = 0;
	h_create(history, queue, durability, dlq, receives_max);
}

void h_remove(struct history *history, int queue)
{
	if (history->is_over)
		return;
	rlq_queue_close(history->queues[queue].handle);
	history->queues[queue].handle = NULL;
	order_forget(history, queue);
	for (unsigned i = 0; i < history->message_count; i++)
		if (history_state(history, i)->queue == queue) {
			history->messages[i].is_leased = false;
			told_state(history, i, (struct message_state){.queue = NOWHERE});
		}
	told_queue_is(history, queue, (struct queue_state){.exists = false});
	watchdog_names("remove");
	told_answer(history, "remove", rlq_queue_remove(machine_directory(), history_name(history, queue)), true);
}

void h_set_visibility(struct history *history, int queue, int64_t visibility_ms)
{
	struct rlq_queue *handle = history->is_over ? NULL : told_handle(history, queue);
	struct rlq_queue_attributes attributes;

	if (handle == NULL)
		return;
	told_queue_is(history, queue, (struct queue_state){.exists = true, .visibility_ms = visibility_ms});
	attributes = attributes_of(history, queue);
	watchdog_names("set");
	told_answer(history, "set", rlq_queue_set_attributes(handle, &attributes), told_is_sync(history, queue));
}

static void received_one(struct history *history, int queue, const struct rlq_message *message, bool is_leased)
{
	struct told_message *told;
	struct message_state state;
	uint32_t tag;

	if (!body_is_whole(history, message->body, message->body_bytes) || !sent_attribute_is_there(message)) {
		history_fault(history, "%s: not what was sent", history_name(history, queue));
		return;
	}
	memcpy(&tag, message->body, sizeof(tag));
	told = &history->messages[tag];
	state = *history_state(history, tag);
	if (state.queue != queue || state.is_delayed || told->is_leased ||
	    message->receive_count != state.receives + 1)
		history_fault(history, "%s: message %u received for time %u, which was %s, for time %u",
			      history_name(history, queue), tag, message->receive_count,
			      state.queue != queue ? "not there"
			      : state.is_delayed   ? "delayed"
			      : told->is_leased	   ? "leased"
						   : "visible",
			      state.receives + 1);
	state.receives++;
	told_state(history, tag, state);
	told->receipt = message->receipt;
	told->is_leased = is_leased;
	if (history->first_receipt_of < 0) {
		history->first_receipt = message->receipt;
		history->first_receipt_of = queue;
	}
}

/* A receive has moved what was used up: the slots say what, and there is nobody else. */
static void note_moves(struct history *history)
{
	const struct found *all;
	unsigned count = found_in_all(history, &all);

	for (unsigned i = 0; i < count; i++) {
		const struct message_state *state = history_state(history, all[i].tag);

		if (state->queue == all[i].queue)
			continue;
		told_state(history, all[i].tag,
			   (struct message_state){.queue = all[i].queue, .receives = all[i].receives});
		if (all[i].sequence)
			order_found(history, all[i].queue, all[i].tag, all[i].sequence);
	}
}

void h_receive(struct history *history, int queue, int max, int64_t visibility_ms)
{
	struct rlq_queue *handle = history->is_over ? NULL : told_handle(history, queue);
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message messages[RLQ_BATCH_MAX];
	int count;

	if (handle == NULL)
		return;
	options.wait_ms = 0;
	options.visibility_ms = visibility_ms;
	watchdog_names("receive");
	count = rlq_receive(handle, messages, (size_t)max, &options);
	for (int i = 0; i < count; i++)
		received_one(history, queue, &messages[i], visibility_ms > 0);
	told_answer(history, "receive", count, false);
	if (history->queues[queue].dlq >= 0 && !history->is_over)
		note_moves(history);
	if (history->queues[queue].is_fifo)
		order_received(history, queue, messages, count);
}

void h_delete(struct history *history, int queue, int count)
{
	struct rlq_queue *handle = history->is_over ? NULL : told_handle(history, queue);
	struct rlq_receipt receipts[RLQ_BATCH_MAX];
	int found = 0, result;

	if (handle == NULL)
		return;
	for (unsigned i = 0; i < history->message_count && found < count; i++) {
		struct told_message *told = &history->messages[i];

		if (!told->is_leased || history_state(history, i)->queue != queue)
			continue;
		receipts[found++] = told->receipt;
		told->is_leased = false;
		told_state(history, i, (struct message_state){.queue = NOWHERE});
	}
	if (found == 0)
		return;
	watchdog_names("delete");
	result = found == 1 ? rlq_delete(handle, &receipts[0])
			    : rlq_delete_batch(handle, receipts, (size_t)found, NULL);
	if (result >= 0 && found > 1 && result != found)
		history_fault(history, "delete_batch answers %d of %d", result, found);
	told_answer(history, "delete", result, told_is_sync(history, queue));
}

void h_release(struct history *history, int queue, int64_t delay_ms)
{
	struct rlq_queue *handle = history->is_over ? NULL : told_handle(history, queue);

	if (handle == NULL)
		return;
	for (unsigned i = 0; i < history->message_count; i++) {
		struct told_message *told = &history->messages[i];
		struct message_state state = *history_state(history, i);

		if (!told->is_leased || state.queue != queue)
			continue;
		state.is_delayed = delay_ms > 0;
		told_state(history, i, state);
		told->is_leased = false;
		watchdog_names("release");
		told_answer(history, "release", rlq_release(handle, &told->receipt, delay_ms), false);
		return;
	}
}

void h_purge(struct history *history, int queue)
{
	struct rlq_queue *handle = history->is_over ? NULL : told_handle(history, queue);
	uint64_t count = 0;
	int result;

	if (handle == NULL)
		return;
	for (unsigned i = 0; i < history->message_count; i++)
		if (history_state(history, i)->queue == queue) {
			history->messages[i].is_leased = false;
			told_state(history, i, (struct message_state){.queue = NOWHERE});
		}
	order_forget(history, queue);
	watchdog_names("purge");
	result = rlq_purge(handle, &count);
	told_answer(history, "purge", result,
		    count > 0 && told_is_sync(history, queue)); /* nothing was there: no wait */
}

void h_redrive(struct history *history, int from, int to)
{
	struct rlq_queue *handle = history->is_over ? NULL : told_handle(history, from);
	uint64_t moved = 0;
	int error;

	if (handle == NULL || history->queues[from].is_fifo != history->queues[to].is_fifo)
		return;
	watchdog_names("redrive");
	error = rlq_redrive(handle, history_name(history, to), 0, &moved);
	if (!history->fault[0])
		note_moves(history);
	told_answer(history, "redrive", error, moved > 0 && told_is_sync(history, from));
}

void h_settle(struct history *history)
{
	if (history->is_over)
		return;
	watchdog_names("settle");
	told_answer(history, "settle", seg_wait_durable(&machine_directory()->seg), true);
}
