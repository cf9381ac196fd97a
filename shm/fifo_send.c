/* Being sent: a message joins its group, is decided on, and published or dropped, by whomever; and taken back, if
 * its journal has no room. */
#include "shm/fifo_parts.h"

#include "ring/crashpoint.h"
#include "ringlease.h"
#include "shm/durable.h"
#include "shm/seen.h"

#include <errno.h>

enum { SETTLED_A_JOIN = 32 }; /* cells of older tables */

static uint64_t due_after(const struct fifo_links *links, uint64_t delay_ms)
{
	return load_relaxed(&links->boot_ms) + OS_CLOCK_SLACK_MS + delay_ms; /* relaxed: behind the word */
}

/* What a message becomes that has joined. */
static struct slot_word published(const struct segment *segment, const struct fifo_links *links,
				  struct slot_word writing, uint64_t *ret_due_ms)
{
	uint64_t delay_ms = seg_attribute(segment, ATTRIBUTE_DELAY_MS), generation = word_generation(writing);
	uint64_t due_ms = due_after(links, delay_ms);

	*ret_due_ms = delay_ms > 0 ? due_ms : 0;
	if (segment->durability == RLQ_SYNC)
		return word_make(SLOT_PENDING, generation, delay_ms > 0 ? PENDING_DELAYED : PENDING_READY, 0,
				 (uint32_t)*ret_due_ms);
	if (delay_ms > 0)
		return word_make(SLOT_DELAYED, generation, OWNER_NONE, 0, (uint32_t)due_ms);
	return word_make(SLOT_READY, generation, OWNER_NONE, 0, 0);
}

/* It was decided: what it becomes. Only who does it hears true. */
static bool publish_first(struct segment *segment, const struct ring *ring, uint32_t slot, struct slot_word writing)
{
	uint64_t due_ms;
	struct slot_word to = published(segment, fifo_links(&ring->slots[slot]), writing, &due_ms);

	if (!slot_change(&ring->slots[slot], writing, to)) /* [G1] */
		return false;
	CRASH_POINT(fifo_published);
	if (due_ms != 0)
		due_lower(&ring->due, slot, due_ms);
	ring_mark(ring, slot);
	return true;
}

void fifo_keep_delay(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word delayed)
{
	const struct ring *at = &segment->ring[ring];
	uint64_t due_ms = due_after(fifo_links(&at->slots[slot]), seg_attribute(segment, ATTRIBUTE_DELAY_MS));

	if (word_receives(delayed) == 0 && word_deadline_ms(delayed) != (uint32_t)due_ms)
		ring_set_deadline(at, slot, delayed, SLOT_DELAYED, due_ms);
}

static bool drop_duplicate(struct segment *segment, const struct ring *ring, uint32_t slot,
			   struct slot_word writing)
{
	struct slot_word held = word_with_owner(word_held(writing, seg_turn(segment)), OWNER_NEVER);
	uint64_t group = fifo_group(&ring->slots[slot]);

	if (!slot_change(&ring->slots[slot], writing, held)) /* [G1] */
		return false;
	CRASH_POINT(fifo_dropped);
	fifo_settle(segment, group);
	return true;
}

static bool is_being_sent(uint64_t link, struct slot_word word)
{
	return link_is_of(link, word) && (word_state(word) == SLOT_WRITING || word_state(word) == SLOT_PASSED);
}

/* Decides and does what follows, whoever asks. `*ret_is_ours`: it was we who made it what it is. */
static enum dedup_result deal_with(struct segment *segment, const struct dedup_message *message,
				   struct dedup_answer *ret, bool *ret_is_ours)
{
	enum dedup_result fate = seen_decide(segment, message, ret);
	uint32_t index, at;
	const struct ring *ring = fifo_place(segment, message->link, &index, &at);
	struct slot_word word;

	*ret_is_ours = false;
	if (ring == NULL || (fate != DEDUP_FIRST && fate != DEDUP_DUPLICATE && fate != DEDUP_LATE))
		return DEDUP_DAMAGED;
	/* Before it is published, by whomever: what is not WRITING any more needs no completion when it is freed.
	 */
	if (fate == DEDUP_FIRST)
		dedup_fill(ret->entry, message);
	for (word = slot_read(&ring->slots[at]); !*ret_is_ours && is_being_sent(message->link, word);
	     word = slot_read(&ring->slots[at]))
		*ret_is_ours = fate == DEDUP_FIRST ? publish_first(segment, ring, at, word)
						   : drop_duplicate(segment, ring, at, word);
	return fate;
}

void fifo_publish(struct segment *segment, uint64_t link)
{
	uint32_t index, at;
	const struct ring *ring = fifo_place(segment, link, &index, &at);
	struct dedup_message message;
	struct dedup_answer answer;
	bool is_ours;

	/* Read after it was seen WRITING: nobody writes it any more. */
	if (ring != NULL && is_being_sent(link, slot_read(&ring->slots[at])) &&
	    dedup_read(&segment->dedup, link, &message))
		deal_with(segment, &message, &answer, &is_ours);
}

int fifo_join(struct segment *segment, uint64_t link, bool *ret_is_head)
{
	enum group_result result;
	uint32_t looks = 0;
	int error;

	/* Each that comes does a little, so that an older table is empty long before the next one is full. */
	if (__builtin_expect(segment->groups.table_count > 1, 0))
		fifo_empty_older(segment, SETTLED_A_JOIN);
	do
		result = groups_join(&segment->groups, link);
	while (fifo_tries_again(segment, result, &looks, &error));
	CRASH_POINT(fifo_joined);
	*ret_is_head = result == GROUP_FIRST;
	return error;
}

bool fifo_find(struct segment *segment, const uint64_t key[2], struct fifo_sent *ret_first)
{
	struct dedup_answer answer;

	if (!seen_look(segment, key, &answer))
		return false;
	*ret_first = (struct fifo_sent){
		.is_duplicate = true,
		.id = {answer.id[0], answer.id[1]},
		.sequence = answer.sequence,
		.link = answer.link,
	};
	return true;
}

int fifo_reserve(struct segment *segment)
{
	return seen_reserve(segment);
}

void fifo_unreserve(struct segment *segment)
{
	seen_unreserve(segment);
}

/* The number that the join gave it; 0: others have dealt with it so fast that its slot is another one's. */
static uint64_t own_sequence(const struct slot *slot, uint64_t link)
{
	uint64_t sequence = load_acquire(&fifo_links(slot)->sequence);

	return link_is_of(link, slot_read(slot)) ? sequence : 0;
}

/* What its sender is told. */
static int tell(const struct dedup_message *message, enum dedup_result fate, const struct dedup_answer *answer,
		bool is_ours, struct fifo_sent *ret_sent)
{
	if (fate == DEDUP_LATE)
		return is_ours ? -EAGAIN : RLQ_EUNKNOWN;
	if (fate != DEDUP_FIRST && fate != DEDUP_DUPLICATE)
		return RLQ_EUNKNOWN;
	if (fate == DEDUP_DUPLICATE && answer->is_void) /* so neither was sent */
		return -EAGAIN;
	*ret_sent = (struct fifo_sent){.is_duplicate = fate == DEDUP_DUPLICATE,
				       .id = {answer->id[0], answer->id[1]},
				       .link = answer->link,
				       .sequence = answer->sequence ? answer->sequence : message->sequence};
	return 0;
}

int fifo_send(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word writing,
	      struct fifo_sent *ret_sent)
{
	struct slot *at = &segment->ring[ring].slots[slot];
	uint64_t link = fifo_link(ring, slot, writing);
	struct dedup_message message;
	struct dedup_answer answer;
	enum dedup_result fate;
	bool is_head, is_ours;
	int error;

	seen_stamp(segment, at, link, &message);
	if (__builtin_expect(!seen_has_place(segment, message.key), 0))
		return RLQ_EDEDUPFULL;
	error = fifo_join(segment, link, &is_head);
	if (error)
		return error;
	message.sequence = own_sequence(at, link);
	fate = deal_with(segment, &message, &answer, &is_ours);
	/* Who has published it for us may be stopped before he comes to that. */
	if (fate == DEDUP_FIRST && !is_ours)
		ring_mark(&segment->ring[ring], slot);
	/* Behind another one, who makes it the head looks at it. It was the head a moment ago, and if it is READY
	 * it has hardly been taken since. */
	if (is_head && fate == DEDUP_FIRST && word_state(slot_read(at)) == SLOT_READY)
		fifo_offer(segment, fifo_links(at), link);
	return tell(&message, fate, &answer, is_ours, ret_sent);
}

bool fifo_take_back(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word pending)
{
	struct slot_word held = word_with_owner(word_held(pending, seg_turn(segment)), OWNER_NEVER);
	uint64_t group = fifo_group(&segment->ring[ring].slots[slot]);

	if (!slot_change(&segment->ring[ring].slots[slot], pending, held))
		return false;
	CRASH_POINT(fifo_taken_back);
	ring_mark(&segment->ring[ring], slot);
	seen_take_back(segment, fifo_link(ring, slot, held));
	fifo_settle_held(segment, group, ring, slot, held);
	return true;
}

int fifo_first_was_sent(struct segment *segment, uint64_t link, const uint64_t key[2])
{
	uint32_t index, at;
	const struct ring *ring = fifo_place(segment, link, &index, &at);
	struct slot_word word;

	if (link == 0)
		return 1;
	/* The slot before the entry: it is freed after that is void. */
	word = ring ? slot_read(&ring->slots[at]) : (struct slot_word){0};
	if (ring && link_is_of(link, word)) {
		if (word_state(word) == SLOT_PENDING || is_being_sent(link, word))
			return -EAGAIN;
		if (word_state(word) == SLOT_HELD && word_owner(word) == OWNER_NEVER)
			return 0;
	}
	return !seen_is_void(segment, link, key);
}

/* Who is still being sent: 1: it has joined; 0: not yet; else a code. */
static int has_joined(struct segment *segment, uint64_t link)
{
	enum group_result result;
	uint32_t looks = 0;
	int error;

	do
		result = groups_contain(&segment->groups, link);
	while (fifo_tries_again(segment, result, &looks, &error));
	return error ? error : result == GROUP_OK;
}

void fifo_publish_joined(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word word)
{
	uint64_t link = fifo_link(ring, slot, word);

	if (is_being_sent(link, word) && has_joined(segment, link) == 1)
		fifo_publish(segment, link);
}

bool fifo_rescue(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word word)
{
	uint64_t link = fifo_link(ring, slot, word);
	int joined = has_joined(segment, link);

	if (joined == 0)
		return false;
	if (joined < 0)
		return true; /* not now */
	fifo_publish(segment, link);
	fifo_became_ready(segment, ring, slot, slot_read(&segment->ring[ring].slots[slot]));
	return true;
}
