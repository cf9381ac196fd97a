#include "kmod-free/disk_plain.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { ENDS_MAX = 8 };

struct end {
	uint64_t tag;
	int64_t answer;
};

struct os_queue {
	const struct os_disk *disk;
	int fd;
	struct end ends[ENDS_MAX]; /* not yet waited for */
	uint32_t count;
};

int disk_plain_open(const struct os_disk *disk, struct os_queue **ret_queue)
{
	struct os_queue *queue = calloc(1, sizeof(*queue));

	if (queue == NULL)
		return -ENOMEM;
	queue->disk = disk;
	queue->fd = -1;
	*ret_queue = queue;
	return 0;
}

static void plain_expect(struct os_queue *queue, void *memory, size_t bytes)
{
	(void)queue;
	(void)memory;
	(void)bytes;
}

static void plain_set_file(struct os_queue *queue, int fd)
{
	queue->fd = fd;
}

static void note_end(struct os_queue *queue, uint64_t tag, int64_t answer)
{
	assert(queue->count < ENDS_MAX);
	queue->ends[queue->count++] = (struct end){.tag = tag, .answer = answer};
}

static void plain_write(struct os_queue *queue, uint64_t tag, const void *bytes, size_t count, uint64_t offset,
			bool is_durable)
{
	int error = is_durable ? os_disk_write_durably(queue->disk, queue->fd, bytes, count, offset)
			       : os_disk_write(queue->disk, queue->fd, bytes, count, offset);

	note_end(queue, tag, error ? error : (int64_t)count);
}

static void plain_flush(struct os_queue *queue, uint64_t tag)
{
	note_end(queue, tag, os_disk_flush(queue->disk, queue->fd));
}

static int plain_submit(struct os_queue *queue)
{
	(void)queue;
	return 0;
}

static int plain_wait(struct os_queue *queue, uint64_t *ret_tag, int64_t *ret_answer)
{
	const struct end *end = &queue->ends[--queue->count];

	*ret_tag = end->tag;
	*ret_answer = end->answer;
	return 0;
}

static void plain_close(struct os_queue *queue)
{
	free(queue);
}

const struct os_queue_calls disk_plain_calls = {
	.expect = plain_expect,
	.set_file = plain_set_file,
	.write = plain_write,
	.flush = plain_flush,
	.submit = plain_submit,
	.wait = plain_wait,
	.close = plain_close,
};
