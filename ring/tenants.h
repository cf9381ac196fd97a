/* Tenants of a queue: whose message is it, and who has far more than the others (docs/adr/0014).
 *
 * A message may bear the number of its tenant, a hash of its group id. For each number the queue counts its
 * messages, waiting and in flight alike: sent, plus one; gone, minus one. A tenant is *noisy* while it has
 *
 *     more than TENANT_FLOOR messages, and more than TENANT_SHARE times the mean of the others that have any
 *
 * so nobody is while only one has messages. A consumer judges by a limit of its own, made of all counts now and
 * then; its messages it puts aside (ring/take.c).
 *
 * Hints (R1): what a kill leaves wrong, the sweep sets right. Two group ids with one number share their fate.
 */
#ifndef RL_TENANTS_H
#define RL_TENANTS_H

#include "ring/slot.h"

enum {
#ifdef RL_EXPLORE
	TENANT_COUNT = 4,
#else
	TENANT_COUNT = 4096,
#endif
	TENANT_NONE = 0,		  /* sent before anybody used group ids: not counted, never noisy */
	TENANT_NOBODY = TENANT_COUNT - 1, /* all that is sent without one since, as if they were one tenant's */
	TENANT_FLOOR = 8, /* so few in front of a message are no harm, and counts may be off by that */
	TENANT_SHARE = 2,
};

/* What a consumer goes by. */
struct tenants {
	const atomic_u32 *live; /* TENANT_COUNT counts, 8-byte aligned; below zero when a producer was killed before
				   it counted */
	int64_t limit;		/* who has more is noisy */
	bool any_is_noisy;
};

/* The limit, by the counts of now. A load for two of them. */
void tenants_judge(struct tenants *tenants);

static inline int64_t tenant_live(const struct tenants *tenants, uint32_t tenant)
{
	/* relaxed: a hint */
	return (int32_t)load32_relaxed(&tenants->live[tenant % TENANT_COUNT]);
}

static inline bool tenant_is_noisy(const struct tenants *tenants, uint32_t tenant)
{
	return tenant != TENANT_NONE && tenant_live(tenants, tenant) > tenants->limit;
}

/* Whose message lies in the slot? Asked while it may be taken away and another put there: a hint. */
static inline uint32_t slot_tenant(const struct slot *slot)
{
	/* relaxed: as said */
	return block_tenant(load_relaxed((const atomic_u64 *)(const void *)&slot->message.block));
}

#endif
