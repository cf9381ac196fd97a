/* What a journal relies on: J1 / J2 for each transition that it has to know of, with a mark that is set already and
 * being taken; and that whoever waits for a turn is waited for by the engine's marks (docs/adr/0008). */
#include "ring/marks.h"
#include "tests/weak/weak.h"

#include <stdio.h>
#include <string.h>

enum { OLD_MESSAGE = 7, NEW_MESSAGE = 1, LEASE_ENDS = 10, AFTER_IT = 100, NOT_SOON = 500 };

/* ---- one transition, beside an engine that takes the mark of its slot -------------------------------------- */

static void engine_takes_slot_0(void)
{
	marks_set(&ring.marks, 0);
	add_engine("engine", 1);
}

void build_journal_publish(void)
{
	world_begin_with_journal(0, true);
	add_producer("producer", NEW_MESSAGE, 1);
	engine_takes_slot_0();
}

void build_journal_publish_pending(void)
{
	world_begin_with_journal(0, true);
	add_producer_that("producer", NEW_MESSAGE, 1, SENDS_PENDING);
	engine_takes_slot_0();
}

static void passed_turn(int actor)
{
	struct ring_claim claim = {0};

	explore_doing(actor, "publish");
	if (ring_publish(&ring, &claim, (uint64_t)actor + 1) != RING_OK)
		explore_fail("publish was refused", 0);
	explore_finish(actor);
}

/* A consumer has passed the slot while it was written. */
void build_journal_publish_passed(void)
{
	int actor;

	world_begin_with_journal(0, true);
	actor = explore_add_actor("producer", passed_turn, false);
	ring.slots[0].message.id[0] = NEW_MESSAGE;
	ring.slots[0].word.low = word_make(SLOT_PASSED, 0, (uint32_t)actor + 1, 0, 0).bits.low;
	monitor_begin();
	start_ends(1);
	engine_takes_slot_0();
}

void build_journal_lease_one(void)
{
	world_begin_with_journal(0, true);
	start_ready_again(0, 0, OLD_MESSAGE);
	start_ends(1);
	add_consumer("consumer", 1, FORGETS);
	engine_takes_slot_0();
}

void build_journal_free(void)
{
	world_begin_with_journal(0, true);
	start_leased(0, 0, OLD_MESSAGE, NOT_SOON);
	start_ends(1);
	add_holder("holder", 0, DELETES);
	engine_takes_slot_0();
}

static void end_of_delay_turn(int actor)
{
	explore_doing(actor, "expire");
	expire_slot(0);
	explore_finish(actor);
}

void build_journal_ready(void)
{
	world_begin_with_journal(0, true);
	start_delayed(0, 0, OLD_MESSAGE, LEASE_ENDS);
	start_ends(1);
	world.now = AFTER_IT;
	explore_add_actor("reaper", end_of_delay_turn, false);
	engine_takes_slot_0();
}

static void delay_turn(int actor)
{
	explore_doing(actor, "release");
	ring_set_deadline(&ring, 0, slot_read(&ring.slots[0]), SLOT_DELAYED, NOT_SOON);
	explore_finish(actor);
}

void build_journal_give_back(void)
{
	int actor;

	world_begin_with_journal(0, true);
	start_leased(0, 0, OLD_MESSAGE, AFTER_IT);
	start_ends(1);
	actor = explore_add_actor("holder", delay_turn, false);
	world.messages[OLD_MESSAGE].holder = (uint8_t)actor;
	engine_takes_slot_0();
}

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

/* ---- a delete while a turn gathers (shm/durable.h) ---------------------------------------------------------- */

static struct {
	struct slot slot;
	atomic_u64 words[2], begun, gathered;
	atomic_u64 cause; /* what the deleter did before */
	struct marks marks;
	uint64_t body;
	uint8_t is_gone, is_read, saw_cause;
	uint8_t padding[5];
} cut;

/* The bytes are somebody else's then. */
static void free_slot(void)
{
	struct slot_word word = slot_read(&cut.slot);

	if (word_state(word) == SLOT_HELD && slot_change(&cut.slot, word, word_freed(word)))
		data_written(&cut.body);
}

static void cut_deleter_turn(int actor)
{
	struct slot_word word = slot_read(&cut.slot);
	uint64_t begun;

	explore_doing(actor, "delete");
	store_relaxed(&cut.cause, 1);
	slot_change(&cut.slot, word, word_held(word, load_seq(&cut.begun)));
	marks_set(&cut.marks, SLOT);
	begun = load_seq(&cut.begun); /* [J5] */
	if (load_seq(&cut.gathered) == begun)
		free_slot();
	explore_finish(actor);
}

static void cut_turn(int actor)
{
	struct marks_taking taking = {0};
	struct slot_word word;
	uint64_t bits;
	uint32_t first;

	explore_doing(actor, "gather");
	exchange_seq(&cut.begun, TURN); /* [J6] */
	word = slot_read(&cut.slot);
	cut.is_read = word_state(word) == SLOT_LEASED || word_was_held_in(word, TURN);
	cut.is_gone = !cut.is_read;
	if (cut.is_read)
		data_read(&cut.body);
	cut.saw_cause = load_relaxed(&cut.cause) == 1;
	explore_doing(actor, "release");
	store_seq(&cut.gathered, TURN); /* [J7] */
	while (marks_take(&cut.marks, &taking, &first, &bits))
		free_slot();
	explore_finish(actor);
}

static void cut_is_whole(void)
{
	if (cut.is_gone && !cut.saw_cause)
		explore_fail("a delete is in the turn, and what came before it is not", 0);
	if ((cut.slot.word.low & 15) == SLOT_HELD)
		explore_fail("the slot stays HELD by nobody", 0);
}

static void show_cut(const void *address, char *text, size_t bytes)
{
	snprintf(text, bytes, "word %td = %#llx", (const atomic_u64 *)address - &cut.slot.word.low,
		 (unsigned long long)*(const uint64_t *)address);
}

void build_cut(void)
{
	static const struct explore_model model = {.at_end = cut_is_whole, .show = show_cut};

	explore_begin(&model);
	memset(&cut, 0, sizeof(cut));
	cut.slot.word.low = SLOT_LEASED;
	marks_place(&cut.marks, cut.words, SLOTS);
	explore_remember(&cut, sizeof(cut));
	explore_add_actor("deleter", cut_deleter_turn, false);
	explore_add_actor("engine", cut_turn, false);
}
