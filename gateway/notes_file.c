#include "gateway/notes_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/move_notes.h"

static void path_of(const char *folder, const char *name, const char *suffix, char ret_path[static PATH_MAX])
{
	snprintf(ret_path, PATH_MAX, "%s/%s.json%s", folder, name, suffix);
}

static void id_of(const struct stat *status, struct notes_file_id *ret)
{
	*ret = (struct notes_file_id){
		.device = status->st_dev,
		.number = status->st_ino,
		.changed_ns = (int64_t)status->st_ctim.tv_sec * 1000000000 + status->st_ctim.tv_nsec,
		.bytes = status->st_size,
	};
}

bool notes_file_look(const char *folder, const char *name, struct notes_file_id *ret_id)
{
	char path[PATH_MAX];
	struct stat status;

	path_of(folder, name, "", path);
	if (stat(path, &status) < 0)
		return false;
	id_of(&status, ret_id);
	return true;
}

/* ---- read ------------------------------------------------------------------------------------- */

static bool has_texts(const json_t *object)
{
	const char *key;
	json_t *value;

	if (!json_is_object(object))
		return false;
	json_object_foreach((json_t *)object, key, value) if (!json_is_string(value)) return false;
	return true;
}

static const char *fault_of(const json_t *notes)
{
	if (!json_is_integer(json_object_get(notes, "created_ms")))
		return "\"created_ms\" is no number";
	if (!has_texts(json_object_get(notes, "tags")))
		return "\"tags\" is no object of texts";
	if (!has_texts(json_object_get(notes, "attributes")))
		return "\"attributes\" is no object of texts";
	return move_notes_fault(json_object_get(notes, "moves"));
}

/* All of it, in `ret_text`, which has room for NOTES_BYTES_MAX. The number of bytes, or a negative errno. */
static ssize_t read_text(const char *path, char *ret_text, struct notes_file_id *ret_id)
{
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	ssize_t bytes = 0, got = -1;

	if (file < 0)
		return -errno;
	if (fstat(file, &status) < 0 || status.st_size > NOTES_BYTES_MAX) {
		close(file);
		return -EINVAL;
	}
	id_of(&status, ret_id);
	while (bytes < NOTES_BYTES_MAX &&
	       (got = read(file, ret_text + bytes, (size_t)(NOTES_BYTES_MAX - bytes))) > 0)
		bytes += got;
	got = got < 0 ? -errno : bytes;
	close(file);
	return got;
}

static int parse(const char *path, const char *text, size_t bytes, json_t **ret_notes)
{
	json_error_t error;
	json_t *notes = json_loadb(text, bytes, 0, &error);
	const char *fault = notes ? fault_of(notes) : error.text;

	if (notes == NULL && json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	if (fault == NULL) {
		*ret_notes = notes;
		return 0;
	}
	fprintf(stderr,
		"ringlease-sqs: %s: not the notes of a queue (%s): it has no tags and policies until they are set "
		"anew, and no move tasks\n",
		path, fault);
	json_decref(notes);
	return 0;
}

static int read_failed(const char *path, int error)
{
	if (error == -EMFILE || error == -ENFILE || error == -ENOMEM)
		return error;
	if (error != -ENOENT)
		fprintf(stderr,
			"ringlease-sqs: %s: cannot be read: %s: its queue has no tags, policies and move tasks\n",
			path, error == -EINVAL ? "no file, or a large one" : strerror(-error));
	return 0;
}

int notes_file_read(const char *folder, const char *name, json_t **ret_notes, struct notes_file_id *ret_id)
{
	char path[PATH_MAX];
	char *text = malloc(NOTES_BYTES_MAX);
	ssize_t bytes;
	int error;

	*ret_notes = NULL;
	if (text == NULL)
		return -ENOMEM;
	path_of(folder, name, "", path);
	bytes = read_text(path, text, ret_id);
	error = bytes < 0 ? read_failed(path, (int)bytes) : parse(path, text, (size_t)bytes, ret_notes);
	free(text);
	return error;
}

/* ---- write ------------------------------------------------------------------------------------ */

static int write_text(int file, const char *text, size_t bytes)
{
	while (bytes > 0) {
		ssize_t done = write(file, text, bytes);

		if (done < 0)
			return -errno;
		text += done;
		bytes -= (size_t)done;
	}
	return fsync(file) < 0 ? -errno : 0;
}

static int write_beside(const char *path, const json_t *notes)
{
	char *text = json_dumps(notes, JSON_COMPACT | JSON_SORT_KEYS);
	int file = text ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
	int error = text == NULL ? -ENOMEM : file < 0 ? -errno : 0;

	if (!error)
		error = write_text(file, text, strlen(text));
	if (file >= 0)
		close(file);
	free(text);
	return error;
}

/* What is not ours is not lost. */
static int put_aside(const char *folder, const char *name, const char *path)
{
	char aside[PATH_MAX];
	struct notes_file_id id;
	json_t *is;
	int error = notes_file_read(folder, name, &is, &id);

	if (!error && is == NULL) {
		path_of(folder, name, ".damaged", aside);
		rename(path, aside);
	}
	json_decref(is);
	return error;
}

int notes_folder_flush(const char *folder)
{
	int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = file < 0 || fsync(file) < 0 ? -errno : 0;

	if (file >= 0)
		close(file);
	return error;
}

int notes_file_write(const char *folder, const char *name, json_t *notes)
{
	char path[PATH_MAX], beside[PATH_MAX];
	int error;

	path_of(folder, name, "", path);
	path_of(folder, name, ".new", beside);
	error = put_aside(folder, name, path);
	if (error)
		return error;
	error = write_beside(beside, notes);
	if (!error && rename(beside, path) < 0)
		error = -errno;
	if (error)
		unlink(beside);
	return error ? error : notes_folder_flush(folder);
}

void notes_file_remove(const char *folder, const char *name)
{
	char path[PATH_MAX];

	path_of(folder, name, ".new", path);
	unlink(path);
	path_of(folder, name, "", path);
	unlink(path);
}

/* ---- lock ------------------------------------------------------------------------------------- */

int notes_folder_lock(const char *folder)
{
	int lock;

	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return -errno;
	lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0)
		return -errno;
	while (flock(lock, LOCK_EX) < 0)
		if (errno != EINTR) {
			int error = -errno;

			close(lock);
			return error;
		}
	return lock;
}

void notes_folder_unlock(int lock)
{
	if (lock >= 0)
		close(lock);
}
