/* When to look again: the earliest deadline among each 64 slots, and among each 64 of those.
 *
 * A hint (R1) that may be too early, never too late but for a kill: a lease or delay lowers it after
 * its CAS ([D1]); the reaper takes it (sets NEVER), looks at the 64 slots, and lowers it again to
 * what it saw ([D2]). Either the look sees the lease, or the lease's lowering comes after the taking.
 * A kill between a lease and its lowering leaves a lease nobody waits for: the sweep lowers it.
 */
#ifndef RL_DUE_H
#define RL_DUE_H

#include "ring/atomic.h"
#include "ring/crashpoint.h"

#include <stddef.h>

#define DUE_NEVER UINT64_MAX
enum { DUE_GROUP = 64 };

/* Stored complemented, so that zeroed memory says NEVER. */
struct due {
	atomic_u64 *groups;  /* one word for each 64 slots */
	atomic_u64 *summary; /* one word for each 64 groups */
	uint32_t group_count, summary_count;
};

size_t due_bytes(uint32_t slots);
void due_place(struct due *ret, void *memory, uint32_t slots);

/* Lowers the words above `slot` to `deadline_ms`. */
void due_note(const struct due *due, uint32_t slot, uint64_t deadline_ms) __attribute__((cold));

/* A slot's lease or delay ends at `deadline_ms` (full 64 bits of the clock). Two loads when nothing
 * earlier is news; wait-free but for other lowerings of the same word.
 *
 * [D1] The loads after the CAS of the lease; pair with [D2]. The summary is looked at even if the group
 * is news to nobody: who lowered that may have died, or be stopped, in between. */
static inline void due_lower(const struct due *due, uint32_t slot, uint64_t deadline_ms)
{
	uint32_t group = slot / DUE_GROUP;

	if (__builtin_expect(~load_seq(&due->groups[group]) > deadline_ms ||
				     ~load_seq(&due->summary[group / DUE_GROUP]) > deadline_ms,
			     0))
		due_note(due, slot, deadline_ms);
	CRASH_POINT(due_summary_lowered);
}

/* Earliest deadline of all; DUE_NEVER if none. Walks the summaries. */
uint64_t due_earliest(const struct due *due);

/* Takes the first group at or after `from` that is due by `now_ms` and returns its index, -1 if none
 * is. The caller looks at its 64 slots and lowers again what is still to come. */
int64_t due_take(const struct due *due, uint32_t from, uint64_t now_ms);

#endif
