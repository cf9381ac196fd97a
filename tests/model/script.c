#include "tests/model/script.h"

#include <inttypes.h>
#include <string.h>

static const char *const place_name[PLACES] = {[QUEUE] = "queue", [DLQ] = "dlq"};

static void operation_print(const struct operation *o, FILE *out)
{
	switch (o->kind) {
	case SEND:
		fprintf(out, "send %d group %d id %d delay %" PRId64 "\n", o->number, o->group, o->id, o->ms);
		break;
	case RECEIVE:
		fprintf(out, "receive %s max %d visibility %" PRId64 " attempt %d\n", place_name[o->place], o->max,
			o->ms, o->attempt);
		break;
	case DELETE:
		fprintf(out, "delete %d before %d\n", o->number, o->before);
		break;
	case EXTEND:
		fprintf(out, "extend %d before %d to %" PRId64 "\n", o->number, o->before, o->ms);
		break;
	case RELEASE:
		fprintf(out, "release %d before %d delay %" PRId64 "\n", o->number, o->before, o->ms);
		break;
	case PURGE:
		fprintf(out, "purge %s\n", place_name[o->place]);
		break;
	case TIME:
	case OPERATION_KINDS:
		fprintf(out, "time %" PRId64 "\n", o->ms);
	}
}

void script_print(const struct script *script, FILE *out)
{
	const struct setting *s = &script->setting;

	fprintf(out,
		"%s capacity %d receives %d visibility %" PRId64 " delay %" PRId64 " window %" PRId64
		" scope %s time %s\n",
		s->is_fifo ? "fifo" : "standard", s->capacity, s->receives_max, s->visibility_ms, s->delay_ms,
		s->window_ms, s->scope_is_group ? "group" : "queue", s->is_prompt ? "prompt" : "late");
	for (int i = 0; i < script->count; i++)
		operation_print(&script->operation[i], out);
}

/* ---- reading ---------------------------------------------------------------------------------- */

static bool place_read(const char *name, enum place *ret_place)
{
	*ret_place = strcmp(name, place_name[DLQ]) == 0 ? DLQ : QUEUE;
	return strcmp(name, place_name[*ret_place]) == 0;
}

static bool setting_read(const char *line, struct setting *ret)
{
	char type[16], scope[16], time[16];
	struct setting s = {0};

	if (sscanf(line,
		   "%15s capacity %d receives %d visibility %" SCNd64 " delay %" SCNd64 " window %" SCNd64
		   " scope %15s time %15s",
		   type, &s.capacity, &s.receives_max, &s.visibility_ms, &s.delay_ms, &s.window_ms, scope,
		   time) != 8)
		return false;
	s.is_fifo = strcmp(type, "fifo") == 0;
	s.scope_is_group = strcmp(scope, "group") == 0;
	s.is_prompt = strcmp(time, "prompt") == 0;
	*ret = s;
	return true;
}

static bool operation_read(const char *line, struct operation *ret)
{
	struct operation o = {0};
	char place[16] = "queue";
	bool is_one = true;

	if (sscanf(line, "send %d group %d id %d delay %" SCNd64, &o.number, &o.group, &o.id, &o.ms) == 4)
		o.kind = SEND;
	else if (sscanf(line, "receive %15s max %d visibility %" SCNd64 " attempt %d", place, &o.max, &o.ms,
			&o.attempt) == 4)
		o.kind = RECEIVE;
	else if (sscanf(line, "delete %d before %d", &o.number, &o.before) == 2)
		o.kind = DELETE;
	else if (sscanf(line, "extend %d before %d to %" SCNd64, &o.number, &o.before, &o.ms) == 3)
		o.kind = EXTEND;
	else if (sscanf(line, "release %d before %d delay %" SCNd64, &o.number, &o.before, &o.ms) == 3)
		o.kind = RELEASE;
	else if (sscanf(line, "purge %15s", place) == 1)
		o.kind = PURGE;
	else if (sscanf(line, "time %" SCNd64, &o.ms) == 1)
		o.kind = TIME;
	else
		is_one = false;
	is_one = is_one && place_read(place, &o.place) && o.number >= 0 && o.number < NUMBERS_MAX &&
		 o.before >= 0 && o.max <= RECEIVE_MAX && o.group >= 0 && o.group < GROUPS_MAX && o.id >= 0 &&
		 o.id < IDS_MAX;
	*ret = o;
	return is_one;
}

bool script_read(struct script *ret_script, FILE *in, int *ret_line)
{
	bool has_setting = false;
	char line[256];

	ret_script->count = 0;
	for (*ret_line = 1; fgets(line, sizeof(line), in); ++*ret_line) {
		if (line[0] == '\n' || line[0] == '#')
			continue;
		if (!has_setting) {
			if (!setting_read(line, &ret_script->setting))
				return false;
			has_setting = true;
		} else if (ret_script->count == OPERATIONS_MAX ||
			   !operation_read(line, &ret_script->operation[ret_script->count++])) {
			return false;
		}
	}
	return has_setting;
}
