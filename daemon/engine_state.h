/* The state of struct rlq_engine, for the files that are its parts: the queues it serves, and its rounds over them.
 */
#ifndef ENGINE_STATE_H
#define ENGINE_STATE_H

#include "daemon/journaling.h"
#include "daemon/listing.h"
#include "ringlease-engine.h"
#include "shm/reap.h"

#include <stdatomic.h>

enum { ENGINE_IDLE_MS = 1000 }; /* longest sleep */

/* One queue that we look after. */
struct served {
	char name[SEG_NAME_MAX + 1];
	struct segment *segment;
	struct sweep sweep;
	bool is_seen; /* by the latest listing */
};

/* One that could not be opened; tried again, ever more seldom. */
struct refused {
	char name[SEG_NAME_MAX + 1];
	int error; /* as said last */
	uint64_t retry_ms, wait_ms;
	bool is_seen;
};

struct rlq_engine {
	struct seg_directory directory;
	struct rlq_engine_options options;
	struct served *served;
	size_t served_count;
	struct refused *refused;
	size_t refused_count;
	struct listing listing;
	struct os_clock clock;
	uint64_t looked_ms; /* when the dead were last looked for, boot clock */
	int lock_fd;
	atomic_bool is_stopped;
	_Atomic uint32_t stop_bell; /* for one that stands by */
	bool has_told_served;	    /* options.is_served */
	char *data;		    /* as asked for; NULL: no journal */
	char *mirror;		    /* NULL: none */
	struct keys *keys;
	struct journaling *journaling;
	bool is_beside_another; /* an engine that is late, not dead: it still has the journal */
	uint64_t journal_retry_ms;
	bool is_journal_awaited; /* it has been said that another engine has it */
};

/* To the log, if there is one. `engine` is a struct rlq_engine: parts get it as their context. */
__attribute__((format(printf, 2, 3))) void engine_say(void *engine, const char *format, ...);

#endif
