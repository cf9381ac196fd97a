/* The engine on a thread. */
#include "gateway/engine_host.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <ringlease-engine.h>

struct engine_host {
	struct rlq_engine *engine;
	pthread_t thread;
	int known;	   /* an eventfd: the directory is served, or the run has ended */
	atomic_int result; /* of its run; 1: it runs */
};

static void log_line(void *context, const char *text)
{
	(void)context;
	fprintf(stderr, "ringlease-sqs: engine: %s\n", text);
}

static void is_served(void *context)
{
	eventfd_write(((struct engine_host *)context)->known, 1);
}

static void *serve(void *context)
{
	struct engine_host *host = context;

	atomic_store(&host->result, rlq_engine_run(host->engine));
	eventfd_write(host->known, 1);
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

/* Until it serves, has failed, or we are to stop: reading a long journal takes its time. */
static int wait_until_it_serves(struct engine_host *host, const sigset_t *stops)
{
	int stop = signalfd(-1, stops, SFD_CLOEXEC), result;
	struct pollfd awaited[] = {{.fd = host->known, .events = POLLIN}, {.fd = stop, .events = POLLIN}};

	if (stop < 0)
		return -errno;
	while (poll(awaited, 2, -1) < 0 && errno == EINTR)
		;
	close(stop);
	if (awaited[1].revents)
		return -EINTR;
	result = atomic_load(&host->result);
	return result == 1 ? 0 : result;
}

static void host_free(struct engine_host *host)
{
	rlq_engine_close(host->engine);
	if (host->known >= 0)
		close(host->known);
	free(host);
}

static int host_start(struct engine_host *host, const char *directory, const char *data)
{
	struct rlq_engine_options options = RLQ_ENGINE_OPTIONS_INIT;
	int error;

	options.log = log_line;
	options.data = data;
	options.is_served = is_served;
	options.context = host;
	atomic_init(&host->result, 1);
	host->known = eventfd(0, EFD_CLOEXEC);
	if (host->known < 0)
		return -errno;
	error = rlq_engine_open(directory, &options, &host->engine);
	return error ? error : start_thread(host);
}

int engine_host_open(const char *directory, const char *data, const sigset_t *stops, struct engine_host **ret_host)
{
	struct engine_host *host = calloc(1, sizeof(*host));
	int error;

	if (host == NULL)
		return -ENOMEM;
	error = host_start(host, directory, data);
	if (error) {
		host_free(host);
		return error;
	}
	error = wait_until_it_serves(host, stops);
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
	host_free(host);
}
