#include "kmod-free/uring.h"

#include <errno.h>
#include <liburing.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/uio.h>

struct os_queue {
	struct io_uring ring;
	int fd;
	bool has_file_table, has_memory;
	const unsigned char *memory; /* registered */
	size_t memory_bytes;
};

/* COOP_TASKRUN (5.19): an end need not interrupt a thread that will ask for it. Not SINGLE_ISSUER: a journal is
 * opened, written and closed by different threads. */
static int init(uint32_t calls, struct io_uring *ret_ring)
{
	int error = io_uring_queue_init(calls, ret_ring, IORING_SETUP_COOP_TASKRUN);

	return error == -EINVAL ? io_uring_queue_init(calls, ret_ring, 0) : error;
}

static bool knows_calls(struct io_uring *ring)
{
	struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
	bool knows = probe && io_uring_opcode_supported(probe, IORING_OP_WRITE) &&
		     io_uring_opcode_supported(probe, IORING_OP_WRITE_FIXED) &&
		     io_uring_opcode_supported(probe, IORING_OP_FSYNC);

	io_uring_free_probe(probe);
	return knows;
}

static void uring_close(struct os_queue *queue)
{
	if (queue == NULL)
		return;
	io_uring_queue_exit(&queue->ring);
	free(queue);
}

static int uring_open(const struct os_disk *disk, uint32_t calls, struct os_queue **ret_queue)
{
	struct os_queue *queue = calloc(1, sizeof(*queue));
	/* A ring lets its files go when its last request has ended, however its process has. */
	const int files[] = {-1, disk->kept_open ? disk->kept_open : -1};
	int error;

	if (queue == NULL)
		return -ENOMEM;
	error = init(calls, &queue->ring);
	if (error) {
		free(queue);
		return error;
	}
	if (!knows_calls(&queue->ring)) {
		io_uring_queue_exit(&queue->ring);
		free(queue);
		return -ENOSYS;
	}
	queue->fd = -1;
	queue->has_file_table = io_uring_register_files(&queue->ring, files, 2) == 0;
	if (!queue->has_file_table && disk->kept_open) {
		uring_close(queue);
		return -ENOTSUP;
	}
	*ret_queue = queue;
	return 0;
}

/* Locks the memory, for which there may be no allowance. */
static void uring_expect(struct os_queue *queue, void *memory, size_t bytes)
{
	const struct iovec all = {.iov_base = memory, .iov_len = bytes};

	if (queue->has_memory || io_uring_register_buffers(&queue->ring, &all, 1) != 0)
		return;
	queue->has_memory = true;
	queue->memory = memory;
	queue->memory_bytes = bytes;
}

static void uring_set_file(struct os_queue *queue, int fd)
{
	if (queue->has_file_table && io_uring_register_files_update(&queue->ring, 0, &fd, 1) < 0)
		queue->has_file_table = false;
	queue->fd = fd;
}

/* There is room: the caller keeps to the number that open() was told. */
static struct io_uring_sqe *next_call(struct os_queue *queue)
{
	return io_uring_get_sqe(&queue->ring);
}

static void use_file(const struct os_queue *queue, struct io_uring_sqe *call, unsigned flags)
{
	if (queue->has_file_table)
		flags |= IOSQE_FIXED_FILE;
	io_uring_sqe_set_flags(call, flags);
}

static bool is_registered(const struct os_queue *queue, const unsigned char *bytes, size_t count)
{
	return queue->has_memory && bytes >= queue->memory && count <= queue->memory_bytes &&
	       (size_t)(bytes - queue->memory) <= queue->memory_bytes - count;
}

static void uring_write(struct os_queue *queue, uint64_t tag, const void *bytes, size_t count, uint64_t offset,
			bool is_durable)
{
	struct io_uring_sqe *call = next_call(queue);
	int fd = queue->has_file_table ? 0 : queue->fd;

	if (is_registered(queue, bytes, count))
		io_uring_prep_write_fixed(call, fd, bytes, (unsigned)count, offset, 0);
	else
		io_uring_prep_write(call, fd, bytes, (unsigned)count, offset);
	use_file(queue, call, 0);
	call->rw_flags = is_durable ? RWF_DSYNC : 0;
	call->user_data = tag;
}

static void uring_flush(struct os_queue *queue, uint64_t tag)
{
	struct io_uring_sqe *call = next_call(queue);

	io_uring_prep_fsync(call, queue->has_file_table ? 0 : queue->fd, IORING_FSYNC_DATASYNC);
	use_file(queue, call, IOSQE_IO_DRAIN);
	call->user_data = tag;
}

/* Refused for now: the kernel lacks memory, or wants its ends taken first, of which there is room for all. */
static bool is_passing(int error)
{
	return error == -EINTR || error == -EAGAIN || error == -EBUSY;
}

static int uring_submit(struct os_queue *queue)
{
	int count, tries = 0;

	do
		count = io_uring_submit(&queue->ring);
	while (is_passing(count) && ++tries < OS_DISK_TRIES);
	return count < 0 ? count : 0;
}

/* A wait may be interrupted as often as there are signals: what is under way does not depend on it. */
static int uring_wait(struct os_queue *queue, uint64_t *ret_tag, int64_t *ret_answer)
{
	struct io_uring_cqe *end;
	int tries = 0;

	while (io_uring_sq_ready(&queue->ring) > 0 || io_uring_peek_cqe(&queue->ring, &end) != 0) {
		bool is_waiting = io_uring_sq_ready(&queue->ring) == 0;
		int count = io_uring_submit_and_wait(&queue->ring, 1);

		if (count < 0 && !(is_passing(count) && (is_waiting || ++tries < OS_DISK_TRIES)))
			return count;
	}
	*ret_tag = end->user_data;
	*ret_answer = end->res;
	io_uring_cqe_seen(&queue->ring, end);
	return 0;
}

const struct os_queue_calls uring_calls = {
	.open = uring_open,
	.expect = uring_expect,
	.set_file = uring_set_file,
	.write = uring_write,
	.flush = uring_flush,
	.submit = uring_submit,
	.wait = uring_wait,
	.close = uring_close,
};
