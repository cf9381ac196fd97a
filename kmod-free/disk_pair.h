/* Two disks that hold the same, as one: each call is made to both, the slow ones at once, and has succeeded when it
 * has on both. So what is durable is so on either.
 *
 * A call that fails on one side and not on the other LOSES that side, for good: the rest is done by the other one
 * alone. But first `lost` is told, which writes durably that it is alone; until that has answered 0, no call that
 * changes anything succeeds. So nothing is ever called durable that is so on one side only without that side
 * knowing it. The last side is never lost: its errors are the pair's.
 *
 * What says nothing against a disk loses none: full (ENOSPC, EDQUOT), no memory, no descriptors, interrupted. The
 * call has failed then, and a file that only one side has created is removed there. Flags refused (EINVAL) by one
 * side are refused by the pair.
 *
 * Reads, lengths and lists come from the first side that is not lost. */
#ifndef OS_DISK_PAIR_H
#define OS_DISK_PAIR_H

#include "kmod-free/disk.h"

enum { DISK_PAIR_SIDES = 2 };

struct disk_pair;

struct disk_pair_side {
	const struct os_disk *disk;
	int folder; /* descriptor, of that disk */
};

/* The folders become the pair's, also on failure. `lost` is called by whoever makes the call that fails; if it
 * answers other than 0, it is asked again by later ones. `side` has failed with `error`. */
int disk_pair_open(const struct disk_pair_side sides[DISK_PAIR_SIDES],
		   int (*lost)(void *context, int side, int error), void *context, struct disk_pair **ret_pair);
/* All that was opened has been closed before, the folder too. NULL: nothing. */
void disk_pair_close(struct disk_pair *pair);

/* open_folder of the table is refused: there is one folder, to be closed as any. */
const struct os_disk *disk_pair_disk(const struct disk_pair *pair);
int disk_pair_folder(const struct disk_pair *pair);

bool disk_pair_is_lost(const struct disk_pair *pair, int side);

#endif
