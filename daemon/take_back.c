#include "daemon/take_back.h"

#include "daemon/aside.h"
#include "daemon/journaling_state.h"
#include "daemon/restart.h"
#include "daemon/roster.h"
#include "kmod-free/clock.h"
#include "ringlease.h"

#include <errno.h>

/* What to do about it. */
const char *aside_remedy(int error)
{
	switch (error) {
	case -EACCES:
	case -EPERM:
		return "open it to this user again (chmod, chgrp)";
	case RLQ_EEXISTS:
		return "another queue has its name: remove that one";
	case RLQ_EDAMAGED:
	case RLQ_EVERSION:
		return "delete its file, and it is made anew from the journal";
	default:
		return "it is tried again";
	}
}

/* Has it been looked at as it is? */
static bool has_changed(struct journaling *journaling, struct aside_queue *queue)
{
	uint64_t changed_ns, file = seg_file_changed(journaling->directory, queue->definition.name, &changed_ns);
	bool is_same = file == queue->file && changed_ns == queue->changed_ns;

	queue->file = file;
	queue->changed_ns = changed_ns;
	return !is_same;
}

/* 0: it can be recovered, as it is or from nothing; RLQ_EREMOVED; else why not. */
static int look_at_one(const struct journaling *journaling, const struct aside_queue *queue)
{
	struct segment *segment;
	int error = seg_open_to_look(journaling->directory, queue->definition.name, &segment);

	if (error)
		return error == -ENOENT || error == RLQ_EBOOT ? 0 : error;
	if (segment->durability == RLQ_MEMORY || segment->incarnation != queue->definition.incarnation)
		error = RLQ_EEXISTS;
	else if (load_seq(&segment->header->rings) & RINGS_REMOVED)
		error = RLQ_EREMOVED;
	seg_close(segment);
	return error;
}

/* Reads the journal once more, for this queue: between turns all of it is durable. */
static int recover_one(struct journaling *journaling, uint32_t number)
{
	struct restart restart;
	struct recovery *recovery = &restart.recovery;
	struct replay_report replayed;
	struct journaled journaled;
	struct recovered report;
	struct live_queue *queue;
	int error;

	restart_begin(&restart, journaling);
	recovery->drafts.only = number;
	error = restart_read(&restart, &replayed);
	if (!error)
		error = live_sort(&recovery->live);
	queue = error ? NULL : live_queue_find(&recovery->live, number);
	if (!error)
		error = queue ? recover_queue(recovery, queue, &journaled, &report) : -EIO;
	if (!error) {
		journaled.is_back = true;
		account_queue(&journaling->account, queue->definition.name, &report);
		error = roster_add(journaling, &journaled);
	}
	restart_end(&restart);
	return error;
}

static int take_back(struct journaling *journaling, struct aside_queue *queue, bool is_due)
{
	uint32_t number = queue->definition.queue;
	int error = look_at_one(journaling, queue);

	queue->is_open = error == 0;
	if (error == RLQ_EREMOVED) {
		say(journaling, "%s: removed from the journal", queue->definition.name);
		error = turn_note_removal(&journaling->turn, number);
		return error ? error : aside_drop(&journaling->turn, number);
	}
	if (!is_due)
		return 0;
	if (!error)
		error = recover_one(journaling, number);
	if (!error)
		return aside_drop(&journaling->turn, number);
	if (error != queue->error && error != -ECANCELED)
		say(journaling, "%s: still set aside: %s; %s", queue->definition.name, rlq_strerror(error),
		    aside_remedy(error));
	queue->error = error;
	return 0; /* the turn is for all others */
}

/* Its remover, or who has opened it again, may wait for this turn. For one that can be opened but not recovered the
 * journal is read ever more seldom. */
int take_back_aside(struct journaling *journaling)
{
	struct aside *aside = &journaling->turn.aside;
	uint64_t now_ms = os_boot_ms();
	int error = 0;

	for (size_t i = aside->queue_count; i-- > 0 && !error;) {
		struct aside_queue *queue = &aside->queues[i];

		const bool is_due = has_changed(journaling, queue) || now_ms >= queue->retry_ms;

		if (!is_due && !queue->is_open)
			continue;
		if (is_due) {
			queue->retry_ms = now_ms + queue->wait_ms;
			if (queue->is_open && queue->wait_ms < ASIDE_RETRY_MAX_MS)
				queue->wait_ms *= 2;
		}
		error = take_back(journaling, queue, is_due);
	}
	return error;
}
