/* A start of the journal: reads it, recovers its queues from it, and opens it to be gone on with. */
#ifndef ENGINE_RESTART_H
#define ENGINE_RESTART_H

#include "daemon/recover.h"
#include "daemon/replay.h"

struct journaling;

struct restart {
	struct journaling *journaling;
	struct recovery recovery;
};

void restart_begin(struct restart *restart, struct journaling *journaling);
/* Reads the journal, and what it says is live into `restart->recovery`. 0 or a negative errno. */
int restart_read(struct restart *restart, struct replay_report *ret_report);
void restart_end(struct restart *restart);

/* All of it; on failure it has been said why. */
int restart_all(struct journaling *journaling);

#endif
