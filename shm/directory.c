#include "shm/directory.h"

#include "kmod-free/futex.h"
#include "kmod-free/memory.h"
#include "ring/crashpoint.h"
#include "ring/event.h"
#include "ringlease.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENGINE_FILE ".engine"
#define ENGINE_MAGIC "RLENGIN1"
#define SUFFIX ".rlq"
enum { PAGE = 4096 };

bool seg_name_is_valid(const char *name)
{
	size_t length = name ? strlen(name) : 0;
	size_t stem = length - (length > 0 && seg_name_is_fifo(name) ? strlen(SEG_FIFO_SUFFIX) : 0);

	return stem >= 1 && length <= SEG_NAME_MAX &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == stem;
}

void seg_file_name(const char *queue, char *ret_name)
{
	snprintf(ret_name, SEG_NAME_MAX + 8, "%.*s%s", SEG_NAME_MAX, queue, SUFFIX);
}

uint64_t seg_file_number(const struct seg_directory *directory, const char *queue)
{
	uint64_t changed_ns;

	return seg_file_changed(directory, queue, &changed_ns);
}

uint64_t seg_file_changed(const struct seg_directory *directory, const char *queue, uint64_t *ret_changed_ns)
{
	char file[SEG_NAME_MAX + 8];
	struct stat status;

	seg_file_name(queue, file);
	*ret_changed_ns = 0;
	if (fstatat(directory->fd, file, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	*ret_changed_ns = (uint64_t)status.st_ctim.tv_sec * 1000000000 + (uint64_t)status.st_ctim.tv_nsec;
	return status.st_ino;
}

/* The path to use, malloc'ed; NULL without memory. */
static char *choose_path(const char *path)
{
	char *chosen;

	if (path == NULL || *path == '\0')
		path = getenv("RINGLEASE_DIR");
	if (path != NULL && *path != '\0')
		return strdup(path);
	return asprintf(&chosen, "/dev/shm/ringlease-%u", (unsigned)geteuid()) < 0 ? NULL : chosen;
}

/* Makes the engine's page under no name, then links it: no half-made page can be seen. */
static int engine_page_create(int directory_fd, uint32_t mode)
{
	char hidden[64];
	int fd = os_file_build(directory_fd, mode, hidden), error;

	if (fd < 0)
		return fd;
	error = os_file_resize(fd, PAGE);
	if (!error)
		error = os_file_allocate(fd, 0, PAGE);
	if (!error && pwrite(fd, ENGINE_MAGIC, 8, 0) != 8)
		error = -EIO;
	if (error) {
		os_file_discard(directory_fd, fd, hidden);
		return error;
	}
	error = os_file_link(directory_fd, fd, hidden, ENGINE_FILE);
	close(fd);
	return error == -EEXIST ? 0 : error;
}

static int engine_page_open(int directory_fd, uint32_t mode, struct seg_engine_page **ret_page)
{
	struct seg_engine_page *page;
	struct stat status;
	int fd = openat(directory_fd, ENGINE_FILE, O_RDWR | O_CLOEXEC);
	int error;

	if (fd < 0 && errno == ENOENT) {
		error = engine_page_create(directory_fd, mode);
		if (error)
			return error;
		fd = openat(directory_fd, ENGINE_FILE, O_RDWR | O_CLOEXEC);
	}
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0 || status.st_size != PAGE) {
		close(fd);
		return RLQ_EDAMAGED;
	}
	page = os_map(fd, 0, PAGE, true);
	error = page ? 0 : -errno;
	close(fd);
	if (error)
		return error;
	if (memcmp(page->magic, ENGINE_MAGIC, 8) != 0) {
		os_unmap(page, PAGE);
		return RLQ_EDAMAGED;
	}
	*ret_page = page;
	return 0;
}

static int directory_open_fd(const char *path)
{
	int fd;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int seg_directory_open(const char *path, struct seg_directory *ret_directory)
{
	struct seg_directory directory = {.fd = -1};
	struct stat status;
	int error;

	directory.path = choose_path(path);
	if (directory.path == NULL)
		return -ENOMEM;
	directory.fd = error = directory_open_fd(directory.path);
	if (error >= 0)
		error = fstat(directory.fd, &status) < 0 ? -errno : 0;
	if (!error)
		error = os_boot_id(directory.boot_id);
	if (!error)
		error = engine_page_open(directory.fd, status.st_mode & 0666, &directory.engine);
	if (!error)
		error = os_liveness_start(directory.fd, &directory.liveness);
	if (error) {
		if (directory.engine)
			os_unmap(directory.engine, PAGE);
		if (directory.fd >= 0)
			close(directory.fd);
		free(directory.path);
		return error;
	}
	directory.is_tmpfs = os_is_tmpfs(directory.fd);
	seg_directory_tidy(&directory);
	*ret_directory = directory;
	return 0;
}

void seg_directory_close(struct seg_directory *directory)
{
	os_liveness_stop(&directory->liveness);
	os_unmap(directory->engine, PAGE);
	close(directory->fd);
	free(directory->path);
}

static void forget_if_dead(void *context, uint64_t key)
{
	const struct os_liveness *self = context;

	if (os_liveness_ask(self, key) == OS_DEAD)
		os_liveness_forget(self, key);
}

void seg_directory_tidy(const struct seg_directory *directory)
{
	os_liveness_list(directory->fd, forget_if_dead, (void *)(uintptr_t)&directory->liveness);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The queue's name in a file name; NULL if it is none of ours or lacks the prefix. */
static char *queue_of_file(const char *file, const char *prefix)
{
	size_t length = strlen(file);
	char *queue;

	if (length <= strlen(SUFFIX) || strcmp(file + length - strlen(SUFFIX), SUFFIX) != 0)
		return NULL;
	queue = strndup(file, length - strlen(SUFFIX));
	if (queue && (!seg_name_is_valid(queue) || (prefix && strncmp(queue, prefix, strlen(prefix)) != 0))) {
		free(queue);
		return NULL;
	}
	return queue;
}

static int collect(DIR *dir, const char *prefix, char ***ret_names, size_t *ret_count)
{
	struct dirent *entry;

	while ((entry = readdir(dir)) != NULL) {
		char *queue = queue_of_file(entry->d_name, prefix);
		char **more;

		if (queue == NULL)
			continue;
		more = reallocarray(*ret_names, *ret_count + 1, sizeof(char *));
		if (more == NULL) {
			free(queue);
			return -ENOMEM;
		}
		*ret_names = more;
		(*ret_names)[(*ret_count)++] = queue;
	}
	return 0;
}

int seg_directory_list(const struct seg_directory *directory, const char *prefix,
		       int (*each)(void *context, const char *name), void *context)
{
	int fd = openat(directory->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	char **names = NULL;
	size_t count = 0;
	int result;

	if (dir == NULL) {
		result = -errno;
		if (fd >= 0)
			close(fd);
		return result;
	}
	result = collect(dir, prefix, &names, &count);
	closedir(dir);
	if (count > 0)
		qsort(names, count, sizeof(char *), by_name);
	for (size_t i = 0; i < count && result == 0; i++)
		result = each(context, names[i]);
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
	return result;
}

bool seg_engine_is_prompt(const struct seg_directory *directory, uint64_t now_ms)
{
	uint64_t awake_by_ms = load_relaxed(&directory->engine->awake_by_ms); /* relaxed: a promise, not data */

	return now_ms <= awake_by_ms + ENGINE_PATIENCE_MS && awake_by_ms <= now_ms + ENGINE_SLEEP_MAX_MS;
}

void seg_engine_expect(const struct seg_directory *directory, uint64_t due_ms, uint64_t now_ms)
{
	struct seg_engine_page *engine = directory->engine;

	/* [W1] The load after due_lower(); pairs with [W2] in the engine, which says when it will be
	 * awake and then looks at the dues once more. */
	if (load_seq(&engine->awake_by_ms) <= due_ms)
		return;
	/* Said first, so that others need not ring too, and see if nobody answers. */
	lower_seq(&engine->awake_by_ms, now_ms);
	CRASH_POINT(engine_expected);
	if (event_has_sleepers(&engine->bell)) {
		uint32_t seen = event_advance(&engine->bell);

		if (os_futex_wake(&engine->bell, 1) < 1)
			event_quiet(&engine->bell, seen);
	}
}
