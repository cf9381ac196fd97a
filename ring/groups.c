/* Join, pop, and what is asked of a group. ring/groups.h has the protocol. */
#include "ring/groups_walk.h"

/* What was read of the chain at `spot` makes no sense: damage, if the cell is still as it was. */
static enum group_result damaged_if_still(const struct group_spot *spot)
{
	return group_is_still(spot) ? GROUP_DAMAGED : GROUP_OK;
}

/* ---- join ------------------------------------------------------------------------------------- */

/* A number above `floor`, which was given to a message that had joined before. 0: the counter is damaged. */
static uint64_t number_above(const struct groups *groups, struct fifo_links *links, uint64_t floor)
{
	uint64_t number = load_relaxed(&links->sequence); /* relaxed: our own */

	if (number > floor && floor != 0)
		return number;
	/* [G2] After the cell was read, so it is above all that have joined; before the CAS that shows it. */
	number = fetch_add_seq(groups->sequence, 1) + 1;
	CRASH_POINT(group_numbered);
	if (number <= floor)
		return 0;
	store_release(&links->sequence, number); /* [G1] */
	CRASH_POINT(group_link_written);
	return number;
}

/* The tail lags behind a join, or its chain was closed by who popped the last: does what is left to do. GROUP_OK:
 * look again. */
static enum group_result help_tail(const struct groups *groups, const struct group_spot *spot, uint64_t next,
				   const struct fifo_links *tail_links)
{
	uint64_t sealed = spot->is_sealed ? GROUP_SEALED : 0;
	struct fifo_links *links;
	enum group_result result;

	if (next == link_closed(spot->tail)) {
		if (spot->head != spot->tail)
			return damaged_if_still(spot);
		if (group_change(spot, 0, spot->tail | sealed)) /* [G3] */
			CRASH_POINT(group_emptied);
		return GROUP_OK;
	}
	result = link_is_follower(spot->tail, next) ? group_links(groups, next, &links) : GROUP_DAMAGED;
	/* [G1] Numbers rise along a chain, so that no walk can go round. */
	if (result == GROUP_OK && load_acquire(&links->sequence) <= load_acquire(&tail_links->sequence))
		result = GROUP_DAMAGED;
	if (result != GROUP_OK)
		return group_is_still(spot) ? result : GROUP_OK;
	if (group_change(spot, spot->head, next | sealed))
		CRASH_POINT(group_tail_moved);
	return GROUP_OK;
}

/* GROUP_FIRST: joined, as the head; GROUP_OK: look again. */
static enum group_result begin(const struct groups *groups, const struct group_spot *spot, uint64_t link,
			       struct fifo_links *links)
{
	number_above(groups, links, 0);
	/* [G2] Linearisation point of a join to a group without messages. */
	if (!group_change(spot, link, link))
		return GROUP_OK;
	CRASH_POINT(group_begun);
	return GROUP_FIRST;
}

/* GROUP_NONE: look again. */
static enum group_result append(const struct groups *groups, const struct group_spot *spot, uint64_t link,
				struct fifo_links *links)
{
	struct fifo_links *tail;
	enum group_result result = group_links(groups, spot->tail, &tail);
	uint64_t next;

	if (result == GROUP_OK) {
		next = load_acquire(&tail->next); /* [G2] */
		if (next != link_unset(spot->tail))
			result = help_tail(groups, spot, next, tail);
		else if (!number_above(groups, links, load_acquire(&tail->sequence))) /* [G1] */
			result = damaged_if_still(spot);
		/* [G2] Linearisation point of a join: the tail has no follower, and is not closed. Its generation
		 * is in the value, so it is still the message that we saw in the chain, wherever the cell is by
		 * now. */
		else if (cas_seq(&tail->next, next, link)) {
			CRASH_POINT(group_joined);
			if (group_change(spot, spot->head, link | (spot->is_sealed ? GROUP_SEALED : 0)))
				CRASH_POINT(group_tail_moved);
			return GROUP_OK;
		}
	} else {
		result = group_is_still(spot) ? result : GROUP_OK;
	}
	return result == GROUP_OK ? GROUP_NONE : result;
}

enum group_result groups_join(const struct groups *groups, uint64_t link)
{
	struct fifo_links *links;
	enum group_result result = group_links(groups, link, &links);
	uint64_t group;

	if (result != GROUP_OK)
		return result;
	group = load_relaxed(&links->group); /* relaxed: our own */
	/* [G2] Before anybody can have the link. */
	store_release(&links->next, link_unset(link));
	CRASH_POINT(group_link_written);
	for (uint32_t tries = 0; tries < GROUP_TRIES_MAX; tries++) {
		struct group_spot spot;

		result = group_find(groups, group, GROUP_REPLACES, &spot);
		if (result == GROUP_FIRST) {
			if (begin(groups, &spot, link, links) == GROUP_FIRST)
				return GROUP_FIRST;
			continue;
		}
		if (result != GROUP_OK)
			return result;
		result = append(groups, &spot, link, links);
		if (result != GROUP_NONE)
			return result;
	}
	return GROUP_STALE;
}

/* ---- pop -------------------------------------------------------------------------------------- */

/* GROUP_OK: it is off; GROUP_NONE: look again. */
static enum group_result pop_at(const struct groups *groups, const struct group_spot *spot,
				struct fifo_links *links, uint64_t *ret_next)
{
	uint64_t head = spot->head, sealed = spot->is_sealed ? GROUP_SEALED : 0;
	uint64_t next = load_acquire(&links->next); /* [G2] */
	bool is_last = spot->tail == head;
	struct fifo_links *follower;
	enum group_result result;

	if (is_last && next == link_unset(head)) {
		/* [G2] No more joins by it. */
		if (!cas_seq(&links->next, next, link_closed(head)))
			return GROUP_NONE;
		CRASH_POINT(group_closed);
		next = link_closed(head);
	}
	if (is_last && next == link_closed(head)) {
		/* [G3] Linearisation point: the group has no messages. */
		if (!group_change(spot, 0, head | sealed))
			return GROUP_NONE;
		CRASH_POINT(group_emptied);
		*ret_next = 0;
		return GROUP_OK;
	}
	result = link_is_follower(head, next) ? group_links(groups, next, &follower) : GROUP_DAMAGED;
	if (result != GROUP_OK)
		return group_is_still(spot) ? result : GROUP_NONE;
	/* [G3] Linearisation point: the follower is the head. The tail may lag: then it is moved on as well. */
	if (!group_change(spot, next, (is_last ? next : spot->tail) | sealed))
		return GROUP_NONE;
	CRASH_POINT(group_popped);
	*ret_next = next;
	return GROUP_OK;
}

enum group_result groups_pop_to(const struct groups *groups, uint64_t group, uint64_t head, uint64_t *ret_next)
{
	struct fifo_links *links;
	enum group_result result = group_links(groups, head, &links);
	bool was_closed = false;

	if (result != GROUP_OK)
		return result;
	*ret_next = 0;
	for (uint32_t tries = 0; tries < GROUP_TRIES_MAX; tries++) {
		struct group_spot spot;

		result = group_find(groups, group, GROUP_MOVES, &spot);
		if (result == GROUP_NONE || (result == GROUP_OK && spot.head != head)) {
			/* [G2] Closed, and then the cell was seen without it: somebody else has emptied it. Seen
			 * the other way round, it may have become the head in between, and be so still. */
			if (was_closed || load_acquire(&links->next) != link_closed(head))
				return was_closed ? GROUP_OK : GROUP_NONE;
			was_closed = true;
			continue;
		}
		if (result != GROUP_OK)
			return result;
		result = pop_at(groups, &spot, links, ret_next);
		if (result != GROUP_NONE)
			return result;
	}
	return GROUP_STALE;
}

/* ---- questions -------------------------------------------------------------------------------- */

enum group_result groups_head(const struct groups *groups, uint64_t group, uint64_t *ret_head)
{
	struct group_spot spot;
	enum group_result result = group_find(groups, group, GROUP_LOOKS, &spot);

	if (result == GROUP_OK)
		*ret_head = spot.head;
	return result;
}

enum group_result groups_follower(const struct groups *groups, uint64_t link, uint64_t *ret_follower)
{
	struct fifo_links *links, *follower;
	enum group_result result = group_links(groups, link, &links);
	uint64_t next;

	if (result != GROUP_OK)
		return result;
	next = load_relaxed(&links->next); /* relaxed: who goes there reads the slot's word, which acquires */
	if (!link_is_follower(link, next))
		return GROUP_NONE;
	result = group_links(groups, next, &follower);
	if (result == GROUP_OK)
		*ret_follower = next;
	return result;
}

enum group_result groups_keep(const struct groups *groups, uint64_t link)
{
	struct fifo_links *links, *head;
	enum group_result result = group_links(groups, link, &links);
	uint64_t group, sequence, first;

	if (result != GROUP_OK)
		return result;
	/* relaxed: if they are another message's by now, so is the slot's word, and what the caller does with what
	 * he has read of it fails. */
	group = load_relaxed(&links->group);
	sequence = load_relaxed(&links->sequence);
	for (uint32_t tries = 0; tries < GROUP_TRIES_MAX; tries++) {
		struct group_spot spot;

		result = group_find(groups, group, GROUP_LOOKS, &spot);
		if (result != GROUP_OK)
			return result;
		result = group_links(groups, spot.head, &head);
		if (result != GROUP_OK)
			return result;
		first = load_acquire(&head->sequence);		    /* [G1] the head's, if it is still the head */
		if (load_relaxed(&spot.cell->low) == spot.seen.low) /* relaxed: behind it */
			return first > sequence ? GROUP_NONE : GROUP_OK;
	}
	return GROUP_STALE;
}

/* A message that was in a chain, and what it said while its slot was its own. */
struct passed {
	uint64_t next, sequence;
};

static enum group_result pass(const struct groups *groups, uint64_t link, struct passed *ret, bool *ret_is_same)
{
	const struct slot *slots;
	struct fifo_links *links;
	enum group_result result = group_links(groups, link, &links);

	if (result != GROUP_OK)
		return result;
	slots = groups->rings[link_ring(link)].slots;
	ret->next = load_acquire(&links->next); /* [G2] */
	ret->sequence = load_acquire(&links->sequence);
	/* [G1] Not freed up to now, so it was of this message. */
	*ret_is_same = link_is_of(link, slot_read(&slots[link_slot(link)]));
	return GROUP_OK;
}

/* From the head on, in order of sequence. GROUP_FIRST: the head is not the head any more, begin again. */
static enum group_result look_through(const struct groups *groups, uint64_t head, uint64_t link, uint64_t sequence)
{
	uint64_t at = head, above = 0;

	while (at != link) {
		struct passed passed;
		bool is_same;
		enum group_result result = pass(groups, at, &passed, &is_same);

		if (result != GROUP_OK)
			return result;
		if (!is_same)
			return GROUP_FIRST;
		if (passed.sequence >= sequence || !link_is_follower(at, passed.next))
			return GROUP_NONE;
		if (passed.sequence <= above)
			return GROUP_DAMAGED;
		above = passed.sequence;
		at = passed.next;
	}
	return GROUP_OK;
}

enum group_result groups_contain(const struct groups *groups, uint64_t link)
{
	struct fifo_links *links;
	enum group_result result = group_links(groups, link, &links);
	uint64_t group, sequence, head;

	if (result != GROUP_OK)
		return result;
	/* relaxed: the proof of death is behind all that the owner has stored. Of an older message, if he died
	 * before he wrote them: then it is not there. */
	group = load_relaxed(&links->group);
	sequence = load_relaxed(&links->sequence);
	if (sequence == 0)
		return GROUP_NONE;
	for (uint32_t tries = 0; tries < GROUP_TRIES_MAX; tries++) {
		result = groups_head(groups, group, &head);
		if (result == GROUP_OK)
			result = look_through(groups, head, link, sequence);
		if (result != GROUP_FIRST)
			return result;
	}
	return GROUP_STALE;
}
