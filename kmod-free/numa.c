/* libnuma is looked for at run time, so that neither the library nor its users need it where there is
 * one node. What is asked of the kernel is asked through its entry points. */
#include "kmod-free/numa.h"
#include "kmod-free/sysops.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/mempolicy.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif

enum {
	NODES_MAX = 1024,
	MASK_WORDS = NODES_MAX / 64,
	SAMPLES_MAX = 64,
	POLICY_WEIGHTED_INTERLEAVE = 6, /* MPOL_WEIGHTED_INTERLEAVE, Linux 6.9 */
};

struct bitmask; /* libnuma's */

static struct {
	long (*mbind)(void *, unsigned long, int, const unsigned long *, unsigned long, unsigned);
	long (*get_mempolicy)(int *, unsigned long *, unsigned long, void *, unsigned long);
	long (*move_pages)(int, unsigned long, void **, const int *, int *, int);
	uint32_t nodes; /* 0: no libnuma, or it sees nothing */
	unsigned long mask[MASK_WORDS];
} numa;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static bool mask_has(const unsigned long *mask, uint32_t node)
{
	return node < NODES_MAX && mask[node / 64] >> (node % 64) & 1;
}

static void count_nodes(void *library)
{
	int (*available)(void) = (int (*)(void))os_sys.dlsym(library, "numa_available");
	int (*max_node)(void) = (int (*)(void))os_sys.dlsym(library, "numa_max_node");
	int (*is_set)(const struct bitmask *, unsigned) =
		(int (*)(const struct bitmask *, unsigned))os_sys.dlsym(library, "numa_bitmask_isbitset");
	struct bitmask **with_memory = (struct bitmask **)os_sys.dlsym(library, "numa_nodes_ptr");

	if (!available || !max_node || !is_set || !with_memory || available() < 0)
		return;
	for (int node = 0; node <= max_node() && node < NODES_MAX; node++) {
		if (!is_set(*with_memory, (unsigned)node))
			continue;
		numa.mask[node / 64] |= 1ul << (node % 64);
		numa.nodes++;
	}
}

static void find_libnuma(void)
{
	void *library = os_sys.dlopen("libnuma.so.1", RTLD_NOW | RTLD_LOCAL);

	if (library == NULL)
		return;
	numa.mbind = (long (*)(void *, unsigned long, int, const unsigned long *, unsigned long,
			       unsigned))os_sys.dlsym(library, "mbind");
	numa.get_mempolicy = (long (*)(int *, unsigned long *, unsigned long, void *,
				       unsigned long))os_sys.dlsym(library, "get_mempolicy");
	numa.move_pages =
		(long (*)(int, unsigned long, void **, const int *, int *, int))os_sys.dlsym(library, "move_pages");
	if (numa.mbind && numa.get_mempolicy && numa.move_pages)
		count_nodes(library);
	if (numa.nodes == 0)
		dlclose(library);
}

static bool numa_is_here(void)
{
	pthread_once(&once, find_libnuma);
	return numa.nodes > 0;
}

int os_numa_nodes(void)
{
	return numa_is_here() ? (int)numa.nodes : 1;
}

int os_numa_place(void *memory, size_t bytes, enum os_numa_policy policy, uint32_t node)
{
	unsigned long mask[MASK_WORDS] = {0};
	long done;

	if (!numa_is_here())
		return policy == OS_NUMA_NODE && node > 0 ? -EINVAL : 0;
	if (policy == OS_NUMA_NODE && !mask_has(numa.mask, node))
		return -EINVAL;
	switch (policy) {
	case OS_NUMA_INTERLEAVE:
		done = numa.mbind(memory, bytes, MPOL_INTERLEAVE, numa.mask, NODES_MAX, 0);
		break;
	case OS_NUMA_NODE:
		/* Preferred, not bound: a full node must give a far page, not call the OOM killer. */
		mask[node / 64] = 1ul << (node % 64);
		done = numa.mbind(memory, bytes, MPOL_PREFERRED, mask, NODES_MAX, 0);
		break;
	case OS_NUMA_LOCAL:
		if (numa.nodes == 1)
			return 0;
		done = numa.mbind(memory, bytes, MPOL_LOCAL, NULL, 0, 0);
		break;
	default:
		return -EINVAL;
	}
	/* On one node it is asked for only so that it can be read back. */
	return done == 0 || numa.nodes == 1 ? 0 : -errno;
}

/* Maps the page into this process if the file has it, without the SIGBUS of a touch. */
static void page_fault_in(void *page, size_t page_bytes)
{
	while (madvise(page, page_bytes, MADV_POPULATE_READ) != 0 && errno == EINTR)
		;
}

int os_numa_where(void *memory, size_t bytes)
{
	uintptr_t page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)memory & ~(page_bytes - 1);
	size_t pages = ((uintptr_t)memory + bytes - start + page_bytes - 1) / page_bytes;
	size_t count = pages < SAMPLES_MAX ? pages : SAMPLES_MAX;
	void *addresses[SAMPLES_MAX];
	int nodes[SAMPLES_MAX], found = -1;

	if (!numa_is_here() || bytes == 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		/* One page further each time: equal steps would meet the same node of interleaved ones. */
		size_t page = i * pages / count + i % (pages / count);

		addresses[i] = (void *)(start + page * page_bytes);
		page_fault_in(addresses[i], page_bytes);
	}
	if (numa.move_pages(0, count, addresses, NULL, nodes, 0) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (nodes[i] < 0) /* not there, or not yet */
			continue;
		if (found >= 0 && nodes[i] != found)
			return -2;
		found = nodes[i];
	}
	return found;
}

bool os_numa_policy_of(void *memory, enum os_numa_policy *ret_policy, uint32_t *ret_node)
{
	unsigned long mask[MASK_WORDS] = {0};
	uint32_t node = 0;
	int mode;

	if (!numa_is_here() || numa.get_mempolicy(&mode, mask, NODES_MAX, memory, MPOL_F_ADDR) != 0)
		return false;
	while (node < NODES_MAX && !mask_has(mask, node))
		node++;
	switch (mode & ~MPOL_MODE_FLAGS) {
	case MPOL_INTERLEAVE:
	case POLICY_WEIGHTED_INTERLEAVE:
		*ret_policy = OS_NUMA_INTERLEAVE;
		break;
	case MPOL_PREFERRED:
	case MPOL_BIND:
		*ret_policy = node < NODES_MAX ? OS_NUMA_NODE : OS_NUMA_LOCAL;
		break;
	case MPOL_DEFAULT:
	case MPOL_LOCAL:
		*ret_policy = OS_NUMA_LOCAL;
		break;
	default:
		return false;
	}
	*ret_node = *ret_policy == OS_NUMA_NODE ? node : 0;
	return true;
}

bool os_numa_is_interleaved(const void *memory)
{
	int mode;

	if (syscall(SYS_get_mempolicy, &mode, NULL, 0ul, memory, (unsigned long)MPOL_F_ADDR) != 0)
		return false;
	mode &= ~MPOL_MODE_FLAGS;
	return mode == MPOL_INTERLEAVE || mode == POLICY_WEIGHTED_INTERLEAVE;
}
