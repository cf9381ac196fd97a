/* The engine: looks after all queues of a directory.
 *
 * One loop. Each turn does a bounded piece of work for every queue (what is due, a part of a sweep),
 * then says in the directory's page when it will be awake again, looks once more at what is due ([W2]),
 * and sleeps on the bell. Who makes something due earlier rings it ([W1]). While nothing moves it
 * wakes once a second, to look for the dead and to try again queues that it could not open.
 *
 * Being stopped or killed costs nobody anything but punctuality: every step is a CAS that others can
 * do, and clients do when the page says that the engine is late.
 */
#include "ringlease-engine.h"

#include "daemon/journal.h"
#include "daemon/journaling.h"
#include "daemon/listing.h"
#include "kmod-free/futex.h"
#include "ring/event.h"
#include "shm/reap.h"
#include "shm/rows.h"
#include "shm/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum {
	IDLE_MS = 1000,			 /* longest sleep */
	RETRY_MAX_MS = 60000,		 /* between tries to open a queue */
	DUE_GROUPS = 1024,		 /* groups of 64 slots brought up to date per queue and turn */
	SWEEP_SLOTS = 16384,		 /* slots swept per queue and turn */
	HEAD_LOOKS = 4 * CURSOR_LAG_MAX, /* positions from the head on where a message may be visible */
};

/* One queue that we look after. */
struct served {
	char name[SEG_NAME_MAX + 1];
	struct segment *segment;
	struct sweep sweep;
	uint64_t next_ms;
	bool is_seen; /* by the latest listing */
};

/* One that could not be opened; tried again, ever more seldom. */
struct refused {
	char name[SEG_NAME_MAX + 1];
	int error; /* as said last */
	uint64_t retry_ms, wait_ms;
	bool is_seen;
};

struct rlq_engine {
	struct seg_directory directory;
	struct rlq_engine_options options;
	struct served *served;
	size_t served_count;
	struct refused *refused;
	size_t refused_count;
	struct listing listing;
	struct os_clock clock;
	uint64_t looked_ms; /* when the dead were last looked for, boot clock */
	int lock_fd;
	atomic_bool is_stopped;
	char *data;   /* as asked for; NULL: no journal */
	char *mirror; /* NULL: none */
	struct keys *keys;
	struct journaling *journaling;
	bool is_beside_another; /* an engine that is late, not dead: it still has the journal */
	uint64_t journal_retry_ms;
	bool is_journal_awaited; /* it has been said that another engine has it */
};

static __attribute__((format(printf, 2, 3))) void say(void *context, const char *format, ...)
{
	struct rlq_engine *engine = context;
	char text[512];
	va_list arguments;

	if (engine->options.log == NULL)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	engine->options.log(engine->options.context, text);
}

/* ---- which queues ----------------------------------------------------------------------------- */

static void served_drop(struct rlq_engine *engine, size_t index)
{
	seg_close(engine->served[index].segment);
	engine->served[index] = engine->served[--engine->served_count];
}

static struct served *served_find(struct rlq_engine *engine, const char *name)
{
	for (size_t i = 0; i < engine->served_count; i++)
		if (strcmp(engine->served[i].name, name) == 0)
			return &engine->served[i];
	return NULL;
}

/* A queue removed and made again under its name is another one. */
static bool is_removed(const struct served *served)
{
	return load_relaxed(&served->segment->header->rings) & RINGS_REMOVED; /* relaxed: asked each turn */
}

static struct refused *refused_find(struct rlq_engine *engine, const char *name)
{
	for (size_t i = 0; i < engine->refused_count; i++)
		if (strcmp(engine->refused[i].name, name) == 0)
			return &engine->refused[i];
	return NULL;
}

static void refused_drop(struct rlq_engine *engine, struct refused *refused)
{
	*refused = engine->refused[--engine->refused_count];
}

static struct refused *refused_add(struct rlq_engine *engine, const char *name)
{
	struct refused *more = reallocarray(engine->refused, engine->refused_count + 1, sizeof(*more));

	if (more == NULL)
		return NULL;
	engine->refused = more;
	more += engine->refused_count++;
	*more = (struct refused){0};
	strncpy(more->name, name, SEG_NAME_MAX);
	return more;
}

/* Says why once, and when to try again. */
static int refuse(struct rlq_engine *engine, const char *name, int error)
{
	struct refused *refused = refused_find(engine, name);

	if (refused == NULL)
		refused = refused_add(engine, name);
	if (refused == NULL)
		return -ENOMEM;
	if (refused->error != error) {
		say(engine, "%s: not served: %s", name, rlq_strerror(error == -ENOENT ? RLQ_ENOQUEUE : error));
		refused->wait_ms = IDLE_MS / 2;
	}
	refused->error = error;
	refused->wait_ms = refused->wait_ms * 2 < RETRY_MAX_MS ? refused->wait_ms * 2 : RETRY_MAX_MS;
	refused->retry_ms = engine->clock.boot_ms + refused->wait_ms;
	refused->is_seen = true;
	return 0;
}

static int serve_segment(struct rlq_engine *engine, const char *name, struct segment *segment)
{
	struct served *more = reallocarray(engine->served, engine->served_count + 1, sizeof(*more));
	struct refused *refused = refused_find(engine, name);

	if (more == NULL) {
		seg_close(segment);
		return -ENOMEM;
	}
	if (refused)
		refused_drop(engine, refused);
	engine->served = more;
	more += engine->served_count++;
	*more = (struct served){.segment = segment, .is_seen = true};
	strncpy(more->name, name, SEG_NAME_MAX);
	say(engine, "%s: served", name);
	return 0;
}

static int served_add(void *context, const char *name)
{
	struct rlq_engine *engine = context;
	struct served *served = served_find(engine, name);
	struct segment *segment;
	int error;

	if (served && !is_removed(served)) {
		served->is_seen = true;
		return 0;
	}
	error = seg_open(&engine->directory, name, &segment);
	return error ? refuse(engine, name, error) : serve_segment(engine, name, segment);
}

/* Tries those again whose time has come. What is wrong may end without a trace in the directory: rows come
 * free, rights are given. */
static int retry_refused(struct rlq_engine *engine)
{
	int error = 0;

	for (size_t i = engine->refused_count; i-- > 0 && !error;) {
		char name[SEG_NAME_MAX + 1];

		if (engine->clock.boot_ms < engine->refused[i].retry_ms)
			continue;
		memcpy(name, engine->refused[i].name, sizeof(name));
		error = served_add(engine, name);
	}
	return error;
}

/* Lists the directory when it has changed; else tries again what was refused. */
static int list_queues(struct rlq_engine *engine)
{
	int error;

	for (size_t i = engine->served_count; i-- > 0;)
		if (is_removed(&engine->served[i])) {
			say(engine, "%s: removed", engine->served[i].name);
			served_drop(engine, i);
		}
	os_clock_read(&engine->clock);
	error = listing_is_due(&engine->listing, engine->directory.fd);
	if (error <= 0)
		return error ? error : retry_refused(engine);
	for (size_t i = 0; i < engine->served_count; i++)
		engine->served[i].is_seen = false;
	for (size_t i = 0; i < engine->refused_count; i++)
		engine->refused[i].is_seen = false;
	error = seg_directory_list(&engine->directory, NULL, served_add, engine);
	for (size_t i = engine->served_count; i-- > 0;)
		if (!engine->served[i].is_seen)
			served_drop(engine, i);
	for (size_t i = engine->refused_count; i-- > 0;)
		if (!engine->refused[i].is_seen)
			refused_drop(engine, &engine->refused[i]);
	return error;
}

/* ---- one turn --------------------------------------------------------------------------------- */

/* By a guess: consumers write the head only every CURSOR_LAG_MAX positions, and what they have taken lies
 * there in between. */
static bool is_anything_visible(const struct ring *ring)
{
	uint64_t head = load_relaxed(&ring->ends->head); /* relaxed: as said */

	if (bitmap_any(&ring->again))
		return true;
	for (uint64_t at = head; at < head + HEAD_LOOKS; at++) {
		struct slot_word word = slot_read(&ring->slots[at & ring->mask]);

		if (word_state(word) == SLOT_READY && word_generation(word) == at >> ring->order)
			return true;
	}
	return false;
}

/* A consumer that was woken and died has left its message: wake another while there is one. */
static void wake_another(struct segment *segment)
{
	if (!event_has_sleepers(&segment->header->consumers))
		return;
	for (uint32_t i = 0; i < rings_count(segment->rings); i++) {
		if (is_anything_visible(&segment->ring[rings_at(segment->rings, i)])) {
			seg_notify(segment, 1);
			return;
		}
	}
}

/* Returns when the queue wants to be looked at again. */
static uint64_t serve(struct served *served, struct life_memo *memo)
{
	struct segment *segment = served->segment;
	uint64_t next;

	if (seg_enter(segment) != 0)
		return DUE_NEVER;
	os_clock_read(&segment->clock);
	next = seg_reap_due(segment, DUE_GROUPS);
	wake_another(segment);
	seg_leave(segment);
	if (memo)
		seg_free_dead_rows(segment, memo);
	if (seg_sweep_is_due(segment, &served->sweep) && seg_sweep_step(segment, &served->sweep, SWEEP_SLOTS))
		next = 0;
	if (served->sweep.due_ms < next && (!served->sweep.is_running || served->sweep.is_paused))
		next = served->sweep.due_ms;
	return next;
}

/* The earliest that anything is due, by the hints alone. */
static uint64_t due_of(struct segment *segment)
{
	uint64_t next = DUE_NEVER;

	if (seg_enter(segment) != 0)
		return DUE_NEVER;
	for (uint32_t i = 0; i < rings_count(segment->rings); i++) {
		uint64_t due = due_earliest(&segment->ring[rings_at(segment->rings, i)].due);

		if (due < next)
			next = due;
	}
	seg_leave(segment);
	return next;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t turn(struct rlq_engine *engine)
{
	struct life_memo memo = {0};
	uint64_t next = DUE_NEVER;
	bool look_for_dead;

	os_clock_read(&engine->clock);
	look_for_dead = engine->clock.boot_ms >= engine->looked_ms + IDLE_MS;
	if (look_for_dead) {
		engine->looked_ms = engine->clock.boot_ms;
		seg_directory_tidy(&engine->directory);
	}
	for (size_t i = 0; i < engine->served_count; i++)
		next = earlier(next, serve(&engine->served[i], look_for_dead ? &memo : NULL));
	os_clock_read(&engine->clock);
	return earlier(next, engine->clock.boot_ms + (engine->listing.again ? LISTING_GRAIN_MS : IDLE_MS));
}

static void sleep_until(struct rlq_engine *engine, uint64_t until_ms)
{
	struct seg_engine_page *page = engine->directory.engine;
	uint32_t ticket;

	store_seq(&page->awake_by_ms, until_ms);
	ticket = event_prepare(&page->bell);
	/* [W2] Said when we wake, now look again at what is due: pairs with [W1]. */
	for (size_t i = 0; i < engine->served_count; i++)
		if (due_of(engine->served[i].segment) < until_ms)
			return;
	if (!atomic_load(&engine->is_stopped))
		os_futex_wait(&page->bell, ticket, until_ms);
}

/* ---- election --------------------------------------------------------------------------------- */

/* One engine serves, others stand by: a lock elects, and is lost with its holder. Serving without it
 * is safe, so a stopped holder does not keep us from it. */
static void stand_by(struct rlq_engine *engine)
{
	bool has_said = false;

	while (!atomic_load(&engine->is_stopped) && flock(engine->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		uint64_t now_ms = os_boot_ms();
		uint64_t awake_by = load_relaxed(&engine->directory.engine->awake_by_ms);
		_Atomic uint32_t nothing = 0;

		if (now_ms > awake_by + IDLE_MS) {
			engine->is_beside_another = true;
			return;
		}
		if (!has_said)
			say(engine, "another engine serves %s; standing by", engine->directory.path);
		has_said = true;
		os_futex_wait(&nothing, 0, now_ms + IDLE_MS);
	}
}

/* ---- public ----------------------------------------------------------------------------------- */

static int open_keys(struct rlq_engine *engine)
{
	const struct rlq_engine_options *options = &engine->options;
	char why[RLQ_JOURNAL_TEXT_BYTES];
	int error = keys_open(options->key, options->old_keys, &engine->keys, why, sizeof(why));

	if (error)
		say(engine, "%s", why);
	return error;
}

/* What the caller's pointers name may go. */
static int copy_options(struct rlq_engine *engine)
{
	const struct rlq_engine_options *options = &engine->options;
	const uint32_t alone = RLQ_ENGINE_WITHOUT_MIRROR | RLQ_ENGINE_ACCEPT_STALE;

	if (options->mirror && (options->data == NULL || options->flags & alone))
		return RLQ_EATTRIBUTE;
	if (options->journal_bytes_max && options->journal_bytes_max < RLQ_JOURNAL_MAX_LEAST)
		return RLQ_EATTRIBUTE;
	engine->data = options->data ? strdup(options->data) : NULL;
	engine->mirror = options->mirror ? strdup(options->mirror) : NULL;
	if ((options->data && engine->data == NULL) || (options->mirror && engine->mirror == NULL))
		return -ENOMEM;
	return 0;
}

static void drop_options(struct rlq_engine *engine)
{
	keys_close(engine->keys);
	free(engine->data);
	free(engine->mirror);
	free(engine);
}

/* The directory of queues, as far as we know which one. */
static const char *directory_text(const char *path)
{
	const char *given = path && *path ? path : getenv("RINGLEASE_DIR");

	return given && *given ? given : "the default directory of queues";
}

static int open_directory(struct rlq_engine *engine, const char *path)
{
	int error = copy_options(engine);

	if (!error)
		error = seg_directory_open(path, &engine->directory);
	if (!error) {
		engine->lock_fd = openat(engine->directory.fd, ".engine", O_RDWR | O_CLOEXEC);
		error = engine->lock_fd < 0 ? -errno : 0;
		if (error)
			seg_directory_close(&engine->directory);
	}
	if (error)
		say(engine, "cannot serve %s: %s", directory_text(path), rlq_strerror(error));
	return error;
}

int rlq_engine_open(const char *path, const struct rlq_engine_options *options, struct rlq_engine **ret_engine)
{
	struct rlq_engine *engine = calloc(1, sizeof(*engine));
	int error;

	if (engine == NULL)
		return -ENOMEM;
	engine->options = (struct rlq_engine_options)RLQ_ENGINE_OPTIONS_INIT;
	if (options && options->size != sizeof(*options)) { /* the first version has one size */
		free(engine);
		return RLQ_EATTRIBUTE;
	}
	if (options)
		engine->options = *options;
	error = open_keys(engine);
	if (!error)
		error = open_directory(engine, path);
	if (error) {
		drop_options(engine);
		return error;
	}
	os_clock_start(&engine->clock);
	*ret_engine = engine;
	return 0;
}

/* A file is at most a 16th of all, so that what waits for use is not most of it. */
static uint64_t file_bytes_of(uint64_t journal_bytes_max)
{
	uint64_t bytes = journal_bytes_max / 16 & ~(FORMAT_FRAME_BYTES - UINT64_C(1));

	return journal_bytes_max == 0 || bytes > JOURNAL_FILE_BYTES ? JOURNAL_FILE_BYTES : bytes;
}

/* A journal that was not asked for by name may be missing; that of a late engine is tried again until it lets go.
 */
static int journal_from_now(struct rlq_engine *engine)
{
	const uint32_t flags = engine->options.flags;
	/* A key, a mirror, or what is asked for, is not to be passed over either. */
	bool is_wanted =
		keys_current(engine->keys) || (engine->data && (engine->data[0] || engine->mirror || flags));
	struct journaling_options options = {
		.data = engine->data && engine->data[0] ? engine->data : NULL,
		.mirror = {.path = engine->mirror,
			   .without_mirror = flags & RLQ_ENGINE_WITHOUT_MIRROR,
			   .accept_stale = flags & RLQ_ENGINE_ACCEPT_STALE,
			   .adopt = flags & RLQ_ENGINE_ADOPT},
		.file_bytes = file_bytes_of(engine->options.journal_bytes_max),
		.bytes_max = engine->options.journal_bytes_max,
		.keys = engine->keys,
		.say = say,
		.context = engine,
		.is_stopped = &engine->is_stopped,
		.is_awaited = engine->is_journal_awaited,
	};
	int error;

	if (engine->data == NULL || engine->journaling || os_boot_ms() < engine->journal_retry_ms)
		return 0;
	error = journaling_start(&engine->directory, &options, &engine->journaling);
	if (error == -ECANCELED) {
		say(engine, "stopped amid recovery; the journal is as it was");
		return 0;
	}
	engine->is_journal_awaited = error == -EBUSY && engine->is_beside_another;
	engine->journal_retry_ms = engine->is_journal_awaited ? os_boot_ms() + IDLE_MS : UINT64_MAX;
	if (!error || (is_wanted && !engine->is_journal_awaited))
		return error;
	if (!options.is_awaited)
		say(engine, "no journal%s: durable queues are refused",
		    engine->is_journal_awaited ? " until that engine, which is late, lets it go" : "");
	return 0;
}

int rlq_engine_run(struct rlq_engine *engine)
{
	int error = 0;

	/* The lock is shared with the parent, and the rows are the parent's. */
	if (!os_liveness_is_own(&engine->directory.liveness))
		return RLQ_EFORKED;
	stand_by(engine);
	if (!atomic_load(&engine->is_stopped))
		say(engine, "serving %s", engine->directory.path);
	while (!atomic_load(&engine->is_stopped) && !error) {
		uint64_t next;

		error = journal_from_now(engine);
		if (error)
			break; /* it has been said why */
		error = list_queues(engine);
		if (error) {
			say(engine, "cannot list the queues of %s: %s", engine->directory.path,
			    rlq_strerror(error));
			break;
		}
		next = turn(engine);
		if (next > engine->clock.boot_ms)
			sleep_until(engine, next);
		else
			store_seq(&engine->directory.engine->awake_by_ms, engine->clock.boot_ms);
	}
	journaling_stop(engine->journaling);
	engine->journaling = NULL;
	/* Said, so that clients do our work from now on. */
	store_seq(&engine->directory.engine->awake_by_ms, 0);
	flock(engine->lock_fd, LOCK_UN);
	return error;
}

void rlq_engine_stop(struct rlq_engine *engine)
{
	atomic_store(&engine->is_stopped, true);
	event_advance(&engine->directory.engine->bell);
	os_futex_wake(&engine->directory.engine->bell, INT32_MAX);
}

void rlq_engine_close(struct rlq_engine *engine)
{
	if (engine == NULL)
		return;
	while (engine->served_count > 0)
		served_drop(engine, engine->served_count - 1);
	free(engine->served);
	free(engine->refused);
	close(engine->lock_fd);
	seg_directory_close(&engine->directory);
	drop_options(engine);
}
