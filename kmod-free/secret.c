#include "kmod-free/secret.h"

#include "kmod-free/sysops.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <sys/mman.h>

/* ---- memory ----------------------------------------------------------------------------------- */

void *os_secret_make(size_t bytes)
{
	void *memory = os_sys.mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	/* Each of them is a help, none a condition. */
	mlock(memory, bytes);
	madvise(memory, bytes, MADV_DONTDUMP);
	madvise(memory, bytes, MADV_WIPEONFORK);
	return memory;
}

void os_secret_drop(void *memory, size_t bytes)
{
	if (memory)
		munmap(memory, bytes);
}

int os_secret_random(void *ret_bytes, size_t bytes)
{
	unsigned char *next = ret_bytes;

	while (bytes > 0) {
		ssize_t got = os_sys.getrandom(next, bytes, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EIO;
		next += got;
		bytes -= (size_t)got;
	}
	return 0;
}

/* ---- key rings -------------------------------------------------------------------------------- */

/* Its serial number, or -1 and errno. A session need not have its user's key ring linked (systemd's services do
 * not). */
static long find(const char *description)
{
	long key = os_sys.request_key("user", description, NULL, 0);

	if (key < 0 && errno == ENOKEY)
		key = os_sys.keyctl(KEYCTL_SEARCH, (uintptr_t)KEY_SPEC_USER_KEYRING, (uintptr_t) "user",
				    (uintptr_t)description, 0);
	return key;
}

int64_t os_key_read(const char *description, void *ret_bytes, size_t bytes)
{
	long key = find(description);
	long count = key < 0 ? -1 : os_sys.keyctl(KEYCTL_READ, (uintptr_t)key, (uintptr_t)ret_bytes, bytes, 0);

	return count < 0 ? -errno : count;
}
