#include "daemon/ahead.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct ahead {
	const struct os_disk *disk;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_wanted, is_over;
	int fd;
	void *memory;
	size_t count;
	uint64_t offset;
	int64_t answer;
};

static void *run(void *context)
{
	struct ahead *ahead = context;

	pthread_mutex_lock(&ahead->lock);
	while (!ahead->is_over || ahead->is_wanted) {
		if (ahead->is_wanted) {
			int64_t answer;

			pthread_mutex_unlock(&ahead->lock);
			answer = os_disk_read(ahead->disk, ahead->fd, ahead->memory, ahead->count, ahead->offset);
			pthread_mutex_lock(&ahead->lock);
			ahead->answer = answer;
			ahead->is_wanted = false;
			pthread_cond_signal(&ahead->changed);
		} else {
			pthread_cond_wait(&ahead->changed, &ahead->lock);
		}
	}
	pthread_mutex_unlock(&ahead->lock);
	return NULL;
}

struct ahead *ahead_start(const struct os_disk *disk)
{
	struct ahead *ahead = calloc(1, sizeof(*ahead));

	if (ahead == NULL)
		return NULL;
	ahead->disk = disk;
	pthread_mutex_init(&ahead->lock, NULL);
	pthread_cond_init(&ahead->changed, NULL);
	if (pthread_create(&ahead->thread, NULL, run, ahead) == 0)
		return ahead;
	pthread_cond_destroy(&ahead->changed);
	pthread_mutex_destroy(&ahead->lock);
	free(ahead);
	return NULL;
}

void ahead_end(struct ahead *ahead)
{
	if (ahead == NULL)
		return;
	pthread_mutex_lock(&ahead->lock);
	ahead->is_over = true;
	pthread_cond_signal(&ahead->changed);
	pthread_mutex_unlock(&ahead->lock);
	pthread_join(ahead->thread, NULL);
	pthread_cond_destroy(&ahead->changed);
	pthread_mutex_destroy(&ahead->lock);
	free(ahead);
}

void ahead_begin(struct ahead *ahead, int fd, void *memory, size_t count, uint64_t offset)
{
	pthread_mutex_lock(&ahead->lock);
	ahead->fd = fd;
	ahead->memory = memory;
	ahead->count = count;
	ahead->offset = offset;
	ahead->is_wanted = true;
	pthread_cond_signal(&ahead->changed);
	pthread_mutex_unlock(&ahead->lock);
}

int64_t ahead_wait(struct ahead *ahead)
{
	int64_t answer;

	pthread_mutex_lock(&ahead->lock);
	while (ahead->is_wanted)
		pthread_cond_wait(&ahead->changed, &ahead->lock);
	answer = ahead->answer;
	pthread_mutex_unlock(&ahead->lock);
	return answer;
}
