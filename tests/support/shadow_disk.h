/* A disk in memory, for tests of what must survive the end of the machine: it knows what was flushed and what was
 * not, may lose any of the latter, fail at any call, and stop short. One folder, one thread. */
#ifndef TEST_SHADOW_DISK_H
#define TEST_SHADOW_DISK_H

#include "kmod-free/disk.h"

#include <stdbool.h>

enum { SHADOW_SECTOR = 512, SHADOW_FOLDER = 1000 /* its descriptor */ };

extern const struct os_disk shadow_disk;

/* For a table's write_durably: two calls, of which the second flushes only what the first has written. */
int64_t shadow_write_durably(int fd, const void *bytes, size_t count, uint64_t offset);

/* An empty disk without faults. Ends the test when there is no memory. */
void shadow_begin(void);
void shadow_end(void);

/* ---- loss of power ---------------------------------------------------------------------------- */

/* After so many calls that change something (writes, flushes, names) all calls fail with -EIO. -1: never. */
void shadow_power_for(int calls);
bool shadow_is_off(void);

enum shadow_loss {
	SHADOW_LOSE_ALL, /* nothing that was not flushed is there */
	SHADOW_LOSE_NONE,
	SHADOW_LOSE_SOME,  /* of unflushed bytes any sectors; of unflushed names the first ones */
	SHADOW_LOSE_NAMES, /* all bytes, no unflushed name */
	SHADOW_LOSE_BYTES, /* all names, no unflushed byte */
	SHADOW_LOSS_COUNT,
};

/* How much of a write is there wholly or not at all: SHADOW_SECTOR unless this says otherwise. */
void shadow_sector(size_t bytes);

/* The machine starts again: nothing is open, there is power, no fault. `random`: state of random_next(). */
void shadow_restart(enum shadow_loss loss, uint64_t *random);

/* The process that used it is gone, the machine is not: nothing is open, no fault; what was not flushed is there
 * and still may be lost. */
void shadow_let_go(void);

/* ---- faults ----------------------------------------------------------------------------------- */

enum shadow_call {
	SHADOW_CREATE = 1,
	SHADOW_OPEN = 2,
	SHADOW_RENAME = 4,
	SHADOW_UNLINK = 8,
	SHADOW_WRITE = 16,
	SHADOW_READ = 32,
	SHADOW_FLUSH = 64,
	SHADOW_FLUSH_FOLDER = 128,
	SHADOW_ALLOCATE = 256,
	SHADOW_LIST = 512,
	SHADOW_LENGTH = 1024,
	SHADOW_ANY = 2047,
};

/* Instead of an error: the call reads or writes half of what it was to. */
enum { SHADOW_SHORT = 1 };

/* The n-th of those calls from here on fails with `error`, and with `for_good` all later ones. n 0: none. After a
 * flush that fails, what it should have flushed is there but counts as clean: no later flush keeps it from being
 * lost, unless it is written again. (Not with OS_DISK_DIRECT: the disk has it.) */
void shadow_fail(unsigned calls, int n, int error, bool for_good);
/* Has a call failed so? */
bool shadow_has_failed(void);

/* The disk has room for so many bytes in all: what would take more gets -ENOSPC. 0: for any. Also after a restart.
 */
void shadow_room(uint64_t bytes);

/* No call writes or reads more at once, and every second one only answers -EINTR. 0: no bound. */
void shadow_at_most(size_t bytes);
/* Opening with OS_DISK_DIRECT answers -EINVAL; else its alignment is asserted. */
void shadow_refuse_direct(bool refuse);

uint64_t shadow_calls(unsigned calls);

/* ---- looking in ------------------------------------------------------------------------------- */

/* The bytes of a file as programs see them, to be read and changed; NULL: there is none. Until it grows. */
unsigned char *shadow_bytes(const char *name, size_t *ret_bytes);
/* A file of such bytes, flushed. */
void shadow_put(const char *name, const void *bytes, size_t count);
void shadow_remove(const char *name);

#endif
