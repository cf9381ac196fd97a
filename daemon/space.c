#include "daemon/space.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct space_file *find(const struct space *space, uint64_t file)
{
	return file >= space->first && file - space->first < space->count ? &space->files[file - space->first]
									  : NULL;
}

/* Files come in ascending order, but for what recovery finds. */
static int make_room(struct space *space, uint64_t file)
{
	uint64_t first = space->count == 0 || file < space->first ? file : space->first;
	uint64_t end =
		space->count == 0 || file >= space->first + space->count ? file + 1 : space->first + space->count;
	struct space_file *files;

	if (space->count && first == space->first && end == first + space->count)
		return 0;
	files = calloc(end - first, sizeof(*files));
	if (files == NULL)
		return -ENOMEM;
	if (space->count)
		memcpy(files + (space->first - first), space->files, space->count * sizeof(*files));
	free(space->files);
	space->files = files;
	space->first = first;
	space->count = end - first;
	return 0;
}

int space_add(struct space *space, uint64_t file, uint64_t bytes)
{
	struct space_file *at;

	if (make_room(space, file))
		return -ENOMEM;
	at = find(space, file);
	at->messages++;
	at->bytes += bytes;
	space->messages++;
	space->bytes += bytes;
	return 0;
}

void space_take(struct space *space, uint64_t file, uint64_t bytes)
{
	struct space_file *at = find(space, file);

	if (at == NULL)
		return;
	at->messages--;
	at->bytes -= bytes;
	space->messages--;
	space->bytes -= bytes;
}

uint64_t space_messages(const struct space *space, uint64_t file)
{
	const struct space_file *at = find(space, file);

	return at ? at->messages : 0;
}

void space_forget(struct space *space, uint64_t file)
{
	size_t gone = file > space->first ? file - space->first : 0;

	if (gone == 0 || space->count == 0)
		return;
	if (gone > space->count)
		gone = space->count;
	memmove(space->files, space->files + gone, (space->count - gone) * sizeof(*space->files));
	space->first += gone;
	space->count -= gone;
}

void space_end(struct space *space)
{
	free(space->files);
	*space = (struct space){0};
}
