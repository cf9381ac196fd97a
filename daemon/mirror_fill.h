/* Makes the files of a journal in one folder the same as in another. Nobody writes to either meanwhile. May be
 * killed at any step and begun again. */
#ifndef DAEMON_MIRROR_FILL_H
#define DAEMON_MIRROR_FILL_H

#include "kmod-free/disk.h"

#include <stdint.h>

struct mirror_fill {
	const struct os_disk *from_disk, *to_disk;
	int from, to;
	/* Told after each file; other than 0: that is answered. NULL: nobody asks. */
	int (*progress)(void *context, uint64_t bytes, uint64_t bytes_all);
	void *context;
};

/* From nothing: what `to` has goes first. */
int mirror_fill_anew(const struct mirror_fill *fill);

/* The two were written as one until the machine stopped. All files but the last two are complete then and the same
 * (daemon/open_file.c begins a file when all before it is durable): only those, and names, can differ. */
int mirror_fill_end(const struct mirror_fill *fill);

#endif
