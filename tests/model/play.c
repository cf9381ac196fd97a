#include "tests/model/play.h"

#include <string.h>

enum {
	RECEIPTS_MAX = OPERATIONS_MAX * RECEIVE_MAX,
	DEPTH_EVERY = 8, /* operations, and at the end: it is dear */
};

struct receipt {
	int number;
	unsigned receives;
	enum place place;
};

struct player {
	const struct driver *driver;
	struct model model;
	struct receipt receipt[RECEIPTS_MAX];
	int receipts;
	int in_dlq[NUMBERS_MAX]; /* seen there */
	struct played *played;
};

/* ---- receive ---------------------------------------------------------------------------------- */

static bool is_in_dlq(const struct model *model, int number)
{
	return number > 0 && number < NUMBERS_MAX && model->message[number].place == DLQ;
}

/* Of those that are visible in the DLQ, which came by this receive. */
static void find_moved(struct player *player, enum place place, struct received *received)
{
	bool may_move = place == QUEUE && player->model.setting.receives_max > 0;
	int count = may_move ? player->driver->look(player->driver->self, player->in_dlq) : 0;

	received->moved_count = 0;
	for (int i = 0; i < count; i++)
		if (!is_in_dlq(&player->model, player->in_dlq[i]))
			received->moved[received->moved_count++] = player->in_dlq[i];
	player->played->moves += (uint64_t)received->moved_count;
}

static const char *play_receive(struct player *player, const struct operation *o)
{
	struct received received = {0};

	if (player->driver->receive(player->driver->self, o, &received) != DONE)
		return "receive: failed";
	find_moved(player, o->place, &received);
	player->played->receives += (uint64_t)received.count;
	for (int i = 0; i < received.count; i++)
		player->receipt[player->receipts++] = (struct receipt){
			.number = received.message[i].number,
			.receives = received.message[i].receives,
			.place = o->place,
		};
	return model_receive(&player->model, o, &received);
}

/* ---- the others ------------------------------------------------------------------------------- */

static const char *play_send(struct player *player, const struct operation *o)
{
	struct told told = {0};
	enum answer answer = player->driver->send(player->driver->self, o, &told);
	const char *fault = model_send(&player->model, o, answer, &told);

	player->played->sends++;
	player->played->refused += answer == FULL;
	player->played->duplicates += answer == DONE && player->model.message[o->number].joined == 0;
	return fault;
}

/* The receipt that is meant; -1: there is none. */
static int receipt_find(const struct player *player, const struct operation *o)
{
	int before = o->before;

	for (int i = player->receipts - 1; i >= 0; i--)
		if (player->receipt[i].number == o->number && before-- == 0)
			return i;
	return -1;
}

static const char *play_change(struct player *player, const struct operation *o)
{
	int at = receipt_find(player, o);
	enum answer answer;

	if (at < 0)
		return NULL;
	answer = player->driver->change(player->driver->self, o, at);
	return model_change(&player->model, o, player->receipt[at].place, player->receipt[at].receives, answer);
}

static const char *play_purge(struct player *player, const struct operation *o)
{
	if (player->driver->purge(player->driver->self, o->place) != DONE)
		return "purge: failed";
	model_purge(&player->model, o->place);
	return NULL;
}

static void pass(struct player *player, int64_t ms)
{
	player->driver->time(player->driver->self, ms);
	model_time(&player->model, ms);
	if (!player->model.setting.is_prompt || model_is_unclear(&player->model))
		return;
	player->driver->notice(player->driver->self);
	model_notice(&player->model);
}

/* An engine that is prompt notices one end after the other. Never stops where an end is unclear. */
static const char *play_time(struct player *player, const struct operation *o)
{
	struct model *model = &player->model;
	int64_t until_ms = model->now_ms + o->ms;

	while (model->setting.is_prompt && model_due_ms(model) <= until_ms) {
		int64_t at_ms = model_due_ms(model) + model->slack_ms;

		pass(player, at_ms - model->now_ms);
	}
	if (model->now_ms < until_ms)
		pass(player, until_ms - model->now_ms);
	while (model_is_unclear(model))
		pass(player, 1);
	return NULL;
}

/* ---- a script --------------------------------------------------------------------------------- */

static const char *play_one(struct player *player, const struct operation *o)
{
	switch (o->kind) {
	case SEND:
		return play_send(player, o);
	case RECEIVE:
		return play_receive(player, o);
	case DELETE:
	case EXTEND:
	case RELEASE:
		return play_change(player, o);
	case PURGE:
		return play_purge(player, o);
	default:
		return play_time(player, o);
	}
}

static const char *depths_check(struct player *player)
{
	int places = player->model.setting.receives_max ? PLACES : 1;
	const char *fault = NULL;

	for (int place = 0; !fault && place < places; place++) {
		struct depth depth;

		player->driver->depth(player->driver->self, (enum place)place, &depth);
		fault = model_depth(&player->model, (enum place)place, &depth);
	}
	return fault;
}

void play(const struct driver *driver, const struct script *script, struct played *ret_played)
{
	static struct player player;
	const char *fault = driver->begin(driver->self, &script->setting);

	*ret_played = (struct played){.verdict = fault ? SKIPPED : GOOD};
	player.driver = driver;
	player.receipts = 0;
	player.played = ret_played;
	model_begin(&player.model, &script->setting, driver->slack_ms);
	player.model.any_turn = driver->any_turn;
	for (int i = 0; !fault && i < script->count; i++) {
		fault = play_one(&player, &script->operation[i]);
		if (!fault && (i % DEPTH_EVERY == DEPTH_EVERY - 1 || i == script->count - 1))
			fault = depths_check(&player);
		if (fault) {
			ret_played->verdict = BAD;
			ret_played->at = i;
		}
	}
	if (fault)
		snprintf(ret_played->why, sizeof(ret_played->why), "%s", fault);
	if (ret_played->verdict != SKIPPED)
		driver->end(driver->self);
}
