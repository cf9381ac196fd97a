#include "kmod-free/sysops.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

static long call_futex(const _Atomic uint32_t *word, int operation, uint32_t value, const struct timespec *timeout,
		       uint32_t bits)
{
	return syscall(SYS_futex, word, operation, value, timeout, NULL, bits);
}

static int call_membarrier(int command)
{
	return (int)syscall(SYS_membarrier, command, 0, 0);
}

struct os_sysops os_sys = {
	.fallocate = fallocate,
	.ftruncate = ftruncate,
	.linkat = linkat,
	.unlinkat = unlinkat,
	.mmap = mmap,
	.futex = call_futex,
	.membarrier = call_membarrier,
	.getrandom = getrandom,
	.dlopen = dlopen,
	.dlsym = dlsym,
};
