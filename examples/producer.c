/* producer QUEUE: sends each line of standard input as a message. Creates the queue if there is none.
 *
 *   cc producer.c $(pkg-config --cflags --libs ringlease) -o producer
 *   ls | ./producer jobs
 */
#include <ringlease.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

static int fail(const char *what, int code)
{
	fprintf(stderr, "producer: %s: %s\n", what, rlq_strerror(code));
	return EXIT_FAILURE;
}

static int send_lines(struct rlq_queue *queue)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	char *line = NULL;
	size_t room = 0;
	ssize_t bytes;
	int error = 0;

	/* A full queue makes us wait for a consumer, up to a minute. */
	options.flags = RLQ_SEND_WAIT;
	options.timeout_ms = 60000;
	while (!error && (bytes = getline(&line, &room, stdin)) > 0) {
		struct rlq_message_id id;
		char text[RLQ_MESSAGE_ID_TEXT_BYTES];

		if (line[bytes - 1] == '\n')
			bytes--;
		error = rlq_send(queue, line, (size_t)bytes, &options, &id);
		if (!error) {
			rlq_message_id_format(&id, text);
			puts(text);
		}
	}
	free(line);
	return error;
}

int main(int argc, char **argv)
{
	struct rlq_directory *directory;
	struct rlq_queue *queue;
	int error;

	if (argc != 2) {
		fprintf(stderr, "usage: producer QUEUE <lines\n");
		return 2;
	}
	error = rlq_directory_open(NULL, &directory); /* $RINGLEASE_DIR, or one of this user */
	if (error)
		return fail("cannot open the directory", error);
	error = rlq_queue_open(directory, argv[1], &queue);
	if (error == RLQ_ENOQUEUE) {
		error = rlq_queue_create(directory, argv[1], NULL); /* 1: created, 0: somebody else was faster */
		if (error >= 0)
			error = rlq_queue_open(directory, argv[1], &queue);
	}
	if (error) {
		rlq_directory_close(directory);
		return fail(argv[1], error);
	}
	error = send_lines(queue);
	rlq_queue_close(queue);
	rlq_directory_close(directory);
	return error ? fail("cannot send", error) : EXIT_SUCCESS;
}
