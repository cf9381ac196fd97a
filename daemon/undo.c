#include "daemon/turn.h"

static void look_again(struct ledger_ring *ring, uint32_t slot)
{
	ledger_note_changed(ring, slot / LEDGER_GROUP, UINT64_C(1) << (slot % LEDGER_GROUP));
}

static void undo(struct turn *turn, const struct touched *touched)
{
	struct ledger_ring *ring = &touched->queue->ledger.ring[touched->ring];
	struct ledger_entry *entry = ledger_find(ring, touched->slot);

	look_again(ring, touched->slot);
	if (entry == NULL)
		return;
	turn_uncount(turn, ring, entry);
	if (touched->before.number == 0) {
		ledger_remove(ring, touched->slot);
		return;
	}
	*entry = touched->before;
	turn_count(turn, ring, entry); /* its file is known, so that this needs no memory */
}

/* The last one first: one slot may have been written twice. What was touched is of rings that have not gone: those
 * went before the turn touched any. */
void turn_undo(struct turn *turn)
{
	while (turn->touched_count > 0)
		undo(turn, &turn->touched[--turn->touched_count]);
	for (; turn->pending_count > 0; turn->pending_count--) {
		const struct pending *pending = &turn->pending[turn->pending_count - 1];

		look_again(&pending->queue->ledger.ring[pending->ring], pending->slot);
	}
}
