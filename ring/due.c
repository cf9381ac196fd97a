#include "ring/due.h"
#include "ring/crashpoint.h"

static uint32_t groups_for(uint32_t things)
{
	return (things + DUE_GROUP - 1) / DUE_GROUP;
}

size_t due_bytes(uint32_t slots)
{
	uint32_t groups = groups_for(slots);

	return (groups + groups_for(groups)) * sizeof(atomic_u64);
}

void due_place(struct due *ret, void *memory, uint32_t slots)
{
	uint32_t groups = groups_for(slots);

	*ret = (struct due){
		.groups = memory,
		.summary = (atomic_u64 *)memory + groups,
		.group_count = groups,
		.summary_count = groups_for(groups),
	};
}

/* [D1] and [D2] */
static uint64_t hint_read(const atomic_u64 *word)
{
	return ~load_seq(word);
}

/* [D1] Lowering a deadline raises its complement. */
static void hint_lower(atomic_u64 *word, uint64_t deadline_ms)
{
	raise_seq(word, ~deadline_ms);
}

void due_note(const struct due *due, uint32_t slot, uint64_t deadline_ms)
{
	uint32_t group = slot / DUE_GROUP;

	if (hint_read(&due->groups[group]) > deadline_ms) {
		hint_lower(&due->groups[group], deadline_ms);
		CRASH_POINT(receive_due_lowered);
	}
	if (hint_read(&due->summary[group / DUE_GROUP]) > deadline_ms)
		hint_lower(&due->summary[group / DUE_GROUP], deadline_ms);
}

uint64_t due_earliest(const struct due *due)
{
	uint64_t earliest = DUE_NEVER;

	for (uint32_t i = 0; i < due->summary_count; i++) {
		uint64_t hint = hint_read(&due->summary[i]);

		if (hint < earliest)
			earliest = hint;
	}
	return earliest;
}

/* [D2] Brings a summary up to date: taken first, then lowered to what its groups say, so that a lowering
 * in between is kept. */
static void summary_renew(const struct due *due, uint32_t index)
{
	uint32_t end = (index + 1) * DUE_GROUP < due->group_count ? (index + 1) * DUE_GROUP : due->group_count;
	uint64_t earliest = DUE_NEVER;

	exchange_seq(&due->summary[index], 0);
	CRASH_POINT(due_summary_taken);
	for (uint32_t group = index * DUE_GROUP; group < end; group++) {
		uint64_t hint = hint_read(&due->groups[group]);

		if (hint < earliest)
			earliest = hint;
	}
	if (earliest != DUE_NEVER)
		hint_lower(&due->summary[index], earliest);
	CRASH_POINT(due_summary_renewed);
}

int64_t due_take(const struct due *due, uint32_t from, uint64_t now_ms)
{
	/* The caller has just finished the last group of a summary. */
	if (from > 0 && (from % DUE_GROUP == 0 || from >= due->group_count))
		summary_renew(due, (from - 1) / DUE_GROUP);
	for (uint32_t group = from; group < due->group_count; group++) {
		if (group % DUE_GROUP == 0 || group == from) {
			if (hint_read(&due->summary[group / DUE_GROUP]) > now_ms) {
				group |= DUE_GROUP - 1;
				continue;
			}
		}
		if (hint_read(&due->groups[group]) <= now_ms) {
			/* [D2] Taken before the slots are looked at; pairs with [D1]. */
			exchange_seq(&due->groups[group], 0);
			CRASH_POINT(reap_hint_taken);
			return group;
		}
		if ((group + 1) % DUE_GROUP == 0 || group + 1 == due->group_count)
			summary_renew(due, group / DUE_GROUP);
	}
	return -1;
}
