#include "tests/support/journal_log.h"

#include "tests/support/arguments.h"
#include "tests/support/shadow_disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct os_disk *log_disk = &shadow_disk;
int log_folder = SHADOW_FOLDER;
struct keys *log_keys;

/* ---- logs ------------------------------------------------------------------------------------- */

void log_clear(struct journal_log *log)
{
	free(log->entries);
	*log = (struct journal_log){0};
}

void log_cut(struct journal_log *log, size_t count)
{
	if (log->count > count)
		log->count = count;
}

static struct log_entry *log_add(struct journal_log *log)
{
	if (log->count == log->max) {
		log->max = log->max * 2 + 64;
		log->entries = realloc(log->entries, log->max * sizeof(*log->entries));
		if (log->entries == NULL) {
			perror("journal log");
			exit(1);
		}
	}
	return &log->entries[log->count++];
}

static bool is_same(const struct log_entry *a, const struct log_entry *b)
{
	return a->turn == b->turn && a->file == b->file && a->sum == b->sum && a->kind == b->kind;
}

bool log_is_same(const struct journal_log *a, const struct journal_log *b, size_t count)
{
	if (a->count < count || b->count < count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!is_same(&a->entries[i], &b->entries[i]))
			return false;
	return true;
}

bool log_is_part(const struct journal_log *some, const struct journal_log *all)
{
	size_t at = 0;

	for (size_t i = 0; i < some->count; i++, at++) {
		while (at < all->count && !is_same(&some->entries[i], &all->entries[at]))
			at++;
		if (at == all->count)
			return false;
	}
	return true;
}

/* FNV-1a. */
static uint64_t sum_of(const unsigned char *bytes, size_t count)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < count; i++)
		sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
	return sum;
}

/* ---- writing ---------------------------------------------------------------------------------- */

static void note(struct log_writer *writer, const unsigned char *at)
{
	const struct format_record *record = (const void *)at;

	*log_add(writer->log) = (struct log_entry){
		.turn = journal_turn(writer->journal),
		.file = journal_file(writer->journal),
		.sum = sum_of(at, record->bytes),
		.kind = record->kind,
	};
}

static int define(void *context, struct journal *journal)
{
	struct log_writer *writer = context;

	writer->journal = journal;
	for (uint32_t i = 0; i < writer->queues; i++) {
		struct format_queue queue = {
			.queue = i, .durability = i % 3, .incarnation = i + 1, .capacity = 1000 + i};
		unsigned char *at = journal_reserve(journal, format_queue_bytes(&queue));

		if (at == NULL)
			return journal_error(journal);
		snprintf(queue.name, sizeof(queue.name), "queue-%u", i);
		format_queue_put(at, &queue);
		note(writer, at);
	}
	return 0;
}

int log_writer_open(struct log_writer *writer, const struct journal_options *options)
{
	struct journal_options own = options ? *options : (struct journal_options){.journal_id = 77};

	if (own.file_bytes == 0)
		own.file_bytes = FORMAT_FILE_BYTES_MIN;
	own.frame_bytes = writer->frame_bytes;
	own.keys = log_keys;
	own.define = define;
	own.context = writer;
	return journal_open(log_disk, log_folder, &own, &writer->journal);
}

static uint64_t draw(struct log_writer *writer)
{
	return random_next(&writer->random) >> 16;
}

unsigned char *log_write_message(struct log_writer *writer, uint32_t body_bytes, uint32_t extra_bytes)
{
	struct format_message message = {
		.number = ++writer->next_number,
		.queue = (uint32_t)draw(writer) % 8,
		.sender = 7,
		.id = {draw(writer), draw(writer)},
		.sent_ms = draw(writer),
		.receives = 2,
		.body_bytes = body_bytes,
		.extra_bytes = extra_bytes,
	};
	unsigned char *at = journal_reserve(writer->journal, format_message_bytes(body_bytes, extra_bytes));
	struct format_message *put;
	uint64_t fill = draw(writer);

	if (at == NULL)
		return NULL;
	put = format_message_put(at, &message);
	for (size_t i = 0; i < (size_t)body_bytes + extra_bytes; i++)
		put->payload[i] = (unsigned char)(fill >> i % 5 * 8);
	note(writer, at);
	return at;
}

static unsigned char *write_delete(struct log_writer *writer)
{
	uint64_t numbers[5];
	uint16_t count = (uint16_t)(1 + draw(writer) % 5);
	unsigned char *at = journal_reserve(writer->journal, format_delete_bytes(count));

	for (int i = 0; i < 5; i++)
		numbers[i] = draw(writer);
	if (at)
		format_delete_put(at, numbers, count);
	return at;
}

static unsigned char *write_update(struct log_writer *writer)
{
	struct format_update update = {.number = 1 + draw(writer), .due_ms = draw(writer), .receives = 3};
	unsigned char *at = journal_reserve(writer->journal, sizeof(update));

	if (at)
		format_update_put(at, &update);
	return at;
}

static unsigned char *write_removed(struct log_writer *writer)
{
	unsigned char *at = journal_reserve(writer->journal, sizeof(struct format_removed));

	if (at)
		format_removed_put(at, (uint32_t)draw(writer));
	return at;
}

unsigned char *log_write(struct log_writer *writer, size_t bytes_max)
{
	unsigned char *at;

	switch (draw(writer) % 6) {
	case 0:
		at = write_delete(writer);
		break;
	case 1:
		at = write_update(writer);
		break;
	case 2:
		at = write_removed(writer);
		break;
	default:
		return log_write_message(writer, (uint32_t)(draw(writer) % (bytes_max + 1)),
					 (uint32_t)draw(writer) % 40);
	}
	if (at)
		note(writer, at);
	return at;
}

int log_write_turn(struct log_writer *writer, int records, size_t bytes_max)
{
	int error;

	for (int i = 0; i < records; i++)
		if (log_write(writer, bytes_max) == NULL)
			return journal_error(writer->journal);
	error = journal_end_turn(writer->journal);
	if (!error)
		writer->log->turns++;
	return error;
}

struct journal_options log_options(const struct replay_report *report)
{
	return (struct journal_options){
		.file_bytes = FORMAT_FILE_BYTES_MIN,
		.journal_id = report->journal_id ? report->journal_id : 77,
		.next_lsn = report->next_lsn,
		.next_turn = report->next_turn,
		.next_file = report->next_file,
	};
}

/* ---- reading ---------------------------------------------------------------------------------- */

static int on_record(void *context, const struct replay_place *place, const struct format_record *record)
{
	*log_add(context) = (struct log_entry){
		.turn = place->turn,
		.file = place->file,
		.offset = place->offset,
		.sum = sum_of((const void *)record, record->bytes),
		.kind = record->kind,
		.is_damaged = place->is_damaged,
	};
	return 0;
}

static int on_turn_end(void *context, const struct replay_place *last_frame)
{
	struct journal_log *log = context;

	(void)last_frame;
	log->turns++;
	return 0;
}

int log_replay(struct journal_log *ret_log, struct replay_report *ret_report)
{
	struct replay_calls calls = {
		.record = on_record, .turn_end = on_turn_end, .context = ret_log, .keys = log_keys};

	ret_log->count = 0;
	ret_log->turns = 0;
	return replay(log_disk, log_folder, &calls, ret_report);
}

/* ---- damage ----------------------------------------------------------------------------------- */

/* Pieces of 512 bytes. */
struct piece {
	char name[FORMAT_FILE_NAME_BYTES];
	uint64_t number;
	unsigned char *file; /* NULL: there is no such file, or nothing in it */
	size_t file_bytes;
	size_t offset;
};

static struct piece piece_at(uint8_t file, uint8_t offset)
{
	struct piece piece = {.number = 1 + file % 5};

	format_file_name(piece.number, piece.name);
	piece.file = shadow_bytes(piece.name, &piece.file_bytes);
	if (piece.file == NULL || piece.file_bytes < SHADOW_SECTOR)
		piece.file = NULL;
	else
		piece.offset =
			offset * (size_t)SHADOW_SECTOR % (piece.file_bytes - piece.file_bytes % SHADOW_SECTOR);
	return piece;
}

static void exchange(struct piece *a, struct piece *b)
{
	unsigned char *first = malloc(a->file_bytes), *second = malloc(b->file_bytes);

	if (first && second) {
		memcpy(first, a->file, a->file_bytes);
		memcpy(second, b->file, b->file_bytes);
		shadow_put(a->name, second, b->file_bytes);
		shadow_put(b->name, first, a->file_bytes);
	}
	free(first);
	free(second);
}

/* A value of one of the 4-byte words of a head, and its checksums right again. */
static void forge(struct piece *piece, const uint8_t *bytes)
{
	size_t page = piece->offset - piece->offset % FORMAT_PAGE;
	uint32_t value = bytes[5] & 1 ? (uint32_t)bytes[6] << 24 | bytes[7] : bytes[7];

	if (page + FORMAT_PAGE > piece->file_bytes)
		return;
	if (page == 0) {
		struct format_file *head = (void *)(piece->file + (bytes[5] & 2 ? FORMAT_SECOND_HEAD : 0));

		memcpy((unsigned char *)head + 8 + bytes[4] % 20 * 4, &value, 4);
		format_file_seal(head);
	} else {
		struct format_frame *frame = (void *)(piece->file + page);

		memcpy((unsigned char *)frame + 8 + bytes[4] % (bytes[5] & 2 ? 13 : 80) * 4, &value, 4);
		if (frame->bytes >= sizeof(*frame) && frame->bytes <= piece->file_bytes - page)
			format_frame_seal(frame, format_seed(77, piece->number));
	}
}

bool log_damage(const uint8_t bytes[static LOG_DAMAGE_BYTES])
{
	struct piece piece = piece_at(bytes[1], bytes[2]), other = piece_at(bytes[3], bytes[4]);

	if (piece.file == NULL)
		return true;
	switch (bytes[0] % 16) {
	case 0:
		memset(piece.file + piece.offset, bytes[5], SHADOW_SECTOR);
		break;
	case 1:
		if (other.file)
			memmove(piece.file + piece.offset, other.file + other.offset, SHADOW_SECTOR);
		break;
	case 2:
		piece.offset -= piece.offset % FORMAT_PAGE;
		other.offset -= other.offset % FORMAT_PAGE;
		if (other.file && piece.offset + FORMAT_PAGE <= piece.file_bytes &&
		    other.offset + FORMAT_PAGE <= other.file_bytes)
			memmove(piece.file + piece.offset, other.file + other.offset, FORMAT_PAGE);
		break;
	case 3:
		if (bytes[5] % 4 == 0)
			shadow_put(piece.name, piece.file, piece.offset + bytes[6]);
		break;
	case 4:
		if (bytes[5] % 4 == 0)
			shadow_remove(piece.name);
		break;
	case 5:
		if (bytes[5] % 4 == 0 && other.file)
			exchange(&piece, &other);
		break;
	case 6:
	case 7:
	case 8:
		forge(&piece, bytes);
		return false;
	default: /* the most common: a bit */
		piece.file[piece.offset + (bytes[5] | (size_t)bytes[6] << 8) % SHADOW_SECTOR] ^=
			(uint8_t)(1 << bytes[7] % 8);
	}
	return true;
}
