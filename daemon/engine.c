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

#include "daemon/engine_state.h"
#include "daemon/journal.h"
#include "daemon/rounds.h"
#include "daemon/served.h"
#include "kmod-free/futex.h"
#include "ring/event.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

void engine_say(void *context, const char *format, ...)
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

static void tell_served(struct rlq_engine *engine)
{
	if (engine->options.is_served && !engine->has_told_served)
		engine->options.is_served(engine->options.context);
	engine->has_told_served = true;
}

/* ---- election --------------------------------------------------------------------------------- */

/* One engine serves, others stand by: a lock elects, and is lost with its holder. Serving without it
 * is safe, so a stopped holder does not keep us from it. False: we were stopped. */
static bool stand_by(struct rlq_engine *engine)
{
	bool has_said = false;

	while (!atomic_load(&engine->is_stopped) && flock(engine->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		uint64_t now_ms = os_boot_ms();
		uint64_t awake_by = load_relaxed(&engine->directory.engine->awake_by_ms);

		if (now_ms > awake_by + ENGINE_IDLE_MS) {
			engine->is_beside_another = true;
			return true;
		}
		if (!has_said)
			engine_say(engine, "another engine serves %s; standing by", engine->directory.path);
		has_said = true;
		tell_served(engine);
		os_futex_wait(&engine->stop_bell, 0, now_ms + ENGINE_IDLE_MS);
	}
	return !atomic_load(&engine->is_stopped);
}

/* ---- public ----------------------------------------------------------------------------------- */

static int open_keys(struct rlq_engine *engine)
{
	const struct rlq_engine_options *options = &engine->options;
	char why[RLQ_JOURNAL_TEXT_BYTES];
	int error = keys_open(options->key, options->old_keys, &engine->keys, why, sizeof(why));

	if (error)
		engine_say(engine, "%s", why);
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
		engine_say(engine, "cannot serve %s: %s", directory_text(path), rlq_strerror(error));
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
		.say = engine_say,
		.context = engine,
		.is_stopped = &engine->is_stopped,
		.is_awaited = engine->is_journal_awaited,
	};
	int error;

	if (engine->data == NULL || engine->journaling || os_boot_ms() < engine->journal_retry_ms)
		return 0;
	error = journaling_start(&engine->directory, &options, &engine->journaling);
	if (error == -ECANCELED) {
		engine_say(engine, "stopped amid recovery; the journal is as it was");
		return 0;
	}
	engine->is_journal_awaited = error == -EBUSY && engine->is_beside_another;
	engine->journal_retry_ms = engine->is_journal_awaited ? os_boot_ms() + ENGINE_IDLE_MS : UINT64_MAX;
	if (!error || (is_wanted && !engine->is_journal_awaited))
		return error;
	if (!options.is_awaited)
		engine_say(engine, "no journal%s: durable queues are refused",
			   engine->is_journal_awaited ? " until that engine, which is late, lets it go" : "");
	return 0;
}

static int serve(struct rlq_engine *engine)
{
	int error = 0;

	engine_say(engine, "serving %s", engine->directory.path);
	while (!atomic_load(&engine->is_stopped) && !error) {
		uint64_t next;

		error = journal_from_now(engine);
		if (error)
			break; /* it has been said why */
		error = served_look(engine);
		if (error) {
			engine_say(engine, "cannot list the queues of %s: %s", engine->directory.path,
				   rlq_strerror(error));
			break;
		}
		next = rounds_turn(engine);
		store_seq(&engine->directory.engine->awake_by_ms, engine->clock.boot_ms);
		tell_served(engine);
		if (next > engine->clock.boot_ms)
			rounds_sleep(engine, next);
	}
	journaling_stop(engine->journaling);
	engine->journaling = NULL;
	/* Said, so that clients do our work from now on. */
	store_seq(&engine->directory.engine->awake_by_ms, 0);
	flock(engine->lock_fd, LOCK_UN);
	return error;
}

int rlq_engine_run(struct rlq_engine *engine)
{
	/* The lock is shared with the parent, and the rows are the parent's. */
	if (!os_liveness_is_own(&engine->directory.liveness))
		return RLQ_EFORKED;
	engine->has_told_served = false;
	if (stand_by(engine))
		return serve(engine);
	return 0;
}

void rlq_engine_stop(struct rlq_engine *engine)
{
	atomic_store(&engine->is_stopped, true);
	atomic_store(&engine->stop_bell, 1);
	os_futex_wake(&engine->stop_bell, INT32_MAX);
	event_advance(&engine->directory.engine->bell);
	os_futex_wake(&engine->directory.engine->bell, INT32_MAX);
}

void rlq_engine_close(struct rlq_engine *engine)
{
	if (engine == NULL)
		return;
	served_end(engine);
	close(engine->lock_fd);
	seg_directory_close(&engine->directory);
	drop_options(engine);
}
