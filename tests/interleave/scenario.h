/* The table of scenarios. */
#ifndef INTERLEAVE_SCENARIO_H
#define INTERLEAVE_SCENARIO_H

#include "tests/interleave/world.h"

struct scenario {
	const char *name, *about;
	void (*build)(void);
	uint32_t order;
	unsigned deaths;
	unsigned switches; /* bound on preemptions, or SWITCHES_FREE */
	bool is_long;
};

extern const struct scenario scenarios[]; /* ends with a nameless one */

/* scenario_hint.c */
void build_bitmap(void);
void build_bitmap_strict(void);
void build_bitmap_levels(void);
void build_due(void);
void build_due_death(void);

#endif
