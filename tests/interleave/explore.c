/* The walk: who may move in a state, one move, and the search of all that can be reached. Knows what actors do and
 * what ends them; what memory a state is made of, and where it is copied to, is snapshot.c's. */
#include "tests/interleave/explore.h"
#include "tests/interleave/coroutine.h"
#include "tests/interleave/snapshot.h"
#include "tests/interleave/visited.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	DEPTH_MAX = 4096,
	CLOCK_EVERY = 4096, /* steps between two looks at the time limit */
};

/* The explorer's own part of a state. */
static struct {
	struct actor actors[ACTORS_MAX];
	uint8_t deaths_left, stops_left, switches_left, last, any_death;
	uint8_t chooser; /* 1 + the actor that chooses, amid its step: nobody comes between; 0 none */
	uint8_t padding[2];
} state;

/* A move: which actor does what. */
struct move {
	uint8_t actor, chosen;
	bool dies, stops;
};

struct frame {
	struct snapshot snapshot;
	struct move move;
	unsigned next; /* number of the move to try next */
};

static const struct explore_model *model;
static int actor_count;
static double seconds_max, began; /* of a run */
static bool (*joined)(const void *address);

static void *scheduler_sp;
static int current = ACTORS_MAX;
static const void *accessed; /* by the last step */
static bool fresh;	     /* the turn has just begun: its first access needs no further choice */
static const char *failure;
static uint64_t failure_number;

static struct frame frames[DEPTH_MAX];

/* ---- building a scenario -------------------------------------------------------------------------- */

void explore_remember(void *memory, size_t bytes)
{
	snapshot_include(SHARED, memory, bytes, NULL);
}

void explore_remember_of(int actor, void *memory, size_t bytes)
{
	snapshot_include(actor, memory, bytes, NULL);
}

void explore_remember_live(void *memory, size_t (*live)(void))
{
	snapshot_include(SHARED, memory, 0, live);
}

void explore_begin(const struct explore_model *of)
{
	memset(&state, 0, sizeof(state));
	snapshot_begin();
	model = of;
	actor_count = 0;
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

void explore_allow_stops(unsigned stops)
{
	state.stops_left = (uint8_t)stops;
}

void explore_limit(double seconds)
{
	seconds_max = seconds;
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

static void touch(const void *address)
{
	if (model && model->touch)
		model->touch(address);
}

void explore_step(const void *address)
{
	if (current == ACTORS_MAX) { /* final checks and set-up run on the explorer's own stack */
		touch(address);
		if (model && model->after_step)
			model->after_step();
		return;
	}
	if (joined && joined(address)) {
		touch(address);
		return;
	}
	if (fresh) {
		fresh = false;
	} else {
		state.actors[current].pending = address;
		give_control_back();
	}
	touch(address); /* others have gone on meanwhile */
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

bool explore_knows_death(void)
{
	return state.any_death || state.deaths_left > 0;
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

static void make_die(int actor)
{
	state.actors[actor].status = ACTOR_DEAD;
	state.actors[actor].sp = NULL;
	state.deaths_left--;
	state.any_death = 1;
	stack_wipe(actor);
}

static void make_stop(int actor)
{
	state.actors[actor].status = ACTOR_STOPPED;
	state.stops_left--;
}

static void make_move(struct move move)
{
	struct actor *actor = &state.actors[move.actor];

	snapshot_moved(move.actor);
	accessed = NULL;
	if (move.dies || move.stops) {
		(move.dies ? make_die : make_stop)(move.actor);
		return;
	}
	if (actor->status == ACTOR_STOPPED) {
		if (model->resume)
			model->resume();
		actor->status = ACTOR_AMID;
	}
	if (move.actor != state.last) {
		if (state.switches_left != SWITCHES_FREE && state.actors[state.last].status == ACTOR_AMID)
			state.switches_left--;
		state.last = state.switches_left == SWITCHES_FREE ? 0 : move.actor;
	}
	current = move.actor;
	actor->chosen = move.chosen;
	actor->choices = 0;
	state.chooser = 0;
	fresh = actor->status == ACTOR_IDLE;
	if (fresh) {
		actor->status = ACTOR_AMID;
		actor->sp = coroutine_prepare(stack_top(current), turn_begins);
	}
	coroutine_switch(&scheduler_sp, actor->sp);
	stack_wipe(current);
	if (model->after_step)
		model->after_step();
	current = ACTORS_MAX;
}

/* Does nobody but those who sleep, or are stopped, have anything to do? */
static bool is_quiet(void)
{
	for (int i = 0; i < actor_count; i++)
		if (state.actors[i].status == ACTOR_IDLE || state.actors[i].status == ACTOR_AMID)
			return false;
	return true;
}

/* The `number`-th move of the present state. */
static bool find_move(unsigned number, struct move *ret)
{
	bool quiet = is_quiet();

	for (int i = 0; i < actor_count; i++) {
		const struct actor *actor = &state.actors[i];
		bool can_step = actor->status == ACTOR_IDLE || actor->status == ACTOR_AMID ||
				(actor->status == ACTOR_STOPPED && quiet);
		bool can_stop = actor->is_mortal && state.stops_left > 0 && state.chooser == 0 &&
				actor->status == ACTOR_AMID;
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
			ret->dies = false;
		}
		if (can_stop) {
			ret->stops = true;
			if (number-- == 0)
				return true;
		}
	}
	return false;
}

static bool is_end(void)
{
	for (int i = 0; i < actor_count; i++)
		if (state.actors[i].status == ACTOR_STOPPED)
			return false;
	return is_quiet();
}

/* ---- the walk ------------------------------------------------------------------------------------- */

static void print_move(unsigned number, struct move move, size_t scratch)
{
	const struct actor *actor = &state.actors[move.actor];
	char before[160] = "", after[160] = "";
	bool chooses = actor->choices > 0;
	struct snapshot start;

	snapshot_forget();
	start = snapshot_save(scratch);
	make_move(move);
	if (accessed)
		model->show(accessed, after, sizeof(after));
	snapshot_forget();
	snapshot_load(&start);
	if (accessed)
		model->show(accessed, before, sizeof(before));
	make_move(move);
	if (chooses)
		snprintf(before, sizeof(before), "  choice %u", move.chosen);
	printf("  %3u  %-10s %-10s %s", number, actor->name,
	       move.dies    ? "DIES"
	       : move.stops ? "STOPS"
			    : actor->doing,
	       before);
	printf(strcmp(before, after) ? "  ->  %s\n" : "\n", after);
}

static void print_schedule(unsigned depth)
{
	size_t scratch = frames[depth - 1].snapshot.end;

	snapshot_forget();
	snapshot_load(&frames[0].snapshot);
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
	if (failure || !visited_add(snapshot_fingerprint()))
		return false;
	if (is_end()) {
		result->ends++;
		if (model->at_end)
			model->at_end();
		snapshot_forget();
		return false;
	}
	return true;
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Does a limit end the search here? */
static bool is_cut(struct explore_result *result, unsigned depth, size_t states_max)
{
	result->cut = depth + 2 > DEPTH_MAX || visited_count() > states_max;
	result->late = seconds_max > 0 && result->steps % CLOCK_EVERY == 0 && seconds_now() - began > seconds_max;
	return result->cut || result->late;
}

/* Walks from the state in frames[0]. Returns the depth of the failure, if there is one. */
static unsigned walk(struct explore_result *result, size_t states_max)
{
	unsigned depth = 0;

	for (;;) {
		struct frame *top = &frames[depth];

		if (top->next > 0)
			snapshot_load(&top->snapshot);
		if (!find_move(top->next++, &top->move)) {
			if (depth-- == 0)
				return 0;
			continue;
		}
		make_move(top->move);
		result->steps++;
		if (is_cut(result, depth, states_max))
			return depth;
		if (!arrive(result)) {
			if (failure)
				return depth;
			continue;
		}
		depth++;
		if (depth > result->depth)
			result->depth = depth;
		frames[depth].next = 0;
		frames[depth].snapshot = snapshot_save(top->snapshot.end);
	}
}

struct explore_result explore_run(unsigned switches, size_t states_max, bool verbose)
{
	struct explore_result result = {0};
	unsigned depth;

	visited_clear();
	state.switches_left = (uint8_t)switches;
	began = seconds_now();
	snapshot_forget();
	visited_add(snapshot_fingerprint());
	frames[0] = (struct frame){.snapshot = snapshot_save(0)};
	depth = walk(&result, states_max);
	result.states = visited_count();
	if (failure && verbose)
		print_schedule(depth + 1);
	snapshot_forget();
	snapshot_load(&frames[0].snapshot);
	if (!failure && model->over) {
		model->over();
		if (failure && verbose) {
			printf("  then: ");
			printf(failure, (unsigned long long)failure_number);
			printf("\n");
		}
	}
	result.failed = failure != NULL;
	failure = NULL;
	return result;
}
