#include "daemon/format.h"

#include <isa-l/crc.h>
#include <stdio.h>
#include <string.h>

const char *format_fault_text(enum format_fault fault)
{
	static const char *const texts[] = {
		[FORMAT_SOUND] = "sound",
		[FORMAT_NO_HEAD] = "not a file of a journal",
		[FORMAT_BLANK] = "begins with zeros",
		[FORMAT_BAD_HEAD] = "head of the file damaged",
		[FORMAT_NEWER] = "written by a newer version",
		[FORMAT_NO_FRAME] = "no frame where one should begin",
		[FORMAT_BAD_FRAME] = "head of a frame damaged",
		[FORMAT_SHORT] = "the file ends inside a frame",
		[FORMAT_BAD_CRC] = "records of a frame damaged",
		[FORMAT_BAD_RECORD] = "impossible record",
		[FORMAT_UNKNOWN_KIND] = "record of an unknown kind",
		[FORMAT_MISSING] = "frames missing",
		[FORMAT_BAD_TAG] = "a frame was altered after it was encrypted",
		[FORMAT_NO_SALT] = "a frame cannot be decrypted: the head of its file is damaged",
	};

	return (size_t)fault < sizeof(texts) / sizeof(*texts) ? texts[fault] : "unknown fault";
}

/* ---- checksums -------------------------------------------------------------------------------- */

/* ISA-L takes a pointer to what it could change, and does not. */
static uint32_t crc_of(const void *bytes, size_t count, uint32_t seed)
{
	return crc32_iscsi((unsigned char *)(uintptr_t)bytes, (int)count, seed);
}

uint32_t format_seed(uint64_t journal_id, uint64_t file)
{
	uint64_t both[2] = {journal_id, file};

	return crc_of(both, sizeof(both), UINT32_MAX);
}

static uint32_t file_crc(const struct format_file *file)
{
	return crc_of(file, offsetof(struct format_file, crc), UINT32_MAX);
}

static uint32_t frame_head_crc(const struct format_frame *frame, uint32_t seed)
{
	return crc_of(&frame->bytes, offsetof(struct format_frame, head_crc) - offsetof(struct format_frame, bytes),
		      seed);
}

static uint32_t frame_crc(const struct format_frame *frame, uint32_t seed)
{
	return crc_of(&frame->bytes, frame->bytes - offsetof(struct format_frame, bytes), seed);
}

/* ---- files ------------------------------------------------------------------------------------ */

void format_file_name(uint64_t number, char ret_name[FORMAT_FILE_NAME_BYTES])
{
	snprintf(ret_name, FORMAT_FILE_NAME_BYTES, FORMAT_FILE_PREFIX "%010u", (uint32_t)number);
}

uint64_t format_file_number(const char *name)
{
	size_t prefix = strlen(FORMAT_FILE_PREFIX);
	uint64_t number = 0;

	if (strncmp(name, FORMAT_FILE_PREFIX, prefix) != 0 || strlen(name) != prefix + 10)
		return 0;
	for (const char *digit = name + prefix; *digit != '\0'; digit++) {
		if (*digit < '0' || *digit > '9')
			return 0;
		number = number * 10 + (uint64_t)(*digit - '0');
	}
	return number <= FORMAT_FILE_NUMBER_MAX ? number : 0;
}

void format_file_seal(struct format_file *file)
{
	memcpy(file->magic, FORMAT_FILE_MAGIC, sizeof(file->magic));
	file->major = FORMAT_MAJOR;
	file->minor = FORMAT_MINOR;
	file->head_bytes = FORMAT_PAGE;
	memset(file->spare, 0, sizeof(file->spare));
	file->crc = file_crc(file);
}

static bool is_zero(const void *bytes, size_t count)
{
	const unsigned char *at = bytes;

	return *at == 0 && memcmp(at, at + 1, count - 1) == 0;
}

enum format_fault format_file_check(const struct format_file *file)
{
	if (is_zero(file, sizeof(*file)))
		return FORMAT_BLANK;
	if (memcmp(file->magic, FORMAT_FILE_MAGIC, sizeof(file->magic)) != 0)
		return FORMAT_NO_HEAD;
	if (file->crc != file_crc(file))
		return FORMAT_BAD_HEAD;
	if (file->major > FORMAT_MAJOR || (file->features & ~FORMAT_FEATURES) != 0)
		return FORMAT_NEWER;
	if (file->major < 1 || file->head_bytes != FORMAT_PAGE || file->number == 0 ||
	    file->number > FORMAT_FILE_NUMBER_MAX || file->first_lsn == 0 || file->first_lsn > FORMAT_NUMBER_MAX ||
	    file->journal_id == 0)
		return FORMAT_BAD_HEAD;
	return FORMAT_SOUND;
}

/* ---- frames ----------------------------------------------------------------------------------- */

#define FRAME_FLAGS ((uint32_t)(FORMAT_END_OF_TURN | FORMAT_ENCRYPTED))

void format_frame_seal(struct format_frame *frame, uint32_t seed)
{
	frame->magic = FORMAT_FRAME_MAGIC;
	frame->head_crc = frame_head_crc(frame, seed);
	frame->crc = frame_crc(frame, seed);
}

enum format_fault format_frame_check_head(const struct format_frame *frame, uint32_t seed, uint64_t file)
{
	if (frame->magic != FORMAT_FRAME_MAGIC)
		return FORMAT_NO_FRAME;
	if (frame->head_crc != frame_head_crc(frame, seed) || frame->file != file)
		return FORMAT_BAD_FRAME;
	if (frame->bytes < sizeof(*frame) ||
	    frame->bytes > sizeof(*frame) + FORMAT_RECORD_BYTES_MAX + sizeof(struct format_tag) ||
	    frame->bytes % 8 != 0 || (frame->flags & ~FRAME_FLAGS) != 0 || frame->lsn == 0 ||
	    frame->lsn > FORMAT_NUMBER_MAX || frame->turn > FORMAT_NUMBER_MAX || frame->durable >= frame->lsn)
		return FORMAT_BAD_FRAME;
	return FORMAT_SOUND;
}

static enum format_fault check_records(const struct format_frame *frame)
{
	const unsigned char *at = (const unsigned char *)frame;
	size_t offset = sizeof(*frame);
	uint32_t count = 0;
	bool has_tag = false;

	for (; offset < frame->bytes; count++) {
		const struct format_record *record = (const void *)(at + offset);
		enum format_fault fault = format_record_check(record, frame->bytes - offset);

		if (fault)
			return fault;
		if (has_tag) /* not the last one */
			return FORMAT_BAD_RECORD;
		has_tag = record->kind == FORMAT_TAG;
		offset += record->bytes;
	}
	if (has_tag != ((frame->flags & FORMAT_ENCRYPTED) != 0))
		return FORMAT_BAD_RECORD;
	return count == frame->count ? FORMAT_SOUND : FORMAT_BAD_RECORD;
}

enum format_fault format_frame_check(const struct format_frame *frame, size_t have, uint32_t seed, uint64_t file)
{
	enum format_fault fault =
		have < sizeof(*frame) ? FORMAT_NO_FRAME : format_frame_check_head(frame, seed, file);

	if (fault)
		return fault;
	if (frame->bytes > have)
		return FORMAT_SHORT;
	if (frame->crc != frame_crc(frame, seed))
		return FORMAT_BAD_CRC;
	return check_records(frame);
}

/* ---- records ---------------------------------------------------------------------------------- */

static bool is_message(const struct format_message *message)
{
	size_t more = message->record.flags & FORMAT_SEQUENCED ? sizeof(uint64_t) : 0;

	return message->record.bytes >= sizeof(*message) && message->number != 0 &&
	       message->record.bytes == format_message_bytes(message->body_bytes, message->extra_bytes) + more;
}

static bool is_queue(const struct format_queue *queue)
{
	if (queue->record.bytes != FORMAT_QUEUE_STANDARD_BYTES &&
	    (queue->record.bytes != sizeof(*queue) || queue->type != FORMAT_FIFO || queue->dedup_max == 0))
		return false;
	return queue->name[0] != '\0' && queue->name[FORMAT_NAME_BYTES - 1] == '\0' &&
	       queue->dlq[FORMAT_NAME_BYTES - 1] == '\0';
}

static bool is_possible(const struct format_record *record)
{
	const void *at = record;

	switch ((enum format_kind)record->kind) {
	case FORMAT_MESSAGE:
		return is_message(at);
	case FORMAT_DELETE:
		return record->count > 0 && record->bytes == format_delete_bytes(record->count);
	case FORMAT_UPDATE:
		return record->bytes == sizeof(struct format_update) &&
		       ((const struct format_update *)at)->number != 0;
	case FORMAT_QUEUE:
		return is_queue(at);
	case FORMAT_REMOVED:
		return record->bytes == sizeof(struct format_removed);
	case FORMAT_TAG:
		return record->bytes == sizeof(struct format_tag);
	case FORMAT_SEEN:
		return record->count > 0 && record->bytes == format_seen_bytes(record->count);
	}
	return true;
}

enum format_fault format_record_check(const struct format_record *record, size_t have)
{
	if (have < sizeof(*record) || record->bytes < sizeof(*record) || record->bytes % 8 != 0 ||
	    record->bytes > have || record->bytes > FORMAT_RECORD_BYTES_MAX)
		return FORMAT_BAD_RECORD;
	if (record->kind < FORMAT_MESSAGE || record->kind > FORMAT_SEEN)
		return record->flags & FORMAT_OPTIONAL ? FORMAT_SOUND : FORMAT_UNKNOWN_KIND;
	if ((record->flags &
	     ~(FORMAT_OPTIONAL | (record->kind == FORMAT_MESSAGE ? FORMAT_SEQUENCED | FORMAT_MOVED : 0))) != 0 ||
	    (record->count != 0) != (record->kind == FORMAT_DELETE || record->kind == FORMAT_SEEN))
		return FORMAT_BAD_RECORD;
	return is_possible(record) ? FORMAT_SOUND : FORMAT_BAD_RECORD;
}

void format_delete_put(unsigned char *at, const uint64_t *numbers, uint16_t count)
{
	struct format_delete *put = (void *)at;

	put->record = format_record_of(FORMAT_DELETE, format_delete_bytes(count), count);
	memcpy(put->numbers, numbers, count * sizeof(*numbers));
}

struct format_seen *format_seen_put(unsigned char *at, uint32_t queue, uint16_t count)
{
	struct format_seen *put = (void *)at;

	put->record = format_record_of(FORMAT_SEEN, format_seen_bytes(count), count);
	put->queue = queue;
	put->spare = 0;
	return put;
}

void format_update_put(unsigned char *at, const struct format_update *update)
{
	struct format_update *put = (void *)at;

	*put = *update;
	put->record = format_record_of(FORMAT_UPDATE, sizeof(*put), 0);
}

void format_queue_put(unsigned char *at, const struct format_queue *queue)
{
	struct format_queue *put = (void *)at;

	memcpy(at, queue, format_queue_bytes(queue));
	put->record = format_record_of(FORMAT_QUEUE, format_queue_bytes(queue), 0);
}

void format_queue_read(const struct format_record *record, struct format_queue *ret_queue)
{
	*ret_queue = (struct format_queue){0};
	memcpy(ret_queue, record, record->bytes);
}

void format_removed_put(unsigned char *at, uint32_t queue)
{
	*(struct format_removed *)(void *)at = (struct format_removed){
		.record = format_record_of(FORMAT_REMOVED, sizeof(struct format_removed), 0), .queue = queue};
}

void format_filler_put(unsigned char *at, size_t bytes)
{
	memset(at, 0, bytes);
	*(struct format_record *)(void *)at =
		(struct format_record){.bytes = (uint32_t)bytes, .kind = UINT8_MAX, .flags = FORMAT_OPTIONAL};
}

void format_tag_put(unsigned char *at)
{
	*(struct format_tag *)(void *)at =
		(struct format_tag){.record = format_record_of(FORMAT_TAG, sizeof(struct format_tag), 0)};
}
