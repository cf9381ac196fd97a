/* Memory placement through libnuma, found at run time: without it, or on one node, all is local. */
#ifndef OS_NUMA_H
#define OS_NUMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum os_numa_policy { OS_NUMA_LOCAL, OS_NUMA_INTERLEAVE, OS_NUMA_NODE };

/* Number of memory nodes, at least 1. */
int os_numa_nodes(void);

/* Sets the policy of a mapped range of a tmpfs file. It belongs to the file, so it holds for whoever
 * allocates there first. -EINVAL: no such node. OS_NUMA_NODE prefers the node and takes a page
 * elsewhere when it is full. On one node it succeeds always; what the kernel accepted can still be
 * read back. */
int os_numa_place(void *memory, size_t bytes, enum os_numa_policy policy, uint32_t node);

/* The node on which the pages of an allocated range lie: -1 unknown, -2 several. Looks at up to 64
 * pages spread over the range (move_pages with no target). */
int os_numa_where(void *memory, size_t bytes);

/* The policy that the kernel reports for an address, as OS_NUMA_*, and its node. False: unknown. */
bool os_numa_policy_of(void *memory, enum os_numa_policy *ret_policy, uint32_t *ret_node);

/* Do the pages at this address take turns over the nodes? Asked of the kernel directly, in a running call. False:
 * unknown. */
bool os_numa_is_interleaved(const void *memory);

#endif
