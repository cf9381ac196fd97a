/* consumer QUEUE [SECONDS]: prints each message and then deletes it; ends when none has come for that
 * many seconds (default 1).
 *
 *   cc consumer.c $(pkg-config --cflags --libs ringlease) -o consumer
 */
#include <ringlease.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(const char *what, int code)
{
	fprintf(stderr, "consumer: %s: %s\n", what, rlq_strerror(code));
	return EXIT_FAILURE;
}

/* Receives up to ten at once. What we have not deleted when we are killed comes back to others when the
 * visibility timeout of the queue ends. */
static int consume(struct rlq_queue *queue, int64_t wait_ms)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message message[10];
	int count;

	options.wait_ms = wait_ms;
	while ((count = rlq_receive(queue, message, 10, &options)) > 0) {
		for (int i = 0; i < count; i++) {
			int error;

			printf("%.*s\n", (int)message[i].body_bytes, (const char *)message[i].body);
			if (fflush(stdout) != 0)
				return -EIO; /* not deleted: it was not printed */
			error = rlq_delete(queue, &message[i].receipt);
			/* Stale: we were so slow that somebody else has received it since, and will print
			 * it again. At least once is the promise. */
			if (error && error != RLQ_ESTALE)
				return error;
		}
	}
	return count;
}

int main(int argc, char **argv)
{
	struct rlq_directory *directory;
	struct rlq_queue *queue;
	int error;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: consumer QUEUE [SECONDS]\n");
		return 2;
	}
	error = rlq_directory_open(NULL, &directory);
	if (error)
		return fail("cannot open the directory", error);
	error = rlq_queue_open(directory, argv[1], &queue);
	if (error) {
		rlq_directory_close(directory);
		return fail(argv[1], error);
	}
	error = consume(queue, (argc == 3 ? atoi(argv[2]) : 1) * INT64_C(1000));
	rlq_queue_close(queue);
	rlq_directory_close(directory);
	return error ? fail("cannot go on", error) : EXIT_SUCCESS;
}
