/* Records of messages that have no slot, copied from an old file of the journal to its end. */
#include "daemon/aside.h"
#include "daemon/compact.h"
#include "daemon/turn.h"
#include "daemon/unlock.h"
#include "shm/message.h"

#include <errno.h>
#include <string.h>

enum { WINDOW_BYTES = 1 << 20 };

struct copying {
	struct turn *turn;
	uint64_t file;
	struct reader reader;
	struct survey survey;
	struct unlock unlock;
	int64_t bytes;
};

static const struct survey_file *find_file(const struct copying *copying)
{
	for (size_t i = 0; i < copying->survey.count; i++)
		if (copying->survey.files[i].number == copying->file)
			return &copying->survey.files[i];
	return NULL;
}

/* As it is now: what was written of it since is not written again. */
static int copy_record(struct copying *copying, const struct format_message *record)
{
	struct turn *turn = copying->turn;
	struct aside_message *message = aside_message_find(&turn->aside, record->number);
	struct format_message head = *record;
	uint64_t sequence = format_sequence(record);
	struct format_message *put;
	unsigned char *room;

	if (message == NULL || message->copy || message->file != copying->file ||
	    message->bytes != record->record.bytes)
		return 0;
	if (message_has_trace(record->payload + record->body_bytes, record->extra_bytes))
		journal_need(turn->journal, FORMAT_FILE_TRACE);
	room = journal_reserve(turn->journal, message->bytes);
	if (room == NULL)
		return journal_error(turn->journal);
	head.due_ms = message->due_ms;
	head.receives = message->receives;
	head.first_receive_ms = message->first_receive_ms;
	head.origin = 0;
	put = sequence ? format_sequenced_put(room, &head, sequence) : format_message_put(room, &head);
	put->record.flags |= record->record.flags & FORMAT_MOVED;
	memcpy(put->payload, record->payload, (size_t)record->body_bytes + record->extra_bytes);
	if (space_add(&turn->space, journal_file(turn->journal), message->bytes))
		return -ENOMEM; /* written once more than needed */
	message->copy = (uint32_t)journal_file(turn->journal);
	turn->aside.copied++;
	copying->bytes += message->bytes;
	return 0;
}

static int copy_records(struct copying *copying, const struct format_frame *frame)
{
	const unsigned char *at = (const unsigned char *)frame;
	int error = 0;

	for (size_t offset = sizeof(*frame); offset < frame->bytes && !error;) {
		const struct format_record *record = (const void *)(at + offset);

		if (record->kind == FORMAT_MESSAGE)
			error = copy_record(copying, (const struct format_message *)record);
		offset += record->bytes;
	}
	return error;
}

/* The frame there, sound and decrypted; *ret_frame NULL: there is none. Bytes up to the next one, or a negative
 * errno.
 */
static int64_t read_frame(struct copying *copying, const struct survey_file *file, uint64_t offset,
			  const struct format_frame **ret_frame)
{
	const void *bytes;
	int64_t have = reader_at(&copying->reader, offset, sizeof(struct format_frame), &bytes);
	enum format_fault fault;
	uint32_t count;
	int error;

	*ret_frame = NULL;
	if (have < (int64_t)sizeof(struct format_frame))
		return have < 0 ? have : FORMAT_PAGE;
	if (format_frame_check_head(bytes, file->seed, file->number))
		return FORMAT_PAGE;
	count = ((const struct format_frame *)bytes)->bytes;
	have = reader_at(&copying->reader, offset, count, &bytes);
	if (have < 0)
		return have;
	*ret_frame = bytes;
	fault = format_frame_check(*ret_frame, (size_t)have, file->seed, file->number);
	error = fault ? 0 : unlock_frame(&copying->unlock, &copying->survey, file, ret_frame, &fault);
	if (fault || error)
		*ret_frame = NULL;
	return error ? error : (int64_t)format_pages(count);
}

static int copy_frames(struct copying *copying, const struct survey_file *file)
{
	for (uint64_t offset = FORMAT_PAGE; offset < file->length && copying->bytes < COMPACT_TURN_BYTES;) {
		const struct format_frame *frame;
		int64_t bytes = read_frame(copying, file, offset, &frame);
		int error = frame ? copy_records(copying, frame) : 0;

		if (bytes < 0 || error)
			return error ? error : (int)bytes;
		offset += (uint64_t)bytes;
	}
	return 0;
}

static int copy_file(struct copying *copying)
{
	const struct aside *aside = &copying->turn->aside;
	const struct survey_file *file;
	char name[FORMAT_FILE_NAME_BYTES];
	int error = survey_begin(aside->disk, aside->folder, &copying->survey);

	file = error ? NULL : find_file(copying);
	if (file == NULL)
		return error;
	format_file_name(copying->file, name);
	error = reader_open(&copying->reader, name);
	return error ? error : copy_frames(copying, file);
}

static bool is_needed(const struct aside *aside, uint64_t file)
{
	for (size_t i = 0; i < aside->count; i++)
		if (aside->messages[i].file == file)
			return true;
	return false;
}

/* What cannot be read keeps its file, and is no reason to fail: the turn writes for others. */
int64_t aside_copy(struct turn *turn, uint64_t file)
{
	struct copying copying = {.turn = turn, .file = file, .unlock = {.keys = turn->aside.keys}};

	if (file == turn->aside.looked || !is_needed(&turn->aside, file))
		return 0;
	reader_start(&copying.reader, turn->aside.disk, turn->aside.folder, WINDOW_BYTES);
	copy_file(&copying);
	if (copying.bytes == 0)
		turn->aside.looked = file;
	survey_free(&copying.survey);
	reader_end(&copying.reader);
	unlock_end(&copying.unlock);
	return journal_error(turn->journal) ? journal_error(turn->journal) : copying.bytes;
}
