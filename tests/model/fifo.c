/* The exact rule: in each group walk from the oldest undeleted message, hand out what is visible, in order, and
 * stop at the first that is not; as many of one group as possible, then the next group, that which has waited
 * longest. */
#include "tests/model/inside.h"

struct walk {
	struct model *model;
	const struct operation *operation;
	const struct received *received;
	int64_t ms;
	int at; /* of the answer */
	bool is_served[GROUPS_MAX];
	int64_t last_latest; /* of the last group served */
};

static bool is_waiting(const struct walk *walk, int group)
{
	return walk->model->turn[walk->operation->place][group].is_ready && !walk->is_served[group];
}

/* The used-up ones at the front of a group go to the DLQ, in order. Later ones were received less often. */
static const char *move_used_up(struct walk *walk, int group)
{
	struct model *model = walk->model;
	int number = next_of_group(model, walk->operation->place, group, 0);

	while (number && is_used_up(model, &model->message[number])) {
		int next = next_of_group(model, QUEUE, group, number);
		bool is_sure = model->message[number].state == VISIBLE;

		if (!is_visible(model, &model->message[number]))
			break;
		if (!was_moved(walk->received, number))
			return is_sure ? broken(model, "not moved: message %d was received %u times, and stays",
						number, model->message[number].receives)
				       : NULL;
		move_to_dlq(model, number);
		number = next;
	}
	return NULL;
}

/* Takes the messages of one group off the answer. */
static const char *serve(struct walk *walk, int group)
{
	struct model *model = walk->model;
	const struct told *told = walk->received->message;
	const char *fault = move_used_up(walk, group);
	int number = next_of_group(model, walk->operation->place, group, 0);

	walk->is_served[group] = true;
	walk->last_latest = model->turn[walk->operation->place][group].latest;
	turn_taken(model, walk->operation->place, group);
	for (; !fault && number && is_visible(model, &model->message[number]); walk->at++) {
		if (walk->at == walk->operation->max)
			return NULL;
		if (walk->at == walk->received->count || told[walk->at].number != number) {
			/* Perhaps nobody has noticed that its time is over. */
			if (is_over(model, &model->message[number]))
				return NULL;
			return broken(model, "order: message %d of group %d is visible, and not what comes next",
				      number, group);
		}
		fault = hand_out(model, number, walk->ms, &told[walk->at]);
		number = next_of_group(model, walk->operation->place, group, number);
	}
	return fault;
}

/* Some group that must be served before one that has waited since `earliest`; -1: none. */
static int is_before(const struct walk *walk, int64_t earliest)
{
	if (walk->model->any_turn)
		return -1;
	for (int group = 0; group < GROUPS_MAX; group++)
		if (is_waiting(walk, group) && walk->model->turn[walk->operation->place][group].latest < earliest)
			return group;
	return -1;
}

/* Does all that a receive would take of a group go to the DLQ? */
static bool only_moves(const struct walk *walk, int group)
{
	const struct model *model = walk->model;
	int number = next_of_group(model, walk->operation->place, group, 0);

	for (; number && is_visible(model, &model->message[number]);
	     number = next_of_group(model, walk->operation->place, group, number))
		if (is_over(model, &model->message[number]))
			return true; /* perhaps nobody has noticed */
		else if (!is_used_up(model, &model->message[number]))
			return false;
	return true;
}

/* The groups before it have had their turn, if all they had is in the DLQ now. */
static const char *serve_those_before(struct walk *walk, int64_t earliest, int number)
{
	struct model *model = walk->model;
	const char *fault = NULL;
	int group;

	while (!fault && (group = is_before(walk, earliest)) >= 0) {
		if (!only_moves(walk, group))
			return broken(model,
				      "turn: message %d of group %d comes before group %d, which has waited longer",
				      number, model->message[number].group, group);
		fault = serve(walk, group);
	}
	return fault;
}

static const char *serve_next(struct walk *walk)
{
	struct model *model = walk->model;
	int number = walk->received->message[walk->at].number;
	int group = model->message[number].group;
	const char *fault;

	if (!is_waiting(walk, group))
		return broken(model, "blocked: message %d is behind one of group %d that is hidden", number, group);
	fault = serve_those_before(walk, model->turn[walk->operation->place][group].earliest, number);
	return fault ? fault : serve(walk, group);
}

/* What is left: groups that must be served too, where the receive wanted more; and those that it may have met. */
static const char *serve_rest(struct walk *walk)
{
	struct model *model = walk->model;
	bool has_enough = walk->received->count == walk->operation->max;
	const char *fault = NULL;

	for (int group = 0; !fault && group < GROUPS_MAX; group++) {
		const struct turn *turn = &model->turn[walk->operation->place][group];
		int head = next_of_group(model, walk->operation->place, group, 0);
		bool is_met = head && was_moved(walk->received, head);

		if (!is_waiting(walk, group))
			continue;
		if (has_enough && is_met && walk->last_latest < turn->earliest && !model->any_turn)
			fault = broken(model, "turn: group %d was met by a receive that had enough before", group);
		else if ((is_met || (!has_enough && turn->latest < NEVER)) && !only_moves(walk, group))
			fault = broken(
				model,
				"not found: group %d is ready, and its messages from %d on were not handed out",
				group, head);
		else if (is_met || (!has_enough && turn->latest < NEVER))
			fault = serve(walk, group);
	}
	return fault;
}

const char *receive_fifo(struct model *model, const struct operation *o, const struct received *received)
{
	struct walk walk = {.model = model,
			    .operation = o,
			    .received = received,
			    .ms = o->ms >= 0 ? o->ms : model->setting.visibility_ms};
	const char *fault = NULL;

	while (!fault && walk.at < received->count)
		fault = serve_next(&walk);
	if (!fault)
		fault = serve_rest(&walk);
	for (int i = 0; !fault && i < received->moved_count; i++)
		if (model->message[received->moved[i]].place != DLQ)
			fault = broken(model, "moved out of turn: message %d", received->moved[i]);
	return fault;
}
