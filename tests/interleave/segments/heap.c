/* An actor's private memory: handles have fixed places, so that they are part of its state. */
#include "tests/interleave/segments/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct own own[PEOPLE];

void *fake_calloc(size_t count, size_t bytes);
void *fake_malloc(size_t bytes);
void fake_free(void *memory);

static void *no_room(size_t bytes)
{
	fprintf(stderr, "interleave: no place for %zu bytes of an actor's memory\n", bytes);
	exit(1);
}

static void *place_take(uint8_t *used, void *places, size_t bytes, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (*used >> i & 1)
			continue;
		*used |= (uint8_t)(1u << i);
		return memset((unsigned char *)places + i * bytes, 0, bytes);
	}
	return no_room(bytes);
}

void *fake_calloc(size_t count, size_t bytes)
{
	struct own *me = &own[acting()];

	if (count == 1 && bytes == sizeof(struct segment))
		return place_take(&me->segment_used, me->segment, bytes, SEGMENTS_MAX);
	if (count == 1 && bytes == sizeof(struct rlq_queue))
		return place_take(&me->queue_used, me->queue, bytes, QUEUES);
	return no_room(count * bytes);
}

/* Only arenas ask for this, one chunk a handle: no scenario receives more than fits the part that is there. */
void *fake_malloc(size_t bytes)
{
	struct own *me = &own[acting()];

	for (int i = 0; i < QUEUES; i++)
		if ((me->queue_used >> i & 1) && me->queue[i].arena.chunks == NULL)
			return me->chunk[i];
	return no_room(bytes);
}

static bool place_free(uint8_t *used, void *places, size_t bytes, unsigned count, const void *memory)
{
	size_t offset = (size_t)((const unsigned char *)memory - (unsigned char *)places);

	if (offset >= count * bytes)
		return false;
	*used &= (uint8_t) ~(1u << offset / bytes);
	memset((unsigned char *)places + offset, 0, bytes);
	return true;
}

void fake_free(void *memory)
{
	struct own *me = &own[acting()];

	if (memory != NULL &&
	    !place_free(&me->segment_used, me->segment, sizeof(*me->segment), SEGMENTS_MAX, memory))
		place_free(&me->queue_used, me->queue, sizeof(*me->queue), QUEUES, memory);
}

/* Of a handle, what can change in a scenario with so many rings and blocks of class 0 alone. */
static void segment_remember(int actor, struct segment *segment, uint32_t rings)
{
	explore_remember_of(actor, segment, offsetof(struct segment, ring) + rings * sizeof(struct ring));
	explore_remember_of(actor, segment->cursor, rings * sizeof(struct ring_cursor));
	explore_remember_of(actor, segment->ring_id, sizeof(segment->ring_id) + sizeof(segment->occupied));
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
		explore_remember_of(actor, me->chunk[i], 128);
	}
	for (unsigned i = 0; i < SEGMENTS_MAX; i++)
		if (me->segment_used >> i & 1)
			last = i + 1;
	for (unsigned i = 0; i <= last && i < SEGMENTS_MAX; i++)
		segment_remember(actor, &me->segment[i], rings);
}
