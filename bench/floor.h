/* The floor of a journal: the same frames, built from bodies in memory, with the same checksum, written to the same
 * disk in each way there is, and no queue. Nothing is durable before a flush: so flushes are what is counted. */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include "bench/hist.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FLOOR_IN_FLIGHT_MAX = 4 };

enum floor_flush {
	FLOOR_FDATASYNC,  /* after each write */
	FLOOR_DSYNC,	  /* a write that flushes: RWF_DSYNC */
	FLOOR_TURN,	  /* one fdatasync behind as many writes as are in flight; then all begin anew */
	FLOOR_DSYNC_TURN, /* as many writes that flush; then all begin anew */
};

struct floor_method {
	const char *name;
	enum floor_flush flush;
	bool is_direct;	  /* past the page cache */
	bool is_fresh;	  /* into an allocation that was never written */
	bool is_queued;	  /* by io_uring */
	bool is_lean;	  /* with no registered memory and file */
	bool is_deferred; /* SINGLE_ISSUER, DEFER_TASKRUN */
};

extern const struct floor_method floor_methods[];
extern const uint32_t floor_method_count;

struct floor_shape {
	uint32_t in_flight;
	size_t batch_bytes; /* a multiple of 4096; a batch is a frame */
	uint32_t body_bytes;
};

struct floor_figures {
	double seconds, cpu_seconds;
	uint64_t records, batches;
};

struct floor;

/* Ends the process, with the reason, when the disk cannot be had. NULL: this machine refuses the method. */
struct floor *floor_open(const char *folder, const struct floor_method *method, const struct floor_shape *shape);
/* Writes for so long, or so many batches (0: no bound); the time of each from its handing over to its end goes into
 * `times` (NULL: nowhere). */
struct floor_figures floor_run(struct floor *floor, double seconds, uint64_t batches, struct hist *times);
void floor_close(struct floor *floor);

/* Of one frame. */
uint32_t floor_records(const struct floor_shape *shape);

#endif
