/* After the crash: what is there, compared with what it may be. */
#include "tests/durable/found.h"
#include "tests/durable/history_told.h"
#include "tests/durable/order.h"

#include <stdio.h>
#include <string.h>

enum { EARLY_MS = 60000 };

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
	snprintf(text, sizeof(text), "in q%d, received %u times%s", state->queue, state->receives,
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
	const struct found *all;
	unsigned count = found_in_all(history, &all);

	for (unsigned i = 0; i < history->message_count; i++) {
		at[i] = (struct message_state){.queue = NOWHERE};
		is_leased[i] = false;
	}
	for (unsigned i = 0; i < count; i++) {
		const struct found *found = &all[i];

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
		if (told_queue_state(history, i)->exists)
			rlq_verify(machine_directory(), history_name(history, i), print_fault, history);
	history->is_over = false;
	history->code = 0;
	return answer(history);
}

const char *history_check(struct history *history)
{
	int of = history->first_receipt_of;
	const char *wrong = check(history, false);

	if (!wrong && of >= 0 && told_queue_state(history, of)->exists &&
	    rlq_delete(told_handle(history, of), &history->first_receipt) == 0)
		history_fault(history, "a receipt from before the reboot deletes");
	history->first_receipt_of = -1;
	if (!wrong)
		retry_sends(history, false);
	return answer(history);
}

const char *history_check_alive(struct history *history)
{
	if (!check(history, true))
		retry_sends(history, true);
	return answer(history);
}

static void drain_visible(struct history *history)
{
	for (int i = 0; i < QUEUES_MAX && !history->is_over; i++) {
		unsigned before;

		if (!told_queue_state(history, i)->exists)
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
			told_state(history, i, state);
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
