/* Messages that were PENDING, made receivable once their turn is durable. */
#include "daemon/turn.h"

#include "ring/crashpoint.h"
#include "ring/prefetch.h"
#include "ring/ring.h"
#include "shm/fifo.h"

enum { SETTLES_AHEAD = 8 };

static uint64_t settle(const struct pending *pending, uint64_t *again)
{
	struct segment *segment = pending->queue->segment;
	const struct ring *ring = &segment->ring[pending->ring];
	struct slot_word word = slot_read(&ring->slots[pending->slot]);

	return word_state(word) == SLOT_PENDING && word_generation(word) == pending->generation &&
	       ring_durable(ring, pending->slot, word, again);
}

/* Are both of the same 64 slots? */
static bool is_near(const struct pending *a, const struct pending *b)
{
	return a->queue == b->queue && a->ring == b->ring && a->slot / 64 == b->slot / 64;
}

/* Its queue could not be entered. */
static void look_again(const struct pending *pending)
{
	ledger_note_changed(&pending->queue->ledger.ring[pending->ring], pending->slot / LEDGER_GROUP,
			    UINT64_C(1) << (pending->slot % LEDGER_GROUP));
}

/* Their senders have those slots: the next ones are fetched while these are made receivable. */
static void fetch_ahead(const struct turn *turn, size_t index)
{
	const struct pending *pending;

	if (index + SETTLES_AHEAD >= turn->pending_count)
		return;
	pending = &turn->pending[index + SETTLES_AHEAD];
	prefetch_own(&pending->queue->segment->ring[pending->ring].slots[pending->slot]);
}

/* Of a FIFO queue: is it the turn of their groups? */
static void offer_group(const struct pending *from, const struct pending *end)
{
	for (const struct pending *pending = from; pending < end; pending++) {
		struct segment *segment = pending->queue->segment;
		struct slot_word word = slot_read(&segment->ring[pending->ring].slots[pending->slot]);

		if (word_generation(word) == pending->generation)
			fifo_became_ready(segment, pending->ring, pending->slot, word);
	}
}

/* Those of 64 slots, from `*index` on, so that their bits are set together. */
static uint64_t settle_group(const struct turn *turn, size_t *index)
{
	const struct pending *first = &turn->pending[*index];
	uint64_t settled = 0, again = 0;

	for (; *index < turn->pending_count && is_near(first, &turn->pending[*index]); ++*index) {
		fetch_ahead(turn, *index);
		settled += settle(&turn->pending[*index], &again);
		CRASH_POINT(turn_message_settled);
	}
	if (again)
		ring_set_again_word(&first->queue->segment->ring[first->ring], first->slot, again);
	if (seg_is_fifo(first->queue->segment))
		offer_group(first, &turn->pending[*index]);
	return settled;
}

void turn_settle(struct turn *turn)
{
	for (size_t i = 0; i < turn->pending_count;) {
		struct journaled *queue = turn->pending[i].queue;
		uint64_t settled = 0;
		int error = seg_enter(queue->segment);

		while (i < turn->pending_count && turn->pending[i].queue == queue)
			if (error)
				look_again(&turn->pending[i++]);
			else
				settled += settle_group(turn, &i);
		if (error)
			continue;
		seg_leave(queue->segment);
		if (settled > 0)
			seg_notify(queue->segment, settled);
	}
	turn->pending_count = 0;
}
