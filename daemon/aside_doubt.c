/* What was gone from queues that were found in memory, while others could not be looked into. */
#include "daemon/aside.h"
#include "daemon/gather.h"
#include "daemon/turn.h"
#include "shm/message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int aside_doubt(struct turn *turn, const struct live *live)
{
	int error = aside_put_messages(turn, live, NULL);

	if (error)
		return error;
	turn->delete_count = 0;
	return aside_resolve(turn);
}

/* ---- where it has gone ------------------------------------------------------------------------ */

struct doubts {
	struct aside_message **by_id;
	size_t count;
};

static int by_id(const void *a, const void *b)
{
	const struct aside_message *const *one = a, *const *other = b;

	return memcmp((*one)->id, (*other)->id, sizeof((*one)->id));
}

static int collect(struct aside *aside, struct doubts *ret)
{
	*ret = (struct doubts){.by_id = malloc((aside->count + 1) * sizeof(struct aside_message *))};
	if (ret->by_id == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < aside->count; i++)
		if (aside->messages[i].queue == 0)
			ret->by_id[ret->count++] = &aside->messages[i];
	qsort(ret->by_id, ret->count, sizeof(struct aside_message *), by_id);
	return 0;
}

static void look_at_slot(const struct doubts *doubts, const struct slot *slot)
{
	struct slot_message message = message_read(&slot->message);
	struct aside_message key, *wanted = &key, **found;

	if (!gather_is_alive(slot_read_stable(slot)))
		return;
	memcpy(key.id, message.id, sizeof(key.id));
	found = bsearch(&wanted, doubts->by_id, doubts->count, sizeof(struct aside_message *), by_id);
	if (found)
		(*found)->queue = ASIDE_RESOLVED;
}

static void look_at_queue(const struct doubts *doubts, struct journaled *queue)
{
	if (seg_enter(queue->segment))
		return;
	for (uint32_t i = 0; i < SEG_RING_COUNT; i++)
		for (uint32_t slot = 0; gather_has_ring(queue, i) && slot < queue->ledger.ring[i].slots; slot++)
			look_at_slot(doubts, &queue->segment->ring[i].slots[slot]);
	seg_leave(queue->segment);
}

/* Those of which there is a copy now are that: it is written in the turn that comes. */
int aside_resolve(struct turn *turn)
{
	struct doubts doubts;
	int error = collect(&turn->aside, &doubts);

	if (error)
		return error;
	for (size_t i = 0; i < turn->queue_count && doubts.count > 0; i++)
		look_at_queue(&doubts, turn->queues[i]);
	free(doubts.by_id);
	return aside_drop_messages(turn, ASIDE_RESOLVED);
}
