#include "daemon/sink.h"

#include <errno.h>
#include <stdlib.h>

struct sink {
	const struct os_disk *disk;
	int fd;		 /* -1: none */
	uint64_t offset; /* in the file, of the batch */
	unsigned char *batch;
	size_t capacity, bytes;
	bool is_dirty; /* written, not flushed */
	uint64_t writes, flushes;
};

int sink_open(const struct os_disk *disk, struct sink **ret_sink)
{
	struct sink *sink = calloc(1, sizeof(*sink));

	if (sink == NULL)
		return -ENOMEM;
	sink->disk = disk;
	sink->fd = -1;
	*ret_sink = sink;
	return 0;
}

static int hand_over(struct sink *sink)
{
	int error;

	if (sink->bytes == 0)
		return 0;
	sink->is_dirty = true;
	sink->writes++;
	error = os_disk_write(sink->disk, sink->fd, sink->batch, sink->bytes, sink->offset);
	sink->offset += sink->bytes;
	sink->bytes = 0;
	return error;
}

int sink_settle(struct sink *sink)
{
	int error = hand_over(sink);

	if (error || !sink->is_dirty)
		return error;
	sink->flushes++;
	error = os_disk_flush(sink->disk, sink->fd);
	if (!error)
		sink->is_dirty = false;
	return error;
}

int sink_begin(struct sink *sink, int fd, uint64_t offset)
{
	int error = sink_settle(sink);

	if (error)
		return error;
	sink->fd = fd;
	sink->offset = offset;
	return 0;
}

/* An empty batch of another size: larger for a large record, and of the usual one again afterwards. */
static int resize(struct sink *sink, size_t capacity)
{
	free(sink->batch);
	sink->batch = aligned_alloc(OS_DISK_PAGE, capacity);
	sink->capacity = sink->batch ? capacity : 0;
	return sink->batch ? 0 : -ENOMEM;
}

int sink_room(struct sink *sink, size_t bytes, unsigned char **ret_room)
{
	size_t capacity = bytes > SINK_BATCH_BYTES ? bytes : SINK_BATCH_BYTES;
	int error = 0;

	if (sink->bytes + bytes > sink->capacity)
		error = hand_over(sink);
	if (!error && sink->bytes == 0 && sink->capacity != capacity)
		error = resize(sink, capacity);
	if (!error)
		*ret_room = sink->batch + sink->bytes;
	return error;
}

void sink_add(struct sink *sink, size_t bytes)
{
	sink->bytes += bytes;
}

void sink_drop(struct sink *sink)
{
	sink->fd = -1;
	sink->bytes = 0;
	sink->is_dirty = false;
}

uint64_t sink_writes(const struct sink *sink)
{
	return sink->writes;
}

uint64_t sink_flushes(const struct sink *sink)
{
	return sink->flushes;
}

void sink_close(struct sink *sink)
{
	if (sink == NULL)
		return;
	free(sink->batch);
	free(sink);
}
