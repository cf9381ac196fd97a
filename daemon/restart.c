#include "daemon/restart.h"

#include "daemon/aside.h"
#include "daemon/files.h"
#include "daemon/journaling_state.h"
#include "daemon/roster.h"
#include "daemon/take_back.h"
#include "ring/crashpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBERS_LEFT_MIN = 1 << 20 }; /* of files: 64 TiB */

static int replayed(void *context, const struct replay_place *place, const struct format_record *record)
{
	struct restart *restart = context;

	return live_apply(&restart->recovery.live, record, place->file);
}

static int go_on(const struct journaling *journaling)
{
	const bool is_stopped = atomic_load(&journaling->is_stopped) ||
				(journaling->options.is_stopped && atomic_load(journaling->options.is_stopped));

	return is_stopped ? -ECANCELED : 0;
}

static int reading(void *context, uint64_t bytes, uint64_t bytes_all)
{
	struct restart *restart = context;

	account_reading(&restart->journaling->account, bytes, bytes_all, restart->recovery.live.message_count);
	return go_on(restart->journaling);
}

static int restoring(void *context, const struct live_queue *queue, size_t messages)
{
	struct restart *restart = context;

	account_restoring(&restart->journaling->account, queue->definition.name, messages, queue->count);
	return go_on(restart->journaling);
}

static void see_file(void *context, const struct survey_file *file)
{
	const struct restart *restart = context;
	struct keys *keys = restart->journaling->options.keys;

	if (keys && file->head <= SURVEY_HALF)
		keys_need(keys, file->key_id, file->number);
}

/* It was being removed when the last journal ended: this one says so, and then the name goes. */
static int finish_removal(struct journaling *journaling, const struct format_queue *definition)
{
	char(*more)[SEG_NAME_MAX + 1] =
		reallocarray(journaling->half_removed, journaling->half_removed_count + 1, sizeof(*more));

	if (more == NULL)
		return -ENOMEM;
	journaling->half_removed = more;
	memcpy(more[journaling->half_removed_count++], definition->name, sizeof(*more));
	return turn_note_removal(&journaling->turn, definition->queue);
}

/* One queue is no reason to keep the journal from all others. */
static int set_aside(struct journaling *journaling, const struct recovery *recovery, const struct live_queue *queue,
		     int error)
{
	if (error == -ECANCELED || error == -ENOMEM)
		return error;
	say(journaling,
	    "%s: SET ASIDE: cannot be recovered: %s; its %zu message%s stay%s in the journal, and it takes "
	    "nothing; %s",
	    queue->definition.name, rlq_strerror(error), queue->count, queue->count == 1 ? "" : "s",
	    queue->count == 1 ? "s" : "", aside_remedy(error));
	return aside_put(&journaling->turn, &recovery->live, queue, error);
}

static int recover_all(struct journaling *journaling, struct recovery *recovery)
{
	int error = live_sort(&recovery->live);

	account_lost(&journaling->account, recovery_lost(recovery));
	for (size_t i = 0; i < recovery->live.queue_count && !error; i++) {
		struct live_queue *queue = &recovery->live.queues[i];
		struct journaled journaled;
		struct recovered report;

		if (queue->is_removed)
			continue;
		error = recover_queue(recovery, queue, &journaled, &report);
		if (error == RLQ_EREMOVED) {
			error = finish_removal(journaling, &queue->definition);
			if (error)
				return error;
			continue;
		}
		if (error) {
			error = set_aside(journaling, recovery, queue, error);
			continue;
		}
		error = roster_add(journaling, &journaled);
		if (!error)
			account_queue(&journaling->account, queue->definition.name, &report);
	}
	if (!error)
		error = known_adopt(&journaling->turn, &recovery->live);
	if (journaling->turn.aside.queue_count > 0 && !error)
		error = aside_doubt(&journaling->turn, &recovery->live);
	return error;
}

/* With which key it goes on. */
static void say_key(struct journaling *journaling)
{
	const struct key *key = keys_current(journaling->options.keys);
	char text[KEYS_ID_TEXT_BYTES];

	if (key == NULL)
		return;
	keys_id_format(key->id, text);
	say(journaling, "journal %s: to be written with key %s", journaling->folder.path, text);
}

static void say_refused(struct journaling *journaling, int error, const struct replay_report *report)
{
	const struct survey_text why = survey_refusal_text(error, report->head_number);
	char name[FORMAT_FILE_NAME_BYTES];

	if (report->at_file == 0) {
		say(journaling, "journal %s: cannot be read: %s", journaling->folder.path, why.text);
		return;
	}
	format_file_name(report->at_file, name);
	say(journaling, "journal %s: %s %s", journaling->folder.path, name, why.text);
}

/* A number near the last one is a file that somebody else put there. */
static int check_numbers(struct journaling *journaling, const struct replay_report *report)
{
	char name[FORMAT_FILE_NAME_BYTES];

	if (report->next_file + NUMBERS_LEFT_MIN <= FORMAT_FILE_NUMBER_MAX)
		return 0;
	format_file_name(report->next_file - 1, name);
	say(journaling,
	    "journal %s: %s has too high a number for files to follow it; move it away if \"ringlease journal ls\" "
	    "shows no turns in it, else begin in a new folder",
	    journaling->folder.path, name);
	return -EOVERFLOW;
}

int restart_read(struct restart *restart, struct replay_report *ret_report)
{
	struct journaling *journaling = restart->journaling;
	const struct replay_calls calls = {
		.record = replayed,
		.progress = reading,
		.file = see_file,
		.context = restart,
		.reads_ahead = true,
		.keys = journaling->options.keys,
	};
	int error = replay(journaling->options.disk, journaling->disk_folder, &calls, ret_report);

	if (error || recovery_is_whole(&restart->recovery))
		return error;
	error = recovery_again(&restart->recovery);
	return error ? error : replay(journaling->options.disk, journaling->disk_folder, &calls, ret_report);
}

/* The last turn counts, though the engine that wrote it may have been killed before the flush, or seen it fail:
 * what is built on it from now on must not outlive it. Files before were flushed before their followers were begun.
 */
static int keep_tail(struct journaling *journaling, const struct replay_report *report)
{
	int error = report->tail_file ? files_keep(journaling->options.disk, journaling->disk_folder,
						   report->tail_file, report->tail_offset, report->tail_bytes)
				      : 0;

	if (error)
		say(journaling, "journal %s: cannot be written: %s", journaling->folder.path, rlq_strerror(error));
	return error;
}

static int open_journal(struct restart *restart)
{
	struct journaling *journaling = restart->journaling;
	struct journal_options options = {
		.is_direct = true,
		.keys = journaling->options.keys,
		.define = turn_write_definitions,
		.context = &journaling->turn,
	};
	struct replay_report report;
	int error;

	say_key(journaling);
	error = restart_read(restart, &report);
	if (error == -ECANCELED)
		return error;
	if (error) {
		say_refused(journaling, error, &report);
		return error;
	}
	error = check_numbers(journaling, &report);
	if (error)
		return error;
	account_replayed(&journaling->account, &report);
	CRASH_POINT(journal_read);
	error = mirror_adopt(&journaling->mirror);
	if (!error)
		error = keep_tail(journaling, &report);
	CRASH_POINT(journal_tail_kept);
	if (error)
		return error;
	journaling->turn.outdated = keys_outdated(journaling->options.keys);
	options.file_bytes = journaling->turn.file_bytes;
	options.frame_bytes = journaling->options.frame_bytes;
	memcpy(options.machine_id, journaling->mirror.machine_id, sizeof(options.machine_id));
	options.journal_id = report.journal_id;
	options.next_lsn = report.next_lsn;
	options.next_turn = report.next_turn;
	options.next_file = report.next_file;
	error = journal_open(journaling->options.disk, journaling->disk_folder, &options, &journaling->journal);
	if (error)
		say(journaling, "journal %s: cannot be written: %s", journaling->folder.path, rlq_strerror(error));
	return error;
}

void restart_begin(struct restart *restart, struct journaling *journaling)
{
	*restart =
		(struct restart){.journaling = journaling, .recovery = {.progress = restoring, .context = restart}};
	recovery_begin(&restart->recovery, journaling->directory, &journaling->turn);
}

void restart_end(struct restart *restart)
{
	recovery_end(&restart->recovery);
}

int restart_all(struct journaling *journaling)
{
	struct restart restart;
	struct recovery *recovery = &restart.recovery;
	int error;

	restart_begin(&restart, journaling);
	error = open_journal(&restart);
	journaling->turn.journal = journaling->journal;
	if (!error)
		error = recover_all(journaling, recovery);
	CRASH_POINT(journal_recovered);
	journaling->turn.next_number = recovery->live.next_number;
	journaling->next_queue = recovery->live.next_queue;
	restart_end(&restart);
	return error;
}
