/* The explorer: walks every schedule of a few actors over shared memory.
 *
 * An actor is a function called turn by turn, each turn on a fresh coroutine stack. Every access to a
 * shared word calls explore_step() first (ring/atomic.h), which gives control back; the explorer then
 * chooses who goes on. A state is the remembered memory plus the live part of each actor's stack; it
 * is copied away and put back, so the walk is a depth-first search of a graph: a state reached by
 * two schedules is walked from once. Stacks keep their address and are zero below the stack pointer,
 * which makes equal states equal bytes; dead values in a frame can only make one state look like two.
 *
 * Choices at a state: any live actor makes one step (one access, and its private computation up to
 * the next); if deaths are left, a mortal actor that is amid a turn stops for ever.
 * An actor that stands still but lives is simply one that the schedule does not choose.
 *
 * Actors run in one thread, so this covers sequential consistency; docs/ORDERING.md has the rest.
 */
#ifndef INTERLEAVE_EXPLORE_H
#define INTERLEAVE_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ACTORS_MAX = 6,
	SWITCHES_FREE = 255, /* no bound on preemptions */
};

enum actor_status { ACTOR_IDLE, ACTOR_AMID, ACTOR_ASLEEP, ACTOR_FINISHED, ACTOR_DEAD };

struct actor {
	const char *name;
	void (*turn)(int actor);
	const char *doing;   /* set by the turn, for the printed schedule */
	const void *pending; /* the word that the next step accesses */
	void *sp;
	uint8_t status, is_mortal, choices, chosen;
};

/* What a scenario tells the explorer. */
struct explore_model {
	void (*after_step)(void); /* invariants; calls explore_fail */
	void (*at_end)(void);	  /* nobody can go on: final checks; may run code, quietly */
	void (*show)(const void *address, char *text, size_t bytes); /* names a word and says what is in it */
};

struct explore_result {
	size_t states, steps, ends;
	unsigned depth;
	bool failed, cut; /* cut: the state limit ended the search */
};

/* ---- for scenarios ------------------------------------------------------------------------------ */

void explore_begin(const struct explore_model *model);
/* Memory that belongs to the state; a multiple of 8 bytes. */
void explore_remember(void *memory, size_t bytes);
/* The same for memory whose length is part of a state: of what was remembered before it. */
void explore_remember_live(void *memory, size_t (*live)(void));
int explore_add_actor(const char *name, void (*turn)(int actor), bool is_mortal);
void explore_allow_deaths(unsigned deaths);
/* Accesses for which `is_joined` answers true are made in one step with the one before. */
void explore_join(bool (*is_joined)(const void *address));

/* Walks everything reachable. `switches`: how many times a schedule may take an actor off amid a turn
 * although it could go on, or SWITCHES_FREE. Prints the schedule of the first failure if `verbose`. */
struct explore_result explore_run(unsigned switches, size_t states_max, bool verbose);

/* ---- for actors --------------------------------------------------------------------------------- */

void explore_step(const void *address);
/* 0 .. count - 1, each explored. Part of the present step: nobody else goes on in between. */
unsigned explore_choose(unsigned count);
void explore_finish(int actor);
void explore_doing(int actor, const char *what);
/* Stands still until explore_wake(actor). */
void explore_sleep(int actor);
void explore_wake(int actor);

/* ---- for invariants ----------------------------------------------------------------------------- */

/* Notes the first failure; the search ends after the present step. */
void explore_fail(const char *what, uint64_t number);
bool explore_failed(void);
const struct actor *explore_actor(int actor);
int explore_actor_count(void);
/* Who makes the present step; ACTORS_MAX in at_end. */
int explore_current(void);
bool explore_any_death(void);

#endif
