#include "daemon/sink.h"

#include "kmod-free/disk_plain.h"
#include "ring/crashpoint.h"

#include <errno.h>
#include <stdlib.h>

enum {
	FLUSH_TAG = SINK_BATCHES,
	CALLS_MAX = SINK_BATCHES + 1, /* under way: each batch, and a flush */
	AT_ONCE_BYTES = 64 << 10,     /* a turn of one batch up to this: docs/adr/0009-disk.md */
};

struct batch {
	unsigned char *usual; /* a part of the sink's memory */
	unsigned char *large; /* instead, while a piece needs it */
	size_t capacity, bytes;
	size_t written;
	uint64_t offset; /* in the file */
	bool is_under_way, is_durable;
};

struct sink {
	const struct os_disk *disk;
	const struct os_queue_calls *calls;
	struct os_queue *queue;
	int fd;
	size_t batch_bytes;
	unsigned char *memory;
	struct batch batches[SINK_BATCHES];
	uint32_t current, count; /* with plain calls more than one would gain nothing */
	uint32_t under_way;	 /* calls */
	uint64_t next;		 /* in the file, where the current batch goes */
	bool is_dirty;		 /* something was written, or is being, that no flush was asked for */
	int error;		 /* of a call that has ended */
	int passing;		 /* calls in a row that are to be made again */
	uint64_t writes, flushes;
};

/* ---- opening ---------------------------------------------------------------------------------- */

static int open_queue(struct sink *sink)
{
	sink->calls = sink->disk->queue;
	sink->count = SINK_BATCHES;
	if (sink->calls && sink->calls->open(sink->disk, CALLS_MAX, &sink->queue) == 0)
		return 0;
	sink->calls = &disk_plain_calls;
	sink->count = 1;
	return disk_plain_open(sink->disk, &sink->queue);
}

static int take_memory(struct sink *sink)
{
	size_t bytes = sink->count * sink->batch_bytes;

	sink->memory = aligned_alloc(OS_DISK_PAGE, bytes);
	if (sink->memory == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < sink->count; i++) {
		sink->batches[i].usual = sink->memory + i * sink->batch_bytes;
		sink->batches[i].capacity = sink->batch_bytes;
	}
	sink->calls->expect(sink->queue, sink->memory, bytes);
	return 0;
}

int sink_open(const struct os_disk *disk, size_t batch_bytes, struct sink **ret_sink)
{
	struct sink *sink = calloc(1, sizeof(*sink));
	int error;

	if (sink == NULL)
		return -ENOMEM;
	sink->disk = disk;
	sink->batch_bytes = batch_bytes;
	error = open_queue(sink);
	if (!error)
		error = take_memory(sink);
	if (error) {
		sink_close(sink);
		return error;
	}
	*ret_sink = sink;
	return 0;
}

/* ---- calls that end --------------------------------------------------------------------------- */

static unsigned char *memory_of(const struct batch *batch)
{
	return batch->large ? batch->large : batch->usual;
}

static void begin_write(struct sink *sink, uint32_t index)
{
	struct batch *batch = &sink->batches[index];

	batch->is_under_way = true;
	sink->under_way++;
	sink->is_dirty = sink->is_dirty || !batch->is_durable;
	sink->calls->write(sink->queue, index, memory_of(batch) + batch->written, batch->bytes - batch->written,
			   batch->offset + batch->written, batch->is_durable);
	CRASH_POINT(sink_write_prepared);
}

static void empty(struct batch *batch)
{
	batch->bytes = batch->written = 0;
	batch->is_under_way = false;
}

/* Interrupted, or refused for now, and not too often in a row. */
static bool is_passing(struct sink *sink, int64_t answer)
{
	bool is = answer == -EINTR || answer == -EAGAIN;

	sink->passing = is ? sink->passing + 1 : 0;
	return is && sink->passing < OS_DISK_TRIES;
}

/* One that stopped short goes on. */
static void write_ended(struct sink *sink, uint32_t index, int64_t answer)
{
	struct batch *batch = &sink->batches[index];
	bool goes_on = is_passing(sink, answer) || answer > 0;

	CRASH_POINT(sink_write_ended);
	if (answer > 0)
		batch->written += (size_t)answer;
	else if (!goes_on && !sink->error)
		sink->error = answer < 0 ? (int)answer : -EIO; /* nothing, and no reason given */
	if (!sink->error && batch->written < batch->bytes)
		begin_write(sink, index);
	else
		empty(batch);
}

static void flush_ended(struct sink *sink, int64_t answer)
{
	CRASH_POINT(sink_flush_ended);
	if (is_passing(sink, answer))
		sink->is_dirty = true;
	else if (answer < 0 && !sink->error)
		sink->error = (int)answer;
}

/* 0, or why the queue is of no use any more. */
static int wait_for_one(struct sink *sink)
{
	uint64_t tag;
	int64_t answer;
	int error = sink->calls->wait(sink->queue, &tag, &answer);

	if (error) {
		sink->error = error;
		return error;
	}
	sink->under_way--;
	if (tag == FLUSH_TAG)
		flush_ended(sink, answer);
	else
		write_ended(sink, (uint32_t)tag, answer);
	return 0;
}

/* Waits in the call itself: the end of a write that flushes comes to a queue by way of a kernel worker. */
static void write_at_once(struct sink *sink, struct batch *batch)
{
	int error;

	CRASH_POINT(sink_write_prepared);
	error = os_disk_write_durably(sink->disk, sink->fd, memory_of(batch), batch->bytes, batch->offset);
	CRASH_POINT(sink_write_ended);
	if (error && !sink->error)
		sink->error = error;
	empty(batch);
}

/* ---- handing over ----------------------------------------------------------------------------- */

static int hand_over(struct sink *sink, bool is_all)
{
	struct batch *batch = &sink->batches[sink->current];

	if (sink->error || batch->bytes == 0)
		return sink->error;
	batch->offset = sink->next;
	/* A turn of one batch needs no order between two calls. */
	batch->is_durable = is_all && sink->under_way == 0 && !sink->is_dirty;
	sink->next += batch->bytes;
	sink->writes++;
	sink->flushes += batch->is_durable;
	if (batch->is_durable && batch->bytes <= AT_ONCE_BYTES)
		write_at_once(sink, batch);
	else
		begin_write(sink, sink->current);
	sink->current = (sink->current + 1) % sink->count;
	return 0;
}

/* The current batch is free, and those before it are on their way. */
static int next_batch(struct sink *sink)
{
	int error = hand_over(sink, false);

	if (!error)
		sink->error = sink->calls->submit(sink->queue);
	CRASH_POINT(sink_writes_submitted);
	while (!sink->error && sink->batches[sink->current].is_under_way)
		wait_for_one(sink);
	return sink->error;
}

int sink_settle(struct sink *sink)
{
	hand_over(sink, true);
	while (!sink->error && (sink->under_way > 0 || sink->is_dirty)) {
		if (sink->is_dirty) {
			sink->is_dirty = false;
			sink->flushes++;
			sink->under_way++;
			sink->calls->flush(sink->queue, FLUSH_TAG);
		}
		while (!sink->error && sink->under_way > 0)
			wait_for_one(sink);
	}
	return sink->error;
}

int sink_begin(struct sink *sink, int fd, uint64_t offset)
{
	int error = sink_settle(sink);

	if (error)
		return error;
	sink->calls->set_file(sink->queue, fd);
	sink->fd = fd;
	sink->next = offset;
	return 0;
}

/* ---- room ------------------------------------------------------------------------------------- */

/* An empty batch of another size: larger for a large piece, and of the usual one again afterwards. */
static int resize(const struct sink *sink, struct batch *batch, size_t capacity)
{
	free(batch->large);
	batch->large = NULL;
	batch->capacity = sink->batch_bytes;
	if (capacity <= sink->batch_bytes)
		return 0;
	batch->large = aligned_alloc(OS_DISK_PAGE, capacity);
	if (batch->large == NULL)
		return -ENOMEM;
	batch->capacity = capacity;
	return 0;
}

int sink_room(struct sink *sink, size_t bytes, unsigned char **ret_room)
{
	size_t capacity = bytes > sink->batch_bytes ? bytes : sink->batch_bytes;
	struct batch *batch = &sink->batches[sink->current];
	int error = 0;

	if (batch->is_under_way || batch->bytes + bytes > batch->capacity)
		error = next_batch(sink);
	batch = &sink->batches[sink->current];
	if (!error && batch->bytes == 0 && batch->capacity != capacity)
		error = resize(sink, batch, capacity);
	if (!error)
		*ret_room = memory_of(batch) + batch->bytes;
	return error;
}

void sink_add(struct sink *sink, size_t bytes)
{
	sink->batches[sink->current].bytes += bytes;
}

/* ---- the end ---------------------------------------------------------------------------------- */

/* What is under way has to end first, well or not: its memory is used again, and its file closed. A queue that
 * cannot say so is replaced by plain calls. */
static void wait_for_all(struct sink *sink)
{
	struct os_queue *plain;

	while (sink->under_way > 0 && wait_for_one(sink) == 0)
		;
	if (sink->under_way == 0 || disk_plain_open(sink->disk, &plain) != 0)
		return;
	sink->calls->close(sink->queue);
	sink->calls = &disk_plain_calls;
	sink->queue = plain;
	sink->count = 1;
	sink->under_way = 0;
}

void sink_drop(struct sink *sink)
{
	sink->error = sink->error ? sink->error : -ECANCELED; /* so that nothing goes on */
	wait_for_all(sink);
	for (uint32_t i = 0; i < SINK_BATCHES; i++)
		empty(&sink->batches[i]);
	sink->calls->set_file(sink->queue, -1);
	sink->current = 0;
	sink->is_dirty = false;
	sink->error = sink->passing = 0;
}

bool sink_is_queued(const struct sink *sink)
{
	return sink->calls != &disk_plain_calls;
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
	if (sink->queue) {
		sink_drop(sink);
		sink->calls->close(sink->queue);
	}
	for (uint32_t i = 0; i < SINK_BATCHES; i++)
		free(sink->batches[i].large);
	free(sink->memory);
	free(sink);
}
