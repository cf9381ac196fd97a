/* A victim that runs one instruction at a time: its program's own, and those of libc's functions that write to
 * memory for the product. Other functions of libc run as a whole, but stop after each system call: what they
 * take differs from run to run (numbers are printed and read there), and they leave shared memory alone. */
#ifndef TEST_IMAGES_TRACE_H
#define TEST_IMAGES_TRACE_H

#include "tests/images/stage.h"

#include <sched.h>
#include <sys/types.h>

enum {
	TEXT_BYTES_MAX = 1 << 20, /* of the product */
	VISITED_MAX = 1 << 16,	  /* places in the program that a run comes to */
};

/* A place in a run, and how to get there at full speed. */
struct trace_place {
	uint64_t step; /* after so many */
	uintptr_t pc;
	/* The last place in the program, how often the run has come to it (0: never, it has just begun), and how
	 * many steps ago that was. */
	uintptr_t from;
	uint64_t from_visits, from_steps;
};

/* What the last step was, if it was a system call. */
struct trace_call {
	bool is_call;
	uint64_t number, argument[4];
	int64_t result;
};

struct trace {
	pid_t pid;
	const struct stage *stage;
	struct trace_place at;	       /* before this instruction */
	uint64_t product_steps, calls; /* instructions of the product; system calls, both of the script alone */
	struct trace_call call;
	bool is_stepping_libc;
	uintptr_t returns_to; /* where the function of libc that is running will return to; 0: none is */
	long hidden;	      /* the instruction there, which a breakpoint has replaced */
	cpu_set_t cpus;	      /* ours, before */
	struct visited {
		uintptr_t pc;
		uint64_t count;
	} visited[VISITED_MAX];
	unsigned char *covered; /* a bit for each byte of product code; kept from run to run */
};

/* Can a process be run so here? NULL, or why not. */
const char *trace_refusal(void);

/* Starts the program up to where it stops itself. */
void trace_start(struct trace *trace, struct stage *stage, const char *program, int stage_fd, uint32_t script,
		 uint32_t worker);

/* Takes one step; false: it has ended, with *ret_status. */
bool trace_step(struct trace *trace, int *ret_status);

/* Runs from the start to a place of an earlier run; false: it has ended before, with *ret_status. */
bool trace_run_to(struct trace *trace, const struct trace_place *place, int *ret_status);

/* SIGKILL, where it stands. */
void trace_kill(struct trace *trace);

#endif
