#include "daemon/replay.h"

#include "daemon/reader.h"
#include "daemon/unlock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW_BYTES = 4 << 20 };

/* A sound frame of the turn that is being gathered: read again when the turn is whole. */
struct piece {
	const struct survey_file *file;
	uint64_t offset;
	struct format_frame head;
};

/* The beginning of a turn that goes on in the next file. */
struct carried {
	const struct survey_file *file; /* NULL: none */
	uint64_t offset;
	unsigned char *bytes;
	size_t count;
};

struct walk {
	const struct os_disk *disk;
	int folder;
	const struct replay_calls *calls;
	struct replay_report *report;
	struct survey survey;
	struct reader reader;
	struct unlock unlock;
	const struct survey_file *reading; /* what the reader has open */
	struct carried carried;
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

/* ---- reading ---------------------------------------------------------------------------------- */

/* The turn goes on in another file: what there is of it will be asked for again. */
static int carry(struct walk *walk)
{
	const void *held;
	size_t bytes = walk->reading ? reader_held(&walk->reader, &held) : 0;
	unsigned char *copy;

	if (bytes == 0)
		return 0;
	copy = malloc(bytes);
	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, held, bytes);
	free(walk->carried.bytes);
	walk->carried =
		(struct carried){.file = walk->reading, .offset = walk->reader.hold, .bytes = copy, .count = bytes};
	return 0;
}

static int open_file(struct walk *walk, const struct survey_file *file)
{
	char name[FORMAT_FILE_NAME_BYTES];
	int error = carry(walk);

	walk->reading = NULL;
	format_file_name(file->number, name);
	if (!error)
		error = reader_open(&walk->reader, name);
	if (error)
		return error;
	walk->reading = file;
	if (file + 1 < walk->survey.files + walk->survey.count) {
		format_file_name(file[1].number, name);
		reader_expect(&walk->reader, name);
	}
	return 0;
}

static bool is_carried(const struct walk *walk, const struct survey_file *file, uint64_t offset, size_t bytes)
{
	const struct carried *carried = &walk->carried;

	return file == carried->file && offset >= carried->offset &&
	       offset - carried->offset + bytes <= carried->count;
}

static int read_at(struct walk *walk, const struct survey_file *file, uint64_t offset, size_t bytes,
		   const void **ret_bytes, size_t *ret_count)
{
	int64_t count = 0;

	if (walk->reading != file && is_carried(walk, file, offset, bytes)) {
		*ret_bytes = walk->carried.bytes + (offset - walk->carried.offset);
		*ret_count = bytes;
		return 0;
	}
	if (walk->reading != file)
		count = open_file(walk, file);
	if (count == 0)
		count = reader_at(&walk->reader, offset, bytes, ret_bytes);
	if (count < 0) {
		walk->report->at_file = file->number;
		return (int)count;
	}
	*ret_count = (size_t)count;
	return 0;
}

/* What stands there. The whole frame is in memory if its head is sound; until the next call. One that was seen to
 * be sound, and has stayed in memory since, is not looked at again. */
static int read_frame(struct walk *walk, const struct survey_file *file, uint64_t offset, bool was_sound,
		      const struct format_frame **ret_frame, enum format_fault *ret_fault)
{
	bool is_seen = was_sound && (file == walk->reading ? reader_holds(&walk->reader, offset)
							   : is_carried(walk, file, offset, 0));
	const void *bytes;
	size_t count;
	int error = read_at(walk, file, offset, sizeof(struct format_frame), &bytes, &count);

	if (error)
		return error;
	*ret_frame = bytes;
	*ret_fault = FORMAT_NO_FRAME;
	if (count < sizeof(struct format_frame))
		return 0;
	*ret_fault = format_frame_check_head(*ret_frame, file->seed, file->number);
	if (*ret_fault)
		return 0;
	error = read_at(walk, file, offset, (*ret_frame)->bytes, &bytes, &count);
	if (error)
		return error;
	*ret_frame = bytes;
	*ret_fault = is_seen ? FORMAT_SOUND : format_frame_check(*ret_frame, count, file->seed, file->number);
	return *ret_fault ? 0 : unlock_frame(&walk->unlock, &walk->survey, file, ret_frame, ret_fault);
}

/* ---- what is not there ------------------------------------------------------------------------ */

static void add_damage(struct walk *walk, const struct replay_damage *damage)
{
	struct replay_report *report = walk->report;

	if (report->damage_count < REPLAY_DAMAGE_MAX)
		report->damage[report->damage_count] = *damage;
	report->damage_count++;
	if (damage->first_lsn > 0)
		report->lost_frames += damage->last_lsn - damage->first_lsn + 1;
}

static void cut_here(struct walk *walk, const struct survey_file *file, uint64_t offset)
{
	struct replay_report *report = walk->report;

	if (report->cut_file == 0) {
		report->cut_file = file->number;
		report->cut_offset = offset;
	}
}

static void end_here(struct walk *walk, const struct survey_file *file, uint64_t offset)
{
	walk->has_ended = true;
	cut_here(walk, file, offset);
}

/* Something is not as it should be: what that means depends on frames that are yet to come. */
static int see_all(struct walk *walk)
{
	int error = survey_complete(&walk->survey, walk->disk, walk->folder);

	if (error)
		walk->report->at_file = walk->survey.at_file;
	return error;
}

/* Frames from the expected one up to `last` are not what they were: damage as far as they were durable. */
static int lose(struct walk *walk, const struct survey_file *file, uint64_t offset, uint64_t bytes, uint64_t last,
		enum format_fault fault)
{
	int error = see_all(walk);
	uint64_t durable = walk->survey.durable;
	struct replay_damage damage = {
		.file = file->number,
		.offset = offset,
		.bytes = bytes,
		.first_lsn = walk->expected,
		.last_lsn = last < durable ? last : durable,
		.fault = fault,
	};

	if (error)
		return error;
	if (walk->expected <= durable) {
		add_damage(walk, &damage);
		walk->is_damaged = true;
		walk->kept = damage.last_lsn; /* of turns that counted */
	}
	walk->expected = last + 1;
	if (last > durable)
		end_here(walk, file, offset);
	return 0;
}

/* ---- turns ------------------------------------------------------------------------------------ */

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
	int error = read_frame(walk, piece->file, piece->offset, true, &frame, &fault);

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

/* The turn counts. */
static int hand_on(struct walk *walk)
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
	reader_let_go(&walk->reader);
	walk->is_damaged = false;
	return error;
}

/* What has been gathered is the beginning of a turn whose end is missing: it counts if it was durable. */
static int close_turn(struct walk *walk)
{
	const struct piece *piece = walk->pieces;
	int error = walk->piece_count > 0 ? see_all(walk) : 0;

	if (walk->piece_count == 0 || error)
		return error;
	if (walk->pieces[walk->piece_count - 1].head.lsn <= walk->survey.durable) {
		walk->is_damaged = true;
		return hand_on(walk);
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
	reader_let_go(&walk->reader);
	return 0;
}

static int gather(struct walk *walk, const struct survey_file *file, uint64_t offset,
		  const struct format_frame *head)
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
	reader_hold(&walk->reader, offset);
	walk->pieces[walk->piece_count++] = (struct piece){.file = file, .offset = offset, .head = *head};
	return 0;
}

/* ---- frames ----------------------------------------------------------------------------------- */

static bool is_of_other_turn(const struct walk *walk, const struct format_frame *head)
{
	return walk->piece_count > 0 && walk->pieces[walk->piece_count - 1].head.turn != head->turn;
}

static void expect(struct walk *walk, uint64_t lsn)
{
	if (walk->expected == 0)
		walk->first = walk->expected = lsn;
}

/* Whatever its records are like, this frame is the expected one. */
static int take_frame(struct walk *walk, const struct survey_file *file, uint64_t offset,
		      const struct format_frame *head, enum format_fault fault)
{
	bool is_damaged = walk->is_damaged; /* what is missing before it may have been of its turn */
	int error = is_of_other_turn(walk, head) ? close_turn(walk) : 0;

	if (error || walk->has_ended)
		return error;
	walk->is_damaged = is_damaged;
	if (fault) {
		bool is_end = head->flags & FORMAT_END_OF_TURN;

		error = lose(walk, file, offset, head->bytes, head->lsn, fault);
		return is_end && !walk->has_ended && !error ? hand_on(walk) : error;
	}
	error = gather(walk, file, offset, head);
	walk->expected = head->lsn + 1;
	/* Above D, a whole turn counts. */
	return !error && head->flags & FORMAT_END_OF_TURN ? hand_on(walk) : error;
}

/* A frame with a sound head. One with a number from before is none of this place. */
static int see_frame(struct walk *walk, const struct survey_file *file, uint64_t offset,
		     const struct format_frame *head, enum format_fault fault)
{
	uint64_t gap = walk->last == file ? walk->last_end : FORMAT_PAGE;
	int error = 0;

	expect(walk, head->lsn);
	if (head->lsn < walk->expected)
		return 0;
	if (head->lsn > walk->expected)
		error = lose(walk, file, gap, offset - gap, head->lsn - 1, FORMAT_MISSING);
	/* Its head went to the disk with its first frames. */
	if (file->head > SURVEY_HALF && head->lsn > walk->survey.durable)
		end_here(walk, file, 0);
	if (error || walk->has_ended)
		return error;
	error = take_frame(walk, file, offset, head, fault);
	walk->last = file;
	walk->last_end = offset + format_pages(head->bytes);
	return error;
}

static void cut_frame(struct walk *walk, const struct survey_file *file, uint64_t offset,
		      const struct format_frame *head)
{
	cut_here(walk, file, offset);
	walk->report->cut_frames++;
	walk->report->cut_bytes += format_pages(head->bytes);
}

static int say_progress(struct walk *walk, uint64_t offset)
{
	if (walk->calls == NULL || walk->calls->progress == NULL)
		return 0;
	return walk->calls->progress(walk->calls->context, walk->bytes + offset, walk->report->bytes_all);
}

/* All frames before those of later files were seen, and the rest is long enough to be passed over. What may stand
 * there was cut off, and the head of the file after this one knows of it. */
static bool ends_here(const struct walk *walk, const struct survey_file *file, uint64_t offset)
{
	return !walk->survey.is_complete && walk->expected >= file->limit && file->end > offset + 2 * WINDOW_BYTES;
}

static int walk_frames(struct walk *walk, const struct survey_file *file)
{
	uint64_t offset = FORMAT_PAGE;
	int error = 0;

	while (offset < file->end && !error) {
		const struct format_frame *frame;
		struct format_frame head;
		enum format_fault fault;

		error = read_frame(walk, file, offset, false, &frame, &fault);
		if (error)
			break;
		if (fault == FORMAT_NO_FRAME || fault == FORMAT_BAD_FRAME) {
			offset += FORMAT_PAGE;
			continue;
		}
		head = *frame; /* turns that are handed on are read again, over this one */
		survey_note(&walk->survey, &head);
		if (head.lsn >= file->limit)
			return see_all(walk);
		if (!walk->has_ended)
			error = see_frame(walk, file, offset, &head, fault);
		if (!error && walk->has_ended)
			cut_frame(walk, file, offset, &head);
		offset += format_pages(head.bytes);
		if (!error)
			error = say_progress(walk, offset);
		if (!error && ends_here(walk, file, offset))
			break;
	}
	return error;
}

/* ---- files ------------------------------------------------------------------------------------ */

/* Heads that were durable, and are not what they were. */
static void look_at_head(struct walk *walk, const struct survey_file *file)
{
	struct replay_damage damage = {
		.file = file->number,
		.offset = file->head == SURVEY_HALF ? file->bad_head : 0,
		.bytes = sizeof(struct format_file),
		.fault = FORMAT_BAD_HEAD,
	};

	if (file->head != SURVEY_WHOLE && file->first_lsn <= walk->survey.durable)
		add_damage(walk, &damage);
}

/* Its head says with which frame it begins: what is missing before that is missing before this file. */
static int look_at_beginning(struct walk *walk, const struct survey_file *file)
{
	if (file->head > SURVEY_HALF || walk->has_ended)
		return 0;
	expect(walk, file->first_lsn);
	if (file->first_lsn <= walk->expected)
		return 0;
	if (walk->last)
		return lose(walk, walk->last, walk->last_end, 0, file->first_lsn - 1, FORMAT_MISSING);
	return lose(walk, file, 0, 0, file->first_lsn - 1, FORMAT_MISSING);
}

static int walk_file(struct walk *walk, const struct survey_file *file)
{
	int error;

	/* None is named before it was filled with zeros, so this one was cut off: by how much is not known. */
	if (file->length < FORMAT_PAGE)
		add_damage(walk, &(struct replay_damage){.file = file->number, .fault = FORMAT_BAD_HEAD});
	/* Nothing in it counts, or there is nothing. */
	if (file->first_lsn >= file->limit)
		return see_all(walk);
	look_at_head(walk, file);
	error = look_at_beginning(walk, file);
	if (error)
		return error;
	if (!walk->has_ended && file->head <= SURVEY_HALF) {
		walk->last = file;
		walk->last_end = FORMAT_PAGE;
	}
	return walk_frames(walk, file);
}

/* Before anything of them is handed on. */
static int see_files(struct walk *walk)
{
	const struct survey_file *locked = unlock_missing(&walk->unlock, &walk->survey);

	if (locked) {
		walk->report->at_file = locked->number;
		walk->report->wanted_key = locked->key_id;
		return -ENOKEY;
	}
	for (size_t i = 0; walk->calls && walk->calls->file && i < walk->survey.count; i++)
		walk->calls->file(walk->calls->context, &walk->survey.files[i]);
	return 0;
}

static int walk_files(struct walk *walk)
{
	int error = see_files(walk);

	if (walk->calls && walk->calls->reads_ahead)
		reader_go_ahead(&walk->reader);
	for (size_t i = 0; i < walk->survey.count && !error; i++) {
		error = walk_file(walk, &walk->survey.files[i]);
		walk->bytes += walk->survey.files[i].length;
	}
	if (error)
		return error;
	/* Frames are known to have been there of which nothing is left. */
	if (!walk->has_ended && walk->last && walk->expected <= walk->survey.durable)
		error = lose(walk, walk->last, walk->last_end, 0, walk->survey.durable, FORMAT_MISSING);
	return error ? error : close_turn(walk);
}

/* ---- all of it -------------------------------------------------------------------------------- */

static void conclude(struct walk *walk)
{
	struct replay_report *report = walk->report;
	uint64_t last = walk->kept > walk->survey.durable ? walk->kept : walk->survey.durable;

	/* A journal without a frame that counts, but with a file that says where it should have begun. */
	if (last == 0 && walk->first > 0)
		last = walk->first - 1;
	/* What is durable may have been said only later, where not all was looked at before. */
	if (walk->tail_lsn <= walk->survey.durable)
		report->tail_file = report->tail_offset = report->tail_bytes = 0;
	report->next_lsn = last + 1;
	report->next_turn = walk->survey.turn_max + 1;
}

int replay(const struct os_disk *disk, int folder, const struct replay_calls *calls,
	   struct replay_report *ret_report)
{
	struct walk walk = {.disk = disk, .folder = folder, .calls = calls, .report = ret_report};
	int error;

	*ret_report = (struct replay_report){.next_lsn = 1, .next_turn = 1};
	reader_start(&walk.reader, disk, folder, WINDOW_BYTES);
	walk.unlock.keys = calls ? calls->keys : NULL;
	walk.unlock.takes_locked = calls == NULL || calls->takes_locked;
	error = survey_begin(disk, folder, &walk.survey);
	ret_report->journal_id = walk.survey.journal_id;
	memcpy(ret_report->machine_id, walk.survey.machine_id, sizeof(ret_report->machine_id));
	ret_report->files = ret_report->files_unused = walk.survey.count;
	for (size_t i = 0; i < walk.survey.count; i++)
		ret_report->bytes_all += walk.survey.files[i].length;
	ret_report->next_file = walk.survey.file_max + 1;
	ret_report->refusal = walk.survey.refusal;
	ret_report->at_file = walk.survey.at_file;
	ret_report->head_number = walk.survey.head_number;
	if (!error)
		error = walk_files(&walk);
	ret_report->durable = walk.survey.durable;
	if (!error)
		conclude(&walk);
	survey_free(&walk.survey);
	reader_end(&walk.reader);
	free(walk.carried.bytes);
	unlock_end(&walk.unlock);
	free(walk.pieces);
	return error;
}
