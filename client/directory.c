/* Directories, and the queues in them. */
#include "client/internal.h"

#include "kmod-free/memory.h"

#include <errno.h>
#include <stdlib.h>

int rlq_directory_open(const char *path, struct rlq_directory **ret_directory)
{
	struct rlq_directory *directory = calloc(1, sizeof(*directory));
	int error;

	if (directory == NULL)
		return -ENOMEM;
	error = seg_directory_open(path, &directory->seg);
	if (error) {
		free(directory);
		return error == -ENOENT ? error : public_error(error);
	}
	*ret_directory = directory;
	return 0;
}

void rlq_directory_close(struct rlq_directory *directory)
{
	if (directory == NULL)
		return;
	seg_directory_close(&directory->seg);
	free(directory);
}

const char *rlq_directory_path(const struct rlq_directory *directory)
{
	return directory->seg.path;
}

bool rlq_directory_is_tmpfs(const struct rlq_directory *directory)
{
	return directory->seg.is_tmpfs;
}

bool rlq_directory_has_engine(const struct rlq_directory *directory)
{
	return seg_engine_is_prompt(&directory->seg, os_boot_ms());
}

int rlq_queue_list(struct rlq_directory *directory, const char *prefix,
		   int (*each)(void *context, const char *name), void *context)
{
	if (is_forked(directory))
		return RLQ_EFORKED;
	return seg_directory_list(&directory->seg, prefix, each, context);
}
