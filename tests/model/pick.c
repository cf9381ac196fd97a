/* An answer that the model allows: for tests of what judges by it. */
#include "tests/model/inside.h"

struct pick {
	const struct model *model;
	const struct operation *operation;
	struct received *into;
	bool is_done[GROUPS_MAX];
};

static void tell(struct pick *pick, int number)
{
	const struct model_message *message = &pick->model->message[number];

	pick->into->message[pick->into->count++] = (struct told){
		.number = number,
		.receives = message->receives + 1,
		.id = {message->id[0], message->id[1]},
		.sequence = message->place == DLQ ? message->joined : message->sequence,
		.group = message->group,
		.dedup = message->dedup,
	};
}

static void take(struct pick *pick, int number)
{
	if (is_used_up(pick->model, &pick->model->message[number]))
		pick->into->moved[pick->into->moved_count++] = number;
	else
		tell(pick, number);
}

static bool has_enough(const struct pick *pick)
{
	return pick->into->count == pick->operation->max;
}

static void pick_any(struct pick *pick)
{
	const struct model *model = pick->model;

	for (int i = 1; i <= model->last && !has_enough(pick); i++)
		if (model->message[i].place == pick->operation->place && is_visible(model, &model->message[i]))
			take(pick, i);
}

static void pick_group(struct pick *pick, int group)
{
	const struct model *model = pick->model;
	int number = next_of_group(model, pick->operation->place, group, 0);

	for (; number && !has_enough(pick) && is_visible(model, &model->message[number]);
	     number = next_of_group(model, pick->operation->place, group, number))
		take(pick, number);
	pick->is_done[group] = true;
}

/* The group that has waited longest; -1: none. */
static int pick_next(const struct pick *pick)
{
	const struct turn *turn = pick->model->turn[pick->operation->place];
	int next = -1;

	for (int group = 0; group < GROUPS_MAX; group++)
		if (turn[group].is_ready && !pick->is_done[group] &&
		    (next < 0 || turn[group].latest < turn[next].latest))
			next = group;
	return next;
}

static bool pick_again(struct pick *pick)
{
	const struct model *model = pick->model;
	const struct operation *o = pick->operation;
	const struct attempt *attempt = &model->attempt[o->place][o->attempt];
	bool some_are_over;

	if (o->attempt == 0 || !attempt_stands(model, o->place, attempt, &some_are_over) || some_are_over)
		return false;
	for (int i = 0; i < attempt->count && i < o->max; i++) {
		tell(pick, attempt->number[i]);
		pick->into->message[i].receives = attempt->receives[i];
	}
	return true;
}

void model_pick(const struct model *model, const struct operation *operation, struct received *ret_received)
{
	struct pick pick = {.model = model, .operation = operation, .into = ret_received};
	int group;

	ret_received->count = ret_received->moved_count = 0;
	if (pick_again(&pick))
		return;
	if (!model->setting.is_fifo)
		pick_any(&pick);
	while (model->setting.is_fifo && !has_enough(&pick) && (group = pick_next(&pick)) >= 0)
		pick_group(&pick, group);
}

bool model_pick_send(const struct model *model, const struct operation *operation, enum answer *ret_answer,
		     struct told *ret_told)
{
	const struct seen *seen = seen_find(model, operation);
	const struct model_message *first = seen ? &model->message[seen->number] : NULL;

	*ret_answer = live_count(model, QUEUE) >= model->setting.capacity ? FULL : DONE;
	*ret_told = (struct told){0};
	if (first)
		*ret_told = (struct told){.id = {first->id[0], first->id[1]}, .sequence = first->sequence};
	return first != NULL;
}
