/* A directory for one test. */
#ifndef TEST_TMPDIR_H
#define TEST_TMPDIR_H

enum { TMPDIR_BYTES = 256 };

/* Makes one on tmpfs, in $RINGLEASE_DIR or /dev/shm; ends the test if that fails. */
void tmpdir_make(char ret_path[TMPDIR_BYTES]);

/* The same on a disk: in $TMPDIR, which the runner sets, or /var/tmp. */
void tmpdir_make_on_disk(char ret_path[TMPDIR_BYTES]);

/* Removes the files in it, not the directory. */
void tmpdir_empty(const char *path);

void tmpdir_remove(const char *path);

/* Number of files in it whose name begins with `prefix`. */
int tmpdir_count(const char *path, const char *prefix);

#endif
