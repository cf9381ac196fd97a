#include "gateway/move_notes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const states[] = {
	[MOVE_RUNNING] = "RUNNING",	[MOVE_COMPLETED] = "COMPLETED", [MOVE_CANCELLING] = "CANCELLING",
	[MOVE_CANCELLED] = "CANCELLED", [MOVE_FAILED] = "FAILED",
};

const char *move_state_text(enum move_state state)
{
	return states[state];
}

/* ---- one task --------------------------------------------------------------------------------- */

enum { STATES = sizeof(states) / sizeof(states[0]) };

static json_t *format(const struct move *move)
{
	return json_pack("{s:s, s:s, s:s, s:s*, s:I, s:I, s:I, s:I, s:s*}", "id", move->id, "state",
			 states[move->state], "source_arn", move->source_arn, "destination_arn",
			 move->destination_arn[0] ? move->destination_arn : NULL, "rate", (json_int_t)move->rate,
			 "moved", (json_int_t)move->moved, "to_move", (json_int_t)move->to_move, "started_ms",
			 (json_int_t)move->started_ms, "failure", move->failure[0] ? move->failure : NULL);
}

static bool parse_state(const char *text, enum move_state *ret_state)
{
	int state = 0;

	while (state < STATES && strcmp(states[state], text) != 0)
		state++;
	*ret_state = (enum move_state)state;
	return state < STATES;
}

static bool copy(char *ret, size_t bytes, const char *text)
{
	return (size_t)snprintf(ret, bytes, "%s", text) < bytes;
}

/* The id is part of a path. */
static bool is_id(const char *text)
{
	return strlen(text) == MOVE_ID_BYTES - 1 && strspn(text, "0123456789abcdef-") == MOVE_ID_BYTES - 1;
}

/* All but the source's name. With distrust: notes are files. */
static bool parse(const json_t *entry, struct move *ret)
{
	const char *id, *state, *source, *destination = "", *failure = "";
	json_int_t rate, moved, to_move, started_ms;

	memset(ret, 0, sizeof(*ret));
	if (json_unpack((json_t *)entry, "{s:s, s:s, s:s, s?s, s:I, s:I, s:I, s:I, s?s}", "id", &id, "state",
			&state, "source_arn", &source, "destination_arn", &destination, "rate", &rate, "moved",
			&moved, "to_move", &to_move, "started_ms", &started_ms, "failure", &failure) != 0)
		return false;
	if (!is_id(id) || !parse_state(state, &ret->state) || rate < 0 || rate > MOVE_RATE_MAX || moved < 0 ||
	    moved > to_move || to_move > MOVE_COUNT_MAX)
		return false;
	ret->rate = rate;
	ret->moved = (uint64_t)moved;
	ret->to_move = (uint64_t)to_move;
	ret->started_ms = started_ms;
	return copy(ret->id, sizeof(ret->id), id) && copy(ret->failure, sizeof(ret->failure), failure) &&
	       copy(ret->source_arn, sizeof(ret->source_arn), source) &&
	       copy(ret->destination_arn, sizeof(ret->destination_arn), destination) &&
	       (destination[0] == '\0' || address_from_arn(destination, ret->destination));
}

/* ---- all of a source -------------------------------------------------------------------------- */

const char *move_notes_fault(const json_t *moves)
{
	struct move move;
	json_t *entry;
	size_t i;

	if (moves && !json_is_array(moves))
		return "\"moves\" is no list";
	json_array_foreach(moves, i, entry) if (!parse(entry, &move)) return "\"moves\" has what is no move task";
	return NULL;
}

size_t move_notes_list(const json_t *notes, const char *source, struct move *ret_moves, size_t max)
{
	const json_t *moves = json_object_get(notes, "moves");
	size_t count = 0;
	json_t *entry;
	size_t i;

	json_array_foreach(moves, i, entry)
	{
		if (count == max || !parse(entry, &ret_moves[count]))
			break;
		copy(ret_moves[count++].source, NAME_TEXT_BYTES, source);
	}
	return count;
}

/* Its index; the number of tasks if it is not there. */
static size_t index_of(const json_t *moves, const char *id)
{
	json_t *entry;
	size_t i;

	json_array_foreach(moves, i,
			   entry) if (strcmp(json_string_value(json_object_get(entry, "id")), id) == 0) return i;
	return json_array_size(moves);
}

int move_notes_find(const json_t *notes, const char *source, const char *id, struct move *ret_move)
{
	json_t *moves = json_object_get(notes, "moves"), *entry = json_array_get(moves, index_of(moves, id));

	if (entry == NULL || !parse(entry, ret_move))
		return -ESRCH;
	copy(ret_move->source, NAME_TEXT_BYTES, source);
	return 0;
}

/* ---- changes ---------------------------------------------------------------------------------- */

struct change {
	const struct move *move;
	const char *id;
	int error;
};

static bool refuse(struct change *change, int error)
{
	change->error = error;
	return false;
}

static bool add(json_t *notes, void *context)
{
	struct change *change = context;
	struct move known[MOVES_OF_SOURCE_MAX];
	size_t count = move_notes_list(notes, "", known, MOVES_OF_SOURCE_MAX);
	json_t *moves = json_object_get(notes, "moves");

	for (size_t i = 0; i < count; i++)
		if (move_is_active(&known[i]))
			return refuse(change, -EBUSY);
	if (moves == NULL) {
		moves = json_array();
		json_object_set_new(notes, "moves", moves);
	}
	while (json_array_size(moves) >= MOVES_OF_SOURCE_MAX)
		json_array_remove(moves, json_array_size(moves) - 1);
	return json_array_insert_new(moves, 0, format(change->move)) == 0 || refuse(change, -ENOMEM);
}

static bool cancel(json_t *notes, void *context)
{
	struct change *change = context;
	json_t *moves = json_object_get(notes, "moves"),
	       *entry = json_array_get(moves, index_of(moves, change->id));

	if (entry == NULL || strcmp(json_string_value(json_object_get(entry, "state")), states[MOVE_RUNNING]) != 0)
		return refuse(change, -ESRCH);
	return json_object_set_new(entry, "state", json_string(states[MOVE_CANCELLING])) == 0 ||
	       refuse(change, -ENOMEM);
}

static bool end(json_t *notes, void *context)
{
	struct change *change = context;
	json_t *moves = json_object_get(notes, "moves");
	size_t i = index_of(moves, change->id);

	if (i == json_array_size(moves))
		return refuse(change, -ESRCH);
	return json_array_set_new(moves, i, format(change->move)) == 0 || refuse(change, -ENOMEM);
}

static int carry_out(struct notes *notes, struct rlq_queue *source, bool (*how)(json_t *notes, void *context),
		     struct change change)
{
	int result = notes_change(notes, source, how, &change);

	return change.error ? change.error : result;
}

int move_notes_add(struct notes *notes, struct rlq_queue *source, const struct move *move)
{
	return carry_out(notes, source, add, (struct change){.move = move, .id = move->id});
}

int move_notes_cancel(struct notes *notes, struct rlq_queue *source, const char *id)
{
	return carry_out(notes, source, cancel, (struct change){.id = id});
}

int move_notes_end(struct notes *notes, struct rlq_queue *source, const struct move *move)
{
	return carry_out(notes, source, end, (struct change){.move = move, .id = move->id});
}
