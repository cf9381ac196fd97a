#include "tests/images/files.h"

#include "shm/layout.h"
#include "tests/images/film.h"
#include "tests/images/hash.h"
#include "tests/images/page_hash.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Blocks of 1 MiB and more: nobody writes to them between two system calls here. Their tables, which lie before
 * them, are words like others. */
#define COLD_FROM ((SEG_BODIES + 12 * SEG_BODY_REGION) / FILE_PAGE_BYTES)
enum { TABLES_MAX = (1 << 20) / FILE_PAGE_BYTES };

static bool is_cold(uint64_t number)
{
	return number >= COLD_FROM && (number - COLD_FROM) % (SEG_BODY_REGION / FILE_PAGE_BYTES) >= TABLES_MAX;
}

static _Noreturn void give_up(const char *what)
{
	perror(what);
	exit(1);
}

static int open_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		give_up(path);
	return fd;
}

void image_files_begin(struct files *files, const char *directory, const char *kept_directory)
{
	memset(files, 0, sizeof(*files));
	files->directory_fd = open_directory(directory);
	files->kept_fd = open_directory(kept_directory);
}

/* ---- pages ------------------------------------------------------------------------------------ */

/* Where the page is, or belongs. */
static uint32_t page_find(const struct file *file, uint64_t number)
{
	uint32_t low = 0, high = file->page_count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (file->page[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool page_is_at(const struct file *file, uint32_t at, uint64_t number)
{
	return at < file->page_count && file->page[at].number == number;
}

void image_files_set_page(struct files *files, uint32_t index, uint64_t number, unsigned char *bytes)
{
	struct file *file = &files->file[index];
	uint32_t at = page_find(file, number);
	struct page *page;

	if (page_is_at(file, at, number) && bytes == NULL) {
		memmove(&file->page[at], &file->page[at + 1], (file->page_count - at - 1) * sizeof(*file->page));
		file->page_count--;
		return;
	}
	if (bytes == NULL)
		return;
	if (!page_is_at(file, at, number)) {
		if (file->page_count == file->page_room) {
			file->page_room = file->page_room * 2 + 64;
			file->page = realloc(file->page, file->page_room * sizeof(*file->page));
			if (file->page == NULL)
				give_up("memory");
		}
		memmove(&file->page[at + 1], &file->page[at], (file->page_count - at) * sizeof(*file->page));
		file->page_count++;
	}
	page = &file->page[at];
	*page = (struct page){.number = number, .bytes = bytes};
}

/* Reads a page anew. */
static void page_take(struct files *files, struct film *film, uint32_t index, uint64_t number)
{
	struct file *file = &files->file[index];
	unsigned char *bytes = film_keep(film, FILE_PAGE_BYTES);
	struct page *page;

	memcpy(bytes, file->memory + number * FILE_PAGE_BYTES, FILE_PAGE_BYTES);
	image_files_set_page(files, index, number, bytes);
	page = &file->page[page_find(file, number)];
	page->hash = image_page_hash(files, file, page);
	film_change(film, (struct change){.kind = CHANGE_PAGE, .file = index, .page = number, .bytes = bytes});
}

void image_files_look_bytes(struct files *files, struct film *film, bool is_everywhere)
{
	for (uint32_t i = 0; i < files->count; i++) {
		struct file *file = &files->file[i];
		bool skips_cold = !is_everywhere && file->page_count > HOT_PAGES_MAX;

		for (uint32_t j = 0; file->memory != NULL && j < file->page_count; j++) {
			const struct page *page = &file->page[j];

			if (skips_cold && is_cold(page->number))
				continue;
			if (memcmp(page->bytes, file->memory + page->number * FILE_PAGE_BYTES, FILE_PAGE_BYTES))
				page_take(files, film, i, page->number);
		}
	}
}

/* ---- memory ----------------------------------------------------------------------------------- */

static uint32_t file_of_inode(struct files *files, uint64_t inode)
{
	for (uint32_t i = 0; i < files->count; i++)
		if (files->file[i].inode == inode)
			return i;
	if (files->count == FILES_MAX) {
		fprintf(stderr, "too many files in the scene\n");
		exit(1);
	}
	files->file[files->count] = (struct file){.inode = inode, .fd = -1};
	return files->count++;
}

void image_files_allocate(struct files *files, struct film *film, uint64_t inode, uint64_t offset, uint64_t bytes,
			  bool is_punched)
{
	static unsigned char zeros[FILE_PAGE_BYTES]; /* for pages that nobody can see yet */
	uint32_t index = file_of_inode(files, inode);
	struct file *file = &files->file[index];
	uint64_t end = (offset + bytes + FILE_PAGE_BYTES - 1) / FILE_PAGE_BYTES;

	for (uint64_t number = offset / FILE_PAGE_BYTES; number < end; number++) {
		bool is_there = page_is_at(file, page_find(file, number), number);

		if (is_punched && is_there) {
			image_files_set_page(files, index, number, NULL);
			if (file->memory)
				film_change(film,
					    (struct change){.kind = CHANGE_PAGE, .file = index, .page = number});
		} else if (!is_punched && !is_there && file->memory) {
			page_take(files, film, index, number);
		} else if (!is_punched && !is_there) {
			image_files_set_page(files, index, number, zeros);
		}
	}
}

/* ---- names ------------------------------------------------------------------------------------ */

/* The part of a name that is the same in each run: half of a key says which process it is. */
static const char *same_part(const char *text)
{
	return strncmp(text, ".alive-", 7) == 0 ? text + 7 + 8 : text;
}

static int by_same_part(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	int order = strcmp(same_part(x->text), same_part(y->text));

	return order ? order : strcmp(x->text, y->text);
}

static uint64_t hash_of_names(const struct files *files, const struct names *names)
{
	uint64_t hash = 1;

	for (uint32_t i = 0; i < names->count; i++) {
		const char *text = same_part(names->name[i].text);

		hash = hash_bytes(text, strlen(text), hash_word(hash, files->file[names->name[i].file].label));
	}
	return hash;
}

/* Sorted, with inodes in the place of files. */
static void read_names(const struct files *files, struct names *ret_names, uint64_t ret_inode[NAMES_MAX])
{
	int fd = openat(files->directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct stat status;
	struct dirent *entry;

	memset(ret_names, 0, sizeof(*ret_names));
	while (directory && (entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (ret_names->count == NAMES_MAX || strlen(entry->d_name) >= NAME_BYTES)
			give_up("too many names in the scene");
		strcpy(ret_names->name[ret_names->count++].text, entry->d_name);
	}
	if (directory)
		closedir(directory);
	qsort(ret_names->name, ret_names->count, sizeof(struct name), by_same_part);
	for (uint32_t i = 0; i < ret_names->count; i++)
		ret_inode[i] = fstatat(files->directory_fd, ret_names->name[i].text, &status, AT_SYMLINK_NOFOLLOW)
				       ? 0
				       : status.st_ino;
}

static void kept_name(uint32_t index, char ret_name[16])
{
	snprintf(ret_name, 16, "%u", index);
}

/* A file that gets its first name: from now on others may see what is in it. */
static void file_open(struct files *files, struct film *film, uint32_t index, const char *name)
{
	struct file *file = &files->file[index];
	struct stat status;
	char kept[16];

	kept_name(index, kept);
	if (linkat(files->directory_fd, name, files->kept_fd, kept, 0) != 0)
		give_up("a link to keep a file");
	file->is_kept = true;
	file->label = hash_bytes(same_part(name), strlen(same_part(name)), 1);
	/* Opening and closing the file that proves our own life would end the proof; and it is empty. */
	if (same_part(name) != name)
		return;
	file->fd = openat(files->directory_fd, name, O_RDWR | O_CLOEXEC);
	if (file->fd < 0 || fstat(file->fd, &status) != 0)
		give_up(name);
	file->length = (size_t)status.st_size;
	if (file->length == 0)
		return;
	file->memory = mmap(NULL, file->length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file->fd, 0);
	if (file->memory == MAP_FAILED || madvise(file->memory, file->length, MADV_DONTFORK) != 0)
		give_up(name);
	for (uint32_t i = 0; i < file->page_count; i++)
		page_take(files, film, index, file->page[i].number);
}

void image_files_set_names(struct files *files, const struct names *names)
{
	files->names = *names;
	files->names_hash = hash_of_names(files, names);
}

void image_files_look_names(struct files *files, struct film *film)
{
	uint64_t inode[NAMES_MAX];
	struct names now, *kept;

	read_names(files, &now, inode);
	for (uint32_t i = 0; i < now.count; i++) {
		now.name[i].file = file_of_inode(files, inode[i]);
		if (!files->file[now.name[i].file].is_kept)
			file_open(files, film, now.name[i].file, now.name[i].text);
	}
	if (memcmp(&now, &files->names, sizeof(now)) == 0)
		return;
	image_files_set_names(files, &now);
	kept = film_keep(film, sizeof(*kept));
	*kept = now;
	film_change(film, (struct change){.kind = CHANGE_NAMES, .bytes = kept});
}

static bool is_named(const struct files *files, uint32_t index)
{
	for (uint32_t i = 0; i < files->names.count; i++)
		if (files->names.name[i].file == index)
			return true;
	return false;
}

uint64_t image_files_hash(const struct files *files)
{
	uint64_t hash = files->names_hash;

	for (uint32_t i = 0; i < files->count; i++)
		for (uint32_t j = 0; is_named(files, i) && j < files->file[i].page_count; j++)
			hash += files->file[i].page[j].hash;
	return hash;
}

/* ---- back ------------------------------------------------------------------------------------- */

void image_files_copy_unread(struct files *copy, const struct files *files)
{
	*copy = *files;
	for (uint32_t i = 0; i < copy->count; i++) {
		copy->file[i].page = NULL;
		copy->file[i].page_count = copy->file[i].page_room = 0;
	}
}

static bool names_file(const struct names *names, const char *text, uint32_t index)
{
	for (uint32_t i = 0; i < names->count; i++)
		if (names->name[i].file == index && strcmp(names->name[i].text, text) == 0)
			return true;
	return false;
}

static void restore_names(const struct files *files)
{
	const struct names *wanted = &files->names;
	uint64_t inode[NAMES_MAX];
	struct names now;

	read_names(files, &now, inode);
	for (uint32_t i = 0; i < now.count; i++) {
		uint32_t file = 0;

		while (file < files->count && files->file[file].inode != inode[i])
			file++;
		now.name[i].file = file;
		if (!names_file(wanted, now.name[i].text, file))
			unlinkat(files->directory_fd, now.name[i].text, 0);
	}
	for (uint32_t i = 0; i < wanted->count; i++) {
		const struct name *name = &wanted->name[i];
		char kept[16];

		kept_name(name->file, kept);
		if (!names_file(&now, name->text, name->file) &&
		    linkat(files->kept_fd, kept, files->directory_fd, name->text, 0) != 0)
			give_up("a name to bring back");
	}
}

static void punch(const struct file *file, uint64_t from, uint64_t to)
{
	if (from < to && fallocate(file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				   (off_t)(from * FILE_PAGE_BYTES), (off_t)((to - from) * FILE_PAGE_BYTES)) != 0)
		give_up("memory to give back");
}

/* Just these pages have memory afterwards, and these bytes. */
static void restore_bytes(const struct file *file)
{
	uint64_t next = 0;

	for (uint32_t i = 0; i < file->page_count; i++) {
		const struct page *page = &file->page[i];
		unsigned char *at = file->memory + page->number * FILE_PAGE_BYTES;

		punch(file, next, page->number);
		next = page->number + 1;
		if (memcmp(at, page->bytes, FILE_PAGE_BYTES) != 0)
			memcpy(at, page->bytes, FILE_PAGE_BYTES);
	}
	punch(file, next, file->length / FILE_PAGE_BYTES);
}

void image_files_restore(const struct files *files)
{
	restore_names(files);
	for (uint32_t i = 0; i < files->count; i++)
		if (files->file[i].memory != NULL && is_named(files, i))
			restore_bytes(&files->file[i]);
}
