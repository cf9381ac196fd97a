#include "kmod-free/disk_pair_parts.h"

#include <errno.h>
#include <stdlib.h>

/* A call that both sides make. */
struct call {
	uint64_t tag;
	bool is_begun;
	bool is_under_way[DISK_PAIR_SIDES];
	int64_t answer[DISK_PAIR_SIDES];
};

struct os_queue {
	struct disk_pair *pair;
	struct os_queue *side[DISK_PAIR_SIDES];
	int fd[DISK_PAIR_SIDES]; /* -1: makes no calls */
	uint32_t count;
	struct call calls[];
};

static const struct os_queue_calls *calls_of(const struct os_queue *queue, int side)
{
	return queue->pair->side[side].disk->queue;
}

static void queue_close(struct os_queue *queue)
{
	if (queue == NULL)
		return;
	for (int i = 0; i < DISK_PAIR_SIDES; i++)
		if (queue->side[i])
			calls_of(queue, i)->close(queue->side[i]);
	free(queue);
}

static int queue_open(const struct os_disk *disk, uint32_t calls, struct os_queue **ret_queue)
{
	struct os_queue *queue = calloc(1, sizeof(*queue) + calls * sizeof(queue->calls[0]));
	int error = 0;

	if (queue == NULL)
		return -ENOMEM;
	queue->pair = (struct disk_pair *)(uintptr_t)disk;
	queue->count = calls;
	for (int i = 0; i < DISK_PAIR_SIDES && !error; i++) {
		queue->fd[i] = -1;
		error = calls_of(queue, i)->open(queue->pair->side[i].disk, calls, &queue->side[i]);
	}
	if (error) {
		queue_close(queue);
		return error;
	}
	*ret_queue = queue;
	return 0;
}

static void queue_expect(struct os_queue *queue, void *memory, size_t bytes)
{
	for (int i = 0; i < DISK_PAIR_SIDES; i++)
		calls_of(queue, i)->expect(queue->side[i], memory, bytes);
}

static void queue_set_file(struct os_queue *queue, int fd)
{
	const struct pair_descriptor at = pair_descriptor(fd);

	for (int i = 0; i < DISK_PAIR_SIDES; i++) {
		queue->fd[i] = at.fd[i];
		calls_of(queue, i)->set_file(queue->side[i], at.fd[i]);
	}
}

/* ---- calls ------------------------------------------------------------------------------------ */

/* Room for one more: the caller keeps to the number that open() was told. */
static uint32_t begin(struct os_queue *queue, uint64_t tag)
{
	uint32_t index = 0;

	while (queue->calls[index].is_begun)
		index++;
	queue->calls[index] = (struct call){.tag = tag, .is_begun = true, .answer = {-EBADF, -EBADF}};
	return index;
}

static bool makes_calls(const struct os_queue *queue, int side)
{
	return queue->fd[side] >= 0 && !disk_pair_is_lost(queue->pair, side);
}

static void queue_write(struct os_queue *queue, uint64_t tag, const void *bytes, size_t count, uint64_t offset,
			bool is_durable)
{
	uint32_t index = begin(queue, tag);

	for (int i = 0; i < DISK_PAIR_SIDES; i++) {
		if (!makes_calls(queue, i))
			continue;
		queue->calls[index].is_under_way[i] = true;
		calls_of(queue, i)->write(queue->side[i], index, bytes, count, offset, is_durable);
	}
}

static void queue_flush(struct os_queue *queue, uint64_t tag)
{
	uint32_t index = begin(queue, tag);

	for (int i = 0; i < DISK_PAIR_SIDES; i++) {
		if (!makes_calls(queue, i))
			continue;
		queue->calls[index].is_under_way[i] = true;
		calls_of(queue, i)->flush(queue->side[i], index);
	}
}

/* ---- ends ------------------------------------------------------------------------------------- */

static bool has_under_way(const struct os_queue *queue, int side)
{
	for (uint32_t i = 0; i < queue->count; i++)
		if (queue->calls[i].is_under_way[side])
			return true;
	return false;
}

/* It says nothing any more of its calls: whatever becomes of them, this side counts no longer. The error, if it is
 * the last one. */
static int give_up(struct os_queue *queue, int side, int error)
{
	if (disk_pair_is_lost(queue->pair, 1 - side))
		return error;
	pair_lose(queue->pair, side, error);
	for (uint32_t i = 0; i < queue->count; i++)
		queue->calls[i].is_under_way[side] = false;
	return 0;
}

static int queue_submit(struct os_queue *queue)
{
	int error = 0;

	for (int i = 0; i < DISK_PAIR_SIDES && !error; i++) {
		if (!has_under_way(queue, i))
			continue;
		error = calls_of(queue, i)->submit(queue->side[i]);
		if (error)
			error = give_up(queue, i, error);
	}
	return error;
}

/* One that has ended on all sides; NULL: none. */
static struct call *ended(struct os_queue *queue)
{
	for (uint32_t i = 0; i < queue->count; i++) {
		struct call *call = &queue->calls[i];

		if (call->is_begun && !call->is_under_way[0] && !call->is_under_way[1])
			return call;
	}
	return NULL;
}

/* The side to wait for: one that owes the other half of a call, else any. */
static int owing(const struct os_queue *queue)
{
	for (uint32_t i = 0; i < queue->count; i++)
		if (queue->calls[i].is_under_way[0] != queue->calls[i].is_under_way[1])
			return queue->calls[i].is_under_way[0] ? 0 : 1;
	return 0;
}

static int wait_for_side(struct os_queue *queue, int side)
{
	uint64_t index;
	int64_t answer;
	int error = calls_of(queue, side)->wait(queue->side[side], &index, &answer);

	if (error)
		return give_up(queue, side, error);
	queue->calls[index].is_under_way[side] = false;
	queue->calls[index].answer[side] = answer;
	return 0;
}

static int queue_wait(struct os_queue *queue, uint64_t *ret_tag, int64_t *ret_answer)
{
	struct call *call;
	int error = queue_submit(queue);

	while (!error && (call = ended(queue)) == NULL)
		error = wait_for_side(queue, owing(queue));
	if (error)
		return error;
	call->is_begun = false;
	*ret_tag = call->tag;
	*ret_answer = pair_answer(queue->pair, call->answer);
	return 0;
}

const struct os_queue_calls pair_queue_calls = {
	.open = queue_open,
	.expect = queue_expect,
	.set_file = queue_set_file,
	.write = queue_write,
	.flush = queue_flush,
	.submit = queue_submit,
	.wait = queue_wait,
	.close = queue_close,
};
