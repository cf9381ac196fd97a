/* Connections by the time at which they are cut off, and the thread that does it. */
#include "gateway/connections.h"

#include "gateway/clock.h"
#include "gateway/heap.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

struct connection {
	struct heap_entry due; /* first */
	int fd;
};

struct connections {
	int64_t patience_ms;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* the first that is due is another, or all is over */
	struct heap heap;	/* of those whose requests are not whole */
	bool is_over;
};

/* Its reads and writes end from now on; libmicrohttpd closes it. */
static void cut_off(struct connections *connections, struct connection *connection)
{
	heap_remove(&connections->heap, &connection->due);
	shutdown(connection->fd, SHUT_RDWR);
}

static void wait_until(struct connections *connections, int64_t ms)
{
	const struct timespec until = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	pthread_cond_timedwait(&connections->changed, &connections->lock, &until);
}

static void *look_after(void *context)
{
	struct connections *connections = context;

	pthread_mutex_lock(&connections->lock);
	while (!connections->is_over) {
		struct heap_entry *first = heap_first(&connections->heap);

		if (first == NULL)
			pthread_cond_wait(&connections->changed, &connections->lock);
		else if (first->key > clock_monotonic_ms())
			wait_until(connections, first->key);
		else
			cut_off(connections, (struct connection *)first);
	}
	pthread_mutex_unlock(&connections->lock);
	return NULL;
}

int connections_open(uint32_t seconds, struct connections **ret_connections)
{
	struct connections *connections = calloc(1, sizeof(*connections));
	pthread_condattr_t monotonic;
	int error;

	if (connections == NULL)
		return -ENOMEM;
	connections->patience_ms = (int64_t)seconds * 1000;
	pthread_mutex_init(&connections->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&connections->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	error = pthread_create(&connections->thread, NULL, look_after, connections);
	if (error) {
		free(connections);
		return -error;
	}
	*ret_connections = connections;
	return 0;
}

void connections_close(struct connections *connections)
{
	if (connections == NULL)
		return;
	pthread_mutex_lock(&connections->lock);
	connections->is_over = true;
	pthread_cond_signal(&connections->changed);
	pthread_mutex_unlock(&connections->lock);
	pthread_join(connections->thread, NULL);
	pthread_cond_destroy(&connections->changed);
	pthread_mutex_destroy(&connections->lock);
	heap_free(&connections->heap);
	free(connections);
}

/* Without memory for it, it is not looked after. */
static void begin_time(struct connections *connections, struct connection *connection)
{
	connection->due.key = clock_monotonic_ms() + connections->patience_ms;
	if (heap_add(&connections->heap, &connection->due) == 0 && connections->heap.count == 1)
		pthread_cond_signal(&connections->changed);
}

struct connection *connection_begin(struct connections *connections, int fd)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	if (connection == NULL)
		return NULL;
	connection->fd = fd;
	pthread_mutex_lock(&connections->lock);
	begin_time(connections, connection);
	pthread_mutex_unlock(&connections->lock);
	return connection;
}

void connection_end(struct connections *connections, struct connection *connection)
{
	connection_is_asked(connections, connection);
	free(connection);
}

void connection_is_asked(struct connections *connections, struct connection *connection)
{
	if (connection == NULL)
		return;
	pthread_mutex_lock(&connections->lock);
	heap_remove(&connections->heap, &connection->due);
	pthread_mutex_unlock(&connections->lock);
}

void connection_is_answered(struct connections *connections, struct connection *connection)
{
	if (connection == NULL)
		return;
	pthread_mutex_lock(&connections->lock);
	if (connection->due.place == 0)
		begin_time(connections, connection);
	pthread_mutex_unlock(&connections->lock);
}
