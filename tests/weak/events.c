/* Who sleeps on an event and who wakes, over one word that says whether there is something: written after
 * client/receive.c, seg_wake() and rlq_engine_stop(). */
#include "ring/event.h"
#include "tests/weak/weak.h"

#include <stdio.h>
#include <string.h>

static struct {
	atomic_u64 something;
	atomic_u32 event;
	uint32_t padding;
} shared;

/* Says that it will sleep, looks once more, and sleeps if the word still says its ticket. */
static void sleeper_turn(int actor)
{
	uint32_t ticket;

	explore_doing(actor, "prepare");
	ticket = event_prepare(&shared.event);
	explore_doing(actor, "look");
	if (load_seq(&shared.something)) {
		explore_finish(actor);
		return;
	}
	explore_doing(actor, "wait");
	explore_step(&shared.event);
	if (shared.event == ticket)
		explore_sleep(actor);
	else
		explore_finish(actor);
}

static void wake_all(void)
{
	explore_step(&shared.event);
	for (int i = 0; i < explore_actor_count(); i++)
		if (explore_actor(i)->status == ACTOR_ASLEEP) {
			explore_wake(i);
			explore_finish(i);
		}
}

static void sender_turn(int actor)
{
	explore_doing(actor, "send");
	exchange_seq(&shared.something, 1); /* [E1] */
	if (event_has_sleepers(&shared.event)) {
		event_advance(&shared.event);
		wake_all();
	}
	explore_finish(actor);
}

/* Wakes without asking: there is no look at the event that would order the two. */
static void stopper_turn(int actor)
{
	explore_doing(actor, "stop");
	store_relaxed(&shared.something, 1);
	event_advance(&shared.event);
	wake_all();
	explore_finish(actor);
}

static void nobody_sleeps_at_end(void)
{
	for (int i = 0; i < explore_actor_count(); i++)
		if (explore_actor(i)->status == ACTOR_ASLEEP)
			explore_fail("actor %llu sleeps although there is something", (unsigned long long)i);
}

static void show(const void *address, char *text, size_t bytes)
{
	if (address == &shared.event)
		snprintf(text, bytes, "event %u", shared.event);
	else
		snprintf(text, bytes, "something %llu", (unsigned long long)shared.something);
}

static void begin(void)
{
	static const struct explore_model model = {.at_end = nobody_sleeps_at_end, .show = show};

	explore_begin(&model);
	memset(&shared, 0, sizeof(shared));
	explore_remember(&shared, sizeof(shared));
}

/* One of the two finds the bit set by the other. */
void build_two_sleepers(void)
{
	begin();
	explore_add_actor("sleeper1", sleeper_turn, false);
	explore_add_actor("sleeper2", sleeper_turn, false);
	explore_add_actor("sender", sender_turn, false);
}

void build_stop_sleeper(void)
{
	begin();
	explore_add_actor("sleeper", sleeper_turn, false);
	explore_add_actor("stopper", stopper_turn, false);
}
