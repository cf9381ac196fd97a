#include "tests/crash/durable_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHAPTER = 8, FOUND_MOST = 4096, DELETES_MOST = 4096 };

#define NOBODY_SENT UINT64_C(1000000000000) /* numbers of messages that were made up, from here on */

struct account {
	struct stage *stage;
	struct history_event found[FOUND_MOST];
	unsigned found_count;
	uint32_t deleted[DELETES_MOST]; /* perhaps: nobody was told so, and a reboot may bring them back */
	unsigned deleted_count;
};
static struct account account; /* of the queue that is judged */

static struct history_log *own_log(struct fifo *fifo)
{
	return fifo->log[FIFO_CLIENTS];
}

/* ---- what is there ---------------------------------------------------------------------------- */

static void note_found(struct stage_looks *looks, const struct stage_found *at)
{
	struct account *to = looks->context;
	struct history_event event = {.kind = HISTORY_PEEK,
				      .outcome = HISTORY_DONE,
				      .message_id = {at->message.id[0], at->message.id[1]},
				      .sequence = load_relaxed(&fifo_links(at->slot)->sequence),
				      .start_ns = history_now_ns()};
	const uint32_t half = 1u << SLOT_PENDING | 1u << SLOT_WRITING | 1u << SLOT_PASSED;
	uint32_t id;

	/* May be taken back: nobody knows of it for sure. */
	if (half >> word_state(at->word) & 1) {
		event.kind = HISTORY_DELETE;
		event.outcome = HISTORY_UNKNOWN;
	}
	memcpy(&id, at->payload, sizeof(id));
	event.id = event.dedup_id = id;
	event.group = fifo_group_of(id);
	event.end_ns = event.start_ns;
	for (unsigned i = 0; i < to->found_count; i++)
		if (to->found[i].id == id && to->found[i].kind == HISTORY_PEEK && event.kind == HISTORY_PEEK) {
			story_is_about(&to->stage->story, true, id);
			stage_note(looks, "message %u is there twice, in %s: as number %llu and %llu", id,
				   at->queue, (unsigned long long)to->found[i].sequence,
				   (unsigned long long)event.sequence);
		}
	if (to->found_count == FOUND_MOST)
		stage_note(looks, "%s has too many messages", at->queue);
	else
		to->found[to->found_count++] = event;
}

static void note_fault(void *context, const char *text)
{
	stage_fail(context, "verify: %s", text);
}

static void find(struct stage *stage, enum fifo_queue queue)
{
	struct stage_looks looks = {.has_begun = true, .each = note_found, .context = &account};
	struct rlq_directory *directory;

	account.stage = stage;
	account.found_count = 0;
	if (rlq_directory_open(stage->queues, &directory) != 0) {
		stage_fail(stage, "the directory cannot be opened");
		return;
	}
	stage_look(&looks, directory, fifo_names[queue]);
	if (looks.fault[0])
		stage_fail(stage, "%s", looks.fault);
	rlq_verify(directory, fifo_names[queue], note_fault, stage);
	rlq_directory_close(directory);
}

/* ---- the end of a chapter --------------------------------------------------------------------- */

/* The first message that a text names. */
static void is_about(struct stage *stage, const char *text)
{
	const char *named = strstr(text, "message ");
	unsigned id;

	if (named && sscanf(named, "message %x", &id) == 1)
		story_is_about(&stage->story, true, id);
}

static void check(struct stage *stage, enum fifo_queue queue, bool is_cut)
{
	struct fifo *fifo = &stage->fifo[queue];
	struct history history = {
		.is_fifo = true, .is_cut = is_cut, .dedup_window_ns = FIFO_WINDOW_MS * INT64_C(1000000)};
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	for (int i = 0; i <= FIFO_CLIENTS; i++)
		history.log[history.log_count++] = fifo->log[i];
	for (unsigned i = 0; i < account.found_count; i++)
		history_add(own_log(fifo), account.found[i]);
	if (history_judge(&history, out) > 0) {
		fflush(out);
		is_about(stage, text);
		stage_fail(stage, "%s: %s", fifo_names[queue], text);
	}
	fclose(out);
	free(text);
}

static uint64_t highest_of(const struct history_log *log, uint64_t highest)
{
	for (uint32_t i = 0; i < log->count; i++)
		if (log->event[i].sequence > highest)
			highest = log->event[i].sequence;
	return highest;
}

/* ---- the next one ----------------------------------------------------------------------------- */

static bool is_found(uint32_t id)
{
	for (unsigned i = 0; i < account.found_count; i++)
		if (account.found[i].id == id && account.found[i].kind == HISTORY_PEEK)
			return true;
	return false;
}

/* What may be sent again was perhaps sent before, and if it is not there, perhaps deleted. */
static void tell_doubtful(struct history_log *log, uint32_t id)
{
	struct history_event event = {.kind = HISTORY_SEND,
				      .id = id,
				      .dedup_id = id,
				      .group = fifo_group_of(id),
				      .start_ns = history_now_ns()};

	if (id == 0 || is_found(id))
		return;
	history_add(log, event);
	event.kind = HISTORY_DELETE;
	history_add(log, event);
}

/* Numbers go on rising: somebody was told this one. */
static void tell_highest(struct fifo *fifo, int64_t now_ns)
{
	static uint64_t made_up = NOBODY_SENT;
	uint64_t id = made_up++;
	struct history_event event = {.kind = HISTORY_SEND,
				      .outcome = HISTORY_DONE,
				      .id = id,
				      .message_id = {id, id},
				      .sequence = fifo->sequence,
				      .start_ns = now_ns,
				      .end_ns = now_ns};

	history_add(own_log(fifo), event);
	event.kind = HISTORY_DELETE;
	history_add(own_log(fifo), event);
}

/* What was found was sent, all at one moment. */
static void tell_found(struct fifo *fifo)
{
	bool has_highest = fifo->sequence == 0;
	int64_t now_ns = history_now_ns();

	for (unsigned i = 0; i < account.found_count; i++) {
		struct history_event event = account.found[i];

		if (event.kind != HISTORY_PEEK) {
			tell_doubtful(own_log(fifo), (uint32_t)event.id);
			continue;
		}
		event.kind = HISTORY_SEND;
		event.start_ns = event.end_ns = now_ns;
		has_highest |= event.sequence == fifo->sequence;
		history_add(own_log(fifo), event);
	}
	if (!has_highest)
		tell_highest(fifo, now_ns);
}

static void note_deletes(const struct history_log *log)
{
	for (uint32_t i = 0; i < log->count; i++) {
		const struct history_event *event = &log->event[i];

		if (event->kind == HISTORY_DELETE && event->outcome == HISTORY_UNKNOWN &&
		    event->receive_count > 0 && account.deleted_count < DELETES_MOST)
			account.deleted[account.deleted_count++] = (uint32_t)event->id;
	}
}

static void end_chapter(struct stage *stage, enum fifo_queue queue, bool is_cut)
{
	struct fifo *fifo = &stage->fifo[queue];

	find(stage, queue);
	check(stage, queue, is_cut);
	account.deleted_count = 0;
	for (int i = 0; i <= FIFO_CLIENTS; i++) {
		fifo->sequence = highest_of(fifo->log[i], fifo->sequence);
		note_deletes(fifo->log[i]);
		history_log_clear(fifo->log[i]);
	}
	tell_found(fifo);
	for (unsigned i = 0; i < account.deleted_count; i++)
		tell_doubtful(own_log(fifo), account.deleted[i]);
	for (int i = 0; i < FIFO_CLIENTS; i++) {
		for (uint32_t j = 0; j < fifo->hand[i].pending_count; j++)
			tell_doubtful(fifo->log[i], fifo->hand[i].pending[j]);
		for (uint32_t j = 0; j < FIFO_IDS; j++)
			tell_doubtful(fifo->log[i], fifo->hand[i].answered[j]);
	}
	atomic_store(&fifo->live, (int)account.found_count);
	fifo->judged = 0;
}

void fifo_judge(struct stage *stage, bool was_reboot)
{
	for (int i = 0; i < FIFO_QUEUES && !stage->failure[0]; i++) {
		bool is_cut = was_reboot && i == FIFO_ASYNC;

		if (++stage->fifo[i].judged == CHAPTER || is_cut)
			end_chapter(stage, (enum fifo_queue)i, is_cut);
	}
	stage->epoch += was_reboot;
}

bool fifo_judge_rest(struct stage *stage)
{
	bool is_over = true;

	for (int i = 0; i < FIFO_QUEUES && !stage->failure[0]; i++) {
		end_chapter(stage, (enum fifo_queue)i, false);
		is_over = is_over && account.found_count == 0;
		for (int j = 0; j < FIFO_CLIENTS; j++)
			is_over = is_over && stage->fifo[i].hand[j].pending_count == 0;
	}
	return is_over;
}

bool fifo_report(const struct stage *stage)
{
	bool has_all = atomic_load(&stage->fifo_duplicates) > 0 && atomic_load(&stage->fifo_repeated) > 0;

	printf("FIFO queues: %llu sends acknowledged, %llu of them duplicates, %llu sent again and new; %llu "
	       "received\n",
	       (unsigned long long)atomic_load(&stage->fifo_sent),
	       (unsigned long long)atomic_load(&stage->fifo_duplicates),
	       (unsigned long long)atomic_load(&stage->fifo_repeated),
	       (unsigned long long)atomic_load(&stage->fifo_received));
	return has_all;
}
