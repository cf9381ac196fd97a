/* Where the memory of a queue's rings really is, as the kernel says: nobody is believed to have got what
 * was asked for. */
#include "client/internal.h"

#include "kmod-free/numa.h"

_Static_assert((int)RLQ_PLACE_LOCAL == (int)OS_NUMA_LOCAL && (int)RLQ_PLACE_INTERLEAVE == (int)OS_NUMA_INTERLEAVE &&
		       (int)RLQ_PLACE_NODE == (int)OS_NUMA_NODE,
	       "one numbering");

enum { UNKNOWN = -1, SEVERAL = -2, NONE_YET = -3 };

static int32_t join(int32_t so_far, int32_t more)
{
	if (so_far == NONE_YET || so_far == more)
		return more;
	if (so_far == UNKNOWN || more == UNKNOWN)
		return so_far == UNKNOWN ? more : so_far; /* what has no memory yet lies nowhere */
	return SEVERAL;
}

/* Policy and node in one number, so that they are joined as one. */
static int32_t policy_of(const struct ring *ring)
{
	enum os_numa_policy policy;
	uint32_t node;

	return os_numa_policy_of(ring->slots, &policy, &node) ? (int32_t)(node << 2 | policy) : UNKNOWN;
}

void placement_read(const struct segment *segment, struct rlq_queue_stat *stat)
{
	int32_t policy = NONE_YET, where = NONE_YET;

	for (uint32_t i = 0; i < rings_count(segment->rings); i++) {
		const struct ring *ring = &segment->ring[rings_at(segment->rings, i)];

		policy = join(policy, policy_of(ring));
		where = join(where, os_numa_where(ring->slots, ring_bytes(ring->order, ring_has_marks(ring))));
	}
	stat->placed_node = where == NONE_YET ? UNKNOWN : where;
	stat->policy = policy < 0 ? UNKNOWN : policy & 3;
	stat->policy_node = policy < 0 ? 0 : (uint32_t)policy >> 2;
}
