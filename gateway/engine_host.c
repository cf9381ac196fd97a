/* The engine on a thread. */
#include "gateway/engine_host.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <ringlease-engine.h>

struct engine_host {
	struct rlq_engine *engine;
	pthread_t thread;
	atomic_int result; /* of its run; 1: it runs */
};

static void log_line(void *context, const char *text)
{
	(void)context;
	fprintf(stderr, "ringlease-sqs: engine: %s\n", text);
}

static void *serve(void *context)
{
	struct engine_host *host = context;

	atomic_store(&host->result, rlq_engine_run(host->engine));
	return NULL;
}

/* Signals are for the main thread. */
static int start_thread(struct engine_host *host)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&host->thread, NULL, serve, host);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}

/* Until it serves, or has failed: reading a long journal takes its time. */
static int wait_until_it_serves(struct engine_host *host, const char *directory)
{
	const struct timespec a_little = {.tv_nsec = 1000000};
	struct rlq_directory *queues;
	int error = rlq_directory_open(directory, &queues);

	if (error)
		return error;
	while (atomic_load(&host->result) == 1 && !rlq_directory_has_engine(queues))
		nanosleep(&a_little, NULL);
	rlq_directory_close(queues);
	return atomic_load(&host->result) == 1 ? 0 : atomic_load(&host->result);
}

int engine_host_open(const char *directory, const char *data, struct engine_host **ret_host)
{
	struct rlq_engine_options options = RLQ_ENGINE_OPTIONS_INIT;
	struct engine_host *host = calloc(1, sizeof(*host));
	int error;

	if (host == NULL)
		return -ENOMEM;
	options.log = log_line;
	options.data = data;
	atomic_init(&host->result, 1);
	error = rlq_engine_open(directory, &options, &host->engine);
	if (error) {
		free(host);
		return error;
	}
	error = start_thread(host);
	if (error) {
		rlq_engine_close(host->engine);
		free(host);
		return error;
	}
	error = wait_until_it_serves(host, directory);
	if (error)
		engine_host_close(host);
	else
		*ret_host = host;
	return error;
}

void engine_host_close(struct engine_host *host)
{
	if (host == NULL)
		return;
	rlq_engine_stop(host->engine);
	pthread_join(host->thread, NULL);
	rlq_engine_close(host->engine);
	free(host);
}
