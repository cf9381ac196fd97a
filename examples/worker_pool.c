/* worker_pool QUEUE THREADS: threads that work on messages until SIGTERM or SIGINT. A message whose body
 * begins with "fail" is given back, to be tried again a little later; the queue's dead-letter queue, if
 * it has one, gets it in the end.
 *
 *   cc worker_pool.c $(pkg-config --cflags --libs ringlease) -pthread -o worker_pool
 */
#include <ringlease.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rlq_directory *directory; /* shared by all threads */
static const char *queue_name;
static volatile sig_atomic_t is_stopped;

static void handle_stop(int signal_number)
{
	(void)signal_number;
	is_stopped = 1;
}

/* Returns whether it has succeeded. */
static bool work_on(const struct rlq_message *message)
{
	return message->body_bytes < 4 || memcmp(message->body, "fail", 4) != 0;
}

static void *work(void *unused)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_queue *queue; /* a handle belongs to one thread */
	struct rlq_message message;
	long done = 0;
	int count = rlq_queue_open(directory, queue_name, &queue);

	(void)unused;
	if (count < 0) {
		fprintf(stderr, "worker_pool: %s: %s\n", queue_name, rlq_strerror(count));
		return NULL;
	}
	options.wait_ms = 200;		      /* then look whether we are to stop */
	options.flags = RLQ_RECEIVE_IN_PLACE; /* the body is read where it lies; not copied */
	while (!is_stopped && (count = rlq_receive(queue, &message, 1, &options)) >= 0) {
		if (count == 0)
			continue;
		if (work_on(&message)) {
			done += rlq_delete(queue, &message.receipt) == 0;
		} else {
			/* An error means that the lease has run out: then it comes back anyway. */
			rlq_release(queue, &message.receipt, 50);
			rlq_let_go(queue, &message);
		}
	}
	if (count < 0)
		fprintf(stderr, "worker_pool: %s: %s\n", queue_name, rlq_strerror(count));
	rlq_queue_close(queue);
	printf("%ld done\n", done);
	return NULL;
}

int main(int argc, char **argv)
{
	const int threads = argc == 3 ? atoi(argv[2]) : 0;
	pthread_t thread[64];
	int error;

	if (threads < 1 || threads > 64) {
		fprintf(stderr, "usage: worker_pool QUEUE THREADS (1 to 64)\n");
		return 2;
	}
	queue_name = argv[1];
	signal(SIGTERM, handle_stop);
	signal(SIGINT, handle_stop);
	error = rlq_directory_open(NULL, &directory);
	for (int i = 0; i < threads && !error; i++)
		error = -pthread_create(&thread[i], NULL, work, NULL);
	if (error) {
		fprintf(stderr, "worker_pool: %s\n", rlq_strerror(error));
		return EXIT_FAILURE;
	}
	for (int i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	rlq_directory_close(directory);
	return EXIT_SUCCESS;
}
