/* A journal in two folders, on two disks: what is durable is so in both (kmod-free/disk_pair.h).
 *
 * Start     Both folders say how they stand (daemon/standing.h), and mirror_judge() which one has what was
 *           acknowledged. If both have, the ends of their files are made the same, from the second one if only that
 * is sound. If one is empty or behind, it is filled from the other: STALE, files, PAIRED on the full side, PAIRED
 *           on the new one. Else it is refused, with what to do.
 * A side fails   The other one gets ALONE, durably, and goes on; that is said. The one that failed gets STALE if it
 *           still takes that.
 * One folder   is refused if it has a mirror that may have gone on, or is behind one, unless that is asked for.
 *
 * Whether it has a mirror or not, a journal of another machine is refused unless that is asked for; and so is one
 * without its keys, before it goes on alone or anything is filled from it. */
#ifndef DAEMON_MIRROR_H
#define DAEMON_MIRROR_H

#include "daemon/data_folder.h"
#include "daemon/keys.h"
#include "daemon/standing.h"
#include "kmod-free/disk_pair.h"

#include <stdatomic.h>

struct mirror_options {
	const char *path;	       /* of the second folder; NULL: there is none */
	const struct os_disk *disk;    /* its own; NULL: as the first one's */
	bool without_mirror;	       /* start though the mirror may have more */
	bool accept_stale;	       /* ... though it has */
	bool adopt;		       /* ... though the journal is of another machine */
	const struct keys *keys;       /* of the journal; NULL: none */
	const atomic_bool *is_stopped; /* filling ends with -ECANCELED once it is; NULL: nobody stops it */
	void (*say)(void *context, const char *format, ...) __attribute__((format(printf, 2, 3)));
	void *context;
};

struct mirror_end {
	const char *path;
	const struct os_disk *disk;
	struct os_disk own; /* of the second one: *disk, with its lock */
	int folder;	    /* -1: not there */
	struct standing_look look;
	bool is_adopted; /* as asked for; to be noted */
};

struct mirror {
	struct mirror_options options;
	unsigned char machine_id[16];
	struct mirror_end end[DISK_PAIR_SIDES]; /* the journal's folder, its mirror */
	struct data_folder second;		/* locked */
	char first_path[PATH_MAX], second_path[PATH_MAX];
	struct disk_pair *pair; /* NULL: there is no mirror */
	uint32_t said_tenths;
};

/* `disk` and `folder` are where the journal is at `path`, locked. With a mirror they become the pair's. 0, or a
 * negative errno and it has been said why: -EPERM (refused, but may be asked for), -ENOKEY, others of folders and
 * disks. mirror_end() in any case, when the folder was closed. */
int mirror_start(struct mirror *mirror, const struct mirror_options *options, const char *path,
		 const struct os_disk **disk, int *folder);
void mirror_end(struct mirror *mirror);

/* The journal was read, and will be written: notes in its folders that it is of this machine, if that was asked
 * for. 0, or a negative errno and it has been said why. */
int mirror_adopt(struct mirror *mirror);

#endif
