/* What time does, and whose turn it is. */
#include "tests/model/inside.h"

void model_time(struct model *model, int64_t ms)
{
	model->now_ms += ms;
	model->step++;
	turns_look(model);
}

static void earlier(int64_t *earliest, int64_t ms, int64_t after_ms)
{
	if (ms > after_ms && ms < *earliest)
		*earliest = ms;
}

/* The first moment after `after_ms` at which a lease, a delay, a window or an attempt ends. */
static int64_t next_end(const struct model *model, int64_t after_ms)
{
	int64_t earliest = NEVER;

	for (int i = 1; i <= model->last; i++)
		if (model->message[i].state == LEASED || model->message[i].state == DELAYED)
			earlier(&earliest, model->message[i].due_ms, after_ms);
	for (int i = 0; i < model->seen_count; i++)
		earlier(&earliest, model->seen[i].end_ms, after_ms);
	for (int place = 0; place < PLACES; place++)
		for (int i = 0; i < ATTEMPTS_MAX; i++)
			if (model->attempt[place][i].count > 0)
				earlier(&earliest, model->attempt[place][i].end_ms, after_ms);
	return earliest;
}

int64_t model_due_ms(const struct model *model)
{
	return next_end(model, model->now_ms);
}

bool model_is_unclear(const struct model *model)
{
	return next_end(model, model->now_ms - model->slack_ms) <= model->now_ms;
}

void notice_in(struct model *model, enum place place)
{
	for (int i = 1; i <= model->last; i++)
		if (model->message[i].place == place && is_over(model, &model->message[i]))
			model->message[i].state = VISIBLE;
	turns_look(model);
}

void model_notice(struct model *model)
{
	notice_in(model, QUEUE);
	notice_in(model, DLQ);
}

/* ---- turns ------------------------------------------------------------------------------------ */

static void turn_look(struct model *model, enum place place, int group)
{
	struct turn *turn = &model->turn[place][group];
	int head = next_of_group(model, place, group, 0);
	bool is_ready = head != 0 && is_visible(model, &model->message[head]);

	if (is_ready && !turn->is_ready)
		*turn = (struct turn){.is_ready = true, .earliest = model->step, .latest = NEVER};
	if (is_ready && turn->latest == NEVER && model->message[head].state == VISIBLE)
		turn->latest = model->step;
	turn->is_ready = is_ready;
}

void turns_look(struct model *model)
{
	for (int place = 0; model->setting.is_fifo && place < PLACES; place++)
		for (int group = 0; group < GROUPS_MAX; group++)
			turn_look(model, (enum place)place, group);
}

void turn_taken(struct model *model, enum place place, int group)
{
	model->turn[place][group].is_ready = false;
}
