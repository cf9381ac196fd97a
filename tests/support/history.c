#include "tests/support/history.h"

#include "tests/support/history_check.h"
#include "tests/support/shared.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FAULTS_SAID_MAX = 20 };

/* ---- logs ------------------------------------------------------------------------------------- */

int64_t history_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

struct history_log *history_log_new(uint32_t capacity)
{
	struct history_log *log = shared_memory(sizeof(*log));

	log->event = shared_memory(capacity * sizeof(*log->event));
	log->capacity = capacity;
	return log;
}

void history_log_clear(struct history_log *log)
{
	memset(log->event, 0, log->count * sizeof(*log->event));
	log->count = 0;
}

struct history_event *history_add(struct history_log *log, struct history_event event)
{
	struct history_event *at = &log->event[log->count];

	if (log->count == log->capacity)
		return NULL;
	*at = event;
	/* Killed before: it does not count, and what it tells of has not begun. */
	__atomic_store_n(&log->count, log->count + 1, __ATOMIC_RELEASE);
	return at;
}

/* ---- one message ------------------------------------------------------------------------------ */

void history_report(struct history_check *check, const char *what, const struct history_event *first,
		    const struct history_event *second)
{
	if (check->faults++ >= FAULTS_SAID_MAX)
		return;
	fprintf(check->out, "%s: message %" PRIx64, what, first->id);
	for (int i = 0; i < 2; i++) {
		const struct history_event *event = i ? second : first;

		if (event)
			fprintf(check->out,
				"; kind %d, outcome %d, count %u, dlq %d, %" PRId64 " to %" PRId64
				" us, lease %" PRId64 " us",
				event->kind, event->outcome, event->receive_count, event->is_dlq,
				event->start_ns / 1000, event->end_ns / 1000, event->lease_ns / 1000);
		if (event && check->history->is_fifo)
			fprintf(check->out,
				", message %" PRIx64 " of group %" PRIu32 ", number %" PRIu64 ", id %" PRIu32 "%s",
				event->id, event->group, event->sequence, event->dedup_id,
				event->is_duplicate ? ", a duplicate" : "");
	}
	fputc('\n', check->out);
}

static bool is_same_lease(const struct history_event *a, const struct history_event *b)
{
	return a->receive_count == b->receive_count && a->is_dlq == b->is_dlq && a->epoch == b->epoch;
}

/* Had the holder begun to give up, or to set anew, the lease of this receive or extension before `until_ns`? */
static bool is_given_up(const struct history_event *const *event, size_t count, const struct history_event *lease,
			int64_t until_ns)
{
	for (size_t i = 0; i < count; i++)
		if (event[i] != lease && event[i]->kind >= HISTORY_CHANGE && is_same_lease(event[i], lease) &&
		    event[i]->start_ns <= until_ns)
			return true;
	return false;
}

/* Was `second` certainly received while this receive or extension gave the message to somebody? */
bool history_is_inside(const struct history_event *const *event, size_t count, const struct history_event *lease,
		       const struct history_event *second)
{
	return second->epoch == lease->epoch && second->start_ns > lease->end_ns &&
	       second->end_ns < lease->start_ns + lease->lease_ns &&
	       !is_given_up(event, count, lease, second->end_ns);
}

static void check_extensions(struct history_check *check, const struct history_event *const *event, size_t count,
			     const struct history_event *second)
{
	for (size_t i = 0; i < count; i++)
		if (event[i]->kind == HISTORY_EXTEND && event[i]->outcome == HISTORY_DONE &&
		    event[i]->is_dlq == second->is_dlq && history_is_inside(event, count, event[i], second))
			history_report(check, "double lease, after an extension", event[i], second);
}

static void check_two_receives(struct history_check *check, const struct history_event *const *event, size_t count,
			       const struct history_event *a, const struct history_event *b)
{
	const struct history_event *first = a->start_ns <= b->start_ns ? a : b, *second = first == a ? b : a;

	if (first->is_dlq != second->is_dlq) {
		if (first->is_dlq && second->start_ns > first->end_ns)
			history_report(check, "back from the DLQ", first, second);
		return;
	}
	if (first->epoch != second->epoch)
		return;
	if (first->receive_count == second->receive_count)
		history_report(check, "double lease, same receive count", first, second);
	else if (history_is_inside(event, count, first, second))
		history_report(check, "double lease", first, second);
}

static void check_receives(struct history_check *check, const struct history_event *const *event, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (event[i]->kind != HISTORY_RECEIVE)
			continue;
		if (check->history->receives_max && !event[i]->is_dlq &&
		    event[i]->receive_count > check->history->receives_max)
			history_report(check, "received too often", event[i], NULL);
		check_extensions(check, event, count, event[i]);
		for (size_t j = i + 1; j < count; j++)
			if (event[j]->kind == HISTORY_RECEIVE)
				check_two_receives(check, event, count, event[i], event[j]);
	}
}

static void check_deletes(struct history_check *check, const struct history_event *const *event, size_t count)
{
	const struct history_event *done = NULL;

	for (size_t i = 0; i < count; i++) {
		if (event[i]->kind != HISTORY_DELETE || event[i]->outcome != HISTORY_DONE)
			continue;
		if (done)
			history_report(check, "deleted twice", done, event[i]);
		done = event[i];
	}
	for (size_t i = 0; done && i < count; i++) {
		if (event[i]->kind == HISTORY_PEEK && !check->history->is_cut)
			history_report(check, "there after its delete", done, event[i]);
		if (event[i]->kind != HISTORY_RECEIVE)
			continue;
		if (event[i]->start_ns > done->end_ns)
			history_report(check, "received after its delete", done, event[i]);
		if (event[i]->is_dlq == done->is_dlq && event[i]->epoch == done->epoch &&
		    event[i]->receive_count > done->receive_count && event[i]->end_ns < done->start_ns)
			history_report(check, "stale delete", done, event[i]);
	}
}

static void check_message(struct history_check *check, const struct history_event *const *event, size_t count)
{
	const struct history_event *send = NULL, *receive = NULL, *acknowledged = NULL;
	bool may_be_gone = check->history->is_cut;

	for (size_t i = 0; i < count; i++) {
		if (event[i]->kind == HISTORY_SEND && event[i]->outcome != HISTORY_REFUSED) {
			/* Of a duplicate the first is there, which may have been sent before with the same body. */
			if (event[i]->outcome == HISTORY_DONE && (!event[i]->is_duplicate || send))
				acknowledged = event[i];
			send = event[i];
		}
		if (history_is_seen(event[i]))
			receive = event[i];
		may_be_gone |= event[i]->kind == HISTORY_DELETE && event[i]->outcome != HISTORY_REFUSED;
		may_be_gone |= event[i]->kind == HISTORY_PEEK; /* it is there */
	}
	/* What a reboot has brought back may be from before this history. */
	if (receive && !send && !(receive->kind == HISTORY_PEEK && check->history->is_cut))
		history_report(check, "invented", receive, NULL);
	if (acknowledged && !may_be_gone)
		history_report(check, "lost", acknowledged, receive);
	check_receives(check, event, count);
	check_deletes(check, event, count);
}

/* ---- all -------------------------------------------------------------------------------------- */

static int by_id_and_start(const void *a, const void *b)
{
	const struct history_event *x = *(const struct history_event *const *)a;
	const struct history_event *y = *(const struct history_event *const *)b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->start_ns < y->start_ns ? -1 : x->start_ns > y->start_ns;
}

static int by_message_id(const void *a, const void *b)
{
	const struct history_event *x = *(const struct history_event *const *)a;
	const struct history_event *y = *(const struct history_event *const *)b;

	return memcmp(x->message_id, y->message_id, sizeof(x->message_id));
}

static void gather(struct history_check *check)
{
	const struct history *history = check->history;
	size_t total = 0;

	for (uint32_t i = 0; i < history->log_count; i++)
		total += history->log[i]->count;
	check->event = malloc((total + 1) * sizeof(struct history_event *));
	if (check->event == NULL)
		abort();
	for (uint32_t i = 0; i < history->log_count; i++)
		for (uint32_t at = 0; at < history->log[i]->count; at++)
			check->event[check->count++] = &history->log[i]->event[at];
}

/* Keeps the sends that were done only, and looks for two with one message id. */
static void check_ids(struct history_check *check)
{
	size_t sends = 0;

	for (size_t i = 0; i < check->count; i++)
		if (check->event[i]->kind == HISTORY_SEND && check->event[i]->outcome == HISTORY_DONE &&
		    !check->event[i]->is_duplicate)
			check->event[sends++] = check->event[i];
	qsort(check->event, sends, sizeof(check->event[0]), by_message_id);
	for (size_t i = 1; i < sends; i++)
		if (by_message_id(&check->event[i - 1], &check->event[i]) == 0)
			history_report(check, "same message id", check->event[i - 1], check->event[i]);
}

uint64_t history_judge(const struct history *history, FILE *out)
{
	struct history_check check = {.history = history, .out = out};

	gather(&check);
	qsort(check.event, check.count, sizeof(check.event[0]), by_id_and_start);
	for (size_t from = 0, to; from < check.count; from = to) {
		for (to = from + 1; to < check.count && check.event[to]->id == check.event[from]->id;)
			to++;
		check_message(&check, &check.event[from], to - from);
	}
	if (history->is_fifo)
		history_check_fifo(&check);
	check_ids(&check);
	free(check.event);
	return check.faults;
}
