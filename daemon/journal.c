#include "daemon/journal.h"

#include "daemon/journal_state.h"
#include "kmod-free/memory.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* ---- opening ---------------------------------------------------------------------------------- */

static uint64_t or_else(uint64_t value, uint64_t otherwise)
{
	return value ? value : otherwise;
}

static uint64_t draw_id(void)
{
	uint64_t id;

	os_random(&id, sizeof(id));
	return or_else(id, 1);
}

static void begin(struct journal *journal)
{
	struct journal_options *options = &journal->options;

	options->file_bytes = or_else(options->file_bytes, JOURNAL_FILE_BYTES);
	options->frame_bytes = or_else(options->frame_bytes, JOURNAL_FRAME_BYTES);
	options->journal_id = or_else(options->journal_id, draw_id());
	journal->next_lsn = or_else(options->next_lsn, 1);
	journal->turn = or_else(options->next_turn, 1);
	journal->durable = journal->durable_noted = journal->next_lsn - 1;
	journal->settled_file = or_else(options->next_file, 1) - 1;
	journal->file.fd = -1;
	os_clock_start(&journal->clock);
}

static void drop(struct journal *journal)
{
	sink_close(journal->sink);
	file_end(journal);
	files_end(&journal->files);
	free(journal);
}

int journal_open(const struct os_disk *disk, int folder, const struct journal_options *options,
		 struct journal **ret_journal)
{
	struct journal *journal = calloc(1, sizeof(*journal));
	int error;

	if (journal == NULL)
		return -ENOMEM;
	journal->options = *options;
	begin(journal);
	assert(journal->options.file_bytes >= FORMAT_FILE_BYTES_MIN &&
	       journal->options.file_bytes % FORMAT_PAGE == 0);
	assert(journal->options.frame_bytes <= FORMAT_FRAME_BYTES &&
	       journal->options.frame_bytes % FORMAT_PAGE == 0);
	journal->files = (struct files){
		.disk = disk,
		.folder = folder,
		.file_bytes = journal->options.file_bytes,
		.next = or_else(options->next_file, 1),
		.is_direct = options->is_direct,
		.is_encrypted = keys_current(options->keys) != NULL,
	};
	error = files_begin(&journal->files);
	if (!error)
		error = sink_open(disk, journal->options.frame_bytes + FORMAT_PAGE, &journal->sink);
	if (error) {
		drop(journal);
		return error;
	}
	*ret_journal = journal;
	return 0;
}

/* ---- public ----------------------------------------------------------------------------------- */

void journal_need(struct journal *journal, uint64_t features)
{
	journal->features |= features;
	if (journal->error || journal->file.fd < 0 || (features & ~journal->file.features) == 0)
		return;
	frame_seal(journal, 0);
	journal->file.end = journal->file.next; /* it is full */
}

static unsigned char *place(struct journal *journal, size_t bytes)
{
	struct open_frame *frame = &journal->frame;
	unsigned char *at = frame->at + frame->bytes;

	frame->bytes += bytes;
	frame->count++;
	return at;
}

unsigned char *journal_reserve(struct journal *journal, size_t bytes)
{
	assert(bytes >= sizeof(struct format_record) && bytes % 8 == 0 && bytes <= FORMAT_RECORD_BYTES_MAX);
	if (journal->error)
		return NULL;
	if (!frame_fits(&journal->frame, bytes) && journal_fail(journal, file_make_room(journal, bytes)) != 0)
		return NULL;
	return place(journal, bytes);
}

uint64_t journal_file(const struct journal *journal)
{
	return journal->file.number;
}

int journal_end_turn(struct journal *journal)
{
	if (journal->error || journal->frame.at == NULL)
		return journal->error;
	frame_seal(journal, FORMAT_END_OF_TURN);
	if (journal->error || journal_fail(journal, sink_settle(journal->sink)) != 0)
		return journal->error;
	journal->durable = journal->next_lsn - 1;
	journal->file.is_settled = true;
	journal->settled_file = journal->file.number;
	journal->counts.turns++;
	journal->turn++;
	return 0;
}

uint64_t journal_turn(const struct journal *journal)
{
	return journal->turn;
}

uint64_t journal_durable(const struct journal *journal)
{
	return journal->durable;
}

uint64_t journal_oldest(const struct journal *journal)
{
	return files_oldest(&journal->files);
}

uint64_t journal_files(const struct journal *journal)
{
	return journal->files.count;
}

int journal_prepare(struct journal *journal, uint32_t spares)
{
	return journal->error ? journal->error : files_prepare(&journal->files, spares);
}

uint32_t journal_spares(const struct journal *journal)
{
	return files_spares(&journal->files);
}

void journal_keep_spares(struct journal *journal, uint32_t spares)
{
	journal->files.spares_kept = spares;
}

uint64_t journal_room(const struct journal *journal)
{
	uint64_t spare = journal->options.file_bytes - FORMAT_PAGE, left = journal->file.end - journal->file.next;

	return left - least(left, format_pages(journal->frame.bytes)) + files_spares(&journal->files) * spare;
}

bool journal_is_prepared(const struct journal *journal)
{
	return !files_keeps_more(&journal->files);
}

int journal_drop_oldest(struct journal *journal)
{
	if (journal->error)
		return journal->error;
	if (!journal->file.is_settled || files_oldest(&journal->files) == journal->file.number)
		return -EBUSY;
	return files_drop_oldest(&journal->files);
}

int journal_error(const struct journal *journal)
{
	return journal->error;
}

void journal_repair(struct journal *journal)
{
	sink_drop(journal->sink);
	file_end(journal);
	journal->frame = (struct open_frame){0};
	files_drop_after(&journal->files, journal->settled_file);
	journal->next_lsn = journal->durable + 1;
	journal->turn++;
	journal->error = 0;
}

struct journal_counts journal_counts(const struct journal *journal)
{
	struct journal_counts counts = journal->counts;

	counts.writes = sink_writes(journal->sink);
	counts.flushes = sink_flushes(journal->sink);
	return counts;
}

uint64_t journal_id(const struct journal *journal)
{
	return journal->options.journal_id;
}

/* A turn of its own without records. Not worth a new file. */
static int note_durable(struct journal *journal)
{
	int error;

	if (journal->error || journal->file.fd < 0 || journal->frame.at ||
	    journal->durable == journal->durable_noted || journal->file.end - journal->file.next < FORMAT_PAGE ||
	    journal->next_lsn != journal->durable + 1)
		return journal->error;
	error = frame_open(journal, 0);
	if (error)
		return error;
	frame_seal(journal, FORMAT_END_OF_TURN);
	return journal->error ? journal->error : sink_settle(journal->sink);
}

int journal_close(struct journal *journal)
{
	int error;

	if (journal == NULL)
		return 0;
	error = note_durable(journal);
	drop(journal);
	return error;
}
