/* Sending, receiving and deleting makes no system call while nobody waits and an engine is awake, in one
 * process as in two that work on a queue which never runs empty; without an engine, only the work it would
 * have done, once in 1,024 calls at most.
 *
 * A real engine runs beside. Runs itself under strace and counts what is traced between two marks of each
 * process. Exit 0, 1, or 77 where strace is not to be had or may not trace. */
#include "client/internal.h"
#include "ringlease-engine.h"
#include "tests/support/child.h"
#include "tests/support/sanitizer.h"
#include "tests/support/shared.h"
#include "tests/support/tmpdir.h"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	RUN_MS = 1300,	/* longer than an engine sleeps: it comes to look at least once */
	WARM_UP = 3000, /* cycles; the first laps touch pages, the first receive takes memory */
	BATCH_MAX = 10,
	DEPTH_MIN = 64,	   /* the consumer of two keeps away from empty, */
	DEPTH_MAX = 256,   /* the producer from the ring's growing */
	DEPTH_FIRST = 512, /* once, so that there is memory for more blocks than are used then */
	TRIES = 10,	   /* until an engine was prompt all the time: the machine may be busy */
	WATCHDOG_S = 120,
	/* Of one round of reaping: some rows are asked whether their processes live. */
	REAP_CALLS_MAX = 64,
	REAP_EVERY = 1024,
};

struct run {
	const char *name;
	size_t bytes, batch;
	bool is_pair, has_engine;
};

static const struct run runs[] = {
	{"one process without an engine", 64, 1, false, false},
	{"one process, 16 bytes", 16, 1, false, true},
	{"one process, 64 bytes", 64, 1, false, true},
	{"one process, in blocks of their own", 300, 1, false, true},
	{"one process, batches", 64, BATCH_MAX, false, true},
	{"a producer and a consumer", 64, 1, true, true},
	{"a producer and a consumer, blocks", 300, 1, true, true},
	{"a producer and a consumer, batches", 64, BATCH_MAX, true, true},
};
enum { RUN_COUNT = sizeof(runs) / sizeof(runs[0]) };

/* Between the two processes, and to who judges. */
struct tally {
	_Atomic uint64_t sent, received;
	_Atomic uint64_t calls;
	_Atomic uint32_t warm;		 /* processes that are */
	_Atomic bool was_full;		 /* of two: DEPTH_FIRST was reached */
	_Atomic bool is_over, was_wrong; /* wrong: the engine was not as the run says */
};

/* One process's part. */
struct worker {
	const struct run *run;
	struct tally *tally;
	const char *path;
	struct rlq_directory *directory;
	struct rlq_queue *queue;
	uint64_t calls;
	bool was_wrong;
};

static void fail(const char *what, int error)
{
	printf("FAILED: %s: %s\n", what, rlq_strerror(error));
	fflush(stdout);
	_exit(1);
}

/* ---- what is traced --------------------------------------------------------------------------- */

/* A system call that nothing else here makes. */
static void mark(void)
{
	syscall(SYS_getsid, 0);
}

static uint64_t now_ms(const struct worker *worker)
{
	os_clock_read(&worker->queue->seg->clock);
	return worker->queue->seg->clock.boot_ms;
}

static void look_at_engine(struct worker *worker)
{
	if (seg_engine_is_prompt(&worker->directory->seg, now_ms(worker)) != worker->run->has_engine)
		worker->was_wrong = true;
}

static void send(struct worker *worker)
{
	static const unsigned char body[1000];
	struct rlq_send_entry entry[BATCH_MAX];
	size_t count = worker->run->batch;
	int sent;

	for (size_t i = 0; i < count; i++)
		entry[i] = (struct rlq_send_entry){
			.body = body, .body_bytes = worker->run->bytes, .delay_ms = RLQ_DEFAULT};
	sent = count == 1 ? rlq_send(worker->queue, body, worker->run->bytes, NULL, NULL)
			  : rlq_send_batch(worker->queue, entry, count, NULL, NULL);
	if (sent != (count == 1 ? 0 : (int)count))
		fail("send", sent);
	worker->calls++;
	worker->tally->sent += count;
	look_at_engine(worker);
}

static void delete (struct worker *worker, const struct rlq_message *message, size_t count)
{
	struct rlq_receipt receipt[BATCH_MAX];
	int result;

	for (size_t i = 0; i < count; i++)
		receipt[i] = message[i].receipt;
	result = count == 1 ? rlq_delete(worker->queue, receipt)
			    : rlq_delete_batch(worker->queue, receipt, count, NULL);
	if (result != (count == 1 ? 0 : (int)count))
		fail("delete", result);
}

static void receive(struct worker *worker)
{
	struct rlq_message message[BATCH_MAX];
	int count = rlq_receive(worker->queue, message, worker->run->batch, NULL);

	if (count < 1 || message[0].body_bytes != worker->run->bytes)
		fail("receive", count);
	delete (worker, message, (size_t)count);
	worker->calls += 2;
	worker->tally->received += (uint64_t)count;
	look_at_engine(worker);
}

/* Never more than there is for the consumer, never less for the producer. */
static uint64_t depth(const struct worker *worker)
{
	uint64_t received = worker->tally->received;

	return worker->tally->sent - received;
}

static void produce(struct worker *worker)
{
	struct tally *tally = worker->tally;

	while (tally->was_full && !tally->is_over && depth(worker) > DEPTH_MAX - BATCH_MAX)
		cpu_relax();
	if (!tally->is_over)
		send(worker);
	if (depth(worker) >= DEPTH_FIRST)
		tally->was_full = true;
}

static void consume(struct worker *worker)
{
	struct tally *tally = worker->tally;

	while (!tally->is_over && (!tally->was_full || depth(worker) < DEPTH_MIN + BATCH_MAX))
		cpu_relax();
	if (!tally->is_over)
		receive(worker);
}

static void cycle(struct worker *worker)
{
	send(worker);
	receive(worker);
}

static void worker_open(struct worker *worker)
{
	int error = rlq_directory_open(worker->path, &worker->directory);

	if (!error)
		error = rlq_queue_open(worker->directory, "q", &worker->queue);
	if (error)
		fail("open", error);
}

/* `last` of all workers to be warm begins the time that counts, and ends it. */
static void work(struct worker *worker, void (*step)(struct worker *worker), uint32_t workers)
{
	struct tally *tally = worker->tally;
	uint64_t end_ms;

	for (int i = 0; i < WARM_UP; i++)
		step(worker);
	/* The others go on meanwhile: who is warm must neither fill up nor run dry. */
	tally->warm++;
	while (tally->warm < workers)
		step(worker);
	worker->calls = 0;
	worker->was_wrong = false;
	mark();
	end_ms = now_ms(worker) + RUN_MS;
	while (!tally->is_over) {
		step(worker);
		if (now_ms(worker) >= end_ms)
			tally->is_over = true;
	}
	mark();
	tally->calls += worker->calls;
	if (worker->was_wrong)
		tally->was_wrong = true;
}

static void producer_main(void *context)
{
	worker_open(context);
	work(context, produce, 2);
}

/* What an earlier run has left. */
static void purge(struct worker *worker)
{
	int error;

	worker_open(worker);
	error = rlq_purge(worker->queue, NULL);
	if (error)
		fail("purge", error);
	rlq_queue_close(worker->queue);
	rlq_directory_close(worker->directory);
}

/* Prints what the other needs to judge the run. */
static int traced(const char *path, const struct run *run)
{
	struct worker worker = {.run = run, .path = path, .tally = shared_memory(sizeof(struct tally))};

	watchdog(WATCHDOG_S);
	purge(&worker);
	if (run->is_pair) {
		pid_t producer = child_start(producer_main, &worker);
		int status;

		worker_open(&worker);
		work(&worker, consume, 2);
		status = child_wait(producer);
		if (!child_exited(status, 0))
			fail(child_status_text(status), 0);
	} else {
		worker_open(&worker);
		work(&worker, cycle, 1);
	}
	printf("%llu calls, wrong %d\n", (unsigned long long)worker.tally->calls, worker.tally->was_wrong);
	return 0;
}

/* ---- who judges ------------------------------------------------------------------------------- */

/* Is the line about a signal or an end, not a call? A parent hears of its child when it likes. */
static bool is_no_call(const char *line)
{
	return strncmp(line, "---", 3) == 0 || strncmp(line, "+++", 3) == 0;
}

/* Calls between the marks; -1 if there are not two. Says the first few. */
static int count_between_marks(const char *file)
{
	FILE *trace = fopen(file, "r");
	char line[512];
	int marks = 0, calls = 0;

	while (trace && marks < 2 && fgets(line, sizeof(line), trace)) {
		if (strncmp(line, "getsid(", 7) == 0)
			marks++;
		else if (marks == 1 && !is_no_call(line) && calls++ < 5)
			printf("    %s", line);
	}
	if (trace)
		fclose(trace);
	return marks == 2 ? calls : -1;
}

/* Over the traces of all processes, one file each, which are removed; -1 if not so many have two marks. */
static int count_calls(const char *directory, int processes)
{
	char file[TMPDIR_BYTES + 300];
	DIR *dir = opendir(directory);
	struct dirent *entry;
	int total = 0;

	while (dir && (entry = readdir(dir)) != NULL) {
		int calls;

		if (strncmp(entry->d_name, "trace.", 6) != 0)
			continue;
		snprintf(file, sizeof(file), "%s/%s", directory, entry->d_name);
		calls = count_between_marks(file);
		unlink(file);
		processes -= calls >= 0;
		total += calls > 0 ? calls : 0;
	}
	if (dir)
		closedir(dir);
	return processes == 0 ? total : -1;
}

struct verdict {
	int system_calls; /* -1: could not be traced */
	unsigned long long calls;
	int was_wrong;
};

/* Runs ourselves under strace. */
static struct verdict run_traced(const char *self, const char *directory, int number)
{
	struct verdict verdict = {.system_calls = -1};
	char command[4096 + 3 * TMPDIR_BYTES], line[256];
	bool said = false;
	FILE *pipe;

	snprintf(command, sizeof(command), "strace -ff -o '%s/trace' '%s' traced '%s' %d", directory, self,
		 directory, number);
	pipe = popen(command, "r");
	while (pipe && fgets(line, sizeof(line), pipe)) {
		if (sscanf(line, "%llu calls, wrong %d", &verdict.calls, &verdict.was_wrong) == 2)
			said = true;
		else
			printf("%s", line);
	}
	if (pipe && pclose(pipe) == 0 && said)
		verdict.system_calls = count_calls(directory, runs[number].is_pair ? 2 : 1);
	return verdict;
}

/* A run in which the engine was late, if only for a moment, shows nothing: once more. */
static bool judge(const char *self, const char *directory, int number)
{
	const struct run *run = &runs[number];
	struct verdict verdict = {.was_wrong = 1};
	unsigned long long allowed;

	for (int i = 0; i < TRIES && verdict.was_wrong; i++)
		verdict = run_traced(self, directory, number);
	allowed = run->has_engine ? 0 : verdict.calls / REAP_EVERY * REAP_CALLS_MAX;
	printf("%s: %d system calls in %llu, %llu allowed%s\n", run->name, verdict.system_calls, verdict.calls,
	       allowed, verdict.was_wrong ? "; the engine was never as it should be" : "");
	fflush(stdout);
	return verdict.system_calls >= 0 && (unsigned long long)verdict.system_calls <= allowed &&
	       verdict.calls > REAP_EVERY && !verdict.was_wrong;
}

static void engine_main(void *context)
{
	struct rlq_engine *engine;

	if (rlq_engine_open(context, NULL, &engine) == 0)
		rlq_engine_run(engine);
}

static bool make_queue(const char *path)
{
	struct rlq_directory *directory;
	int error = rlq_directory_open(path, &directory);

	if (!error)
		error = rlq_queue_create(directory, "q", NULL);
	if (error == 1)
		rlq_directory_close(directory);
	return error == 1;
}

/* Waits until the engine says that it is awake; the watchdog ends us if it never does. */
static void await_engine(const char *path)
{
	struct rlq_directory *directory;

	watchdog(WATCHDOG_S);
	if (rlq_directory_open(path, &directory) != 0)
		fail("open", 0);
	while (!rlq_directory_has_engine(directory))
		sched_yield(); /* it wakes nobody when it comes up */
	rlq_directory_close(directory);
	alarm(0);
}

/* In the order of the table: those without an engine come before it is started. */
static int judge_all(const char *self, char *path)
{
	pid_t engine = 0;
	int failed = 0;

	if (!make_queue(path))
		return 1;
	for (int i = 0; i < RUN_COUNT; i++) {
		if (runs[i].has_engine && engine == 0) {
			engine = child_start(engine_main, path);
			await_engine(path);
		}
		failed += !judge(self, path, i);
	}
	child_signal(engine, SIGKILL);
	child_wait(engine);
	printf("%d passed, %d failed\n", RUN_COUNT - failed, failed);
	return failed;
}

int main(int count, char **arguments)
{
	char path[TMPDIR_BYTES], self[4096] = "";
	int failed;

	if (count == 4 && strcmp(arguments[1], "traced") == 0)
		return traced(arguments[2], &runs[atoi(arguments[3]) % RUN_COUNT]);
	if (UNDER_THREAD_SANITIZER || UNDER_ADDRESS_SANITIZER)
		return 77;
	if (system("strace -o /dev/null true >/dev/null 2>&1") != 0 ||
	    readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return 77;
	tmpdir_make(path);
	failed = judge_all(self, path);
	tmpdir_remove(path);
	return failed > 0;
}
