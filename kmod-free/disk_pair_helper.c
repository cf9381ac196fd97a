#include "kmod-free/disk_pair_helper.h"

#include "kmod-free/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct pair_helper {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	const struct pair_call *call; /* to be made; NULL: none */
	int64_t answer;
	bool is_stopped;
};

static void *help(void *context)
{
	struct pair_helper *helper = context;

	pthread_mutex_lock(&helper->mutex);
	while (!helper->is_stopped) {
		const struct pair_call *call = helper->call;
		int64_t answer;

		if (call == NULL) {
			pthread_cond_wait(&helper->changed, &helper->mutex);
			continue;
		}
		pthread_mutex_unlock(&helper->mutex);
		answer = call->make(call);
		pthread_mutex_lock(&helper->mutex);
		helper->answer = answer;
		helper->call = NULL;
		pthread_cond_broadcast(&helper->changed);
	}
	pthread_mutex_unlock(&helper->mutex);
	return NULL;
}

int pair_helper_start(struct pair_helper **ret_helper)
{
	struct pair_helper *helper = calloc(1, sizeof(*helper));
	int error;

	if (helper == NULL)
		return -ENOMEM;
	pthread_mutex_init(&helper->mutex, NULL);
	pthread_cond_init(&helper->changed, NULL);
	error = os_thread_start("ringlease-disk", help, helper, &helper->thread);
	if (error) {
		free(helper);
		return error;
	}
	*ret_helper = helper;
	return 0;
}

void pair_helper_begin(struct pair_helper *helper, const struct pair_call *call)
{
	pthread_mutex_lock(&helper->mutex);
	helper->call = call;
	pthread_cond_broadcast(&helper->changed);
	pthread_mutex_unlock(&helper->mutex);
}

int64_t pair_helper_end(struct pair_helper *helper)
{
	int64_t answer;

	pthread_mutex_lock(&helper->mutex);
	while (helper->call)
		pthread_cond_wait(&helper->changed, &helper->mutex);
	answer = helper->answer;
	pthread_mutex_unlock(&helper->mutex);
	return answer;
}

void pair_helper_stop(struct pair_helper *helper)
{
	if (helper == NULL)
		return;
	pthread_mutex_lock(&helper->mutex);
	helper->is_stopped = true;
	pthread_cond_broadcast(&helper->changed);
	pthread_mutex_unlock(&helper->mutex);
	pthread_join(helper->thread, NULL);
	pthread_cond_destroy(&helper->changed);
	pthread_mutex_destroy(&helper->mutex);
	free(helper);
}
