/* The text: lines of real files of this machine, package database and documentation first. Binary and
 * compressed files are left out. A machine with few files sends its lines more than once; each message
 * carries the number of its line, so they stay apart. */
#include "demo/demo.h"

#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TEXT_BYTES_MAX ((size_t)160 << 20)

static char *const roots[] = {
	"/var/lib/dpkg/status",
	"/var/lib/dpkg/info",
	"/usr/share/doc",
	"/usr/include",
	"/var/log",
	"/usr/share/perl",
	"/usr/lib/python3",
	"/usr/share/perl5",
	"/usr/lib/gcc",
	"/usr/share/common-licenses",
	"/etc",
	NULL,
};

/* Cuts the bytes from `from` to `end` into lines; the last is ended if it was not. Returns the new end. */
static size_t cut_lines(struct text *text, size_t from, size_t end)
{
	if (text->bytes[end - 1] != '\n')
		text->bytes[end++] = '\n';
	while (from < end && text->real < LINES_MAX) {
		const char *feed = memchr(text->bytes + from, '\n', end - from);
		size_t next = (size_t)(feed - text->bytes) + 1;

		if (next - from > LINE_BYTES_MAX) {
			next = from + LINE_BYTES_MAX;
			text->bytes[next - 1] = '\n';
		}
		text->start[text->real++] = (uint32_t)from;
		from = next;
	}
	return from;
}

/* Reads a file to the end of the text. Returns the new end. */
static size_t add_file(struct text *text, const char *path, size_t end)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	size_t to = end;
	ssize_t got = 0;

	if (fd < 0)
		return end;
	while (to + 1 < TEXT_BYTES_MAX && (got = read(fd, text->bytes + to, TEXT_BYTES_MAX - 1 - to)) > 0)
		to += (size_t)got;
	close(fd);
	if (got < 0 || to == end || memchr(text->bytes + end, '\0', to - end))
		return end;
	text->files++;
	return cut_lines(text, end, to);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool is_packed(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && (strcmp(dot, ".gz") == 0 || strcmp(dot, ".xz") == 0 || strcmp(dot, ".zst") == 0);
}

static bool read_files(struct text *text)
{
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	size_t end = 0;
	FTSENT *entry;

	if (tree == NULL)
		return false;
	while (text->real < LINES_MAX && (entry = fts_read(tree)) != NULL)
		if (entry->fts_info == FTS_F && !is_packed(entry->fts_name))
			end = add_file(text, entry->fts_accpath, end);
	fts_close(tree);
	text->start[text->real] = (uint32_t)end;
	return text->real > 0;
}

static uint64_t hash_of(const char *bytes, size_t count)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < count; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
	return hash | 1;
}

/* How many different lines there are, by a 64-bit hash. */
static uint32_t count_different(const struct text *text)
{
	enum { SLOTS = 1 << 22 };
	uint64_t *set = calloc(SLOTS, sizeof(*set));
	uint32_t different = 0;

	for (uint32_t i = 0; set && i < text->real; i++) {
		size_t bytes;
		const char *line = text_line(text, i, &bytes);
		uint64_t hash = hash_of(line, bytes);
		size_t at = (hash ^ hash >> 32) % SLOTS;

		while (set[at] != 0 && set[at] != hash)
			at = (at + 1) % SLOTS;
		different += set[at] == 0;
		set[at] = hash;
	}
	free(set);
	return different;
}

uint64_t text_find_telling(const struct text *text, uint64_t from)
{
	uint64_t number = from;
	size_t bytes;

	while (text_line(text, number, &bytes) && bytes < 20 && number < from + 10000)
		number++;
	return number;
}

bool text_gather(struct text *ret_text)
{
	struct text text = {0};

	text.bytes = mmap(NULL, TEXT_BYTES_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			  -1, 0);
	text.start = calloc(LINES_MAX + 1, sizeof(*text.start));
	if (text.bytes == MAP_FAILED || text.start == NULL || !read_files(&text))
		return false;
	text.different = count_different(&text);
	text.total = text.real > LINES_MIN ? text.real : LINES_MIN;
	*ret_text = text;
	return true;
}
