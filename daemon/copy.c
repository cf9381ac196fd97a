#include "daemon/copy.h"

#include "daemon/survey.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

enum {
	PIECE_BYTES = 1 << 20,
	ROUNDS = 100, /* looks for the end, each after a file has gone */
};

struct copied {
	uint64_t number;
	bool is_there;
	bool is_final; /* all its frames were durable: none can have been half written when they were read */
};

struct copying {
	const struct os_disk *disk;
	int from, to;
	unsigned char *piece;
	struct copied *files; /* ascending, without gaps but those of the journal */
	size_t count;
};

/* ---- one file --------------------------------------------------------------------------------- */

static int copy_bytes(struct copying *copying, int source, int target, uint64_t end)
{
	for (uint64_t offset = 0; offset < end;) {
		size_t most = end - offset < PIECE_BYTES ? (size_t)(end - offset) : PIECE_BYTES;
		int64_t got = os_disk_read(copying->disk, source, copying->piece, most, offset);
		int error = got < 0 ? (int)got : 0;

		if (!error && got > 0)
			error = os_disk_write(copying->disk, target, copying->piece, (size_t)got, offset);
		if (error)
			return error;
		if ((size_t)got < most)
			return 0; /* it has become shorter: it is no longer what it was */
		offset += (uint64_t)got;
	}
	return 0;
}

static int open_target(struct copying *copying, const char *name, bool is_new)
{
	return is_new ? copying->disk->create(copying->to, name, OS_DISK_WRITE)
		      : copying->disk->open(copying->to, name, OS_DISK_WRITE);
}

static int copy_between(struct copying *copying, struct copied *file, const char *name, uint64_t end)
{
	int source = copying->disk->open(copying->from, name, 0);
	int target = source < 0 ? source : open_target(copying, name, !file->is_there);
	int error = target < 0 ? target : 0;

	if (!error)
		error = copy_bytes(copying, source, target, end);
	if (!error)
		error = os_disk_flush(copying->disk, target);
	if (target >= 0 && source >= 0)
		copying->disk->close(target);
	if (source >= 0)
		copying->disk->close(source);
	file->is_there |= target >= 0;
	return error;
}

/* Was the name still there after its bytes were read? */
static int is_there(struct copying *copying, const char *name)
{
	int fd = copying->disk->open(copying->from, name, 0);

	if (fd >= 0)
		copying->disk->close(fd);
	return fd < 0 ? fd : 0;
}

/* ---- which files ------------------------------------------------------------------------------ */

static struct copied *copied_of(struct copying *copying, uint64_t number)
{
	struct copied *more;

	for (size_t i = copying->count; i-- > 0;)
		if (copying->files[i].number == number)
			return &copying->files[i];
	more = reallocarray(copying->files, copying->count + 1, sizeof(*more));
	if (more == NULL)
		return NULL;
	copying->files = more;
	more += copying->count++;
	*more = (struct copied){.number = number};
	return more;
}

/* The file went while it was copied: out with all there is up to it. */
static int leave_out(struct copying *copying)
{
	int error = 0;

	while (copying->count > 0 && !error) {
		char name[FORMAT_FILE_NAME_BYTES];

		format_file_name(copying->files[copying->count - 1].number, name);
		error = copying->disk->unlink(copying->to, name);
		if (error == -ENOENT)
			error = 0;
		if (!error)
			copying->count--;
	}
	return error;
}

/* 0, or -ESTALE: it has gone, and was left out. */
static int copy_file(struct copying *copying, const struct survey_file *from, uint64_t durable)
{
	struct copied *file = copied_of(copying, from->number);
	char name[FORMAT_FILE_NAME_BYTES];
	int error;

	if (file == NULL)
		return -ENOMEM;
	if (file->is_final)
		return 0;
	format_file_name(from->number, name);
	error = copy_between(copying, file, name, from->end);
	if (!error)
		error = is_there(copying, name);
	file->is_final = !error && from->limit != UINT64_MAX && from->limit - 1 <= durable;
	if (error != -ENOENT)
		return error;
	error = leave_out(copying);
	return error ? error : -ESTALE;
}

/* A file that is named and not begun has nothing yet. */
static bool is_empty(const struct survey_file *file)
{
	return file->head == SURVEY_NOT_BEGUN && file->end == FORMAT_PAGE;
}

static int copy_round(struct copying *copying, const struct survey *survey)
{
	int error = 0;

	for (size_t i = 0; i < survey->count && !error; i++)
		if (!is_empty(&survey->files[i]))
			error = copy_file(copying, &survey->files[i], survey->durable);
	if (!error && copying->count == 0)
		return -ENODATA;
	return error;
}

/* ---- all of it -------------------------------------------------------------------------------- */

/* -ESTALE: files have gone, again. */
static int look_and_copy(struct copying *copying)
{
	struct survey survey;
	int error = survey_make(copying->disk, copying->from, &survey);

	if (error == -ENOENT)
		error = -ESTALE;
	if (!error)
		error = copy_round(copying, &survey);
	survey_free(&survey);
	return error;
}

int copy_journal(const struct os_disk *disk, int from, int to)
{
	struct copying copying = {.disk = disk, .from = from, .to = to, .piece = malloc(PIECE_BYTES)};
	int error = copying.piece ? -ESTALE : -ENOMEM;

	for (int i = 0; i < ROUNDS && error == -ESTALE; i++)
		error = look_and_copy(&copying);
	free(copying.piece);
	free(copying.files);
	if (error)
		return error == -ESTALE ? -EAGAIN : error;
	return disk->flush_folder(to);
}

/* ---- taken back ------------------------------------------------------------------------------- */

struct removing {
	const struct os_disk *disk;
	int folder;
};

static int remove_one(void *context, const char *name)
{
	const struct removing *removing = context;

	if (format_file_number(name) != 0)
		removing->disk->unlink(removing->folder, name);
	return 0;
}

void copy_remove(const struct os_disk *disk, int folder)
{
	struct removing removing = {.disk = disk, .folder = folder};

	disk->list(folder, remove_one, &removing);
}
