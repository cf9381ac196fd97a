/* Judges every change of a slot's word, and keeps the accounts by it. */
#include "tests/interleave/world.h"

static struct slot_word now_in(uint32_t slot)
{
	return (struct slot_word){{.low = ring.slots[slot].word.low, .high = ring.slots[slot].word.high}};
}

static bool is_one_of(enum slot_state state, unsigned set)
{
	return set >> state & 1;
}

#define ONE(state) (1u << SLOT_##state)

/* The transitions drawn in ring/slot.h. */
static bool is_drawn(enum slot_state from, enum slot_state to)
{
	static const unsigned drawn[SLOT_STATE_COUNT] = {
		[SLOT_FREE] = ONE(WRITING) | ONE(ARRIVING),
		[SLOT_WRITING] = ONE(PASSED) | ONE(PENDING) | ONE(READY) | ONE(DELAYED) | ONE(FREE),
		[SLOT_PASSED] = ONE(PENDING) | ONE(READY) | ONE(DELAYED) | ONE(FREE),
		[SLOT_PENDING] = ONE(READY) | ONE(DELAYED),
		[SLOT_READY] = ONE(LEASED) | ONE(READY) | ONE(DEAD) | ONE(FREE),
		[SLOT_LEASED] = ONE(LEASED) | ONE(READY) | ONE(DELAYED) | ONE(FREE),
		[SLOT_DELAYED] = ONE(READY) | ONE(DELAYED) | ONE(FREE),
		[SLOT_ARRIVING] = ONE(READY) | ONE(FREE),
	};

	return is_one_of(to, drawn[from]);
}

static void begin_message(uint32_t slot, struct slot_word word)
{
	uint64_t number = ring.slots[slot].message.id[0];
	struct account *account = &world.messages[number];

	if (number == 0 || number >= MESSAGES_MAX)
		explore_fail("published without a message in slot %llu", slot);
	else if (account->exists)
		explore_fail("message %llu published twice", number);
	else
		*account = (struct account){
			.slot = slot, .generation = word_generation(word), .exists = 1, .holder = NOBODY};
}

static void judge_generation(struct slot_word from, struct slot_word to)
{
	uint64_t old = word_generation(from), new = word_generation(to);

	if (word_state(to) == SLOT_FREE ? new != old + 1 : word_state(from) == SLOT_FREE ? new < old : new != old)
		explore_fail("generation went to %llu", new);
}

/* Only the owner moves WRITING, PASSED and ARRIVING on; for a dead one anybody may free it. */
static void judge_owner(uint32_t slot, struct slot_word from, struct slot_word to)
{
	int who = explore_current(), owner = (int)word_owner(from) - 1;

	if (word_state(from) == SLOT_FREE || is_one_of(word_state(to), ONE(PASSED)))
		return;
	if (owner == who)
		return;
	if (word_state(to) != SLOT_FREE || explore_actor(owner)->status != ACTOR_DEAD)
		explore_fail("slot %llu taken away from its living owner", slot);
}

static void judge_end_of_lease(uint32_t slot, struct account *account, struct slot_word from, struct slot_word to)
{
	int who = explore_current();
	bool is_past = deadline_is_past(word_deadline_ms(from), (uint32_t)world.now);

	if (word_state(to) == SLOT_READY && is_past && account->holder != who)
		world.expired = 1;
	else if (account->holder != who)
		explore_fail("slot %llu: lease ended, changed or deleted by somebody who does not hold it", slot);
}

static void judge_durable(uint32_t slot, struct slot_word from, struct slot_word to)
{
	bool is_delayed = word_owner(from) == PENDING_DELAYED;

	if (!journal_has(slot, from))
		explore_fail("slot %llu: made durable, but not by who has written it to the journal", slot);
	if (is_delayed != (word_state(to) == SLOT_DELAYED) || word_deadline_ms(to) != word_deadline_ms(from) ||
	    word_owner(to) != OWNER_NONE)
		explore_fail("slot %llu: durable, but not as it was sent", slot);
}

static void charge(uint32_t slot, struct slot_word from, struct slot_word to)
{
	enum slot_state old = word_state(from), new = word_state(to);
	struct account *account = &world.messages[message_in(slot)];
	int who = explore_current();

	if (is_one_of(old, ONE(WRITING) | ONE(PASSED) | ONE(ARRIVING)))
		judge_owner(slot, from, to);
	if (is_one_of(old, ONE(WRITING) | ONE(PASSED)) &&
	    is_one_of(new, ONE(PENDING) | ONE(READY) | ONE(DELAYED))) {
		begin_message(slot, to);
		account = &world.messages[message_in(slot)];
	}
	if (old == SLOT_PENDING)
		judge_durable(slot, from, to);
	if (old == SLOT_LEASED)
		judge_end_of_lease(slot, account, from, to);
	if (old == SLOT_DELAYED && new == SLOT_READY &&
	    !deadline_is_past(word_deadline_ms(from), (uint32_t)world.now))
		explore_fail("slot %llu: delay ended early", slot);
	if (old == SLOT_READY && new == SLOT_FREE && account->holder != who)
		explore_fail("slot %llu: READY freed by somebody who was not its last holder", slot);
	if (new == SLOT_LEASED && old == SLOT_READY) {
		if (word_receives(to) != word_receives(from) + 1)
			explore_fail("slot %llu: leased without counting", slot);
		account->holder = (uint8_t)who;
		account->epoch = word_receives(to);
		account->received++;
	}
	account->is_ready = new == SLOT_READY;
	if (old == SLOT_READY || new == SLOT_READY) {
		account->settled = 0;
		account->readied_by = (uint8_t)(account->is_ready ? who + 1 : 0);
		for (int i = 0; i <= ACTORS_MAX; i++)
			world.actors[i].must_see &= (uint8_t) ~(1u << (account - world.messages));
	}
	if (new == SLOT_FREE && account != world.messages)
		account->is_deleted = 1;
}

uint8_t message_in(uint32_t slot)
{
	for (uint8_t i = 1; i < MESSAGES_MAX; i++) {
		const struct account *account = &world.messages[i];

		if (account->exists && !account->is_deleted && account->slot == slot)
			return i;
	}
	return 0;
}

static void follow(uint32_t slot, struct slot_word from, struct slot_word to)
{
	if (word_state(from) >= SLOT_STATE_COUNT || !is_drawn(word_state(from), word_state(to)))
		explore_fail("slot %llu: a transition that nobody drew", slot);
	judge_generation(from, to);
	if (word_state(from) == SLOT_FREE && (int)word_owner(to) - 1 != explore_current())
		explore_fail("slot %llu claimed for another owner", slot);
	charge(slot, from, to);
	world.messages[0] = (struct account){0};
	if (word_state(to) != SLOT_FREE)
		for (int i = 0; i < ACTORS_MAX; i++)
			world.actors[i].free_slots &= (uint8_t) ~(1u << slot);
}

void monitor_step(void)
{
	for (uint32_t slot = 0; slot < ring_slot_count(&ring); slot++) {
		struct slot_word to = now_in(slot), from = world.seen[slot];

		if (to.bits.low == from.bits.low && to.bits.high == from.bits.high)
			continue;
		world.seen[slot] = to;
		follow(slot, from, to);
		journal_changed(slot);
	}
}

void monitor_begin(void)
{
	for (uint32_t slot = 0; slot < SLOTS_MAX; slot++)
		world.seen[slot] = slot < ring_slot_count(&ring) ? now_in(slot) : (struct slot_word){{0, 0}};
}
