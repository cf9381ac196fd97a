/* The threads of a watch. Each sleeps on the events of up to WATCH_QUEUES_MAX queues, as a consumer sleeps on one
 * (ring/event.h): the tickets come from rlq_watch_arm(), the looks in between are the user's. */
#include "client/watch.h"

#include "ring/event.h"

#include <errno.h>
#include <stdlib.h>

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void watch_ring(struct watch_worker *worker)
{
	if (!worker->is_asleep)
		return;
	worker->is_asleep = false; /* once is enough */
	atomic_fetch_add(&worker->bell, 1);
	os_futex_wake(&worker->bell, 1);
}

/* ---- awake ------------------------------------------------------------------------------------ */

/* A wake-up meant for one consumer may have come to us, and our user may receive nothing: another one looks too. He
 * sleeps by a ticket older than the message; whoever has a newer one has looked since. */
static void pass_on(const struct watched *watched)
{
	os_futex_wake(&watched->seg->header->consumers, 1);
}

static void look(struct rlq_watch *watch, struct watched *watched)
{
	uint32_t seen = load32_acquire(&watched->seg->header->consumers); /* [E1] what was sent before it */
	bool is_gone = watched_is_gone(watched);

	if (watched->is_slept_on && seen != watched->slept_ticket)
		pass_on(watched);
	watched->is_slept_on = false;
	if (watched->state == WATCHED_ARMED && (seen != watched->ticket || is_gone))
		watched_report(watch, watched, is_gone);
}

/* What is not armed any more is no longer ours. */
static void look_at_all(struct watch_worker *worker)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < worker->count; i++) {
		struct watched *watched = worker->watched[i];

		look(worker->watch, watched);
		if (watched->state == WATCHED_ARMED)
			worker->watched[kept++] = watched;
		else
			watched_let_go(worker->watch, watched);
	}
	worker->count = kept;
}

/* Without the mutex: who is called takes the reports. */
static void tell(struct watch_worker *worker)
{
	struct rlq_watch *watch = worker->watch;

	worker->has_reported = false;
	if (watch->call == NULL)
		return;
	pthread_mutex_unlock(&watch->mutex);
	watch->call(watch->call_context);
	pthread_mutex_lock(&watch->mutex);
}

static void prepare_sleep(struct watch_worker *worker)
{
	worker->words[0] = os_futex_await(&worker->bell, atomic_load(&worker->bell));
	for (uint32_t i = 0; i < worker->count; i++) {
		struct watched *watched = worker->watched[i];

		worker->words[1 + i] = os_futex_await(&watched->seg->header->consumers, watched->ticket);
		watched->slept_ticket = watched->ticket;
		watched->is_slept_on = true;
	}
	worker->is_asleep = true;
}

/* ---- asleep, without the mutex ---------------------------------------------------------------- */

/* The engine's work for our queues if it is not prompt. Returns until when to sleep. */
static uint64_t reap(struct watch_worker *worker, uint32_t count, uint64_t now_ms)
{
	const struct seg_directory *directory = &worker->watch->directory->seg;
	uint64_t until_ms = now_ms + SLICE_MS;

	if (count == 0)
		return UINT64_MAX;
	/* Wake to see whether it still is, when it should have been awake itself. */
	if (seg_engine_is_prompt(directory, now_ms))
		return load_relaxed(&directory->engine->awake_by_ms) + ENGINE_PATIENCE_MS + 1;
	for (uint32_t i = 0; i < count; i++) {
		struct watched *watched = worker->watched[i];

		until_ms = earlier(until_ms, seg_reap_for_client(watched->seg, &watched->sweep));
	}
	return until_ms;
}

/* ---- the thread ------------------------------------------------------------------------------- */

static void *work(void *context)
{
	struct watch_worker *worker = context;
	struct rlq_watch *watch = worker->watch;

	pthread_mutex_lock(&watch->mutex);
	for (;;) {
		uint64_t now_ms = os_boot_ms(), until_ms = UINT64_MAX;
		uint32_t count;

		look_at_all(worker);
		if (watch->is_closed)
			break;
		if (worker->has_reported) {
			tell(worker);
			continue; /* closed or armed meanwhile? */
		}
		if (worker == watch->workers)
			until_ms = watch_close_kept(watch, now_ms);
		prepare_sleep(worker);
		count = worker->count; /* others may be added meanwhile, behind these */
		pthread_mutex_unlock(&watch->mutex);
		until_ms = earlier(until_ms, reap(worker, count, now_ms));
		os_futex_wait_many(worker->words, 1 + count, until_ms);
		pthread_mutex_lock(&watch->mutex);
		worker->is_asleep = false;
	}
	pthread_mutex_unlock(&watch->mutex);
	return NULL;
}

static int start_worker(struct rlq_watch *watch, struct watch_worker **ret_worker)
{
	struct watch_worker *worker = calloc(1, sizeof(*worker)), **last = &watch->workers;
	int error;

	if (worker == NULL)
		return -ENOMEM;
	worker->watch = watch;
	error = os_thread_start("ringlease-watch", work, worker, &worker->thread);
	if (error) {
		free(worker);
		return error;
	}
	while (*last)
		last = &(*last)->next;
	*last = worker;
	*ret_worker = worker;
	return 0;
}

int watch_find_worker(struct rlq_watch *watch, struct watch_worker **ret_worker)
{
	for (struct watch_worker *worker = watch->workers; worker; worker = worker->next) {
		if (worker->count < WATCH_QUEUES_MAX) {
			*ret_worker = worker;
			return 0;
		}
	}
	return start_worker(watch, ret_worker);
}

void watch_end_workers(struct rlq_watch *watch)
{
	struct watch_worker *worker = watch->workers;

	while (worker) {
		struct watch_worker *next = worker->next;

		pthread_join(worker->thread, NULL);
		free(worker);
		worker = next;
	}
}
