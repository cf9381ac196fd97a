/* A thread's open queues: a small table, searched from the one used last. */
#include "gateway/handles.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	struct rlq_queue *queue; /* NULL: free */
	uint64_t used;		 /* when, in calls */
	uint64_t hash;
};

/* Open addressing, half full at most; what is closed is found by going through all. */
struct handles {
	struct rlq_directory *directory;
	uint64_t calls;
	uint32_t count, count_max, mask;
	struct entry entry[];
};

static uint64_t hash_of(const char *name)
{
	uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * UINT64_C(1099511628211);
	return hash;
}

struct handles *handles_open(struct rlq_directory *directory, uint32_t count_max)
{
	uint32_t cells = 4;
	struct handles *handles;

	while (cells < 2 * count_max)
		cells *= 2;
	handles = calloc(1, sizeof(*handles) + cells * sizeof(struct entry));
	if (handles == NULL)
		return NULL;
	handles->directory = directory;
	handles->count_max = count_max;
	handles->mask = cells - 1;
	return handles;
}

void handles_close(struct handles *handles)
{
	if (handles == NULL)
		return;
	for (uint32_t i = 0; i <= handles->mask; i++)
		rlq_queue_close(handles->entry[i].queue);
	free(handles);
}

/* Its cell, or the free one where it belongs. */
static uint32_t cell_of(const struct handles *handles, uint64_t hash, const char *name)
{
	uint32_t i = (uint32_t)hash & handles->mask;

	for (; handles->entry[i].queue; i = (i + 1) & handles->mask)
		if (handles->entry[i].hash == hash && strcmp(rlq_queue_name(handles->entry[i].queue), name) == 0)
			break;
	return i;
}

/* Closes it, and moves those up that had to pass it. */
static void close_cell(struct handles *handles, uint32_t hole)
{
	rlq_queue_close(handles->entry[hole].queue);
	handles->entry[hole].queue = NULL;
	handles->count--;
	for (uint32_t i = (hole + 1) & handles->mask; handles->entry[i].queue; i = (i + 1) & handles->mask) {
		uint32_t home = (uint32_t)handles->entry[i].hash & handles->mask;

		if (((i - home) & handles->mask) < ((i - hole) & handles->mask))
			continue;
		handles->entry[hole] = handles->entry[i];
		handles->entry[i].queue = NULL;
		hole = i;
	}
}

static void close_oldest(struct handles *handles)
{
	uint32_t oldest = UINT32_MAX;

	for (uint32_t i = 0; i <= handles->mask; i++)
		if (handles->entry[i].queue &&
		    (oldest == UINT32_MAX || handles->entry[i].used < handles->entry[oldest].used))
			oldest = i;
	if (oldest != UINT32_MAX)
		close_cell(handles, oldest);
}

int handles_get(struct handles *handles, const char *name, struct rlq_queue **ret_queue)
{
	uint64_t hash = hash_of(name);
	uint32_t i = cell_of(handles, hash, name);
	struct rlq_queue *queue;
	int error;

	if (handles->entry[i].queue && rlq_queue_is_removed(handles->entry[i].queue)) {
		close_cell(handles, i);
		i = cell_of(handles, hash, name);
	}
	if (handles->entry[i].queue == NULL) {
		error = rlq_queue_open(handles->directory, name, &queue);
		if (error)
			return error;
		if (handles->count == handles->count_max) {
			close_oldest(handles);
			i = cell_of(handles, hash, name);
		}
		handles->entry[i] = (struct entry){.queue = queue, .hash = hash};
		handles->count++;
	}
	handles->entry[i].used = ++handles->calls;
	*ret_queue = handles->entry[i].queue;
	return 0;
}

void handles_drop(struct handles *handles, const char *name)
{
	uint32_t i = cell_of(handles, hash_of(name), name);

	if (handles->entry[i].queue)
		close_cell(handles, i);
}
