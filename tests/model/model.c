#include "tests/model/inside.h"

#include <stdarg.h>
#include <string.h>

const char *broken(struct model *model, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(model->fault, sizeof(model->fault), format, arguments);
	va_end(arguments);
	return model->fault;
}

void model_begin(struct model *model, const struct setting *setting, int64_t slack_ms)
{
	memset(model, 0, sizeof(*model));
	model->setting = *setting;
	model->slack_ms = slack_ms;
}

/* ---- messages --------------------------------------------------------------------------------- */

bool is_over(const struct model *model, const struct model_message *message)
{
	return (message->state == LEASED || message->state == DELAYED) && message->due_ms <= model->now_ms;
}

bool is_visible(const struct model *model, const struct model_message *message)
{
	return message->state == VISIBLE || is_over(model, message);
}

bool is_used_up(const struct model *model, const struct model_message *message)
{
	return message->place == QUEUE && model->setting.receives_max > 0 &&
	       message->receives >= (unsigned)model->setting.receives_max;
}

int next_of_group(const struct model *model, enum place place, int group, int after)
{
	uint64_t from = after ? model->message[after].joined : 0;
	int next = 0;

	for (int i = 1; i <= model->last; i++) {
		const struct model_message *message = &model->message[i];

		if (message->state != GONE && message->place == place && message->group == group &&
		    message->joined > from && (next == 0 || message->joined < model->message[next].joined))
			next = i;
	}
	return next;
}

int live_count(const struct model *model, enum place place)
{
	int count = 0;

	for (int i = 1; i <= model->last; i++)
		count += model->message[i].state != GONE && model->message[i].place == place;
	return count;
}

/* Of those that were deleted, or moved, behind others of their group. */
static int kept_count(const struct model *model)
{
	int count = 0;

	for (int i = 1; model->setting.is_fifo && i <= model->last; i++) {
		const struct model_message *message = &model->message[i];
		int first = next_of_group(model, QUEUE, message->group, 0);

		count += message->state == GONE && message->place == QUEUE && first &&
			 model->message[first].joined < message->joined;
	}
	return count;
}

/* ---- send ------------------------------------------------------------------------------------- */

const struct seen *seen_find(const struct model *model, const struct operation *o)
{
	for (int i = 0; o->id != 0 && i < model->seen_count; i++) {
		const struct seen *seen = &model->seen[i];

		if (seen->id == o->id && model->now_ms < seen->end_ms &&
		    (!model->setting.scope_is_group || seen->group == o->group))
			return seen;
	}
	return NULL;
}

static const char *send_again(struct model *model, const struct seen *seen, const struct told *told)
{
	const struct model_message *first = &model->message[seen->number];

	if (memcmp(told->id, first->id, sizeof(told->id)) != 0)
		return broken(model, "duplicate: the send is one of message %d, and was given another id",
			      seen->number);
	if (told->sequence != first->sequence)
		return broken(model,
			      "duplicate: the send is one of message %d, and was given another sequence number",
			      seen->number);
	return NULL;
}

static const char *ids_check(struct model *model, const struct operation *o, const struct told *told)
{
	for (int i = 1; i <= model->last; i++) {
		const struct model_message *other = &model->message[i];

		if (other->joined == 0)
			continue;
		if (memcmp(other->id, told->id, sizeof(told->id)) == 0)
			return broken(model, "same id: message %d was given that of message %d", o->number, i);
		if (model->setting.is_fifo && other->sequence >= told->sequence)
			return broken(model,
				      "sequence: that of message %d is not above that of message %d, before it",
				      o->number, i);
	}
	return NULL;
}

void model_keep(struct model *model, const struct operation *o, const struct told *told)
{
	int64_t delay_ms = o->ms >= 0 ? o->ms : model->setting.delay_ms;

	if (o->number > model->last)
		model->last = o->number;
	model->message[o->number] = (struct model_message){
		.state = delay_ms ? DELAYED : VISIBLE,
		.due_ms = model->now_ms + delay_ms,
		.group = o->group,
		.dedup = o->id,
		.joined = ++model->joined,
		.id = {told->id[0], told->id[1]},
		.sequence = told->sequence,
	};
	if (o->id)
		model->seen[model->seen_count++] =
			(struct seen){.id = o->id,
				      .group = o->group,
				      .number = o->number,
				      .end_ms = model->now_ms + model->setting.window_ms};
	turns_look(model);
}

const char *model_send(struct model *model, const struct operation *o, enum answer answer, const struct told *told)
{
	const struct seen *seen = seen_find(model, o);
	bool is_full = live_count(model, QUEUE) >= model->setting.capacity;
	const char *fault;

	model->step++;
	if (answer == FULL && live_count(model, QUEUE) + kept_count(model) >= model->setting.capacity)
		return NULL;
	if (answer != DONE)
		return broken(model, "send: message %d was refused (%s)", o->number,
			      answer == FULL ? "full, though there is room" : "failed");
	if (seen)
		return send_again(model, seen, told);
	if (is_full)
		return broken(model, "capacity: message %d was taken by a full queue", o->number);
	fault = ids_check(model, o, told);
	if (!fault)
		model_keep(model, o, told);
	return fault;
}

/* ---- with a receipt --------------------------------------------------------------------------- */

/* What a receipt is good for. Standard: until somebody else has received the message. FIFO: while the lease runs.
 */
bool is_held(const struct model *model, const struct model_message *message, enum place place, unsigned receives)
{
	if (message->state == GONE || message->place != place || message->receives != receives)
		return false;
	return !model->setting.is_fifo || (message->state == LEASED && !is_over(model, message));
}

static void change(struct model *model, const struct operation *o, struct model_message *message)
{
	attempts_end(model, message->place, o->number);
	if (o->kind == DELETE) {
		message->state = GONE;
	} else {
		message->state = o->ms == 0 ? VISIBLE : o->kind == EXTEND ? LEASED : DELAYED;
		message->due_ms = model->now_ms + o->ms;
	}
	turns_look(model);
}

static const char *const verb[] = {[DELETE] = "delete", [EXTEND] = "extend", [RELEASE] = "release"};

const char *model_change(struct model *model, const struct operation *o, enum place place, unsigned receives,
			 enum answer answer)
{
	struct model_message *message = &model->message[o->number];
	bool held = is_held(model, message, place, receives);

	model->step++;
	if (answer != DONE && answer != STALE)
		return broken(model, "%s: of message %d failed", verb[o->kind], o->number);
	if (answer == DONE && !held)
		return broken(model, "%s: of message %d by a receipt that is good for nothing any more",
			      verb[o->kind], o->number);
	if (answer == STALE && held)
		return broken(model, "%s: of message %d was refused though its receipt is good", verb[o->kind],
			      o->number);
	if (held)
		change(model, o, message);
	return NULL;
}

void model_purge(struct model *model, enum place place)
{
	model->step++;
	for (int i = 1; i <= model->last; i++)
		if (model->message[i].place == place)
			model->message[i].state = GONE;
	if (place == QUEUE)
		model->seen_count = 0;
	turns_look(model);
}

/* ---- depth ------------------------------------------------------------------------------------ */

const char *model_depth(struct model *model, enum place place, const struct depth *depth)
{
	struct depth known = {0}, over = {0};
	int total;

	for (int i = 1; i <= model->last; i++) {
		const struct model_message *message = &model->message[i];
		struct depth *in = is_over(model, message) ? &over : &known;

		if (message->place != place)
			continue;
		in->visible += message->state == VISIBLE;
		in->in_flight += message->state == LEASED;
		in->delayed += message->state == DELAYED;
	}
	total = live_count(model, place);
	if (depth->visible + depth->in_flight + depth->delayed != total || depth->in_flight < known.in_flight ||
	    depth->in_flight > known.in_flight + over.in_flight || depth->delayed < known.delayed ||
	    depth->delayed > known.delayed + over.delayed)
		return broken(
			model,
			"depth: of the %s it is %d visible, %d in flight, %d delayed; %d are there, %d of them "
			"in flight, %d delayed",
			place == DLQ ? "DLQ" : "queue", depth->visible, depth->in_flight, depth->delayed, total,
			known.in_flight, known.delayed);
	return NULL;
}
