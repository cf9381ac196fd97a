#include "tests/unit/faulty_calls.h"

#include "kmod-free/sysops.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>

static struct os_sysops real;
static bool is_begun;
static int calls_until, fault;

static bool is_faulty(void)
{
	if (--calls_until != 0)
		return false;
	errno = fault;
	return true;
}

static int faulty_fallocate(int fd, int mode, off_t offset, off_t bytes)
{
	return is_faulty() ? -1 : real.fallocate(fd, mode, offset, bytes);
}

static int faulty_ftruncate(int fd, off_t bytes)
{
	return is_faulty() ? -1 : real.ftruncate(fd, bytes);
}

static int faulty_linkat(int old_fd, const char *old_name, int new_fd, const char *new_name, int flags)
{
	return is_faulty() ? -1 : real.linkat(old_fd, old_name, new_fd, new_name, flags);
}

static void *faulty_mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	return is_faulty() ? MAP_FAILED : real.mmap(address, bytes, protection, flags, fd, offset);
}

void faulty_calls_begin(enum faulty_call which, int calls, int error)
{
	faulty_calls_end();
	real = os_sys;
	is_begun = true;
	calls_until = calls;
	fault = error;
	if (which & FAULTY_FALLOCATE)
		os_sys.fallocate = faulty_fallocate;
	if (which & FAULTY_FTRUNCATE)
		os_sys.ftruncate = faulty_ftruncate;
	if (which & FAULTY_LINKAT)
		os_sys.linkat = faulty_linkat;
	if (which & FAULTY_MMAP)
		os_sys.mmap = faulty_mmap;
}

void faulty_calls_end(void)
{
	if (is_begun)
		os_sys = real;
	is_begun = false;
}
