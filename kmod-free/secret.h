/* Secrets: memory for them, random bytes, and the kernel's key ring. Neither is needed by clients of queues. */
#ifndef OS_SECRET_H
#define OS_SECRET_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed memory that is not swapped (as far as this process may lock memory), is in no core dump and in no child of
 * a fork. NULL: no memory. */
void *os_secret_make(size_t bytes);
/* The caller has overwritten it. NULL: nothing. */
void os_secret_drop(void *memory, size_t bytes);

/* Bytes that nobody can guess, and that never come again; 0 or a negative errno. */
int os_secret_random(void *ret_bytes, size_t bytes);

/* The bytes of a key of the type "user" that this process can find under that description in its key rings (thread,
 * process, session) or its user's. Returns how many it has, also if that is more than `bytes`; -ENOKEY: none;
 * -EACCES: one that it may not read; -ENOSYS, -EPERM: no key rings on this machine or in this container; others. */
int64_t os_key_read(const char *description, void *ret_bytes, size_t bytes);

#endif
