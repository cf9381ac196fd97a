/* A folder that appears whole or not at all: filled under a name of its own, then renamed. */
#ifndef DAEMON_TARGET_H
#define DAEMON_TARGET_H

#include <limits.h>

struct target {
	char path[PATH_MAX];	  /* what it will be */
	char temporary[PATH_MAX]; /* what it is: the same and ".XXXXXX" */
	int fd;
};

/* -ENOTEMPTY: there is something at `path`, other than an empty folder; what is missing above it is made. */
int target_begin(const char *path, struct target *ret_target);

/* Gives it its name, durably. On failure it is still to be dropped. */
int target_finish(struct target *target);

/* Its files are the caller's to remove before. Also after target_finish(): then only closes it. */
void target_end(struct target *target);

#endif
