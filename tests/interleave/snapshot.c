/* Knows which memory makes a state, whose each region is, and how far a stack is live; puts it all away and back.
 * Of an actor only its stack pointer matters here; what it does is explore.c's. */
#include "tests/interleave/snapshot.h"
#include "tests/interleave/visited.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STACK_BYTES = 8192, REGIONS_MAX = 256 };
#define PART_UNKNOWN SIZE_MAX

static _Alignas(64) unsigned char stacks[ACTORS_MAX][STACK_BYTES];
static struct {
	void *memory;
	size_t bytes;
	size_t (*live)(void); /* bytes that count at present, if not all */
	int owner;
} regions[REGIONS_MAX];
static int region_count;

static unsigned char *copies;
static size_t copies_size;
/* Which copies of the actors' parts memory is equal to, and their fingerprints. */
static struct snapshot present;

/* ---- what makes a state --------------------------------------------------------------------------- */

void snapshot_begin(void)
{
	memset(stacks, 0, sizeof(stacks));
	region_count = 0;
}

void snapshot_include(int owner, void *memory, size_t bytes, size_t (*live)(void))
{
	if (region_count == REGIONS_MAX || bytes % 8) {
		fprintf(stderr, "interleave: bad region\n");
		exit(1);
	}
	regions[region_count].memory = memory;
	regions[region_count].bytes = bytes;
	regions[region_count].live = live;
	regions[region_count++].owner = owner;
}

static size_t region_bytes(int i)
{
	return regions[i].live ? regions[i].live() : regions[i].bytes;
}

void *stack_top(int actor)
{
	return stacks[actor] + STACK_BYTES;
}

void stack_wipe(int actor)
{
	unsigned char *stack = stacks[actor], *sp = explore_actor(actor)->sp;

	if (stack[0] || stack[8]) {
		fprintf(stderr, "interleave: the stack of %s is too small\n", explore_actor(actor)->name);
		exit(1);
	}
	memset(stack, 0, sp ? (size_t)(sp - stack) : STACK_BYTES);
}

static size_t stack_live(int actor)
{
	unsigned char *sp = explore_actor(actor)->sp;

	return sp ? (size_t)(stacks[actor] + STACK_BYTES - sp) : 0;
}

/* ---- copying it ----------------------------------------------------------------------------------- */

static void copies_reserve(size_t bytes)
{
	if (bytes <= copies_size)
		return;
	copies_size = bytes * 2;
	copies = realloc(copies, copies_size);
	if (!copies) {
		perror("interleave");
		exit(1);
	}
}

static size_t part_bytes(int owner)
{
	size_t bytes = owner == SHARED ? 0 : stack_live(owner);

	for (int i = 0; i < region_count; i++)
		if (regions[i].owner == owner)
			bytes += region_bytes(i);
	return bytes;
}

/* Copies what is `owner`'s to the end of the copies; returns where it is. */
static size_t part_save(int owner, size_t *end)
{
	size_t at = *end, live = owner == SHARED ? 0 : stack_live(owner);

	copies_reserve(at + part_bytes(owner));
	for (int i = 0; i < region_count; i++) {
		size_t bytes = region_bytes(i);

		if (regions[i].owner != owner)
			continue;
		memcpy(copies + *end, regions[i].memory, bytes);
		*end += bytes;
	}
	if (live > 0)
		memcpy(copies + *end, stacks[owner] + STACK_BYTES - live, live);
	*end += live;
	return at;
}

/* `before`: how much of its stack was live. */
static void part_load(int owner, size_t at, size_t before)
{
	size_t live = owner == SHARED ? 0 : stack_live(owner);

	for (int i = 0; i < region_count; i++) {
		size_t bytes = region_bytes(i);

		if (regions[i].owner != owner)
			continue;
		memcpy(regions[i].memory, copies + at, bytes);
		at += bytes;
	}
	if (before > live)
		memset(stacks[owner] + STACK_BYTES - before, 0, before - live);
	if (live > 0)
		memcpy(stacks[owner] + STACK_BYTES - live, copies + at, live);
}

struct snapshot snapshot_save(size_t end)
{
	for (int i = 0; i < explore_actor_count(); i++)
		if (present.part[i] == PART_UNKNOWN)
			present.part[i] = part_save(i, &end);
	present.part[SHARED] = part_save(SHARED, &end);
	present.end = end;
	return present;
}

void snapshot_load(const struct snapshot *snapshot)
{
	size_t before[ACTORS_MAX];

	for (int i = 0; i < explore_actor_count(); i++)
		before[i] = stack_live(i);
	part_load(SHARED, snapshot->part[SHARED], 0);
	for (int i = 0; i < explore_actor_count(); i++)
		if (present.part[i] != snapshot->part[i])
			part_load(i, snapshot->part[i], before[i]);
	present = *snapshot;
}

void snapshot_forget(void)
{
	for (int i = 0; i <= ACTORS_MAX; i++)
		present.part[i] = PART_UNKNOWN;
}

void snapshot_moved(int actor)
{
	present.part[actor] = PART_UNKNOWN;
}

/* ---- comparing it --------------------------------------------------------------------------------- */

static uint64_t part_print(int owner)
{
	size_t live = owner == SHARED ? 0 : stack_live(owner);
	uint64_t print = (uint64_t)owner;

	for (int i = 0; i < region_count; i++)
		if (regions[i].owner == owner)
			print = fingerprint_of(print, regions[i].memory, region_bytes(i));
	return live > 0 ? fingerprint_of(print, stacks[owner] + STACK_BYTES - live, live) : print;
}

uint64_t snapshot_fingerprint(void)
{
	uint64_t print = part_print(SHARED);

	for (int i = 0; i < explore_actor_count(); i++)
		if (present.part[i] == PART_UNKNOWN)
			present.print[i] = part_print(i);
	return fingerprint_of(print, present.print, (size_t)explore_actor_count() * sizeof(uint64_t));
}
