/* The actors: each turn is one call as the client or the reaper makes it. */
#include "tests/interleave/world.h"

enum { LEASE_ENDS = 10, EXTENDED_ENDS = 50, DELAY_ENDS = 10, TICK = 20 };

static struct private *private_of(int actor)
{
	return &world.actors[actor];
}

static void one_turn_less(int actor)
{
	if (--private_of(actor)->left == 0)
		explore_finish(actor);
}

/* ---- producer ------------------------------------------------------------------------------------- */

static uint32_t row_of(int actor)
{
	return (uint32_t)actor + 1;
}

static enum ring_result publish(int actor, enum send_mode mode)
{
	const struct ring_claim *claim = &private_of(actor)->claim;

	switch (mode) {
	case SENDS_DELAYED:
		return ring_publish_delayed(&ring, claim, row_of(actor), DELAY_ENDS);
	case SENDS_PENDING:
	case SENDS_PENDING_RUN:
		return ring_publish_pending(&ring, claim, row_of(actor), 0);
	case SENDS_PENDING_DELAYED:
		return ring_publish_pending(&ring, claim, row_of(actor), DELAY_ENDS);
	default:
		return ring_publish(&ring, claim, row_of(actor));
	}
}

bool send_once(int actor, enum send_mode mode)
{
	struct private *me = private_of(actor);
	enum ring_result result;
	uint32_t slot;

	if (mode == SENDS_PENDING_RUN && me->left % 2 == 0) {
		explore_doing(actor, "run");
		ring_claim_run(&ring, &me->cursor, 2);
	}
	explore_doing(actor, "claim");
	check_claim_begins(actor);
	result = ring_claim(&ring, &me->cursor, row_of(actor), &me->claim);
	check_claim_ends(actor, result);
	if (me->cursor.owes_wake) {
		me->cursor.owes_wake = false;
		notify_one();
	}
	if (result != RING_OK)
		return false;
	slot = me->claim.slot;
	/* Nobody else touches the message of a slot that is being written, so this is no step. */
	data_written(&ring.slots[slot].message.id[0]);
	ring.slots[slot].message.id[0] = me->first;
	tenant_note(&ring.slots[slot].message, me->first++);
	explore_doing(actor, "publish");
	result = publish(actor, mode);
	monitor_step();
	if (result != RING_OK)
		explore_fail("publish was refused", result);
	check_readied(slot);
	me->claim = (struct ring_claim){0};
	return true;
}

static void producer_turn(int actor)
{
	if (!send_once(actor, private_of(actor)->mode))
		world.failed_sends++;
	one_turn_less(actor);
}

int add_producer_that(const char *name, unsigned first, unsigned messages, enum send_mode mode)
{
	int actor = explore_add_actor(name, producer_turn, true);

	private_of(actor)->first = (uint8_t)first;
	private_of(actor)->left = (uint8_t)messages;
	private_of(actor)->mode = (uint8_t)mode;
	return actor;
}

int add_producer(const char *name, unsigned first, unsigned messages)
{
	return add_producer_that(name, first, messages, SENDS);
}

int add_delaying_producer(const char *name, unsigned first, unsigned messages)
{
	return add_producer_that(name, first, messages, SENDS_DELAYED);
}

/* ---- consumer ------------------------------------------------------------------------------------- */

enum ring_result consume_once(int actor, bool before_sleep, struct ring_taken *ret)
{
	struct ring_cursor *cursor = &private_of(actor)->cursor;
	struct ring_terms terms = {
		.deadline_ms = world.now + LEASE_ENDS, .before_sleep = before_sleep, .tenants = tenants_for(actor)};
	enum ring_result result;

	explore_doing(actor, "take");
	check_take_begins(actor);
	result = ring_take(&ring, cursor, &terms, ret);
	if (result == RING_EMPTY && world.noisy)
		result = ring_take_aside(&ring, cursor, &terms, ret);
	check_take_ends(actor, result);
	if (result == RING_OK)
		data_read(&ring.slots[ret->slot].message.id[0]);
	if (result == RING_OK && world.seen[ret->slot].bits.high == ret->word.bits.high &&
	    world.seen[ret->slot].bits.low == ret->word.bits.low &&
	    ring.slots[ret->slot].message.id[0] != message_in(ret->slot))
		explore_fail("slot %llu holds another message than was published", ret->slot);
	return result;
}

/* Does the slot still hold what the receipt names, and has nobody received it since? */
static bool receipt_is_good(struct slot_word word, struct slot_word receipt)
{
	return word_generation(word) == word_generation(receipt) && word_receives(word) == word_receives(receipt) &&
	       (word_state(word) == SLOT_LEASED || word_state(word) == SLOT_READY);
}

static void check_refusal(int actor, const struct ring_taken *taken)
{
	const struct account *account = &world.messages[message_in(taken->slot)];

	monitor_step();
	if (account->exists && account->generation == word_generation(taken->word) &&
	    account->epoch == word_receives(taken->word) && account->holder == actor)
		explore_fail("slot %llu: its latest holder was refused", taken->slot);
}

bool delete_taken(int actor, const struct ring_taken *taken)
{
	struct slot_word word;

	explore_doing(actor, "delete");
	for (;;) {
		word = slot_read_stable(&ring.slots[taken->slot]);
		if (!receipt_is_good(word, taken->word)) {
			check_refusal(actor, taken);
			return false;
		}
		if (ring_free(&ring, taken->slot, word))
			return true;
	}
}

static bool extend_taken(int actor, const struct ring_taken *taken)
{
	struct slot_word word;

	explore_doing(actor, "extend");
	for (;;) {
		word = slot_read_stable(&ring.slots[taken->slot]);
		if (!receipt_is_good(word, taken->word)) {
			check_refusal(actor, taken);
			return false;
		}
		if (word_state(word) != SLOT_LEASED) /* it ran out: nothing to extend */
			return false;
		if (ring_set_deadline(&ring, taken->slot, word, SLOT_LEASED, EXTENDED_ENDS))
			return true;
	}
}

static void release_taken(int actor, const struct ring_taken *taken)
{
	struct slot_word word;

	explore_doing(actor, "release");
	word = slot_read_stable(&ring.slots[taken->slot]);
	if (receipt_is_good(word, taken->word) && word_state(word) == SLOT_LEASED &&
	    ring_make_ready(&ring, taken->slot, word)) {
		monitor_step();
		check_readied(taken->slot);
	}
}

static void delay_taken(int actor, const struct ring_taken *taken)
{
	struct slot_word word;

	explore_doing(actor, "delay");
	word = slot_read_stable(&ring.slots[taken->slot]);
	if (receipt_is_good(word, taken->word))
		ring_set_deadline(&ring, taken->slot, word, SLOT_DELAYED, DELAY_ENDS);
}

static void deal_with_taken(int actor)
{
	struct private *me = private_of(actor);

	if (me->mode == EXTENDS && me->holding == 1) {
		me->holding = extend_taken(actor, &me->taken) ? 2 : 0;
		if (me->holding)
			return;
	} else if (me->mode == RELEASES) {
		me->mode = DELETES;
		release_taken(actor, &me->taken);
	} else if (me->mode == DELAYS) {
		me->mode = DELETES;
		delay_taken(actor, &me->taken);
	} else {
		delete_taken(actor, &me->taken);
	}
	me->holding = 0;
	me->taken = (struct ring_taken){0};
}

static void consumer_turn(int actor)
{
	struct private *me = private_of(actor);

	if (me->holding) {
		deal_with_taken(actor);
		if (me->left == 0 && !me->holding)
			explore_finish(actor);
		return;
	}
	me->left--;
	if (consume_once(actor, false, &me->taken) == RING_OK && me->mode != FORGETS)
		me->holding = 1;
	else
		me->taken = (struct ring_taken){0};
	if (me->left == 0 && !me->holding)
		explore_finish(actor);
}

int add_consumer(const char *name, unsigned takes, enum consumer_mode mode)
{
	int actor = explore_add_actor(name, consumer_turn, true);

	private_of(actor)->left = (uint8_t)takes;
	private_of(actor)->mode = (uint8_t)mode;
	return actor;
}

static void holder_turn(int actor)
{
	deal_with_taken(actor);
	if (!private_of(actor)->holding)
		explore_finish(actor);
}

int add_holder(const char *name, uint32_t slot, enum consumer_mode mode)
{
	int actor = explore_add_actor(name, holder_turn, true);

	private_of(actor)->taken = (struct ring_taken){.slot = slot, .word = world.seen[slot]};
	private_of(actor)->holding = 1;
	private_of(actor)->mode = (uint8_t)mode;
	world.messages[message_in(slot)].holder = (uint8_t)actor;
	return actor;
}

/* ---- reaper and clock ----------------------------------------------------------------------------- */

static bool is_dead(uint32_t row)
{
	return row >= 1 && row <= ACTORS_MAX && explore_actor((int)row - 1)->status == ACTOR_DEAD;
}

void expire_slot(uint32_t slot)
{
	struct slot_word word = slot_read(&ring.slots[slot]);

	if (word_state(word) != SLOT_LEASED && word_state(word) != SLOT_DELAYED)
		return;
	if (!deadline_is_past(word_deadline_ms(word), (uint32_t)world.now))
		due_lower(&ring.due, slot, word_deadline_ms(word));
	else if (ring_make_ready(&ring, slot, word)) {
		monitor_step();
		check_readied(slot);
	}
}

void sweep_slot(uint32_t slot)
{
	struct slot_word word = slot_read(&ring.slots[slot]);

	switch (word_state(word)) {
	case SLOT_WRITING:
	case SLOT_PASSED:
	case SLOT_ARRIVING:
		if (is_dead(word_owner(word)))
			ring_free(&ring, slot, word);
		break;
	case SLOT_LEASED:
	case SLOT_DELAYED:
		expire_slot(slot);
		break;
	case SLOT_READY:
		if ((word_receives(word) > 0 || ring_is_behind_head(&ring, slot, word)) &&
		    !(world.noisy && ring_is_aside(&ring, slot))) {
			ring_set_again(&ring, slot);
			monitor_step();
			check_settled(slot);
		}
		break;
	default:
		break;
	}
}

void reap_by_hint(void)
{
	int64_t group;
	uint32_t from = 0;

	while ((group = due_take(&ring.due, from, world.now)) >= 0) {
		for (uint32_t slot = 0; slot < ring_slot_count(&ring); slot++)
			expire_slot(slot);
		from = (uint32_t)group + 1;
	}
}

static void hint_reaper_turn(int actor)
{
	explore_doing(actor, "reap");
	reap_by_hint();
	one_turn_less(actor);
}

int add_hint_reaper(const char *name, unsigned passes)
{
	int actor = explore_add_actor(name, hint_reaper_turn, true);

	private_of(actor)->left = (uint8_t)passes;
	return actor;
}

static void reaper_turn(int actor)
{
	struct private *me = private_of(actor);
	uint32_t slot = me->first++;

	explore_doing(actor, "sweep");
	if (me->first == ring_slot_count(&ring))
		me->first = 0;
	sweep_slot(slot);
	one_turn_less(actor);
}

int add_reaper(const char *name, unsigned passes)
{
	int actor = explore_add_actor(name, reaper_turn, true);

	private_of(actor)->left = (uint8_t)(passes * ring_slot_count(&ring));
	return actor;
}

static void clock_turn(int actor)
{
	explore_doing(actor, "tick");
	explore_step(&world.now);
	world.now += TICK;
	one_turn_less(actor);
}

int add_clock(unsigned ticks)
{
	int actor = explore_add_actor("clock", clock_turn, false);

	private_of(actor)->left = (uint8_t)ticks;
	return actor;
}
