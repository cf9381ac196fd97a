/* Copies the files of a journal to another folder, perhaps while an engine writes it.
 *
 * What is copied is the journal as it was at some moment after the call: all frames up to one.
 *   all but the two last files   are complete: their bytes are copied. (A file is named while the one before it may
 *                                still have something to get, and is written when that has it.)
 *   the two last ones            survey_make_from() finds backwards where they end, and the bytes up to there are
 *                                copied after it: so all is there that was durable when the last frame was written.
 * If the last file of when the call began gets complete meanwhile, the copy ends with it.
 *
 * Files may be dropped meanwhile, and come back under a later name with other bytes; numbers of files never come
 * back. So a file counts as copied if it is still there afterwards; what becomes of it then is all the same. If it
 * is not, those copied before it have gone too (the oldest go first), and what lived in them has been written again
 * before: copying begins anew with what is there now.
 */
#ifndef DAEMON_COPY_H
#define DAEMON_COPY_H

#include "daemon/account.h"
#include "kmod-free/disk.h"

#include <stdint.h>

/* `to` is an empty folder. Files and names are flushed. 0; -ENODATA (there is nothing to copy); as survey_make();
 * -EAGAIN (files went faster than they could be copied); others from the disk. On failure some files may be in it,
 * and *ret_at_file says at which one; 0: at none. How far it is is said in `account`; NULL: nowhere. */
int copy_journal(const struct os_disk *disk, int from, int to, struct account *account, uint64_t *ret_at_file);

/* Removes the files of a journal from a folder that copy_journal has filled. */
void copy_remove(const struct os_disk *disk, int folder);

#endif
