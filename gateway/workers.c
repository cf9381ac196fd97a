/* Threads that may wait. */
#include "gateway/workers.h"

#include "gateway/exchange.h"
#include "gateway/handles.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

enum { HANDLES_OPEN_MAX = 64, STACK_BYTES = 512 * 1024 };

struct workers {
	struct rlq_directory *directory;
	void (*work)(struct handles *handles, struct exchange *exchange);
	pthread_mutex_t lock; /* all that follows */
	pthread_cond_t changed;
	STAILQ_HEAD(, exchange) waiting;
	uint32_t waiting_count, idle, threads, threads_max;
	bool is_over;
	pthread_t thread[];
};

/* NULL: it is over. */
static struct exchange *take(struct workers *workers)
{
	struct exchange *exchange;

	while ((exchange = STAILQ_FIRST(&workers->waiting)) == NULL && !workers->is_over) {
		workers->idle++;
		pthread_cond_wait(&workers->changed, &workers->lock);
		workers->idle--;
	}
	if (exchange) {
		STAILQ_REMOVE_HEAD(&workers->waiting, in_line);
		workers->waiting_count--;
	}
	return exchange;
}

static void *serve(void *context)
{
	struct workers *workers = context;
	struct handles *handles = NULL;
	struct exchange *exchange;

	pthread_mutex_lock(&workers->lock);
	while ((exchange = take(workers)) != NULL) {
		pthread_mutex_unlock(&workers->lock);
		if (handles == NULL)
			handles = handles_open(workers->directory, HANDLES_OPEN_MAX);
		workers->work(handles, exchange);
		pthread_mutex_lock(&workers->lock);
	}
	pthread_mutex_unlock(&workers->lock);
	handles_close(handles);
	return NULL;
}

struct workers *workers_open(struct rlq_directory *directory, uint32_t threads_max,
			     void (*work)(struct handles *handles, struct exchange *exchange))
{
	struct workers *workers = calloc(1, sizeof(*workers) + threads_max * sizeof(pthread_t));

	if (workers == NULL)
		return NULL;
	workers->directory = directory;
	workers->work = work;
	workers->threads_max = threads_max;
	pthread_mutex_init(&workers->lock, NULL);
	pthread_cond_init(&workers->changed, NULL);
	STAILQ_INIT(&workers->waiting);
	return workers;
}

static int start_one(struct workers *workers)
{
	pthread_attr_t attributes;
	int error;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	error = pthread_create(&workers->thread[workers->threads], &attributes, serve, workers);
	pthread_attr_destroy(&attributes);
	if (error == 0)
		workers->threads++;
	return -error;
}

int workers_add(struct workers *workers, struct exchange *exchange)
{
	int error = 0;

	pthread_mutex_lock(&workers->lock);
	if (workers->is_over)
		error = -ESHUTDOWN;
	else if (workers->idle <= workers->waiting_count && workers->threads < workers->threads_max)
		error = start_one(workers);
	if (!workers->is_over && workers->threads > 0) {
		error = 0;
		STAILQ_INSERT_TAIL(&workers->waiting, exchange, in_line);
		workers->waiting_count++;
		pthread_cond_signal(&workers->changed);
	}
	pthread_mutex_unlock(&workers->lock);
	return error;
}

void workers_stop(struct workers *workers)
{
	pthread_mutex_lock(&workers->lock);
	workers->is_over = true;
	pthread_cond_broadcast(&workers->changed);
	pthread_mutex_unlock(&workers->lock);
	for (uint32_t i = 0; i < workers->threads; i++)
		pthread_join(workers->thread[i], NULL);
	workers->threads = 0;
}

void workers_close(struct workers *workers)
{
	if (workers == NULL)
		return;
	workers_stop(workers);
	pthread_cond_destroy(&workers->changed);
	pthread_mutex_destroy(&workers->lock);
	free(workers);
}
