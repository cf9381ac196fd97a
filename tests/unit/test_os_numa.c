/* The machine that runs this has one node, most likely. Others are faked: a libnuma that says which nodes
 * there are, and that keeps what it is asked for as the kernel would. Each test is a process of its own,
 * and the library is looked for once a process. */
#include "kmod-free/memory.h"
#include "kmod-free/numa.h"
#include "kmod-free/sysops.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <linux/mempolicy.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BYTES = 1 << 20, PAGE_BYTES = 4096 };

/* ---- a machine -------------------------------------------------------------------------------- */

static unsigned long nodes;	/* with memory, a bit each */
static int kernel_says;		/* an errno instead of success */
static const char *has_no;	/* a symbol that this libnuma lacks */
static unsigned asked;		/* calls of mbind */
static unsigned char *asked_at; /* the last one */
static unsigned long asked_bytes, asked_mask;
static int asked_mode = MPOL_DEFAULT;

static int fake_available(void)
{
	return 0;
}

static int fake_max_node(void)
{
	return 63 - __builtin_clzl(nodes);
}

static int fake_is_set(const void *bitmask, unsigned node)
{
	cr_assert_eq(bitmask, &nodes);
	return nodes >> node & 1;
}

static long fake_mbind(void *memory, unsigned long bytes, int mode, const unsigned long *mask,
		       unsigned long max_node, unsigned flags)
{
	cr_assert_eq(flags, 0, "nothing is moved, nothing is strict");
	cr_assert(mask == NULL || max_node >= 64);
	asked++;
	if (kernel_says) {
		errno = kernel_says;
		return -1;
	}
	asked_at = memory;
	asked_bytes = bytes;
	asked_mode = mode;
	asked_mask = mask ? mask[0] : 0;
	return 0;
}

static bool is_placed(const void *at)
{
	return (const unsigned char *)at >= asked_at && (const unsigned char *)at < asked_at + asked_bytes;
}

static long fake_get_mempolicy(int *mode, unsigned long *mask, unsigned long max_node, void *at,
			       unsigned long flags)
{
	cr_assert_eq(flags, MPOL_F_ADDR);
	memset(mask, 0, max_node / 8);
	*mode = is_placed(at) ? asked_mode : MPOL_DEFAULT;
	mask[0] = is_placed(at) ? asked_mask : 0;
	return 0;
}

/* Where a page lies by that policy: interleaved by its number. */
static int node_of(const void *at)
{
	size_t page = ((size_t)((const unsigned char *)at - asked_at)) / PAGE_BYTES;
	int count = __builtin_popcountl(asked_mask), skip = count ? (int)(page % (size_t)count) : 0;

	for (int node = 0; count > 0 && node < 64; node++)
		if (asked_mask >> node & 1 && skip-- == 0)
			return node;
	return __builtin_ctzl(nodes);
}

static long fake_move_pages(int pid, unsigned long count, void **pages, const int *targets, int *status, int flags)
{
	cr_assert(pid == 0 && targets == NULL && flags == 0, "only asked, not moved");
	for (unsigned long i = 0; i < count; i++)
		status[i] = node_of(pages[i]);
	return 0;
}

static void *fake_symbol(void *library, const char *symbol)
{
	static unsigned long *nodes_pointer = &nodes;
	const struct {
		const char *name;
		void *value;
	} symbols[] = {
		{"numa_available", (void *)fake_available},
		{"numa_max_node", (void *)fake_max_node},
		{"numa_bitmask_isbitset", (void *)fake_is_set},
		{"numa_nodes_ptr", (void *)&nodes_pointer},
		{"mbind", (void *)fake_mbind},
		{"get_mempolicy", (void *)fake_get_mempolicy},
		{"move_pages", (void *)fake_move_pages},
	};

	(void)library;
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++)
		if (strcmp(symbols[i].name, symbol) == 0 && (has_no == NULL || strcmp(has_no, symbol) != 0))
			return symbols[i].value;
	return NULL;
}

static void *fake_library(const char *file, int flags)
{
	cr_assert(strstr(file, "libnuma"));
	return dlopen(NULL, flags); /* something that can be closed */
}

static void *no_library(const char *file, int flags)
{
	(void)file;
	(void)flags;
	return NULL;
}

static unsigned char *memory;

/* A machine with these nodes; memory of a file on it. */
static void machine(unsigned long with_nodes)
{
	int fd = memfd_create("numa", MFD_CLOEXEC);

	nodes = with_nodes;
	os_sys.dlopen = fake_library;
	os_sys.dlsym = fake_symbol;
	cr_assert_eq(os_file_allocate(fd, 0, BYTES), 0);
	memory = os_map(fd, 0, BYTES, true);
	cr_assert(memory != NULL);
	close(fd);
}

static void expect_policy(enum os_numa_policy wanted, uint32_t wanted_node)
{
	enum os_numa_policy policy;
	uint32_t node;

	cr_assert(os_numa_policy_of(memory + BYTES / 2, &policy, &node));
	cr_expect_eq(policy, wanted);
	cr_expect_eq(node, wanted_node);
}

/* ---- two nodes -------------------------------------------------------------------------------- */

Test(os_numa, memory_is_interleaved_over_all_nodes)
{
	machine(3);
	cr_assert_eq(os_numa_nodes(), 2);
	cr_assert_eq(os_numa_place(memory, BYTES, OS_NUMA_INTERLEAVE, 0), 0);
	cr_expect_eq(asked_mode, MPOL_INTERLEAVE);
	cr_expect_eq(asked_mask, 3);
	cr_expect(asked_at == memory && asked_bytes == BYTES, "all of it");
	expect_policy(OS_NUMA_INTERLEAVE, 0);
	cr_expect_eq(os_numa_where(memory, BYTES), -2, "on several");
	cr_expect_eq(os_numa_where(memory + PAGE_BYTES, PAGE_BYTES), 1, "this page is on the other node");
}

Test(os_numa, a_node_is_preferred_not_bound)
{
	machine(3);
	cr_assert_eq(os_numa_place(memory, BYTES, OS_NUMA_NODE, 1), 0);
	cr_expect_eq(asked_mode, MPOL_PREFERRED, "a full node must not kill us");
	cr_expect_eq(asked_mask, 2);
	expect_policy(OS_NUMA_NODE, 1);
	cr_expect_eq(os_numa_where(memory, BYTES), 1);
}

Test(os_numa, memory_is_local_whatever_the_process_prefers)
{
	machine(3);
	cr_assert_eq(os_numa_place(memory, BYTES, OS_NUMA_LOCAL, 0), 0);
	cr_expect_eq(asked_mode, MPOL_LOCAL);
	cr_expect_eq(asked_mask, 0);
	expect_policy(OS_NUMA_LOCAL, 0);
	cr_expect_eq(os_numa_where(memory, BYTES), 0);
}

Test(os_numa, nodes_without_memory_do_not_count)
{
	machine(1 << 0 | 1 << 2);
	cr_assert_eq(os_numa_nodes(), 2);
	cr_expect_eq(os_numa_place(memory, BYTES, OS_NUMA_NODE, 1), -EINVAL);
	cr_expect_eq(os_numa_place(memory, BYTES, OS_NUMA_NODE, 3), -EINVAL);
	cr_expect_eq(os_numa_place(memory, BYTES, OS_NUMA_NODE, 1000000), -EINVAL);
	cr_expect_eq(asked, 0);
	cr_expect_eq(os_numa_place(memory, BYTES, OS_NUMA_NODE, 2), 0);
	cr_expect_eq(asked_mask, 4);
}

Test(os_numa, a_kernel_that_refuses_is_heard_where_it_matters)
{
	machine(3);
	kernel_says = EPERM;
	cr_expect_eq(os_numa_place(memory, BYTES, OS_NUMA_INTERLEAVE, 0), -EPERM);
	cr_expect_eq(os_numa_place(memory, BYTES, OS_NUMA_NODE, 1), -EPERM);
	cr_expect_eq(os_numa_place(memory, BYTES, OS_NUMA_LOCAL, 0), -EPERM);
	cr_expect_eq(asked, 3);
}

/* ---- one node, or no libnuma ------------------------------------------------------------------ */

Test(os_numa, on_one_node_a_refusal_does_not_matter)
{
	machine(1);
	kernel_says = ENOSYS;
	cr_assert_eq(os_numa_nodes(), 1);
	cr_expect_eq(os_numa_place(memory, BYTES, OS_NUMA_INTERLEAVE, 0), 0);
	cr_expect_eq(os_numa_place(memory, BYTES, OS_NUMA_NODE, 0), 0);
	cr_expect_eq(os_numa_place(memory, BYTES, OS_NUMA_NODE, 1), -EINVAL);
}

static void expect_works_without(void)
{
	enum os_numa_policy policy;
	uint32_t node;

	cr_assert_eq(os_numa_nodes(), 1);
	cr_expect_eq(os_numa_place(memory, BYTES, OS_NUMA_LOCAL, 0), 0);
	cr_expect_eq(os_numa_place(memory, BYTES, OS_NUMA_INTERLEAVE, 0), 0);
	cr_expect_eq(os_numa_place(memory, BYTES, OS_NUMA_NODE, 0), 0);
	cr_expect_eq(os_numa_place(memory, BYTES, OS_NUMA_NODE, 1), -EINVAL);
	cr_expect_not(os_numa_policy_of(memory, &policy, &node));
	cr_expect_eq(os_numa_where(memory, BYTES), -1);
	cr_expect_eq(asked, 0);
}

Test(os_numa, all_is_local_without_libnuma)
{
	machine(3);
	os_sys.dlopen = no_library;
	expect_works_without();
}

Test(os_numa, a_libnuma_that_lacks_a_call_is_none)
{
	machine(3);
	has_no = "move_pages";
	expect_works_without();
}

/* ---- this machine ----------------------------------------------------------------------------- */

Test(os_numa, memory_is_placed_where_it_was_asked_for)
{
	int fd = memfd_create("numa", MFD_CLOEXEC);
	enum os_numa_policy policy;
	uint32_t node = 99;

	cr_assert_eq(os_file_resize(fd, BYTES), 0);
	memory = os_map(fd, 0, BYTES, true);
	cr_assert(os_numa_nodes() >= 1);
	cr_assert_eq(os_numa_place(memory, BYTES, OS_NUMA_NODE, 1000000), -EINVAL);
	cr_assert_eq(os_numa_place(memory, BYTES, OS_NUMA_LOCAL, 0), 0);
	cr_assert_eq(os_numa_place(memory, BYTES, OS_NUMA_INTERLEAVE, 0), 0);
	if (!os_numa_policy_of(memory, &policy, &node))
		cr_skip_test("no libnuma, or no NUMA in this kernel");
	cr_assert_eq(policy, OS_NUMA_INTERLEAVE);
	cr_assert(os_numa_is_interleaved(memory));
	cr_assert_eq(os_numa_place(memory, BYTES, OS_NUMA_NODE, 0), 0);
	cr_assert(!os_numa_is_interleaved(memory));
	cr_assert(os_numa_policy_of(memory, &policy, &node));
	cr_assert_eq(policy, OS_NUMA_NODE);
	cr_assert_eq(node, 0);
	cr_assert_eq(os_file_allocate(fd, 0, BYTES), 0);
	cr_assert_eq(os_numa_where(memory, BYTES), 0);
	cr_assert_eq(os_numa_where(memory, 0), -1);
	cr_assert_eq(os_file_memory(fd), BYTES);
	os_unmap(memory, BYTES);
	close(fd);
}
