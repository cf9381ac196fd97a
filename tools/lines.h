/* Lines of a file or pipe, of any length up to a limit, without copying them. */
#ifndef TOOLS_LINES_H
#define TOOLS_LINES_H

#include <stdbool.h>
#include <stddef.h>

struct lines {
	int fd;
	char *buffer;
	size_t room, start, end;
	size_t searched; /* bytes from start known to hold no line feed */
	size_t line_max;
	bool ended;
};

/* Returns 0 or -ENOMEM. */
int lines_begin(struct lines *lines, int fd, size_t line_max);

void lines_end(struct lines *lines);

/* The next line in the buffer, without its line feed, valid until lines_fill(); false if more must be
 * read first. The rest of the file counts as a line even without a line feed. */
bool lines_next(struct lines *lines, const char **ret_line, size_t *ret_bytes);

/* Reads once, which may block. Returns 1 if there may be more lines, 0 at the end, -EMSGSIZE if a line
 * is longer than the limit, or another negative errno. */
int lines_fill(struct lines *lines);

/* Reads a file to its end into memory to free. Returns 0, -EMSGSIZE if there are more than
 * `bytes_max`, or another negative errno. */
int file_read(int fd, size_t bytes_max, char **ret_bytes, size_t *ret_count);

#endif
