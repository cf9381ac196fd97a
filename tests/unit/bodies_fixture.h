/* Blocks in a segment that has nothing else, with the liveness that a test says, and with faults at the
 * n-th fallocate. For the unit tests of shm/bodies.c and shm/extents.c. */
#ifndef TEST_BODIES_FIXTURE_H
#define TEST_BODIES_FIXTURE_H

#include "kmod-free/sysops.h"
#include "ringlease.h"
#include "tests/support/bodies_segment.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

enum { MEBI = 1 << 20, CLASS_LAST = SEG_BODY_CLASS_COUNT - 1, DEAD_ROW = 7 };

static struct segment *segment;

static inline void set_up(void)
{
	segment = bodies_segment_make();
	cr_assert(segment != NULL);
}

/* ---- blocks ----------------------------------------------------------------------------------- */

static inline uint64_t place_at(uint32_t slot)
{
	return place_pack(0, slot, 1);
}

static inline uint64_t allocate(uint64_t bytes, uint32_t slot)
{
	uint64_t block = 0;
	int error = body_allocate(segment, bytes, place_at(slot), &block);

	cr_assert_eq(error, 0, "%lu bytes: %d", (unsigned long)bytes, error);
	cr_assert_neq(block, 0);
	return block;
}

static inline uint32_t index_of(uint64_t block)
{
	return (uint32_t)block - 1;
}

static inline struct body_region *region_of(uint32_t class)
{
	struct body_region *region = region_open(segment, class);

	cr_assert(region != NULL);
	cr_assert_eq(region_look(region), 0);
	return region;
}

/* Liveness as the tests say it: slots below `live_below` are live, rows below DEAD_ROW are alive. */
static uint32_t live_below;

static inline bool is_live(void *context, uint64_t place, uint64_t block)
{
	(void)context;
	(void)block;
	return place_unpack(place).slot < live_below;
}

static inline bool is_dead(void *context, uint32_t row, uint32_t serial)
{
	(void)context;
	(void)serial;
	return row >= DEAD_ROW;
}

static inline uint64_t sweep_keeping(uint64_t keep_bytes)
{
	struct body_sweep sweep = {
		.is_live = is_live, .is_dead = is_dead, .keep_bytes = keep_bytes, .keep_idle_bytes = keep_bytes};
	uint64_t cursor = 0, given = 0;

	do
		given += body_sweep_step(segment, &sweep, &cursor, 1000);
	while (cursor != 0);
	return given;
}

static inline uint64_t memory(void)
{
	return os_file_memory(segment->fd);
}

/* ---- fault injection: the n-th fallocate ------------------------------------------------------ */

static struct os_sysops real;
static int calls_until;	      /* the fault; counts down */
static bool fault_is_kill;    /* else ENOSPC, from then on */
static bool kill_comes_after; /* the call has been done */

static inline int faulty_fallocate(int fd, int mode, off_t offset, off_t bytes)
{
	int done = 0;

	if (--calls_until > 0 || (fault_is_kill && calls_until < 0) ||
	    (mode & FALLOC_FL_PUNCH_HOLE && !fault_is_kill))
		return real.fallocate(fd, mode, offset, bytes);
	if (!fault_is_kill) {
		errno = ENOSPC;
		return -1;
	}
	if (kill_comes_after)
		done = real.fallocate(fd, mode, offset, bytes);
	raise(SIGKILL);
	return done;
}

static inline void inject(int calls)
{
	real = os_sys;
	calls_until = calls;
	os_sys.fallocate = faulty_fallocate;
}

static inline void inject_nothing(void)
{
	os_sys = real;
}

/* Runs `act` as row DEAD_ROW in a process that is killed at its n-th fallocate. False: it was not. */
static inline bool kill_at(int call, bool after, void (*act)(struct segment *segment))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct segment *child = bodies_segment_join(segment, DEAD_ROW, false);

		fault_is_kill = true;
		kill_comes_after = after;
		inject(call);
		act(child);
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status);
}

#endif
