/* The calls of a disk's queue (kmod-free/disk.h) by io_uring. A container or a sysctl may refuse it, which open()
 * finds out by trying; of what newer kernels add, each thing is asked for and done without where it is refused. */
#ifndef OS_URING_H
#define OS_URING_H

#include "kmod-free/disk.h"

extern const struct os_queue_calls uring_calls;

#endif
