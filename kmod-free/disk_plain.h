/* A disk's queue made of its plain calls, each ended before the next begins: for disks that have none. */
#ifndef OS_DISK_PLAIN_H
#define OS_DISK_PLAIN_H

#include "kmod-free/disk.h"

/* -ENOMEM. `open` of the table is NULL. */
int disk_plain_open(const struct os_disk *disk, struct os_queue **ret_queue);
extern const struct os_queue_calls disk_plain_calls;

#endif
