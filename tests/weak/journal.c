/* What a journal relies on: whoever waits for a turn is waited for by the engine's marks (docs/adr/0008). */
#include "ring/marks.h"
#include "tests/weak/weak.h"

#include <stdio.h>
#include <string.h>

/* ---- who waits for a turn ---------------------------------------------------------------------------------- */

enum { WAITERS = 2, SLOT = 5, SLOTS = 64, BEFORE_THE_TURN = 0, TURN = 1 };

static struct {
	atomic_u64 words[2];
	atomic_u64 change[WAITERS]; /* all of one slot */
	atomic_u64 turn_begun;
	struct marks marks;
	uint8_t saw_turn[WAITERS], is_taken[WAITERS];
	uint8_t padding[4];
} turn;

/* Changes, marks, and would now wait until a turn later than the one it sees begun is durable. */
static void waiter_turn(int actor)
{
	explore_doing(actor, "change");
	exchange_seq(&turn.change[actor], 1);
	marks_set(&turn.marks, SLOT);
	turn.saw_turn[actor] = (uint8_t)load_seq(&turn.turn_begun); /* [J3] */
	explore_finish(actor);
}

static void turn_turn(int actor)
{
	struct marks_taking taking = {0};
	uint64_t bits;
	uint32_t first;

	explore_doing(actor, "turn");
	exchange_seq(&turn.turn_begun, TURN); /* [J4] */
	while (marks_take(&turn.marks, &taking, &first, &bits))
		for (int i = 0; i < WAITERS; i++)
			turn.is_taken[i] = load_seq(&turn.change[i]) == 1;
	explore_finish(actor);
}

static void nobody_waits_for_the_wrong_turn(void)
{
	for (int i = 0; i < WAITERS; i++)
		if (turn.saw_turn[i] == BEFORE_THE_TURN && !turn.is_taken[i])
			explore_fail("waiter %llu hears that it is durable, and it was not taken",
				     (unsigned long long)i);
}

static void show(const void *address, char *text, size_t bytes)
{
	snprintf(text, bytes, "word %td = %#llx", (const atomic_u64 *)address - turn.words,
		 (unsigned long long)*(const uint64_t *)address);
}

static void begin_turn(const struct explore_model *model)
{
	explore_begin(model);
	memset(&turn, 0, sizeof(turn));
	marks_place(&turn.marks, turn.words, SLOTS);
	explore_remember(&turn, sizeof(turn));
	explore_add_actor("waiter1", waiter_turn, false);
}

void build_turn(void)
{
	static const struct explore_model model = {.at_end = nobody_waits_for_the_wrong_turn, .show = show};

	begin_turn(&model);
	explore_add_actor("waiter2", waiter_turn, false);
	explore_add_actor("engine", turn_turn, false);
}

static void new_mark_turn(int actor)
{
	struct marks_taking taking = {0};
	uint64_t bits;
	uint32_t first;

	explore_doing(actor, "take");
	while (marks_take(&turn.marks, &taking, &first, &bits))
		if (load_acquire(&turn.change[0]) == 0)
			explore_fail("slot %llu: its mark is taken, and its change is not seen", SLOT);
	explore_finish(actor);
}

/* A mark that was not set before brings what it is about. */
void build_new_mark(void)
{
	static const struct explore_model model = {.show = show};

	begin_turn(&model);
	explore_add_actor("engine", new_mark_turn, false);
}
