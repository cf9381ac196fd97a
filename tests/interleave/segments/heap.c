/* An actor's private memory: handles have fixed places, so that they are part of its state. */
#include "tests/interleave/segments/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct own own[PEOPLE];

void *fake_calloc(size_t count, size_t bytes);
void *fake_malloc(size_t bytes);
void *fake_reallocarray(void *memory, size_t count, size_t bytes);
void fake_free(void *memory);

static void *no_room(size_t bytes)
{
	fprintf(stderr, "interleave: no place for %zu bytes of an actor's memory\n", bytes);
	exit(1);
}

static void *place_take(uint32_t *used, void *places, size_t bytes, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (*used >> i & 1)
			continue;
		*used |= 1u << i;
		return memset((unsigned char *)places + i * bytes, 0, bytes);
	}
	return no_room(bytes);
}

static void *keeper_take(struct keeper *keeper, size_t bytes)
{
	if (bytes <= PLACE_BYTES)
		return place_take(&keeper->small_used, keeper->small, PLACE_BYTES, SMALL_PLACES);
	if (bytes <= SCRATCH_BYTES)
		return place_take(&keeper->scratch_used, keeper->scratch, SCRATCH_BYTES, SCRATCH_PLACES);
	if (bytes == sizeof(struct ledger_group))
		return place_take(&keeper->group_used, keeper->group, bytes, GROUP_PLACES);
	if (bytes <= LIST_BYTES)
		return place_take(&keeper->list_used, keeper->list, LIST_BYTES, LIST_PLACES);
	if (bytes <= KNOWN_BYTES)
		return place_take(&keeper->known_used, keeper->known, KNOWN_BYTES, KNOWN_PLACES);
	return no_room(bytes);
}

void *fake_calloc(size_t count, size_t bytes)
{
	struct own *me = &own[acting()];

	if (count == 1 && bytes == sizeof(struct segment))
		return place_take(&me->segment_used, me->segment, bytes, SEGMENTS_MAX);
	if (count == 1 && bytes == sizeof(struct rlq_queue))
		return place_take(&me->queue_used, me->queue, bytes, QUEUES);
	if (count == RLQ_BATCH_MAX && bytes == sizeof(struct sent))
		return place_take(&me->sent_used, me->sent, sizeof(me->sent[0]), QUEUES);
	if (count == RLQ_BATCH_MAX && bytes == sizeof(struct first_sent) &&
	    !me->journal) /* who has lists of that size */
		return place_take(&me->firsts_used, me->firsts, sizeof(me->firsts[0]), QUEUES);
	if (count == RLQ_BATCH_MAX && bytes == sizeof(struct foreseen_ids))
		return place_take(&me->foreseen_used, me->foreseen, sizeof(me->foreseen[0]), QUEUES);
	return keeper_of(acting()) ? keeper_take(keeper_of(acting()), count * bytes) : no_room(count * bytes);
}

/* An arena asks for one chunk a handle: no scenario receives more than fits the part that is there. */
void *fake_malloc(size_t bytes)
{
	struct own *me = &own[acting()];

	if (bytes <= PLACE_BYTES && keeper_of(acting()))
		return keeper_take(keeper_of(acting()), bytes);
	for (int i = 0; i < QUEUES; i++)
		if ((me->queue_used >> i & 1) && me->queue[i].arena.chunks == NULL)
			return me->chunk[i];
	return no_room(bytes);
}

/* The lists of a turn are made once, larger than any scenario needs. */
void *fake_reallocarray(void *memory, size_t count, size_t bytes)
{
	return memory ? no_room(count * bytes) : fake_calloc(count, bytes);
}

static bool place_free(uint32_t *used, void *places, size_t bytes, unsigned count, const void *memory)
{
	size_t offset = (size_t)((const unsigned char *)memory - (unsigned char *)places);

	if (offset >= count * bytes)
		return false;
	*used &= ~(1u << offset / bytes);
	memset((unsigned char *)places + offset, 0, bytes);
	return true;
}

static bool keeper_free(struct keeper *keeper, const void *memory)
{
	return place_free(&keeper->small_used, keeper->small, PLACE_BYTES, SMALL_PLACES, memory) ||
	       place_free(&keeper->scratch_used, keeper->scratch, SCRATCH_BYTES, SCRATCH_PLACES, memory) ||
	       place_free(&keeper->group_used, keeper->group, sizeof(keeper->group[0]), GROUP_PLACES, memory) ||
	       place_free(&keeper->list_used, keeper->list, LIST_BYTES, LIST_PLACES, memory) ||
	       place_free(&keeper->known_used, keeper->known, KNOWN_BYTES, KNOWN_PLACES, memory);
}

void fake_free(void *memory)
{
	struct own *me = &own[acting()];

	if (memory == NULL || (keeper_of(acting()) && keeper_free(keeper_of(acting()), memory)) ||
	    place_free(&me->segment_used, me->segment, sizeof(*me->segment), SEGMENTS_MAX, memory))
		return;
	if (!place_free(&me->sent_used, me->sent, sizeof(me->sent[0]), QUEUES, memory) &&
	    !place_free(&me->firsts_used, me->firsts, sizeof(me->firsts[0]), QUEUES, memory) &&
	    !place_free(&me->foreseen_used, me->foreseen, sizeof(me->foreseen[0]), QUEUES, memory))
		place_free(&me->queue_used, me->queue, sizeof(*me->queue), QUEUES, memory);
}

/* Of a handle, what can change in a scenario with so many rings and blocks of class 0 alone. */
static void segment_remember(int actor, struct segment *segment, uint32_t rings)
{
	explore_remember_of(actor, segment, offsetof(struct segment, ring) + rings * sizeof(struct ring));
	explore_remember_of(actor, segment->cursor, rings * sizeof(struct ring_cursor));
	explore_remember_of(actor, segment->ring_id, sizeof(segment->ring_id) + sizeof(segment->occupied));
	if (world_is_fifo())
		explore_remember_of(actor, &segment->groups,
				    offsetof(struct segment, bodies) - offsetof(struct segment, groups));
	explore_remember_of(actor, &segment->bodies.region[0], sizeof(struct body_region));
	explore_remember_of(actor, &segment->clock, sizeof(*segment) - offsetof(struct segment, clock));
}

/* With one place for a handle that is opened and closed in a call. */
void own_remember(int actor, uint32_t rings)
{
	struct own *me = &own[actor];
	unsigned last = 0;

	explore_remember_of(actor, me, offsetof(struct own, queue));
	for (unsigned i = 0; i < QUEUES; i++) {
		if (i > 0 && !(me->queue_used >> i & 1)) /* one that has no handle yet may open one */
			continue;
		explore_remember_of(actor, &me->queue[i], sizeof(me->queue[i]));
		explore_remember_of(actor, me->sent[i], BATCH_MAX * sizeof(struct sent));
		if (world_is_fifo()) {
			explore_remember_of(actor, me->firsts[i], BATCH_MAX * sizeof(struct first_sent));
			explore_remember_of(actor, me->foreseen[i], BATCH_MAX * sizeof(struct foreseen_ids));
		}
		explore_remember_of(actor, me->chunk[i], world_is_fifo() ? 384 : 128);
	}
	for (unsigned i = 0; i < SEGMENTS_MAX; i++)
		if (me->segment_used >> i & 1)
			last = i + 1;
	for (unsigned i = 0; i <= last && i < SEGMENTS_MAX; i++)
		segment_remember(actor, &me->segment[i], rings);
}
