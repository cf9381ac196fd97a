#include "kmod-free/barrier.h"
#include "kmod-free/sysops.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <sys/wait.h>
#include <unistd.h>

static int commands;

static int membarrier_refused(int command)
{
	commands |= command;
	errno = EPERM;
	return -1;
}

static int membarrier_seen(int command)
{
	commands |= command;
	return 0;
}

Test(os_barrier, registers_and_orders_where_the_kernel_allows_it)
{
	if (!os_barrier_register())
		cr_skip_test("membarrier is refused here");
	cr_assert(os_barrier_everywhere());
}

Test(os_barrier, uses_the_commands_that_reach_other_processes)
{
	int (*real)(int) = os_sys.membarrier;

	os_sys.membarrier = membarrier_seen;
	commands = 0;
	cr_assert(os_barrier_register());
	cr_assert_eq(commands, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED);
	commands = 0;
	cr_assert(os_barrier_everywhere());
	cr_assert_eq(commands, MEMBARRIER_CMD_GLOBAL_EXPEDITED);
	os_sys.membarrier = real;
}

Test(os_barrier, says_so_where_the_kernel_refuses)
{
	int (*real)(int) = os_sys.membarrier;

	os_sys.membarrier = membarrier_refused;
	cr_assert(!os_barrier_register());
	cr_assert(!os_barrier_everywhere());
	os_sys.membarrier = real;
}

Test(os_barrier, still_works_in_a_forked_child)
{
	int status;

	if (!os_barrier_register())
		cr_skip_test("membarrier is refused here");
	pid_t child = fork();

	if (child == 0)
		_exit(os_barrier_everywhere() ? 0 : 1);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
}
