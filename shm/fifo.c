/* The head of a group: whose turn it is, and what is taken off. */
#include "shm/fifo_parts.h"

#include "ring/crashpoint.h"
#include "shm/message.h"
#include "shm/seen.h"

const struct ring *fifo_place(const struct segment *segment, uint64_t link, uint32_t *ret_ring, uint32_t *ret_slot)
{
	uint32_t ring = link_ring(link), slot = link_slot(link);

	if (link == 0 || !(segment->listed >> ring & 1) || slot > segment->ring[ring].mask)
		return NULL;
	*ret_ring = ring;
	*ret_slot = slot;
	return &segment->ring[ring];
}

int fifo_head(struct segment *segment, uint64_t group, uint64_t *ret_head)
{
	enum group_result result;
	uint32_t looks = 0;
	int error;

	do
		result = groups_head(&segment->groups, group, ret_head);
	while (fifo_tries_again(segment, result, &looks, &error));
	return error ? error : result == GROUP_OK;
}

bool fifo_is_head(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word word)
{
	uint64_t head = 0;

	/* What was freed meanwhile is nobody's head. */
	return fifo_head(segment, fifo_group(&segment->ring[ring].slots[slot]), &head) == 1 &&
	       head == fifo_link(ring, slot, word);
}

void fifo_became_ready(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word word)
{
	/* [G1] READY, then the cell. */
	if (word_state(word) == SLOT_READY && fifo_is_head(segment, ring, slot, word))
		fifo_offer_once(segment, fifo_links(&segment->ring[ring].slots[slot]), fifo_link(ring, slot, word));
}

/* Takes what is HELD at the head off, and frees it. 1: it is off, and `*ret_next` the head then, 0 for none; 0: it
 * is not the head. Else a code. */
static int pop(struct segment *segment, uint64_t group, uint64_t head, uint32_t ring, uint32_t slot,
	       uint64_t *ret_next)
{
	enum group_result result;
	uint32_t looks = 0;
	int error;

	/* Whoever takes it back may have been killed before its id was free. */
	if (segment->durability == RLQ_SYNC &&
	    word_owner(slot_read(&segment->ring[ring].slots[slot])) == OWNER_NEVER)
		seen_take_back(segment, head);
	do
		result = groups_pop_to(&segment->groups, group, head, ret_next);
	while (fifo_tries_again(segment, result, &looks, &error));
	CRASH_POINT(fifo_popped);
	if (result == GROUP_OK)
		message_free_popped(segment, ring, slot);
	return error ? error : result == GROUP_OK;
}

/* What is at the head, and what to do with it. True: look again. */
static bool head_settle(struct segment *segment, uint64_t group, uint64_t head)
{
	uint32_t index, at;
	const struct ring *ring = fifo_place(segment, head, &index, &at);
	struct slot_word word;
	uint64_t next;

	if (ring == NULL)
		return false;
	word = slot_read(&ring->slots[at]); /* [G2] behind the cell */
	if (!link_is_of(head, word))
		return true; /* it has gone on meanwhile */
	switch (word_state(word)) {
	case SLOT_HELD:
		return pop(segment, group, head, index, at, &next) >= 0;
	case SLOT_WRITING:
	case SLOT_PASSED:
		fifo_publish(segment, head);
		return true;
	case SLOT_READY:
		fifo_offer_once(segment, fifo_links(&ring->slots[at]), head);
		return false;
	default:
		return false;
	}
}

void fifo_settle(struct segment *segment, uint64_t group)
{
	uint64_t head = 0;

	/* As many as are gone: each is taken off by one of us. */
	for (uint32_t looks = 0; looks < RING_STEPS_MAX; looks++)
		if (fifo_head(segment, group, &head) != 1 || !head_settle(segment, group, head))
			return;
}

void fifo_settle_held(struct segment *segment, uint64_t group, uint32_t ring, uint32_t slot, struct slot_word held)
{
	uint64_t next;
	int popped = pop(segment, group, fifo_link(ring, slot, held), ring, slot, &next);

	/* Most often it is the head, and what comes then is known; if not, that is looked for as ever. Who joins a
	 * group without messages looks himself whether his is READY. */
	if (popped == 0 || (popped == 1 && next != 0 && head_settle(segment, group, next)))
		fifo_settle(segment, group);
}

bool fifo_keeps(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word held)
{
	enum group_result result;
	uint32_t looks = 0;
	int error;

	do
		result = groups_keep(&segment->groups, fifo_link(ring, slot, held));
	while (fifo_tries_again(segment, result, &looks, &error));
	return error || result != GROUP_NONE;
}

bool fifo_follower(struct segment *segment, uint64_t link, uint64_t *ret_follower)
{
	enum group_result result;
	uint32_t looks = 0;
	int error;

	do
		result = groups_follower(&segment->groups, link, ret_follower);
	while (fifo_tries_again(segment, result, &looks, &error));
	return !error && result == GROUP_OK;
}

void fifo_unblock(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word word)
{
	if (fifo_is_head(segment, ring, slot, word))
		fifo_settle(segment, fifo_group(&segment->ring[ring].slots[slot]));
}

void fifo_offer_again(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word word)
{
	fifo_became_ready(segment, ring, slot, word);
}
