#include "daemon/reader.h"

#include <errno.h>
#include <stdlib.h>

static void close_file(struct reader *reader)
{
	if (reader->fd >= 0)
		reader->disk->close(reader->fd);
	reader->fd = -1;
	reader->bytes = 0;
}

int reader_open(struct reader *reader, int folder, const char *name)
{
	int64_t length;
	int fd;

	close_file(reader);
	fd = reader->disk->open(folder, name, 0);
	if (fd < 0)
		return fd;
	reader->fd = fd;
	length = reader->disk->length(fd);
	if (length < 0)
		return (int)length;
	reader->length = (uint64_t)length;
	return 0;
}

void reader_end(struct reader *reader)
{
	close_file(reader);
	free(reader->buffer);
	reader->buffer = NULL;
	reader->capacity = 0;
}

static int grow(struct reader *reader, size_t bytes)
{
	size_t capacity = bytes > reader->window ? bytes : reader->window;

	if (reader->capacity >= capacity)
		return 0;
	free(reader->buffer);
	reader->bytes = 0;
	reader->buffer = malloc(capacity);
	reader->capacity = reader->buffer ? capacity : 0;
	return reader->buffer ? 0 : -ENOMEM;
}

static bool has(const struct reader *reader, uint64_t offset, size_t bytes)
{
	return offset >= reader->offset && offset - reader->offset + bytes <= reader->bytes;
}

int64_t reader_at(struct reader *reader, uint64_t offset, size_t bytes, const void **ret_bytes)
{
	if (offset >= reader->length)
		return 0;
	if (bytes > reader->length - offset)
		bytes = (size_t)(reader->length - offset);
	if (!has(reader, offset, bytes)) {
		int64_t got = grow(reader, bytes);

		if (got == 0)
			got = os_disk_read(reader->disk, reader->fd, reader->buffer, reader->capacity, offset);
		if (got < 0)
			return got;
		reader->offset = offset;
		reader->bytes = (size_t)got;
		if (bytes > reader->bytes) /* the file has become shorter */
			bytes = reader->bytes;
	}
	*ret_bytes = reader->buffer + (offset - reader->offset);
	return (int64_t)bytes;
}
