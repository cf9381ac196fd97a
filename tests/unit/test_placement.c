/* What stat says of placement, on a machine of two nodes that is faked: its libnuma keeps the policies that
 * it is asked for, and says that every page of a ring lies where the test wants it. */
#include "client/internal.h"
#include "kmod-free/sysops.h"
#include "tests/support/queue_fixture.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <linux/mempolicy.h>
#include <string.h>

enum { ASKED_MAX = 64 };

static unsigned long nodes = 3; /* with memory, a bit each */
static struct {
	const unsigned char *from, *to;
	int mode;
	unsigned long mask;
} asked[ASKED_MAX];
static size_t asked_count;
/* Pages from here on lie on node 1, others on node 0. */
static const unsigned char *second_node_from;

static int fake_available(void)
{
	return 0;
}

static int fake_max_node(void)
{
	return 1;
}

static int fake_is_set(const unsigned long *mask, unsigned node)
{
	return *mask >> node & 1;
}

static long fake_mbind(void *memory, unsigned long bytes, int mode, const unsigned long *mask,
		       unsigned long max_node, unsigned flags)
{
	(void)max_node;
	cr_assert_eq(flags, 0);
	cr_assert_lt(asked_count, ASKED_MAX);
	asked[asked_count].from = memory;
	asked[asked_count].to = (const unsigned char *)memory + bytes;
	asked[asked_count].mode = mode;
	asked[asked_count++].mask = mask ? *mask : 0;
	return 0;
}

/* Of the last mapping: like the file's, a policy asked for through one holds in the others. */
static long fake_get_mempolicy(int *mode, unsigned long *mask, unsigned long max_node, void *at,
			       unsigned long flags)
{
	(void)at;
	cr_assert_eq(flags, MPOL_F_ADDR);
	memset(mask, 0, max_node / 8);
	*mode = asked_count > 0 ? asked[asked_count - 1].mode : MPOL_DEFAULT;
	mask[0] = asked_count > 0 ? asked[asked_count - 1].mask : 0;
	return 0;
}

static long fake_move_pages(int pid, unsigned long count, void **pages, const int *targets, int *status, int flags)
{
	cr_assert(pid == 0 && targets == NULL && flags == 0, "only asked, not moved");
	for (unsigned long i = 0; i < count; i++)
		status[i] = second_node_from && (const unsigned char *)pages[i] >= second_node_from;
	return 0;
}

static void *fake_symbol(void *library, const char *symbol)
{
	static unsigned long *nodes_pointer = &nodes;

	(void)library;
	return strcmp(symbol, "numa_available") == 0	      ? (void *)fake_available
	       : strcmp(symbol, "numa_max_node") == 0	      ? (void *)fake_max_node
	       : strcmp(symbol, "numa_bitmask_isbitset") == 0 ? (void *)fake_is_set
	       : strcmp(symbol, "numa_nodes_ptr") == 0	      ? (void *)&nodes_pointer
	       : strcmp(symbol, "mbind") == 0		      ? (void *)fake_mbind
	       : strcmp(symbol, "get_mempolicy") == 0	      ? (void *)fake_get_mempolicy
	       : strcmp(symbol, "move_pages") == 0	      ? (void *)fake_move_pages
							      : NULL;
}

static void *fake_library(const char *file, int flags)
{
	cr_assert(strstr(file, "libnuma"));
	return dlopen(NULL, flags);
}

static void begin(void)
{
	os_sys.dlopen = fake_library;
	os_sys.dlsym = fake_symbol;
	queues_begin();
}

TestSuite(placement, .init = begin, .fini = queues_end, .timeout = 60);

static struct rlq_queue *queue_placed(enum rlq_placement placement, uint32_t node)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.placement = placement;
	attributes.placement_node = node;
	return queue_make("q", &attributes);
}

/* More messages than the first ring has slots. */
static void grow(struct rlq_queue *queue)
{
	for (int i = 0; i < 2000; i++)
		cr_assert_eq(rlq_send(queue, &i, sizeof(i), NULL, NULL), 0);
	cr_assert_eq(stat_of(queue).rings, 2);
}

Test(placement, shouldAskForWhatTheQueueIsToHaveAndReadItBack)
{
	struct rlq_queue_stat stat = stat_of(queue_placed(RLQ_PLACE_INTERLEAVE, 0));

	cr_assert_gt(asked_count, 0, "nobody asked the kernel");
	cr_assert_eq(stat.policy, RLQ_PLACE_INTERLEAVE);
	cr_assert_eq(asked[0].mask, 3);
	cr_assert_geq((size_t)(asked[0].to - asked[0].from), SEG_MAP_BYTES, "all rings to come");
}

Test(placement, shouldSayWhichNodeThePolicyNames)
{
	struct rlq_queue_stat stat = stat_of(queue_placed(RLQ_PLACE_NODE, 1));

	cr_assert_eq(stat.policy, RLQ_PLACE_NODE);
	cr_assert_eq(stat.policy_node, 1);
}

Test(placement, shouldReadBackWhatTheKernelHasAndNotWhatWasAsked)
{
	struct rlq_queue *queue = queue_placed(RLQ_PLACE_NODE, 1);

	asked[asked_count - 1].mode = MPOL_INTERLEAVE;
	cr_assert_eq(stat_of(queue).policy, RLQ_PLACE_INTERLEAVE);
	asked[asked_count - 1].mode = 99;
	cr_assert_eq(stat_of(queue).policy, -1, "unknown");
}

Test(placement, shouldAskForTheMemoryOfLargeBodiesToo)
{
	struct rlq_queue *queue = queue_placed(RLQ_PLACE_INTERLEAVE, 0);
	static const char body[4096];
	size_t before = asked_count;

	cr_assert_eq(rlq_send(queue, body, sizeof(body), NULL, NULL), 0);
	cr_assert_gt(asked_count, before);
	cr_assert_eq(asked[asked_count - 1].mode, MPOL_INTERLEAVE);
	cr_assert_geq((size_t)(asked[asked_count - 1].to - asked[asked_count - 1].from), SEG_BODY_REGION);
}

Test(placement, shouldLookAtEveryRing)
{
	struct rlq_queue *queue = queue_placed(RLQ_PLACE_LOCAL, 0);
	const struct segment *segment = queue->seg;

	cr_assert_eq(stat_of(queue).placed_node, 0);
	grow(queue);
	cr_assert_eq(stat_of(queue).placed_node, 0);
	second_node_from = (const unsigned char *)segment->ring[seg_newest_ring(segment)].slots;
	cr_assert_eq(stat_of(queue).placed_node, -2, "the first ring on node 0, the second on node 1");
	second_node_from = (const unsigned char *)segment->ring[0].slots;
	cr_assert_eq(stat_of(queue).placed_node, 1);
}
