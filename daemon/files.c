#include "daemon/files.h"

#include "daemon/format.h"
#include "ring/crashpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ZEROS_BYTES = 1 << 20, PIECE_BYTES = 1 << 20 };

/* ---- which files ------------------------------------------------------------------------------ */

static int numbers_add(struct files *files, uint64_t number)
{
	uint64_t *more = reallocarray(files->numbers, files->count + 1, sizeof(*more));

	if (more == NULL)
		return -ENOMEM;
	files->numbers = more;
	more[files->count++] = number;
	return 0;
}

void files_spare_name(uint32_t spare, char ret_name[static FORMAT_FILE_NAME_BYTES])
{
	snprintf(ret_name, FORMAT_FILE_NAME_BYTES, spare ? FILES_SPARE_NAME "-%u" : FILES_SPARE_NAME, spare);
}

uint32_t files_spare_of(const char *name)
{
	char other[FORMAT_FILE_NAME_BYTES];

	for (uint32_t i = 0; i < FILES_SPARES_MAX; i++) {
		files_spare_name(i, other);
		if (strcmp(name, other) == 0)
			return i;
	}
	return FILES_SPARES_MAX;
}

static int found(void *context, const char *name)
{
	struct files *files = context;
	uint64_t number = format_file_number(name);
	uint32_t spare = files_spare_of(name);

	if (spare < FILES_SPARES_MAX)
		files->spares |= UINT64_C(1) << spare;
	if (number == 0)
		return 0;
	return number >= files->next ? -EEXIST : numbers_add(files, number);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int unlink_if_there(struct files *files, const char *name)
{
	int error = files->disk->unlink(files->folder, name);

	return error == -ENOENT ? 0 : error;
}

/* Does it hold bodies that everybody can read? Zeros do not. */
static bool is_plain(struct files *files, int fd)
{
	struct format_file head;
	int64_t count = os_disk_read(files->disk, fd, &head, sizeof(head), 0);
	enum format_fault fault = count == sizeof(head) ? format_file_check(&head) : FORMAT_BAD_HEAD;

	return fault != FORMAT_BLANK && (fault != FORMAT_SOUND || !(head.features & FORMAT_FILE_ENCRYPTED));
}

/* Is it as large as all, and may it keep its bytes for a while? */
static bool is_usable(struct files *files, const char *name)
{
	int fd = files->disk->open(files->folder, name, 0);
	bool is_so;

	if (fd < 0)
		return false;
	is_so = files->disk->length(fd) == (int64_t)files->file_bytes &&
		!(files->is_encrypted && is_plain(files, fd));
	files->disk->close(fd);
	return is_so;
}

/* Others are of no use. */
static int look_at_spares(struct files *files)
{
	char name[FORMAT_FILE_NAME_BYTES];

	for (uint64_t left = files->spares; left; left &= left - 1) {
		int error;

		files_spare_name((uint32_t)__builtin_ctzll(left), name);
		if (is_usable(files, name))
			continue;
		files->spares &= ~(left & -left);
		error = unlink_if_there(files, name);
		if (error)
			return error;
	}
	return 0;
}

int files_begin(struct files *files)
{
	int error = files->disk->list(files->folder, found, files);

	if (!error && files->count > 1)
		qsort(files->numbers, files->count, sizeof(*files->numbers), compare);
	if (!error)
		error = unlink_if_there(files, FILES_NEW_NAME);
	return error ? error : look_at_spares(files);
}

/* ---- making a file ready ---------------------------------------------------------------------- */

static int create(struct files *files, const char *name)
{
	uint32_t direct = files->is_direct ? OS_DISK_DIRECT : 0;
	int fd = files->disk->create(files->folder, name, OS_DISK_WRITE | direct);

	if (fd == -EINVAL && direct) {
		/* Some file systems say so only after they have made the name. */
		unlink_if_there(files, name);
		files->is_direct = false;
		fd = files->disk->create(files->folder, name, OS_DISK_WRITE);
	}
	return fd;
}

static int open_to_write(struct files *files, const char *name)
{
	uint32_t direct = files->is_direct ? OS_DISK_DIRECT : 0;
	int fd = files->disk->open(files->folder, name, OS_DISK_WRITE | direct);

	if (fd == -EINVAL && direct) {
		files->is_direct = false;
		fd = files->disk->open(files->folder, name, OS_DISK_WRITE);
	}
	return fd;
}

int files_allocate(struct files *files, int fd, uint64_t offset, uint64_t bytes)
{
	int error = os_disk_allocate(files->disk, fd, offset, bytes);

	return error == -EOPNOTSUPP ? 0 : error;
}

/* Writing over bytes that were written once is quicker than into an allocation that never was. */
static int write_zeros(struct files *files, int fd)
{
	uint64_t bytes = files->file_bytes;
	unsigned char *zeros = aligned_alloc(FORMAT_PAGE, ZEROS_BYTES);
	int error = zeros ? 0 : -ENOMEM;

	if (zeros)
		memset(zeros, 0, ZEROS_BYTES);
	for (uint64_t offset = 0; offset < bytes && !error; offset += ZEROS_BYTES) {
		uint64_t count = bytes - offset < ZEROS_BYTES ? bytes - offset : ZEROS_BYTES;

		error = os_disk_write(files->disk, fd, zeros, count, offset);
	}
	free(zeros);
	return error ? error : os_disk_flush(files->disk, fd);
}

/* Under the lowest name that is free. */
static int name_spare(struct files *files, const char *from)
{
	uint32_t spare = (uint32_t)__builtin_ctzll(~files->spares);
	char name[FORMAT_FILE_NAME_BYTES];
	int error;

	files_spare_name(spare, name);
	error = files->disk->rename(files->folder, from, name);
	if (!error)
		files->spares |= UINT64_C(1) << spare;
	return error;
}

static int make_spare(struct files *files)
{
	int error = unlink_if_there(files, FILES_NEW_NAME);
	int fd = error ? error : create(files, FILES_NEW_NAME);

	if (fd < 0)
		return fd;
	CRASH_POINT(file_spare_created);
	error = files_allocate(files, fd, 0, files->file_bytes);
	CRASH_POINT(file_spare_allocated);
	if (!error)
		error = write_zeros(files, fd);
	CRASH_POINT(file_spare_filled);
	files->disk->close(fd);
	if (!error)
		error = name_spare(files, FILES_NEW_NAME);
	CRASH_POINT(file_spare_named);
	if (error)
		unlink_if_there(files, FILES_NEW_NAME);
	return error;
}

uint32_t files_spares(const struct files *files)
{
	return (uint32_t)__builtin_popcountll(files->spares);
}

bool files_keeps_more(const struct files *files)
{
	return files_spares(files) < (files->spares_kept ? files->spares_kept : 1);
}

int files_prepare(struct files *files, uint32_t spares)
{
	int error = 0;

	while (!error && files_spares(files) < spares)
		error = make_spare(files);
	return error;
}

/* A spare file under the next number, its name durable. The number is used up in any case. */
static int take_spare(struct files *files, uint64_t *ret_number)
{
	uint64_t number = files->next, spare = files->spares & -files->spares;
	char from[FORMAT_FILE_NAME_BYTES], name[FORMAT_FILE_NAME_BYTES];
	int error, fd;

	if (number > FORMAT_FILE_NUMBER_MAX)
		return -EOVERFLOW;
	files->next++;
	files_spare_name((uint32_t)__builtin_ctzll(spare), from);
	format_file_name(number, name);
	error = numbers_add(files, number);
	if (error)
		return error;
	error = files->disk->rename(files->folder, from, name);
	if (error) {
		files->count--;
		return error;
	}
	CRASH_POINT(file_spare_taken);
	files->spares &= ~spare;
	fd = open_to_write(files, name);
	if (fd < 0)
		return fd;
	error = files->disk->flush_folder(files->folder);
	if (error) {
		files->disk->close(fd);
		return error;
	}
	CRASH_POINT(file_name_flushed);
	*ret_number = number;
	return fd;
}

int files_make(struct files *files, uint64_t *ret_number)
{
	int error = files_prepare(files, 1);

	return error ? error : take_spare(files, ret_number);
}

/* ---- the oldest ------------------------------------------------------------------------------- */

static bool is_reusable(struct files *files, const char *name)
{
	return files_keeps_more(files) && is_usable(files, name);
}

int files_drop_oldest(struct files *files)
{
	char name[FORMAT_FILE_NAME_BYTES];
	int error;

	format_file_name(files->numbers[0], name);
	if (is_reusable(files, name)) {
		error = name_spare(files, name);
		CRASH_POINT(file_oldest_kept);
	} else {
		error = unlink_if_there(files, name);
		CRASH_POINT(file_oldest_unlinked);
	}
	if (error)
		return error;
	memmove(files->numbers, files->numbers + 1, --files->count * sizeof(*files->numbers));
	error = files->disk->flush_folder(files->folder);
	CRASH_POINT(file_oldest_flushed);
	return error;
}

void files_drop_after(struct files *files, uint64_t last)
{
	char name[FORMAT_FILE_NAME_BYTES];

	for (; files->count > 0 && files->numbers[files->count - 1] > last; files->count--) {
		format_file_name(files->numbers[files->count - 1], name);
		if (unlink_if_there(files, name))
			return;
	}
}

uint64_t files_oldest(const struct files *files)
{
	return files->count > 0 ? files->numbers[0] : 0;
}

static int write_again(const struct os_disk *disk, int fd, uint64_t offset, uint64_t bytes)
{
	unsigned char *piece = malloc(PIECE_BYTES);
	int64_t got = piece ? 1 : -ENOMEM;
	int error = 0;

	for (uint64_t done = 0; got > 0 && done < bytes && !error; done += (uint64_t)got) {
		uint64_t count = bytes - done < PIECE_BYTES ? bytes - done : PIECE_BYTES;

		got = os_disk_read(disk, fd, piece, count, offset + done);
		if (got > 0)
			error = os_disk_write(disk, fd, piece, (size_t)got, offset + done);
	}
	free(piece);
	return got < 0 ? (int)got : error ? error : os_disk_flush(disk, fd);
}

int files_keep(const struct os_disk *disk, int folder, uint64_t number, uint64_t offset, uint64_t bytes)
{
	char name[FORMAT_FILE_NAME_BYTES];
	int fd, error;

	format_file_name(number, name);
	fd = disk->open(folder, name, OS_DISK_WRITE);
	if (fd < 0)
		return fd;
	error = write_again(disk, fd, offset, bytes);
	CRASH_POINT(journal_tail_written);
	disk->close(fd);
	return error ? error : disk->flush_folder(folder);
}

void files_end(struct files *files)
{
	free(files->numbers);
}
