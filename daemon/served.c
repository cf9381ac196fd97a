#include "daemon/served.h"

#include "daemon/engine_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_MAX_MS = 60000 }; /* between tries to open a queue */

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
		engine_say(engine, "%s: not served: %s", name,
			   rlq_strerror(error == -ENOENT ? RLQ_ENOQUEUE : error));
		refused->wait_ms = ENGINE_IDLE_MS / 2;
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
	engine_say(engine, "%s: served", name);
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

int served_look(struct rlq_engine *engine)
{
	int error;

	for (size_t i = engine->served_count; i-- > 0;)
		if (is_removed(&engine->served[i])) {
			engine_say(engine, "%s: removed", engine->served[i].name);
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

void served_end(struct rlq_engine *engine)
{
	while (engine->served_count > 0)
		served_drop(engine, engine->served_count - 1);
	free(engine->served);
	free(engine->refused);
}
