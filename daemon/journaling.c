#include "daemon/journaling.h"

#include "daemon/compact.h"
#include "daemon/journaling_state.h"
#include "daemon/restart.h"
#include "daemon/roster.h"
#include "daemon/take_back.h"
#include "kmod-free/futex.h"
#include "ring/crashpoint.h"
#include "ringlease.h"
#include "shm/durable.h"
#include "shm/removal.h"
#include "shm/window.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
	HALF_WINDOW_MS = 5, /* an async queue's turn begins so long after it was wanted */
	IDLE_MS = 1000,
	RETRY_MS = 1000, /* after a failure that did not pass */
	WHY_BYTES = 512,
};

/* ---- turns ------------------------------------------------------------------------------------ */

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

/* What a failed turn should have written is in flight still. */
static void carry_windows(const struct journaling *journaling, const struct seg_engine_page *page)
{
	const struct turn *turn = &journaling->turn;

	for (size_t i = 0; i < turn->queue_count && seg_turn_is_open(page); i++)
		if (turn->queues[i]->segment->durability == RLQ_ASYNC)
			seg_window_carry(turn->queues[i]->segment, load_seq(&page->turn_begun));
}

/* Each turn has a greater number than any that somebody may wait for. */
static int try_turn(struct journaling *journaling)
{
	struct seg_engine_page *page = journaling->directory->engine;
	int error;

	carry_windows(journaling, page);
	journaling->turn.number = seg_turn_begin(page);
	CRASH_POINT(turn_begun);
	compact_look(&journaling->turn, page);
	error = roster_look(journaling);
	if (!error)
		error = take_back_aside(journaling);
	CRASH_POINT(turn_queues_found);
	if (!error)
		error = turn_run(&journaling->turn, page);
	if (error)
		return error;
	roster_say_journaled(journaling);
	CRASH_POINT(turn_queues_said);
	turn_settle(&journaling->turn);
	CRASH_POINT(turn_settled);
	compact_tell(&journaling->turn, page);
	if (reserve_tell(&journaling->turn))
		say_room(journaling);
	seg_turn_done(page, journaling->turn.number);
	CRASH_POINT(turn_waiters_woken);
	roster_drop_removed(journaling);
	say_let_go(journaling);
	return 0;
}

/* Not one file fits. */
static const char *remedy(const struct journaling *journaling, int error)
{
	return error == -ENOSPC && journal_files(journaling->journal) == 0 &&
			       journaling->turn.file_bytes == JOURNAL_FILE_BYTES
		       ? "; a file takes 64 MiB, --journal-max makes them a 16th of the journal"
		       : "";
}

static void turn_failed(struct journaling *journaling, int error)
{
	struct seg_engine_page *page = journaling->directory->engine;

	if (!journaling->failure)
		say(journaling,
		    "journal %s: cannot be written: %s; durable queues take nothing until it can (tried every "
		    "second)%s",
		    journaling->folder.path, rlq_strerror(error), remedy(journaling, error));
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

static int start_thread(struct journaling *journaling)
{
	struct seg_engine_page *page = journaling->directory->engine;
	int error = make_turn(journaling); /* what has changed while nobody journaled */

	if (error && error != -ENOSPC && error != -EDQUOT)
		return error; /* a full disk may get room again */
	store_seq(&page->journal_key, journaling->liveness.key);
	CRASH_POINT(journal_said);
	error = -pthread_create(&journaling->thread, NULL, run, journaling);
	if (error)
		say(journaling, "journal %s: no thread for it: %s", journaling->folder.path, rlq_strerror(error));
	return error;
}

static int open_all(struct journaling *journaling)
{
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
	error = restart_all(journaling);
	if (!error)
		error = start_thread(journaling);
	if (!error)
		account_end(&journaling->account);
	return error;
}

static void close_all(struct journaling *journaling)
{
	if (journaling->liveness.key)
		os_liveness_stop(&journaling->liveness);
	roster_end(journaling);
	turn_end(&journaling->turn);
	journal_close(journaling->journal);
	if (journaling->disk_folder >= 0)
		journaling->options.disk->close(journaling->disk_folder);
	mirror_end(&journaling->mirror);
	data_folder_close(&journaling->folder);
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
		if (error != -EBUSY || !journaling->options.is_awaited)
			say(journaling, "journal %s", why);
		return error;
	}
	journaling->disk = *journaling->options.disk;
	journaling->disk.kept_open = journaling->folder.lock_fd;
	journaling->options.disk = &journaling->disk;
	journaling->disk_folder = journaling->options.disk->open_folder(journaling->folder.path);
	if (journaling->disk_folder < 0) {
		say(journaling, "journal %s: %s", journaling->folder.path, rlq_strerror(journaling->disk_folder));
		return journaling->disk_folder;
	}
	return mirror_start(&journaling->mirror, &journaling->options.mirror, journaling->folder.path,
			    &journaling->options.disk, &journaling->disk_folder);
}

static int start_life(struct journaling *journaling)
{
	int error = os_liveness_start(journaling->directory->fd, &journaling->liveness);

	if (error)
		say(journaling, "the journal cannot be started: %s", rlq_strerror(error));
	return error;
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
	error = start_life(journaling);
	if (!error)
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
