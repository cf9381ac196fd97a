/* A credentials file for one test. */
#ifndef TEST_KEYS_FILE_H
#define TEST_KEYS_FILE_H

#include "tests/support/tmpdir.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static char keys_folder[TMPDIR_BYTES], keys_path[TMPDIR_BYTES + 8];

static inline void keys_begin(void)
{
	tmpdir_make(keys_folder);
	snprintf(keys_path, sizeof(keys_path), "%s/keys", keys_folder);
}

static inline void keys_end(void)
{
	tmpdir_empty(keys_folder);
	tmpdir_remove(keys_folder);
}

/* As editors do it: written beside, then renamed over the old one. */
static inline void keys_write(const char *text, mode_t mode)
{
	char beside[TMPDIR_BYTES + 16];
	FILE *file;

	snprintf(beside, sizeof(beside), "%s/keys.new", keys_folder);
	file = fopen(beside, "w");
	if (file == NULL || fputs(text, file) == EOF || fchmod(fileno(file), mode) != 0 || fclose(file) != 0 ||
	    rename(beside, keys_path) != 0) {
		perror(beside);
		abort();
	}
}

#endif
