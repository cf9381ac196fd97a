#include "gateway/in_flight.h"

#include <stdatomic.h>

#include "gateway/clock.h"

enum { QUEUES = 4096, PROBES = 8, FULL_MS = 100 };

/* By a hash of the name. Where more queues meet than there are probes, they drive each other out and are walked
 * more often. */
static struct quota {
	_Atomic uint64_t queue;	    /* its hash; 0: free */
	_Atomic int64_t left;	    /* receives until the next walk */
	_Atomic int64_t full_until; /* of a walk that found the limit reached */
} quotas[QUEUES];

static uint64_t hash_of(const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	hash ^= hash >> 32;
	return hash ? hash : 1;
}

static struct quota *quota_take(struct quota *quota, uint64_t hash)
{
	atomic_store(&quota->left, 0);
	atomic_store(&quota->full_until, 0);
	atomic_store(&quota->queue, hash);
	return quota;
}

static struct quota *quota_of(struct rlq_queue *queue)
{
	uint64_t hash = hash_of(rlq_queue_name(queue));

	for (uint64_t i = 0; i < PROBES; i++) {
		struct quota *quota = &quotas[(hash + i) % QUEUES];
		uint64_t found = atomic_load_explicit(&quota->queue, memory_order_relaxed);

		if (found == hash)
			return quota;
		if (found == 0)
			return quota_take(quota, hash);
	}
	return quota_take(&quotas[hash % QUEUES], hash);
}

static bool walk(struct rlq_queue *queue, struct quota *quota)
{
	struct rlq_queue_stat stat = RLQ_QUEUE_STAT_INIT;
	int64_t left;

	if (rlq_queue_stat(queue, &stat) != 0)
		return true; /* the receive will say what is wrong */
	left = IN_FLIGHT_MAX - (int64_t)stat.in_flight;
	if (left <= 0) {
		atomic_store(&quota->full_until, clock_now_ms() + FULL_MS);
		return false;
	}
	atomic_store(&quota->left, left > IN_FLIGHT_STEP ? left : IN_FLIGHT_STEP);
	return true;
}

bool in_flight_allows(struct rlq_queue *queue)
{
	struct quota *quota = quota_of(queue);

	if (atomic_load_explicit(&quota->left, memory_order_relaxed) > 0)
		return true;
	return clock_now_ms() >= atomic_load(&quota->full_until) && walk(queue, quota);
}

void in_flight_add(struct rlq_queue *queue, int64_t count)
{
	struct quota *quota = quota_of(queue);
	int64_t left = atomic_fetch_sub_explicit(&quota->left, count, memory_order_relaxed) - count;

	if (left > IN_FLIGHT_MAX)
		atomic_store_explicit(&quota->left, IN_FLIGHT_MAX, memory_order_relaxed);
}
