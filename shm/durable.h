/* What a client of a durable queue has to do with the journal: say that something has changed, and wait until it is
 * on the disk. The journal works in turns (docs/adr/0008-journal.md); the words are in the directory's engine page.
 *
 *   client                                        journal's thread
 *   change the slot, mark it ([J1] in ring/)      turn_begun = k                [J4]
 *   load turn_begun: T                 [J3]       take the marks ([J2]), write, flush
 *   turn_urgent = T + 1, ring the bell            turn_done = k, wake who waits
 *   wait until turn_done > T
 *
 * A turn that begins after [J3] takes the marks that were set before it: both ends are seq_cst. So one flush serves
 * all who changed something before its turn began. Who does not wait (async queues, receives) raises turn_wanted
 * once a turn: the journal then begins one within half the window.
 *
 * Progress: changing and marking is wait-free. Waiting depends on the journal by its nature; it ends when the
 * journal's process is dead by the kernel's word, or after a time.
 */
#ifndef SEG_DURABLE_H
#define SEG_DURABLE_H

#include "shm/segment.h"

/* Is there a journal that takes what is sent? 0, RLQ_EENGINE, RLQ_EJOURNAL. Asks the kernel only when the engine is
 * late. */
int seg_journal_state(const struct seg_directory *directory, uint64_t now_ms);

/* Raises what is wanted and wakes the journal if it sleeps. */
void seg_ring_journal(const struct seg_directory *directory, uint64_t turn, bool is_urgent);

/* Something has changed that the journal should know of soon. Two loads, as a rule. */
static inline void seg_want_turn(const struct seg_directory *directory)
{
	struct seg_engine_page *page = directory->engine;
	/* relaxed: a hint; whoever finds a turn wanted leaves it to that */
	uint64_t begun = load_relaxed(&page->turn_begun);

	if (__builtin_expect(load_relaxed(&page->turn_wanted) <= begun, 0)) /* relaxed: as above */
		seg_ring_journal(directory, begun + 1, false);
}

/* Waits until all that this process has changed so far is durable. 0; RLQ_EUNKNOWN: the journal's process ended, or
 * did not answer for DURABLE_PATIENCE_MS; RLQ_EJOURNAL: it cannot write. */
int seg_wait_durable(const struct seg_directory *directory);

enum { DURABLE_PATIENCE_MS = 10000, DURABLE_SLICE_MS = 50 };

#endif
