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

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449 /* on all architectures */
#endif

static long call_futex_waitv(const void *words, uint32_t count, uint32_t flags, const struct timespec *end,
			     clockid_t clock)
{
	return syscall(SYS_futex_waitv, words, count, flags, end, clock);
}

static long call_request_key(const char *type, const char *description, const char *callout, int32_t ring)
{
	return syscall(SYS_request_key, type, description, callout, ring);
}

static long call_keyctl(int operation, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)
{
	return syscall(SYS_keyctl, operation, a, b, c, d);
}

struct os_sysops os_sys = {
	.fallocate = fallocate,
	.ftruncate = ftruncate,
	.linkat = linkat,
	.unlinkat = unlinkat,
	.mmap = mmap,
	.madvise = madvise,
	.futex = call_futex,
	.futex_waitv = call_futex_waitv,
	.getrandom = getrandom,
	.request_key = call_request_key,
	.keyctl = call_keyctl,
	.dlopen = dlopen,
	.dlsym = dlsym,
};
