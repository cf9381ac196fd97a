/* The folder of one journal: found or made, checked, and locked for one engine. */
#ifndef ENGINE_DATA_FOLDER_H
#define ENGINE_DATA_FOLDER_H

#include <limits.h>
#include <stddef.h>

enum { DATA_FOLDER_PATIENCE_MS = 30000 };

struct data_folder {
	char path[PATH_MAX];
	int fd;
	int lock_fd;
};

/* The folder that a directory of queues has unless another is given: $RINGLEASE_DATA; else below
 * $XDG_STATE_HOME/ringlease, /var/lib/ringlease (root) or ~/.local/state/ringlease, a folder named
 * after the directory's path, its slashes as '%'. 0, -ENOENT (no home), -ENAMETOOLONG. */
int data_folder_default(const char *queues, char *ret_path, size_t room);

/* The folder and what is missing above it, mode 0700; it may exist. */
int data_folder_make(const char *path);

/* Opens it, made (mode 0700, with its parents) if it is missing, and locks it. Who has the descriptor of the lock
 * still has the lock (os_disk.kept_open): if its engine was killed, this waits until its last write has ended, up
 * to DATA_FOLDER_PATIENCE_MS. On failure `ret_why` has a sentence for the operator. 0, -EBUSY (another engine has
 * it; the sentence names its pid), -EREMOTE (a network file system), or another negative errno. */
int data_folder_open(const char *path, struct data_folder *ret_folder, char *ret_why, size_t why_room);
void data_folder_close(struct data_folder *folder);

#endif
