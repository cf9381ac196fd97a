#include "daemon/live_seen.h"

#include "daemon/live.h"

#include <errno.h>
#include <stdlib.h>

int live_seen_put(struct live *live, const struct format_seen *record, uint64_t file)
{
	size_t count = record->record.count;

	if (live->seen_count + count > live->seen_room) {
		size_t room = 2 * (live->seen_count + count);
		struct live_seen *more = reallocarray(live->seen, room, sizeof(*more));

		if (more == NULL)
			return -ENOMEM;
		live->seen = more;
		live->seen_room = room;
	}
	for (size_t i = 0; i < count; i++)
		live->seen[live->seen_count++] =
			(struct live_seen){.id = record->ids[i], .queue = record->queue, .file = (uint32_t)file};
	return 0;
}

static int compare(const struct live_seen *one, const struct live_seen *other)
{
	if (one->queue != other->queue)
		return one->queue < other->queue ? -1 : 1;
	return one->id.sequence < other->id.sequence ? -1 : one->id.sequence > other->id.sequence;
}

/* Of what was written more than once the last one comes last. */
static int in_order(const void *a, const void *b)
{
	const struct live_seen *one = a, *other = b;
	int compared = compare(one, other);

	return compared ? compared : one->file < other->file ? -1 : one->file > other->file;
}

void live_seen_sort(struct live *live)
{
	size_t kept = 0;

	if (live->seen_count == 0)
		return;
	qsort(live->seen, live->seen_count, sizeof(*live->seen), in_order);
	for (size_t i = 0; i < live->seen_count; i++)
		if (i + 1 == live->seen_count || compare(&live->seen[i], &live->seen[i + 1]) != 0)
			live->seen[kept++] = live->seen[i];
	live->seen_count = kept;
}

const struct live_seen *live_seen_of(const struct live *live, uint32_t queue, size_t *ret_count)
{
	size_t low = 0, high = live->seen_count, end;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (live->seen[middle].queue < queue)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < live->seen_count && live->seen[end].queue == queue;)
		end++;
	*ret_count = end - low;
	return live->seen + low;
}
