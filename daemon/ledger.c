#include "daemon/ledger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint32_t look_words(const struct ledger_ring *ring)
{
	return (ring->group_count + 63) / 64;
}

int ledger_ring_begin(struct ledger_ring *ring, uint32_t id, uint32_t order)
{
	uint32_t slots = UINT32_C(1) << order;

	*ring = (struct ledger_ring){.id = id, .group_count = (slots + LEDGER_GROUP - 1) / LEDGER_GROUP};
	ring->groups = calloc(ring->group_count, sizeof(*ring->groups));
	ring->changed = malloc(ring->group_count * sizeof(*ring->changed));
	ring->look = malloc(look_words(ring) * sizeof(*ring->look));
	if (ring->groups == NULL || ring->changed == NULL || ring->look == NULL) {
		ledger_ring_end(ring);
		return -ENOMEM;
	}
	ring->slots = slots;
	ledger_ring_changed(ring);
	return 0;
}

void ledger_ring_changed(struct ledger_ring *ring)
{
	if (ring->id == 0)
		return;
	memset(ring->changed, 0xff, ring->group_count * sizeof(*ring->changed));
	if (ring->slots < LEDGER_GROUP)
		ring->changed[0] = (UINT64_C(1) << ring->slots) - 1;
	memset(ring->look, 0xff, look_words(ring) * sizeof(*ring->look));
	if (ring->group_count % 64 != 0)
		ring->look[ring->group_count / 64] = (UINT64_C(1) << ring->group_count % 64) - 1;
}

uint32_t ledger_next_changed(struct ledger_ring *ring, uint32_t from)
{
	for (uint32_t word = from / 64; word < look_words(ring); from = ++word * 64)
		for (uint64_t left = ring->look[word] & UINT64_MAX << from % 64; left; left &= left - 1) {
			uint32_t group = word * 64 + (uint32_t)__builtin_ctzll(left);

			if (ring->changed[group])
				return group;
			ring->look[word] &= ~(left & -left);
		}
	return ring->group_count;
}

void ledger_ring_end(struct ledger_ring *ring)
{
	for (uint32_t i = 0; ring->groups && i < ring->group_count; i++)
		free(ring->groups[i]);
	free(ring->groups);
	free(ring->changed);
	free(ring->look);
	*ring = (struct ledger_ring){0};
}

void ledger_end(struct ledger *ledger)
{
	for (int i = 0; i < SEG_RING_COUNT; i++)
		ledger_ring_end(&ledger->ring[i]);
}

struct ledger_entry *ledger_enter(struct ledger_ring *ring, uint32_t slot)
{
	struct ledger_group **group = &ring->groups[slot / LEDGER_GROUP];

	if (*group == NULL)
		*group = calloc(1, sizeof(**group));
	if (*group == NULL)
		return NULL;
	(*group)->entered |= UINT64_C(1) << (slot % LEDGER_GROUP);
	return &(*group)->entry[slot % LEDGER_GROUP];
}

void ledger_remove(struct ledger_ring *ring, uint32_t slot)
{
	struct ledger_group *group = ring->groups[slot / LEDGER_GROUP];

	if (group)
		group->entered &= ~(UINT64_C(1) << (slot % LEDGER_GROUP));
}
