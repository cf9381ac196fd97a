#include "gateway/move_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/move.h"
#include "gateway/notes_file.h"

enum { DIGITS = 20 };

static void folder_of(const char *folder, char ret_path[static PATH_MAX])
{
	snprintf(ret_path, PATH_MAX, "%s/moving", folder);
}

static void path_of(const struct move_place *place, char ret_path[static PATH_MAX])
{
	snprintf(ret_path, PATH_MAX, "%s/moving/%s.%s", place->folder, place->source, place->id);
}

/* ---- the number ------------------------------------------------------------------------------- */

/* Of the same length each time, so that one takes the other's place. */
void move_file_write(int file, uint64_t moved)
{
	char text[DIGITS + 2];

	snprintf(text, sizeof(text), "%0*" PRIu64 "\n", DIGITS, moved);
	while (pwrite(file, text, DIGITS + 1, 0) < 0 && errno == EINTR)
		;
}

uint64_t move_file_read(int file)
{
	char text[DIGITS + 2] = "";
	uint64_t moved;

	if (pread(file, text, DIGITS + 1, 0) != DIGITS + 1 || strspn(text, "0123456789") != DIGITS)
		return 0;
	moved = strtoull(text, NULL, 10);
	return moved <= MOVE_COUNT_MAX ? moved : 0;
}

/* ---- one file --------------------------------------------------------------------------------- */

static int open_file(const struct move_place *place, int flags)
{
	char path[PATH_MAX];
	int file;

	path_of(place, path);
	file = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | flags, 0600);
	return file < 0 ? -errno : file;
}

static int close_for(int file, int error)
{
	close(file);
	return error;
}

/* 0: locked, and it is still the one in the folder. */
static int lock(int file, int how)
{
	struct stat status;

	while (flock(file, how) < 0)
		if (errno != EINTR)
			return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return fstat(file, &status) < 0 || status.st_nlink == 0 ? -ENOENT : 0;
}

static int make_folder(const char *folder, char ret_path[static PATH_MAX])
{
	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return -errno;
	folder_of(folder, ret_path);
	return mkdir(ret_path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* Who finds it before it is locked takes it for one to be removed. */
static int make_locked(const struct move_place *place)
{
	for (;;) {
		int file = open_file(place, O_CREAT), error;

		if (file < 0)
			return file;
		error = lock(file, LOCK_EX);
		if (error == 0)
			return file;
		close(file);
		if (error != -ENOENT)
			return error;
	}
}

int move_file_make(const struct move_place *place)
{
	char folder[PATH_MAX];
	int error = make_folder(place->folder, folder);
	int file = error ? error : make_locked(place);

	if (file < 0)
		return file;
	move_file_write(file, 0);
	error = fsync(file) < 0 ? -errno : notes_folder_flush(folder);
	if (error == 0)
		return file;
	move_file_remove(place);
	return close_for(file, error);
}

int move_file_take(const struct move_place *place)
{
	int file = open_file(place, 0);
	int error = file < 0 ? file : lock(file, LOCK_EX | LOCK_NB);

	return error && file >= 0 ? close_for(file, error) : file;
}

uint64_t move_file_peek(const struct move_place *place)
{
	int file = open_file(place, O_CREAT);
	uint64_t moved = file < 0 ? 0 : move_file_read(file);

	if (file >= 0)
		close(file);
	return moved;
}

void move_file_remove(const struct move_place *place)
{
	char path[PATH_MAX];

	path_of(place, path);
	unlink(path);
}

/* ---- all -------------------------------------------------------------------------------------- */

/* NAME.ID; names may have points too. */
static bool split(char *name, const char **ret_id)
{
	size_t bytes = strlen(name);

	if (bytes < MOVE_ID_BYTES + 1 || name[bytes - MOVE_ID_BYTES] != '.')
		return false;
	name[bytes - MOVE_ID_BYTES] = '\0';
	*ret_id = name + bytes - MOVE_ID_BYTES + 1;
	return true;
}

void move_file_each(const char *folder, void (*look)(void *context, const struct move_place *place), void *context)
{
	struct move_place place = {.folder = folder};
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *files;

	folder_of(folder, path);
	files = opendir(path);
	while (files && (entry = readdir(files)) != NULL)
		if (split(entry->d_name, &place.id)) {
			place.source = entry->d_name;
			look(context, &place);
		}
	if (files)
		closedir(files);
}
