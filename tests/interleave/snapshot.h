/* Copies of states: the memory that was included and the live part of each actor's stack, by whose they are.
 *
 * An actor's own part is copied and compared only when the actor has moved; so the explorer says who moves, and
 * when anything may have changed.
 */
#ifndef INTERLEAVE_SNAPSHOT_H
#define INTERLEAVE_SNAPSHOT_H

#include "tests/interleave/explore.h"

enum { SHARED = ACTORS_MAX }; /* whose memory: nobody's own */

/* Where a state was copied to: what is shared, and what each actor has for itself, with its stack. Parts of
 * actors that have not moved since are those of an earlier state. */
struct snapshot {
	size_t part[ACTORS_MAX + 1]; /* offsets in the copies */
	uint64_t print[ACTORS_MAX];  /* fingerprints of the actors' parts */
	size_t end;
};

/* A new scenario: no memory is included, all stacks are empty. */
void snapshot_begin(void);
/* `live`: how many bytes count at present; NULL: all `bytes`, a multiple of 8. */
void snapshot_include(int owner, void *memory, size_t bytes, size_t (*live)(void));

void *stack_top(int actor);
/* Below the stack pointer everything is zero, whoever was there. */
void stack_wipe(int actor);

/* Copies the present state; `end` is where there is room. */
struct snapshot snapshot_save(size_t end);
void snapshot_load(const struct snapshot *snapshot);
/* This actor's part is about to change. */
void snapshot_moved(int actor);
/* Everything may have been changed: nothing that was copied is known to be equal. */
void snapshot_forget(void);
/* Of the present state. */
uint64_t snapshot_fingerprint(void);

#endif
