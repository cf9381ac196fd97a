/* What the layers above ring/ do with it, where that takes an order of its own: reading a message that may be
 * taken away meanwhile, reading in place, and who is in a call while a ring goes. Written after client/receive.c,
 * shm/message.c, shm/segment.h and shm/rings.c. */
#include "tests/weak/weak.h"

#include <stdio.h>
#include <string.h>

/* ---- R9: a copy made while the lease ends --------------------------------------------------------------- */

enum { OLD_MESSAGE = 7, NEW_MESSAGE = 1, LEASE_ENDS = 10, AFTER_IT = 100, AFTER_THE_END = 5000 };

static void copier_turn(int actor)
{
	const struct slot *slot = &ring.slots[0];
	struct slot_word leased = word_make(SLOT_LEASED, 0, OWNER_NONE, 1, LEASE_ENDS);
	uint64_t copy;

	explore_doing(actor, "copy");
	explore_step(&slot->message.id[0]);
	copy = model_load(&slot->message.id[0], 8, memory_order_relaxed);
	if (slot_is_leased_as(slot, leased) && copy != OLD_MESSAGE)
		explore_fail("a copy of message %llu passes for another", copy);
	explore_finish(actor);
}

/* Ends the lease, deletes the message, and sends another in the same slot. */
static void successor_turn(int actor)
{
	struct private *me = &world.actors[actor];
	struct ring_taken taken;

	expire_slot(0);
	if (consume_once(actor, false, &taken) != RING_OK || !delete_taken(actor, &taken)) {
		explore_finish(actor);
		return;
	}
	explore_doing(actor, "send");
	/* Of the store of the bytes this is sure on every machine: it comes after the load of FREE with which
	 * the claim begins. C11 has no words for so little. */
	model_fence(memory_order_release);
	if (ring_claim(&ring, &me->cursor, (uint64_t)actor + 1, &me->claim) == RING_OK) {
		explore_step(&ring.slots[0].message.id[0]);
		model_store(&ring.slots[0].message.id[0], 8, NEW_MESSAGE, memory_order_relaxed);
		ring_publish(&ring, &me->claim, (uint64_t)actor + 1);
	}
	explore_finish(actor);
}

void build_copy(void)
{
	world_begin(0, true);
	start_leased(0, 0, OLD_MESSAGE, LEASE_ENDS);
	start_ends(1);
	world.now = AFTER_IT;
	explore_add_actor("copier", copier_turn, false);
	explore_add_actor("successor", successor_turn, false);
}

/* ---- D1, D2: a lease that finds the hint low enough, while the reaper takes it ------------------------------ */

void build_lease_due(void)
{
	world_begin(1, false);
	start_leased(1, 0, OLD_MESSAGE, LEASE_ENDS);
	start_ready_again(0, 0, NEW_MESSAGE);
	start_ends(2);
	world.now = LEASE_ENDS;
	add_consumer("consumer", 1, FORGETS);
	add_hint_reaper("reaper", 1);
}

void build_delay_due(void)
{
	world_begin(1, false);
	start_leased(1, 0, OLD_MESSAGE, LEASE_ENDS);
	start_freed(0, 1);
	start_ends(2);
	world.now = LEASE_ENDS;
	add_delaying_producer("producer", NEW_MESSAGE, 1);
	add_hint_reaper("reaper", 1);
}

/* A lease that ends sooner than was said. */
static void shortener_turn(int actor)
{
	explore_doing(actor, "extend");
	ring_set_deadline(&ring, 0, slot_read(&ring.slots[0]), SLOT_LEASED, AFTER_IT);
	explore_finish(actor);
}

void build_extend_due(void)
{
	int actor;

	world_begin(1, false);
	start_leased(1, 0, OLD_MESSAGE, LEASE_ENDS);
	start_leased(0, 0, NEW_MESSAGE, AFTER_THE_END);
	start_ends(2);
	world.now = LEASE_ENDS;
	actor = explore_add_actor("holder", shortener_turn, false);
	world.messages[NEW_MESSAGE].holder = (uint8_t)actor;
	add_hint_reaper("reaper", 1);
}

/* Who lowered the group was killed before the summary: who finds the group low enough must not believe a
 * summary that the reaper has taken meanwhile. */
static void killed_turn(int actor)
{
	explore_doing(actor, "lower");
	raise_seq(ring.due.groups, ~(uint64_t)LEASE_ENDS);
	explore_finish(actor);
}

void build_half_lowered(void)
{
	build_lease_due();
	explore_add_actor("killed", killed_turn, false);
}

/* ---- S4: read, then given back; the slot's next message is written over it --------------------------------- */

static void giver_turn(int actor)
{
	explore_doing(actor, "release");
	data_read(&ring.slots[0].message.id[0]);
	ring_make_ready(&ring, 0, slot_read(&ring.slots[0]));
	explore_finish(actor);
}

void build_give_back(void)
{
	int actor;

	world_begin(0, true);
	start_leased(0, 0, OLD_MESSAGE, AFTER_IT);
	ring.ends->tail = 1; /* head stands before it: found without its bit */
	actor = explore_add_actor("giver", giver_turn, false);
	world.messages[OLD_MESSAGE].holder = (uint8_t)actor;
	add_consumer("consumer", 1, DELETES);
	add_producer("producer", NEW_MESSAGE, 1);
}

/* ---- H1, H2: reading in place ---------------------------------------------------------------------------- */

static struct {
	struct slot slot;
	atomic_u64 hold, view, list;
	uint64_t body;
} above;

enum { PLACE = 1, READER = 1 };

static const struct slot_word ready = {{.low = SLOT_READY}};

/* HELD, and nobody reads: it goes. The bytes are somebody else's then. */
static void free_held(void)
{
	struct slot_word word = slot_read(&above.slot);

	if (word_state(word) == SLOT_HELD && load_seq(&above.hold) != PLACE &&
	    slot_change(&above.slot, word, word_freed(word)))
		data_written(&above.body);
}

static void reader_turn(int actor)
{
	struct slot_word leased = word_with_owner(word_with_state(ready, SLOT_LEASED), READER);

	explore_doing(actor, "read");
	store_release(&above.hold, PLACE); /* [H1] */
	if (slot_change(&above.slot, ready, leased))
		data_read(&above.body);
	explore_doing(actor, "let go");
	store_seq(&above.hold, 0);
	free_held();
	explore_finish(actor);
}

static void deleter_turn(int actor)
{
	struct slot_word word = slot_read(&above.slot);

	explore_doing(actor, "delete");
	if (word_state(word) == SLOT_LEASED && slot_change(&above.slot, word, word_with_state(word, SLOT_HELD)))
		free_held(); /* [H2] */
	explore_finish(actor);
}

static void nothing_held_at_end(void)
{
	if ((above.slot.word.low & 15) == SLOT_HELD)
		explore_fail("the slot stays HELD by nobody", 0);
}

static void show_above(const void *address, char *text, size_t bytes)
{
	snprintf(text, bytes, "word %td = %#llx", (const atomic_u64 *)address - &above.slot.word.low,
		 (unsigned long long)*(const uint64_t *)address);
}

static void begin_above(const struct explore_model *model)
{
	explore_begin(model);
	memset(&above, 0, sizeof(above));
	explore_remember(&above, sizeof(above));
}

void build_hold(void)
{
	static const struct explore_model model = {.at_end = nothing_held_at_end, .show = show_above};

	begin_above(&model);
	above.slot.word.low = ready.bits.low;
	explore_add_actor("reader", reader_turn, false);
	explore_add_actor("deleter", deleter_turn, false);
}

/* ---- V1, V2, T1, T2: a call, and a ring or an extent that goes --------------------------------------------- */

/* `list` is the word that says whether the bytes may be read: the list of rings, or a block's word. */
enum { MAY_BE_READ = 1, TAKEN_AWAY = 2 };

static void call_turn(int actor)
{
	explore_doing(actor, "call");
	store_seq(&above.view, 1);		  /* [V1] */
	if (load_seq(&above.list) == MAY_BE_READ) /* [V1], and [T1] of the block's word */
		data_read(&above.body);
	store_release(&above.view, 0);
	explore_finish(actor);
}

static void take_away_turn(int actor)
{
	explore_doing(actor, "take away");
	cas_seq(&above.list, MAY_BE_READ, TAKEN_AWAY);
	if (load_seq(&above.view) == 0) /* [V2], [T2] */
		data_written(&above.body);
	explore_finish(actor);
}

static void build_call(void)
{
	static const struct explore_model model = {.show = show_above};

	begin_above(&model);
	above.list = MAY_BE_READ;
	explore_add_actor("caller", call_turn, false);
}

void build_view(void)
{
	build_call();
	explore_add_actor("retirer", take_away_turn, false);
}

/* Who took it away has died; another sees that, and goes on. */
static void die_turn(int actor)
{
	explore_doing(actor, "take away, and die");
	cas_seq(&above.list, MAY_BE_READ, TAKEN_AWAY);
	explore_finish(actor);
}

static void take_over_turn(int actor)
{
	explore_doing(actor, "take over");
	if (load_seq(&above.list) == TAKEN_AWAY && load_seq(&above.view) == 0) /* [V2], [T2] */
		data_written(&above.body);
	explore_finish(actor);
}

void build_view_of_dead(void)
{
	build_call();
	explore_add_actor("dead", die_turn, false);
	explore_add_actor("heir", take_over_turn, false);
}
