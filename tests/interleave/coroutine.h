/* Coroutines on stacks of a fixed address, so that a stack can be copied away and put back.
 *
 * Hand-written because ucontext saves a kilobyte and makes a system call at each switch. Only what
 * the calling convention preserves across a call is saved, on the stack that is being left.
 */
#ifndef INTERLEAVE_COROUTINE_H
#define INTERLEAVE_COROUTINE_H

#include <stddef.h>

/* Leaves the current stack, noting where in `*save`, and goes on with the one at `to`. */
void coroutine_switch(void **save, void *to);

/* Prepares the stack that ends at `top` (16-byte aligned) so that a switch to the returned pointer
 * calls `entry`, which must not return. */
void *coroutine_prepare(void *top, void (*entry)(void));

#endif
