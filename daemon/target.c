#include "daemon/target.h"

#include "daemon/data_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* 0 if there is nothing, or an empty folder. */
static int look_at(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	int error = 0;

	if (folder == NULL)
		return errno == ENOENT ? 0 : errno == ENOTDIR ? -ENOTEMPTY : -errno;
	while (!error && (entry = readdir(folder)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			error = -ENOTEMPTY;
	closedir(folder);
	return error;
}

/* The folder above `path`, which ends without a slash. */
static void parent_of(const char *path, char ret_parent[static PATH_MAX])
{
	char *slash;

	snprintf(ret_parent, PATH_MAX, "%s", path);
	slash = strrchr(ret_parent, '/');
	if (slash == NULL)
		snprintf(ret_parent, PATH_MAX, ".");
	else
		slash[slash == ret_parent] = '\0';
}

static int take_path(const char *path, struct target *ret_target)
{
	int length = snprintf(ret_target->path, sizeof(ret_target->path), "%s", path);

	if (length >= PATH_MAX)
		return -ENAMETOOLONG;
	while (length > 1 && ret_target->path[length - 1] == '/')
		ret_target->path[--length] = '\0';
	if (length == 0)
		return -ENOENT;
	if (snprintf(ret_target->temporary, PATH_MAX, "%s.XXXXXX", ret_target->path) >= PATH_MAX)
		return -ENAMETOOLONG;
	return 0;
}

int target_begin(const char *path, struct target *ret_target)
{
	char parent[PATH_MAX];
	int error;

	*ret_target = (struct target){.fd = -1};
	error = take_path(path, ret_target);
	if (!error)
		error = look_at(ret_target->path);
	if (error)
		return error;
	parent_of(ret_target->path, parent);
	error = data_folder_make(parent);
	if (error)
		return error;
	if (mkdtemp(ret_target->temporary) == NULL)
		return -errno;
	ret_target->fd = open(ret_target->temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ret_target->fd < 0) {
		error = -errno;
		rmdir(ret_target->temporary);
	}
	return error;
}

static int flush_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = fd < 0 || fsync(fd) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return error;
}

int target_finish(struct target *target)
{
	char parent[PATH_MAX];

	/* Takes the place of an empty folder; of one that was filled meanwhile it does not. */
	if (rename(target->temporary, target->path) < 0)
		return errno == EEXIST ? -ENOTEMPTY : -errno;
	target->temporary[0] = '\0';
	parent_of(target->path, parent);
	return flush_folder(parent);
}

void target_end(struct target *target)
{
	if (target->fd < 0)
		return;
	close(target->fd);
	target->fd = -1;
	if (target->temporary[0])
		rmdir(target->temporary);
}
