#include "tests/durable/disk.h"

#include "tests/support/shadow_queue.h"

#include <pthread.h>
#include <time.h>

enum { PATIENCE_S = 10 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static unsigned gate; /* kinds of calls that wait */
static bool is_awaited;

static void enter(enum shadow_call call)
{
	pthread_mutex_lock(&mutex);
	while (gate & call) {
		is_awaited = true;
		pthread_cond_broadcast(&moved);
		pthread_cond_wait(&moved, &mutex);
	}
	is_awaited = false;
}

static void leave(void)
{
	pthread_mutex_unlock(&mutex);
}

#define LOCKED(type, call, expression)                                                                             \
	do {                                                                                                       \
		type result_;                                                                                      \
		enter(call);                                                                                       \
		result_ = (expression);                                                                            \
		leave();                                                                                           \
		return result_;                                                                                    \
	} while (0)

static int open_folder(const char *path)
{
	LOCKED(int, SHADOW_LIST, shadow_disk.open_folder(path));
}

static int close_fd(int fd)
{
	LOCKED(int, 0, shadow_disk.close(fd));
}

static int create(int folder, const char *name, uint32_t flags)
{
	LOCKED(int, SHADOW_CREATE, shadow_disk.create(folder, name, flags));
}

static int open_file(int folder, const char *name, uint32_t flags)
{
	LOCKED(int, SHADOW_OPEN, shadow_disk.open(folder, name, flags));
}

static int list(int folder, int (*found)(void *context, const char *name), void *context)
{
	LOCKED(int, SHADOW_LIST, shadow_disk.list(folder, found, context));
}

static int rename_file(int folder, const char *from, const char *to)
{
	LOCKED(int, SHADOW_RENAME, shadow_disk.rename(folder, from, to));
}

static int unlink_file(int folder, const char *name)
{
	LOCKED(int, SHADOW_UNLINK, shadow_disk.unlink(folder, name));
}

static int64_t write_bytes(int fd, const void *bytes, size_t count, uint64_t offset)
{
	LOCKED(int64_t, SHADOW_WRITE, shadow_disk.write(fd, bytes, count, offset));
}

static int64_t write_durably(int fd, const void *bytes, size_t count, uint64_t offset)
{
	LOCKED(int64_t, SHADOW_WRITE, shadow_write_durably(fd, bytes, count, offset));
}

static int64_t read_bytes(int fd, void *ret_bytes, size_t count, uint64_t offset)
{
	LOCKED(int64_t, SHADOW_READ, shadow_disk.read(fd, ret_bytes, count, offset));
}

static int flush(int fd)
{
	LOCKED(int, SHADOW_FLUSH, shadow_disk.flush(fd));
}

static int flush_folder(int folder)
{
	LOCKED(int, SHADOW_FLUSH_FOLDER, shadow_disk.flush_folder(folder));
}

static int allocate(int fd, uint64_t offset, uint64_t bytes)
{
	LOCKED(int, SHADOW_ALLOCATE, shadow_disk.allocate(fd, offset, bytes));
}

static int64_t length(int fd)
{
	LOCKED(int64_t, SHADOW_LENGTH, shadow_disk.length(fd));
}

const struct os_disk durable_disk = {
	.open_folder = open_folder,
	.close = close_fd,
	.create = create,
	.open = open_file,
	.list = list,
	.rename = rename_file,
	.unlink = unlink_file,
	.write = write_bytes,
	.read = read_bytes,
	.flush = flush,
	.flush_folder = flush_folder,
	.allocate = allocate,
	.length = length,
};

const struct os_disk *disk_queued(uint64_t random)
{
	static struct os_disk whole;

	whole = durable_disk;
	whole.write_durably = write_durably;
	shadow_queue_over(&whole, random);
	return &shadow_disk_queued;
}

void disk_power_for(int calls)
{
	enter(0);
	shadow_power_for(calls);
	leave();
}

bool disk_is_off(void)
{
	LOCKED(bool, 0, shadow_is_off());
}

void disk_fail(unsigned calls, int n, int error, bool for_good)
{
	enter(0);
	shadow_fail(calls, n, error, for_good);
	leave();
}

bool disk_has_failed(void)
{
	LOCKED(bool, 0, shadow_has_failed());
}

void disk_refuse_direct(bool refuse)
{
	enter(0);
	shadow_refuse_direct(refuse);
	leave();
}

void disk_room(uint64_t bytes)
{
	enter(0);
	shadow_room(bytes);
	leave();
}

uint64_t disk_calls(unsigned calls)
{
	LOCKED(uint64_t, 0, shadow_calls(calls));
}

void disk_gate_close(unsigned calls)
{
	enter(0);
	gate = calls;
	leave();
}

bool disk_gate_await(void)
{
	struct timespec until;
	bool has_come;
	int error = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	pthread_mutex_lock(&mutex);
	while (!is_awaited && !error)
		error = pthread_cond_timedwait(&moved, &mutex, &until);
	has_come = is_awaited;
	pthread_mutex_unlock(&mutex);
	return has_come;
}

void disk_gate_open(void)
{
	pthread_mutex_lock(&mutex);
	gate = 0;
	pthread_cond_broadcast(&moved);
	pthread_mutex_unlock(&mutex);
}
