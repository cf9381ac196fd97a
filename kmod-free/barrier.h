/* A memory barrier in every other process, so that a fast path needs none (membarrier(2),
 * MEMBARRIER_CMD_GLOBAL_EXPEDITED, Linux 4.16). */
#ifndef OS_BARRIER_H
#define OS_BARRIER_H

#include <stdbool.h>

/* Asks that this process be reached. False where the kernel refuses (seccomp, old kernel): the caller
 * must then order its own stores and loads with fences. */
bool os_barrier_register(void);

/* Returns after every running thread of every registered process has passed a full barrier. False if
 * that cannot be had: the caller must assume that nothing is ordered. */
bool os_barrier_everywhere(void);

#endif
