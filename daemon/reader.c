#include "daemon/reader.h"

#include "daemon/ahead.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- files ------------------------------------------------------------------------------------ */

static void close_file(const struct reader *reader, struct reader_file *file)
{
	if (file->fd >= 0)
		reader->disk->close(file->fd);
	file->fd = -1;
}

static int open_as(const struct reader *reader, const char *name, uint32_t flags, struct reader_file *ret_file)
{
	int fd = reader->disk->open(reader->folder, name, flags);
	int64_t length = fd < 0 ? fd : reader->disk->length(fd);

	if (length < 0) {
		if (fd >= 0)
			reader->disk->close(fd);
		return (int)length;
	}
	*ret_file = (struct reader_file){.fd = fd, .length = (uint64_t)length};
	strncpy(ret_file->name, name, sizeof(ret_file->name) - 1);
	return 0;
}

/* Past the page cache only whole pages can be read. */
static int open_file(const struct reader *reader, const char *name, struct reader_file *ret_file)
{
	int error = reader->ahead ? open_as(reader, name, OS_DISK_DIRECT, ret_file) : -EINVAL;

	if (!error && ret_file->length % OS_DISK_PAGE != 0) {
		close_file(reader, ret_file);
		error = -EINVAL;
	}
	return error == -EINVAL ? open_as(reader, name, 0, ret_file) : error;
}

/* ---- pieces ----------------------------------------------------------------------------------- */

static unsigned char *buffer_of(const struct reader *reader, int which)
{
	return reader->memory + (size_t)(2 * which + 1) * reader->window;
}

/* What is being read ahead, if it is this; else it is read now. How much there was. */
static int64_t take_piece(struct reader *reader, uint64_t offset)
{
	int fd = reader->piece.fd;
	int64_t got = fd >= 0 ? ahead_wait(reader->ahead) : 0;

	reader->piece.fd = -1;
	if (fd == reader->file.fd && reader->piece.offset == offset)
		return got;
	return os_disk_read(reader->disk, reader->file.fd, buffer_of(reader, !reader->which), reader->window,
			    offset);
}

/* What comes after what is buffered, goes to the other buffer. */
static void begin_piece(struct reader *reader)
{
	uint64_t end = reader->offset + reader->bytes;
	bool is_next = end >= reader->file.length;

	if (reader->ahead == NULL || (is_next && reader->next.fd < 0))
		return;
	reader->piece = (struct reader_piece){.fd = is_next ? reader->next.fd : reader->file.fd,
					      .offset = is_next ? 0 : end};
	ahead_begin(reader->ahead, reader->piece.fd, buffer_of(reader, !reader->which), reader->window,
		    reader->piece.offset);
}

static void forget_piece(struct reader *reader)
{
	if (reader->piece.fd >= 0)
		ahead_wait(reader->ahead);
	reader->piece.fd = -1;
}

/* ---- buffers ---------------------------------------------------------------------------------- */

static int grow(struct reader *reader, size_t bytes)
{
	size_t window = (bytes + OS_DISK_PAGE - 1) / OS_DISK_PAGE * OS_DISK_PAGE;

	if (reader->memory && window <= reader->window)
		return 0;
	forget_piece(reader);
	free(reader->memory);
	reader->bytes = 0;
	reader->has_lost = true;
	if (window > reader->window)
		reader->window = window;
	reader->memory = aligned_alloc(OS_DISK_PAGE, 4 * reader->window);
	return reader->memory ? 0 : -ENOMEM;
}

static bool has(const struct reader *reader, uint64_t offset, size_t bytes)
{
	return offset >= reader->offset && offset - reader->offset + bytes <= reader->bytes;
}

/* From where on what is buffered is kept for `bytes` at `offset`; its end: nothing is. */
static uint64_t keep_from(const struct reader *reader, uint64_t offset, size_t bytes)
{
	uint64_t end = reader->offset + reader->bytes;

	if (!reader->has_lost && reader->hold >= reader->offset && reader->hold < offset &&
	    end - reader->hold <= reader->window && offset + bytes <= end + reader->window && offset <= end)
		return reader->hold;
	return offset >= reader->offset && offset < end && end - offset <= reader->window ? offset : end;
}

static int64_t refill(struct reader *reader, uint64_t offset, size_t bytes)
{
	int error = grow(reader, bytes);
	uint64_t end = reader->offset + reader->bytes, from = keep_from(reader, offset, bytes);
	size_t kept = (size_t)(end - from);
	int64_t got = error ? error : take_piece(reader, kept ? end : offset);
	unsigned char *at = buffer_of(reader, !reader->which) - kept;

	if (got < 0)
		return got;
	if (reader->hold != UINT64_MAX && (kept == 0 || from > reader->hold))
		reader->has_lost = true;
	if (kept)
		memcpy(at, reader->at + (from - reader->offset), kept);
	reader->which = !reader->which;
	reader->at = at;
	reader->offset = kept ? from : offset;
	reader->bytes = kept + (size_t)got;
	begin_piece(reader);
	return 0;
}

/* ---- public ----------------------------------------------------------------------------------- */

void reader_start(struct reader *reader, const struct os_disk *disk, int folder, size_t window)
{
	*reader = (struct reader){
		.disk = disk,
		.folder = folder,
		.file = {.fd = -1},
		.next = {.fd = -1},
		.window = window,
		.hold = UINT64_MAX,
		.piece = {.fd = -1},
	};
}

void reader_end(struct reader *reader)
{
	forget_piece(reader);
	ahead_end(reader->ahead);
	close_file(reader, &reader->file);
	close_file(reader, &reader->next);
	free(reader->memory);
	reader->memory = NULL;
}

void reader_go_ahead(struct reader *reader)
{
	if (reader->disk->reads_beside)
		reader->ahead = ahead_start(reader->disk);
}

/* Of one that cannot be opened we hear when its turn comes. */
void reader_expect(struct reader *reader, const char *name)
{
	if (reader->ahead == NULL || strcmp(reader->next.name, name) == 0)
		return;
	if (reader->piece.fd == reader->next.fd)
		forget_piece(reader);
	close_file(reader, &reader->next);
	open_file(reader, name, &reader->next);
}

int reader_open(struct reader *reader, const char *name)
{
	bool is_next = reader->next.fd >= 0 && strcmp(reader->next.name, name) == 0;

	if (!is_next || reader->piece.fd != reader->next.fd)
		forget_piece(reader);
	close_file(reader, &reader->file);
	reader->bytes = 0;
	reader->hold = UINT64_MAX;
	if (!is_next)
		return open_file(reader, name, &reader->file);
	reader->file = reader->next;
	reader->next = (struct reader_file){.fd = -1};
	return 0;
}

size_t reader_held(const struct reader *reader, const void **ret_bytes)
{
	if (reader->has_lost || reader->hold >= reader->offset + reader->bytes)
		return 0;
	*ret_bytes = reader->at + (reader->hold - reader->offset);
	return (size_t)(reader->offset + reader->bytes - reader->hold);
}

int64_t reader_at(struct reader *reader, uint64_t offset, size_t bytes, const void **ret_bytes)
{
	if (offset >= reader->file.length)
		return 0;
	if (bytes > reader->file.length - offset)
		bytes = (size_t)(reader->file.length - offset);
	if (!has(reader, offset, bytes)) {
		int64_t error = refill(reader, offset, bytes);

		if (error)
			return error;
		if (offset >= reader->offset + reader->bytes) /* the file has become shorter */
			return 0;
		if (bytes > reader->offset + reader->bytes - offset)
			bytes = reader->offset + reader->bytes - offset;
	}
	*ret_bytes = reader->at + (offset - reader->offset);
	return (int64_t)bytes;
}
