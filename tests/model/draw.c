/* Scripts from a seed: few messages, groups and ids, so that they meet; times near those that something ends at. */
#include "tests/model/script.h"
#include "tests/support/arguments.h"

static uint64_t one_of(uint64_t *random, uint64_t count)
{
	return (random_next(random) >> 16) % count;
}

#define PICK(random, array) (array)[one_of(random, sizeof(array) / sizeof((array)[0]))]

static const int64_t visibilities[] = {-1, -1, -1, 1000, 3000, 1, 0};
static const int64_t changes[] = {0, 0, 1, 1000, 5000};
static const int64_t times[] = {1, 998, 1000, 1000, 1002, 3000, 5000, 60000, 299000, 300010};
static const int weights[OPERATION_KINDS] = {
	[SEND] = 30, [RECEIVE] = 30, [DELETE] = 18, [EXTEND] = 6, [RELEASE] = 6, [PURGE] = 3, [TIME] = 12};

static enum operation_kind draw_kind(uint64_t *random)
{
	int at = (int)one_of(random, 105), kind = 0;

	while (at >= weights[kind])
		at -= weights[kind++];
	return (enum operation_kind)kind;
}

static struct operation draw_send(const struct setting *setting, int number, uint64_t *random)
{
	static const int64_t delays[] = {-1, -1, -1, 0, 1000};
	struct operation o = {.kind = SEND, .number = number, .ms = PICK(random, delays)};

	if (setting->is_fifo) {
		o.group = 1 + (int)one_of(random, GROUPS_MAX - 1);
		o.id = one_of(random, 3) ? 0 : 1 + (int)one_of(random, IDS_MAX - 1);
		o.ms = -1;
	}
	return o;
}

static struct operation draw_receive(const struct setting *setting, uint64_t *random)
{
	return (struct operation){
		.kind = RECEIVE,
		.place = setting->receives_max && one_of(random, 4) == 0 ? DLQ : QUEUE,
		.max = 1 + (int)one_of(random, one_of(random, 2) ? 3 : RECEIVE_MAX),
		.ms = PICK(random, visibilities),
		.attempt = setting->is_fifo && one_of(random, 4) == 0 ? 1 + (int)one_of(random, 2) : 0,
	};
}

static struct operation draw_one(const struct script *script, int *sent, uint64_t *random)
{
	const struct setting *setting = &script->setting;
	struct operation o = {.kind = draw_kind(random)};

	if (o.kind == SEND)
		return draw_send(setting, ++*sent, random);
	if (o.kind == RECEIVE)
		return draw_receive(setting, random);
	if (o.kind == PURGE) {
		o.place = setting->receives_max ? (enum place)one_of(random, PLACES) : QUEUE;
	} else if (o.kind == TIME) {
		o.ms = PICK(random, times);
	} else {
		o.number = *sent ? 1 + (int)one_of(random, (uint64_t)*sent) : 0;
		o.before = one_of(random, 5) == 0;
		o.ms = o.kind == DELETE ? 0 : PICK(random, changes);
	}
	return o;
}

void script_draw(struct script *ret_script, bool is_fifo, int count_max, uint64_t seed)
{
	uint64_t random = seed;
	int sent = 0;

	ret_script->setting = (struct setting){
		.is_fifo = is_fifo,
		.scope_is_group = one_of(&random, 3) == 0,
		.is_prompt = one_of(&random, 3) != 0,
		.capacity = one_of(&random, 3) ? 1000 : 1 + (int)one_of(&random, 6),
		.receives_max = one_of(&random, 2) ? 1 + (int)one_of(&random, 3) : 0,
		.visibility_ms = 1000,
		.delay_ms = one_of(&random, 4) ? 0 : 1000,
		.window_ms = 300000,
	};
	/* Who finds only messages to move looks for what is over, and then walks again: which was moved by which
	 * walk is more than the model knows. */
	if (is_fifo && ret_script->setting.receives_max)
		ret_script->setting.is_prompt = true;
	ret_script->count = 4 + (int)one_of(&random, (uint64_t)count_max - 3);
	for (int i = 0; i < ret_script->count; i++)
		ret_script->operation[i] = draw_one(ret_script, &sent, &random);
}
