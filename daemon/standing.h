/* What a folder says of its journal as a whole: whose it is, and how it stands with its mirror. In a file of its
 * own, "standing", replaced as a whole and flushed; there is none while there is nothing to say.
 *
 * File, 256 bytes, little-endian
 *   0    8  "RLSTANDS"                        32   16 id of the machine; zeros: as the journal's files say
 *   8    2  version, major                    48   200 folder of the mirror, for messages; zeros behind it
 *   10   2  version, minor                    248  4  zero
 *   12   4  state                             252  4  CRC-32C of the 252 before it, as of a file's head
 *   16   8  generation                             (daemon/format.h)
 *   24   8  pairing
 * States
 *   1 SINGLE   it has no mirror
 *   2 PAIRED   it has one, which has the same number of pairing: what either acknowledged is on both
 *   3 ALONE    it had one, and went on without: it has what the other lacks
 *   4 STALE    it is behind its mirror, or a copy that is not whole
 * Generation: grows each time that a folder is filled as a mirror. Pairing: drawn then, the same on both sides,
 * never 0; of STALE, 0: nothing was to be filled in yet, since the journal was to begin with the mirror.
 *
 * A folder that is left behind mostly cannot be told so. So ALONE is written to the other one before anything is
 * acknowledged there that the first does not have, and PAIRED promises nothing without the other side's word
 * (daemon/mirror_judge.h). To change the file, see daemon/format.h: a reader of this version refuses another major.
 */
#ifndef DAEMON_STANDING_H
#define DAEMON_STANDING_H

#include "kmod-free/disk.h"

#include <stdint.h>

enum standing_state { STANDING_SINGLE = 1, STANDING_PAIRED, STANDING_ALONE, STANDING_STALE };

enum { STANDING_OTHER_BYTES = 200 };

struct standing {
	char magic[8];
	uint16_t major, minor;
	uint32_t state;
	uint64_t generation, pairing;
	unsigned char machine_id[16];
	char other[STANDING_OTHER_BYTES];
	uint32_t spare, crc;
};
_Static_assert(sizeof(struct standing) == 256, "standing");

/* -ENOENT: it says nothing; -EBADMSG: damaged; -ENOTSUP: of a newer version; others from the disk. */
int standing_read(const struct os_disk *disk, int folder, struct standing *ret_standing);
/* Durable on return. Magic, version and CRC are filled in. */
int standing_write(const struct os_disk *disk, int folder, const struct standing *standing);

/* Best effort. */
void standing_remove(const struct os_disk *disk, int folder);

void standing_set_other(struct standing *standing, const char *path);

/* All that can be known of a folder without reading its journal. */
struct standing_look {
	struct standing standing; /* state 0: it says nothing */
	bool has_files;		  /* of a journal */
	uint64_t journal_id;	  /* 0: no file says it */
	unsigned char machine_id[16];
};

/* Errors as of standing_read(), but that there need be none. A file that is not sound says nothing here. */
int standing_look(const struct os_disk *disk, int folder, struct standing_look *ret_look);

#endif
