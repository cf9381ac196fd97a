/* The files of a scene's directory: their names, which of their pages have memory, and what is in them. */
#ifndef TEST_IMAGES_FILES_H
#define TEST_IMAGES_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FILE_PAGE_BYTES = 4096,
	FILES_MAX = 64,
	NAMES_MAX = 64,
	NAME_BYTES = 64,
	/* Of a file with more pages, those of large blocks are looked at after system calls only. */
	HOT_PAGES_MAX = 1024,
};

struct page {
	uint64_t number;
	unsigned char *bytes; /* as last seen; never changed, but replaced */
	uint64_t hash;
};

/* Told apart by its inode, since a file may have memory before it has a name. */
struct file {
	uint64_t inode;
	uint64_t label; /* by its first name, so that it is the same in each run */
	bool is_kept;	/* it has had a name, so that others can see it, and has one of ours */
	int fd;
	unsigned char *memory; /* all of it, mapped; NULL: not to be looked at */
	size_t length;
	struct page *page; /* sorted by number */
	uint32_t page_count, page_room;
};

struct name {
	char text[NAME_BYTES];
	uint32_t file;
};

struct names {
	uint32_t count;
	struct name name[NAMES_MAX];
};

struct files {
	int directory_fd;
	int kept_fd; /* another directory, where each file keeps a name */
	struct file file[FILES_MAX];
	uint32_t count;
	struct names names; /* sorted */
	uint64_t names_hash;
};

/* Where what changes is put. */
struct film;

void image_files_begin(struct files *files, const char *directory, const char *kept_directory);

/* Memory was given to a file, or taken from it. */
void image_files_allocate(struct files *files, struct film *film, uint64_t inode, uint64_t offset, uint64_t bytes,
			  bool is_punched);

/* Looks for names that have come or gone. */
void image_files_look_names(struct files *files, struct film *film);

/* Looks for bytes that have changed; everywhere, or only where a plain instruction may have written. */
void image_files_look_bytes(struct files *files, struct film *film, bool is_everywhere);

/* Equal files have equal hashes, whichever run they come from: inodes and keys of processes do not count. */
uint64_t image_files_hash(const struct files *files);

/* Makes the files on disk what `files` says. */
void image_files_restore(const struct files *files);

/* The same files, of whose pages and names nothing is known yet. */
void image_files_copy_unread(struct files *copy, const struct files *files);

/* For who plays changes again: sets (bytes NULL: takes away) a page; sets the names. */
void image_files_set_page(struct files *files, uint32_t file, uint64_t number, unsigned char *bytes);
void image_files_set_names(struct files *files, const struct names *names);

#endif
