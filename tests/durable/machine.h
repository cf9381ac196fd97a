/* A machine with durable queues that can lose its power: a directory of queues, the journal's thread, and a disk in
 * memory. One a process; the clock stands but for what the test lets pass, so that turns are made when somebody
 * waits for one and at no other time. */
#ifndef DURABLE_MACHINE_H
#define DURABLE_MACHINE_H

#include "client/internal.h"
#include "tests/durable/second.h"

enum { MACHINE_FILE_BYTES = 64 << 10, SECTOR_BYTES = 512, PAGE_SECTORS_BYTES = 4096 };

/* How the journal writes. */
enum machine_disk {
	MACHINE_PLAIN,	/* one call after the other */
	MACHINE_QUEUED, /* frames so small that many are under way, whose writes end in any order */
	MACHINE_DISKS,
};

extern const char *const machine_disk_names[MACHINE_DISKS];
/* From the next machine_begin() on. The order of ends is drawn from `random`. */
void machine_use(enum machine_disk disk, uint64_t random);
/* Counts of both, under names of their own. */
void machine_tally(const char *name, const uint64_t counts[MACHINE_DISKS]);
/* Were several writes under way at once, ever? */
bool machine_has_queued(void);

/* Which folders the engine is started with. */
enum machine_folders {
	MACHINE_UNMIRRORED,
	MACHINE_BOTH,	/* the second one is the first one's mirror */
	MACHINE_FIRST,	/* without its mirror, as asked for */
	MACHINE_SECOND, /* the mirror alone, as asked for */
};

/* From the next start on; after machine_begin(): MACHINE_UNMIRRORED. */
void machine_mirror(enum machine_folders folders);

/* Of the journals of machines that begin from now on; 0: none. */
void machine_limit(uint64_t bytes);
/* Of the disk, kept free for the window of each async queue: little, so that most calls of the disk are not for
 * that. 0: as much as is needed when it is full. */
void machine_window(uint64_t bytes);
/* An empty disk, an empty directory, nothing started. */
void machine_begin(void);
void machine_end(void);

/* From now on each start of the engine writes with another one of two keys, or plain, and can read all. */
void machine_change_keys(void);

/* The engine starts: the journal is read, queues are restored. 0 or why not. */
int machine_start(void);
bool machine_is_started(void);
/* It ends, with a last turn if the disk still takes one. Handles are the caller's to close before. */
void machine_stop(void);
/* The engine is killed: no last turn. The disk has all that was written. Queues stay. */
void machine_kill_engine(void);
/* No power any more: what is in memory is gone, and of what was not flushed `loss`, in pieces of `sector` bytes. */
void machine_lose_power(enum shadow_loss loss, size_t sector, uint64_t *random);

struct rlq_directory *machine_directory(void);
void machine_time_passes(uint64_t ms);
/* Between a loss of power and the next start: the wall clock goes on by `ms`, or back; the boot clock begins anew.
 */
void machine_is_off_for(int64_t ms);
/* Has the journal called anything damaged since machine_begin()? */
bool machine_saw_damage(void);
bool machine_set_aside(void);
/* Has it called a side of the mirror lost? */
bool machine_lost_mirror(void);
/* What the engine has said last. */
const char *machine_said(void);

#endif
