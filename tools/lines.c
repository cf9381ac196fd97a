#include "lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROOM_FIRST = 256 * 1024 };

int lines_begin(struct lines *lines, int fd, size_t line_max)
{
	*lines = (struct lines){.fd = fd, .room = ROOM_FIRST, .line_max = line_max};
	lines->buffer = malloc(lines->room);
	return lines->buffer ? 0 : -ENOMEM;
}

void lines_end(struct lines *lines)
{
	free(lines->buffer);
}

bool lines_next(struct lines *lines, const char **ret_line, size_t *ret_bytes)
{
	const size_t waiting = lines->end - lines->start;
	const char *from = lines->buffer + lines->start;
	const char *feed = memchr(from + lines->searched, '\n', waiting - lines->searched);

	if (!feed && (!lines->ended || !waiting)) {
		lines->searched = waiting;
		return false;
	}
	*ret_line = from;
	*ret_bytes = feed ? (size_t)(feed - from) : waiting;
	lines->start += *ret_bytes + (feed != NULL);
	lines->searched = 0;
	return true;
}

/* Makes room behind the line that is not yet whole. */
static int make_room(struct lines *lines)
{
	char *buffer;

	memmove(lines->buffer, lines->buffer + lines->start, lines->end - lines->start);
	lines->end -= lines->start;
	lines->start = 0;
	if (lines->end > lines->line_max)
		return -EMSGSIZE;
	if (lines->end < lines->room / 2)
		return 0;
	buffer = realloc(lines->buffer, lines->room * 2);
	if (!buffer)
		return -ENOMEM;
	lines->buffer = buffer;
	lines->room *= 2;
	return 0;
}

static ssize_t read_some(int fd, char *into, size_t room)
{
	ssize_t got;

	do
		got = read(fd, into, room);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

int lines_fill(struct lines *lines)
{
	ssize_t got;
	int rc;

	if (lines->ended)
		return 0; /* a terminal would want a second end of file */
	rc = make_room(lines);
	if (rc)
		return rc;
	got = read_some(lines->fd, lines->buffer + lines->end, lines->room - lines->end);
	if (got < 0)
		return (int)got;
	lines->end += (size_t)got;
	lines->ended = !got;
	return lines->ended && lines->end == lines->start ? 0 : 1;
}

int file_read(int fd, size_t bytes_max, char **ret_bytes, size_t *ret_count)
{
	size_t room = (size_t)64 * 1024, count = 0;
	char *bytes = malloc(room);
	ssize_t got = bytes ? 1 : -ENOMEM;

	while (got > 0) {
		if (count == room) {
			char *larger = realloc(bytes, room * 2);

			if (!larger) {
				got = -ENOMEM;
				break;
			}
			bytes = larger;
			room *= 2;
		}
		got = read_some(fd, bytes + count, room - count);
		count += got > 0 ? (size_t)got : 0;
		if (count > bytes_max)
			got = -EMSGSIZE;
	}
	if (got < 0) {
		free(bytes);
		return (int)got;
	}
	*ret_bytes = bytes;
	*ret_count = count;
	return 0;
}
