#include "daemon/copy.h"

#include "daemon/survey.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

enum {
	PIECE_BYTES = 1 << 20,
	ROUNDS = 20,	/* each after a file has gone */
	FILES_MAX = 16, /* that are copied without looking again which ones there are */
};

struct copying {
	const struct os_disk *disk;
	int from, to;
	struct account *account; /* NULL: nobody asks */
	uint64_t bytes;		 /* copied so far */
	unsigned char *piece;
	uint64_t last;		     /* number of the last file that is copied; 0: none is */
	uint64_t numbers[FILES_MAX]; /* of those that come next, ascending */
	size_t count;
	uint64_t newest;  /* of all */
	uint64_t at_file; /* at which something went wrong last */
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
		copying->bytes += (uint64_t)got;
		if (copying->account)
			account_copying(copying->account, copying->bytes);
	}
	return 0;
}

/* Was the name still there after its bytes were read? */
static int is_there(struct copying *copying, const char *name)
{
	int fd = copying->disk->open(copying->from, name, 0);

	if (fd >= 0)
		copying->disk->close(fd);
	return fd < 0 ? fd : 0;
}

/* Its bytes up to `end` or its own end. Asked whether it is still there before the slow part. */
static int copy_open(struct copying *copying, const char *name, int source, int target, uint64_t end)
{
	int64_t length = copying->disk->length(source);
	int error = length < 0 ? (int)length : 0;

	if (!error)
		error = copy_bytes(copying, source, target, (uint64_t)length < end ? (uint64_t)length : end);
	if (!error)
		error = is_there(copying, name);
	return error ? error : os_disk_flush(copying->disk, target);
}

/* 0, or -ESTALE: it has gone. */
static int copy_file(struct copying *copying, uint64_t number, uint64_t end)
{
	char name[FORMAT_FILE_NAME_BYTES];
	int source, target, error;

	format_file_name(number, name);
	source = copying->disk->open(copying->from, name, 0);
	if (source < 0)
		return source == -ENOENT ? -ESTALE : source;
	target = copying->disk->create(copying->to, name, OS_DISK_WRITE);
	error = target < 0 ? target : copy_open(copying, name, source, target, end);
	if (target >= 0)
		copying->disk->close(target);
	copying->disk->close(source);
	copying->last = number;
	copying->at_file = error ? number : 0;
	return error == -ENOENT ? -ESTALE : error;
}

/* ---- which files ------------------------------------------------------------------------------ */

/* Keeps the lowest ones in order. */
static int found(void *context, const char *name)
{
	struct copying *copying = context;
	uint64_t number = format_file_number(name);
	size_t at = copying->count;

	if (number > copying->newest)
		copying->newest = number;
	if (number <= copying->last)
		return 0;
	while (at > 0 && copying->numbers[at - 1] > number) {
		if (at < FILES_MAX)
			copying->numbers[at] = copying->numbers[at - 1];
		at--;
	}
	if (at < FILES_MAX)
		copying->numbers[at] = number;
	if (copying->count < FILES_MAX)
		copying->count++;
	return 0;
}

static int look(struct copying *copying)
{
	copying->count = 0;
	copying->newest = 0;
	return copying->disk->list(copying->from, found, copying);
}

/* Those that two others have followed. Returns how many were copied, or a negative errno. */
static int copy_complete(struct copying *copying, uint64_t end_file)
{
	size_t count = copying->count, done = 0;
	int error = 0;

	if (count > 0 && copying->numbers[count - 1] == copying->newest)
		count = count > 2 ? count - 2 : 0;
	else if (count > 0)
		count--; /* there are more: at least one of them */
	while (done < count && !error && copying->last < end_file)
		error = copy_file(copying, copying->numbers[done++], UINT64_MAX);
	return error ? error : (int)done;
}

/* ---- the last two ----------------------------------------------------------------------------- */

/* A file that is named and not begun has nothing yet. */
static bool is_empty(const struct survey_file *file)
{
	return file->head == SURVEY_NOT_BEGUN && file->end == FORMAT_PAGE;
}

/* Whatever was wrong with a file that is no longer there: it was read too late. */
static int refused(struct copying *copying, const struct survey *survey, int error)
{
	char name[FORMAT_FILE_NAME_BYTES];

	copying->at_file = survey->at_file;
	if (survey->at_file == 0)
		return error;
	format_file_name(survey->at_file, name);
	return is_there(copying, name) == -ENOENT ? -ESTALE : error;
}

static int copy_last(struct copying *copying)
{
	struct survey survey;
	int error = survey_make_from(copying->disk, copying->from, copying->last + 1, &survey);

	if (error)
		error = refused(copying, &survey, error);
	for (size_t i = 0; i < survey.count && !error; i++)
		if (!is_empty(&survey.files[i]))
			error = copy_file(copying, survey.files[i].number, survey.files[i].end);
	survey_free(&survey);
	return !error && copying->last == 0 ? -ENODATA : error;
}

/* ---- all of it -------------------------------------------------------------------------------- */

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

/* -ESTALE: a file has gone. */
static int copy_all(struct copying *copying)
{
	uint64_t end_file;
	int result;

	copying->last = 0;
	result = look(copying);
	end_file = copying->newest;
	while (!result && copying->last < end_file) {
		result = copy_complete(copying, end_file);
		if (result == 0)
			return copy_last(copying);
		if (result > 0)
			result = look(copying);
	}
	return !result && copying->last == 0 ? -ENODATA : result;
}

int copy_journal(const struct os_disk *disk, int from, int to, struct account *account, uint64_t *ret_at_file)
{
	struct copying copying = {
		.disk = disk, .from = from, .to = to, .account = account, .piece = malloc(PIECE_BYTES)};
	int error = copying.piece ? -ESTALE : -ENOMEM;

	for (int i = 0; i < ROUNDS && error == -ESTALE; i++) {
		error = copy_all(&copying);
		if (error == -ESTALE)
			copy_remove(disk, to);
	}
	free(copying.piece);
	*ret_at_file = error ? copying.at_file : 0;
	if (error)
		return error == -ESTALE ? -EAGAIN : error;
	return disk->flush_folder(to);
}
