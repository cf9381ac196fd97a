/* The directory, and mostly one queue, that a command works on. */
#ifndef TOOLS_SESSION_H
#define TOOLS_SESSION_H

struct common_options;
struct rlq_directory;
struct rlq_queue;

struct session {
	struct rlq_directory *directory;
	struct rlq_queue *queue; /* NULL if only the directory is open */
};

/* Both return 0, or an exit status after a report; then nothing is left open. */
int session_open_directory(const struct common_options *options, struct session *ret_session);
int session_open(const struct common_options *options, const char *queue, struct session *ret_session);

void session_close(struct session *session);

#endif
