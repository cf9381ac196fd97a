/* The records of a journal, with what only those before them say: whose message is deleted, what a queue is called.
 */
#ifndef DAEMON_DUMP_H
#define DAEMON_DUMP_H

#include "daemon/replay.h"
#include "ringlease-engine.h"

/* As rlq_journal_dump(); the report is that of the last reading. */
int dump(const struct os_disk *disk, int folder, const struct keys *keys,
	 int (*each)(void *context, const struct rlq_journal_record *record), void *context,
	 struct replay_report *ret_report);

#endif
