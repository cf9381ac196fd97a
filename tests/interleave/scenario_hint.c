/* The hints alone: bitmap with summaries, due words. */
#include "tests/interleave/scenario.h"

#include <stdio.h>
#include <string.h>

enum { BITS = 4200, WORDS = 128 }; /* three levels */

static struct {
	atomic_u64 words[WORDS];
	struct bitmap map;
	struct due due;
	atomic_u64 lease[2]; /* deadlines of the two slots, 0: no lease */
	uint8_t set_done;    /* the bit that stays has been set */
	uint8_t is_strict;   /* finders must see what was set before they began */
} hints;

/* ---- bitmap: bits 5 and 7 share a word, 4100 has another path to the top ------------------------------ */

static void set_low_turn(int actor)
{
	explore_doing(actor, "set 5");
	bitmap_set(&hints.map, 5);
	hints.set_done = 1;
	explore_finish(actor);
}

static void set_high_turn(int actor)
{
	explore_doing(actor, "set 4100");
	bitmap_set(&hints.map, 4100);
	explore_finish(actor);
}

static void clear_turn(int actor)
{
	explore_doing(actor, "clear 7");
	bitmap_clear(&hints.map, 7);
	explore_finish(actor);
}

static void find_turn(int actor)
{
	bool was_set = hints.set_done;
	int64_t bit;

	explore_doing(actor, "find");
	bit = hints.is_strict ? bitmap_find_plain(&hints.map, 0) : bitmap_find(&hints.map, 0);
	if (hints.is_strict && was_set && bit != 5 && bit != 7)
		explore_fail("find saw nothing although bit %llu had been set before it began", 5);
	explore_finish(actor);
}

static void bit_is_found(uint32_t bit)
{
	if (bitmap_test(&hints.map, bit) && bitmap_find(&hints.map, bit) != bit)
		explore_fail("bit %llu is set but not found", bit);
}

static void bitmap_at_end(void)
{
	bit_is_found(5);
	bit_is_found(4100);
	if (!bitmap_test(&hints.map, 5))
		explore_fail("bit %llu was lost", 5);
	bitmap_clear(&hints.map, 5);
	bitmap_clear(&hints.map, 4100);
	if (bitmap_find(&hints.map, 0) >= 0)
		explore_fail("a cleared bit is found", 0);
}

static void show_hint(const void *address, char *text, size_t bytes)
{
	ptrdiff_t word = (const atomic_u64 *)address - hints.words;

	snprintf(text, bytes, "word %td = %#llx", word, (unsigned long long)*(const uint64_t *)address);
}

static const struct explore_model bitmap_model = {.at_end = bitmap_at_end, .show = show_hint};

static void begin_bitmap(uint32_t bits)
{
	explore_begin(&bitmap_model);
	memset(&hints, 0, sizeof(hints));
	bitmap_place(&hints.map, hints.words, bits);
	bitmap_set(&hints.map, 7);
	explore_remember(&hints, sizeof(hints));
}

void build_bitmap(void)
{
	begin_bitmap(128);
	explore_add_actor("setter", set_low_turn, false);
	explore_add_actor("clearer1", clear_turn, false);
	explore_add_actor("clearer2", clear_turn, false);
	explore_add_actor("finder1", find_turn, false);
	explore_add_actor("finder2", find_turn, false);
}

/* What a consumer relies on before it sleeps. */
void build_bitmap_strict(void)
{
	begin_bitmap(128);
	hints.is_strict = 1;
	explore_add_actor("setter", set_low_turn, false);
	explore_add_actor("clearer", clear_turn, false);
	explore_add_actor("finder", find_turn, false);
}

void build_bitmap_levels(void)
{
	begin_bitmap(BITS);
	explore_add_actor("setter1", set_low_turn, false);
	explore_add_actor("setter2", set_high_turn, false);
	explore_add_actor("clearer1", clear_turn, false);
	explore_add_actor("finder", find_turn, false);
}

/* ---- due: two leases in one group, two reapers -------------------------------------------------------- */

static void lease_turn(int actor)
{
	uint64_t deadline = actor == 0 ? 10 : 30;

	explore_doing(actor, "lease");
	exchange_seq(&hints.lease[actor], deadline);
	due_lower(&hints.due, (uint32_t)actor, deadline);
	explore_finish(actor);
}

/* Looks at the slots of a due group as the reap step does; nothing is over before 20. */
static void reap_due(uint64_t now)
{
	uint32_t from = 0;
	int64_t group;

	while ((group = due_take(&hints.due, from, now)) >= 0) {
		for (uint32_t slot = 0; slot < 2; slot++) {
			uint64_t deadline = load_seq(&hints.lease[slot]);

			if (deadline != 0 && deadline <= now)
				exchange_seq(&hints.lease[slot], 0);
			else if (deadline != 0)
				due_lower(&hints.due, slot, deadline);
		}
		from = (uint32_t)group + 1;
	}
}

static void reap_turn(int actor)
{
	explore_doing(actor, "reap");
	reap_due(20);
	explore_finish(actor);
}

/* Is the hint owed a lease in this slot? What the killed have left undone is the sweep's. */
static bool is_owed(uint32_t slot)
{
	return hints.lease[slot] != 0 && explore_actor((int)slot)->status != ACTOR_DEAD;
}

static void due_at_end(void)
{
	for (uint32_t slot = 0; slot < 2; slot++)
		if (is_owed(slot) && due_earliest(&hints.due) > hints.lease[slot])
			explore_fail("the hint is later than the lease of slot %llu", slot);
	reap_due(40);
	for (uint32_t slot = 0; slot < 2; slot++)
		if (is_owed(slot))
			explore_fail("the lease of slot %llu is never reaped", slot);
}

static const struct explore_model due_model = {.at_end = due_at_end, .show = show_hint};

static void begin_due(bool is_mortal)
{
	explore_begin(&due_model);
	memset(&hints, 0, sizeof(hints));
	due_place(&hints.due, hints.words, 128);
	explore_remember(&hints, sizeof(hints));
	explore_add_actor("consumer1", lease_turn, is_mortal);
	explore_add_actor("consumer2", lease_turn, is_mortal);
	explore_add_actor("reaper1", reap_turn, false);
}

void build_due(void)
{
	begin_due(false);
	explore_add_actor("reaper2", reap_turn, false);
}

/* Who lowered the group may be killed before it lowers the summary. */
void build_due_death(void)
{
	begin_due(true);
}
