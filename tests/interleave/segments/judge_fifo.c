/* What holds of FIFO queues beside the rules of all:
 *
 *   order     the messages of a group are first leased in the order of their numbers; and who is told of a number
 *             is told of a greater one than anybody had been told before he began.
 *   in turn   a receive returns a message together with all that were ahead of it in its group when it was leased:
 *             leased by the same receive, or gone.
 *   once      of the messages of one deduplication id one is published, as long as that counts; and all senders are
 *             told of that one, by the same id and number. What was told is there.
 *   leases    who has a lease that is over, or ended it, changes nothing by it any more.
 *   chains    a slot is used again only when nothing is ahead of what was in it.
 *   turns     at the end, if nobody was killed or stopped, receives find each head that is READY: no sweep is
 * needed.
 */
#include "tests/interleave/segments/judge.h"

#include <string.h>

/* Those that are there for their group: what is behind waits for them. */
#define IN_THE_WAY (ONE(PENDING) | ONE(READY) | ONE(LEASED) | ONE(DELAYED) | ONE(DEAD) | ONE(MOVING))

static char letter_of(const char *letters, unsigned number)
{
	size_t last = strlen(letters) - 1;

	return letters[number - 1 < last ? number - 1 : last];
}

char fifo_group_of(unsigned number)
{
	return letter_of(world_shape()->groups, number);
}

char fifo_id_of(unsigned number)
{
	const char *ids = world_shape()->ids;

	if (world.is_over)
		return (char)('A' + number);
	return ids && number <= strlen(ids) ? ids[number - 1] : (char)('0' + number);
}

static uint8_t set_of(unsigned number)
{
	return (uint8_t)(1u << number);
}

static unsigned group_index(unsigned number)
{
	return (unsigned)(fifo_group_of(number) - 'a');
}

static uint8_t sequence_in(const struct slot *slot)
{
	return (uint8_t)fifo_links(slot)->sequence;
}

static uint32_t id_folded(uint64_t first, uint64_t second)
{
	return (uint32_t)((first ^ second * 31) % 0xfffffffb) | 1;
}

static uint32_t id_in(const struct slot *slot)
{
	return id_folded(slot->message.id[0], slot->message.id[1]);
}

/* ---- those ahead ------------------------------------------------------------------------------- */

struct ahead {
	uint8_t all, unheld;
};

/* Is something there that those behind it wait for? */
static bool is_in_the_way(const struct spot *spot)
{
	struct slot_word word = word_in(spot->at);

	return is_one_of(word_state(word), IN_THE_WAY) ||
	       (word_state(word) == SLOT_ARRIVING && arriving_is_decided(spot, word));
}

static void look_ahead(const struct spot *self, const struct spot *other, struct ahead *ahead)
{
	unsigned number = number_in(self->queue, self->at), there = number_in(other->queue, other->at);

	if (!is_in_the_way(other) || there == 0 || there == number ||
	    fifo_group_of(there) != fifo_group_of(number) || sequence_in(other->at) >= sequence_in(self->at))
		return;
	ahead->all |= set_of(there);
	if (word_state(word_in(other->at)) != SLOT_LEASED || world.accounts[there].holder != acting())
		ahead->unheld |= set_of(there);
}

/* Of the message in a slot. */
static struct ahead those_ahead(const struct spot *spot)
{
	int queue = spot->queue;
	struct ahead ahead = {0};

	for (uint32_t ring = 0; number_in(queue, spot->at) && ring < RINGS_SEEN; ring++)
		for (uint32_t slot = 0; slot < slots_in(queue, ring); slot++)
			look_ahead(spot, &(struct spot){queue, ring, slot, slot_in(queue, ring, slot)}, &ahead);
	return ahead;
}

/* ---- changes of a word ------------------------------------------------------------------------- */

bool fifo_is_drawn(enum slot_state from, enum slot_state to)
{
	return to == SLOT_HELD && is_one_of(from, ONE(WRITING) | ONE(PASSED) | ONE(ARRIVING) | ONE(HELD));
}

bool fifo_may_change(const struct spot *spot, enum slot_state to)
{
	return to != SLOT_FREE && sequence_in(spot->at) != 0;
}

void fifo_published(const struct spot *spot, unsigned number)
{
	struct account *account = &world.accounts[number];
	const struct fifo_links *links = fifo_links(spot->at);

	account->sequence[spot->queue] = sequence_in(spot->at);
	account->id = id_in(spot->at);
	account->boot_ms = links->boot_ms;
	for (unsigned i = 1; i < MESSAGES_MAX; i++) {
		const struct account *other = &world.accounts[i];

		if (i != number && other->exists && !other->taken_back && fifo_id_of(i) == fifo_id_of(number) &&
		    other->sequence[QUEUE] > links->purged &&
		    account->boot_ms - other->boot_ms < world_shape()->window_ms)
			explore_fail("message %llu is published, though its id was sent before", number);
	}
}

void fifo_leased(const struct spot *spot, struct account *account)
{
	unsigned number = number_in(spot->queue, spot->at);
	struct ahead ahead = those_ahead(spot);
	uint8_t *last = &world.leased[spot->queue][group_index(number)];

	account->ahead[acting()] = ahead.all;
	account->unheld[acting()] = ahead.unheld;
	if (!(account->was_leased >> spot->queue & 1) && sequence_in(spot->at) < *last)
		explore_fail("message %llu is received for the first time after one that was sent later", number);
	account->was_leased |= (uint8_t)(1u << spot->queue);
	if (sequence_in(spot->at) > *last)
		*last = sequence_in(spot->at);
}

void fifo_share(int actor, unsigned number, uint32_t receives)
{
	struct account *account = &world.accounts[number];

	if (account->holder == actor || account->holder == NOBODY || receives != account->epoch)
		return;
	if (!account->is_of_attempt)
		explore_fail("message %llu was taken by an attempt from who had not received it by one", number);
	account->partner = (uint8_t)actor;
	account->epoch_of[actor] = account->epoch;
	account->ahead[actor] = account->ahead[account->holder];
	account->unheld[actor] = account->unheld[account->holder];
}

void fifo_left(const struct spot *spot, struct slot_word from)
{
	int who = acting();

	if (word_state(from) == SLOT_MOVED || world.purges[who])
		return;
	if (word_state(from) != SLOT_LEASED)
		explore_fail("slot %llu: a message was deleted by somebody whose lease has ended", spot->slot);
	else
		fifo_judge_lease(spot, from);
}

void fifo_judge_lease(const struct spot *spot, struct slot_word from)
{
	if (deadline_is_past(word_deadline_ms(from), (uint32_t)world.began_ms[acting()]))
		explore_fail("slot %llu: a lease that was over was used", spot->slot);
}

void fifo_freed(const struct spot *spot, struct slot_word from)
{
	if (word_state(from) == SLOT_HELD && those_ahead(spot).all)
		explore_fail("slot %llu is used again before those ahead of it are gone", spot->slot);
}

/* ---- answers ------------------------------------------------------------------------------------ */

/* It was decided, and waits for anybody to publish it. */
static bool is_under_way(unsigned number, uint32_t id)
{
	for (uint32_t ring = 0; ring < RINGS_SEEN; ring++)
		for (uint32_t slot = 0; slot < slots_in(QUEUE, ring); slot++) {
			const struct slot *at = slot_in(QUEUE, ring, slot);

			if (is_one_of(word_state(word_in(at)), ONE(WRITING) | ONE(PASSED)) && id_in(at) == id &&
			    number_in(QUEUE, at) == number)
				return true;
		}
	return false;
}

/* Of which message a sender was told; 0: of none. */
static unsigned number_told(unsigned sent, uint32_t id)
{
	for (unsigned i = 1; i < MESSAGES_MAX; i++)
		if (fifo_id_of(i) == fifo_id_of(sent) &&
		    (world.accounts[i].exists ? world.accounts[i].id == id : is_under_way(i, id)))
			return i;
	return 0;
}

void fifo_judge_sent(unsigned number, const struct rlq_sent *sent, unsigned before)
{
	unsigned told = number_told(number, id_folded(sent->id.word[0], sent->id.word[1]));
	const struct account *account = &world.accounts[told];

	if (account->taken_back)
		explore_fail("message %llu was taken back, though a sender was told of it", told);
	else if (told == 0)
		explore_fail("the sender of message %llu was told of one that is not there", number);
	else if (sent->is_duplicate != (told != number))
		explore_fail("the sender of message %llu does not hear whether it is a duplicate", number);
	else if (sent->is_duplicate && world.accounts[number].exists)
		explore_fail("message %llu is there, though its sender heard of another", number);
	else if (account->exists && sent->sequence != account->sequence[QUEUE])
		explore_fail("the sender of message %llu was told another number", number);
	else if (!sent->is_duplicate && sent->sequence <= before)
		explore_fail("message %llu is ahead of one that was sent before", number);
	world.promised |= set_of(told);
	if (sent->sequence > world.told)
		world.told = (uint8_t)sent->sequence;
}

void fifo_judge_received(int actor, int queue, const struct rlq_message *message, unsigned count)
{
	uint8_t before = 0;

	for (unsigned i = 0; i < count; i++) {
		unsigned number = own[actor].number[i];
		const struct account *account = &world.accounts[number];

		if (number == 0)
			return;
		if (account->unheld[actor])
			explore_fail("message %llu was received while one ahead of it was not held", number);
		else if (account->ahead[actor] & ~before)
			explore_fail("message %llu was received without those ahead of it", number);
		if (message[i].group == NULL || message[i].group[0] != fifo_group_of(number) ||
		    message[i].sequence == 0 || (queue == QUEUE && message[i].sequence < account->sequence[QUEUE]))
			explore_fail("message %llu says another group or number", number);
		before |= set_of(number);
	}
}

/* Its lease stands to the end of the call, and yet it was refused. */
void fifo_check_refused(int actor, unsigned number, uint32_t receives)
{
	const struct account *account = &world.accounts[number];

	for (int queue = 0; queue < QUEUES; queue++)
		for (uint32_t slot = 0; slot < slots_in(queue, 0); slot++) {
			struct slot_word word = word_in(slot_in(queue, 0, slot));

			if (number_in(queue, slot_in(queue, 0, slot)) == number &&
			    word_state(word) == SLOT_LEASED && account->holder == actor &&
			    receives == word_receives(word) &&
			    !deadline_is_past(word_deadline_ms(word), (uint32_t)world.now_ms))
				explore_fail("message %llu: its holder was refused", number);
		}
}

/* ---- the end -------------------------------------------------------------------------------------- */

static void check_turn(const struct spot *spot)
{
	if (word_state(word_in(spot->at)) == SLOT_READY && those_ahead(spot).all == 0)
		explore_fail("message %llu is the head of its group and READY, and no receive finds it",
			     number_in(spot->queue, spot->at));
}

void fifo_check_turns(int queue)
{
	for (uint32_t ring = 0; ring < RINGS_SEEN; ring++)
		for (uint32_t slot = 0; slot < slots_in(queue, ring); slot++)
			check_turn(&(struct spot){queue, ring, slot, slot_in(queue, ring, slot)});
}

void fifo_check_promises(void)
{
	for (unsigned i = 1; i < MESSAGES_MAX; i++)
		if (world.promised & set_of(i) && !world.accounts[i].exists)
			explore_fail("message %llu never came, though a sender was told of it", i);
}
