#include "daemon/survey.h"

#include "ringlease.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADS_BYTES = 1 << 16 }; /* read at a time: heads are all that is wanted */

static int refuse(struct survey *survey, const struct survey_file *file, enum survey_refusal refusal)
{
	static const int errors[] = {0, -ENOTSUP, -EMEDIUMTYPE, -EXDEV};

	survey->refusal = refusal;
	survey->at_file = file->number;
	if (refusal == SURVEY_REFUSED_ALIEN)
		survey->head_number = file->head_number;
	return errors[refusal];
}

static const char *refusal_text(int error)
{
	switch (error) {
	case -ENOTSUP:
		return "is of a newer version; use that version of ringleased";
	case -EMEDIUMTYPE:
		return "is no file of a journal; move it away";
	case -EXDEV:
		return "is of another journal; move it away";
	default:
		return rlq_strerror(error);
	}
}

struct survey_text survey_refusal_text(int error, uint64_t head_number)
{
	char name[FORMAT_FILE_NAME_BYTES];
	struct survey_text text;

	format_file_name(head_number, name);
	if (error == -EMEDIUMTYPE && head_number != 0)
		snprintf(text.text, sizeof(text.text),
			 "has the head of %s; give it that name again, or move it away if it is a copy", name);
	else
		snprintf(text.text, sizeof(text.text), "%s", refusal_text(error));
	return text;
}

/* ---- which files ------------------------------------------------------------------------------ */

static int found(void *context, const char *name)
{
	struct survey *survey = context;
	uint64_t number = format_file_number(name);
	struct survey_file *more;

	if (number == 0 || number < survey->from)
		return 0;
	more = reallocarray(survey->files, survey->count + 1, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	survey->files = more;
	more[survey->count++] = (struct survey_file){
		.number = number, .first_lsn = UINT64_MAX, .limit = UINT64_MAX, .end = FORMAT_PAGE};
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct survey_file *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static int list(struct survey *survey, const struct os_disk *disk, int folder)
{
	int error = disk->list(folder, found, survey);

	if (survey->count > 1)
		qsort(survey->files, survey->count, sizeof(*survey->files), compare);
	if (survey->count > 0)
		survey->file_max = survey->files[survey->count - 1].number;
	return error;
}

/* ---- heads of files --------------------------------------------------------------------------- */

/* Of the two heads that were read. */
struct heads {
	struct format_file head[2];
	enum format_fault fault[2];
};

static bool is_own(const struct heads *heads, int which, const struct survey_file *file)
{
	return heads->fault[which] == FORMAT_SOUND && heads->head[which].number == file->number;
}

/* Not written, or still that of the file whose place it takes. */
static bool is_before(const struct heads *heads, int which, const struct survey_file *file)
{
	return heads->fault[which] == FORMAT_BLANK ||
	       (heads->fault[which] == FORMAT_SOUND && heads->head[which].number < file->number);
}

/* Does it look as if it had been such a head, of this file or of one that it was before? */
static bool is_journal(const struct heads *heads, int which, const struct survey_file *file)
{
	return heads->fault[which] == FORMAT_BAD_HEAD ||
	       (heads->fault[which] == FORMAT_SOUND && heads->head[which].number <= file->number);
}

static enum survey_head judge(const struct heads *heads, const struct survey_file *file)
{
	if (is_own(heads, 0, file) || is_own(heads, 1, file)) {
		int other = is_own(heads, 0, file) ? 1 : 0;

		/* A turn may have become whole by a write of which a sector of this page is missing. */
		return is_own(heads, other, file) || is_before(heads, other, file) ? SURVEY_WHOLE : SURVEY_HALF;
	}
	if (is_before(heads, 0, file) && is_before(heads, 1, file))
		return SURVEY_NOT_BEGUN;
	if (is_journal(heads, 0, file) || is_journal(heads, 1, file))
		return SURVEY_BAD;
	return SURVEY_ALIEN; /* also one of this journal under the name of an older file */
}

/* Each sound head has to be of this journal, and of a version that we know. */
static int accept_heads(struct survey *survey, const struct survey_file *file, const struct heads *heads)
{
	for (int i = 0; i < 2; i++) {
		const struct format_file *head = &heads->head[i];

		if (heads->fault[i] == FORMAT_NEWER)
			return refuse(survey, file, SURVEY_REFUSED_NEWER);
		if (heads->fault[i] != FORMAT_SOUND)
			continue;
		if (survey->journal_id == 0)
			survey->journal_id = head->journal_id;
		if (survey->journal_id != head->journal_id)
			return refuse(survey, file, SURVEY_REFUSED_OTHER_JOURNAL);
		memcpy(survey->machine_id, head->machine_id, sizeof(survey->machine_id));
	}
	return 0;
}

/* Bytes that a file does not have read as zeros. */
static int read_heads(struct reader *reader, struct heads *ret_heads)
{
	memset(ret_heads, 0, sizeof(*ret_heads));
	for (int i = 0; i < 2; i++) {
		const void *bytes = NULL;
		int64_t count =
			reader_at(reader, i == 0 ? 0 : FORMAT_SECOND_HEAD, sizeof(ret_heads->head[i]), &bytes);

		if (count < 0)
			return (int)count;
		if (count > 0)
			memcpy(&ret_heads->head[i], bytes, (size_t)count);
		ret_heads->fault[i] = format_file_check(&ret_heads->head[i]);
	}
	return 0;
}

static void take_head(struct survey_file *file, const struct format_file *head)
{
	file->first_lsn = head->first_lsn;
	if (head->features & FORMAT_FILE_ENCRYPTED) {
		file->key_id = head->key_id;
		memcpy(file->salt, head->salt, sizeof(file->salt));
	}
}

static int look_at_head(struct survey *survey, struct survey_file *file, struct reader *reader)
{
	struct heads heads;
	int error = read_heads(reader, &heads);

	if (!error)
		error = accept_heads(survey, file, &heads);
	if (error)
		return error;
	file->length = reader->file.length;
	file->head = judge(&heads, file);
	for (int i = 0; i < 2; i++)
		if (heads.fault[i] == FORMAT_SOUND)
			file->head_number = heads.head[i].number;
	if (file->head == SURVEY_HALF)
		file->bad_head = is_own(&heads, 0, file) ? FORMAT_SECOND_HEAD : 0;
	if (file->head <= SURVEY_HALF)
		take_head(file, &heads.head[is_own(&heads, 0, file) ? 0 : 1]);
	return 0;
}

/* ---- heads of frames -------------------------------------------------------------------------- */

void survey_note(struct survey *survey, const struct format_frame *frame)
{
	if (frame->durable > survey->durable)
		survey->durable = frame->durable;
	if (frame->turn > survey->turn_max)
		survey->turn_max = frame->turn;
}

static void note_frame(struct survey *survey, struct survey_file *file, const struct format_frame *frame,
		       uint64_t end)
{
	if (file->first_lsn == UINT64_MAX)
		file->first_lsn = frame->lsn;
	survey_note(survey, frame);
	file->end = end < file->length ? end : file->length;
}

static int look_at_frames(struct survey *survey, struct survey_file *file, struct reader *reader)
{
	uint64_t offset = FORMAT_PAGE;

	file->end = FORMAT_PAGE;
	for (;;) {
		const struct format_frame *frame;
		const void *bytes;
		int64_t count = reader_at(reader, offset, sizeof(*frame), &bytes);

		if (count < (int64_t)sizeof(*frame))
			return count < 0 ? (int)count : 0;
		frame = bytes;
		if (format_frame_check_head(frame, file->seed, file->number) != FORMAT_SOUND) {
			offset += FORMAT_PAGE;
			continue;
		}
		offset += format_pages(frame->bytes);
		note_frame(survey, file, frame, offset);
	}
}

/* ---- all of it -------------------------------------------------------------------------------- */

typedef int look_function(struct survey *survey, struct survey_file *file, struct reader *reader);

static int look_at(struct survey *survey, struct survey_file *file, struct reader *reader, look_function *look)
{
	char name[FORMAT_FILE_NAME_BYTES];
	int error;

	format_file_name(file->number, name);
	error = reader_open(reader, name);
	if (!error)
		error = look(survey, file, reader);
	if (error == -EMEDIUMTYPE)
		error = refuse(survey, file, SURVEY_REFUSED_ALIEN);
	survey->at_file = error ? file->number : 0;
	return error;
}

static int look_at_heads(struct survey *survey, struct reader *reader)
{
	int error = 0;

	for (size_t i = 0; i < survey->count && !error; i++)
		error = look_at(survey, &survey->files[i], reader, look_at_head);
	return error;
}

/* Backwards: a journal may be written meanwhile, and what was durable when a frame was written is then seen, if the
 * files before that frame's are looked at after it. */
static int look_at_all_frames(struct survey *survey, struct reader *reader)
{
	int error = 0;

	for (size_t i = survey->count; i-- > 0 && !error;)
		error = look_at(survey, &survey->files[i], reader, look_at_frames);
	return error;
}

static void set_limits(struct survey *survey)
{
	uint64_t limit = UINT64_MAX;

	for (size_t i = survey->count; i-- > 0;) {
		survey->files[i].limit = limit;
		if (survey->files[i].first_lsn < limit)
			limit = survey->files[i].first_lsn;
	}
}

static bool are_heads_whole(const struct survey *survey)
{
	for (size_t i = 0; i < survey->count; i++)
		if (survey->files[i].head != SURVEY_WHOLE)
			return false;
	return true;
}

static int begin(const struct os_disk *disk, int folder, struct survey *survey)
{
	struct reader reader;
	int error;

	reader_start(&reader, disk, folder, HEADS_BYTES);
	error = list(survey, disk, folder);
	if (!error)
		error = look_at_heads(survey, &reader);
	reader_end(&reader);
	for (size_t i = 0; i < survey->count; i++) {
		survey->files[i].seed = format_seed(survey->journal_id, survey->files[i].number);
		survey->files[i].end = survey->files[i].length;
	}
	set_limits(survey);
	return error;
}

int survey_begin(const struct os_disk *disk, int folder, struct survey *ret_survey)
{
	int error;

	*ret_survey = (struct survey){0};
	error = begin(disk, folder, ret_survey);
	return error || are_heads_whole(ret_survey) ? error : survey_complete(ret_survey, disk, folder);
}

int survey_complete(struct survey *survey, const struct os_disk *disk, int folder)
{
	struct reader reader;
	int error = 0;

	if (survey->is_complete)
		return 0;
	reader_start(&reader, disk, folder, HEADS_BYTES);
	if (survey->journal_id != 0)
		error = look_at_all_frames(survey, &reader);
	reader_end(&reader);
	for (size_t i = 0; i < survey->count && !error; i++)
		if (survey->files[i].head == SURVEY_ALIEN &&
		    (survey->journal_id == 0 || survey->files[i].end == FORMAT_PAGE))
			error = refuse(survey, &survey->files[i], SURVEY_REFUSED_ALIEN);
	if (!error)
		set_limits(survey);
	survey->is_complete = !error;
	return error;
}

int survey_make(const struct os_disk *disk, int folder, struct survey *ret_survey)
{
	return survey_make_from(disk, folder, 0, ret_survey);
}

int survey_make_from(const struct os_disk *disk, int folder, uint64_t from, struct survey *ret_survey)
{
	int error;

	*ret_survey = (struct survey){.from = from};
	error = begin(disk, folder, ret_survey);
	return error ? error : survey_complete(ret_survey, disk, folder);
}

void survey_free(struct survey *survey)
{
	free(survey->files);
	survey->files = NULL;
	survey->count = 0;
}
