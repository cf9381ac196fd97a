#include "tests/interleave/explore.h"
#include "tests/interleave/coroutine.h"
#include "tests/interleave/visited.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STACK_BYTES = 4096, REGIONS_MAX = 8, DEPTH_MAX = 4096 };

/* The explorer's own part of a state. */
static struct {
	struct actor actors[ACTORS_MAX];
	uint8_t deaths_left, switches_left, last, any_death;
	uint8_t chooser; /* 1 + the actor that chooses, amid its step: nobody comes between; 0 none */
	uint8_t padding[3];
} state;

/* A move: which actor does what. */
struct move {
	uint8_t actor, chosen;
	bool dies;
};

struct frame {
	size_t snapshot; /* offset in `snapshots` */
	struct move move;
	unsigned next; /* number of the move to try next */
};

static const struct explore_model *model;
static _Alignas(64) unsigned char stacks[ACTORS_MAX][STACK_BYTES];
static struct {
	void *memory;
	size_t bytes;
	size_t (*live)(void); /* bytes that count at present, if not all */
} regions[REGIONS_MAX];
static int region_count, actor_count;
static bool (*joined)(const void *address);

static void *scheduler_sp;
static int current = ACTORS_MAX;
static const void *accessed; /* by the last step */
static bool fresh;	     /* the turn has just begun: its first access needs no further choice */
static const char *failure;
static uint64_t failure_number;

static unsigned char *snapshots;
static size_t snapshots_size;
static struct frame frames[DEPTH_MAX];

/* ---- building a scenario -------------------------------------------------------------------------- */

static void add_region(void *memory, size_t bytes, size_t (*live)(void))
{
	if (region_count == REGIONS_MAX || bytes % 8) {
		fprintf(stderr, "interleave: bad region\n");
		exit(1);
	}
	regions[region_count].memory = memory;
	regions[region_count].live = live;
	regions[region_count++].bytes = bytes;
}

void explore_remember(void *memory, size_t bytes)
{
	add_region(memory, bytes, NULL);
}

void explore_remember_live(void *memory, size_t (*live)(void))
{
	add_region(memory, 0, live);
}

static size_t region_bytes(int i)
{
	return regions[i].live ? regions[i].live() : regions[i].bytes;
}

void explore_begin(const struct explore_model *of)
{
	memset(&state, 0, sizeof(state));
	memset(stacks, 0, sizeof(stacks));
	model = of;
	region_count = actor_count = 0;
	failure = NULL;
	joined = NULL;
	explore_remember(&state, sizeof(state));
}

int explore_add_actor(const char *name, void (*turn)(int actor), bool is_mortal)
{
	if (actor_count == ACTORS_MAX) {
		fprintf(stderr, "interleave: too many actors\n");
		exit(1);
	}
	state.actors[actor_count] =
		(struct actor){.name = name, .turn = turn, .is_mortal = is_mortal, .doing = "-"};
	return actor_count++;
}

void explore_allow_deaths(unsigned deaths)
{
	state.deaths_left = (uint8_t)deaths;
}

void explore_join(bool (*is_joined)(const void *address))
{
	joined = is_joined;
}

/* ---- what actors call ----------------------------------------------------------------------------- */

static void give_control_back(void)
{
	coroutine_switch(&state.actors[current].sp, scheduler_sp);
}

void explore_step(const void *address)
{
	if (current == ACTORS_MAX) { /* final checks and set-up run on the explorer's own stack */
		if (model && model->after_step)
			model->after_step();
		return;
	}
	if (joined && joined(address))
		return;
	if (fresh) {
		fresh = false;
	} else {
		state.actors[current].pending = address;
		give_control_back();
	}
	accessed = address;
}

unsigned explore_choose(unsigned count)
{
	unsigned chosen;

	if (current == ACTORS_MAX || count < 2)
		return 0;
	state.actors[current].choices = (uint8_t)count;
	state.chooser = (uint8_t)(current + 1);
	fresh = false;
	give_control_back();
	chosen = state.actors[current].chosen;
	state.actors[current].chosen = 0;
	return chosen;
}

void explore_finish(int actor)
{
	state.actors[actor].status = ACTOR_FINISHED;
}

void explore_doing(int actor, const char *what)
{
	if (actor < ACTORS_MAX)
		state.actors[actor].doing = what;
}

void explore_sleep(int actor)
{
	state.actors[actor].status = ACTOR_ASLEEP;
	state.actors[actor].pending = NULL;
	fresh = false;
	give_control_back();
}

void explore_wake(int actor)
{
	if (state.actors[actor].status == ACTOR_ASLEEP)
		state.actors[actor].status = ACTOR_AMID;
}

void explore_fail(const char *what, uint64_t number)
{
	if (!failure) {
		failure = what;
		failure_number = number;
	}
}

bool explore_failed(void)
{
	return failure != NULL;
}

const struct actor *explore_actor(int actor)
{
	return &state.actors[actor];
}

int explore_actor_count(void)
{
	return actor_count;
}

int explore_current(void)
{
	return current;
}

bool explore_any_death(void)
{
	return state.any_death;
}

/* ---- one step ------------------------------------------------------------------------------------- */

static void turn_begins(void)
{
	struct actor *me = &state.actors[current];

	me->turn(current);
	if (me->status != ACTOR_FINISHED)
		me->status = ACTOR_IDLE;
	me->sp = NULL;
	me->pending = NULL;
	coroutine_switch(&(void *){NULL}, scheduler_sp);
	__builtin_unreachable();
}

/* Below the stack pointer everything is zero, whoever was there. */
static void stack_wipe(int actor)
{
	unsigned char *stack = stacks[actor], *sp = state.actors[actor].sp;

	if (stack[0] || stack[8]) {
		fprintf(stderr, "interleave: the stack of %s is too small\n", state.actors[actor].name);
		exit(1);
	}
	memset(stack, 0, sp ? (size_t)(sp - stack) : STACK_BYTES);
}

static void make_move(struct move move)
{
	struct actor *actor = &state.actors[move.actor];

	if (move.dies) {
		accessed = NULL;
		actor->status = ACTOR_DEAD;
		actor->sp = NULL;
		state.deaths_left--;
		state.any_death = 1;
		stack_wipe(move.actor);
		return;
	}
	if (move.actor != state.last) {
		if (state.switches_left != SWITCHES_FREE && state.actors[state.last].status == ACTOR_AMID)
			state.switches_left--;
		state.last = state.switches_left == SWITCHES_FREE ? 0 : move.actor;
	}
	current = move.actor;
	accessed = NULL;
	actor->chosen = move.chosen;
	actor->choices = 0;
	state.chooser = 0;
	fresh = actor->status == ACTOR_IDLE;
	if (fresh) {
		actor->status = ACTOR_AMID;
		actor->sp = coroutine_prepare(stacks[current] + STACK_BYTES, turn_begins);
	}
	coroutine_switch(&scheduler_sp, actor->sp);
	stack_wipe(current);
	if (model->after_step)
		model->after_step();
	current = ACTORS_MAX;
}

/* The `number`-th move of the present state. */
static bool find_move(unsigned number, struct move *ret)
{
	for (int i = 0; i < actor_count; i++) {
		const struct actor *actor = &state.actors[i];
		bool can_step = actor->status == ACTOR_IDLE || actor->status == ACTOR_AMID;
		bool can_die = actor->is_mortal && state.deaths_left > 0 && state.chooser == 0 &&
			       (actor->status == ACTOR_AMID || actor->status == ACTOR_ASLEEP);
		unsigned steps = !can_step ? 0 : actor->choices ? actor->choices : 1;
		bool preempts = state.switches_left == 0 && i != state.last &&
				state.actors[state.last].status == ACTOR_AMID;

		if (state.chooser != 0 && i != state.chooser - 1)
			continue;
		if (preempts)
			steps = 0; /* yet it may die: that takes nobody off */
		*ret = (struct move){.actor = (uint8_t)i, .chosen = (uint8_t)number};
		if (number < steps)
			return true;
		number -= steps;
		if (can_die) {
			ret->dies = true;
			if (number-- == 0)
				return true;
		}
	}
	return false;
}

static bool is_end(void)
{
	for (int i = 0; i < actor_count; i++)
		if (state.actors[i].status == ACTOR_IDLE || state.actors[i].status == ACTOR_AMID)
			return false;
	return true;
}

/* ---- copying states ------------------------------------------------------------------------------- */

static size_t stack_live(int actor)
{
	unsigned char *sp = state.actors[actor].sp;

	return sp ? (size_t)(stacks[actor] + STACK_BYTES - sp) : 0;
}

static size_t snapshot_save(size_t at)
{
	if (at + 64 * 1024 > snapshots_size) {
		snapshots_size = snapshots_size ? snapshots_size * 2 : 1 << 20;
		snapshots = realloc(snapshots, snapshots_size);
		if (!snapshots) {
			perror("interleave");
			exit(1);
		}
	}
	for (int i = 0; i < region_count; i++) {
		size_t bytes = region_bytes(i);

		memcpy(snapshots + at, regions[i].memory, bytes);
		at += bytes;
	}
	for (int i = 0; i < actor_count; i++) {
		size_t live = stack_live(i);

		memcpy(snapshots + at, stacks[i] + STACK_BYTES - live, live);
		at += live;
	}
	return at;
}

static void snapshot_load(size_t at)
{
	size_t before[ACTORS_MAX];

	for (int i = 0; i < actor_count; i++)
		before[i] = stack_live(i);
	for (int i = 0; i < region_count; i++) {
		size_t bytes = region_bytes(i);

		memcpy(regions[i].memory, snapshots + at, bytes);
		at += bytes;
	}
	for (int i = 0; i < actor_count; i++) {
		size_t live = stack_live(i);

		if (before[i] > live)
			memset(stacks[i] + STACK_BYTES - before[i], 0, before[i] - live);
		memcpy(stacks[i] + STACK_BYTES - live, snapshots + at, live);
		at += live;
	}
}

static uint64_t fingerprint(void)
{
	uint64_t print = 0;

	for (int i = 0; i < region_count; i++)
		print = fingerprint_of(print, regions[i].memory, region_bytes(i));
	for (int i = 0; i < actor_count; i++) {
		size_t live = stack_live(i);

		print = fingerprint_of(print, stacks[i] + STACK_BYTES - live, live);
	}
	return print;
}

/* ---- the walk ------------------------------------------------------------------------------------- */

static void print_move(unsigned number, struct move move, size_t scratch)
{
	const struct actor *actor = &state.actors[move.actor];
	char before[160] = "", after[160] = "";
	bool chooses = actor->choices > 0;

	snapshot_save(scratch);
	make_move(move);
	if (accessed)
		model->show(accessed, after, sizeof(after));
	snapshot_load(scratch);
	if (accessed)
		model->show(accessed, before, sizeof(before));
	make_move(move);
	if (chooses)
		snprintf(before, sizeof(before), "  choice %u", move.chosen);
	printf("  %3u  %-10s %-10s %s", number, actor->name, move.dies ? "DIES" : actor->doing, before);
	printf(strcmp(before, after) ? "  ->  %s\n" : "\n", after);
}

static void print_schedule(unsigned depth)
{
	size_t scratch = frames[depth].snapshot;

	snapshot_load(frames[0].snapshot);
	for (unsigned i = 0; i < depth; i++)
		print_move(i, frames[i].move, scratch);
	if (is_end() && model->at_end)
		model->at_end();
	printf("  then: ");
	printf(failure, (unsigned long long)failure_number);
	printf("\n");
}

/* Invariants of the state just reached; is it one to walk on from? */
static bool arrive(struct explore_result *result)
{
	if (failure || !visited_add(fingerprint()))
		return false;
	if (is_end()) {
		result->ends++;
		if (model->at_end)
			model->at_end();
		return false;
	}
	return true;
}

struct explore_result explore_run(unsigned switches, size_t states_max, bool verbose)
{
	struct explore_result result = {0};
	unsigned depth = 0;

	visited_clear();
	state.switches_left = (uint8_t)switches;
	frames[0] = (struct frame){0};
	frames[1].snapshot = snapshot_save(0);
	visited_add(fingerprint());
	for (;;) {
		struct frame *top = &frames[depth];

		if (top->next > 0)
			snapshot_load(top->snapshot);
		if (!find_move(top->next++, &top->move)) {
			if (depth-- == 0)
				break;
			continue;
		}
		make_move(top->move);
		result.steps++;
		if (!arrive(&result)) {
			if (failure)
				break;
			continue;
		}
		if (++depth + 2 > DEPTH_MAX || visited_count() > states_max) {
			result.cut = true;
			break;
		}
		if (depth > result.depth)
			result.depth = depth;
		frames[depth].next = 0;
		frames[depth + 1].snapshot = snapshot_save(frames[depth].snapshot);
	}
	result.states = visited_count();
	result.failed = failure != NULL;
	if (failure && verbose)
		print_schedule(depth + 1);
	snapshot_load(0);
	failure = NULL;
	return result;
}
