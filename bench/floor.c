#include "bench/floor.h"

#include "bench/pair.h"
#include "daemon/format.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { FILE_BYTES = 64 << 20, QUICK_FILE_BYTES = 1 << 20, SOURCE_BYTES = 1 << 20, JOURNAL = 1, SEED = 4711 };

const struct floor_method floor_methods[] = {
	{.name = "write, fdatasync"},
	{.name = "write DSYNC", .flush = FLOOR_DSYNC},
	{.name = "uring: write, fdatasync", .is_queued = true},
	{.name = "direct: write, fdatasync", .is_direct = true},
	{.name = "direct: write DSYNC", .flush = FLOOR_DSYNC, .is_direct = true},
	{.name = "direct: write DSYNC, fresh", .flush = FLOOR_DSYNC, .is_direct = true, .is_fresh = true},
	{.name = "direct uring: write, fdatasync", .is_direct = true, .is_queued = true},
	{.name = "direct uring: write DSYNC", .flush = FLOOR_DSYNC, .is_direct = true, .is_queued = true},
	{.name = "direct uring: write DSYNC, lean",
	 .flush = FLOOR_DSYNC,
	 .is_direct = true,
	 .is_queued = true,
	 .is_lean = true},
	{.name = "direct uring: write DSYNC, deferred",
	 .flush = FLOOR_DSYNC,
	 .is_direct = true,
	 .is_queued = true,
	 .is_deferred = true},
	{.name = "direct uring: turn, one flush", .flush = FLOOR_TURN, .is_direct = true, .is_queued = true},
	{.name = "direct uring: turn of DSYNC", .flush = FLOOR_DSYNC_TURN, .is_direct = true, .is_queued = true},
};
const uint32_t floor_method_count = sizeof(floor_methods) / sizeof(*floor_methods);

struct batch {
	unsigned char *at;
	uint64_t offset, begun_ns;
	bool is_under_way;
};

struct floor {
	struct floor_method method;
	struct floor_shape shape;
	struct io_uring ring;
	int fd;
	uint64_t next; /* in the file */
	uint64_t lsn;
	unsigned char *memory, *source;
	size_t source_at;
	struct batch batches[FLOOR_IN_FLIGHT_MAX];
	uint64_t ended;
	struct hist *times;
};

static void *checked(void *memory)
{
	if (memory == NULL) {
		perror("floor");
		exit(1);
	}
	return memory;
}

static void check(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- the file --------------------------------------------------------------------------------- */

static uint64_t file_bytes(void)
{
	return bench_options.quick ? QUICK_FILE_BYTES : FILE_BYTES;
}

static void write_zeros(int fd)
{
	unsigned char *zeros = checked(aligned_alloc(FORMAT_PAGE, SOURCE_BYTES));

	memset(zeros, 0, SOURCE_BYTES);
	for (off_t at = 0; at < (off_t)file_bytes(); at += SOURCE_BYTES)
		check(pwrite(fd, zeros, SOURCE_BYTES, at) == SOURCE_BYTES, "writing zeros");
	free(zeros);
}

static int make_file(const char *folder, const struct floor_method *method)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/ringlease-floor.XXXXXX", folder);
	fd = mkstemp(path);
	check(fd >= 0, path);
	close(fd);
	fd = open(path, O_RDWR | O_CLOEXEC | (method->is_direct ? O_DIRECT : 0));
	unlink(path);
	check(fd >= 0, path);
	check(fallocate(fd, 0, 0, (off_t)file_bytes()) == 0, "fallocate");
	if (!method->is_fresh)
		write_zeros(fd);
	check(fsync(fd) == 0, "fsync");
	return fd;
}

/* ---- the ring --------------------------------------------------------------------------------- */

static bool open_ring(struct floor *floor)
{
	unsigned flags = IORING_SETUP_COOP_TASKRUN;
	struct iovec memory = {.iov_base = floor->memory,
			       .iov_len = floor->shape.batch_bytes * floor->shape.in_flight};

	if (floor->method.is_deferred)
		flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
	if (io_uring_queue_init(4 * FLOOR_IN_FLIGHT_MAX, &floor->ring, flags) != 0)
		return false;
	if (floor->method.is_lean)
		return true;
	if (io_uring_register_files(&floor->ring, &floor->fd, 1) == 0 &&
	    io_uring_register_buffers(&floor->ring, &memory, 1) == 0)
		return true;
	io_uring_queue_exit(&floor->ring);
	return false;
}

/* One for all that write through the page cache, one for those past it, and each time a fresh one. */
static int file_for(const char *folder, const struct floor_method *method)
{
	static int files[2] = {-1, -1};
	int *file = &files[method->is_direct];

	if (method->is_fresh)
		return make_file(folder, method);
	if (*file < 0)
		*file = make_file(folder, method);
	return *file;
}

struct floor *floor_open(const char *folder, const struct floor_method *method, const struct floor_shape *shape)
{
	struct floor *floor = checked(calloc(1, sizeof(*floor)));

	floor->method = *method;
	floor->shape = *shape;
	floor->fd = file_for(folder, method);
	floor->memory = checked(aligned_alloc(FORMAT_PAGE, shape->batch_bytes * shape->in_flight));
	floor->source = checked(malloc(SOURCE_BYTES));
	memset(floor->memory, 0, shape->batch_bytes * shape->in_flight);
	for (size_t i = 0; i < SOURCE_BYTES; i++)
		floor->source[i] = (unsigned char)(i * 131 >> 3);
	for (uint32_t i = 0; i < shape->in_flight; i++)
		floor->batches[i].at = floor->memory + i * shape->batch_bytes;
	if (method->is_queued && !open_ring(floor)) {
		floor->method.is_queued = false;
		floor_close(floor);
		return NULL;
	}
	return floor;
}

void floor_close(struct floor *floor)
{
	if (floor->method.is_queued)
		io_uring_queue_exit(&floor->ring);
	if (floor->method.is_fresh)
		close(floor->fd);
	free(floor->memory);
	free(floor->source);
	free(floor);
}

/* ---- a frame ---------------------------------------------------------------------------------- */

uint32_t floor_records(const struct floor_shape *shape)
{
	return (uint32_t)((shape->batch_bytes - sizeof(struct format_frame)) /
			  format_message_bytes(shape->body_bytes, 0));
}

static const unsigned char *next_body(struct floor *floor)
{
	const unsigned char *body = floor->source + floor->source_at;

	floor->source_at += floor->shape.body_bytes;
	if (floor->source_at + floor->shape.body_bytes > SOURCE_BYTES)
		floor->source_at = 0;
	return body;
}

static void build(struct floor *floor, struct batch *batch)
{
	uint32_t count = floor_records(&floor->shape), body_bytes = floor->shape.body_bytes;
	unsigned char *at = batch->at + sizeof(struct format_frame);

	for (uint32_t i = 0; i < count; i++) {
		struct format_message message = {.number = floor->lsn * count + i + 1,
						 .id = {floor->lsn, i},
						 .sent_ms = floor->lsn,
						 .body_bytes = body_bytes};

		memcpy(format_message_put(at, &message)->payload, next_body(floor), body_bytes);
		at += format_message_bytes(body_bytes, 0);
	}
	floor->lsn++;
	*(struct format_frame *)(void *)batch->at = (struct format_frame){
		.bytes = (uint32_t)(at - batch->at),
		.flags = FORMAT_END_OF_TURN,
		.lsn = floor->lsn,
		.turn = floor->lsn,
		.durable = floor->lsn - 1,
		.file = JOURNAL,
		.count = count,
	};
	format_frame_seal((void *)batch->at, SEED);
	batch->offset = floor->next;
	floor->next = (floor->next + floor->shape.batch_bytes) % file_bytes();
}

static void batch_ended(struct floor *floor, struct batch *batch)
{
	if (floor->times)
		hist_add(floor->times, ns_now() - batch->begun_ns);
	batch->is_under_way = false;
	floor->ended++;
}

/* ---- one after the other ---------------------------------------------------------------------- */

static void write_plainly(struct floor *floor)
{
	struct batch *batch = &floor->batches[0];
	struct iovec all = {.iov_base = batch->at, .iov_len = floor->shape.batch_bytes};
	bool flushes = floor->method.flush == FLOOR_DSYNC;
	ssize_t written;

	build(floor, batch);
	batch->begun_ns = ns_now();
	written = pwritev2(floor->fd, &all, 1, (off_t)batch->offset, flushes ? RWF_DSYNC : 0);
	check(written == (ssize_t)all.iov_len, "write");
	if (!flushes)
		check(fdatasync(floor->fd) == 0, "fdatasync");
	batch_ended(floor, batch);
}

/* ---- several ---------------------------------------------------------------------------------- */

static void set_call(const struct floor *floor, struct io_uring_sqe *call, unsigned flags, uint64_t tag)
{
	io_uring_sqe_set_flags(call, flags | (floor->method.is_lean ? 0 : IOSQE_FIXED_FILE));
	call->user_data = tag;
}

enum { PLAIN_WRITE = 1 << 8 }; /* its end alone says nothing */

static bool is_durable(enum floor_flush flush)
{
	return flush == FLOOR_DSYNC || flush == FLOOR_DSYNC_TURN;
}

static void prepare(struct floor *floor, uint32_t index)
{
	struct batch *batch = &floor->batches[index];
	struct io_uring_sqe *call = io_uring_get_sqe(&floor->ring);
	enum floor_flush flush = floor->method.flush;
	unsigned bytes = (unsigned)floor->shape.batch_bytes;
	int fd = floor->method.is_lean ? floor->fd : 0;

	batch->begun_ns = ns_now();
	batch->is_under_way = true;
	if (floor->method.is_lean)
		io_uring_prep_write(call, fd, batch->at, bytes, batch->offset);
	else
		io_uring_prep_write_fixed(call, fd, batch->at, bytes, batch->offset, 0);
	call->rw_flags = is_durable(flush) ? RWF_DSYNC : 0;
	set_call(floor, call, flush == FLOOR_FDATASYNC ? IOSQE_IO_LINK : 0,
		 is_durable(flush) ? index : index | PLAIN_WRITE);
	if (flush != FLOOR_FDATASYNC)
		return;
	call = io_uring_get_sqe(&floor->ring);
	io_uring_prep_fsync(call, fd, IORING_FSYNC_DATASYNC);
	set_call(floor, call, 0, index);
}

static void take_end(struct floor *floor)
{
	struct io_uring_cqe *end;
	uint64_t tag;
	int answer;

	while (io_uring_sq_ready(&floor->ring) > 0 || io_uring_peek_cqe(&floor->ring, &end) != 0)
		io_uring_submit_and_wait(&floor->ring, 1);
	tag = end->user_data;
	answer = end->res;
	io_uring_cqe_seen(&floor->ring, end);
	errno = answer < 0 ? -answer : 0;
	check(answer >= 0, "a call of the ring");
	if (tag & PLAIN_WRITE || is_durable(floor->method.flush))
		check((size_t)answer == floor->shape.batch_bytes, "short write");
	if (!(tag & PLAIN_WRITE))
		batch_ended(floor, &floor->batches[tag]);
}

static struct batch *free_batch(struct floor *floor)
{
	for (;;) {
		for (uint32_t i = 0; i < floor->shape.in_flight; i++)
			if (!floor->batches[i].is_under_way)
				return &floor->batches[i];
		take_end(floor);
	}
}

static void write_queued(struct floor *floor)
{
	struct batch *batch = free_batch(floor);

	build(floor, batch);
	prepare(floor, (uint32_t)(batch - floor->batches));
	if (floor->shape.in_flight > 1)
		io_uring_submit(&floor->ring);
	else
		take_end(floor);
}

static void flush_turn(struct floor *floor)
{
	uint32_t count = floor->shape.in_flight;
	struct io_uring_sqe *call = io_uring_get_sqe(&floor->ring);

	io_uring_prep_fsync(call, 0, IORING_FSYNC_DATASYNC);
	set_call(floor, call, IOSQE_IO_DRAIN, count - 1);
	while (floor->batches[count - 1].is_under_way)
		take_end(floor);
	for (uint32_t i = 0; i + 1 < count; i++)
		floor->batches[i].is_under_way = false;
	floor->ended += count - 1;
}

/* Each batch goes when it is built. The time of a flush is that of the last. */
static void write_turn(struct floor *floor)
{
	uint32_t count = floor->shape.in_flight;

	for (uint32_t i = 0; i < count; i++) {
		build(floor, &floor->batches[i]);
		prepare(floor, i);
		if (i + 1 < count)
			io_uring_submit(&floor->ring);
	}
	if (floor->method.flush == FLOOR_TURN)
		flush_turn(floor);
	for (uint32_t i = 0; i < count; i++)
		while (floor->batches[i].is_under_way)
			take_end(floor);
}

/* ---- a run ------------------------------------------------------------------------------------ */

static double cpu_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool goes_on(const struct floor *floor, uint64_t before, double end, uint64_t batches)
{
	uint64_t done = floor->ended - before;

	if (floor->method.is_fresh && (floor->ended + 1) * floor->shape.batch_bytes > file_bytes())
		return false;
	return (batches == 0 || done < batches) && seconds_now() < end;
}

struct floor_figures floor_run(struct floor *floor, double seconds, uint64_t batches, struct hist *times)
{
	uint64_t before = floor->ended;
	double start = seconds_now(), cpu = cpu_now();
	struct floor_figures figures = {0};

	floor->times = times;
	while (goes_on(floor, before, start + seconds, batches)) {
		if (!floor->method.is_queued)
			write_plainly(floor);
		else if (floor->method.flush == FLOOR_TURN || floor->method.flush == FLOOR_DSYNC_TURN)
			write_turn(floor);
		else
			write_queued(floor);
	}
	for (uint32_t i = 0; i < floor->shape.in_flight; i++)
		while (floor->batches[i].is_under_way)
			take_end(floor);
	figures.seconds = seconds_now() - start;
	figures.cpu_seconds = cpu_now() - cpu;
	figures.batches = floor->ended - before;
	figures.records = figures.batches * floor_records(&floor->shape);
	return figures;
}
