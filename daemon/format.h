/* Every durable byte: the files of a journal, field by field. Format version 1.2.
 *
 * All numbers are little-endian, all times milliseconds since 1970 unless said otherwise. "LSN" is the number of
 * a frame, "turn" of a group of frames that counts wholly or not at all; both count from 1 over all files.
 * (What a folder says of itself, beside its journal: daemon/standing.h.)
 *
 * Files       journal-0000000001, journal-0000000002, ... in one folder; the oldest go first. A file has the
 *             journal's usual size (a multiple of 4096, 64 KiB or more), and is longer only if its definitions or
 *             one record alone do not fit. It is written with zeros before use, or is an older file under a new
 *             name: what lies behind its last frame means nothing.
 * File        offset 0      head, and once more at 2048: either counts (the rest of the 4096 bytes is zero)
 *             offset 4096   frames without gaps, each beginning at a multiple of 4096
 * Frame       head, then records; to the next multiple of 4096 bytes that mean nothing
 * First frames  of a file: records that define all queues there are.
 *
 * File head, 128 bytes
 *   0    8  "RLJOURNL"                        64   8  when the file was begun
 *   8    2  version, major                    72   8  LSN of its first frame: frames of this number or a
 *   10   2  version, minor                            higher one in files before it were cut off, and do
 *   12   4  4096, where frames begin                  not count
 *   16   8  bits of what a reader must know:  80   8  turn of its first frame
 *           1 ENCRYPTED                       88   16 salt, random   } of an ENCRYPTED file,
 *           2 FIFO, 4 TRACE                   104  8  id of its key  } else zero
 *   24   8  number of the file, as in its name
 *   32   8  usual bytes of a file             112  12 zero
 *   40   8  id of the journal, random, the    124  4  CRC of the 124 before it
 *           same in all its files
 *   48   16 id of the machine
 *
 * Frame head, 64 bytes
 *   0    4  "RLFR"                            32   8  durable: LSN of the end of the last turn that was
 *   4    4  CRC of all bytes from 8 on                known to be durable when this was written
 *   8    4  bytes of head and records         40   8  number of the file
 *   12   4  flags: 1 END_OF_TURN,             48   8  when
 *           2 ENCRYPTED
 *   16   8  LSN                               56   4  how many records, with the TAG
 *   24   8  turn                              60   4  CRC of the 52 bytes from 8 on
 * CRCs are CRC-32C (Castagnoli; no inversion at the end). Those of a file's head begin with 2^32 - 1, those of
 * frames with the CRC of the journal's id and the file's number, 16 bytes: so a frame of an older file under this
 * name, or of another journal, is none. A head has a CRC of its own so that one with damaged records still says
 * what is missing, and so that nobody reads up to where a damaged one points.
 * Frames are of at most 1 MiB but for one with a single record that is larger.
 *
 * Records begin with {bytes 4, kind 1, flags 1, count 2}; bytes counts all of the record and is a multiple of 8;
 * flags: 128 OPTIONAL, who does not know the kind may pass over it; 1 SEQUENCED, 2 MOVED,
 * both of a MESSAGE only; count is 0 but
 * in DELETE and SEEN.
 *   1 MESSAGE   8  8 its number, never 0      16  4 number of its queue       20  4 sender
 *               24 16 id                      40  8 sent                      48  8 due, 0: at once
 *               56 4 receives                 60  4 first received, low half  64  4 bytes of body
 *               68 4 bytes of what follows the body    72 8 number of the message that this one is instead
 *               of (a move to a DLQ), 0: none 80    body, then the rest, then zeros up to a multiple of 8;
 *               if SEQUENCED (the queue is FIFO), 8 more bytes at the end: its sequence number;
 *               if MOVED, its deduplication id does not count here
 *   2 DELETE    8  8 x count, numbers of messages
 *   3 UPDATE    8  8 number of a message      16  8 due                       24  4 receives
 *               28 4 first received
 *   4 QUEUE     8  4 number of the queue      12  4 durability                16  8 incarnation
 *               24 8 created                  32  8 modified                  40  8 capacity
 *               48 4 mode                     52  4 group                     56  4 placement
 *               60 4 node of it               64  8 x 16 attributes           192 88 name, zeros behind it
 *               280 88 name of its DLQ, zeros behind it; a standard queue's record ends here, of a FIFO queue:
 *               368 4 type: 1                 372 4 ids of its deduplication     376 8 no message was given a
 *               higher sequence number up to the end of the turn               384 8 up to this sequence number a
 *               purge has forgotten deduplication ids           392 8 seed of the hashes of those
 *   5 REMOVED   8  4 number of the queue      12  4 zero
 *   7 SEEN      8  4 number of a FIFO queue   12  4 zero     16  48 x count, deduplication ids of messages that are
 * gone: 0 16 keyed hash               16 16 id of the message            32 8 its sequence number 40 8 sent 6 TAG
 * 8  16 what proves that the frame is as it was encrypted; the last record of an ENCRYPTED frame, and in no other
 * place What the values inside mean, and whether they are possible, is the caller's to know.
 *
 * FIFO queues. What is said of them here, from FIFO queues' records to SEQUENCED messages, stands only in files
 * with FIFO in their heads, so that a reader of 1.0 refuses them, as it would take such a queue for a standard one.
 * Once a journal has one such file, all later ones that the same process begins are.
 *
 * Traces. What follows a body has its tracing context, NOTE_TRACE (shm/message.h), only in files with TRACE in
 * their heads, so that readers of 1.0 and 1.1 refuse them, to whom such a message is damaged. All later ones that
 * the same process begins have it too.
 *
 * Encryption. All frames of an ENCRYPTED file are ENCRYPTED, and none of another one. Encrypted are the bodies and
 * what follows them: of each MESSAGE the bytes from 80 on to its end, of each SEEN those from 16 on. All else is
 * plain, so that who has no key can check all but the TAGs; CRCs are those of the encrypted bytes. AES-256-GCM,
 * once for a frame: text        those bytes of all of these of the frame, one after the other also bound
 * (additional data) 52 bytes of the frame's head from 8 on; then of each record what is not text, of the TAG its
 * first 8 bytes nonce       LSN, 8 bytes; 4 zeros key         of the file, 32 bytes: HKDF-SHA-256 of the master key
 * (32 bytes) with the salt of the head and the info "ringlease journal file", id of the journal, number of the file
 * (22 + 8 + 8 bytes) The id of a key is 8 bytes, a number: HKDF-SHA-256 of the master key without salt, info
 * "ringlease key id"; 1 if that is 0. Why so, and what it protects: docs/adr/0010-encryption.md.
 *
 * To change the format: if a reader of this version still gets all that it needs (a meaning for a field that was
 * zero, where zero goes on to mean "as before"; a new kind with OPTIONAL), raise the minor version. Else raise the
 * major version, or set a bit in the head of those files that need it: this version refuses such a journal by name.
 * (Flags that a reader does not know are damage to it, so new ones need that, as ENCRYPTED has: a reader from
 * before it refuses such files as newer, and goes on reading journals that have none.) The first 24 bytes of a
 * file's head, its length and its CRC never change. Files of older versions have to be read for as long as the
 * major version that wrote them is supported; there is no conversion, since a journal is written anew file by file.
 * Keep the files that tests/unit/test_format.c has of the old version, and add some of the new.
 */
#ifndef DAEMON_FORMAT_H
#define DAEMON_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FORMAT_FILE_MAGIC "RLJOURNL"
#define FORMAT_FRAME_MAGIC UINT32_C(0x52464c52) /* "RLFR" */
#define FORMAT_FEATURES UINT64_C(7)		/* that this reader knows */

enum {
	FORMAT_MAJOR = 1,
	FORMAT_MINOR = 2,
	FORMAT_PAGE = 4096, /* frames begin at multiples of it, the first one behind the heads */
	FORMAT_SECOND_HEAD = 2048,
	FORMAT_FRAME_BYTES = 1 << 20, /* a frame of several records has at most so many */
	FORMAT_RECORD_BYTES_MAX = 1 << 27,
	FORMAT_FILE_BYTES_MIN = 1 << 16,
	FORMAT_NAME_BYTES = 88,
	FORMAT_ATTRIBUTES = 16,
	FORMAT_SALT_BYTES = 16,
	FORMAT_TAG_BYTES = 16,
};
#define FORMAT_FILE_NUMBER_MAX UINT64_C(4294967295)
#define FORMAT_NUMBER_MAX (UINT64_C(1) << 62) /* of frames and turns: so that one more is always possible */

/* Names of files: journal-%010u. */
#define FORMAT_FILE_PREFIX "journal-"
enum { FORMAT_FILE_NAME_BYTES = 24 };

enum format_feature { FORMAT_FILE_ENCRYPTED = 1, FORMAT_FILE_FIFO = 2, FORMAT_FILE_TRACE = 4 };
enum format_frame_flag { FORMAT_END_OF_TURN = 1, FORMAT_ENCRYPTED = 2 };
enum format_record_flag { FORMAT_SEQUENCED = 1, FORMAT_MOVED = 2, FORMAT_OPTIONAL = 128 };
enum format_queue_type { FORMAT_STANDARD = 0, FORMAT_FIFO = 1 };

enum format_kind {
	FORMAT_MESSAGE = 1,
	FORMAT_DELETE,
	FORMAT_UPDATE,
	FORMAT_QUEUE,
	FORMAT_REMOVED,
	FORMAT_TAG,
	FORMAT_SEEN,
};

struct format_file {
	char magic[8];
	uint16_t major, minor;
	uint32_t head_bytes;
	uint64_t features;
	uint64_t number;
	uint64_t bytes;
	uint64_t journal_id;
	unsigned char machine_id[16];
	uint64_t created_ms;
	uint64_t first_lsn, first_turn;
	unsigned char salt[FORMAT_SALT_BYTES];
	uint64_t key_id;
	unsigned char spare[12];
	uint32_t crc;
};
_Static_assert(sizeof(struct format_file) == 128, "file head");

struct format_frame {
	uint32_t magic, crc;
	uint32_t bytes, flags;
	uint64_t lsn, turn, durable;
	uint64_t file;
	uint64_t wall_ms;
	uint32_t count, head_crc;
};
_Static_assert(sizeof(struct format_frame) == 64, "frame head");

struct format_record {
	uint32_t bytes;
	uint8_t kind, flags;
	uint16_t count;
};
_Static_assert(sizeof(struct format_record) == 8, "record head");

struct format_message {
	struct format_record record;
	uint64_t number;
	uint32_t queue, sender;
	uint64_t id[2];
	uint64_t sent_ms, due_ms;
	uint32_t receives, first_receive_ms;
	uint32_t body_bytes, extra_bytes;
	uint64_t origin;
	unsigned char payload[]; /* body, then extra; the sequence number, if SEQUENCED, stands last */
};
_Static_assert(sizeof(struct format_message) == 80, "message");

struct format_delete {
	struct format_record record;
	uint64_t numbers[]; /* record.count */
};

struct format_update {
	struct format_record record;
	uint64_t number, due_ms;
	uint32_t receives, first_receive_ms;
};
_Static_assert(sizeof(struct format_update) == 32, "update");

struct format_queue {
	struct format_record record;
	uint32_t queue, durability;
	uint64_t incarnation;
	uint64_t created_ms, modified_ms;
	uint64_t capacity;
	uint32_t mode, group;
	uint32_t placement, placement_node;
	uint64_t attributes[FORMAT_ATTRIBUTES];
	char name[FORMAT_NAME_BYTES], dlq[FORMAT_NAME_BYTES]; /* end with a zero each */
	/* Of a FIFO queue. A standard one's record has none of it. */
	uint32_t type, dedup_max;
	uint64_t sequence, purged;
	uint64_t dedup_seed;
};
enum { FORMAT_QUEUE_STANDARD_BYTES = offsetof(struct format_queue, type) };
_Static_assert(FORMAT_QUEUE_STANDARD_BYTES == 368 && sizeof(struct format_queue) == 400, "queue");

struct format_removed {
	struct format_record record;
	uint32_t queue, spare;
};
_Static_assert(sizeof(struct format_removed) == 16, "removed");

struct format_seen_id {
	uint64_t key[2];
	uint64_t id[2];
	uint64_t sequence, sent_ms;
};

struct format_seen {
	struct format_record record;
	uint32_t queue, spare;
	struct format_seen_id ids[]; /* record.count */
};
_Static_assert(sizeof(struct format_seen) == 16 && sizeof(struct format_seen_id) == 48, "seen");

struct format_tag {
	struct format_record record;
	unsigned char tag[FORMAT_TAG_BYTES];
};
_Static_assert(sizeof(struct format_tag) == 24, "tag");

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "bytes are written as they lie in memory");

/* What is wrong with bytes. */
enum format_fault {
	FORMAT_SOUND,
	FORMAT_NO_HEAD,	     /* no file head: another magic */
	FORMAT_BLANK,	     /* a file head that was never written: zeros */
	FORMAT_BAD_HEAD,     /* CRC or impossible values of a file head */
	FORMAT_NEWER,	     /* a file head of a version that we do not know */
	FORMAT_NO_FRAME,     /* no frame begins here */
	FORMAT_BAD_FRAME,    /* CRC or impossible values of a frame head */
	FORMAT_SHORT,	     /* a sound frame head, but the file ends before the frame does */
	FORMAT_BAD_CRC,	     /* a sound frame head, but its records have another CRC */
	FORMAT_BAD_RECORD,   /* the CRC is right, but a record is impossible */
	FORMAT_UNKNOWN_KIND, /* a record of a kind that we do not know and must not pass over */
	FORMAT_MISSING,	     /* frames are missing: their numbers lie between those of others (daemon/replay.h) */
	FORMAT_BAD_TAG,	     /* the CRC is right, but it is not what was encrypted */
	FORMAT_NO_SALT,	     /* an encrypted frame, and both heads of its file are damaged */
};

/* In words, for people; static memory. */
const char *format_fault_text(enum format_fault fault);

/* ---- files ------------------------------------------------------------------------------------ */

void format_file_name(uint64_t number, char ret_name[FORMAT_FILE_NAME_BYTES]);
/* The number in such a name; 0 if it is none. */
uint64_t format_file_number(const char *name);

/* Magic, version and CRC around the other fields. */
void format_file_seal(struct format_file *file);
/* Says nothing about whose file it is. */
enum format_fault format_file_check(const struct format_file *file);

/* What the CRCs of the file's frames begin with. */
uint32_t format_seed(uint64_t journal_id, uint64_t file);

/* ---- frames ----------------------------------------------------------------------------------- */

static inline uint64_t format_pages(uint64_t bytes)
{
	return (bytes + FORMAT_PAGE - 1) & ~(uint64_t)(FORMAT_PAGE - 1);
}

/* Magic and CRCs around the other fields and the records behind the head. */
void format_frame_seal(struct format_frame *frame, uint32_t seed);

/* Frames and records lie at multiples of 8 in memory. */
enum format_fault format_frame_check_head(const struct format_frame *frame, uint32_t seed, uint64_t file);
/* The same, and all the records; of the memory from `frame` on `have` bytes may be read. */
enum format_fault format_frame_check(const struct format_frame *frame, size_t have, uint32_t seed, uint64_t file);

/* ---- records ---------------------------------------------------------------------------------- */

/* Is it a whole and possible record, within `have` bytes? FORMAT_SOUND also for one of an unknown kind that may be
 * passed over. */
enum format_fault format_record_check(const struct format_record *record, size_t have);

static inline size_t format_message_bytes(uint64_t body_bytes, uint64_t extra_bytes)
{
	return (sizeof(struct format_message) + body_bytes + extra_bytes + 7) & ~(size_t)7;
}

/* Of one of a FIFO queue. */
static inline size_t format_sequenced_bytes(uint64_t body_bytes, uint64_t extra_bytes)
{
	return format_message_bytes(body_bytes, extra_bytes) + sizeof(uint64_t);
}

/* 0: it has none. */
static inline uint64_t format_sequence(const struct format_message *message)
{
	uint64_t sequence = 0;

	if (message->record.flags & FORMAT_SEQUENCED)
		memcpy(&sequence, (const unsigned char *)message + message->record.bytes - sizeof(sequence),
		       sizeof(sequence));
	return sequence;
}

static inline size_t format_queue_bytes(const struct format_queue *queue)
{
	return queue->type == FORMAT_FIFO ? sizeof(*queue) : (size_t)FORMAT_QUEUE_STANDARD_BYTES;
}

static inline size_t format_delete_bytes(uint16_t count)
{
	return sizeof(struct format_delete) + count * sizeof(uint64_t);
}

static inline size_t format_seen_bytes(uint16_t count)
{
	return sizeof(struct format_seen) + count * sizeof(struct format_seen_id);
}

static inline struct format_record format_record_of(enum format_kind kind, size_t bytes, uint16_t count)
{
	return (struct format_record){.bytes = (uint32_t)bytes, .kind = (uint8_t)kind, .count = count};
}

/* They write into memory with room for the record (its `bytes`); `record` need not be filled in. Body and extra are
 * the caller's to copy to `payload` of what is returned. */
/* Inline, so that its fields need not be stored and loaded again on their way. */
static inline struct format_message *format_message_put(unsigned char *at, const struct format_message *message)
{
	struct format_message *put = (struct format_message *)(void *)at;
	size_t payload_bytes = (size_t)message->body_bytes + message->extra_bytes;
	size_t bytes = format_message_bytes(message->body_bytes, message->extra_bytes);

	*put = *message;
	put->record = format_record_of(FORMAT_MESSAGE, bytes, 0);
	if (payload_bytes % 8 != 0) /* what fills it up: its last 8 bytes, before the payload is there */
		memset(at + bytes - 8, 0, 8);
	return put;
}

/* The same with a sequence number: of format_sequenced_bytes(). */
static inline struct format_message *format_sequenced_put(unsigned char *at, const struct format_message *message,
							  uint64_t sequence)
{
	struct format_message *put = format_message_put(at, message);

	put->record.bytes += (uint32_t)sizeof(sequence);
	put->record.flags = FORMAT_SEQUENCED;
	memcpy(at + put->record.bytes - sizeof(sequence), &sequence, sizeof(sequence));
	return put;
}

void format_delete_put(unsigned char *at, const uint64_t *numbers, uint16_t count);
/* The ids are the caller's to copy. */
struct format_seen *format_seen_put(unsigned char *at, uint32_t queue, uint16_t count);
void format_update_put(unsigned char *at, const struct format_update *update);
void format_queue_put(unsigned char *at, const struct format_queue *queue); /* of format_queue_bytes() */
void format_removed_put(unsigned char *at, uint32_t queue);
void format_filler_put(unsigned char *at, size_t bytes); /* room that turned out not to be needed: passed over */
void format_tag_put(unsigned char *at);			 /* zeros for the tag */

/* A QUEUE, short or long. */
void format_queue_read(const struct format_record *record, struct format_queue *ret_queue);

#endif
