/* What must hold when a call returns, and when nobody can go on. */
#include "tests/interleave/world.h"

#include <stdio.h>
#include <string.h>

extern unsigned char arena[ARENA_WORDS * 8];

enum { LATER = 1000, DRAIN_TRIES = 64 };

/* ---- calls ---------------------------------------------------------------------------------------- */

void check_settled(uint32_t slot)
{
	struct account *account = &world.messages[message_in(slot)];

	if (account->is_ready) {
		account->settled = 1;
		account->readied_by = 0;
	}
	world.messages[0] = (struct account){0};
}

void check_readied(uint32_t slot)
{
	if (world.messages[message_in(slot)].readied_by == explore_current() + 1)
		check_settled(slot);
}

void check_take_begins(int actor)
{
	struct private *me = &world.actors[actor];

	me->in_take = 1;
	me->must_see = 0;
	for (unsigned i = 1; i < MESSAGES_MAX; i++)
		if (world.messages[i].is_ready && world.messages[i].settled)
			me->must_see |= (uint8_t)(1u << i);
}

/* Messages under a mark while a producer is amid a claim: it may have set the mark too late (K1), and will
 * take it back, set the bit and wake a consumer. */
static uint8_t marked_too_late(void)
{
	uint8_t messages = 0;
	bool any_claims = false;

	for (int i = 0; i < ACTORS_MAX; i++)
		any_claims = any_claims || world.actors[i].in_claim;
	for (uint32_t slot = 0; any_claims && slot < ring_slot_count(&ring); slot++)
		if (ring.kept.level[0][0] >> slot & 1)
			messages |= (uint8_t)(1u << message_in(slot));
	return messages;
}

/* Who hears EMPTY may go to sleep. So EMPTY is wrong while a message waits whose sending had ended
 * before the call began, unless another consumer is amid a take and may have its bit in hand, or a
 * producer has put a mark on it. */
void check_take_ends(int actor, enum ring_result result)
{
	struct private *me = &world.actors[actor];
	bool excused = false;

	monitor_step();
	me->in_take = 0;
	me->must_see &= (uint8_t)~marked_too_late();
	for (int i = 0; i < ACTORS_MAX; i++)
		excused = excused || world.actors[i].in_take;
	if (result == RING_EMPTY && me->must_see && !excused)
		explore_fail("take says EMPTY although messages %#llx are READY", me->must_see);
	if (result == RING_DAMAGED)
		explore_fail("take says DAMAGED", 0);
	me->must_see = 0;
}

void check_claim_begins(int actor)
{
	struct private *me = &world.actors[actor];

	me->in_claim = 1;
	me->free_slots = 0;
	for (uint32_t i = 0; i < ring_slot_count(&ring); i++)
		if (word_state(world.seen[i]) == SLOT_FREE)
			me->free_slots |= (uint8_t)(1u << i);
}

/* FULL is wrong while a slot was FREE all the time. */
void check_claim_ends(int actor, enum ring_result result)
{
	struct private *me = &world.actors[actor];

	monitor_step();
	if (result == RING_FULL && me->free_slots)
		explore_fail("claim says FULL although slots %#llx were FREE all the time", me->free_slots);
	if (result == RING_DAMAGED)
		explore_fail("claim says DAMAGED", 0);
	me->in_claim = 0;
	me->free_slots = 0;
}

/* ---- the end -------------------------------------------------------------------------------------- */

static void sweep(void)
{
	for (uint32_t slot = 0; slot < ring_slot_count(&ring); slot++)
		sweep_slot(slot);
}

static void drain(void)
{
	struct ring_taken taken;
	enum ring_result result;

	for (int tries = 0; tries < DRAIN_TRIES; tries++) {
		result = consume_once(DRAINER, false, &taken);
		if (result == RING_EMPTY)
			return;
		if (result == RING_OK && !delete_taken(DRAINER, &taken))
			explore_fail("the drain could not delete from slot %llu", taken.slot);
	}
	explore_fail("the drain never hears EMPTY", 0);
}

static void check_nothing_is_left(void)
{
	monitor_step();
	for (unsigned i = 1; i < MESSAGES_MAX; i++)
		if (world.messages[i].exists && !world.messages[i].is_deleted)
			explore_fail("message %llu is stranded", i);
	for (uint32_t slot = 0; slot < ring_slot_count(&ring); slot++)
		if (word_state(world.seen[slot]) != SLOT_FREE)
			explore_fail("slot %llu is lost", slot);
}

/* The empty ring must take as many messages as it has slots, and give them back. */
static void check_ring_works_on(void)
{
	struct ring_cursor *cursor = &world.actors[DRAINER].cursor;
	struct ring_claim claim;
	unsigned sent = 0;

	memset(world.messages, 0, sizeof(world.messages));
	for (int tries = 0; tries < DRAIN_TRIES && sent < ring_slot_count(&ring); tries++) {
		if (ring_claim(&ring, cursor, DRAINER + 1, &claim) != RING_OK)
			continue;
		ring.slots[claim.slot].message.id[0] = ++sent;
		ring_publish(&ring, &claim, DRAINER + 1);
	}
	if (sent < ring_slot_count(&ring))
		explore_fail("the empty ring takes only %llu messages", sent);
	drain();
	check_nothing_is_left();
}

/* A consumer with this cursor comes and takes everything there is. */
static void check_drain_with(const struct ring_cursor *cursor)
{
	static struct world saved_world;
	static unsigned char saved_arena[sizeof(arena)];

	uint64_t tail = ring.ends->tail, head = ring.ends->head;

	memcpy(&saved_world, &world, sizeof(world));
	memcpy(saved_arena, arena, sizeof(arena));
	world.actors[DRAINER] = (struct private){.cursor = *cursor};
	world.now = LATER;
	if (explore_any_death())
		sweep();
	else
		reap_by_hint();
	drain();
	check_nothing_is_left();
	if (!explore_failed())
		check_ring_works_on();
	memcpy(&world, &saved_world, sizeof(world));
	memcpy(arena, saved_arena, sizeof(arena));
	ring.ends->tail = tail;
	ring.ends->head = head;
}

/* Was somebody killed who may have been about to take or to wake? Not so who was killed asleep. */
static bool lost_a_waker(void)
{
	for (int i = 0; i < explore_actor_count(); i++)
		if (explore_actor(i)->status == ACTOR_DEAD && !world.actors[i].in_wait)
			return true;
	return false;
}

/* Nobody may sleep while a message waits. And if nobody sleeps, one more wake-up must leave the event
 * quiet, whoever was killed in his sleep. */
static void check_sleepers(void)
{
	bool any_asleep = false;

	for (int i = 0; i < explore_actor_count(); i++) {
		if (explore_actor(i)->status != ACTOR_ASLEEP)
			continue;
		any_asleep = true;
		for (unsigned m = 1; m < MESSAGES_MAX; m++)
			if (world.messages[m].is_ready && !lost_a_waker())
				explore_fail("a consumer sleeps while message %llu waits", m);
	}
	if (any_asleep)
		return;
	notify_one();
	if (event_has_sleepers(&world.event))
		explore_fail("nobody sleeps, yet every send pays for a wake-up", 0);
}

void check_end(void)
{
	static const struct ring_cursor fresh;

	check_sleepers();
	journal_check_end();
	check_drain_with(&fresh);
	for (int i = 0; i < explore_actor_count() && !explore_failed(); i++)
		if (explore_actor(i)->status != ACTOR_DEAD)
			check_drain_with(&world.actors[i].cursor);
}

/* ---- names of words ------------------------------------------------------------------------------- */

static const char *const state_names[16] = {"FREE",    "WRITING", "PASSED", "PENDING", "READY",	   "LEASED",
					    "DELAYED", "DEAD",	  "MOVING", "MOVED",   "ARRIVING", "DONE",
					    "HELD",    "13",	  "14",	    "15"};

static bool is_in(const void *address, const void *from, size_t bytes)
{
	return (const char *)address >= (const char *)from && (const char *)address < (const char *)from + bytes;
}

static void show_slot(const void *address, char *text, size_t bytes)
{
	uint32_t slot = (uint32_t)((const struct slot *)address - ring.slots);
	const struct slot *at = &ring.slots[slot];
	struct slot_word word = {{.low = at->word.low, .high = at->word.high}};

	if (is_in(address, &at->message, sizeof(at->message)))
		snprintf(text, bytes, "slot %u message %llu", slot, (unsigned long long)at->message.id[0]);
	else
		snprintf(text, bytes, "slot %u%s gen %llu %s owner %u receives %u deadline %u", slot,
			 address == &at->word.high ? " (high)" : "", (unsigned long long)word_generation(word),
			 state_names[word_state(word)], word_owner(word), word_receives(word),
			 word_deadline_ms(word));
}

void show_word(const void *address, char *text, size_t bytes)
{
	unsigned long long value = *(const uint64_t *)address;

	if (is_in(address, ring.slots, ring_slot_count(&ring) * sizeof(struct slot)))
		show_slot(address, text, bytes);
	else if (address == &ring.ends->tail)
		snprintf(text, bytes, "tail %llu", value);
	else if (address == &ring.ends->head)
		snprintf(text, bytes, "head %llu", value);
	else if (address == ring.again.level[0])
		snprintf(text, bytes, "again %#llx", value);
	else if (address == ring.kept.level[0])
		snprintf(text, bytes, "kept %#llx", value);
	else if (address == ring.aside[0].level[0])
		snprintf(text, bytes, "aside %#llx", value);
	else if (address == ring.due.groups)
		snprintf(text, bytes, "due group %llu", ~value);
	else if (address == ring.due.summary)
		snprintf(text, bytes, "due summary %llu", ~value);
	else if (address == ring.marks.words)
		snprintf(text, bytes, "marks %#llx", value);
	else if (address == ring.marks.summary)
		snprintf(text, bytes, "marks summary %#llx", value);
	else if (address == &world.event)
		snprintf(text, bytes, "event %u", world.event);
	else
		snprintf(text, bytes, "word %p = %#llx", address, value);
}
