/* What a journal relies on: the marks alone, then a ring whose slots an engine follows by them. */
#include "ring/marks.h"
#include "tests/interleave/scenario.h"
#include "tests/interleave/world.h"

#include <stdio.h>
#include <string.h>

/* ---- the marks alone ------------------------------------------------------------------------------- */

enum { SLOTS = 4200, WORDS = 72, SETTERS = 3 };

static struct {
	atomic_u64 words[WORDS];
	atomic_u64 value[SETTERS];  /* the slot of each setter */
	uint64_t picture[SETTERS];  /* what the taker has last seen there */
	uint64_t returned[SETTERS]; /* the last change whose call has returned */
	struct marks marks;
	uint8_t left[ACTORS_MAX];
	uint8_t padding[2];
} marked;

static uint32_t slot_of[SETTERS];

static void set_turn(int actor)
{
	explore_doing(actor, "change");
	fetch_add_seq(&marked.value[actor], 1);
	explore_doing(actor, "mark");
	marks_set(&marked.marks, slot_of[actor]);
	marked.returned[actor] = marked.value[actor];
	if (--marked.left[actor] == 0)
		explore_finish(actor);
}

static void look_at_slot(uint32_t slot)
{
	for (int i = 0; i < SETTERS; i++)
		if (slot_of[i] == slot)
			marked.picture[i] = load_seq(&marked.value[i]);
}

static void take_all(void)
{
	struct marks_taking taking = {0};
	uint64_t bits;
	uint32_t first;

	while (marks_take(&marked.marks, &taking, &first, &bits))
		for (; bits != 0; bits &= bits - 1)
			look_at_slot(first + (uint32_t)__builtin_ctzll(bits));
}

static void take_turn(int actor)
{
	uint64_t returned[SETTERS];

	memcpy(returned, marked.returned, sizeof(returned));
	explore_doing(actor, "take");
	take_all();
	for (int i = 0; i < SETTERS; i++)
		if (marked.picture[i] < returned[i])
			explore_fail("slot %llu was marked before the take began, and is not among its marks",
				     slot_of[i]);
	if (--marked.left[actor] == 0)
		explore_finish(actor);
}

/* A kill may leave the own slot without a mark that is found, and none of another. */
static void marks_at_end(void)
{
	take_all();
	for (int i = 0; i < explore_actor_count() - 1; i++)
		if (explore_actor(i)->status != ACTOR_DEAD && marked.picture[i] != marked.value[i])
			explore_fail("slot %llu was changed, and no mark says so", slot_of[i]);
	for (int i = 0; i < WORDS; i++)
		if (marked.words[i] != 0 && !explore_any_death())
			explore_fail("a mark is left in word %llu", (unsigned)i);
}

static void show_mark(const void *address, char *text, size_t bytes)
{
	ptrdiff_t word = (const atomic_u64 *)address - marked.words;

	snprintf(text, bytes, "word %td = %#llx", word, (unsigned long long)*(const uint64_t *)address);
}

/* The first setter makes `changes`, the others one. */
static void begin_marks(const uint32_t slots[SETTERS], unsigned changes, unsigned takes, bool is_mortal)
{
	static const struct explore_model model = {.at_end = marks_at_end, .show = show_mark};
	static const char *const names[SETTERS] = {"setter1", "setter2", "setter3"};
	int taker;

	explore_begin(&model);
	memset(&marked, 0, sizeof(marked));
	memcpy(slot_of, slots, sizeof(slot_of));
	marks_place(&marked.marks, marked.words, SLOTS);
	explore_remember(&marked, sizeof(marked));
	for (unsigned i = 0; i < SETTERS && slots[i] != 0; i++)
		marked.left[explore_add_actor(names[i], set_turn, is_mortal)] = (uint8_t)(i == 0 ? changes : 1);
	taker = explore_add_actor("taker", take_turn, false);
	marked.left[taker] = (uint8_t)takes;
}

/* Both in one word. */
void build_marks(void)
{
	begin_marks((uint32_t[SETTERS]){5, 7}, 2, 2, false);
}

/* Who has set the mark may be killed before its summary, and another change the same slot. */
void build_marks_death(void)
{
	begin_marks((uint32_t[SETTERS]){5, 5, 7}, 2, 1, true);
}

void build_marks_levels(void)
{
	begin_marks((uint32_t[SETTERS]){5, 7, 4100}, 1, 1, false);
}

/* ---- a ring and its journal ------------------------------------------------------------------------ */

enum { SOON = 10, NOT_SOON = 500 };

void build_journal_send(void)
{
	world_begin_with_journal(1, true);
	add_producer("producer1", 1, 1);
	add_producer("producer2", 2, 1);
	add_engine("engine", 2);
	add_consumer("consumer", 1, DELETES);
}

void build_journal_pending(void)
{
	world_begin_with_journal(1, true);
	add_producer_that("producer", 1, 2, SENDS_PENDING);
	add_engine("engine", 2);
	add_consumer("consumer", 2, DELETES);
}

/* A consumer passes the slot while it is written, or the claim comes late. */
void build_journal_pending_passed(void)
{
	world_begin_with_journal(1, true);
	start_leased(0, 0, 7, NOT_SOON);
	start_freed(1, 1);
	start_ends(2);
	add_producer_that("producer1", 1, 1, SENDS_PENDING);
	add_producer("producer2", 2, 1);
	add_consumer("consumer", 1, DELETES);
	add_holder("holder", 0, DELETES);
	add_engine("engine", 1);
}

/* Both set slots aside, or one claims where the other has. */
void build_journal_pending_run(void)
{
	world_begin_with_journal(1, true);
	add_producer_that("producer1", 1, 2, SENDS_PENDING_RUN);
	add_producer_that("producer2", 3, 2, SENDS_PENDING_RUN);
	add_consumer("consumer", 1, DELETES);
	add_engine("engine", 1);
}

void build_journal_pending_delayed(void)
{
	world_begin_with_journal(0, false);
	add_producer_that("producer", 1, 1, SENDS_PENDING_DELAYED);
	add_engine("engine", 2);
	add_consumer("consumer", 1, DELETES);
	add_clock(1);
	add_hint_reaper("reaper", 1);
}

/* A journaled message is deleted, and its slot sent to again. */
void build_journal_next_lap(void)
{
	world_begin_with_journal(0, true);
	start_leased(0, 0, 7, NOT_SOON);
	start_ends(1);
	add_holder("holder", 0, DELETES);
	add_producer_that("producer", 1, 1, SENDS_PENDING);
	add_consumer("consumer", 1, DELETES);
	add_engine("engine", 2);
}

void build_journal_lease(void)
{
	world_begin_with_journal(0, true);
	add_producer("producer", 1, 1);
	add_consumer("consumer1", 2, RELEASES);
	add_consumer("consumer2", 1, FORGETS);
	add_engine("engine", 2);
}

void build_journal_release(void)
{
	world_begin_with_journal(0, false);
	start_leased(0, 0, 7, NOT_SOON);
	start_ends(1);
	add_holder("holder", 0, DELAYS);
	add_clock(1);
	add_hint_reaper("reaper", 1);
	add_consumer("consumer", 1, DELETES);
	add_engine("engine", 2);
}

void build_journal_delay(void)
{
	world_begin_with_journal(0, true);
	add_delaying_producer("producer", 1, 1);
	add_clock(1);
	add_reaper("reaper", 1);
	add_consumer("consumer", 1, DELETES);
	add_engine("engine", 2);
}
