/* Which messages a receive may hand out. */
#include "tests/model/inside.h"

#include <inttypes.h>
#include <string.h>

bool was_moved(const struct received *received, int number)
{
	for (int i = 0; i < received->moved_count; i++)
		if (received->moved[i] == number)
			return true;
	return false;
}

void move_to_dlq(struct model *model, int number)
{
	struct model_message *message = &model->message[number];

	message->place = DLQ;
	message->state = VISIBLE;
	message->joined = ++model->joined;
}

/* ---- one message ------------------------------------------------------------------------------ */

/* The DLQ's own numbers are only known once they are seen: they rise in the order of the moves. */
static const char *dlq_sequence_check(struct model *model, int number, uint64_t sequence)
{
	struct model_message *message = &model->message[number];

	for (int i = 1; i <= model->last; i++) {
		const struct model_message *other = &model->message[i];

		if (i != number && other->place == DLQ && other->group == message->group &&
		    other->dlq_sequence != 0 &&
		    (other->joined < message->joined) != (other->dlq_sequence < sequence))
			return broken(model, "sequence: those of messages %d and %d in the DLQ are not in order",
				      number, i);
	}
	if (message->dlq_sequence == 0)
		message->dlq_sequence = sequence;
	return message->dlq_sequence == sequence
		       ? NULL
		       : broken(model, "sequence: message %d has another one than before", number);
}

static const char *fifo_check(struct model *model, int number, const struct told *told)
{
	const struct model_message *message = &model->message[number];

	if (!model->setting.is_fifo)
		return NULL;
	if (told->group != message->group || told->dedup != message->dedup)
		return broken(model, "same message: %d has group %d and id %d now", number, told->group,
			      told->dedup);
	if (message->place == DLQ)
		return dlq_sequence_check(model, number, told->sequence);
	if (told->sequence != message->sequence)
		return broken(model, "sequence: message %d has another one than its send was told", number);
	return NULL;
}

const char *hand_out(struct model *model, int number, int64_t ms, const struct told *told)
{
	struct model_message *message = &model->message[number];

	if (memcmp(told->id, message->id, sizeof(told->id)) != 0)
		return broken(model, "same message: %d has another id than its send was told", number);
	if (told->receives != message->receives + 1)
		return broken(model, "receive count: of message %d it is %u after %u", number, told->receives,
			      message->receives);
	message->receives++;
	message->state = ms == 0 ? VISIBLE : LEASED;
	message->due_ms = model->now_ms + ms;
	return fifo_check(model, number, told);
}

/* What may be said of any message that is handed out. */
static const char *is_there(struct model *model, enum place place, int number)
{
	const struct model_message *message = &model->message[number];

	if (number < 1 || number >= NUMBERS_MAX || message->joined == 0)
		return broken(model, "invented: message %d, which was never taken", number);
	if (message->state == GONE)
		return broken(model, "after delete: message %d is back", number);
	if (message->place != place)
		return broken(model, "two places: message %d is in the %s", number,
			      message->place == DLQ ? "DLQ" : "queue");
	if (message->state == LEASED && !is_over(model, message))
		return broken(model, "double lease: message %d is in flight", number);
	if (message->state == DELAYED && !is_over(model, message))
		return broken(model, "too early: message %d is delayed", number);
	if (is_used_up(model, message))
		return broken(model, "too often: message %d was received %u times", number, message->receives);
	return NULL;
}

static const char *all_there(struct model *model, const struct operation *o, const struct received *received)
{
	const char *fault = NULL;

	if (received->count > o->max)
		return broken(model, "too many: %d messages, of %d", received->count, o->max);
	for (int i = 0; !fault && i < received->count; i++) {
		for (int j = 0; j < i; j++)
			if (received->message[j].number == received->message[i].number)
				return broken(model, "twice: message %d in one receive",
					      received->message[i].number);
		fault = is_there(model, o->place, received->message[i].number);
	}
	for (int i = 0; !fault && i < received->moved_count; i++) {
		const struct model_message *moved = &model->message[received->moved[i]];

		if (moved->state == GONE || !is_visible(model, moved) || !is_used_up(model, moved) ||
		    o->place == DLQ)
			fault = broken(model, "moved too early: message %d was received %u times",
				       received->moved[i], moved->receives);
	}
	return fault;
}

/* ---- standard --------------------------------------------------------------------------------- */

const char *receive_standard(struct model *model, const struct operation *o, const struct received *received)
{
	int64_t ms = o->ms >= 0 ? o->ms : model->setting.visibility_ms;
	const char *fault = NULL;
	bool found_all = received->count < o->max;

	for (int i = 0; !fault && i < received->count; i++)
		fault = hand_out(model, received->message[i].number, ms, &received->message[i]);
	for (int i = 0; i < received->moved_count; i++)
		move_to_dlq(model, received->moved[i]);
	for (int i = 1; !fault && found_all && i <= model->last; i++) {
		const struct model_message *message = &model->message[i];
		bool is_its = false;

		for (int j = 0; j < received->count; j++)
			is_its |= received->message[j].number == i;
		if (is_its || message->place != o->place || message->state != VISIBLE)
			continue;
		fault = broken(model,
			       is_used_up(model, message)
				       ? "not moved: message %d was received %u times, and stays"
				       : "not found: message %d is visible (received %u times), and was not "
					 "handed out",
			       i, message->receives);
	}
	return fault;
}

/* ---- attempts --------------------------------------------------------------------------------- */

/* The same messages, the first ones if fewer are asked for now. */
static bool is_same_answer(const struct attempt *attempt, const struct received *received, int max)
{
	if (received->count != (attempt->count < max ? attempt->count : max))
		return false;
	for (int i = 0; i < received->count; i++)
		if (received->message[i].number != attempt->number[i] ||
		    received->message[i].receives != attempt->receives[i])
			return false;
	return true;
}

bool attempt_stands(const struct model *model, enum place place, const struct attempt *attempt, bool *ret_is_over)
{
	*ret_is_over = false;
	if (attempt->count == 0 || model->now_ms >= attempt->end_ms)
		return false;
	for (int i = 0; i < attempt->count; i++) {
		const struct model_message *message = &model->message[attempt->number[i]];

		if (message->state != LEASED || message->place != place ||
		    message->receives != attempt->receives[i])
			return false;
		*ret_is_over |= is_over(model, message);
	}
	return true;
}

static void attempt_note(struct model *model, struct attempt *attempt, const struct received *received)
{
	*attempt = (struct attempt){.count = received->count, .end_ms = model->now_ms + model->setting.window_ms};
	for (int i = 0; i < received->count; i++) {
		attempt->number[i] = received->message[i].number;
		attempt->receives[i] = received->message[i].receives;
	}
}

void attempts_end(struct model *model, enum place place, int number)
{
	for (int i = 0; i < ATTEMPTS_MAX; i++)
		for (int at = 0; at < model->attempt[place][i].count; at++)
			if (model->attempt[place][i].number[at] == number)
				model->attempt[place][i].count = 0;
}

/* True: the answer is settled, it is or should be that of the attempt before. */
static bool receive_again(struct model *model, const struct operation *o, const struct received *received,
			  const char **ret_fault)
{
	struct attempt *attempt = &model->attempt[o->place][o->attempt];
	int64_t ms = o->ms >= 0 ? o->ms : model->setting.visibility_ms;
	bool some_are_over, is_same;

	*ret_fault = NULL;
	if (o->attempt == 0 || !attempt_stands(model, o->place, attempt, &some_are_over))
		return false;
	is_same = is_same_answer(attempt, received, o->max);
	if (!is_same && some_are_over)
		return false;
	if (!is_same)
		*ret_fault = broken(model, "attempt: the answer is not that of the first try");
	for (int i = 0; is_same && i < received->count; i++) {
		struct model_message *message = &model->message[attempt->number[i]];

		message->state = ms == 0 ? VISIBLE : LEASED;
		message->due_ms = model->now_ms + ms;
	}
	turns_look(model);
	return true;
}

/* ---- all -------------------------------------------------------------------------------------- */

const char *model_receive(struct model *model, const struct operation *o, const struct received *received)
{
	const char *fault;

	model->step++;
	if (receive_again(model, o, received, &fault))
		return fault;
	/* Before it finds nothing, a receive looks for what time has ended. */
	if (received->count == 0)
		notice_in(model, o->place);
	fault = all_there(model, o, received);
	if (!fault)
		fault = model->setting.is_fifo ? receive_fifo(model, o, received)
					       : receive_standard(model, o, received);
	if (!fault && o->attempt)
		attempt_note(model, &model->attempt[o->place][o->attempt], received);
	turns_look(model);
	return fault;
}
