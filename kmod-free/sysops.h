/* The calls that tests replace to inject faults, or another machine. Production code calls through `os_sys`.
 * Tests set an entry before opening anything and put it back afterwards; not thread-safe. All answer
 * as libc's do: -1 (MAP_FAILED) and errno. */
#ifndef OS_SYSOPS_H
#define OS_SYSOPS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct os_sysops {
	int (*fallocate)(int fd, int mode, off_t offset, off_t bytes);
	int (*ftruncate)(int fd, off_t bytes);
	int (*linkat)(int old_fd, const char *old_name, int new_fd, const char *new_name, int flags);
	int (*unlinkat)(int fd, const char *name, int flags);
	void *(*mmap)(void *address, size_t bytes, int protection, int flags, int fd, off_t offset);
	int (*madvise)(void *address, size_t bytes, int advice);
	long (*futex)(const _Atomic uint32_t *word, int operation, uint32_t value, const struct timespec *timeout,
		      uint32_t bits);
	long (*futex_waitv)(const void *words, uint32_t count, uint32_t flags, const struct timespec *end,
			    clockid_t clock);
	ssize_t (*getrandom)(void *bytes, size_t count, unsigned flags);
	/* The kernel's key rings (kmod-free/secret.c). */
	long (*request_key)(const char *type, const char *description, const char *callout, int32_t ring);
	long (*keyctl)(int operation, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d);
	/* How libnuma is found (kmod-free/numa.c): once in a process. */
	void *(*dlopen)(const char *file, int flags);
	void *(*dlsym)(void *library, const char *symbol);
};

extern struct os_sysops os_sys;

#endif
