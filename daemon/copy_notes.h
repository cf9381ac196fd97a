/* Copies the notes that others keep of queues beside their journal, in one folder of the data folder: plain files
 * "sqs/NAME.json", NAME a queue's, of at most COPY_NOTES_BYTES_MAX, each replaced as a whole by rename. What they
 * say is not looked at (gateway/notes.h). All else in that folder is left: files that are being written, or were
 * put aside as damaged. No link is followed, and what should be a file and is none is refused: a queue must not
 * come back without its policy because nobody has said so.
 */
#ifndef DAEMON_COPY_NOTES_H
#define DAEMON_COPY_NOTES_H

#include "kmod-free/disk.h"

#include <stdint.h>

enum {
	COPY_NOTES_BYTES_MAX = 1 << 20,
	COPY_NOTES_PATH_BYTES = 96, /* "sqs/NAME.json" */
};

/* From one data folder to another, flushed; nothing if there are none. May be made again: what has changed since is
 * replaced, and what has gone since is kept. *files grows by those that are new in `to`. 0; -EMEDIUMTYPE (no plain
 * file, a large one, or no folder), others from the disk. On failure ret_path says which file of `from` it was; "":
 * none, but the target. */
int copy_notes(const struct os_disk *disk, int from, int to, uint64_t *files,
	       char ret_path[static COPY_NOTES_PATH_BYTES]);

/* Removes them from a folder that copy_notes() has filled. */
void copy_notes_remove(const struct os_disk *disk, int folder);

#endif
