#include "daemon/replay_walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int hand_on_records(struct walk *walk, const struct replay_place *place, const struct format_frame *frame)
{
	const unsigned char *at = (const unsigned char *)frame;
	int error = 0;

	for (size_t offset = sizeof(*frame); offset < frame->bytes && !error;) {
		const struct format_record *record = (const void *)(at + offset);

		if (walk->calls && record->kind <= FORMAT_SEEN && record->kind != FORMAT_TAG)
			error = walk->calls->record(walk->calls->context, place, record);
		offset += record->bytes;
	}
	if (place->file != walk->last_used)
		walk->report->files_unused--;
	walk->last_used = place->file;
	walk->report->frames++;
	walk->report->records += frame->count - (frame->flags & FORMAT_ENCRYPTED ? 1 : 0); /* but the TAG */
	walk->report->bytes += frame->bytes;
	return error;
}

static void note_tail(struct walk *walk, const struct piece *piece, uint32_t bytes)
{
	struct replay_report *report = walk->report;

	if (walk->tail_lsn <= walk->survey.durable)
		report->tail_file = 0;
	walk->tail_lsn = piece->head.lsn;
	if (report->tail_file != piece->file->number) {
		report->tail_file = piece->file->number;
		/* The head of a file goes with its first frame. */
		report->tail_offset = piece->offset == FORMAT_PAGE ? 0 : piece->offset;
	}
	report->tail_bytes = piece->offset + format_pages(bytes) - report->tail_offset;
}

/* A frame that is no longer what it was a moment ago is the disk's failure. */
static int hand_on_piece(struct walk *walk, const struct piece *piece, struct replay_place *ret_place)
{
	const struct format_frame *frame;
	enum format_fault fault;
	int error = frames_read(&walk->frames, piece->file, piece->offset, true, &frame, &fault);

	if (error)
		return error;
	if (fault || memcmp(frame, &piece->head, sizeof(*frame)) != 0) {
		walk->report->at_file = piece->file->number;
		return -EIO;
	}
	*ret_place = (struct replay_place){
		.file = piece->file->number,
		.offset = piece->offset,
		.lsn = frame->lsn,
		.turn = frame->turn,
		.wall_ms = frame->wall_ms,
		.is_damaged = walk->is_damaged,
	};
	if (frame->lsn > walk->survey.durable)
		note_tail(walk, piece, frame->bytes);
	return hand_on_records(walk, ret_place, frame);
}

int walk_hand_on(struct walk *walk)
{
	struct replay_place place;
	int error = 0;

	for (size_t i = 0; i < walk->piece_count && !error; i++)
		error = hand_on_piece(walk, &walk->pieces[i], &place);
	if (!error && walk->piece_count > 0) {
		uint64_t last = walk->pieces[walk->piece_count - 1].head.lsn;

		walk->kept = last > walk->kept ? last : walk->kept;
		walk->report->turns++;
		if (walk->calls && walk->calls->turn_end)
			error = walk->calls->turn_end(walk->calls->context, &place);
	}
	walk->piece_count = 0;
	reader_let_go(&walk->frames.reader);
	walk->is_damaged = false;
	return error;
}

int walk_close_turn(struct walk *walk)
{
	const struct piece *piece = walk->pieces;
	int error = walk->piece_count > 0 ? walk_see_all(walk) : 0;

	if (walk->piece_count == 0 || error)
		return error;
	if (walk->pieces[walk->piece_count - 1].head.lsn <= walk->survey.durable) {
		walk->is_damaged = true;
		return walk_hand_on(walk);
	}
	for (size_t i = 0; i < walk->piece_count; i++) {
		walk->report->cut_frames++;
		walk->report->cut_bytes += format_pages(walk->pieces[i].head.bytes);
	}
	/* The turn begins before whatever has ended the journal. */
	walk->report->cut_file = piece->file->number;
	walk->report->cut_offset = piece->offset;
	walk->has_ended = true;
	walk->piece_count = 0;
	reader_let_go(&walk->frames.reader);
	return 0;
}

int walk_gather(struct walk *walk, const struct survey_file *file, uint64_t offset, const struct format_frame *head)
{
	struct piece *more;

	if (walk->piece_count == walk->pieces_max) {
		size_t most = walk->pieces_max * 2 + 16;

		more = reallocarray(walk->pieces, most, sizeof(*more));
		if (more == NULL)
			return -ENOMEM;
		walk->pieces = more;
		walk->pieces_max = most;
	}
	reader_hold(&walk->frames.reader, offset);
	walk->pieces[walk->piece_count++] = (struct piece){.file = file, .offset = offset, .head = *head};
	return 0;
}

bool walk_is_of_other_turn(const struct walk *walk, const struct format_frame *head)
{
	return walk->piece_count > 0 && walk->pieces[walk->piece_count - 1].head.turn != head->turn;
}
