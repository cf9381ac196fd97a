#include "daemon/journaling.h"

#include "daemon/account.h"
#include "daemon/compact.h"
#include "daemon/data_folder.h"
#include "daemon/files.h"
#include "daemon/recover.h"
#include "daemon/replay.h"
#include "daemon/turn.h"
#include "kmod-free/futex.h"
#include "ring/crashpoint.h"
#include "ringlease.h"
#include "shm/durable.h"
#include "shm/window.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	HALF_WINDOW_MS = 5, /* an async queue's turn begins so long after it was wanted */
	IDLE_MS = 1000,
	MTIME_GRAIN_MS = 50, /* at least five ticks */
	RETRY_MS = 1000,     /* after a failure that did not pass */
	WHY_BYTES = 512,
};

/* A queue that is not journaled, so that it need not be opened again to know. */
struct ignored {
	char name[SEG_NAME_MAX + 1];
	uint64_t file;
};

struct journaling {
	const struct seg_directory *directory;
	struct journaling_options options;
	struct data_folder folder;
	int disk_folder; /* the same, as the disk has it */
	struct mirror mirror;
	struct journal *journal;
	struct turn turn;
	struct account account;
	uint32_t next_queue;
	struct timespec listed; /* mtime of the directory when it was last listed */
	bool list_again;
	struct ignored *ignored;
	size_t ignored_count;
	char (*half_removed)[SEG_NAME_MAX + 1]; /* whose names are still to be taken away */
	size_t half_removed_count;
	int failure; /* of the last turn; 0: it is durable */
	pthread_t thread;
	atomic_bool is_stopped;
};

#define say(journaling, ...) (journaling)->options.say((journaling)->options.context, __VA_ARGS__)

/* ---- which queues ----------------------------------------------------------------------------- */

static int queue_add(struct journaling *journaling, const struct journaled *queue)
{
	struct turn *turn = &journaling->turn;
	struct journaled **more = reallocarray(turn->queues, turn->queue_count + 1, sizeof(*more));
	struct journaled *copy = malloc(sizeof(*copy));

	if (more)
		turn->queues = more;
	if (more == NULL || copy == NULL) {
		free(copy);
		return -ENOMEM;
	}
	*copy = *queue;
	turn->queues[turn->queue_count++] = copy;
	return 0;
}

static void queue_drop(struct journaling *journaling, size_t index)
{
	struct turn *turn = &journaling->turn;
	struct journaled *queue = turn->queues[index];

	seg_close(queue->segment);
	ledger_end(&queue->ledger);
	free(queue);
	turn->queues[index] = turn->queues[--turn->queue_count];
}

static bool is_known(const struct journaling *journaling, const char *name, uint64_t file)
{
	for (size_t i = 0; i < journaling->turn.queue_count; i++)
		if (journaling->turn.queues[i]->segment->file == file)
			return true;
	for (size_t i = 0; i < journaling->ignored_count; i++)
		if (journaling->ignored[i].file == file && strcmp(journaling->ignored[i].name, name) == 0)
			return true;
	return false;
}

static int ignore(struct journaling *journaling, const char *name, uint64_t file)
{
	struct ignored *more = reallocarray(journaling->ignored, journaling->ignored_count + 1, sizeof(*more));

	if (more == NULL)
		return -ENOMEM;
	journaling->ignored = more;
	more += journaling->ignored_count++;
	*more = (struct ignored){.file = file};
	strncpy(more->name, name, SEG_NAME_MAX);
	return 0;
}

static int look_at_queue(void *context, const char *name)
{
	struct journaling *journaling = context;
	uint64_t file = seg_file_number(journaling->directory, name);
	struct journaled queue = {.queue = journaling->next_queue};
	struct segment *segment;
	bool is_durable;
	int error;

	if (file == 0 || is_known(journaling, name, file) || aside_find(&journaling->turn.aside, name))
		return 0;
	error = seg_open_to_look(journaling->directory, name, &segment);
	if (error) {
		journaling->list_again = true;
		return 0; /* the engine says why; nothing can be sent to it as long */
	}
	is_durable = segment->durability != RLQ_MEMORY;
	seg_close(segment);
	if (!is_durable)
		return ignore(journaling, name, file);
	error = seg_open(journaling->directory, name, &queue.segment);
	if (error) {
		journaling->list_again = true;
		return 0;
	}
	error = queue_add(journaling, &queue);
	if (error) {
		seg_close(queue.segment);
		return error;
	}
	journaling->next_queue++;
	say(journaling, "%s: journaled", name);
	return 0;
}

/* Lists the directory if it has changed. Its time has the grain of a tick: a fresh change is looked at again. */
static int look_for_queues(struct journaling *journaling)
{
	struct stat status;
	struct timespec now;

	if (fstat(journaling->directory->fd, &status) < 0)
		return -errno;
	if (!journaling->list_again && status.st_mtim.tv_sec == journaling->listed.tv_sec &&
	    status.st_mtim.tv_nsec == journaling->listed.tv_nsec)
		return 0;
	clock_gettime(CLOCK_REALTIME, &now);
	journaling->list_again =
		(now.tv_sec - status.st_mtim.tv_sec) * 1000 + (now.tv_nsec - status.st_mtim.tv_nsec) / 1000000 <
		MTIME_GRAIN_MS;
	journaling->listed = status.st_mtim;
	return seg_directory_list(journaling->directory, NULL, look_at_queue, journaling);
}

/* ---- turns ------------------------------------------------------------------------------------ */

static void drop_removed(struct journaling *journaling)
{
	for (size_t i = journaling->turn.queue_count; i-- > 0;)
		if (journaling->turn.queues[i]->is_removed) {
			say(journaling, "%s: removed from the journal", journaling->turn.queues[i]->segment->name);
			queue_drop(journaling, i);
		}
}

/* Their clients may rely on turns from now on: what is not journaled here, for we cannot open it, is not
 * acknowledged. */
static void say_journaled(struct journaling *journaling)
{
	uint64_t key = journaling->directory->liveness.key;

	for (size_t i = 0; i < journaling->turn.queue_count; i++) {
		const struct journaled *queue = journaling->turn.queues[i];

		if (queue->is_written && load_acquire(&queue->segment->header->journaled_by) != key)
			store_seq(&queue->segment->header->journaled_by, key);
	}
}

static void say_room(struct journaling *journaling)
{
	int refusal = journaling->turn.reserve.refusal;

	if (refusal)
		say(journaling,
		    "journal %s: full: %s; sends are refused until there is room, receives and deletes go on",
		    journaling->folder.path, refusal == -EDQUOT ? "as large as it may be" : rlq_strerror(refusal));
	else
		say(journaling, "journal %s: has room again; sends are taken", journaling->folder.path);
}

/* Which keys no file needs any more. */
static void say_let_go(struct journaling *journaling)
{
	struct keys *keys = journaling->options.keys;
	char text[KEYS_ID_TEXT_BYTES];
	uint64_t id;

	while (keys && keys_let_go(keys, journal_oldest(journaling->journal), &id)) {
		keys_id_format(id, text);
		if (id)
			say(journaling, "journal %s: no file needs key %s any more", journaling->folder.path, text);
		else
			say(journaling, "journal %s: no file is plain any more", journaling->folder.path);
	}
}

static int look_at_aside(struct journaling *journaling);

/* Each turn has a greater number than any that somebody may wait for. */
static int try_turn(struct journaling *journaling)
{
	struct seg_engine_page *page = journaling->directory->engine;
	int error;

	journaling->turn.number = seg_turn_begin(page);
	CRASH_POINT(turn_begun);
	compact_look(&journaling->turn, page);
	error = look_for_queues(journaling);
	if (!error)
		error = look_at_aside(journaling);
	CRASH_POINT(turn_queues_found);
	if (!error)
		error = turn_run(&journaling->turn, page);
	if (error)
		return error;
	say_journaled(journaling);
	CRASH_POINT(turn_queues_said);
	turn_settle(&journaling->turn);
	CRASH_POINT(turn_settled);
	compact_tell(&journaling->turn, page);
	if (reserve_tell(&journaling->turn))
		say_room(journaling);
	seg_turn_done(page, journaling->turn.number);
	CRASH_POINT(turn_waiters_woken);
	drop_removed(journaling);
	say_let_go(journaling);
	return 0;
}

static void turn_failed(struct journaling *journaling, int error)
{
	struct seg_engine_page *page = journaling->directory->engine;

	if (!journaling->failure)
		say(journaling,
		    "journal %s: cannot be written: %s; durable queues take nothing until it can (tried every "
		    "second)",
		    journaling->folder.path, rlq_strerror(error));
	journaling->failure = error;
	seg_turn_failed(page, error);
}

/* A turn that fails is made again at once, in a new file, and who waits for it does not notice if that goes well.
 * Else all hear of it, and it is tried again after a while. */
static int make_turn(struct journaling *journaling)
{
	int error = try_turn(journaling);

	if (error && !journaling->failure) {
		say(journaling, "journal %s: a turn has failed: %s; it is written again in a new file",
		    journaling->folder.path, rlq_strerror(error));
		error = try_turn(journaling);
	}
	if (error) {
		turn_failed(journaling, error);
		return error;
	}
	if (journaling->failure)
		say(journaling, "journal %s: is written again", journaling->folder.path);
	journaling->failure = 0;
	return 0;
}

/* Until a turn is due: at once if that was asked for, soon if it is wanted, else after a while. After a failure
 * nobody hurries the next one: who waited has been told. */
static void sleep_until_wanted(struct journaling *journaling)
{
	struct seg_engine_page *page = journaling->directory->engine;
	uint64_t begun = load_seq(&page->turn_begun);
	uint64_t until_ms = os_boot_ms() + (journaling->failure ? RETRY_MS : IDLE_MS);
	bool is_wanted = journaling->failure != 0;

	while (!atomic_load(&journaling->is_stopped)) {
		uint32_t ticket = event_prepare(&page->journal_bell);

		/* [E2] Asked after the ticket; pairs with [E1] of who rings. */
		if (!journaling->failure && load_seq(&page->turn_urgent) > begun)
			return;
		if (!is_wanted && load_seq(&page->turn_wanted) > begun) {
			is_wanted = true;
			until_ms = os_boot_ms() + HALF_WINDOW_MS;
		}
		if (os_boot_ms() >= until_ms || atomic_load(&journaling->is_stopped))
			return;
		os_futex_wait(&page->journal_bell, ticket, until_ms);
	}
}

static void *run(void *context)
{
	struct journaling *journaling = context;
	bool is_last;

	do {
		sleep_until_wanted(journaling);
		is_last = atomic_load(&journaling->is_stopped);
		make_turn(journaling);
	} while (!is_last);
	return NULL;
}

/* ---- start and stop --------------------------------------------------------------------------- */

struct restart {
	struct journaling *journaling;
	struct recovery recovery;
};

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

/* ---- queues set aside ------------------------------------------------------------------------- */

/* What to do about it. */
static const char *remedy_of(int error)
{
	switch (error) {
	case -EACCES:
	case -EPERM:
		return "open it to this user again (chmod, chgrp)";
	case RLQ_EEXISTS:
		return "another queue has its name: remove that one";
	case RLQ_EDAMAGED:
	case RLQ_EVERSION:
		return "delete its file, and it is made anew from the journal";
	default:
		return "it is tried again";
	}
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
	    queue->count == 1 ? "s" : "", remedy_of(error));
	return aside_put(&journaling->turn, &recovery->live, queue, error);
}

/* Has it been looked at as it is? */
static bool has_changed(struct journaling *journaling, struct aside_queue *queue)
{
	uint64_t changed_ns, file = seg_file_changed(journaling->directory, queue->definition.name, &changed_ns);
	bool is_same = file == queue->file && changed_ns == queue->changed_ns;

	queue->file = file;
	queue->changed_ns = changed_ns;
	return !is_same;
}

/* 0: it can be recovered, as it is or from nothing; RLQ_EREMOVED; else why not. */
static int look_at_one(const struct journaling *journaling, const struct aside_queue *queue)
{
	struct segment *segment;
	int error = seg_open_to_look(journaling->directory, queue->definition.name, &segment);

	if (error)
		return error == -ENOENT || error == RLQ_EBOOT ? 0 : error;
	if (segment->durability == RLQ_MEMORY || segment->incarnation != queue->definition.incarnation)
		error = RLQ_EEXISTS;
	else if (load_seq(&segment->header->rings) & RINGS_REMOVED)
		error = RLQ_EREMOVED;
	seg_close(segment);
	return error;
}

static int read_journal(struct restart *restart, struct replay_report *ret_report);

/* Reads the journal once more, for this queue: between turns all of it is durable. */
static int recover_one(struct journaling *journaling, uint32_t number)
{
	struct restart restart = {.journaling = journaling,
				  .recovery = {.progress = restoring, .context = &restart}};
	struct recovery *recovery = &restart.recovery;
	struct replay_report replayed;
	struct journaled journaled;
	struct recovered report;
	struct live_queue *queue;
	int error;

	recovery_begin(recovery, journaling->directory, &journaling->turn);
	recovery->drafts.only = number;
	error = read_journal(&restart, &replayed);
	if (!error)
		error = live_sort(&recovery->live);
	queue = error ? NULL : live_queue_find(&recovery->live, number);
	if (!error)
		error = queue ? recover_queue(recovery, queue, &journaled, &report) : -EIO;
	if (!error) {
		say(journaling, "%s: back", queue->definition.name);
		account_queue(&journaling->account, queue->definition.name, &report);
		error = queue_add(journaling, &journaled);
	}
	recovery_end(recovery);
	return error;
}

static int take_back(struct journaling *journaling, struct aside_queue *queue, bool is_due)
{
	uint32_t number = queue->definition.queue;
	int error = look_at_one(journaling, queue);

	queue->is_open = error == 0;
	if (error == RLQ_EREMOVED) {
		say(journaling, "%s: removed from the journal", queue->definition.name);
		error = turn_note_removal(&journaling->turn, number);
		return error ? error : aside_drop(&journaling->turn, number);
	}
	if (!is_due)
		return 0;
	if (!error)
		error = recover_one(journaling, number);
	if (!error)
		return aside_drop(&journaling->turn, number);
	if (error != queue->error && error != -ECANCELED)
		say(journaling, "%s: still set aside: %s; %s", queue->definition.name, rlq_strerror(error),
		    remedy_of(error));
	queue->error = error;
	return 0; /* the turn is for all others */
}

/* Its remover, or who has opened it again, may wait for this turn. For one that can be opened but not recovered the
 * journal is read ever more seldom. */
static int look_at_aside(struct journaling *journaling)
{
	struct aside *aside = &journaling->turn.aside;
	uint64_t now_ms = os_boot_ms();
	int error = 0;

	for (size_t i = aside->queue_count; i-- > 0 && !error;) {
		struct aside_queue *queue = &aside->queues[i];

		const bool is_due = has_changed(journaling, queue) || now_ms >= queue->retry_ms;

		if (!is_due && !queue->is_open)
			continue;
		if (is_due) {
			queue->retry_ms = now_ms + queue->wait_ms;
			if (queue->is_open && queue->wait_ms < ASIDE_RETRY_MAX_MS)
				queue->wait_ms *= 2;
		}
		error = take_back(journaling, queue, is_due);
	}
	return error;
}

/* ---- all of them ------------------------------------------------------------------------------ */

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
		error = queue_add(journaling, &journaled);
		if (!error)
			account_queue(&journaling->account, queue->definition.name, &report);
	}
	if (journaling->turn.aside.queue_count > 0 && !error)
		error = aside_doubt(&journaling->turn, &recovery->live);
	return error;
}

static int start_thread(struct journaling *journaling)
{
	struct seg_engine_page *page = journaling->directory->engine;
	int error = make_turn(journaling); /* what has changed while nobody journaled */

	if (error && error != -ENOSPC && error != -EDQUOT)
		return error; /* a full disk may get room again */
	store_seq(&page->journal_key, journaling->directory->liveness.key);
	CRASH_POINT(journal_said);
	return -pthread_create(&journaling->thread, NULL, run, journaling);
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
	const char *why = error == -ENOTSUP	  ? "is of a newer version; use that version of ringleased"
			  : error == -EMEDIUMTYPE ? "is no file of a journal; move it away"
			  : error == -EXDEV	  ? "is of another journal; move it away"
						  : rlq_strerror(error);
	char name[FORMAT_FILE_NAME_BYTES];

	if (report->at_file == 0) {
		say(journaling, "journal %s: cannot be read: %s", journaling->folder.path, why);
		return;
	}
	format_file_name(report->at_file, name);
	say(journaling, "journal %s: %s %s", journaling->folder.path, name, why);
}

static int read_journal(struct restart *restart, struct replay_report *ret_report)
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
	error = read_journal(restart, &report);
	if (error == -ECANCELED)
		return error;
	if (error) {
		say_refused(journaling, error, &report);
		return error;
	}
	account_replayed(&journaling->account, &report);
	CRASH_POINT(journal_read);
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
	return journal_open(journaling->options.disk, journaling->disk_folder, &options, &journaling->journal);
}

static int open_all(struct journaling *journaling)
{
	struct restart restart = {.journaling = journaling,
				  .recovery = {.progress = restoring, .context = &restart}};
	struct recovery *recovery = &restart.recovery;
	int error;

	journaling->account = (struct account){
		.say = journaling->options.say,
		.context = journaling->options.context,
		.path = journaling->folder.path,
	};
	account_begin(&journaling->account);
	journaling->turn.aside = (struct aside){.disk = journaling->options.disk,
						.folder = journaling->disk_folder,
						.keys = journaling->options.keys};
	recovery_begin(recovery, journaling->directory, &journaling->turn);
	error = open_journal(&restart);
	journaling->turn.journal = journaling->journal;
	if (!error)
		error = recover_all(journaling, recovery);
	CRASH_POINT(journal_recovered);
	journaling->turn.next_number = recovery->live.next_number;
	journaling->next_queue = recovery->live.next_queue;
	recovery_end(recovery);
	if (!error)
		error = start_thread(journaling);
	if (!error)
		account_end(&journaling->account);
	return error;
}

static void close_all(struct journaling *journaling)
{
	while (journaling->turn.queue_count > 0)
		queue_drop(journaling, journaling->turn.queue_count - 1);
	free(journaling->turn.queues);
	turn_end(&journaling->turn);
	journal_close(journaling->journal);
	if (journaling->disk_folder >= 0)
		journaling->options.disk->close(journaling->disk_folder);
	mirror_end(&journaling->mirror);
	data_folder_close(&journaling->folder);
	free(journaling->ignored);
	free(journaling->half_removed);
	free(journaling);
}

/* The folder that was named, or the default one; said why not. */
static int open_folder(struct journaling *journaling)
{
	char path[PATH_MAX], why[WHY_BYTES];
	const char *data = journaling->options.data;
	int error = data ? 0 : data_folder_default(journaling->directory->path, path, sizeof(path));

	if (error) {
		say(journaling, "no folder for a journal: %s; name one with --data", rlq_strerror(error));
		return error;
	}
	error = data_folder_open(data ? data : path, &journaling->folder, why, sizeof(why));
	if (error) {
		say(journaling, "journal %s", why);
		return error;
	}
	journaling->disk_folder = journaling->options.disk->open_folder(journaling->folder.path);
	if (journaling->disk_folder < 0) {
		say(journaling, "journal %s: %s", journaling->folder.path, rlq_strerror(journaling->disk_folder));
		return journaling->disk_folder;
	}
	return mirror_start(&journaling->mirror, &journaling->options.mirror, journaling->folder.path,
			    &journaling->options.disk, &journaling->disk_folder);
}

int journaling_start(const struct seg_directory *directory, const struct journaling_options *options,
		     struct journaling **ret_journaling)
{
	struct journaling *journaling = calloc(1, sizeof(*journaling));
	int error;

	if (journaling == NULL)
		return -ENOMEM;
	journaling->directory = directory;
	journaling->options = *options;
	journaling->turn.file_bytes = options->file_bytes ? options->file_bytes : JOURNAL_FILE_BYTES;
	journaling->turn.reserve.window_bytes = options->window_bytes ? options->window_bytes : 2 * WINDOW_BYTES;
	journaling->turn.reserve.files_max = options->bytes_max / journaling->turn.file_bytes;
	if (journaling->options.disk == NULL)
		journaling->options.disk = &os_disk_real;
	journaling->options.mirror.keys = options->keys;
	journaling->options.mirror.is_stopped = options->is_stopped;
	journaling->options.mirror.say = options->say;
	journaling->options.mirror.context = options->context;
	journaling->folder.fd = journaling->folder.lock_fd = journaling->disk_folder = -1;
	os_clock_start(&journaling->turn.clock);
	error = open_folder(journaling);
	if (!error)
		error = open_all(journaling);
	if (error) {
		close_all(journaling);
		return error;
	}
	for (size_t i = 0; i < journaling->half_removed_count; i++) {
		seg_finish_removal(directory, journaling->half_removed[i]);
		CRASH_POINT(recover_removal_finished);
	}
	*ret_journaling = journaling;
	return 0;
}

void journaling_stop(struct journaling *journaling)
{
	struct seg_engine_page *page;

	if (journaling == NULL)
		return;
	page = journaling->directory->engine;
	/* No new ones; those who wait get the turn that `run` still makes. */
	store_seq(&page->journal_key, 0);
	atomic_store(&journaling->is_stopped, true);
	seg_wake(&page->journal_bell, 1);
	pthread_join(journaling->thread, NULL);
	close_all(journaling);
}
