#include "session.h"

#include <stdlib.h>
#include <string.h>

#include <ringlease.h>

#include "options.h"
#include "report.h"

int session_open_directory(const struct common_options *options, struct session *ret_session)
{
	struct rlq_directory *directory;
	const int rc = rlq_directory_open(options->directory, &directory);

	if (rc < 0) {
		const char *path = options->directory ? options->directory : getenv("RINGLEASE_DIR");

		return report(EXIT_FAILED,
			      "cannot open the directory of queues: %s: %s (--dir or RINGLEASE_DIR sets it)",
			      path && *path ? path : "the default one", rlq_strerror(rc));
	}
	*ret_session = (struct session){.directory = directory};
	return EXIT_DONE;
}

int session_open(const struct common_options *options, const char *queue, struct session *ret_session)
{
	struct session session = {.queue = NULL};
	int rc = session_open_directory(options, &session);

	if (rc)
		return rc;
	rc = rlq_queue_open(session.directory, queue, &session.queue);
	if (rc < 0) {
		session.queue = NULL;
		session_close(&session);
		return report_code(rc, queue);
	}
	*ret_session = session;
	return EXIT_DONE;
}

void session_close(struct session *session)
{
	rlq_queue_close(session->queue);
	rlq_directory_close(session->directory);
}
