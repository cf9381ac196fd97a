/* What a journal has, file by file, for those who look after it; perhaps while an engine writes it. */
#ifndef DAEMON_INSPECT_H
#define DAEMON_INSPECT_H

#include "daemon/account.h"
#include "daemon/live.h"
#include "daemon/replay.h"

struct inspect_file {
	uint64_t number, bytes;
	uint64_t turns, records;
	uint64_t live_messages, live_bytes;
	uint64_t first_ms, last_ms;
	uint64_t key_id; /* 0: plain */
};

struct inspection {
	struct replay_report report;
	struct inspect_file *files; /* ascending */
	size_t file_count;
	uint64_t queues, live_messages, live_bytes;
	uint64_t last_turn, last_ms; /* the last turn that counts */
	uint64_t locked_files;	     /* encrypted, and read without their key: only their CRCs were compared */
};

/* Reads all, and says in `account` (NULL: nowhere) how far it is. What a file says that goes or grows meanwhile may
 * look damaged: so what is wrong counts only when it is found twice. `keys` NULL: none. 0 or a negative errno, as
 * replay(), or -EAGAIN: found anew each time. To be ended in any case. */
int inspect(const struct os_disk *disk, int folder, const struct keys *keys, struct account *account,
	    struct inspection *ret_inspection);
void inspection_end(struct inspection *inspection);

/* Is the same wrong with both? */
bool inspect_is_same(int error, const struct replay_report *report, int other_error,
		     const struct replay_report *other);

enum { INSPECT_TRIES = 20 };

#endif
