#include "kmod-free/barrier.h"
#include "kmod-free/sysops.h"

#include <linux/membarrier.h>

bool os_barrier_register(void)
{
	/* A forked child inherits the registration with the memory; exec drops it. */
	return os_sys.membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED) == 0;
}

bool os_barrier_everywhere(void)
{
	return os_sys.membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED) == 0;
}
