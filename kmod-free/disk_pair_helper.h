/* A thread that makes one call to a disk while its owner makes another. */
#ifndef OS_DISK_PAIR_HELPER_H
#define OS_DISK_PAIR_HELPER_H

#include "kmod-free/disk.h"

struct pair_helper;

struct pair_call {
	int64_t (*make)(const struct pair_call *call);
	const struct os_disk *disk;
	int fd;
	const void *bytes;
	size_t count;
	uint64_t offset;
};

/* -ENOMEM, -EAGAIN: no thread. */
int pair_helper_start(struct pair_helper **ret_helper);
/* Begins a call, which is the owner's until its end. One at a time. */
void pair_helper_begin(struct pair_helper *helper, const struct pair_call *call);
/* Waits for it: what it has answered. */
int64_t pair_helper_end(struct pair_helper *helper);
/* NULL: nothing. */
void pair_helper_stop(struct pair_helper *helper);

#endif
