#include "tests/support/barriers.h"

#include "kmod-free/sysops.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <stddef.h>

static int (*kernel)(int command);

static int refuse(int command)
{
	(void)command;
	errno = EPERM;
	return -1;
}

static int refuse_registration(int command)
{
	return command == MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED ? refuse(command) : kernel(command);
}

void barriers_set(enum barriers barriers)
{
	if (kernel == NULL)
		kernel = os_sys.membarrier;
	os_sys.membarrier = barriers == BARRIERS_OF_KERNEL   ? kernel
			    : barriers == BARRIERS_BY_FENCES ? refuse_registration
							     : refuse;
}
