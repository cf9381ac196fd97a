#include "tests/durable/history.h"

#include "tests/durable/history_told.h"
#include "tests/support/child.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[2][QUEUES_MAX] = {{"q0", "q1", "q2", "q3"},
						 {"q0.fifo", "q1.fifo", "q2.fifo", "q3.fifo"}};

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

bool history_has_queue(const struct history *history, int queue)
{
	return history->queues[queue].state[history->queues[queue].states - 1].exists;
}

const struct message_state *history_state(const struct history *history, unsigned message)
{
	return &history->messages[message].state[history->messages[message].states - 1];
}

void told_state(struct history *history, unsigned message, struct message_state state)
{
	struct told_message *told = &history->messages[message];

	if (told->states == STATES_MAX) {
		fprintf(stderr, "a message with too many states: let the history settle more often\n");
		exit(1);
	}
	state.at = history->calls;
	told->state[told->states++] = state;
}

struct queue_state *told_queue_state(struct history *history, int queue)
{
	return &history->queues[queue].state[history->queues[queue].states - 1];
}

void told_queue_is(struct history *history, int queue, struct queue_state state)
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

void told_answer(struct history *history, const char *call, int result, bool has_waited)
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

bool told_is_sync(const struct history *history, int queue)
{
	return history->queues[queue].durability == RLQ_SYNC;
}

struct rlq_queue *told_handle(struct history *history, int queue)
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
