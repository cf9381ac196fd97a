/* The engine: what ringleased runs, for applications that want to host it themselves.
 * Link with libringlease-engine. One engine serves a directory; a second one waits in reserve until the first
 * ends, is killed, or is over a second late. */
#ifndef RINGLEASE_ENGINE_H
#define RINGLEASE_ENGINE_H

#include "ringlease.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rlq_engine;

struct rlq_engine_options {
	size_t size;
	/* Called for what an operator should know; NULL: nowhere. From the engine's two threads, perhaps from both
	 * at once. */
	void (*log)(void *context, const char *text);
	void *context;
	/* Folder of the journal, for durable queues; made if it is missing. "": the default, $RINGLEASE_DATA, else
	 * a folder for this directory below $XDG_STATE_HOME/ringlease, /var/lib/ringlease (root) or
	 * ~/.local/state/ringlease; without it the engine serves, says so, and journals nothing. NULL: no journal;
	 * durable queues can then be neither made nor sent to. */
	const char *data;
};

#define RLQ_ENGINE_OPTIONS_INIT                                                                                    \
	{                                                                                                          \
		.size = sizeof(struct rlq_engine_options)                                                          \
	}

/* Prepares an engine for a directory (path as rlq_directory_open). */
RLQ_PUBLIC int rlq_engine_open(const char *path, const struct rlq_engine_options *options,
			       struct rlq_engine **ret_engine);

/* Serves until rlq_engine_stop() is called. Blocks; returns 0 or a negative code;
 * RLQ_EFORKED in a child of the process that opened it; what keeps it from the journal that was named (-EBUSY:
 * another engine has it). Journals from a thread of its own. */
RLQ_PUBLIC int rlq_engine_run(struct rlq_engine *engine);

/* Ends rlq_engine_run(). Async-signal-safe; from any thread. */
RLQ_PUBLIC void rlq_engine_stop(struct rlq_engine *engine);

RLQ_PUBLIC void rlq_engine_close(struct rlq_engine *engine);

#ifdef __cplusplus
}
#endif

#endif
