/* The state of a walk through a journal, for the files that are its parts: replay.c goes from frame to frame and
 * judges what is missing, replay_turn.c gathers frames until their turn is whole and hands it on. */
#ifndef DAEMON_REPLAY_WALK_H
#define DAEMON_REPLAY_WALK_H

#include "daemon/frames.h"
#include "daemon/replay.h"

/* A sound frame of the turn that is being gathered: read again when the turn is whole. */
struct piece {
	const struct survey_file *file;
	uint64_t offset;
	struct format_frame head;
};

struct walk {
	const struct os_disk *disk;
	int folder;
	const struct replay_calls *calls;
	struct replay_report *report;
	struct survey survey;
	struct frames frames;
	uint64_t first, expected;	/* LSN of the first frame there should be, and of the next; 0: unknown */
	uint64_t kept;			/* LSN of the last frame of the last turn that counts */
	const struct survey_file *last; /* file and end of the last frame seen, lost ones too */
	uint64_t last_end;
	struct piece *pieces;
	size_t piece_count, pieces_max;
	bool is_damaged; /* the turn that is being gathered */
	bool has_ended;
	uint64_t bytes;	    /* of the files before the one that is being read */
	uint64_t last_used; /* file of the last frame that counted */
	uint64_t tail_lsn;  /* of the last frame of the tail */
};

/* Something is not as it should be: what that means depends on frames that are yet to come. */
int walk_see_all(struct walk *walk);

/* ---- replay_turn.c ---- */

/* The frame is of the turn that is being gathered. */
int walk_gather(struct walk *walk, const struct survey_file *file, uint64_t offset,
		const struct format_frame *head);
bool walk_is_of_other_turn(const struct walk *walk, const struct format_frame *head);
/* The turn counts. */
int walk_hand_on(struct walk *walk);
/* What has been gathered is the beginning of a turn whose end is missing: it counts if it was durable. */
int walk_close_turn(struct walk *walk);

#endif
