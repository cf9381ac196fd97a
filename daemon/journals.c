/* The public functions that read journals. */
#include "ringlease-engine.h"

#include "daemon/copy.h"
#include "daemon/copy_notes.h"
#include "daemon/data_folder.h"
#include "daemon/dump.h"
#include "daemon/inspect.h"
#include "daemon/standing.h"
#include "daemon/target.h"
#include "kmod-free/machine_id.h"
#include "shm/durable.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

_Static_assert((int)RLQ_JOURNAL_FILE_BYTES == (int)FORMAT_FILE_NAME_BYTES, "a file's name fits");
_Static_assert((int)RLQ_JOURNAL_PATH_BYTES == (int)COPY_NOTES_PATH_BYTES, "that of notes too");

/* ---- summaries -------------------------------------------------------------------------------- */

static bool is_usable(const struct rlq_journal_summary *summary)
{
	return summary->size == sizeof(*summary); /* the first version has one size */
}

static void clear(struct rlq_journal_summary *summary)
{
	*summary = (struct rlq_journal_summary){
		.size = sizeof(*summary),
		.progress = summary->progress,
		.progress_context = summary->progress_context,
	};
}

static void say_line(void *context, const char *format, ...)
{
	const struct rlq_journal_summary *summary = context;
	char line[RLQ_JOURNAL_TEXT_BYTES];
	va_list arguments;

	if (summary->progress == NULL)
		return;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	summary->progress(summary->progress_context, line);
}

static struct account account_of(struct rlq_journal_summary *summary, const char *path)
{
	struct account account = {.say = say_line, .context = summary, .path = path};

	account_begin(&account);
	return account;
}

static void take_report(struct rlq_journal_summary *summary, const struct replay_report *report)
{
	summary->files = report->files;
	summary->turns = report->turns;
	summary->frames = report->frames;
	summary->records = report->records;
	summary->cut_offset = report->cut_offset;
	summary->cut_bytes = report->cut_bytes;
	if (report->cut_file)
		format_file_name(report->cut_file, summary->cut_file);
	if (report->at_file)
		format_file_name(report->at_file, summary->failed_file);
	if (report->head_number)
		format_file_name(report->head_number, summary->head_file);
	if (report->wanted_key)
		keys_id_format(report->wanted_key, summary->wanted_key);
	summary->faults = report->damage_count;
	summary->lost_frames = report->lost_frames;
}

static void take_inspection(struct rlq_journal_summary *summary, const struct inspection *inspection)
{
	take_report(summary, &inspection->report);
	for (size_t i = 0; i < inspection->file_count; i++)
		summary->bytes += inspection->files[i].bytes;
	summary->queues = inspection->queues;
	summary->live_messages = inspection->live_messages;
	summary->live_bytes = inspection->live_bytes;
	summary->last_turn = inspection->last_turn;
	summary->last_ms = inspection->last_ms;
	summary->locked_files = inspection->locked_files;
}

static int open_keys(const char *const *sources, struct rlq_journal_summary *summary, struct keys **ret_keys)
{
	return keys_open(NULL, sources, ret_keys, summary->key_fault, sizeof(summary->key_fault));
}

/* ---- reading ---------------------------------------------------------------------------------- */

int rlq_journal_path(const char *directory, char *ret_path, size_t path_bytes)
{
	return data_folder_default(directory, ret_path, path_bytes);
}

static void take_size(const struct seg_engine_page *page, struct rlq_journal_size *ret)
{
	if (ret == NULL)
		return;
	/* relaxed: figures to be shown */
	ret->files = load_relaxed(&page->journal_files);
	ret->bytes = load_relaxed(&page->journal_bytes);
	ret->live_bytes = load_relaxed(&page->journal_live_bytes);
}

int rlq_journal_compact(const char *directory, struct rlq_journal_size *ret_before,
			struct rlq_journal_size *ret_after)
{
	struct seg_directory opened;
	int error;

	if ((ret_before && ret_before->size != sizeof(*ret_before)) ||
	    (ret_after && ret_after->size != sizeof(*ret_after))) /* the first version has one size */
		return RLQ_EATTRIBUTE;
	error = seg_directory_open(directory, &opened);
	if (error)
		return error;
	take_size(opened.engine, ret_before);
	error = seg_compact(&opened);
	if (!error)
		take_size(opened.engine, ret_after);
	seg_directory_close(&opened);
	return error;
}

static int begin(const char *data, struct rlq_journal_summary *summary)
{
	if (!is_usable(summary))
		return RLQ_EATTRIBUTE;
	clear(summary);
	return os_disk_real.open_folder(data);
}

static int list_files(const struct inspection *inspection,
		      int (*each)(void *context, const struct rlq_journal_file *file), void *context)
{
	int result = 0;

	for (size_t i = 0; i < inspection->file_count && !result; i++) {
		const struct inspect_file *from = &inspection->files[i];
		char name[FORMAT_FILE_NAME_BYTES], key[KEYS_ID_TEXT_BYTES] = "";
		const struct rlq_journal_file file = {
			.name = name,
			.key = key,
			.number = from->number,
			.bytes = from->bytes,
			.turns = from->turns,
			.records = from->records,
			.live_messages = from->live_messages,
			.live_bytes = from->live_bytes,
			.first_ms = from->first_ms,
			.last_ms = from->last_ms,
		};

		format_file_name(from->number, name);
		if (from->key_id)
			keys_id_format(from->key_id, key);
		result = each(context, &file);
	}
	return result;
}

int rlq_journal_list(const char *data, int (*each)(void *context, const struct rlq_journal_file *file),
		     void *context, struct rlq_journal_summary *ret_summary)
{
	struct inspection inspection;
	int folder = begin(data, ret_summary), error;

	if (folder < 0)
		return folder;
	error = inspect(&os_disk_real, folder, NULL, NULL, &inspection);
	take_inspection(ret_summary, &inspection);
	if (!error)
		error = list_files(&inspection, each, context);
	inspection_end(&inspection);
	os_disk_real.close(folder);
	return error;
}

int rlq_journal_dump(const char *data, const char *const *keys,
		     int (*each)(void *context, const struct rlq_journal_record *record), void *context,
		     struct rlq_journal_summary *ret_summary)
{
	struct replay_report report = {0};
	struct keys *opened = NULL;
	int folder = begin(data, ret_summary), error;

	if (folder < 0)
		return folder;
	error = open_keys(keys, ret_summary, &opened);
	if (!error)
		error = dump(&os_disk_real, folder, opened, each, context, &report);
	take_report(ret_summary, &report);
	keys_close(opened);
	os_disk_real.close(folder);
	return error;
}

static void tell_faults(const struct replay_report *report,
			void (*each)(void *context, const struct rlq_journal_fault *fault), void *context)
{
	for (uint64_t i = 0; each && i < report->damage_count && i < REPLAY_DAMAGE_MAX; i++) {
		const struct replay_damage *damage = &report->damage[i];
		char name[FORMAT_FILE_NAME_BYTES];
		const struct rlq_journal_fault fault = {
			.file = name,
			.offset = damage->offset,
			.bytes = damage->bytes,
			.first_frame = damage->first_lsn,
			.last_frame = damage->last_lsn,
			.text = format_fault_text(damage->fault),
		};

		format_file_name(damage->file, name);
		each(context, &fault);
	}
}

static int verify(const char *path, int folder, const struct keys *keys,
		  void (*each)(void *context, const struct rlq_journal_fault *fault), void *context,
		  struct rlq_journal_summary *summary)
{
	struct inspection inspection;
	struct account account = account_of(summary, path);
	int error = inspect(&os_disk_real, folder, keys, &account, &inspection);
	uint64_t count = inspection.report.damage_count;

	take_inspection(summary, &inspection);
	if (!error)
		tell_faults(&inspection.report, each, context);
	inspection_end(&inspection);
	return error ? error : count > INT32_MAX ? INT32_MAX : (int)count;
}

int rlq_journal_verify(const char *data, const char *const *keys,
		       void (*each)(void *context, const struct rlq_journal_fault *fault), void *context,
		       struct rlq_journal_summary *ret_summary)
{
	struct keys *opened = NULL;
	int folder = begin(data, ret_summary), result;

	if (folder < 0)
		return folder;
	result = open_keys(keys, ret_summary, &opened);
	if (!result)
		result = verify(data, folder, opened, each, context, ret_summary);
	keys_close(opened);
	os_disk_real.close(folder);
	return result;
}

/* ---- copying ---------------------------------------------------------------------------------- */

/* It is this machine's, and nobody's mirror. */
static int make_own(int folder)
{
	struct standing standing = {.state = STANDING_SINGLE};

	os_machine_id(standing.machine_id);
	return standing_write(&os_disk_real, folder, &standing);
}

/* Notes twice: of queues that are removed while the journal is copied, and of those that are made or changed. */
static int copy_all(int from, int to, struct account *account, struct rlq_journal_summary *summary)
{
	const struct os_disk *disk = &os_disk_real;
	uint64_t at_file = 0;
	int error = copy_notes(disk, from, to, &summary->notes, summary->failed_file);

	if (error)
		return error;
	error = copy_journal(disk, from, to, account, &at_file);
	if (at_file)
		format_file_name(at_file, summary->failed_file);
	return error ? error : copy_notes(disk, from, to, &summary->notes, summary->failed_file);
}

static void remove_all(int folder)
{
	copy_remove(&os_disk_real, folder);
	copy_notes_remove(&os_disk_real, folder);
	standing_remove(&os_disk_real, folder);
}

static int copy(const char *data, const char *target, bool is_own,
		void (*each)(void *context, const struct rlq_journal_fault *fault), void *context,
		struct rlq_journal_summary *ret_summary)
{
	int folder = begin(data, ret_summary), result, error;
	struct account account = account_of(ret_summary, data);
	struct target made;

	if (folder < 0)
		return folder;
	result = target_begin(target, &made);
	if (!result) {
		result = copy_all(folder, made.fd, &account, ret_summary);
		if (!result)
			result = verify(target, made.fd, NULL, each, context, ret_summary);
		error = result < 0 ? result : is_own ? make_own(made.fd) : 0;
		if (!error)
			error = target_finish(&made);
		if (error)
			remove_all(made.fd);
		result = error ? error : result;
		target_end(&made);
	}
	os_disk_real.close(folder);
	return result;
}

int rlq_journal_copy(const char *data, const char *target,
		     void (*each)(void *context, const struct rlq_journal_fault *fault), void *context,
		     struct rlq_journal_summary *ret_summary)
{
	return copy(data, target, false, each, context, ret_summary);
}

int rlq_journal_restore(const char *backup, const char *target,
			void (*each)(void *context, const struct rlq_journal_fault *fault), void *context,
			struct rlq_journal_summary *ret_summary)
{
	return copy(backup, target, true, each, context, ret_summary);
}
