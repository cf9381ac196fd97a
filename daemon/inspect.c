#include "daemon/inspect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- files ------------------------------------------------------------------------------------ */

struct looking {
	const struct os_disk *disk;
	int folder;
	const struct keys *keys;
	struct account *account;
	struct inspection *inspection;
	struct live live;
};

static int by_number(const void *a, const void *b)
{
	uint64_t one = ((const struct inspect_file *)a)->number, other = ((const struct inspect_file *)b)->number;

	return one < other ? -1 : one > other;
}

static struct inspect_file *file_of(struct inspection *inspection, uint64_t number)
{
	struct inspect_file key = {.number = number};

	return bsearch(&key, inspection->files, inspection->file_count, sizeof(key), by_number);
}

static int found(void *context, const char *name)
{
	struct looking *looking = context;
	struct inspection *inspection = looking->inspection;
	uint64_t number = format_file_number(name);
	struct inspect_file *more;
	int64_t length;
	int fd;

	if (number == 0)
		return 0;
	fd = looking->disk->open(looking->folder, name, 0);
	length = fd < 0 ? fd : looking->disk->length(fd);
	if (fd >= 0)
		looking->disk->close(fd);
	more = reallocarray(inspection->files, inspection->file_count + 1, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	inspection->files = more;
	more[inspection->file_count++] =
		(struct inspect_file){.number = number, .bytes = length < 0 ? 0 : (uint64_t)length};
	return 0;
}

static void see_file(void *context, const struct survey_file *seen)
{
	struct looking *looking = context;
	struct inspect_file *file = file_of(looking->inspection, seen->number);

	if (file)
		file->key_id = seen->key_id;
	if (seen->key_id && !keys_find(looking->keys, seen->key_id))
		looking->inspection->locked_files++;
}

/* ---- records ---------------------------------------------------------------------------------- */

/* A file that came after the list was made has no entry. */
static int take_record(void *context, const struct replay_place *place, const struct format_record *record)
{
	struct looking *looking = context;
	struct inspect_file *file = file_of(looking->inspection, place->file);

	if (file) {
		file->records++;
		if (file->first_ms == 0)
			file->first_ms = place->wall_ms;
		file->last_ms = place->wall_ms;
	}
	return live_apply(&looking->live, record, place->file);
}

static int take_turn(void *context, const struct replay_place *last_frame)
{
	struct looking *looking = context;
	struct inspect_file *file = file_of(looking->inspection, last_frame->file);

	if (file)
		file->turns++;
	looking->inspection->last_turn = last_frame->turn;
	looking->inspection->last_ms = last_frame->wall_ms;
	return 0;
}

static int tell_progress(void *context, uint64_t bytes, uint64_t bytes_all)
{
	struct looking *looking = context;

	if (looking->account)
		account_reading(looking->account, bytes, bytes_all, looking->live.message_count);
	return 0;
}

static void count_live(struct looking *looking)
{
	struct inspection *inspection = looking->inspection;

	for (size_t i = 0; i < looking->live.queue_count; i++)
		inspection->queues += !looking->live.queues[i].is_removed;
	for (size_t i = 0; i < looking->live.used; i++) {
		const struct live_message *message = live_at(&looking->live, i);
		struct inspect_file *file = message->number ? file_of(inspection, message->file) : NULL;

		if (message->number == 0)
			continue;
		inspection->live_messages++;
		inspection->live_bytes += message->bytes;
		if (file) {
			file->live_messages++;
			file->live_bytes += message->bytes;
		}
	}
}

/* ---- all of it -------------------------------------------------------------------------------- */

static int inspect_once(const struct os_disk *disk, int folder, const struct keys *keys, struct account *account,
			struct inspection *ret_inspection)
{
	struct looking looking = {
		.disk = disk, .folder = folder, .keys = keys, .account = account, .inspection = ret_inspection};
	const struct replay_calls calls = {
		.record = take_record,
		.turn_end = take_turn,
		.file = see_file,
		.progress = tell_progress,
		.context = &looking,
		.keys = keys,
		.takes_locked = true,
	};
	int error;

	*ret_inspection = (struct inspection){0};
	error = disk->list(folder, found, &looking);
	if (ret_inspection->file_count > 1)
		qsort(ret_inspection->files, ret_inspection->file_count, sizeof(*ret_inspection->files), by_number);
	if (!error)
		error = replay(disk, folder, &calls, &ret_inspection->report);
	count_live(&looking);
	live_end(&looking.live);
	return error;
}

bool inspect_is_same(int error, const struct replay_report *report, int other_error,
		     const struct replay_report *other)
{
	if (error != other_error || report->at_file != other->at_file ||
	    report->damage_count != other->damage_count)
		return false;
	for (size_t i = 0; i < report->damage_count && i < REPLAY_DAMAGE_MAX; i++)
		if (report->damage[i].file != other->damage[i].file ||
		    report->damage[i].offset != other->damage[i].offset ||
		    report->damage[i].fault != other->damage[i].fault)
			return false;
	return true;
}

int inspect(const struct os_disk *disk, int folder, const struct keys *keys, struct account *account,
	    struct inspection *ret_inspection)
{
	struct replay_report before = {0};
	int error_before = 0;

	for (int i = 0; i < INSPECT_TRIES; i++) {
		int error = inspect_once(disk, folder, keys, account, ret_inspection);
		const struct replay_report *report = &ret_inspection->report;

		if (!error && report->damage_count == 0)
			return 0;
		if (i > 0 && inspect_is_same(error, report, error_before, &before))
			return error;
		error_before = error;
		before = *report;
		if (i + 1 < INSPECT_TRIES)
			inspection_end(ret_inspection);
	}
	return -EAGAIN;
}

void inspection_end(struct inspection *inspection)
{
	free(inspection->files);
	inspection->files = NULL;
	inspection->file_count = 0;
}
