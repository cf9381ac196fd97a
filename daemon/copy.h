/* Copies the files of a journal to another folder, perhaps while an engine writes it.
 *
 * What is copied is the journal as it was at some moment after the call: all frames up to one of the last file.
 * Where that is, is found backwards through the files, and the bytes are copied after it. Files may be dropped
 * meanwhile, and come back under a later name with other bytes; numbers of files never come back. So a file counts
 * as copied if it is still there afterwards. If one is not, it is left out, and with it all before it (the oldest
 * go first): what lived in it has been written again before it was dropped, and is found by looking for the end
 * anew.
 */
#ifndef DAEMON_COPY_H
#define DAEMON_COPY_H

#include "kmod-free/disk.h"

/* `to` is an empty folder. Files and names are flushed. 0; -ENODATA (there is nothing to copy); as survey_make();
 * -EAGAIN (files went faster than they could be copied); others from the disk. On failure some files may be in it.
 */
int copy_journal(const struct os_disk *disk, int from, int to);

/* Removes the files of a journal from a folder that copy_journal has filled. */
void copy_remove(const struct os_disk *disk, int folder);

#endif
