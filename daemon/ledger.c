#include "daemon/ledger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int ledger_ring_begin(struct ledger_ring *ring, uint32_t id, uint32_t order)
{
	uint32_t slots = UINT32_C(1) << order;

	*ring = (struct ledger_ring){.id = id, .group_count = (slots + LEDGER_GROUP - 1) / LEDGER_GROUP};
	ring->groups = calloc(ring->group_count, sizeof(*ring->groups));
	ring->changed = malloc(ring->group_count * sizeof(*ring->changed));
	if (ring->groups == NULL || ring->changed == NULL) {
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
}

void ledger_ring_end(struct ledger_ring *ring)
{
	for (uint32_t i = 0; ring->groups && i < ring->group_count; i++)
		free(ring->groups[i]);
	free(ring->groups);
	free(ring->changed);
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
