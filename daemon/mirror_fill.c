#include "daemon/mirror_fill.h"

#include "daemon/files.h"
#include "daemon/format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE_BYTES = 1 << 20, UNSETTLED = 2 /* files at the end that may differ */ };

struct file {
	uint64_t number;
	int64_t bytes;
	bool is_needed; /* on the other side */
};

struct files_of {
	const struct os_disk *disk;
	int folder;
	struct file *list; /* ascending */
	size_t count;
	uint64_t spares; /* bits of those of FILES_SPARES_MAX that there are */
};

/* ---- what there is ---------------------------------------------------------------------------- */

static int64_t length_of(const struct os_disk *disk, int folder, const char *name)
{
	int fd = disk->open(folder, name, 0);
	int64_t length = fd < 0 ? fd : disk->length(fd);

	if (fd >= 0)
		disk->close(fd);
	return length;
}

static int found(void *context, const char *name)
{
	struct files_of *files = context;
	uint64_t number = format_file_number(name);
	uint32_t spare = files_spare_of(name);
	struct file *more;

	if (spare < FILES_SPARES_MAX)
		files->spares |= UINT64_C(1) << spare;
	if (number == 0)
		return 0;
	more = reallocarray(files->list, files->count + 1, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	files->list = more;
	more[files->count++] = (struct file){.number = number};
	return 0;
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = ((const struct file *)a)->number, y = ((const struct file *)b)->number;

	return x < y ? -1 : x > y;
}

static int look(struct files_of *files, const struct os_disk *disk, int folder)
{
	int error;

	*files = (struct files_of){.disk = disk, .folder = folder};
	error = disk->list(folder, found, files);
	if (files->count > 1)
		qsort(files->list, files->count, sizeof(*files->list), ascending);
	for (size_t i = 0; i < files->count && !error; i++) {
		char name[FORMAT_FILE_NAME_BYTES];

		format_file_name(files->list[i].number, name);
		files->list[i].bytes = length_of(disk, folder, name);
		error = files->list[i].bytes < 0 ? (int)files->list[i].bytes : 0;
	}
	return error;
}

static const struct file *find(const struct files_of *files, uint64_t number)
{
	const struct file key = {.number = number};

	return files->count ? bsearch(&key, files->list, files->count, sizeof(key), ascending) : NULL;
}

static int unlink_if_there(const struct os_disk *disk, int folder, const char *name)
{
	int error = disk->unlink(folder, name);

	return error == -ENOENT ? 0 : error;
}

/* ---- copying ---------------------------------------------------------------------------------- */

static int copy_bytes(const struct mirror_fill *fill, int source, int target, uint64_t bytes)
{
	unsigned char *piece = aligned_alloc(OS_DISK_PAGE, PIECE_BYTES);
	int error = piece ? 0 : -ENOMEM;

	for (uint64_t offset = 0; offset < bytes && !error;) {
		int64_t got = os_disk_read(fill->from_disk, source, piece, PIECE_BYTES, offset);

		error = got < 0 ? (int)got : got == 0 ? -EIO : 0;
		if (!error)
			error = os_disk_write(fill->to_disk, target, piece, (size_t)got, offset);
		offset += got > 0 ? (uint64_t)got : 0;
	}
	free(piece);
	return error ? error : os_disk_flush(fill->to_disk, target);
}

/* With the zeros behind its last frame: they have been written once on both sides then. */
static int copy_file(const struct mirror_fill *fill, const struct file *file)
{
	char name[FORMAT_FILE_NAME_BYTES];
	int source, target, error;

	format_file_name(file->number, name);
	error = unlink_if_there(fill->to_disk, fill->to, FILES_NEW_NAME);
	source = error ? error : fill->from_disk->open(fill->from, name, 0);
	if (source < 0)
		return source;
	target = fill->to_disk->create(fill->to, FILES_NEW_NAME, OS_DISK_WRITE);
	error = target < 0 ? target : copy_bytes(fill, source, target, (uint64_t)file->bytes);
	if (target >= 0)
		fill->to_disk->close(target);
	fill->from_disk->close(source);
	return error ? error : fill->to_disk->rename(fill->to, FILES_NEW_NAME, name);
}

static bool has_same_bytes(const struct mirror_fill *fill, int one, int other, uint64_t bytes)
{
	unsigned char *pieces = malloc((size_t)2 * PIECE_BYTES);
	bool is_same = pieces != NULL;

	for (uint64_t offset = 0; offset < bytes && is_same; offset += PIECE_BYTES) {
		int64_t got = os_disk_read(fill->from_disk, one, pieces, PIECE_BYTES, offset);

		is_same = got > 0 &&
			  os_disk_read(fill->to_disk, other, pieces + PIECE_BYTES, PIECE_BYTES, offset) == got &&
			  memcmp(pieces, pieces + PIECE_BYTES, (size_t)got) == 0;
	}
	free(pieces);
	return is_same;
}

static bool is_same(const struct mirror_fill *fill, const char *name, uint64_t bytes)
{
	int one = fill->from_disk->open(fill->from, name, 0);
	int other = fill->to_disk->open(fill->to, name, 0);
	bool same = one >= 0 && other >= 0 && has_same_bytes(fill, one, other, bytes);
	if (one >= 0)
		fill->from_disk->close(one);
	if (other >= 0)
		fill->to_disk->close(other);
	return same;
}

/* Mostly the machine did not stop in the middle. */
static bool is_same_file(const struct mirror_fill *fill, const struct file *file)
{
	char name[FORMAT_FILE_NAME_BYTES];

	format_file_name(file->number, name);
	return is_same(fill, name, (uint64_t)file->bytes);
}

static void decide(const struct mirror_fill *fill, struct files_of *from, const struct files_of *to)
{
	for (size_t i = 0; i < from->count; i++) {
		struct file *file = &from->list[i];
		const struct file *there = find(to, file->number);
		const bool is_settled = i + UNSETTLED < from->count;

		file->is_needed =
			there == NULL || there->bytes != file->bytes || (!is_settled && !is_same_file(fill, file));
	}
}

static int copy_needed(const struct mirror_fill *fill, const struct files_of *from)
{
	uint64_t all = 0, done = 0;
	int error = 0;

	for (size_t i = 0; i < from->count; i++)
		all += from->list[i].is_needed ? (uint64_t)from->list[i].bytes : 0;
	for (size_t i = 0; i < from->count && !error; i++) {
		if (!from->list[i].is_needed)
			continue;
		error = copy_file(fill, &from->list[i]);
		done += (uint64_t)from->list[i].bytes;
		if (!error && fill->progress)
			error = fill->progress(fill->context, done, all);
	}
	return error;
}

/* ---- what is too much ------------------------------------------------------------------------- */

static int remove_others(const struct files_of *from, const struct files_of *to)
{
	int error = 0;

	for (size_t i = 0; i < to->count && !error; i++) {
		char name[FORMAT_FILE_NAME_BYTES];

		if (from && find(from, to->list[i].number))
			continue;
		format_file_name(to->list[i].number, name);
		error = unlink_if_there(to->disk, to->folder, name);
	}
	return error;
}

/* One that only one side has is of no use; nor are two of which one may be plain and the other one not, for whoever
 * uses them looks at the first one. */
static int match_spare(const struct mirror_fill *fill, const struct files_of *from, const struct files_of *to,
		       uint32_t spare)
{
	const uint64_t bit = UINT64_C(1) << spare;
	char name[FORMAT_FILE_NAME_BYTES];
	int error;

	files_spare_name(spare, name);
	if (from->spares & to->spares & bit &&
	    length_of(from->disk, from->folder, name) == length_of(to->disk, to->folder, name) &&
	    is_same(fill, name, FORMAT_PAGE))
		return 0;
	error = unlink_if_there(to->disk, to->folder, name);
	return error ? error : unlink_if_there(from->disk, from->folder, name);
}

static int match_spares(const struct mirror_fill *fill, const struct files_of *from, const struct files_of *to)
{
	int error = 0;

	for (uint64_t left = from->spares | to->spares; left && !error; left &= left - 1)
		error = match_spare(fill, from, to, (uint32_t)__builtin_ctzll(left));
	return error;
}

/* ---- public ----------------------------------------------------------------------------------- */

static int make_same(const struct mirror_fill *fill)
{
	struct files_of from = {0}, to = {0};
	int error = look(&from, fill->from_disk, fill->from);

	if (!error)
		error = look(&to, fill->to_disk, fill->to);
	if (!error) {
		decide(fill, &from, &to);
		error = copy_needed(fill, &from);
	}
	if (!error)
		error = remove_others(&from, &to);
	if (!error)
		error = match_spares(fill, &from, &to);
	if (!error)
		error = unlink_if_there(fill->to_disk, fill->to, FILES_NEW_NAME);
	free(from.list);
	free(to.list);
	return error ? error : fill->to_disk->flush_folder(fill->to);
}

int mirror_fill_end(const struct mirror_fill *fill)
{
	return make_same(fill);
}

int mirror_fill_anew(const struct mirror_fill *fill)
{
	struct files_of to = {0};
	int error = look(&to, fill->to_disk, fill->to);

	if (!error)
		error = remove_others(NULL, &to);
	free(to.list);
	return error ? error : make_same(fill);
}
