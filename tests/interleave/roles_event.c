/* Producers that wake and consumers that sleep, over a model of the kernel's futex. */
#include "tests/interleave/world.h"

/* Sleeps if the word still says `ticket`: comparing and falling asleep are one step, as in the kernel. */
static void futex_wait(int actor, uint32_t ticket)
{
	explore_step(&world.event);
	if (world.event != ticket)
		return;
	world.actors[actor].in_wait = 1;
	explore_sleep(actor);
}

/* Wakes one sleeper; the dead are no longer in the kernel's list. */
static unsigned futex_wake_one(void)
{
	explore_step(&world.event);
	for (int i = 0; i < explore_actor_count(); i++) {
		if (explore_actor(i)->status != ACTOR_ASLEEP)
			continue;
		world.actors[i].in_wait = 0;
		explore_wake(i);
		return 1;
	}
	return 0;
}

/* After a publish: wakes one if somebody sleeps, and takes the bit away if nobody was there. */
void notify_one(void)
{
	uint32_t seen;

	if (!event_has_sleepers(&world.event))
		return;
	seen = event_advance(&world.event);
	if (futex_wake_one() < 1)
		event_quiet(&world.event, seen);
}

static void sender_turn(int actor)
{
	struct private *me = &world.actors[actor];

	if (send_once(actor, SENDS)) {
		explore_doing(actor, "notify");
		notify_one();
	} else {
		world.failed_sends++;
	}
	if (--me->left == 0)
		explore_finish(actor);
}

int add_sender(const char *name, unsigned first, unsigned messages)
{
	int actor = explore_add_actor(name, sender_turn, false);

	world.actors[actor].first = (uint8_t)first;
	world.actors[actor].left = (uint8_t)messages;
	return actor;
}

enum { LOOKS, REGISTERED, HAS, WOKEN };

/* Look; if nothing is there register, look again, sleep. */
static void sleeper_turn(int actor)
{
	struct private *me = &world.actors[actor];
	enum ring_result result;

	if (me->mode == HAS) {
		delete_taken(actor, &me->taken);
		me->taken = (struct ring_taken){0};
		me->mode = LOOKS;
		if (--me->quota == 0)
			explore_finish(actor);
		return;
	}
	result = consume_once(actor, me->mode == REGISTERED, &me->taken);
	if (result == RING_OK) {
		me->mode = HAS;
		me->ticket = 0;
		return;
	}
	me->taken = (struct ring_taken){0};
	if (result != RING_EMPTY)
		return;
	if (me->mode == LOOKS) {
		explore_doing(actor, "prepare");
		me->ticket = event_prepare(&world.event);
		me->mode = REGISTERED;
		return;
	}
	explore_doing(actor, "wait");
	futex_wait(actor, me->ticket);
	me->ticket = 0;
	me->mode = LOOKS;
}

int add_sleeper(const char *name, unsigned quota)
{
	int actor = explore_add_actor(name, sleeper_turn, true);

	world.actors[actor].quota = (uint8_t)quota;
	return actor;
}

/* A watch and its user, who arms, looks once, and waits for a report. What he does with the last one is nothing:
 * others must have what it was about. */
static void watch_turn(int actor)
{
	struct private *me = &world.actors[actor];

	switch (me->mode) {
	case LOOKS:
		explore_doing(actor, "arm");
		me->ticket = event_prepare(&world.event);
		me->mode = REGISTERED;
		break;
	case REGISTERED:
		if (consume_once(actor, true, &me->taken) == RING_OK) {
			me->mode = HAS;
			break;
		}
		me->taken = (struct ring_taken){0};
		me->mode = WOKEN;
		explore_doing(actor, "wait");
		futex_wait(actor, me->ticket);
		break;
	case HAS:
		delete_taken(actor, &me->taken);
		me->taken = (struct ring_taken){0};
		me->mode = LOOKS;
		break;
	case WOKEN:
		explore_doing(actor, "pass on");
		if (load32_acquire(&world.event) == me->ticket) {
			futex_wait(actor, me->ticket);
			break;
		}
		me->ticket = 0;
		futex_wake_one();
		me->mode = LOOKS;
		if (--me->left == 0)
			explore_finish(actor);
		break;
	}
}

int add_watch(const char *name, unsigned reports)
{
	int actor = explore_add_actor(name, watch_turn, true);

	world.actors[actor].left = (uint8_t)reports;
	return actor;
}
