/* A directory of segments, as one process sees it: its path, this process's proof of life, the page of
 * the engine. Shared by all threads of the process; what is in it does not change after opening but for
 * the words of the engine's page. */
#ifndef SEG_DIRECTORY_H
#define SEG_DIRECTORY_H

#include "kmod-free/liveness.h"
#include "shm/layout.h"

#include <string.h>

struct seg_directory {
	char *path;
	int fd;
	bool is_tmpfs;
	unsigned char boot_id[16];
	struct os_liveness liveness;
	struct seg_engine_page *engine;
};

/* Opens or creates it; path NULL: $RINGLEASE_DIR or /dev/shm/ringlease-UID. */
int seg_directory_open(const char *path, struct seg_directory *ret_directory);
void seg_directory_close(struct seg_directory *directory);

/* Removes the files that proved the life of processes that are dead by now. Rows that still name them
 * are dead all the same: a missing file proves death too. */
void seg_directory_tidy(const struct seg_directory *directory);

/* Is this a queue name? */
bool seg_name_is_valid(const char *name);

/* Is it, if it is one, that of a FIFO queue? */
#define SEG_FIFO_SUFFIX ".fifo"
static inline bool seg_name_is_fifo(const char *name)
{
	size_t length = strlen(name), suffix = strlen(SEG_FIFO_SUFFIX);

	return length >= suffix && strcmp(name + length - suffix, SEG_FIFO_SUFFIX) == 0;
}

/* File name of a queue, in at least SEG_NAME_MAX + 8 bytes. */
void seg_file_name(const char *queue, char *ret_name);

/* The number of a queue's file, 0 if there is none: tells queues apart without the right to open them. Used
 * again only after the file is gone. */
uint64_t seg_file_number(const struct seg_directory *directory, const char *queue);

/* The same, and when it was last changed, but for what is written to it as memory. */
uint64_t seg_file_changed(const struct seg_directory *directory, const char *queue, uint64_t *ret_changed_ns);

/* Calls `each` for every queue with the prefix, sorted by name, until non-zero. */
int seg_directory_list(const struct seg_directory *directory, const char *prefix,
		       int (*each)(void *context, const char *name), void *context);

/* Is an engine there that looks at the queues in time? */
bool seg_engine_is_prompt(const struct seg_directory *directory, uint64_t now_ms);

/* Something will be due at `due_ms`: wakes the engine if it would sleep past it. One load if not. */
void seg_engine_expect(const struct seg_directory *directory, uint64_t due_ms, uint64_t now_ms);

#endif
