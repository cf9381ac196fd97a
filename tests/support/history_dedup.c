/* Deduplication: of the sends with one id within a window one is a message. */
#include "tests/support/history_check.h"

#include <stdlib.h>
#include <string.h>

static int by_event_id(const void *a, const void *b)
{
	event_t *x = *(event_t *const *)a, *y = *(event_t *const *)b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static event_t *reception_of(const struct history_check *check, event_t *send)
{
	event_t *const *found = bsearch(&send, check->event, check->count, sizeof(send), by_event_id);
	size_t at = (size_t)(found - (event_t *const *)check->event);

	while (at > 0 && check->event[at - 1]->id == send->id)
		at--;
	for (; at < check->count && check->event[at]->id == send->id; at++)
		if (check->event[at]->kind == HISTORY_RECEIVE)
			return check->event[at];
	return NULL;
}

/* All of one deduplication id. */
struct same {
	struct history_check *check;
	event_t *const *send;
	size_t count;
	int64_t window_ns, last_ns; /* last_ns: nothing was done later */
	bool is_of_one;		    /* all within one window: at most one of them is a message */
};

/* When it may have come at the latest. */
static int64_t latest(const struct same *same, event_t *send)
{
	return send->outcome == HISTORY_UNKNOWN ? same->last_ns : send->end_ns;
}

/* Both were done within the window, however long each took. */
static bool are_near(const struct same *same, event_t *a, event_t *b)
{
	int64_t from = a->start_ns < b->start_ns ? a->start_ns : b->start_ns;
	int64_t to = latest(same, a) > latest(same, b) ? latest(same, a) : latest(same, b);

	return to - from < same->window_ns;
}

static bool are_of_one(const struct same *same)
{
	int64_t from = INT64_MAX, to = INT64_MIN;

	for (size_t i = 0; i < same->count; i++) {
		from = same->send[i]->start_ns < from ? same->send[i]->start_ns : from;
		to = latest(same, same->send[i]) > to ? latest(same, same->send[i]) : to;
	}
	return to - from < same->window_ns;
}

static bool answers_differ(event_t *a, event_t *b)
{
	return memcmp(a->message_id, b->message_id, sizeof(a->message_id)) != 0 || a->sequence != b->sequence;
}

static void check_pair(const struct same *same, event_t *a, event_t *b)
{
	event_t *first = history_is_new(a) ? a : b, *second = first == a ? b : a;

	if (!are_near(same, a, b))
		return;
	if (history_is_new(a) && history_is_new(b))
		history_report(same->check, "duplicate, taken for new", a, b);
	else if (history_is_new(first) && second->outcome == HISTORY_DONE && second->start_ns > first->end_ns &&
		 answers_differ(first, second))
		history_report(same->check, "duplicate, answered with another id", first, second);
	else if (same->is_of_one && a->outcome == HISTORY_DONE && b->outcome == HISTORY_DONE &&
		 !history_is_new(first) && answers_differ(a, b))
		history_report(same->check, "duplicates, answered with two ids", a, b);
	if (a->id != b->id && reception_of(same->check, a) && reception_of(same->check, b))
		history_report(same->check, "duplicate, delivered", reception_of(same->check, a),
			       reception_of(same->check, b));
}

/* Is there a send that it could be a duplicate of? */
static bool has_first(const struct same *same, event_t *send)
{
	for (size_t i = 0; i < same->count; i++) {
		event_t *first = same->send[i];

		if (first != send && (history_is_new(first) || first->outcome == HISTORY_UNKNOWN) &&
		    first->start_ns < send->end_ns &&
		    send->start_ns < latest(same, first) + same->window_ns + HISTORY_SLACK_NS)
			return true;
	}
	return false;
}

static void check_same(struct same *same)
{
	same->is_of_one = are_of_one(same);
	for (size_t i = 0; i < same->count; i++) {
		event_t *send = same->send[i];

		if (send->outcome == HISTORY_DONE && send->is_duplicate && !has_first(same, send))
			history_report(same->check, "not a duplicate", send, NULL);
		for (size_t j = i + 1; j < same->count; j++)
			check_pair(same, send, same->send[j]);
	}
}

static int by_dedup_id(const void *a, const void *b)
{
	event_t *x = *(event_t *const *)a, *y = *(event_t *const *)b;

	return x->dedup_id < y->dedup_id ? -1 : x->dedup_id > y->dedup_id;
}

static int by_dedup_id_and_group(const void *a, const void *b)
{
	event_t *x = *(event_t *const *)a, *y = *(event_t *const *)b;
	int order = by_dedup_id(a, b);

	return order ? order : x->group < y->group ? -1 : x->group > y->group;
}

void history_check_duplicates(struct history_check *check)
{
	int (*order)(const void *, const void *) =
		check->history->dedup_by_group ? by_dedup_id_and_group : by_dedup_id;
	event_t **send = history_array(check->count, sizeof(*send));
	int64_t last_ns = INT64_MIN;
	size_t count = 0;

	for (size_t i = 0; i < check->count; i++) {
		event_t *event = check->event[i];

		last_ns = event->start_ns > last_ns ? event->start_ns : last_ns;
		last_ns = event->end_ns > last_ns ? event->end_ns : last_ns;
		if (event->kind == HISTORY_SEND && event->outcome != HISTORY_REFUSED && event->dedup_id != 0)
			send[count++] = event;
	}
	qsort(send, count, sizeof(*send), order);
	for (size_t from = 0, to; from < count; from = to) {
		for (to = from + 1; to < count && order(&send[to], &send[from]) == 0;)
			to++;
		check_same(&(struct same){.check = check,
					  .send = &send[from],
					  .count = to - from,
					  .window_ns = check->history->dedup_window_ns,
					  .last_ns = last_ns});
	}
	free(send);
}
