/* Judges every change of a slot's word and of a block's, and keeps the accounts by it. */
#include "tests/interleave/segments/judge.h"
#include "tests/interleave/segments/journal.h"

#include "shm/extents.h"

#include <string.h>

uint32_t slots_in(int queue, uint32_t ring)
{
	uint32_t bytes = world.files[queue].ring_bytes[ring], order;

	if (bytes == 0)
		return 0;
	order = region_order(header_of(queue)->region[ring].low);
	return order <= 2 && bytes >= world_ring_bytes(order) ? UINT32_C(1) << order : 0;
}

/* ---- owners ---- */

int actor_of_row(int queue, uint32_t row, uint32_t serial)
{
	const struct seg_row *at = row_of(queue, row < SEG_ROWS_STEP ? row : 0);

	return at->user.low == ((uint64_t)serial << 1 | 1) ? (int)at->user.high - 1 : -1;
}

/* A handle that is closed is as gone as that of a dead actor. */
bool handle_is_alive(int queue, uint32_t row, uint32_t serial)
{
	int who = actor_of_row(queue, row, serial);

	return who >= ACTORS_MAX || (who >= 0 && explore_actor(who)->status != ACTOR_DEAD);
}

bool is_owner(const struct spot *spot, struct slot_word word)
{
	return actor_of_row(spot->queue, word_owner(word), word_serial(word)) == acting();
}

static bool owner_lives(const struct spot *spot, struct slot_word word)
{
	return handle_is_alive(spot->queue, word_owner(word), word_serial(word));
}

/* ---- places ---- */

static uint64_t place_of(const struct spot *spot, struct slot_word word)
{
	return place_pack(spot->ring, spot->slot, word_generation(word));
}

/* The slot that a place of a queue names, if it is there at that generation. */
static const struct slot *slot_at_place(int queue, uint64_t packed)
{
	struct place place = place_unpack(packed);
	const struct slot *slot;

	if (place.ring >= RINGS_SEEN || place.slot >= slots_in(queue, place.ring))
		return NULL;
	slot = slot_in(queue, place.ring, place.slot);
	return (word_generation(word_in(slot)) & PLACE_GENERATION_MASK) == place.generation ? slot : NULL;
}

static int other(int queue)
{
	return queue == QUEUE ? DLQ : QUEUE;
}

bool copy_is_arriving(int queue, struct slot_word moved)
{
	const struct slot *copy = slot_at_place(other(queue), moved.bits.high);

	return copy && word_state(word_in(copy)) == SLOT_ARRIVING;
}

/* Does a MOVED of the other queue name this place? */
bool arriving_is_decided(const struct spot *spot, struct slot_word arriving)
{
	uint64_t place = place_of(spot, arriving);

	for (uint32_t ring = 0; ring < RINGS_SEEN; ring++)
		for (uint32_t slot = 0; slot < slots_in(other(spot->queue), ring); slot++) {
			struct slot_word word = word_in(slot_in(other(spot->queue), ring, slot));

			if (word_state(word) == SLOT_MOVED && word.bits.high == place)
				return true;
		}
	return false;
}

/* ---- one change ---- */

/* The transitions drawn in ring/slot.h. */
static bool is_drawn(enum slot_state from, enum slot_state to)
{
	static const unsigned drawn[SLOT_STATE_COUNT] = {
		[SLOT_FREE] = ONE(WRITING) | ONE(ARRIVING),
		[SLOT_WRITING] = ONE(PASSED) | ONE(PENDING) | ONE(READY) | ONE(DELAYED) | ONE(FREE),
		[SLOT_PASSED] = ONE(PENDING) | ONE(READY) | ONE(DELAYED) | ONE(FREE),
		[SLOT_PENDING] = ONE(READY) | ONE(DELAYED) | ONE(HELD),
		[SLOT_READY] = ONE(LEASED) | ONE(READY) | ONE(DEAD) | ONE(MOVING) | ONE(FREE) | ONE(HELD),
		[SLOT_LEASED] = ONE(LEASED) | ONE(READY) | ONE(DELAYED) | ONE(FREE) | ONE(HELD),
		[SLOT_DELAYED] = ONE(READY) | ONE(DELAYED) | ONE(FREE) | ONE(HELD),
		[SLOT_DEAD] = ONE(MOVING) | ONE(READY) | ONE(FREE) | ONE(HELD),
		[SLOT_MOVING] = ONE(MOVED) | ONE(DEAD) | ONE(READY) | ONE(FREE) | ONE(HELD),
		[SLOT_MOVED] = ONE(FREE) | ONE(HELD),
		[SLOT_ARRIVING] = ONE(READY) | ONE(FREE),
		[SLOT_HELD] = ONE(FREE),
	};

	return from < SLOT_STATE_COUNT &&
	       (is_one_of(to, drawn[from]) || (world_is_fifo() && fifo_is_drawn(from, to)));
}

static void judge_generation(struct slot_word from, struct slot_word to)
{
	uint64_t old = word_generation(from), new = word_generation(to);

	if (word_state(to) == SLOT_FREE ? new != old + 1 : word_state(from) == SLOT_FREE ? new < old : new != old)
		explore_fail("generation went to %llu", new);
}

/* Only the owner goes on from WRITING, PASSED and MOVING; what a dead one left, anybody may undo. */
static void judge_owner(const struct spot *spot, struct slot_word from, struct slot_word to)
{
	if (word_state(to) == SLOT_PASSED || is_owner(spot, from))
		return;
	if (world_is_fifo() && word_state(from) != SLOT_MOVING && fifo_may_change(spot, word_state(to)))
		return;
	if (owner_lives(spot, from) || is_one_of(word_state(to), ONE(DELAYED) | ONE(MOVED)) ||
	    (word_state(to) == SLOT_READY && word_state(from) != SLOT_MOVING))
		explore_fail("slot %llu was taken from its living owner", spot->slot);
}

/* DEAD is what is used up, and nothing else. */
static void judge_dead(const struct spot *spot, struct slot_word from, struct slot_word to)
{
	uint64_t receives_max = header_of(spot->queue)->attribute[ATTRIBUTE_RECEIVES_MAX];
	bool is_used_up = receives_max > 0 && word_receives(from) >= receives_max;

	if (is_used_up != (word_state(to) == SLOT_DEAD))
		explore_fail("slot %llu is not what it was before", spot->slot);
}

/* A copy arrives once that is decided, and goes only if it is not: then by its owner, or after its death. */
static void judge_arriving(const struct spot *spot, struct slot_word from, struct slot_word to)
{
	bool decided = arriving_is_decided(spot, from);

	if (word_state(to) == SLOT_READY && !decided)
		explore_fail("slot %llu: a copy arrived before that was decided", spot->slot);
	if (word_state(to) != SLOT_READY && (decided || (!is_owner(spot, from) && owner_lives(spot, from))))
		explore_fail("slot %llu: a copy was thrown away", spot->slot);
}

static void judge_moved(const struct spot *spot, struct slot_word to)
{
	const struct slot *copy = slot_at_place(other(spot->queue), to.bits.high);

	if (copy == NULL || word_state(word_in(copy)) != SLOT_ARRIVING)
		explore_fail("slot %llu is MOVED to where no copy arrives", spot->slot);
	else if (number_in(other(spot->queue), copy) != number_in(spot->queue, spot->at))
		explore_fail("slot %llu is MOVED before its copy is whole", spot->slot);
}

static bool is_holder(const struct account *account, int who)
{
	return account->holder == who || account->partner == who;
}

static void judge_lease(const struct spot *spot, struct account *account, struct slot_word from,
			struct slot_word to)
{
	int who = acting();
	bool ended = word_state(to) == SLOT_READY || word_state(to) == SLOT_DELAYED;

	if (world.attempts[who] && !ended)
		fifo_share(who, number_in(spot->queue, spot->at), word_receives(to));
	if (world_is_fifo() && !world.attempts[who] && is_holder(account, who) && !ended)
		fifo_judge_lease(spot, from);
	if (is_holder(account, who))
		return;
	if (!ended || !deadline_is_past(word_deadline_ms(from), (uint32_t)world.now_ms))
		explore_fail("slot %llu: a lease was ended or changed by somebody who does not hold it",
			     spot->slot);
	/* What was promised is long: no scenario's clock gets there but at the end. */
	else if (account->extended_by != NOBODY && who != DRAINER)
		explore_fail("slot %llu: a lease ended though it had been extended", spot->slot);
}

static void lease(struct account *account, struct slot_word to)
{
	account->holder = (uint8_t)acting();
	account->extended_by = account->partner = NOBODY;
	account->is_of_attempt = world.attempts[acting()];
	account->epoch = (uint8_t)word_receives(to);
	account->epoch_of[acting()] = account->epoch;
}

/* Freed, or left to who reads it: by its latest holder, by a purge; what was moved, by anybody. */
static void leave(const struct spot *spot, struct account *account, struct slot_word from)
{
	int who = acting();

	if (word_state(from) == SLOT_MOVED) {
		if (copy_is_arriving(spot->queue, from))
			explore_fail("slot %llu: the source went before its copy arrived", spot->slot);
		return;
	}
	if (world_is_fifo())
		fifo_left(spot, from);
	if (!is_holder(account, who) && !world.purges[who])
		explore_fail("slot %llu was deleted by somebody who does not hold it", spot->slot);
	account->deleted = 1;
	account->deleted_by = (uint8_t)who;
	cut_deleted(spot->queue, number_in(spot->queue, spot->at));
}

static void judge_let_go(const struct spot *spot, struct slot_word from)
{
	for (int i = 0; i < ACTORS_MAX; i++)
		if (world.viewed[i].bytes && world.viewed[i].place == place_of(spot, from) &&
		    (int)world.viewed[i].queue == spot->queue && explore_actor(i)->status != ACTOR_DEAD)
			explore_fail("slot %llu was freed while it is read in place", spot->slot);
}

static struct account *account_of(const struct spot *spot)
{
	return &world.accounts[number_in(spot->queue, spot->at)];
}

static void publish(const struct spot *spot, enum slot_state to)
{
	struct account *account = account_of(spot);

	if (account == &world.accounts[0] || account->exists)
		explore_fail("slot %llu: what was published is no message, or was before", spot->slot);
	if (world_is_sync() && to != SLOT_PENDING)
		explore_fail("slot %llu can be received before it is durable", spot->slot);
	account->exists = 1;
	account->sent_by = world.claimed_by[spot->queue][spot->ring][spot->slot];
	if (world_is_fifo())
		fifo_published(spot, number_in(spot->queue, spot->at));
	cut_sent(number_in(spot->queue, spot->at), account->sent_by);
}

/* By the journal alone, which has it by now. */
static void judge_durable(const struct spot *spot)
{
	if (acting() != written.keeper)
		explore_fail("slot %llu: PENDING was ended by somebody else than the journal", spot->slot);
	cut_judge_sent(number_in(spot->queue, spot->at));
}

/* By its sender alone. */
static void take_back(const struct spot *spot)
{
	struct account *account = account_of(spot);

	if (account->sent_by != acting())
		explore_fail("slot %llu was taken back by somebody who has not sent it", spot->slot);
	account->deleted = account->taken_back = 1;
	account->deleted_by = (uint8_t)acting();
	cut_deleted(spot->queue, number_in(spot->queue, spot->at));
}

static void charge(const struct spot *spot, struct slot_word from, struct slot_word to)
{
	enum slot_state old = word_state(from), new = word_state(to);
	struct account *account = account_of(spot);

	if (is_one_of(old, ONE(WRITING) | ONE(PASSED)) ||
	    (old == SLOT_MOVING && !is_one_of(new, ONE(FREE) | ONE(HELD))))
		judge_owner(spot, from, to);
	if (is_one_of(old, ONE(WRITING) | ONE(PASSED)) && is_one_of(new, ONE(PENDING) | ONE(READY) | ONE(DELAYED)))
		publish(spot, new);
	if (old == SLOT_PENDING)
		(new == SLOT_HELD ? take_back : judge_durable)(spot);
	if (new == SLOT_DEAD || (old == SLOT_MOVING && new == SLOT_READY))
		judge_dead(spot, from, to);
	if (old == SLOT_ARRIVING)
		judge_arriving(spot, from, to);
	if (new == SLOT_MOVED)
		judge_moved(spot, to), account->moved = 1, cut_moved(number_in(spot->queue, spot->at));
	if (old == SLOT_LEASED && !is_one_of(new, ONE(FREE) | ONE(HELD)))
		judge_lease(spot, account, from, to);
	if (new == SLOT_LEASED && old == SLOT_READY) {
		lease(account, to);
		if (world_is_fifo())
			fifo_leased(spot, account);
		cut_received(spot->queue, number_in(spot->queue, spot->at));
	}
	if (is_one_of(new, ONE(FREE) | ONE(HELD)) &&
	    is_one_of(old, ONE(READY) | ONE(LEASED) | ONE(DELAYED) | ONE(DEAD) | ONE(MOVING) | ONE(MOVED)))
		leave(spot, account, from);
	if (new == SLOT_FREE)
		judge_let_go(spot, from);
	if (new == SLOT_FREE && world_is_fifo())
		fifo_freed(spot, from);
}

void judge_slot(const struct spot *spot, struct slot_word from, struct slot_word to)
{
	if (!is_drawn(word_state(from), word_state(to)))
		explore_fail("slot %llu: a transition that nobody drew", spot->slot);
	judge_generation(from, to);
	if (word_state(from) == SLOT_FREE && !is_owner(spot, to))
		explore_fail("slot %llu claimed for another owner", spot->slot);
	if (word_state(from) == SLOT_FREE)
		world.claimed_by[spot->queue][spot->ring][spot->slot] = (uint8_t)acting();
	charge(spot, from, to);
	memset(&world.accounts[0], 0, sizeof(world.accounts[0]));
}

/* ---- blocks ---- */

/* A block may leave its message only when the slot has moved on. */
void judge_block(int queue, uint32_t block, uint64_t from, uint64_t to)
{
	const struct slot *slot = block_is_used(from) ? slot_at_place(queue, from) : NULL;
	bool is_old = block_is_used(from) && world.files[queue].named;

	if (is_old && slot != NULL && word_state(word_in(slot)) != SLOT_FREE)
		explore_fail("block %llu was taken from its message", block);
	if (block_is_used(from) && to != BLOCK_FREE)
		explore_fail("block %llu went from one owner to another", block);
	if (block_is_used(to) && !(world.files[queue].extents >> block / 2 & 1))
		explore_fail("block %llu has an owner, but no memory", block);
	if (block_is_owned(from) &&
	    actor_of_row(queue, block_owner_row(from), block_owner_serial(from)) != acting() &&
	    handle_is_alive(queue, block_owner_row(from), block_owner_serial(from)))
		explore_fail("block %llu was taken from its living owner", block);
}
