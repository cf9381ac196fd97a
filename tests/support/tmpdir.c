#include "tests/support/tmpdir.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void make_in(const char *base, const char *otherwise, char ret_path[TMPDIR_BYTES])
{
	if (base == NULL || *base == '\0')
		base = otherwise;
	snprintf(ret_path, TMPDIR_BYTES, "%s/ringlease-test.XXXXXX", base);
	if (mkdtemp(ret_path) == NULL) {
		perror(ret_path);
		exit(1);
	}
}

void tmpdir_make(char ret_path[TMPDIR_BYTES])
{
	make_in(getenv("RINGLEASE_DIR"), "/dev/shm", ret_path);
}

void tmpdir_make_on_disk(char ret_path[TMPDIR_BYTES])
{
	make_in(getenv("TMPDIR"), "/var/tmp", ret_path);
}

static int each_file(const char *path, const char *prefix, int remove_them)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	int count = 0;

	while (directory && (entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
			continue;
		count++;
		if (remove_them)
			unlinkat(dirfd(directory), entry->d_name, 0);
	}
	if (directory)
		closedir(directory);
	return count;
}

void tmpdir_empty(const char *path)
{
	each_file(path, "", 1);
}

void tmpdir_remove(const char *path)
{
	tmpdir_empty(path);
	rmdir(path);
}

int tmpdir_count(const char *path, const char *prefix)
{
	return each_file(path, prefix, 0);
}
