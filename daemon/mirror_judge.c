#include "daemon/mirror_judge.h"

/* A folder of which nothing is known but what is in it. */
static bool is_plain(const struct standing_look *look)
{
	return look->standing.state == STANDING_SINGLE || (look->standing.state == 0 && look->has_files);
}

static bool is_empty(const struct standing_look *look)
{
	return look->standing.state == 0 && !look->has_files;
}

static bool is(const struct standing_look *look, enum standing_state state)
{
	return look->standing.state == (uint32_t)state;
}

/* `one` knows that it has what was acknowledged: is the other one behind it? Not if that has gone on too. */
static bool is_ahead(const struct standing_look *one, const struct standing_look *other)
{
	const struct standing *mine = &one->standing, *its = &other->standing;

	if (is(other, STANDING_STALE))
		return mine->generation >= its->generation;
	if (!is(other, STANDING_PAIRED))
		return false;
	if (mine->generation == its->generation)
		return is(one, STANDING_ALONE) && mine->pairing == its->pairing;
	return mine->generation > its->generation;
}

static bool is_in_step(const struct standing_look *one, const struct standing_look *other)
{
	return is(one, STANDING_PAIRED) && is(other, STANDING_PAIRED) &&
	       one->standing.generation == other->standing.generation &&
	       one->standing.pairing == other->standing.pairing;
}

/* Killed while a journal was begun with its mirror, or made to have one. */
static bool is_half_made(const struct standing_look *first, const struct standing_look *second)
{
	return is(second, STANDING_STALE) && (is_plain(first) || second->standing.pairing == 0);
}

/* The first one is empty or plain. */
static enum mirror_verdict judge_new(const struct standing_look *first, const struct standing_look *second)
{
	if (is_empty(second) || is_half_made(first, second))
		return MIRROR_FILL_SECOND;
	if (is_plain(first))
		return MIRROR_NOT_ITS_OWN;
	if (is(second, STANDING_ALONE))
		return MIRROR_FILL_FIRST;
	return is(second, STANDING_STALE) ? MIRROR_BOTH_STALE : MIRROR_FIRST_MISSING;
}

/* The second one is empty; the first one was half of a pair. */
static enum mirror_verdict judge_emptied(const struct standing_look *first)
{
	if (is(first, STANDING_STALE))
		return MIRROR_BOTH_STALE;
	return is(first, STANDING_ALONE) ? MIRROR_FILL_SECOND : MIRROR_SECOND_MISSING;
}

/* Those of one pairing are of one journal, though one of them may have begun it anew while there was nothing in it.
 */
static bool are_of_two_journals(const struct standing_look *first, const struct standing_look *second)
{
	return first->journal_id && second->journal_id && first->journal_id != second->journal_id &&
	       first->standing.pairing != second->standing.pairing;
}

enum mirror_verdict mirror_judge(const struct standing_look *first, const struct standing_look *second)
{
	if (is_plain(second) || are_of_two_journals(first, second))
		return MIRROR_NOT_ITS_OWN;
	if (is_empty(first) || is_plain(first))
		return judge_new(first, second);
	if (is_empty(second))
		return judge_emptied(first);
	if (is_in_step(first, second))
		return MIRROR_IN_STEP;
	if (is(first, STANDING_STALE) && is(second, STANDING_STALE))
		return MIRROR_BOTH_STALE;
	if (!is(first, STANDING_STALE) && is_ahead(first, second))
		return MIRROR_FILL_SECOND;
	if (!is(second, STANDING_STALE) && is_ahead(second, first))
		return MIRROR_FILL_FIRST;
	return is(first, STANDING_STALE) || is(second, STANDING_STALE) ? MIRROR_BOTH_STALE : MIRROR_DIVERGED;
}

enum mirror_single mirror_judge_single(const struct standing_look *look)
{
	if (is(look, STANDING_PAIRED))
		return MIRROR_PERHAPS_BEHIND;
	return is(look, STANDING_STALE) ? MIRROR_BEHIND : MIRROR_CURRENT;
}
