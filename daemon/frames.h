/* Reads the frames of a journal's files at any place, with what was locked unlocked. Knows nothing of which of them
 * count. Read mostly forwards; what is held of the reader stays in memory when a turn goes on in the next file. */
#ifndef DAEMON_FRAMES_H
#define DAEMON_FRAMES_H

#include "daemon/reader.h"
#include "daemon/survey.h"
#include "daemon/unlock.h"

enum { FRAMES_WINDOW = 4 << 20 }; /* bytes read at a time */

/* What was held of a file when the next one was opened. */
struct carried {
	const struct survey_file *file; /* NULL: none */
	uint64_t offset;
	unsigned char *bytes;
	size_t count;
};

struct frames {
	const struct survey *survey;
	struct reader reader;
	struct unlock unlock;
	const struct survey_file *reading; /* what the reader has open */
	struct carried carried;
	const struct survey_file *failed; /* could not be read; NULL: none */
};

/* `survey` is the caller's. */
void frames_begin(struct frames *frames, const struct os_disk *disk, int folder, const struct survey *survey);
void frames_end(struct frames *frames);

/* What stands there. The whole frame is in memory if its head is sound; until the next call. One that was seen to
 * be sound, and has stayed in memory since, is not looked at again. 0 or a negative errno. */
int frames_read(struct frames *frames, const struct survey_file *file, uint64_t offset, bool was_sound,
		const struct format_frame **ret_frame, enum format_fault *ret_fault);

#endif
