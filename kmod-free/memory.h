/* Files in shared memory: create, map, allocate, give back. All take and return offsets in bytes;
 * 0 or a negative errno unless said otherwise. */
#ifndef OS_MEMORY_H
#define OS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a hidden name starts with: a process killed between build and link leaves one behind. */
#define OS_HIDDEN_PREFIX ".build-"

/* A nameless file in the directory (O_TMPFILE, or a hidden name where that is refused), to be named
 * by os_file_link once it is whole. `ret_hidden` gets the hidden name or "", at least 64 bytes.
 * Returns the descriptor (O_RDWR, close-on-exec); `mode` holds whatever the umask. */
int os_file_build(int directory_fd, uint32_t mode, char *ret_hidden);
/* Gives it its name; -EEXIST if somebody was faster. Never replaces a file. The hidden name, if there
 * is one, is gone afterwards, also on failure; the descriptor stays open. */
int os_file_link(int directory_fd, int fd, const char *hidden, const char *name);
/* Instead of os_file_link: closes the descriptor and removes the hidden name. */
void os_file_discard(int directory_fd, int fd, const char *hidden);

/* Makes the file `bytes` long without allocating. -EFBIG also if this process may not have so long a file. */
int os_file_resize(int fd, uint64_t bytes);

/* Allocates [offset, offset + bytes): afterwards touching it cannot raise SIGBUS. -ENOSPC if the
 * tmpfs is full; what was there before is kept. The file grows to hold the range. */
int os_file_allocate(int fd, uint64_t offset, uint64_t bytes);

/* The same of a range that lies at `memory` in a mapping of os_map(). Whole OS_HUGE_BYTES of it, counted from the
 * beginning of the file, become huge pages where the kernel has some to give, whatever tmpfs is set to but "deny"
 * (MADV_COLLAPSE, Linux 6.1): touched for the first time at once by all who map it, and one entry of the TLB
 * instead of 512. `*huge`: try; false from the first refusal on. */
#define OS_HUGE_BYTES (UINT64_C(2) << 20)
int os_map_allocate(int fd, uint64_t offset, unsigned char *memory, uint64_t bytes, bool *huge);

/* Gives the memory of a range back; it reads as zero when allocated again. */
int os_file_punch(int fd, uint64_t offset, uint64_t bytes);

/* Bytes of memory the file takes. */
uint64_t os_file_memory(int fd);

/* Maps a range shared, readable and writable (or read-only), without touching it; a large one where huge pages fit.
 * NULL on failure, with errno. */
void *os_map(int fd, uint64_t offset, size_t bytes, bool writable);
void os_unmap(void *memory, size_t bytes);

/* Faults a range in ahead of use, so that the first touch is not paid message by message. A hint. */
void os_map_populate(void *memory, size_t bytes);

/* Is the directory on tmpfs (or ramfs)? */
bool os_is_tmpfs(int directory_fd);

/* 16 bytes that differ after each boot (/proc/sys/kernel/random/boot_id). */
int os_boot_id(unsigned char ret_id[16]);

/* Fills with random bytes; never fails (getrandom; where that is refused, bytes that merely differ). */
void os_random(void *ret_bytes, size_t bytes);

/* Spreads the bits of a number over 64 (splitmix64's finish). Not for secrets. */
uint64_t os_mix(uint64_t x);

#endif
