#include "tests/support/shadow_disk.h"

#include "tests/support/arguments.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 512, NAMES_MAX = 256, CHANGES_MAX = 256, NAME_BYTES = 64, FDS_MAX = 64 };

struct content {
	unsigned char *bytes;
	size_t length;
};

struct file {
	struct content now, flushed;
	size_t dirty_from, dirty_to; /* where they may differ */
	struct content
		forgotten; /* by bytes: a flush of them has failed, so no later one has anything to do with them */
};

struct name {
	char text[NAME_BYTES];
	int file;
};

struct folder {
	struct name names[NAMES_MAX];
	int count;
};

/* A name made (from empty), removed (to empty) or changed, not yet flushed. */
struct change {
	char from[NAME_BYTES], to[NAME_BYTES];
	int file;
};

struct fd {
	int file; /* -1: closed */
	uint32_t flags;
};

static struct {
	struct file files[FILES_MAX];
	int file_count;
	struct folder now, flushed;
	struct change changes[CHANGES_MAX];
	int change_count;
	struct fd fds[FDS_MAX];
	int power; /* calls left; -1: no end */
	unsigned fault_calls;
	int fault_in, fault_error;
	bool fault_for_good, has_failed;
	size_t most;
	bool is_interrupted, refuse_direct;
	size_t sector;
	uint64_t room; /* 0: no end */
	uint64_t calls[16];
} shadow;

static void *checked(void *memory)
{
	if (memory == NULL) {
		perror("shadow disk");
		exit(1);
	}
	return memory;
}

/* ---- contents and names ----------------------------------------------------------------------- */

static void content_resize(struct content *content, size_t length)
{
	content->bytes = checked(realloc(content->bytes, length + 1));
	if (length > content->length)
		memset(content->bytes + content->length, 0, length - content->length);
	content->length = length;
}

static void content_copy(struct content *to, const struct content *from)
{
	content_resize(to, from->length);
	if (from->length > 0)
		memcpy(to->bytes, from->bytes, from->length);
}

static void mark_dirty(struct file *file, size_t from, size_t to)
{
	bool was_clean = file->dirty_from == file->dirty_to;

	file->dirty_from = was_clean || from < file->dirty_from ? from : file->dirty_from;
	file->dirty_to = was_clean || to > file->dirty_to ? to : file->dirty_to;
}

static void mark_clean(struct file *file)
{
	file->dirty_from = file->dirty_to = 0;
}

/* All that differs is flushed. What was added behind the end is zeros, unless it was written. */
static void content_flush(struct file *file)
{
	content_resize(&file->flushed, file->now.length);
	memcpy(file->flushed.bytes + file->dirty_from, file->now.bytes + file->dirty_from,
	       file->dirty_to - file->dirty_from);
	mark_clean(file);
}

static struct name *name_find(struct folder *folder, const char *text)
{
	for (int i = 0; i < folder->count; i++)
		if (strcmp(folder->names[i].text, text) == 0)
			return &folder->names[i];
	return NULL;
}

static void name_remove(struct folder *folder, const char *text)
{
	struct name *name = name_find(folder, text);

	if (name)
		*name = folder->names[--folder->count];
}

static void name_set(struct folder *folder, const char *text, int file)
{
	struct name *name = name_find(folder, text);

	if (name == NULL) {
		assert(folder->count < NAMES_MAX);
		name = &folder->names[folder->count++];
	}
	snprintf(name->text, sizeof(name->text), "%s", text);
	name->file = file;
}

static void change_make(struct folder *folder, const struct change *change)
{
	if (change->from[0] != '\0')
		name_remove(folder, change->from);
	if (change->to[0] != '\0')
		name_set(folder, change->to, change->file);
}

static void change_names(const char *from, const char *to, int file)
{
	struct change *change = &shadow.changes[shadow.change_count++];

	assert(shadow.change_count < CHANGES_MAX);
	*change = (struct change){.file = file};
	snprintf(change->from, sizeof(change->from), "%s", from);
	snprintf(change->to, sizeof(change->to), "%s", to);
	change_make(&shadow.now, change);
}

/* ---- faults ----------------------------------------------------------------------------------- */

static int number_of(enum shadow_call call)
{
	return __builtin_ctz(call);
}

/* 0, or with what this call fails. */
static int fault_of(enum shadow_call call, bool is_change)
{
	shadow.calls[number_of(call)]++;
	if (shadow.power == 0)
		return -EIO;
	if (is_change && shadow.power > 0)
		shadow.power--;
	if ((shadow.fault_calls & call) == 0 || shadow.fault_in == 0)
		return 0;
	if (shadow.fault_in > 1) {
		shadow.fault_in--;
		return 0;
	}
	shadow.fault_in = shadow.fault_for_good ? 1 : 0;
	shadow.has_failed = true;
	return shadow.fault_error;
}

/* A fault that is none of the codes: the call does half. */
static size_t shortened(int *error, size_t count)
{
	if (*error != SHADOW_SHORT)
		return count;
	*error = 0;
	return count / 2 > 0 ? count / 2 : count;
}

/* Every second call is interrupted while there is a bound. */
static bool is_interrupted(void)
{
	shadow.is_interrupted = shadow.most > 0 && !shadow.is_interrupted;
	return shadow.is_interrupted;
}

/* ---- the table -------------------------------------------------------------------------------- */

static struct fd *fd_of(int number)
{
	assert(number >= 0 && number < FDS_MAX && shadow.fds[number].file >= 0);
	return &shadow.fds[number];
}

static struct file *file_of(int number)
{
	return &shadow.files[fd_of(number)->file];
}

static int shadow_open_folder(const char *path)
{
	(void)path;
	return SHADOW_FOLDER;
}

static int shadow_close(int number)
{
	if (number != SHADOW_FOLDER)
		fd_of(number)->file = -1;
	return 0;
}

static int fd_open(int file, uint32_t flags)
{
	for (int i = 0; i < FDS_MAX; i++)
		if (shadow.fds[i].file < 0) {
			shadow.fds[i] = (struct fd){.file = file, .flags = flags};
			return i;
		}
	return -EMFILE;
}

static int shadow_create(int folder, const char *name, uint32_t flags)
{
	int error = fault_of(SHADOW_CREATE, true);

	assert(folder == SHADOW_FOLDER);
	if (error)
		return error;
	if (name_find(&shadow.now, name))
		return -EEXIST;
	assert(shadow.file_count < FILES_MAX);
	change_names("", name, shadow.file_count);
	/* As Linux does: the name is made, then the flag refused. */
	if (shadow.refuse_direct && flags & OS_DISK_DIRECT) {
		shadow.file_count++;
		return -EINVAL;
	}
	return fd_open(shadow.file_count++, flags | OS_DISK_WRITE);
}

static int shadow_open(int folder, const char *name, uint32_t flags)
{
	int error = fault_of(SHADOW_OPEN, false);
	struct name *found = name_find(&shadow.now, name);

	assert(folder == SHADOW_FOLDER);
	if (error)
		return error;
	if (shadow.refuse_direct && flags & OS_DISK_DIRECT)
		return -EINVAL;
	return found ? fd_open(found->file, flags) : -ENOENT;
}

static int shadow_list(int folder, int (*found)(void *context, const char *name), void *context)
{
	int error = fault_of(SHADOW_LIST, false);

	assert(folder == SHADOW_FOLDER);
	for (int i = 0; i < shadow.now.count && !error; i++)
		error = found(context, shadow.now.names[i].text);
	return error;
}

static int shadow_rename(int folder, const char *from, const char *to)
{
	int error = fault_of(SHADOW_RENAME, true);
	struct name *name = name_find(&shadow.now, from);

	assert(folder == SHADOW_FOLDER);
	if (error)
		return error;
	if (name == NULL)
		return -ENOENT;
	change_names(from, to, name->file);
	return 0;
}

static int shadow_unlink(int folder, const char *name)
{
	int error = fault_of(SHADOW_UNLINK, true);

	assert(folder == SHADOW_FOLDER);
	if (error)
		return error;
	if (name_find(&shadow.now, name) == NULL)
		return -ENOENT;
	change_names(name, "", -1);
	return 0;
}

static void check_direct(int number, const void *bytes, size_t count, uint64_t offset)
{
	if (fd_of(number)->flags & OS_DISK_DIRECT && shadow.most == 0 && shadow.fault_error != SHADOW_SHORT)
		assert((uintptr_t)bytes % OS_DISK_PAGE == 0 && count % OS_DISK_PAGE == 0 &&
		       offset % OS_DISK_PAGE == 0);
}

static void remember(struct file *file, uint64_t offset, size_t count)
{
	if (offset + count > file->forgotten.length)
		count = offset < file->forgotten.length ? file->forgotten.length - offset : 0;
	if (count > 0)
		memset(file->forgotten.bytes + offset, 0, count);
}

/* The pages count as clean from here on. A disk of which the writer asks past the page cache keeps what it has. */
static void forget_unflushed(int number)
{
	struct file *file = file_of(number);

	if (fd_of(number)->flags & OS_DISK_DIRECT)
		return;
	content_resize(&file->forgotten, file->now.length);
	for (size_t i = 0; i < file->now.length; i++)
		if (i >= file->flushed.length || file->now.bytes[i] != file->flushed.bytes[i])
			file->forgotten.bytes[i] = 1;
}

static void flush_bytes(struct file *file, uint64_t offset, uint64_t count)
{
	uint64_t end = offset + count < file->now.length ? offset + count : file->now.length;

	if (end > file->flushed.length)
		content_resize(&file->flushed, end);
	for (uint64_t i = offset; i < end; i++)
		if (i >= file->forgotten.length || !file->forgotten.bytes[i])
			file->flushed.bytes[i] = file->now.bytes[i];
}

static int64_t shadow_write(int number, const void *bytes, size_t count, uint64_t offset)
{
	struct content *now = &file_of(number)->now;
	int error = fault_of(SHADOW_WRITE, true);

	assert(fd_of(number)->flags & OS_DISK_WRITE);
	check_direct(number, bytes, count, offset);
	count = shortened(&error, count);
	if (error)
		return error;
	if (is_interrupted())
		return -EINTR;
	if (shadow.most > 0 && count > shadow.most)
		count = shadow.most;
	if (offset + count > now->length)
		content_resize(now, offset + count);
	memcpy(now->bytes + offset, bytes, count);
	mark_dirty(file_of(number), offset, offset + count);
	remember(file_of(number), offset, count);
	return (int64_t)count;
}

static int64_t shadow_read(int number, void *ret_bytes, size_t count, uint64_t offset)
{
	const struct content *now = &file_of(number)->now;
	int error = fault_of(SHADOW_READ, false);

	count = shortened(&error, count);
	if (error)
		return error;
	if (is_interrupted())
		return -EINTR;
	if (offset >= now->length)
		return 0;
	if (count > now->length - offset)
		count = now->length - offset;
	if (shadow.most > 0 && count > shadow.most)
		count = shadow.most;
	memcpy(ret_bytes, now->bytes + offset, count);
	return (int64_t)count;
}

static int shadow_flush(int number)
{
	struct file *file = file_of(number);
	int error = fault_of(SHADOW_FLUSH, true);

	if (error && error != -EINTR && shadow.power != 0)
		forget_unflushed(number);
	if (error)
		return error;
	if (is_interrupted())
		return -EINTR;
	if (file->forgotten.length == 0)
		content_flush(file);
	else
		flush_bytes(file, 0, file->now.length);
	return 0;
}

int64_t shadow_write_durably(int number, const void *bytes, size_t count, uint64_t offset)
{
	int64_t written = shadow_write(number, bytes, count, offset);
	int error = written > 0 ? fault_of(SHADOW_FLUSH, true) : 0;

	if (error && error != -EINTR && shadow.power != 0)
		forget_unflushed(number);
	if (!error && written > 0)
		flush_bytes(file_of(number), offset, (uint64_t)written);
	return error ? error : written;
}

static int shadow_flush_folder(int folder)
{
	int error = fault_of(SHADOW_FLUSH_FOLDER, true);

	assert(folder == SHADOW_FOLDER);
	if (error)
		return error;
	shadow.flushed = shadow.now;
	shadow.change_count = 0;
	return 0;
}

static bool has_room(uint64_t more)
{
	uint64_t used = 0;

	for (int i = 0; i < shadow.now.count; i++)
		used += shadow.files[shadow.now.names[i].file].now.length;
	return shadow.room == 0 || used + more <= shadow.room;
}

static int shadow_allocate(int number, uint64_t offset, uint64_t bytes)
{
	struct content *now = &file_of(number)->now;
	int error = fault_of(SHADOW_ALLOCATE, true);

	if (error)
		return error;
	if (is_interrupted())
		return -EINTR;
	if (offset + bytes <= now->length)
		return 0;
	if (!has_room(offset + bytes - now->length))
		return -ENOSPC;
	content_resize(now, offset + bytes);
	return 0;
}

static int64_t shadow_length(int number)
{
	int error = fault_of(SHADOW_LENGTH, false);

	return error ? error : (int64_t)file_of(number)->now.length;
}

const struct os_disk shadow_disk = {
	.open_folder = shadow_open_folder,
	.close = shadow_close,
	.create = shadow_create,
	.open = shadow_open,
	.list = shadow_list,
	.rename = shadow_rename,
	.unlink = shadow_unlink,
	.write = shadow_write,
	.read = shadow_read,
	.flush = shadow_flush,
	.flush_folder = shadow_flush_folder,
	.allocate = shadow_allocate,
	.length = shadow_length,
};

/* ---- for tests -------------------------------------------------------------------------------- */

static void without_faults(void)
{
	for (int i = 0; i < FDS_MAX; i++)
		shadow.fds[i].file = -1;
	shadow.power = -1;
	shadow.fault_in = 0;
	shadow.most = 0;
	shadow.refuse_direct = false;
}

void shadow_begin(void)
{
	shadow_end();
	without_faults();
	shadow.sector = SHADOW_SECTOR;
}

void shadow_end(void)
{
	for (int i = 0; i < shadow.file_count; i++) {
		free(shadow.files[i].now.bytes);
		free(shadow.files[i].flushed.bytes);
		free(shadow.files[i].forgotten.bytes);
	}
	memset(&shadow, 0, sizeof(shadow));
}

void shadow_power_for(int calls)
{
	shadow.power = calls;
}

void shadow_sector(size_t bytes)
{
	shadow.sector = bytes;
}

bool shadow_is_off(void)
{
	return shadow.power == 0;
}

/* Sectors of what was not flushed, as the disk pleases. */
static void lose_some(struct file *file, uint64_t *random)
{
	struct content mixed = {0};

	content_copy(&mixed, &file->flushed);
	if (random_next(random) >> 63)
		content_resize(&mixed, file->now.length);
	for (size_t at = 0; at < mixed.length && at < file->now.length; at += shadow.sector) {
		size_t most = mixed.length < file->now.length ? mixed.length : file->now.length;

		if (random_next(random) >> 63)
			memcpy(mixed.bytes + at, file->now.bytes + at,
			       most - at < shadow.sector ? most - at : shadow.sector);
	}
	content_copy(&file->now, &mixed);
	free(mixed.bytes);
}

void shadow_restart(enum shadow_loss loss, uint64_t *random)
{
	bool bytes_lost = loss == SHADOW_LOSE_ALL || loss == SHADOW_LOSE_BYTES;
	int kept = loss == SHADOW_LOSE_NONE || loss == SHADOW_LOSE_BYTES ? shadow.change_count : 0;

	if (loss == SHADOW_LOSE_SOME)
		kept = (int)(random_next(random) >> 32) % (shadow.change_count + 1);
	for (int i = 0; i < kept; i++)
		change_make(&shadow.flushed, &shadow.changes[i]);
	shadow.now = shadow.flushed;
	shadow.change_count = 0;
	for (int i = 0; i < shadow.file_count; i++) {
		struct file *file = &shadow.files[i];

		if (loss == SHADOW_LOSE_SOME)
			lose_some(file, random);
		content_copy(bytes_lost ? &file->now : &file->flushed, bytes_lost ? &file->flushed : &file->now);
		content_resize(&file->forgotten, 0);
		mark_clean(file);
	}
	without_faults();
}

void shadow_let_go(void)
{
	without_faults();
}

void shadow_fail(unsigned calls, int n, int error, bool for_good)
{
	shadow.fault_calls = calls;
	shadow.fault_in = n;
	shadow.fault_error = error;
	shadow.fault_for_good = for_good;
	shadow.has_failed = false;
}

bool shadow_has_failed(void)
{
	return shadow.has_failed;
}

void shadow_room(uint64_t bytes)
{
	shadow.room = bytes;
}

void shadow_at_most(size_t bytes)
{
	shadow.most = bytes;
}

void shadow_refuse_direct(bool refuse)
{
	shadow.refuse_direct = refuse;
}

uint64_t shadow_calls(unsigned calls)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < 16; i++)
		if (calls >> i & 1)
			sum += shadow.calls[i];
	return sum;
}

unsigned char *shadow_bytes(const char *name, size_t *ret_bytes)
{
	struct name *found = name_find(&shadow.now, name);

	if (found == NULL)
		return NULL;
	mark_dirty(&shadow.files[found->file], 0, shadow.files[found->file].now.length);
	if (ret_bytes)
		*ret_bytes = shadow.files[found->file].now.length;
	return shadow.files[found->file].now.bytes;
}

void shadow_put(const char *name, const void *bytes, size_t count)
{
	struct file *file = &shadow.files[shadow.file_count];

	assert(shadow.file_count < FILES_MAX);
	content_resize(&file->now, count);
	if (count > 0)
		memcpy(file->now.bytes, bytes, count);
	content_copy(&file->flushed, &file->now);
	name_set(&shadow.now, name, shadow.file_count);
	name_set(&shadow.flushed, name, shadow.file_count);
	shadow.file_count++;
}

void shadow_remove(const char *name)
{
	name_remove(&shadow.now, name);
	name_remove(&shadow.flushed, name);
}
