/* Encrypted frames as they were before, for who reads a journal. */
#ifndef DAEMON_UNLOCK_H
#define DAEMON_UNLOCK_H

#include "daemon/crypt.h"
#include "daemon/survey.h"

struct unlock {
	const struct keys *keys; /* NULL: none */
	bool takes_locked;	 /* frames without their key as they are, only their CRCs compared */

	const struct survey_file *file; /* for which `crypt` is open */
	struct crypt *crypt;
	unsigned char *copy; /* of the frame that was decrypted last; its encrypted head */
	size_t copy_bytes_max;
	struct format_frame head;
	bool has_copy;
};

/* The first two fields are the caller's. Is a key there for each file, or need there be none? NULL: yes; else the
 * first that lacks it. */
const struct survey_file *unlock_missing(const struct unlock *unlock, const struct survey *survey);

/* A frame of the file, checked as sound: *frame then is one that was decrypted, until the next call, or still the
 * same. What is wrong with it goes to *ret_fault. 0 or a negative errno. */
int unlock_frame(struct unlock *unlock, const struct survey *survey, const struct survey_file *file,
		 const struct format_frame **frame, enum format_fault *ret_fault);

/* A journal that is to be changed, or to be copied over another one: is each of its files one that we know, and has
 * its key? -ENOKEY: not *ret_file, which needs *ret_key; or why survey_begin() refuses *ret_file, and whose head it
 * has (0: none of another). 0 also if there is more wrong with it than that. */
int unlock_check(const struct os_disk *disk, int folder, const struct keys *keys, uint64_t *ret_file,
		 uint64_t *ret_key, uint64_t *ret_head);

void unlock_end(struct unlock *unlock);

#endif
