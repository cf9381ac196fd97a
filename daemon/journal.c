#include "daemon/journal.h"

#include "daemon/crypt.h"
#include "daemon/files.h"
#include "daemon/sink.h"
#include "kmod-free/clock.h"
#include "kmod-free/memory.h"
#include "kmod-free/secret.h"
#include "ring/crashpoint.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The frame that is being filled. */
struct open_frame {
	unsigned char *at; /* NULL: none */
	size_t bytes, bytes_max;
	uint32_t count;
};

/* The file that is being filled. */
struct open_file {
	int fd; /* -1: none */
	uint64_t number;
	uint32_t seed;
	uint64_t features;
	struct crypt *crypt; /* NULL: it is plain */
	uint64_t next, end;  /* where the next frame goes, and where the file ends */
	bool is_settled;     /* its definitions are durable */
};

struct journal {
	struct journal_options options;
	struct files files;
	struct sink *sink;
	struct os_clock clock;
	struct open_file file;
	struct open_frame frame;
	uint64_t next_lsn, turn;
	uint64_t features;	/* of the files that are begun */
	uint64_t durable;	/* LSN of the end of the last durable turn */
	uint64_t durable_noted; /* as the last frame says */
	uint64_t settled_file;	/* files of higher numbers have nothing durable */
	bool is_defining;
	int error;
	struct journal_counts counts;
};

static int fail(struct journal *journal, int error)
{
	if (error && !journal->error)
		journal->error = error;
	return error;
}

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

/* To be given another one, or none. */
static void end_file(struct journal *journal)
{
	if (journal->file.fd >= 0)
		journal->files.disk->close(journal->file.fd);
	crypt_close(journal->file.crypt);
	journal->file = (struct open_file){.fd = -1};
}

static void drop(struct journal *journal)
{
	sink_close(journal->sink);
	end_file(journal);
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

/* ---- frames ----------------------------------------------------------------------------------- */

static bool fits(const struct open_frame *frame, size_t bytes)
{
	return frame->at && frame->bytes + bytes <= frame->bytes_max;
}

/* Bytes of a frame behind its records. */
static size_t tag_bytes(const struct journal *journal)
{
	return journal->file.crypt ? sizeof(struct format_tag) : 0;
}

/* Of a frame whose head is there; of one that fails nothing is written. */
static int encrypt(struct journal *journal, struct format_frame *frame)
{
	int error = journal->file.crypt ? crypt_encrypt(journal->file.crypt, frame) : 0;

	if (error)
		memset(frame, 0, frame->bytes);
	return fail(journal, error);
}

static void seal_frame(struct journal *journal, uint32_t flags)
{
	struct open_frame *frame = &journal->frame;
	uint64_t bytes;

	if (frame->at == NULL)
		return;
	if (journal->file.crypt) {
		format_tag_put(frame->at + frame->bytes);
		frame->bytes += sizeof(struct format_tag);
		frame->count++;
		flags |= FORMAT_ENCRYPTED;
	}
	bytes = format_pages(frame->bytes);
	os_clock_read(&journal->clock);
	*(struct format_frame *)(void *)frame->at = (struct format_frame){
		.bytes = (uint32_t)frame->bytes,
		.flags = flags,
		.lsn = journal->next_lsn++,
		.turn = journal->turn,
		.durable = journal->durable,
		.file = journal->file.number,
		.wall_ms = journal->clock.wall_ms,
		.count = frame->count,
	};
	if (encrypt(journal, (void *)frame->at) != 0) {
		*frame = (struct open_frame){0};
		return;
	}
	format_frame_seal((void *)frame->at, journal->file.seed);
	memset(frame->at + frame->bytes, 0, bytes - frame->bytes);
	sink_add(journal->sink, bytes);
	journal->file.next += bytes;
	journal->durable_noted = journal->durable;
	journal->counts.frames++;
	journal->counts.records += frame->count;
	journal->counts.bytes += bytes;
	*frame = (struct open_frame){0};
}

/* A frame for a record of `bytes` and more, in this file, which grows if it must. */
static int open_frame(struct journal *journal, size_t bytes)
{
	struct open_file *file = &journal->file;
	uint64_t need = format_pages(sizeof(struct format_frame) + bytes + tag_bytes(journal));
	uint64_t room = file->end - file->next, most = journal->options.frame_bytes;
	int error = 0;

	if (need > room) {
		error = files_allocate(&journal->files, file->fd, file->next, need);
		room = need;
		file->end = file->next + need;
	}
	most = room < most ? room : most;
	most = need > most ? need : most;
	if (!error)
		error = sink_room(journal->sink, most, &journal->frame.at);
	if (error)
		return error;
	journal->frame.bytes = sizeof(struct format_frame);
	journal->frame.bytes_max = most - tag_bytes(journal);
	return 0;
}

static unsigned char *place(struct journal *journal, size_t bytes)
{
	struct open_frame *frame = &journal->frame;
	unsigned char *at = frame->at + frame->bytes;

	frame->bytes += bytes;
	frame->count++;
	return at;
}

/* ---- files ------------------------------------------------------------------------------------ */

/* The file's own key, from a salt that is drawn. */
static int begin_crypt(struct journal *journal, struct format_file *head)
{
	const struct key *key = keys_current(journal->options.keys);
	int error;

	if (key == NULL)
		return 0;
	error = os_secret_random(head->salt, sizeof(head->salt));
	head->features |= FORMAT_FILE_ENCRYPTED;
	head->key_id = key->id;
	if (error)
		return error;
	return crypt_open(key, head->journal_id, head->number, head->salt, true, &journal->file.crypt);
}

/* Its head goes with its first frame, in one write. */
static int put_head(struct journal *journal)
{
	struct format_file head = {
		.number = journal->file.number,
		.features = journal->file.features,
		.bytes = journal->options.file_bytes,
		.journal_id = journal->options.journal_id,
		.first_lsn = journal->next_lsn,
		.first_turn = journal->turn,
	};
	unsigned char *page;
	int error = begin_crypt(journal, &head);

	if (!error)
		error = sink_room(journal->sink, FORMAT_PAGE, &page);
	if (error)
		return error;
	os_clock_read(&journal->clock);
	head.created_ms = journal->clock.wall_ms;
	memcpy(head.machine_id, journal->options.machine_id, sizeof(head.machine_id));
	format_file_seal(&head);
	memset(page, 0, FORMAT_PAGE);
	memcpy(page, &head, sizeof(head));
	memcpy(page + FORMAT_SECOND_HEAD, &head, sizeof(head));
	sink_add(journal->sink, FORMAT_PAGE);
	return 0;
}

static int define_queues(struct journal *journal)
{
	int error;

	journal->is_defining = true;
	error = journal->options.define ? journal->options.define(journal->options.context, journal) : 0;
	journal->is_defining = false;
	return error ? error : journal->error;
}

static int begin_file(struct journal *journal)
{
	uint64_t number = 0;
	int fd = files_make(&journal->files, &number);
	int error;

	if (fd < 0)
		return fd;
	error = sink_begin(journal->sink, fd, 0);
	if (error) { /* writes to the last file may be under way still */
		journal->files.disk->close(fd);
		return error;
	}
	end_file(journal);
	journal->file = (struct open_file){
		.fd = fd,
		.number = number,
		.seed = format_seed(journal->options.journal_id, number),
		.features = journal->features,
		.next = FORMAT_PAGE,
		.end = journal->options.file_bytes,
	};
	journal->counts.files++;
	error = put_head(journal);
	CRASH_POINT(file_begun);
	return error ? error : define_queues(journal);
}

/* Begins a file unless this one has room. What a new one does not hold makes it longer, and so do definitions: else
 * files would be begun without end. */
static int make_room(struct journal *journal, size_t bytes)
{
	struct open_file *file = &journal->file;
	uint64_t need = format_pages(sizeof(struct format_frame) + bytes + tag_bytes(journal));
	int error;

	seal_frame(journal, 0);
	if (journal->error)
		return journal->error;
	if (file->fd < 0 || (!journal->is_defining && need > file->end - file->next)) {
		error = begin_file(journal);
		if (error || fits(&journal->frame, bytes))
			return error;
		seal_frame(journal, 0);
	}
	return open_frame(journal, bytes);
}

/* ---- public ----------------------------------------------------------------------------------- */

void journal_need(struct journal *journal, uint64_t features)
{
	journal->features |= features;
	if (journal->file.fd >= 0 && (features & ~journal->file.features) != 0)
		journal->file.end = journal->file.next; /* it is full */
}

unsigned char *journal_reserve(struct journal *journal, size_t bytes)
{
	assert(bytes >= sizeof(struct format_record) && bytes % 8 == 0 && bytes <= FORMAT_RECORD_BYTES_MAX);
	if (journal->error)
		return NULL;
	if (!fits(&journal->frame, bytes) && fail(journal, make_room(journal, bytes)) != 0)
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
	seal_frame(journal, FORMAT_END_OF_TURN);
	if (journal->error || fail(journal, sink_settle(journal->sink)) != 0)
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
	end_file(journal);
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
	error = open_frame(journal, 0);
	if (error)
		return error;
	seal_frame(journal, FORMAT_END_OF_TURN);
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
