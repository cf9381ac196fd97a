/* The story of the demonstration. Exit status: 0 every line is accounted for, 1 not, 130 interrupted. */
#include "demo/demo.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_S = 50 };

static volatile sig_atomic_t interrupted;

static void handle_interrupt(int signal_number)
{
	(void)signal_number;
	interrupted = 1;
}

/* ---- preparing -------------------------------------------------------------------------------- */

static bool make_ledger(struct story *story)
{
	size_t bytes = sizeof(struct ledger) + story->text.total + CALM_LINES;

	story->ledger = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (story->ledger == MAP_FAILED)
		return false;
	story->ledger->victim = -1;
	for (int part = 0; part < PRODUCERS; part++)
		story->ledger->next[part] = part_begin(&story->text, part);
	return true;
}

static int make_queues(struct story *story)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	int error = rlq_directory_open(story->crew.directory, &story->directory);

	if (error)
		return error;
	attributes.capacity = CAPACITY;
	attributes.visibility_ms = VISIBILITY_MS;
	error = rlq_queue_create(story->directory, DLQ, &attributes);
	if (error < 0)
		return error;
	attributes.receives_max = RECEIVES_MAX;
	strcpy(attributes.dlq, DLQ);
	error = rlq_queue_create(story->directory, QUEUE, &attributes);
	if (error < 0)
		return error;
	error = rlq_queue_open(story->directory, QUEUE, &story->queue);
	return error ? error : rlq_queue_open(story->directory, DLQ, &story->dlq);
}

static bool start(struct story *story, int worker, int part, int (*work)(const struct task *task))
{
	story->task[worker] = (struct task){.directory = story->crew.directory,
					    .text = &story->text,
					    .ledger = story->ledger,
					    .poison = story->poison,
					    .worker = worker,
					    .part = part};
	return crew_start(&story->crew, &story->task[worker], work);
}

/* ---- while it runs ---------------------------------------------------------------------------- */

static uint64_t done_of(const struct story *story)
{
	return SUM(story, processed) + story->dead;
}

/* A moment later, looks at the queues; false if something is wrong. */
static bool look(struct story *story)
{
	const struct timespec moment = {.tv_nsec = 5000000};
	struct rlq_queue_stat stat = {.size = sizeof(stat)}, dead = {.size = sizeof(dead)};
	int error;

	nanosleep(&moment, NULL);
	error = rlq_queue_stat(story->queue, &stat);

	if (!error)
		error = rlq_queue_stat(story->dlq, &dead);
	if (error)
		return !wrong("stat", error);
	story->dead = dead.visible;
	if (stat.memory_bytes + dead.memory_bytes > story->memory_most)
		story->memory_most = stat.memory_bytes + dead.memory_bytes;
	progress_show(&story->progress, done_of(story), stat.visible + stat.in_flight + stat.delayed);
	if (crew_lost_one(&story->crew)) {
		for (int i = 0; i < WORKERS; i++)
			if (story->ledger->account[i].error)
				wrong("worker", story->ledger->account[i].error);
		return false;
	}
	if (now_ns() - story->began_ns > PATIENCE_S * UINT64_C(1000000000)) {
		tell("WRONG: not done after %d s", PATIENCE_S);
		return false;
	}
	return !interrupted;
}

/* Goes on until `done` lines are accounted for. */
static bool run_until(struct story *story, uint64_t done)
{
	while (done_of(story) < done)
		if (!look(story))
			return false;
	return true;
}

static uint64_t lines_left(const struct story *story, int part)
{
	return part_begin(&story->text, part + 1) - story->ledger->next[part];
}

/* The one with the most left to do, at whatever instruction it is. */
static bool kill_producer(struct story *story)
{
	int part = 0;

	for (int i = 1; i < PRODUCERS; i++)
		if (lines_left(story, i) > lines_left(story, part))
			part = i;
	crew_kill(&story->crew, part);
	tell("  killed producer %d (kill -9) with %s of its lines left; a new one goes on at the first line "
	     "without an answer",
	     part + 1, number_text(lines_left(story, part)));
	return start(story, PRODUCERS + CONSUMERS, part, produce);
}

static bool kill_consumer(struct story *story)
{
	int victim = PRODUCERS + 1;
	const struct account *account = &story->ledger->account[victim];

	atomic_store(&story->ledger->victim, victim);
	while (account->holds == 0)
		if (!look(story))
			return false;
	crew_kill(&story->crew, victim);
	tell("  killed consumer 2 (kill -9) with %s lines in its hands, %s of them processed but not deleted",
	     number_text(account->holds), number_text(account->holds_processed));
	return start(story, PRODUCERS + CONSUMERS + 1, 0, consume);
}

/* What the dead consumer held comes back after a second, the poison line once a second. */
static bool wait_for_poison(struct story *story)
{
	if (!run_until(story, story->text.total - 1))
		return false;
	tell("  all lines are through but the poison line, which has a try a second");
	return run_until(story, story->text.total);
}

static bool run(struct story *story)
{
	story->progress = (struct progress){.total = story->text.total, .is_terminal = isatty(STDOUT_FILENO)};
	story->began_ns = story->progress.shown_ns = now_ns();
	for (int i = 0; i < CONSUMERS; i++)
		if (!start(story, PRODUCERS + i, 0, consume))
			return false;
	for (int i = 0; i < PRODUCERS; i++)
		if (!start(story, i, i, produce))
			return false;
	return run_until(story, story->text.total / 2) && kill_producer(story) && kill_consumer(story) &&
	       wait_for_poison(story);
}

static uint64_t last_ns(const struct story *story)
{
	uint64_t last = 0;

	for (int i = 0; i < WORKERS; i++)
		if (story->ledger->account[i].last_ns > last)
			last = story->ledger->account[i].last_ns;
	return last;
}

static bool run_calmly(struct story *story)
{
	uint64_t all = story->text.total + CALM_LINES;

	story->progress.total = all;
	return start(story, WORKERS - 1, 0, produce_calmly) && run_until(story, all);
}

/* Lines that were sent twice may still be there, though every line has been seen. */
static bool run_empty(struct story *story)
{
	struct rlq_queue_stat stat = {.size = sizeof(stat)};

	do {
		if (!look(story) || rlq_queue_stat(story->queue, &stat) != 0)
			return false;
	} while (stat.visible + stat.in_flight + stat.delayed > 0);
	return true;
}

/* The consumers end; a worker that fails on its way out is noticed. */
static bool send_home(struct story *story)
{
	atomic_store(&story->ledger->stop, true);
	while (!crew_is_empty(&story->crew))
		if (!look(story))
			return false;
	return true;
}

/* ---- main ------------------------------------------------------------------------------------- */

static void introduce(const struct story *story)
{
	const struct text *text = &story->text;

	tell("text      %s lines of %s files of this machine, %s of them different%s", number_text(text->real),
	     number_text(text->files), number_text(text->different),
	     text->real < text->total ? "; some are sent more than once" : "");
	tell("queue     %s in %s, room for %s messages, %d s to process one, %d tries, then to %s", QUEUE,
	     story->crew.directory, number_text(CAPACITY), VISIBILITY_MS / 1000, RECEIVES_MAX, DLQ);
	tell("crew      the daemon, %d producers, %d consumers; line %s is poison", PRODUCERS, CONSUMERS,
	     number_text(story->poison));
}

static void close_queues(struct story *story)
{
	rlq_queue_close(story->queue);
	rlq_queue_close(story->dlq);
	rlq_directory_close(story->directory);
}

static int play(struct story *story, const char *daemon)
{
	int error;

	if (!crew_begin(&story->crew, daemon))
		return 1;
	error = make_queues(story);
	if (error)
		return wrong("cannot make the queues", error);
	introduce(story);
	if (!run(story) || !run_empty(story))
		return 1;
	story->busy_ns = last_ns(story) - story->began_ns;
	tell("  it is in %s; now %s lines more at a calm %s a second", DLQ, number_text(CALM_LINES),
	     number_text(CALM_PER_SECOND));
	if (!run_calmly(story) || !run_empty(story))
		return 1;
	return send_home(story) ? close_books(story) : 1;
}

/* The daemon lies beside this program. */
static bool find_daemon(char *ret_path, size_t bytes)
{
	ssize_t length = readlink("/proc/self/exe", ret_path, bytes - 16);

	if (length <= 0)
		return false;
	ret_path[length] = '\0';
	strcpy(strrchr(ret_path, '/'), "/ringleased");
	return access(ret_path, X_OK) == 0;
}

int main(void)
{
	static struct story story;
	const struct sigaction action = {.sa_handler = handle_interrupt};
	char daemon[4096];
	int status = 1;

	if (!find_daemon(daemon, sizeof(daemon))) {
		fprintf(stderr, "no ringleased beside this program; run `make`\n");
		return 1;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	tell("ringlease %s: a demonstration. Reading the text ...", rlq_version());
	if (!text_gather(&story.text) || !make_ledger(&story)) {
		fprintf(stderr, "no memory, or no text found on this machine\n");
		return 1;
	}
	story.poison = text_find_telling(&story.text, story.text.total / 10);
	status = play(&story, daemon);
	progress_end(&story.progress);
	close_queues(&story);
	crew_end(&story.crew);
	if (interrupted)
		fprintf(stderr, "interrupted\n");
	return interrupted ? 130 : status;
}
