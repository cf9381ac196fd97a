/* Is what a turn has written a state between calls: with each effect also its causes (shm/durable.h)?
 *
 * The deeds of a scenario: each message is sent, deleted, and moved once. A deed's causes are those that its actor
 * knew of: its own before, those of all calls that had returned when its call began, and, of a message that it has
 * received, its sender's. What is written of the messages does not say of each deed whether it is in the cut, since
 * what is sent and deleted in it leaves nothing; so from what has to be in it all that follows is taken in, and
 * that must agree with what is written.
 *
 * Two are let off: a message that was PENDING, for nobody can have acted on it, and the move, which a turn takes as
 * it finds it (docs/adr/0008): it need not be left out, and its causes are those of its message.
 */
#include "tests/interleave/segments/journal.h"
#include "tests/interleave/segments/judge.h"

#include <string.h>

struct cut cut;

enum { SENT = 0, DELETED = MESSAGES_MAX - 1, MOVED = 2 * (MESSAGES_MAX - 1), DEEDS = 3 * (MESSAGES_MAX - 1) };

static uint16_t deed(unsigned kind, unsigned message)
{
	return (uint16_t)(1u << (kind + message - 1));
}

static bool is_on(void)
{
	return world_is_durable();
}

/* ---- the accounts -------------------------------------------------------------------------------- */

static void note(int who, unsigned kind, unsigned message, uint16_t causes)
{
	unsigned number = kind + message - 1;

	cut.causes[number] = causes;
	cut.turn_of[number] = cut.began[who];
	cut.happened |= deed(kind, message);
	cut.does[who] |= deed(kind, message);
	cut.knows[who] |= deed(kind, message);
}

static uint16_t with_causes(unsigned kind, unsigned message)
{
	return deed(kind, message) | cut.causes[kind + message - 1];
}

/* That it is where it is. */
static uint16_t place_of(int queue, unsigned message)
{
	uint16_t known = with_causes(SENT, message);

	return queue == cut.home[message] ? known : known | with_causes(MOVED, message);
}

void cut_sent(unsigned message, int sender)
{
	if (is_on() && message)
		note(sender, SENT, message, cut.knows[sender]);
}

void cut_received(int queue, unsigned message)
{
	if (is_on() && message)
		cut.knows[acting()] |= place_of(queue, message);
}

void cut_deleted(int queue, unsigned message)
{
	cut_received(queue, message);
	if (is_on() && message)
		note(acting(), DELETED, message, cut.knows[acting()]);
}

void cut_moved(unsigned message)
{
	if (is_on() && message)
		note(acting(), MOVED, message, with_causes(SENT, message));
}

void cut_call_begins(int actor)
{
	cut.knows[actor] |= cut.returned;
	cut.began[actor] = (uint8_t)engine_page.turn_begun;
}

void cut_call_returns(int actor)
{
	cut.returned |= cut.does[actor];
	cut.does[actor] = 0;
}

/* What was done before the scenario begins is known to all. */
void cut_begin(void)
{
	uint16_t before = 0;

	for (unsigned i = 1; i < MESSAGES_MAX; i++)
		before |= (uint16_t)((world.accounts[i].exists ? deed(SENT, i) : 0) |
				     (world.accounts[i].deleted ? deed(DELETED, i) : 0));
	cut = (struct cut){.returned = before, .happened = before};
	for (int queue = 0; queue < QUEUES; queue++)
		for (uint32_t slot = 0; slot < slots_in(queue, 0); slot++) {
			struct slot_word word = word_in(slot_in(queue, 0, slot));

			if (!is_one_of(word_state(word), ONE(FREE) | ONE(MOVED) | ONE(HELD)))
				cut.home[number_in(queue, slot_in(queue, 0, slot))] = (uint8_t)queue;
		}
}

/* ---- the cut ------------------------------------------------------------------------------------- */

void cut_turn_begins(void)
{
	cut.must = cut.returned;
}

static const struct written_message *find_written(unsigned message)
{
	for (int i = 0; i < written.count; i++)
		if (written.live[i].message == message)
			return &written.live[i];
	return NULL;
}

/* Each message once. */
static void judge_places(void)
{
	uint16_t seen = 0;

	for (int i = 0; i < written.count; i++) {
		unsigned message = written.live[i].message;

		if (message == 0 || !(cut.happened & deed(SENT, message)))
			explore_fail("what was written is no message", 0);
		else if (seen & deed(SENT, message))
			explore_fail("message %llu is written twice", message);
		else
			seen |= deed(SENT, message);
	}
}

/* What is in the cut together with this. */
static uint16_t follow(uint16_t in)
{
	uint16_t more = in;

	for (unsigned i = 0; i < DEEDS; i++)
		if (in >> i & 1)
			more |= cut.causes[i];
	for (unsigned i = 1; i < MESSAGES_MAX; i++)
		if (more & deed(SENT, i) && find_written(i) == NULL)
			more |= with_causes(DELETED, i);
	return more;
}

/* What the written messages themselves say. */
static uint16_t said(void)
{
	uint16_t in = 0;

	for (int i = 0; i < written.count; i++) {
		const struct written_message *at = &written.live[i];

		if (!world_is_sync())
			in |= deed(SENT, at->message);
		if (at->queue != cut.home[at->message])
			in |= deed(MOVED, at->message);
	}
	return in;
}

static void judge_message(unsigned message, uint16_t in, uint64_t turn)
{
	const struct written_message *at = find_written(message);
	bool is_deleted = in & deed(DELETED, message);

	if (is_deleted && at)
		explore_fail("message %llu is written, though its delete is of the turn", message);
	else if (is_deleted && !(cut.happened & deed(DELETED, message)))
		explore_fail("message %llu is not written, and nobody has deleted it", message);
	else if (is_deleted && cut.turn_of[DELETED + message - 1] >= turn)
		explore_fail("message %llu was deleted since the turn began, and is not written", message);
	else if (at && in & deed(MOVED, message) && at->queue == cut.home[message])
		explore_fail("message %llu is written where it was moved from", message);
	else if (in & deed(SENT, message) && cut.turn_of[SENT + message - 1] >= turn)
		explore_fail("message %llu was sent since the turn began, and is written", message);
}

void cut_judge(uint64_t turn)
{
	uint16_t in = cut.must | said(), before;

	if (written.keeper == DRAINER)
		return;
	judge_places();
	do {
		before = in;
		in = follow(in);
	} while (in != before);
	for (unsigned i = 1; i < MESSAGES_MAX; i++)
		judge_message(i, in, turn);
}

/* ---- answers, and the end ------------------------------------------------------------------------ */

void cut_judge_sent(unsigned message)
{
	if (world_is_sync() && find_written(message) == NULL && !world.accounts[message].deleted)
		explore_fail("message %llu: its send answered, and it is not durable", message);
}

void cut_judge_deleted(unsigned message)
{
	if (world_is_sync() && find_written(message))
		explore_fail("message %llu: its delete answered, and is not durable", message);
}

/* Its sender is told that it was not sent. */
void cut_judge_refused(unsigned message)
{
	if (!world.accounts[message].taken_back)
		explore_fail("message %llu was refused, yet it is there", message);
	else if (find_written(message))
		explore_fail("message %llu was refused, yet a restart brings it back", message);
}

static bool is_message(struct slot_word word)
{
	return is_one_of(word_state(word), ONE(READY) | ONE(LEASED) | ONE(DELAYED) | ONE(DEAD));
}

static unsigned judge_slot_rest(int queue, const struct slot *slot)
{
	unsigned message = number_in(queue, slot);
	const struct written_message *at = find_written(message);
	struct slot_word word = word_in(slot);

	if (word_state(word) == SLOT_PENDING)
		explore_fail("message %llu stays PENDING", message);
	if (!is_message(word))
		return 0;
	if (at == NULL)
		explore_fail("message %llu is there, and the journal does not learn of it", message);
	else if (at->queue != queue)
		explore_fail("message %llu is written in another queue than it is in", message);
	else if (at->receives != word_receives(word))
		explore_fail("message %llu: its receive count is not written", message);
	return 1;
}

void cut_judge_rest(void)
{
	unsigned there = 0;

	for (int queue = 0; queue < QUEUES; queue++)
		for (uint32_t ring = 0; ring < RINGS_SEEN; ring++)
			for (uint32_t slot = 0; slot < slots_in(queue, ring); slot++)
				there += judge_slot_rest(queue, slot_in(queue, ring, slot));
	judge_places();
	if (written.count > there)
		explore_fail("%llu messages are written that are gone", written.count - there);
}
