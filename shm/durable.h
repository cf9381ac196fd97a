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
 * once a turn: the journal then begins one within half the window. Who waits for turn k sleeps on the event of the
 * even or of the odd turns: whoever has come since k began waits for the next one, and is not woken by k's end.
 *
 * What a turn writes is a cut: all that was done before it began, and nothing that was done since. So while it
 * gathers, nothing that it may still have to read goes away:
 *
 *   who deletes                                   journal's thread
 *   load turn_begun: T                            turn_begun = k                 [J6]
 *   HELD(T), mark                                 of each marked slot: what was sent with a T < k is written,
 *   [J5] turn_begun, turn_gathered: the same?       also if it is HELD(k) by now
 *        then FREE, else leave it                 turn_gathered = k              [J7]
 *                                                 take the marks; what is HELD goes
 *
 * Either who deletes sees that a turn gathers, or the delete was before it ([J5] / [J6], store-load). Who has left
 * a slot HELD had marked it before, so [J7] finds it ([J5] / [J7], store-load again). Who sends loads turn_begun
 * before the message can be seen; what is sent by T = k is of the next turn. Its causes were before its call, and
 * its effects are after it, so the cut has an effect only together with its causes. One exception: a PENDING
 * message is written whenever it is seen. Nobody can have acted on it.
 *
 * Progress: changing and marking is wait-free. Waiting depends on the journal by its nature; it ends when the
 * journal's process is dead by the kernel's word, or after a time.
 */
#ifndef SEG_DURABLE_H
#define SEG_DURABLE_H

#include "shm/segment.h"

/* The turn that has begun last; 0 in queues without a journal. What a call does is not of an earlier turn. */
static inline uint64_t seg_turn(const struct segment *segment)
{
	return __builtin_expect(segment->has_marks, 0) ? load_seq(&segment->directory->engine->turn_begun) : 0;
}

/* [J5] Does the journal read slots of its queues at present, so that nothing may go? */
static inline bool seg_is_gathering(const struct segment *segment)
{
	const struct seg_engine_page *page = segment->directory->engine;
	uint64_t begun;

	if (__builtin_expect(!segment->has_marks, 1))
		return false;
	begun = load_seq(&page->turn_begun);
	return load_seq(&page->turn_gathered) != begun;
}

/* Is there a journal that takes what is sent? 0, RLQ_EENGINE, RLQ_EJOURNAL. Asks the kernel: some 3 us. */
int seg_journal_state(const struct seg_directory *directory);
/* The same for who asks often: well under 1 us. */
int seg_journal_state_again(struct segment *segment);
/* The same, but believes an engine that is not late: for 2 s after it was killed it may seem to be there. */
int seg_journal_state_guess(const struct seg_directory *directory, uint64_t now_ms);

/* Has the journal room for messages to this queue? 0 or RLQ_EDISKFULL. */
int seg_journal_room(const struct segment *segment);

/* Does the journal that is there now know of this queue? It may be unable to open it. */
bool seg_is_journaled(const struct segment *segment);

/* Waits until all that this process has changed so far is durable. 0; RLQ_EUNKNOWN: the journal's process ended, or
 * did not answer for DURABLE_PATIENCE_MS; RLQ_EJOURNAL: it cannot write. */
int seg_wait_durable(const struct seg_directory *directory);

/* Asks the journal to become as small as it can for now, and waits for it, turn by turn. Killed meanwhile, the rest
 * is done by the turns that others ask for. As seg_wait_durable(), and RLQ_EENGINE. */
int seg_compact(const struct seg_directory *directory);

/* The same for a change to this queue; RLQ_EUNKNOWN also if it is not journaled. */
int seg_settle_sync(const struct segment *segment);

/* Something has changed that the journal should know of soon, and nobody waits for. */
void seg_want_turn(struct segment *segment);

/* After a change to an async queue, `bytes` of it sent: sees to it that a turn begins soon, at once when half of
 * the window is used. Waits for one only when all is: something is not durable that was changed WINDOW_MS ago, or
 * WINDOW_BYTES are in flight. As seg_wait_durable(). Two loads, as a rule. */
int seg_settle_async(struct segment *segment, uint64_t bytes);

/* ---- for the journal's thread ---- */

/* Has the last turn that began not become durable? Who begins the next one then carries windows over before. */
static inline bool seg_turn_is_open(const struct seg_engine_page *page)
{
	return load_seq(&page->turn_done) < load_seq(&page->turn_begun);
}

/* A turn begins: its number. */
uint64_t seg_turn_begin(struct seg_engine_page *page);
/* All was read that belongs to it; what is HELD now is to be looked for. */
void seg_turn_gathered(struct seg_engine_page *page, uint64_t turn);
/* It is on the disk: who waits is woken. */
void seg_turn_done(struct seg_engine_page *page, uint64_t turn);
/* No turn will be until another journal is there, or this one goes on. `error` is negative. */
void seg_turn_failed(struct seg_engine_page *page, int error);

enum {
	DURABLE_PATIENCE_MS = 10000,
	DURABLE_SLICE_MS = 50,
};

#endif
