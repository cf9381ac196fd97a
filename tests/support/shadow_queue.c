#include "tests/support/shadow_queue.h"

#include "tests/support/arguments.h"
#include "tests/support/shadow_disk.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS_MAX = 16 };

struct call {
	uint64_t tag;
	int fd;
	const void *bytes; /* NULL: a flush */
	size_t count;
	uint64_t offset;
	bool is_durable;
};

struct os_queue {
	const struct os_disk *disk;
	struct call calls[CALLS_MAX]; /* in the order of their coming */
	uint32_t count, most;
	int fd;
};

static uint64_t random_state;
static int fail_in, fail_with, refused_with;
static uint32_t most_seen;

static int queue_open(const struct os_disk *disk, uint32_t calls, struct os_queue **ret_queue)
{
	struct os_queue *queue;

	assert(calls <= CALLS_MAX);
	if (refused_with)
		return refused_with;
	queue = calloc(1, sizeof(*queue));
	if (queue == NULL)
		return -ENOMEM;
	queue->disk = disk;
	queue->most = calls;
	queue->fd = -1;
	*ret_queue = queue;
	return 0;
}

static void queue_expect(struct os_queue *queue, void *memory, size_t bytes)
{
	(void)queue;
	(void)memory;
	(void)bytes;
}

static void queue_set_file(struct os_queue *queue, int fd)
{
	assert(queue->count == 0);
	queue->fd = fd;
}

static void add(struct os_queue *queue, const struct call *call)
{
	assert(queue->count < queue->most && queue->fd >= 0);
	queue->calls[queue->count] = *call;
	queue->calls[queue->count++].fd = queue->fd;
	if (queue->count > most_seen)
		most_seen = queue->count;
}

static void queue_write(struct os_queue *queue, uint64_t tag, const void *bytes, size_t count, uint64_t offset,
			bool is_durable)
{
	add(queue,
	    &(struct call){.tag = tag, .bytes = bytes, .count = count, .offset = offset, .is_durable = is_durable});
}

static void queue_flush(struct os_queue *queue, uint64_t tag)
{
	add(queue, &(struct call){.tag = tag});
}

/* One of those before the first flush, or that if it is the first. */
static struct call take_one(struct os_queue *queue)
{
	uint32_t free_count = 0, index;
	struct call call;

	while (free_count < queue->count && queue->calls[free_count].bytes)
		free_count++;
	index = free_count ? (uint32_t)(random_next(&random_state) >> 33) % free_count : 0;
	call = queue->calls[index];
	queue->count--;
	memmove(queue->calls + index, queue->calls + index + 1, (queue->count - index) * sizeof(call));
	return call;
}

static int64_t make(const struct os_disk *disk, const struct call *call)
{
	if (call->bytes == NULL)
		return disk->flush(call->fd);
	return call->is_durable ? disk->write_durably(call->fd, call->bytes, call->count, call->offset)
				: disk->write(call->fd, call->bytes, call->count, call->offset);
}

static int is_broken(void)
{
	if (fail_in > 1)
		fail_in--;
	else if (fail_in == 1)
		return fail_with;
	return 0;
}

static int queue_submit(struct os_queue *queue)
{
	(void)queue;
	return is_broken();
}

static int queue_wait(struct os_queue *queue, uint64_t *ret_tag, int64_t *ret_answer)
{
	int error = is_broken();
	struct call call;

	assert(queue->count > 0);
	if (error)
		return error;
	call = take_one(queue);
	*ret_answer = make(queue->disk, &call);
	*ret_tag = call.tag;
	return 0;
}

static void queue_close(struct os_queue *queue)
{
	free(queue);
}

static const struct os_queue_calls shadow_calls_queued = {
	.open = queue_open,
	.expect = queue_expect,
	.set_file = queue_set_file,
	.write = queue_write,
	.flush = queue_flush,
	.submit = queue_submit,
	.wait = queue_wait,
	.close = queue_close,
};

struct os_disk shadow_disk_queued;

void shadow_queue_draw(uint64_t random)
{
	static struct os_disk alone;

	alone = shadow_disk;
	alone.write_durably = shadow_write_durably;
	shadow_queue_over(&alone, random);
}

void shadow_queue_over(const struct os_disk *disk, uint64_t random)
{
	random_state = random;
	fail_in = refused_with = 0;
	most_seen = 0;
	shadow_disk_queued = *disk;
	shadow_disk_queued.queue = &shadow_calls_queued;
}

void shadow_queue_fail(int n, int error)
{
	fail_in = n;
	fail_with = error;
}

void shadow_queue_refuse(int error)
{
	refused_with = error;
}

uint32_t shadow_queue_most(void)
{
	return most_seen;
}
