/* What holds of FIFO queues besides: order, sequence numbers, leases that are over. Faults are certain, as in
 * history.c. */
#include "tests/support/history_check.h"

#include <stdlib.h>
#include <string.h>

void *history_array(size_t count, size_t bytes)
{
	void *memory = calloc(count + 1, bytes);

	if (memory == NULL)
		abort();
	return memory;
}

bool history_is_new(event_t *send)
{
	return send->kind == HISTORY_SEND && send->outcome == HISTORY_DONE && !send->is_duplicate;
}

bool history_is_seen(event_t *event)
{
	return event->kind == HISTORY_RECEIVE || event->kind == HISTORY_PEEK;
}

/* ---- order within a group --------------------------------------------------------------------- */

/* A message in one queue, with its place in the order of its group. */
struct member {
	event_t *const *event; /* all of the message */
	size_t count;
	uint64_t sequence;
	int64_t gone_ns; /* it was certainly there before */
	uint32_t group;
	bool is_dlq;
	size_t next; /* that may be there */
};

struct reception {
	event_t *event;
	size_t member;
};

static int by_group_and_sequence(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->is_dlq != y->is_dlq)
		return x->is_dlq < y->is_dlq ? -1 : 1;
	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

static int by_end(const void *a, const void *b)
{
	const struct reception *x = a, *y = b;

	return x->event->end_ns < y->event->end_ns ? -1 : x->event->end_ns > y->event->end_ns;
}

static int by_gone(const void *a, const void *b)
{
	const struct member *x = *(struct member *const *)a, *y = *(struct member *const *)b;

	return x->gone_ns < y->gone_ns ? -1 : x->gone_ns > y->gone_ns;
}

/* Until when this receive certainly kept it where it was. */
static int64_t kept_until(event_t *const *event, size_t count, event_t *receive)
{
	int64_t until_ns = receive->start_ns + receive->lease_ns;

	for (size_t i = 0; i < count; i++)
		if (event[i]->kind >= HISTORY_CHANGE && event[i]->receive_count == receive->receive_count &&
		    event[i]->is_dlq == receive->is_dlq && event[i]->epoch == receive->epoch &&
		    event[i]->start_ns < until_ns)
			until_ns = event[i]->start_ns;
	return until_ns;
}

/* From when on it may be deleted, or moved to the DLQ: the latter not while it is leased, nor before it was. */
static int64_t gone_from(const struct history *history, event_t *const *event, size_t count, bool is_dlq)
{
	int64_t deleted_ns = INT64_MAX, moved_ns = history->receives_max && !is_dlq ? INT64_MIN : INT64_MAX;

	for (size_t i = 0; i < count; i++) {
		if (event[i]->is_dlq != is_dlq)
			continue;
		if (event[i]->kind == HISTORY_DELETE && event[i]->outcome != HISTORY_REFUSED &&
		    event[i]->start_ns < deleted_ns)
			deleted_ns = event[i]->start_ns;
		if (event[i]->kind == HISTORY_RECEIVE && kept_until(event, count, event[i]) > moved_ns)
			moved_ns = kept_until(event, count, event[i]);
	}
	return deleted_ns < moved_ns ? deleted_ns : moved_ns;
}

/* The message in the queue, or in the DLQ. False: it has no number there, or nobody knows it. */
static bool member_make(const struct history *history, event_t *const *event, size_t count, bool is_dlq,
			struct member *ret)
{
	*ret = (struct member){.event = event, .count = count, .is_dlq = is_dlq};
	for (size_t i = 0; i < count; i++) {
		bool tells = history_is_seen(event[i]) || history_is_new(event[i]);

		if (!tells || event[i]->is_dlq != is_dlq || event[i]->sequence == 0)
			continue;
		ret->sequence = event[i]->sequence;
		ret->group = event[i]->group;
	}
	ret->gone_ns = gone_from(history, event, count, is_dlq);
	return ret->sequence != 0;
}

static bool is_of_call(const struct member *member, event_t *receive)
{
	for (size_t i = 0; i < member->count; i++)
		if (member->event[i]->kind == HISTORY_RECEIVE && member->event[i]->start_ns == receive->start_ns &&
		    member->event[i]->end_ns == receive->end_ns)
			return true;
	return false;
}

static void say_overtaken(struct history_check *check, const struct member *first, event_t *receive)
{
	for (size_t i = 0; i < first->count; i++) {
		event_t *lease = first->event[i];
		bool leases = lease->kind == HISTORY_RECEIVE ||
			      (lease->kind == HISTORY_EXTEND && lease->outcome == HISTORY_DONE);

		if (leases && lease->is_dlq == first->is_dlq &&
		    history_is_inside(first->event, first->count, lease, receive)) {
			history_report(check, "order, behind one in flight", lease, receive);
			return;
		}
	}
	history_report(check, "order, before one that was there", first->event[0], receive);
}

/* Members of one group, in order; each reception must find none before its message but those of the same call. */
static void check_group(struct history_check *check, struct member *member, size_t count)
{
	struct member **gone = history_array(count, sizeof(*gone));
	struct reception *reception;
	size_t receptions = 0, at = 0, head = 0;

	for (size_t i = 0; i < count; i++)
		receptions += member[i].count;
	reception = history_array(receptions, sizeof(*reception));
	receptions = 0;
	for (size_t i = 0; i < count; i++) {
		member[i].next = i + 1;
		gone[i] = &member[i];
		for (size_t j = 0; j < member[i].count; j++)
			if (member[i].event[j]->kind == HISTORY_RECEIVE &&
			    member[i].event[j]->is_dlq == member[i].is_dlq)
				reception[receptions++] = (struct reception){member[i].event[j], i};
	}
	qsort(gone, count, sizeof(*gone), by_gone);
	qsort(reception, receptions, sizeof(*reception), by_end);
	for (size_t i = 0; i < receptions; i++) {
		size_t *link = &head;

		for (; at < count && gone[at]->gone_ns <= reception[i].event->end_ns; at++)
			gone[at]->gone_ns = INT64_MIN;
		while (*link < reception[i].member) {
			struct member *first = &member[*link];

			if (first->gone_ns == INT64_MIN) {
				*link = first->next;
				continue;
			}
			if (!is_of_call(first, reception[i].event)) {
				say_overtaken(check, first, reception[i].event);
				break;
			}
			link = &first->next;
		}
	}
	free(reception);
	free(gone);
}

static void check_order(struct history_check *check)
{
	struct member *member = history_array(2 * check->count, sizeof(*member));
	size_t count = 0;

	for (size_t from = 0, to; from < check->count; from = to) {
		for (to = from + 1; to < check->count && check->event[to]->id == check->event[from]->id;)
			to++;
		for (int is_dlq = 0; is_dlq < 2; is_dlq++)
			count +=
				member_make(check->history, &check->event[from], to - from, is_dlq, &member[count]);
	}
	qsort(member, count, sizeof(*member), by_group_and_sequence);
	for (size_t from = 0, to; from < count; from = to) {
		for (to = from + 1; to < count && member[to].group == member[from].group &&
				    member[to].is_dlq == member[from].is_dlq;)
			to++;
		check_group(check, &member[from], to - from);
	}
	free(member);
}

/* ---- sequence numbers ------------------------------------------------------------------------- */

static int by_sequence(const void *a, const void *b)
{
	event_t *x = *(event_t *const *)a, *y = *(event_t *const *)b;

	return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

static int by_start_ns(const void *a, const void *b)
{
	event_t *x = *(event_t *const *)a, *y = *(event_t *const *)b;

	return x->start_ns < y->start_ns ? -1 : x->start_ns > y->start_ns;
}

static int by_end_ns(const void *a, const void *b)
{
	event_t *x = *(event_t *const *)a, *y = *(event_t *const *)b;

	return x->end_ns < y->end_ns ? -1 : x->end_ns > y->end_ns;
}

/* Whoever began when another send had ended has the higher number. */
static void check_rising(struct history_check *check, event_t **send, size_t count)
{
	event_t **ended = history_array(count, sizeof(*ended)), *highest = NULL;
	size_t at = 0;

	memcpy(ended, send, count * sizeof(*send));
	qsort(send, count, sizeof(*send), by_start_ns);
	qsort(ended, count, sizeof(*ended), by_end_ns);
	for (size_t i = 0; i < count; i++) {
		for (; at < count && ended[at]->end_ns < send[i]->start_ns; at++)
			if (highest == NULL || ended[at]->sequence > highest->sequence)
				highest = ended[at];
		if (highest && highest->sequence > send[i]->sequence)
			history_report(check, "sequence, not rising", highest, send[i]);
	}
	free(ended);
}

static void check_sequences(struct history_check *check)
{
	event_t **send = history_array(check->count, sizeof(*send));
	size_t count = 0;

	for (size_t i = 0; i < check->count; i++)
		if (history_is_new(check->event[i]) && check->event[i]->sequence != 0)
			send[count++] = check->event[i];
	qsort(send, count, sizeof(*send), by_sequence);
	for (size_t i = 1; i < count; i++)
		if (send[i]->sequence == send[i - 1]->sequence)
			history_report(check, "sequence, twice", send[i - 1], send[i]);
	check_rising(check, send, count);
	free(send);
}

/* ---- one message ------------------------------------------------------------------------------ */

/* When the lease that this delete is of has ended at the latest. */
static int64_t lease_end(event_t *const *event, size_t count, event_t *deletion)
{
	int64_t end_ns = INT64_MIN;

	for (size_t i = 0; i < count; i++) {
		int64_t until_ns = event[i]->end_ns + event[i]->lease_ns + HISTORY_SLACK_NS;

		if (event[i]->receive_count != deletion->receive_count || event[i]->is_dlq != deletion->is_dlq ||
		    event[i]->epoch != deletion->epoch || event[i]->outcome == HISTORY_REFUSED)
			continue;
		if (event[i]->kind == HISTORY_CHANGE && event[i]->outcome == HISTORY_DONE &&
		    event[i]->end_ns < deletion->start_ns)
			return event[i]->end_ns;
		if (event[i]->kind == HISTORY_EXTEND && event[i]->outcome == HISTORY_UNKNOWN)
			return INT64_MAX;
		if ((event[i]->kind == HISTORY_RECEIVE || event[i]->kind == HISTORY_EXTEND) && until_ns > end_ns)
			end_ns = until_ns;
	}
	return end_ns == INT64_MIN ? INT64_MAX : end_ns;
}

static void check_one(struct history_check *check, event_t *const *event, size_t count)
{
	event_t *send = NULL;

	for (size_t i = 0; i < count; i++)
		if (event[i]->kind == HISTORY_SEND &&
		    (send == NULL || history_is_new(event[i]) || send->outcome != HISTORY_DONE))
			send = event[i];
	for (size_t i = 0; i < count; i++) {
		if (event[i]->kind == HISTORY_DELETE && event[i]->outcome == HISTORY_DONE &&
		    event[i]->start_ns > lease_end(event, count, event[i]))
			history_report(check, "late delete", event[i], NULL);
		if (!history_is_seen(event[i]) || send == NULL)
			continue;
		if (event[i]->group != send->group)
			history_report(check, "other group", send, event[i]);
		if (send->outcome == HISTORY_DONE && send->sequence != 0 && !event[i]->is_dlq &&
		    event[i]->sequence != send->sequence)
			history_report(check, "sequence, another one than at the send", send, event[i]);
	}
}

void history_check_fifo(struct history_check *check)
{
	for (size_t from = 0, to; from < check->count; from = to) {
		for (to = from + 1; to < check->count && check->event[to]->id == check->event[from]->id;)
			to++;
		check_one(check, &check->event[from], to - from);
	}
	check_sequences(check);
	history_check_duplicates(check);
	check_order(check);
}
