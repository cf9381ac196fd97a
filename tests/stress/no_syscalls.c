/* Sending, receiving and deleting small messages makes no system call while nobody waits and an engine is
 * awake; without one, only the work it would have done, once in 1,024 calls at most.
 *
 * Runs itself under strace and counts what is traced between two marks. Exit 0, 1, or 77 where strace is
 * not to be had or may not trace. */
#include "client/internal.h"
#include "tests/support/sanitizer.h"
#include "tests/support/tmpdir.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	CYCLES = 10000,
	CALLS = 3 * CYCLES,
	WARM_UP = 3000, /* the first lap touches pages, the first receive takes memory */
	/* Of one round of reaping: some rows are asked whether their processes live. */
	REAP_CALLS_MAX = 64,
	REAP_EVERY = 1024,
};

/* A system call that nothing else here makes. */
static void mark(void)
{
	syscall(SYS_getppid);
}

static void fail(const char *what, int error)
{
	printf("FAILED: %s: %s\n", what, rlq_strerror(error));
	exit(1);
}

static void cycle(struct rlq_queue *queue, size_t bytes)
{
	static const unsigned char body[1000];
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message message;
	int count, error = rlq_send(queue, body, bytes, NULL, NULL);

	if (error)
		fail("send", error);
	count = rlq_receive(queue, &message, 1, &options);
	if (count != 1 || message.body_bytes != bytes)
		fail("receive", count);
	error = rlq_delete(queue, &message.receipt);
	if (error)
		fail("delete", error);
}

/* What is traced. */
static int traced(const char *path, const char *bytes, const char *has_engine)
{
	struct rlq_directory *directory;
	struct rlq_queue *queue;
	int error = rlq_directory_open(path, &directory);

	if (!error)
		error = rlq_queue_open(directory, "q", &queue);
	if (error)
		fail("open", error);
	/* An engine that says it will look after the queue by itself for a long time. */
	if (*has_engine == 'y')
		atomic_store(&directory->seg.engine->awake_by_ms, UINT64_C(1) << 40);
	for (int i = 0; i < WARM_UP; i++)
		cycle(queue, (size_t)atoi(bytes));
	mark();
	for (int i = 0; i < CYCLES; i++)
		cycle(queue, (size_t)atoi(bytes));
	mark();
	return 0;
}

/* Lines between the marks; -1 if there are not two. Says the first few. */
static int count_between_marks(const char *file)
{
	FILE *trace = fopen(file, "r");
	char line[512];
	int marks = 0, calls = 0;

	while (trace && marks < 2 && fgets(line, sizeof(line), trace)) {
		if (strncmp(line, "getppid(", 8) == 0)
			marks++;
		else if (marks == 1 && calls++ < 5)
			printf("    %s", line);
	}
	if (trace)
		fclose(trace);
	return marks == 2 ? calls : -1;
}

/* Runs ourselves under strace; the number of system calls, -1 if that cannot be done. */
static int run(const char *self, const char *directory, const char *bytes, const char *has_engine)
{
	char file[TMPDIR_BYTES + 16], command[3 * TMPDIR_BYTES + 128];

	snprintf(file, sizeof(file), "%s/trace", directory);
	snprintf(command, sizeof(command), "strace -o '%s' '%s' traced '%s' %s %s", file, self, directory, bytes,
		 has_engine);
	if (system(command) != 0)
		return -1;
	return count_between_marks(file);
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

int main(int count, char **arguments)
{
	static const struct {
		const char *bytes, *has_engine;
		int allowed;
	} runs[] = {
		{"16", "yes", 0},
		{"64", "yes", 0},
		{"300", "yes", 0}, /* in a block of its own */
		{"64", "no", CALLS / REAP_EVERY * REAP_CALLS_MAX},
	};
	char path[TMPDIR_BYTES], self[4096] = "";
	int failed = 0, result = 0;

	if (count == 5 && strcmp(arguments[1], "traced") == 0)
		return traced(arguments[2], arguments[3], arguments[4]);
	if (UNDER_THREAD_SANITIZER || UNDER_ADDRESS_SANITIZER)
		return 77;
	if (system("strace -o /dev/null true >/dev/null 2>&1") != 0 ||
	    readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return 77;
	tmpdir_make(path);
	if (!make_queue(path))
		failed++;
	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]) && !failed; i++) {
		result = run(self, path, runs[i].bytes, runs[i].has_engine);
		printf("%d calls with bodies of %s bytes, engine: %s: %d system calls, %d allowed\n", CALLS,
		       runs[i].bytes, runs[i].has_engine, result, runs[i].allowed);
		failed += result < 0 || result > runs[i].allowed;
	}
	tmpdir_remove(path);
	return failed > 0;
}
