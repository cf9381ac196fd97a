#include "kmod-free/disk_pair_parts.h"

#include <errno.h>
#include <pthread.h>

enum {
	FIRST = 1 << 20, /* none of the kernel's: a mix-up is found out */
	COUNT = 256,
};

/* Of all pairs of the process: a disk's calls are told nothing but a number. */
static struct pair_descriptor descriptors[COUNT];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

int pair_number(struct disk_pair *pair, const int fd[DISK_PAIR_SIDES])
{
	int number = -EMFILE;

	pthread_mutex_lock(&mutex);
	for (int i = 0; i < COUNT && number < 0; i++) {
		if (descriptors[i].pair)
			continue;
		descriptors[i] = (struct pair_descriptor){.pair = pair, .fd = {fd[0], fd[1]}};
		number = FIRST + i;
	}
	pthread_mutex_unlock(&mutex);
	return number;
}

struct pair_descriptor pair_descriptor(int number)
{
	struct pair_descriptor found = {.fd = {-1, -1}};

	if (number < FIRST)
		return found;
	pthread_mutex_lock(&mutex);
	found = descriptors[number - FIRST];
	pthread_mutex_unlock(&mutex);
	return found;
}

int pair_close(int number)
{
	const struct pair_descriptor found = pair_descriptor(number);

	pthread_mutex_lock(&mutex);
	descriptors[number - FIRST].pair = NULL;
	pthread_mutex_unlock(&mutex);
	for (int i = 0; i < DISK_PAIR_SIDES; i++)
		if (found.fd[i] >= 0)
			found.pair->side[i].disk->close(found.fd[i]);
	return 0;
}
