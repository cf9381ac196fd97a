#include "tests/durable/history.h"

#include "ring/fifo.h"
#include "shm/durable.h"
#include "shm/message.h"
#include "tests/durable/order.h"
#include "tests/support/child.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OLDEST = 3,
	RETRIES = 10,
	BODY_MAX = 70000,
	LONG_MS = 3600000,
	EARLY_MS = 60000,
	FOUND_MAX = 2 * MESSAGES_MAX
};
#define KIND "kind"

static const char *const names[2][QUEUES_MAX] = {{"q0", "q1", "q2", "q3"},
						 {"q0.fifo", "q1.fifo", "q2.fifo", "q3.fifo"}};
static unsigned char bodies[RLQ_BATCH_MAX][BODY_MAX];

const char *history_name(const struct history *history, int queue)
{
	return names[history->queues[queue].is_fifo][queue];
}

__attribute__((format(printf, 2, 3))) void history_fault(struct history *history, const char *format, ...)
{
	va_list arguments;

	history->is_over = true;
	if (history->fault[0] != '\0')
		return;
	va_start(arguments, format);
	vsnprintf(history->fault, sizeof(history->fault), format, arguments);
	va_end(arguments);
}

/* ---- what is told ----------------------------------------------------------------------------- */

bool history_has_queue(const struct history *history, int queue)
{
	return history->queues[queue].state[history->queues[queue].states - 1].exists;
}

const struct message_state *history_state(const struct history *history, unsigned message)
{
	return &history->messages[message].state[history->messages[message].states - 1];
}

static void now_is(struct history *history, unsigned message, struct message_state state)
{
	struct told_message *told = &history->messages[message];

	if (told->states == STATES_MAX) {
		fprintf(stderr, "a message with too many states: let the history settle more often\n");
		exit(1);
	}
	state.at = history->calls;
	told->state[told->states++] = state;
}

static struct queue_state *queue_now(struct history *history, int queue)
{
	return &history->queues[queue].state[history->queues[queue].states - 1];
}

static void queue_is(struct history *history, int queue, struct queue_state state)
{
	struct told_queue *told = &history->queues[queue];

	if (told->states == STATES_MAX) {
		fprintf(stderr, "a queue with too many states\n");
		exit(1);
	}
	told->state[told->states++] = state;
}

/* What was done so far is durable. */
static void all_is_durable(struct history *history)
{
	for (unsigned i = 0; i < history->message_count; i++) {
		struct told_message *told = &history->messages[i];

		told->state[0] = told->state[told->states - 1];
		told->states = 1;
		told->send.is_durable |= told->send.is_acknowledged || told->send.was_there;
	}
	for (int i = 0; i < QUEUES_MAX; i++) {
		struct told_queue *told = &history->queues[i];

		told->state[0] = told->state[told->states - 1];
		told->states = 1;
	}
}

/* A call that waits has answered. */
static void acknowledged(struct history *history, const char *call, int result, bool has_waited)
{
	watchdog_names(NULL);
	history->calls++;
	if (result == RLQ_EDISKFULL)
		history->refused++;
	else if (result == RLQ_EJOURNAL || result == RLQ_EUNKNOWN || result == RLQ_EENGINE) {
		history->is_over = true;
		history->code = result;
	} else if (result < 0) {
		history_fault(history, "%s answers %s", call, rlq_strerror(result));
	} else if (has_waited) {
		all_is_durable(history);
	}
}

static bool is_sync(const struct history *history, int queue)
{
	return history->queues[queue].durability == RLQ_SYNC;
}

void history_begin(struct history *history)
{
	memset(history, 0, sizeof(*history));
	history->first_receipt_of = -1;
	for (int i = 0; i < QUEUES_MAX; i++) {
		history->queues[i].dlq = -1;
		history->queues[i].states = 1;
	}
}

void history_close(struct history *history)
{
	for (int i = 0; i < QUEUES_MAX; i++) {
		rlq_queue_close(history->queues[i].handle);
		history->queues[i].handle = NULL;
	}
}

static struct rlq_queue *handle_of(struct history *history, int queue)
{
	struct told_queue *told = &history->queues[queue];

	if (told->handle == NULL) {
		int error = rlq_queue_open(machine_directory(), history_name(history, queue), &told->handle);

		if (error)
			history_fault(history, "%s cannot be opened: %s", history_name(history, queue),
				      rlq_strerror(error));
	}
	return told->handle;
}

/* ---- what lies in the slots ------------------------------------------------------------------- */

struct found {
	int queue;
	uint32_t tag, receives;
	bool is_delayed, is_leased;
	uint64_t sequence; /* in a FIFO queue */
};

static void body_make(unsigned char *body, uint32_t tag, uint32_t bytes)
{
	memset(body, (int)(tag * 7 + 1), bytes);
	memcpy(body, &tag, sizeof(tag));
}

static bool body_is_whole(const struct history *history, const unsigned char *body, uint64_t bytes)
{
	uint32_t tag;

	if (bytes < sizeof(tag))
		return false;
	memcpy(&tag, body, sizeof(tag));
	if (tag >= history->message_count || bytes != history->messages[tag].bytes)
		return false;
	for (uint64_t i = sizeof(tag); i < bytes; i++)
		if (body[i] != (unsigned char)(tag * 7 + 1))
			return false;
	return true;
}

static void look_at_slot(struct history *history, int queue, uint32_t ring, uint32_t index, struct found *found,
			 unsigned *count)
{
	struct segment *segment = history->queues[queue].handle->seg;
	const struct slot *slot = &segment->ring[ring].slots[index];
	struct slot_word word = slot_read_stable(slot);
	struct slot_message message = message_read(&slot->message);
	const unsigned char *payload;

	switch (word_state(word)) {
	case SLOT_READY:
	case SLOT_LEASED:
	case SLOT_DELAYED:
	case SLOT_DEAD:
		break;
	case SLOT_FREE:
		return;
	case SLOT_HELD: /* deleted, behind others of its group */
		if (history->queues[queue].is_fifo)
			return;
		/* fall through */
	default:
		history_fault(history, "%s: a slot in state %d", history_name(history, queue),
			      (int)word_state(word));
		return;
	}
	payload = message_payload(segment, slot, &message, place_pack(ring, index, word_generation(word)));
	if (payload == NULL || !body_is_whole(history, payload, message.body_bytes)) {
		history_fault(history, "%s: a message that nobody sent", history_name(history, queue));
		return;
	}
	if (*count == FOUND_MAX) {
		history_fault(history, "too many messages");
		return;
	}
	found[*count] = (struct found){.queue = queue,
				       .receives = word_receives(word),
				       .is_delayed = word_state(word) == SLOT_DELAYED,
				       .is_leased = word_state(word) == SLOT_LEASED};
	if (history->queues[queue].is_fifo)
		found[*count].sequence = fifo_links(slot)->sequence;
	memcpy(&found[(*count)++].tag, payload, sizeof(found->tag));
}

static unsigned look_at_queue(struct history *history, int queue, struct found *found, unsigned count)
{
	struct rlq_queue *handle = handle_of(history, queue);
	int error = handle ? seg_enter(handle->seg) : 0;

	if (handle == NULL)
		return count;
	if (error) {
		history_fault(history, "%s: %s", history_name(history, queue), rlq_strerror(error));
		return count;
	}
	for (uint32_t i = 0; i < SEG_RING_COUNT; i++)
		if (handle->seg->listed >> i & 1)
			for (uint32_t slot = 0; slot <= handle->seg->ring[i].mask; slot++)
				look_at_slot(history, queue, i, slot, found, &count);
	seg_leave(handle->seg);
	return count;
}

static struct found all_found[FOUND_MAX];

static unsigned look_at_all(struct history *history)
{
	unsigned count = 0;

	for (int i = 0; i < QUEUES_MAX; i++)
		if (queue_now(history, i)->exists)
			count = look_at_queue(history, i, all_found, count);
	return count;
}

/* A receive has moved what was used up: the slots say what, and there is nobody else. */
static void note_moves(struct history *history)
{
	unsigned count = look_at_all(history);

	for (unsigned i = 0; i < count; i++) {
		const struct message_state *state = history_state(history, all_found[i].tag);

		if (state->queue == all_found[i].queue)
			continue;
		now_is(history, all_found[i].tag,
		       (struct message_state){.queue = all_found[i].queue, .receives = all_found[i].receives});
		if (all_found[i].sequence)
			order_found(history, all_found[i].queue, all_found[i].tag, all_found[i].sequence);
	}
}

/* ---- calls ------------------------------------------------------------------------------------ */

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
	queue_is(history, queue, (struct queue_state){.exists = true, .visibility_ms = LONG_MS});
	attributes = attributes_of(history, queue);
	watchdog_names("create");
	acknowledged(history, "create",
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
			now_is(history, i, (struct message_state){.queue = NOWHERE});
		}
	queue_is(history, queue, (struct queue_state){.exists = false});
	watchdog_names("remove");
	acknowledged(history, "remove", rlq_queue_remove(machine_directory(), history_name(history, queue)), true);
}

void h_set_visibility(struct history *history, int queue, int64_t visibility_ms)
{
	struct rlq_queue *handle = history->is_over ? NULL : handle_of(history, queue);
	struct rlq_queue_attributes attributes;

	if (handle == NULL)
		return;
	queue_is(history, queue, (struct queue_state){.exists = true, .visibility_ms = visibility_ms});
	attributes = attributes_of(history, queue);
	watchdog_names("set");
	acknowledged(history, "set", rlq_queue_set_attributes(handle, &attributes), is_sync(history, queue));
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
	static const struct rlq_attribute attribute = {
		.name = KIND, .value = "durable", .value_bytes = 7, .type = RLQ_STRING};
	struct rlq_queue *handle = history->is_over ? NULL : handle_of(history, queue);
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

		now_is(history, tag, (struct message_state){.queue = queue, .is_delayed = delay_ms > 0});
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
	acknowledged(history, "send", result, is_sync(history, queue));
}

static int reserve(struct rlq_queue *handle, uint32_t tag, const unsigned char *body, uint32_t bytes,
		   struct rlq_reservation *ret_reservation)
{
	static const struct rlq_attribute attribute = {
		.name = KIND, .value = "durable", .value_bytes = 7, .type = RLQ_STRING};
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
	struct rlq_queue *handle = history->is_over ? NULL : handle_of(history, queue);
	struct rlq_reservation reservations[RLQ_BATCH_MAX];
	struct rlq_sent sent[RLQ_BATCH_MAX] = {0};
	unsigned first = history->message_count, found;
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
		now_is(history, first + (unsigned)i, (struct message_state){.queue = queue});
		result = rlq_publish(handle, &reservations[i], &sent[i].id);
	}
	acknowledged(history, "publish", result, is_sync(history, queue));
	found = history->is_over ? 0 : look_at_all(history);
	for (unsigned i = 0; i < found; i++)
		if (all_found[i].tag >= first) {
			struct rlq_sent *one = &sent[all_found[i].tag - first];

			one->sequence = all_found[i].sequence;
			order_found(history, queue, all_found[i].tag, one->sequence);
			order_acknowledged(history, all_found[i].tag, one);
		}
}

static void retry_one(struct history *history, uint32_t tag, bool is_alive)
{
	static const struct rlq_attribute attribute = {
		.name = KIND, .value = "durable", .value_bytes = 7, .type = RLQ_STRING};
	struct told_message *told = &history->messages[tag];
	struct rlq_queue *handle = handle_of(history, told->send.queue);
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
		now_is(history, tag, (struct message_state){.queue = told->send.queue});
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
	acknowledged(history, "retry", result, is_sync(history, told->send.queue));
}

static bool attribute_is_there(const struct rlq_message *message)
{
	return message->attribute_count == 1 && strcmp(message->attributes[0].name, KIND) == 0 &&
	       message->attributes[0].value_bytes == 7 && memcmp(message->attributes[0].value, "durable", 7) == 0;
}

static void received_one(struct history *history, int queue, const struct rlq_message *message, bool is_leased)
{
	struct told_message *told;
	struct message_state state;
	uint32_t tag;

	if (!body_is_whole(history, message->body, message->body_bytes) || !attribute_is_there(message)) {
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
	now_is(history, tag, state);
	told->receipt = message->receipt;
	told->is_leased = is_leased;
	if (history->first_receipt_of < 0) {
		history->first_receipt = message->receipt;
		history->first_receipt_of = queue;
	}
}

void h_receive(struct history *history, int queue, int max, int64_t visibility_ms)
{
	struct rlq_queue *handle = history->is_over ? NULL : handle_of(history, queue);
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
	acknowledged(history, "receive", count, false);
	if (history->queues[queue].dlq >= 0 && !history->is_over)
		note_moves(history);
	if (history->queues[queue].is_fifo)
		order_received(history, queue, messages, count);
}

void h_delete(struct history *history, int queue, int count)
{
	struct rlq_queue *handle = history->is_over ? NULL : handle_of(history, queue);
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
		now_is(history, i, (struct message_state){.queue = NOWHERE});
	}
	if (found == 0)
		return;
	watchdog_names("delete");
	result = found == 1 ? rlq_delete(handle, &receipts[0])
			    : rlq_delete_batch(handle, receipts, (size_t)found, NULL);
	if (result >= 0 && found > 1 && result != found)
		history_fault(history, "delete_batch answers %d of %d", result, found);
	acknowledged(history, "delete", result, is_sync(history, queue));
}

void h_release(struct history *history, int queue, int64_t delay_ms)
{
	struct rlq_queue *handle = history->is_over ? NULL : handle_of(history, queue);

	if (handle == NULL)
		return;
	for (unsigned i = 0; i < history->message_count; i++) {
		struct told_message *told = &history->messages[i];
		struct message_state state = *history_state(history, i);

		if (!told->is_leased || state.queue != queue)
			continue;
		state.is_delayed = delay_ms > 0;
		now_is(history, i, state);
		told->is_leased = false;
		watchdog_names("release");
		acknowledged(history, "release", rlq_release(handle, &told->receipt, delay_ms), false);
		return;
	}
}

void h_purge(struct history *history, int queue)
{
	struct rlq_queue *handle = history->is_over ? NULL : handle_of(history, queue);
	uint64_t count = 0;
	int result;

	if (handle == NULL)
		return;
	for (unsigned i = 0; i < history->message_count; i++)
		if (history_state(history, i)->queue == queue) {
			history->messages[i].is_leased = false;
			now_is(history, i, (struct message_state){.queue = NOWHERE});
		}
	order_forget(history, queue);
	watchdog_names("purge");
	result = rlq_purge(handle, &count);
	acknowledged(history, "purge", result,
		     count > 0 && is_sync(history, queue)); /* nothing was there: no wait */
}

void h_redrive(struct history *history, int from, int to)
{
	struct rlq_queue *handle = history->is_over ? NULL : handle_of(history, from);
	uint64_t moved = 0;
	int error;

	if (handle == NULL || history->queues[from].is_fifo != history->queues[to].is_fifo)
		return;
	watchdog_names("redrive");
	error = rlq_redrive(handle, history_name(history, to), 0, &moved);
	if (!history->fault[0])
		note_moves(history);
	acknowledged(history, "redrive", error, moved > 0 && is_sync(history, from));
}

void h_settle(struct history *history)
{
	if (history->is_over)
		return;
	watchdog_names("settle");
	acknowledged(history, "settle", seg_wait_durable(&machine_directory()->seg), true);
}

/* ---- after the crash -------------------------------------------------------------------------- */

static const char *answer(struct history *history)
{
	static char text[sizeof(history->fault)];

	if (history->fault[0] == '\0')
		return NULL;
	memcpy(text, history->fault, sizeof(text));
	return text;
}

static const char *state_text(const struct message_state *state)
{
	static char text[64];

	if (state->queue == NOWHERE)
		return "nowhere";
	snprintf(text, sizeof(text), "in %s, received %u times%s", names[0][state->queue], state->receives,
		 state->is_delayed ? ", delayed" : "");
	return text;
}

static bool is_same(const struct message_state *one, const struct message_state *other)
{
	return one->queue == other->queue && (one->queue == NOWHERE || (one->receives == other->receives &&
									one->is_delayed == other->is_delayed));
}

static void check_queue(struct history *history, int queue)
{
	struct told_queue *told = &history->queues[queue];
	struct queue_state found = {0};
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	int error = rlq_queue_open(machine_directory(), history_name(history, queue), &told->handle);

	if (error && error != RLQ_ENOQUEUE) {
		history_fault(history, "%s cannot be opened: %s", history_name(history, queue),
			      rlq_strerror(error));
		return;
	}
	if (!error) {
		error = rlq_queue_get_attributes(told->handle, &attributes);
		found = (struct queue_state){.exists = true, .visibility_ms = attributes.visibility_ms};
		if (error || attributes.durability != told->durability ||
		    (attributes.type == RLQ_FIFO) != told->is_fifo ||
		    attributes.receives_max != told->receives_max || attributes.message_bytes_max != BODY_MAX ||
		    strcmp(attributes.dlq, told->dlq >= 0 ? history_name(history, told->dlq) : "") != 0)
			history_fault(history, "%s has other attributes", history_name(history, queue));
	}
	for (int i = 0; i < told->states; i++)
		if (told->state[i].exists == found.exists &&
		    (!found.exists || told->state[i].visibility_ms == found.visibility_ms)) {
			told->state[0] = found;
			told->states = 1;
			return;
		}
	history_fault(history, "%s %s", history_name(history, queue),
		      found.exists ? "is there, as it should not be" : "is not there");
}

static void print_fault(void *context, const char *text)
{
	history_fault(context, "verify: %s", text);
}

static void check_message(struct history *history, unsigned message, struct message_state found, int first_state)
{
	struct told_message *told = &history->messages[message];

	for (int i = first_state; i < told->states; i++)
		if (is_same(&told->state[i], &found)) {
			found.at = told->state[i].at;
			told->state[0] = found;
			told->states = 1;
			return;
		}
	history_fault(history, "message %u is %s", message, state_text(&found));
	for (int i = first_state; i < told->states; i++) {
		size_t length = strlen(history->fault);

		snprintf(history->fault + length, sizeof(history->fault) - length, "%s %s",
			 i > first_state ? ", or" : ", not", state_text(&told->state[i]));
	}
}

static void check_messages(struct history *history, bool is_alive)
{
	static struct message_state at[MESSAGES_MAX];
	static bool is_leased[MESSAGES_MAX];
	unsigned count = look_at_all(history);

	for (unsigned i = 0; i < history->message_count; i++) {
		at[i] = (struct message_state){.queue = NOWHERE};
		is_leased[i] = false;
	}
	for (unsigned i = 0; i < count; i++) {
		const struct found *found = &all_found[i];

		if (at[found->tag].queue != NOWHERE)
			history_fault(history, "message %u is there twice, in %s and in %s", found->tag,
				      history_name(history, at[found->tag].queue),
				      history_name(history, found->queue));
		at[found->tag] = (struct message_state){
			.queue = found->queue, .receives = found->receives, .is_delayed = found->is_delayed};
		is_leased[found->tag] = found->is_leased;
		if (found->sequence)
			order_found(history, found->queue, found->tag, found->sequence);
		if (found->is_leased && !is_alive)
			history_fault(history, "message %u is leased after a reboot", found->tag);
	}
	for (unsigned i = 0; i < history->message_count; i++) {
		struct told_message *told = &history->messages[i];
		/* Alive: as it was last; what the call that did not hear would have made was made, or not. */
		bool is_of_last = told->states > 1 && told->state[told->states - 1].at + 1 == history->calls &&
				  history->code != 0;

		check_message(history, i, at[i], !is_alive ? 0 : is_of_last ? told->states - 2 : told->states - 1);
		told->is_leased = is_leased[i] && is_alive;
		if (!is_alive && at[i].queue == NOWHERE)
			order_lost(&told->send);
	}
}

static const char *check(struct history *history, bool is_alive)
{
	history->is_over = false;
	if (machine_saw_damage())
		history_fault(history, "called damaged: %s", machine_said());
	for (int i = 0; i < QUEUES_MAX && !history->fault[0]; i++)
		check_queue(history, i);
	if (!history->fault[0])
		check_messages(history, is_alive);
	for (int i = 0; i < QUEUES_MAX && !history->fault[0]; i++)
		if (queue_now(history, i)->exists)
			rlq_verify(machine_directory(), history_name(history, i), print_fault, history);
	history->is_over = false;
	history->code = 0;
	return answer(history);
}

/* Whoever had no answer, or lost it, sends again: there is one message, or one that was there. */
static void retry(struct history *history, bool is_alive)
{
	unsigned last = history->message_count;

	for (unsigned i = 0; i < last && !history->is_over; i++)
		if ((i < OLDEST || i + RETRIES >= last) && history->messages[i].send.is_one &&
		    queue_now(history, history->messages[i].send.queue)->exists)
			retry_one(history, i, is_alive);
}

void h_retry(struct history *history)
{
	retry(history, true);
}

const char *history_check(struct history *history)
{
	int of = history->first_receipt_of;
	const char *wrong = check(history, false);

	if (!wrong && of >= 0 && queue_now(history, of)->exists &&
	    rlq_delete(handle_of(history, of), &history->first_receipt) == 0)
		history_fault(history, "a receipt from before the reboot deletes");
	history->first_receipt_of = -1;
	if (!wrong)
		retry(history, false);
	return answer(history);
}

const char *history_check_alive(struct history *history)
{
	if (!check(history, true))
		retry(history, true);
	return answer(history);
}

static void drain_visible(struct history *history)
{
	for (int i = 0; i < QUEUES_MAX && !history->is_over; i++) {
		unsigned before;

		if (!queue_now(history, i)->exists)
			continue;
		do {
			before = history->calls;
			h_receive(history, i, RLQ_BATCH_MAX, LONG_MS);
			h_delete(history, i, RLQ_BATCH_MAX);
		} while (history->calls > before + 1);
	}
}

/* What is delayed, by LONG_MS of a clock that has stood still, comes after that time and not before. */
static void await_delayed(struct history *history)
{
	machine_time_passes(LONG_MS - EARLY_MS);
	drain_visible(history);
	machine_time_passes(2 * EARLY_MS);
	for (int i = 0; i < QUEUES_MAX; i++)
		order_forget(history, i);
	for (unsigned i = 0; i < history->message_count; i++) {
		struct message_state state = *history_state(history, i);

		state.is_delayed = false;
		if (state.queue != NOWHERE)
			now_is(history, i, state);
	}
}

const char *history_drain(struct history *history)
{
	drain_visible(history);
	await_delayed(history);
	drain_visible(history);
	for (unsigned i = 0; i < history->message_count && !history->is_over; i++) {
		const struct message_state *state = history_state(history, i);

		if (state->queue != NOWHERE)
			history_fault(history, "message %u cannot be received", i);
	}
	return answer(history);
}
