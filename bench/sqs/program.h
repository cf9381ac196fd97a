/* A server that the benchmark starts and ends. It is gone when this process is, however that ends. */
#ifndef BENCH_SQS_PROGRAM_H
#define BENCH_SQS_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct program {
	int pid;
	int said; /* what it writes to stderr, if there is no log */
	uint16_t port;
};

/* What it writes goes into `log`; NULL: stays in a pipe. */
void program_start(struct program *program, const char *const *argv, const char *log);
void program_end(struct program *program);

/* ringlease-sqs on the queues of `directory`; returns once it listens. */
void endpoint_start(struct program *program, const char *directory);

/* Until somebody listens on the port. False: it has ended, or does not come up. */
bool program_await(struct program *program, double patience_s);

/* Lets its threads, and those that they start, run on that core alone; -1: wherever we may. */
void program_bind(const struct program *program, int core);

uint16_t port_free(void);
double program_cpu_seconds(const struct program *program);
double program_rss_mib(const struct program *program);
/* Until it takes no processor time any more. */
void program_rest(const struct program *program);

#endif
