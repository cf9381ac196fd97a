/* The ring of tokens alone: two pushers, two poppers, and one who sleeps when there is none. */
#include "ring/ready.h"
#include "tests/interleave/groups_world.h"
#include "tests/interleave/scenario.h"

#include <stdio.h>
#include <string.h>

enum { TOKENS = 4, CELLS = 2 };

static struct {
	atomic_u64 cells[CELLS];
	atomic_u64 sleeps;
	uint8_t pushed[TOKENS];	 /* the push has returned */
	uint8_t refused[TOKENS]; /* 0: there was no room */
	uint8_t popped[TOKENS];
	atomic_u64 is_ready; /* the message of an old token */
	uint8_t asleep, woken;
	uint8_t popping; /* actors amid a pop */
	uint8_t padding;
} served;
static struct ring_ends served_ends;
static const struct ready served_ready = {.ends = &served_ends, .cells = served.cells, .order = 1};
static bool is_small;

static void push(int actor, uint32_t slot)
{
	uint64_t ticket;

	explore_doing(actor, "push");
	ticket = ready_push(&served_ready, link_pack(0, slot, 0));
	served.pushed[slot] = ticket != 0;
	served.refused[slot] = ticket == 0;
	if (ticket == 0 && !is_small)
		explore_fail("a push was refused though there is room", slot);
}

static void note_popped(uint64_t token)
{
	uint32_t slot = link_slot(token);

	if (served.refused[slot] || served.popped[slot])
		explore_fail("token %llu was popped twice, or never pushed", slot);
	served.popped[slot] = 1;
}

/* Does "none" leave one behind that was there all the time, and is in nobody's hands? */
static uint64_t pop(int actor)
{
	bool was_pushed[TOKENS];
	unsigned left = 0;
	uint64_t token;

	for (int i = 0; i < TOKENS; i++)
		was_pushed[i] = served.pushed[i] && !served.popped[i];
	explore_doing(actor, "pop");
	served.popping++;
	token = ready_pop(&served_ready, NULL);
	served.popping--;
	if (token != 0)
		note_popped(token);
	for (int i = 0; i < TOKENS; i++)
		left += was_pushed[i] && !served.popped[i];
	if (token == 0 && left > served.popping)
		explore_fail("%llu tokens were there all the time", left);
	return token;
}

static bool has_popper_died(void)
{
	for (int actor = 0; actor < explore_actor_count(); actor++)
		if (explore_actor(actor)->status == ACTOR_DEAD && explore_actor(actor)->name[1] == 'o')
			return true;
	return false;
}

static void push_turn(int actor)
{
	push(actor, (uint32_t)actor);
	explore_finish(actor);
}

static void push_two_turn(int actor)
{
	push(actor, (uint32_t)actor);
	push(actor, (uint32_t)actor + 2);
	explore_finish(actor);
}

static void pop_turn(int actor)
{
	pop(actor);
	explore_finish(actor);
}

static void pop_two_turn(int actor)
{
	pop(actor);
	pop(actor);
	explore_finish(actor);
}

static void serve_at_end(void)
{
	uint64_t token;

	while ((token = ready_pop(&served_ready, NULL)) != 0)
		note_popped(token);
	if (ready_any(&served_ready))
		explore_fail("%llu: there is none, and it says that there is", 0);
	for (uint32_t slot = 0; slot < TOKENS; slot++)
		if (served.pushed[slot] && !served.popped[slot] && !has_popper_died())
			explore_fail("token %llu was lost", slot);
	if (served.asleep && !served.woken && !explore_any_death())
		explore_fail("%llu: a consumer sleeps, and nobody has woken it", 0);
	for (uint32_t i = 0; i < 2 * CELLS; i++) {
		if (ready_push(&served_ready, link_pack(0, 3, 0)) == 0 ||
		    link_slot(ready_pop(&served_ready, NULL)) != 3)
			explore_fail("the ring stands still: %llu", i);
	}
}

static void show_served(const void *address, char *text, size_t bytes)
{
	snprintf(text, bytes, "%s = %#llx",
		 address == &served_ends.tail	? "tail"
		 : address == &served_ends.head ? "head"
		 : address == &served.sleeps	? "sleeps"
						: "cell",
		 (unsigned long long)*(const uint64_t *)address);
}

static const struct explore_model served_model = {.at_end = serve_at_end, .show = show_served};

static void begin_with(const struct explore_model *of, bool small)
{
	explore_begin(of);
	memset(&served, 0, sizeof(served));
	memset(&served_ends, 0, sizeof(served_ends));
	is_small = small;
	explore_remember(&served, sizeof(served));
	explore_remember(&served_ends.tail, sizeof(uint64_t));
	explore_remember(&served_ends.head, sizeof(uint64_t));
}

static void begin(bool small)
{
	begin_with(&served_model, small);
}

void build_tokens(void)
{
	begin(false);
	explore_add_actor("pusher1", push_turn, true);
	explore_add_actor("pusher2", push_turn, true);
	explore_add_actor("popper1", pop_turn, true);
	explore_add_actor("popper2", pop_turn, true);
}

/* More tokens than cells. */
void build_tokens_full(void)
{
	begin(true);
	explore_add_actor("pusher1", push_two_turn, true);
	explore_add_actor("pusher2", push_two_turn, true);
	explore_add_actor("popper", pop_two_turn, true);
}

/* ---- sleep ------------------------------------------------------------------------------------------ */

static void push_and_wake_turn(int actor)
{
	push(actor, (uint32_t)actor);
	explore_doing(actor, "wake");
	if (load_seq(&served.sleeps)) {
		served.woken = 1;
		explore_wake(0);
	}
	explore_finish(actor);
}

static void sleep_turn(int actor)
{
	if (pop(actor) == 0) {
		explore_doing(actor, "sleep");
		exchange_seq(&served.sleeps, 1);
		if (!ready_any(&served_ready)) {
			served.asleep = 1;
			explore_sleep(actor);
		}
	}
	explore_finish(actor);
}

/* ---- a token that is there already -------------------------------------------------------------------- */

/* Makes the message of token 0 READY; pushes it only if the first one has passed. */
static void ready_turn(int actor)
{
	explore_doing(actor, "ready");
	exchange_seq(&served.is_ready, 1);
	explore_doing(actor, "passed?");
	if (ready_has_passed(&served_ready, 1))
		push(actor, 1);
	explore_finish(actor);
}

/* Takes the token, and the message if it is READY. */
static void serve_turn(int actor)
{
	if (pop(actor) != 0) {
		explore_doing(actor, "lease");
		if (load_seq(&served.is_ready))
			served.woken = 1;
	}
	explore_finish(actor);
}

static void asked_at_end(void)
{
	if (served.is_ready && !served.woken && ready_pop(&served_ready, NULL) == 0)
		explore_fail("%llu: a message is READY, and has no token", 0);
}

static const struct explore_model asked_model = {.at_end = asked_at_end, .show = show_served};

void build_tokens_asked(void)
{
	begin_with(&asked_model, false);
	push(ACTORS_MAX, 0);
	explore_add_actor("reaper", ready_turn, false);
	explore_add_actor("consumer", serve_turn, false);
}

void build_tokens_sleep(void)
{
	begin(false);
	explore_add_actor("sleeper", sleep_turn, false);
	explore_add_actor("pusher1", push_and_wake_turn, false);
	explore_add_actor("pusher2", push_and_wake_turn, false);
}
