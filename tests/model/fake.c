#include "tests/model/fake.h"

#include "tests/model/inside.h"

#include <string.h>

static bool has(const struct fake *fake, enum planted planted)
{
	return fake->planted == planted;
}

static const char *begin(void *self, const struct setting *setting)
{
	struct fake *fake = self;
	struct setting s = *setting;

	s.capacity += has(fake, FILLS_LATE) - has(fake, FILLS_EARLY);
	s.receives_max += has(fake, MOVES_LATE) - has(fake, MOVES_EARLY);
	s.is_fifo = s.is_fifo && !has(fake, NO_GROUPS);
	s.scope_is_group = s.scope_is_group && !has(fake, DEDUP_BY_QUEUE);
	if (has(fake, DEDUP_FOR_EVER))
		s.window_ms = NEVER / 2;
	if (setting->receives_max == 0)
		s.receives_max = 0;
	model_begin(&fake->model, &s, 0);
	fake->receipts = 0;
	fake->ids = 0;
	return NULL;
}

static void end(void *self)
{
	(void)self;
}

/* ---- send ------------------------------------------------------------------------------------- */

static enum answer send_one(void *self, const struct operation *operation, struct told *ret_told)
{
	struct fake *fake = self;
	struct operation o = *operation;
	enum answer answer;
	bool is_new;

	fake->group[o.number] = o.group;
	fake->id[o.number] = o.id;
	if (has(fake, NO_GROUPS))
		o.group = 0;
	if (has(fake, NO_DEDUP))
		o.id = 0;
	if (has(fake, DELAYS_SHORT))
		o.ms = (o.ms >= 0 ? o.ms : fake->model.setting.delay_ms) / 2;
	is_new = !model_pick_send(&fake->model, &o, &answer, ret_told) && answer == DONE;
	if (is_new) {
		ret_told->id[0] = has(fake, SAME_IDS) ? 1 : ++fake->ids;
		ret_told->sequence = has(fake, SEQUENCE_FALLS) ? 1000 - fake->ids : fake->ids;
	}
	if (has(fake, LOSES) && o.number % 2)
		return answer;
	/* Whatever the model thinks of its id. */
	if (model_send(&fake->model, &o, answer, ret_told) && is_new)
		model_keep(&fake->model, &o, ret_told);
	return answer;
}

/* ---- receive ---------------------------------------------------------------------------------- */

/* The groups in the opposite order. */
static void pick_backwards(const struct model *model, const struct operation *o, struct received *ret)
{
	static struct model other;

	other = *model;
	for (int group = 0; group < GROUPS_MAX; group++)
		other.turn[o->place][group].latest *= -1;
	model_pick(&other, o, ret);
}

static void spoil(struct fake *fake, const struct operation *o, struct received *received)
{
	struct told *told = received->message;

	if (received->count == 0)
		return;
	if (has(fake, INVENTS))
		told[0].number = NUMBERS_MAX - 1;
	if (has(fake, GIVES_TWICE) && received->count < o->max)
		told[received->count++] = told[0];
	if (has(fake, STOPS_SHORT))
		received->count--;
	if (has(fake, SWAPS) && received->count > 1) {
		struct told first = told[0];

		told[0] = told[1];
		told[1] = first;
	}
	told[0].receives += has(fake, COUNTS_TWO);
	told[0].id[0] += has(fake, OTHER_ID);
	told[0].sequence += has(fake, SEQUENCE_DIFFERS);
}

static void move_all(struct model *model)
{
	for (int i = 1; i <= model->last; i++)
		if (model->message[i].state == VISIBLE && is_used_up(model, &model->message[i]))
			move_to_dlq(model, i);
}

static int64_t lease_ms(const struct fake *fake, const struct operation *o)
{
	int64_t ms = o->ms >= 0 ? o->ms : fake->model.setting.visibility_ms;

	return has(fake, LEASES_NOTHING) ? 0
	       : has(fake, LEASES_SHORT) ? ms / 2
	       : has(fake, LEASES_LONG)	 ? ms * 3
					 : ms;
}

static enum answer receive(void *self, const struct operation *operation, struct received *ret)
{
	struct fake *fake = self;
	struct operation o = *operation;

	if (has(fake, NO_ATTEMPTS))
		o.attempt = 0;
	if (has(fake, MIXES_PLACES))
		o.place = QUEUE;
	if (has(fake, GIVES_TOO_MANY) && o.max < RECEIVE_MAX)
		o.max++;
	o.ms = lease_ms(fake, &o);
	if (has(fake, TURNS_BACK))
		pick_backwards(&fake->model, &o, ret);
	else
		model_pick(&fake->model, &o, ret);
	if (has(fake, MOVES_NEVER))
		ret->moved_count = 0;
	model_receive(&fake->model, &o, ret);
	if (has(fake, MOVES_OUT_OF_TURN))
		move_all(&fake->model);
	for (int i = 0; i < ret->count; i++) {
		struct told *told = &ret->message[i];

		told->group = fake->group[told->number];
		told->dedup = fake->id[told->number];
	}
	spoil(fake, &o, ret);
	for (int i = 0; i < ret->count; i++) {
		fake->receipt[fake->receipts].number = ret->message[i].number;
		fake->receipt[fake->receipts].receives = ret->message[i].receives;
		fake->receipt[fake->receipts++].place = o.place;
	}
	return DONE;
}

/* ---- the others ------------------------------------------------------------------------------- */

static enum answer change(void *self, const struct operation *o, int receipt)
{
	struct fake *fake = self;
	enum place place = fake->receipt[receipt].place;
	unsigned receives = fake->receipt[receipt].receives;
	bool is_ignored = (has(fake, IGNORES_EXTEND) && o->kind == EXTEND) ||
			  (has(fake, IGNORES_RELEASE) && o->kind == RELEASE) ||
			  (has(fake, KEEPS_DELETED) && o->kind == DELETE);

	if (is_ignored)
		return is_held(&fake->model, &fake->model.message[o->number], place, receives) ? DONE : STALE;
	if (has(fake, TAKES_STALE) || has(fake, REFUSES_GOOD))
		return has(fake, TAKES_STALE) ? DONE : STALE;
	return model_change(&fake->model, o, place, receives, DONE) ? STALE : DONE;
}

static enum answer purge(void *self, enum place place)
{
	struct fake *fake = self;
	int seen = fake->model.seen_count;

	if (!has(fake, KEEPS_PURGED))
		model_purge(&fake->model, place);
	if (has(fake, DEDUP_AFTER_PURGE))
		fake->model.seen_count = seen;
	return DONE;
}

static void pass(void *self, int64_t ms)
{
	model_time(&((struct fake *)self)->model, ms);
}

static void notice(void *self)
{
	model_notice(&((struct fake *)self)->model);
}

static void depth(void *self, enum place place, struct depth *ret)
{
	const struct fake *fake = self;

	*ret = (struct depth){.visible = has(fake, MISCOUNTS)};
	for (int i = 1; i <= fake->model.last; i++) {
		const struct model_message *message = &fake->model.message[i];

		if (message->place != place)
			continue;
		ret->visible += message->state == VISIBLE;
		ret->in_flight += message->state == LEASED;
		ret->delayed += message->state == DELAYED;
	}
}

static int look(void *self, int *ret_numbers)
{
	const struct fake *fake = self;
	int count = 0;

	for (int i = 1; i <= fake->model.last; i++)
		if (fake->model.message[i].place == DLQ && fake->model.message[i].state == VISIBLE)
			ret_numbers[count++] = i;
	return count;
}

struct driver fake_driver(struct fake *fake)
{
	return (struct driver){
		.self = fake,
		.begin = begin,
		.end = end,
		.send = send_one,
		.receive = receive,
		.change = change,
		.purge = purge,
		.time = pass,
		.notice = notice,
		.depth = depth,
		.look = look,
	};
}
