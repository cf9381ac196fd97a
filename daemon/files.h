/* The files of a journal that is written: makes the next one, drops the oldest. Some spare files are kept, which
 * were the oldest or are new and written with zeros. Their bytes are daemon/open_file.c's to know. */
#ifndef DAEMON_FILES_H
#define DAEMON_FILES_H

#include "daemon/format.h"
#include "kmod-free/disk.h"

#include <stdbool.h>

/* A spare file, under the first name until it is whole. Those after the first have a number behind it. */
#define FILES_NEW_NAME "journal-new"
#define FILES_SPARE_NAME "journal-spare"

struct files {
	const struct os_disk *disk;
	int folder;
	uint64_t file_bytes;  /* of each but those that have grown */
	uint64_t next;	      /* number of the next one */
	bool is_direct;	      /* past the page cache, until the file system refuses */
	bool is_encrypted;    /* what is written: a file that was plain is not used again, since it would keep its
				 bytes */
	uint64_t spares;      /* bits of those there are */
	uint32_t spares_kept; /* of what is dropped; 0: one */
	uint64_t *numbers;    /* of those there are, ascending */
	size_t count;
};

enum { FILES_SPARES_MAX = 64 };

/* Names of spare files, from 0 on. */
void files_spare_name(uint32_t spare, char ret_name[static FORMAT_FILE_NAME_BYTES]);
/* FILES_SPARES_MAX: it is none. */
uint32_t files_spare_of(const char *name);

/* All fields up to `is_encrypted` are the caller's. -EEXIST: there is a file of the next number or a higher one. 0
 * or a negative errno, as all below; files_end() in any case. */
int files_begin(struct files *files);
void files_end(struct files *files);

/* Sees to it that there are so many spare files, FILES_SPARES_MAX at most. */
int files_prepare(struct files *files, uint32_t spares);
uint32_t files_spares(const struct files *files);
/* Would a file that is dropped now be kept? */
bool files_keeps_more(const struct files *files);

/* A descriptor of the next file, allocated and written once, under its durable name; of what it holds nothing
 * counts. Its number is used up also on failure. */
int files_make(struct files *files, uint64_t *ret_number);

/* Makes room in a file that has to grow. */
int files_allocate(struct files *files, int fd, uint64_t offset, uint64_t bytes);

/* These bytes of the file become durable as they are, and so do all names. They are written once more: a flush of
 * them may have failed, after which the kernel takes them for clean. */
int files_keep(const struct os_disk *disk, int folder, uint64_t number, uint64_t offset, uint64_t bytes);

/* 0: there is none. */
uint64_t files_oldest(const struct files *files);
/* On failure it may be gone or not, and can be tried again. */
int files_drop_oldest(struct files *files);
/* Drops those of higher numbers than `last`, as far as it can. */
void files_drop_after(struct files *files, uint64_t last);

#endif
