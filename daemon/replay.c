#include "daemon/replay_walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

int walk_see_all(struct walk *walk)
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
	int error = walk_see_all(walk);
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

/* ---- frames ----------------------------------------------------------------------------------- */

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
	int error = walk_is_of_other_turn(walk, head) ? walk_close_turn(walk) : 0;

	if (error || walk->has_ended)
		return error;
	walk->is_damaged = is_damaged;
	if (fault) {
		bool is_end = head->flags & FORMAT_END_OF_TURN;

		error = lose(walk, file, offset, head->bytes, head->lsn, fault);
		return is_end && !walk->has_ended && !error ? walk_hand_on(walk) : error;
	}
	error = walk_gather(walk, file, offset, head);
	walk->expected = head->lsn + 1;
	/* Above D, a whole turn counts. */
	return !error && head->flags & FORMAT_END_OF_TURN ? walk_hand_on(walk) : error;
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
	return !walk->survey.is_complete && walk->expected >= file->limit && file->end > offset + 2 * FRAMES_WINDOW;
}

static int walk_frames(struct walk *walk, const struct survey_file *file)
{
	uint64_t offset = FORMAT_PAGE;
	int error = 0;

	while (offset < file->end && !error) {
		const struct format_frame *frame;
		struct format_frame head;
		enum format_fault fault;

		error = frames_read(&walk->frames, file, offset, false, &frame, &fault);
		if (error)
			break;
		if (fault == FORMAT_NO_FRAME || fault == FORMAT_BAD_FRAME) {
			offset += FORMAT_PAGE;
			continue;
		}
		head = *frame; /* turns that are handed on are read again, over this one */
		survey_note(&walk->survey, &head);
		if (head.lsn >= file->limit)
			return walk_see_all(walk);
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
		return walk_see_all(walk);
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
	const struct survey_file *locked = unlock_missing(&walk->frames.unlock, &walk->survey);

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
		reader_go_ahead(&walk->frames.reader);
	for (size_t i = 0; i < walk->survey.count && !error; i++) {
		error = walk_file(walk, &walk->survey.files[i]);
		walk->bytes += walk->survey.files[i].length;
	}
	if (error)
		return error;
	/* Frames are known to have been there of which nothing is left. */
	if (!walk->has_ended && walk->last && walk->expected <= walk->survey.durable)
		error = lose(walk, walk->last, walk->last_end, 0, walk->survey.durable, FORMAT_MISSING);
	return error ? error : walk_close_turn(walk);
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
	frames_begin(&walk.frames, disk, folder, &walk.survey);
	walk.frames.unlock.keys = calls ? calls->keys : NULL;
	walk.frames.unlock.takes_locked = calls == NULL || calls->takes_locked;
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
	if (walk.frames.failed)
		ret_report->at_file = walk.frames.failed->number;
	ret_report->durable = walk.survey.durable;
	if (!error)
		conclude(&walk);
	survey_free(&walk.survey);
	frames_end(&walk.frames);
	free(walk.pieces);
	return error;
}
