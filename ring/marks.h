/* Marks of changed slots: one bit a slot, and above each word of 64 one bit that says "look there".
 *
 * For whoever keeps a copy of the slots (the engine's journal): it takes all marks now and then, and looks at the
 * marked slots only. Who has changed a slot looks whether its mark is set, and sets it only if not: mostly it is.
 *
 *   who changes a slot                        the taker
 *   changes it                                exchanges a word of summaries with 0,
 *   [J1] is its mark set? else sets it        [J2] then each word of marks that it speaks of,
 *   is the summary set? else sets it          then looks at the slots
 *
 * Either the taker sees the change in the slot, or its mark is among those taken next time. Both levels are looked
 * at by all: who set the mark may have died before its summary.
 *
 * A hint (R1). A kill between the change of a slot and its mark leaves a slot that nobody speaks of; a kill between
 * mark and summary one that shows when any slot of its 64 is marked again. Whoever knows of a dead process, or
 * takes over from a dead taker (who may have had marks in its hands), compares all slots. A mark may also be there
 * for nothing, and a summary over an empty word.
 *
 * Progress: marks_set is wait-free, four steps; marks_take two steps for each word that is marked, and one for each
 * word of summaries.
 */
#ifndef RL_MARKS_H
#define RL_MARKS_H

#include "ring/atomic.h"
#include "ring/crashpoint.h"

#include <stddef.h>

/* Set with a mark are those of its neighbours: who sends marks one slot after the other, and who receives looks at
 * the same word. So the word changes hands once in so many messages, and the taker looks at up to so many slots in
 * vain. */
#ifdef RL_EXPLORE
enum { MARKS_WORD = 64, MARKS_AT_ONCE = 1 };
#else
enum { MARKS_WORD = 64, MARKS_AT_ONCE = 8 };
#endif

struct marks {
	atomic_u64 *words;   /* one bit a slot; NULL: there are none */
	atomic_u64 *summary; /* one bit a word */
	uint32_t slots;
};

/* Bytes of shared memory for 1 .. 2^30 slots. Zeroed memory is: nothing is marked. */
size_t marks_bytes(uint32_t slots);

/* Points `ret` into `memory`, which holds marks_bytes(slots) bytes and is 8-byte aligned. */
void marks_place(struct marks *ret, void *memory, uint32_t slots);

/* The slot has been changed, and perhaps its neighbours. By anybody, at any time. Cold: a ring without marks asks,
 * and no more. */
void marks_set(const struct marks *marks, uint32_t slot) __attribute__((cold));

/* How far a taker is: zeroed, at the beginning. */
struct marks_taking {
	uint64_t left; /* of the last summary word taken: what has not been taken under it */
	uint32_t next; /* summary word to take next */
};

/* Takes the next word of marks: true, with the number of its first slot and a bit for each slot to look at;
 * false when all have been taken. By one thread of all processes at a time. */
bool marks_take(const struct marks *marks, struct marks_taking *taking, uint32_t *ret_slot, uint64_t *ret_bits);

#endif
