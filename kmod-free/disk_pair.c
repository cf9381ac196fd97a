#include "kmod-free/disk_pair_parts.h"

#include <errno.h>
#include <stdlib.h>

/* ---- sides that are lost ---------------------------------------------------------------------- */

bool disk_pair_is_lost(const struct disk_pair *pair, int side)
{
	return pair->lost_error[side] != 0;
}

static bool has_both(const struct disk_pair *pair)
{
	return !disk_pair_is_lost(pair, 0) && !disk_pair_is_lost(pair, 1);
}

static int living(const struct disk_pair *pair)
{
	return disk_pair_is_lost(pair, 0) ? 1 : 0;
}

void pair_lose(struct disk_pair *pair, int side, int error)
{
	if (has_both(pair))
		pair->lost_error[side] = error;
}

/* 0: the side that is left knows that it is alone, or is not. */
static int tell(struct disk_pair *pair)
{
	int lost = 1 - living(pair), error;

	if (has_both(pair) || pair->is_told)
		return 0;
	error = pair->lost(pair->context, lost, pair->lost_error[lost]);
	pair->is_told = error == 0;
	return error;
}

static bool is_harmless(int64_t error)
{
	return error == -ENOSPC || error == -EDQUOT || error == -ENOMEM || error == -EMFILE || error == -ENFILE ||
	       error == -EINTR || error == -EAGAIN;
}

int64_t pair_answer(struct disk_pair *pair, const int64_t answer[DISK_PAIR_SIDES])
{
	int failed = answer[0] < 0 ? 0 : 1;
	int64_t result;
	int error;

	if (!has_both(pair))
		result = answer[living(pair)];
	else if (answer[0] >= 0 && answer[1] >= 0)
		result = answer[0] < answer[1] ? answer[0] : answer[1];
	else if (is_harmless(answer[failed]) || (answer[0] < 0 && answer[1] < 0))
		result = answer[failed];
	else {
		pair_lose(pair, failed, (int)answer[failed]);
		result = answer[1 - failed];
	}
	error = result < 0 ? 0 : tell(pair);
	return error ? error : result;
}

/* ---- calls made to both at once --------------------------------------------------------------- */

static int64_t make_write(const struct pair_call *call)
{
	int error = os_disk_write(call->disk, call->fd, call->bytes, call->count, call->offset);

	return error ? error : (int64_t)call->count;
}

static int64_t make_write_durably(const struct pair_call *call)
{
	int error = os_disk_write_durably(call->disk, call->fd, call->bytes, call->count, call->offset);

	return error ? error : (int64_t)call->count;
}

static int64_t make_flush(const struct pair_call *call)
{
	return os_disk_flush(call->disk, call->fd);
}

static int64_t make_flush_folder(const struct pair_call *call)
{
	return call->disk->flush_folder(call->fd);
}

/* Where only writing helps, writing is what comes next. */
static int64_t make_allocate(const struct pair_call *call)
{
	int error = os_disk_allocate(call->disk, call->fd, call->offset, call->count);

	return error == -EOPNOTSUPP ? 0 : error;
}

static int64_t on_both(int number, struct pair_call call, int64_t (*make)(const struct pair_call *call))
{
	const struct pair_descriptor at = pair_descriptor(number);
	struct disk_pair *pair = at.pair;
	struct pair_call calls[DISK_PAIR_SIDES];
	int64_t answer[DISK_PAIR_SIDES] = {-EBADF, -EBADF};
	const bool at_once = has_both(pair);

	for (int i = 0; i < DISK_PAIR_SIDES; i++) {
		calls[i] = call;
		calls[i].make = make;
		calls[i].disk = pair->side[i].disk;
		calls[i].fd = at.fd[i];
	}
	if (at_once) {
		pair_helper_begin(pair->helper, &calls[1]);
		answer[0] = make(&calls[0]);
		answer[1] = pair_helper_end(pair->helper);
	} else {
		answer[living(pair)] = make(&calls[living(pair)]);
	}
	return pair_answer(pair, answer);
}

static int64_t pair_write(int fd, const void *bytes, size_t count, uint64_t offset)
{
	return on_both(fd, (struct pair_call){.bytes = bytes, .count = count, .offset = offset}, make_write);
}

static int64_t pair_write_durably(int fd, const void *bytes, size_t count, uint64_t offset)
{
	return on_both(fd, (struct pair_call){.bytes = bytes, .count = count, .offset = offset},
		       make_write_durably);
}

static int pair_flush(int fd)
{
	return (int)on_both(fd, (struct pair_call){0}, make_flush);
}

static int pair_flush_folder(int folder)
{
	return (int)on_both(folder, (struct pair_call){0}, make_flush_folder);
}

static int pair_allocate(int fd, uint64_t offset, uint64_t bytes)
{
	return (int)on_both(fd, (struct pair_call){.count = bytes, .offset = offset}, make_allocate);
}

/* ---- names ------------------------------------------------------------------------------------ */

static int pair_rename(int folder, const char *from, const char *to)
{
	const struct pair_descriptor at = pair_descriptor(folder);
	int64_t answer[DISK_PAIR_SIDES] = {0};

	for (int i = 0; i < DISK_PAIR_SIDES; i++)
		if (!disk_pair_is_lost(at.pair, i))
			answer[i] = at.pair->side[i].disk->rename(at.fd[i], from, to);
	return (int)pair_answer(at.pair, answer);
}

/* A side that has no such file has nothing to do, unless neither has. */
static int pair_unlink(int folder, const char *name)
{
	const struct pair_descriptor at = pair_descriptor(folder);
	int64_t answer[DISK_PAIR_SIDES] = {0};

	for (int i = 0; i < DISK_PAIR_SIDES; i++)
		if (!disk_pair_is_lost(at.pair, i))
			answer[i] = at.pair->side[i].disk->unlink(at.fd[i], name);
	for (int i = 0; i < DISK_PAIR_SIDES; i++)
		if (answer[i] == -ENOENT && answer[1 - i] != -ENOENT && has_both(at.pair))
			answer[i] = 0;
	return (int)pair_answer(at.pair, answer);
}

/* ---- opening ---------------------------------------------------------------------------------- */

/* The pair has a file if both sides have, or the one that is left. */
static int opened(struct disk_pair *pair, const int64_t fd[DISK_PAIR_SIDES])
{
	const int64_t answer[DISK_PAIR_SIDES] = {fd[0] < 0 ? fd[0] : 0, fd[1] < 0 ? fd[1] : 0};
	int both[DISK_PAIR_SIDES], number;
	int64_t error = pair_answer(pair, answer);

	for (int i = 0; i < DISK_PAIR_SIDES; i++)
		both[i] = fd[i] < 0 ? -1 : (int)fd[i];
	number = error < 0 ? (int)error : pair_number(pair, both);
	for (int i = 0; i < DISK_PAIR_SIDES && number < 0; i++)
		if (both[i] >= 0)
			pair->side[i].disk->close(both[i]);
	return number;
}

/* Either refuses the flags: then both do. */
static bool refuse_flags(const int64_t fd[DISK_PAIR_SIDES], uint32_t flags)
{
	return flags & OS_DISK_DIRECT && (fd[0] == -EINVAL || fd[1] == -EINVAL);
}

static void close_all(struct disk_pair *pair, const int64_t fd[DISK_PAIR_SIDES])
{
	for (int i = 0; i < DISK_PAIR_SIDES; i++)
		if (fd[i] >= 0)
			pair->side[i].disk->close((int)fd[i]);
}

/* What was created on one side is removed if it is not on the other. */
static int pair_create(int folder, const char *name, uint32_t flags)
{
	const struct pair_descriptor at = pair_descriptor(folder);
	struct disk_pair *pair = at.pair;
	int64_t fd[DISK_PAIR_SIDES] = {-EBADF, -EBADF};
	int number;

	for (int i = 0; i < DISK_PAIR_SIDES; i++)
		if (!disk_pair_is_lost(pair, i))
			fd[i] = pair->side[i].disk->create(at.fd[i], name, flags);
	if (refuse_flags(fd, flags)) {
		close_all(pair, fd);
		number = -EINVAL;
	} else {
		number = opened(pair, fd);
	}
	for (int i = 0; i < DISK_PAIR_SIDES && number < 0; i++)
		if (fd[i] >= 0 && !disk_pair_is_lost(pair, i))
			pair->side[i].disk->unlink(at.fd[i], name);
	return number;
}

static int open_to_read(const struct pair_descriptor *at, const char *name, uint32_t flags)
{
	int side = living(at->pair), fd[DISK_PAIR_SIDES] = {-1, -1}, number;

	fd[side] = at->pair->side[side].disk->open(at->fd[side], name, flags);
	if (fd[side] < 0)
		return fd[side];
	number = pair_number(at->pair, fd);
	if (number < 0)
		at->pair->side[side].disk->close(fd[side]);
	return number;
}

static int pair_open(int folder, const char *name, uint32_t flags)
{
	const struct pair_descriptor at = pair_descriptor(folder);
	struct disk_pair *pair = at.pair;
	int64_t fd[DISK_PAIR_SIDES] = {-EBADF, -EBADF};

	if ((flags & OS_DISK_WRITE) == 0)
		return open_to_read(&at, name, flags);
	for (int i = 0; i < DISK_PAIR_SIDES; i++)
		if (!disk_pair_is_lost(pair, i))
			fd[i] = pair->side[i].disk->open(at.fd[i], name, flags);
	if (refuse_flags(fd, flags)) {
		close_all(pair, fd);
		return -EINVAL;
	}
	return opened(pair, fd);
}

static int pair_open_folder(const char *path)
{
	(void)path;
	return -ENOTSUP;
}

/* ---- reading ---------------------------------------------------------------------------------- */

/* The side to be asked: a file that is only read is open on one. */
static int readable(const struct pair_descriptor *at)
{
	int side = living(at->pair);

	return at->fd[side] >= 0 ? side : 1 - side;
}

static int pair_list(int folder, int (*found)(void *context, const char *name), void *context)
{
	const struct pair_descriptor at = pair_descriptor(folder);
	int side = readable(&at);

	return at.pair->side[side].disk->list(at.fd[side], found, context);
}

static int64_t pair_read(int fd, void *ret_bytes, size_t count, uint64_t offset)
{
	const struct pair_descriptor at = pair_descriptor(fd);
	int side = readable(&at);

	return at.pair->side[side].disk->read(at.fd[side], ret_bytes, count, offset);
}

static int64_t pair_length(int fd)
{
	const struct pair_descriptor at = pair_descriptor(fd);
	int side = readable(&at);

	return at.pair->side[side].disk->length(at.fd[side]);
}

/* ---- public ----------------------------------------------------------------------------------- */

static const struct os_disk table = {
	.open_folder = pair_open_folder,
	.close = pair_close,
	.create = pair_create,
	.open = pair_open,
	.list = pair_list,
	.rename = pair_rename,
	.unlink = pair_unlink,
	.write = pair_write,
	.write_durably = pair_write_durably,
	.read = pair_read,
	.flush = pair_flush,
	.flush_folder = pair_flush_folder,
	.allocate = pair_allocate,
	.length = pair_length,
};

int disk_pair_open(const struct disk_pair_side sides[DISK_PAIR_SIDES],
		   int (*lost)(void *context, int side, int error), void *context, struct disk_pair **ret_pair)
{
	struct disk_pair *pair = calloc(1, sizeof(*pair));
	int folders[DISK_PAIR_SIDES] = {sides[0].folder, sides[1].folder};
	int error = pair ? pair_helper_start(&pair->helper) : -ENOMEM;

	if (!error) {
		pair->disk = table;
		pair->disk.queue = sides[0].disk->queue && sides[1].disk->queue ? &pair_queue_calls : NULL;
		pair->disk.reads_beside = sides[0].disk->reads_beside && sides[1].disk->reads_beside;
		pair->side[0] = sides[0];
		pair->side[1] = sides[1];
		pair->lost = lost;
		pair->context = context;
		pair->folder = pair_number(pair, folders);
		error = pair->folder < 0 ? pair->folder : 0;
	}
	if (!error) {
		*ret_pair = pair;
		return 0;
	}
	for (int i = 0; i < DISK_PAIR_SIDES; i++)
		sides[i].disk->close(folders[i]);
	if (pair)
		pair_helper_stop(pair->helper);
	free(pair);
	return error;
}

void disk_pair_close(struct disk_pair *pair)
{
	if (pair == NULL)
		return;
	pair_helper_stop(pair->helper);
	free(pair);
}

const struct os_disk *disk_pair_disk(const struct disk_pair *pair)
{
	return &pair->disk;
}

int disk_pair_folder(const struct disk_pair *pair)
{
	return pair->folder;
}
