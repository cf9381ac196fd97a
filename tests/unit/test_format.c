#include "daemon/format.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEED_ID = 0x1234, SEED_FILE = 5, FRAME_BYTES = 1024 };

/* Castagnoli's polynomial, bit by bit. */
static uint32_t crc32c(const void *bytes, size_t count, uint32_t crc)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < count; i++) {
		crc ^= at[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
	}
	return crc;
}

static struct format_file file_head(void)
{
	struct format_file file = {
		.number = 5,
		.bytes = 1 << 16,
		.journal_id = 0x1122334455667788,
		.machine_id = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
		.created_ms = 1700000000000,
		.first_lsn = 9,
		.first_turn = 4,
	};

	format_file_seal(&file);
	return file;
}

static const struct format_message message = {
	.number = 11,
	.queue = 3,
	.sender = 4,
	.id = {0x1111, 0x2222},
	.sent_ms = 1700000000001,
	.due_ms = 1700000000002,
	.receives = 2,
	.first_receive_ms = 99,
	.body_bytes = 5,
	.extra_bytes = 4,
	.origin = 10,
};
static const uint64_t numbers[3] = {7, 8, 9};
static const struct format_update update = {
	.number = 6, .due_ms = 1700000000003, .receives = 1, .first_receive_ms = 5};
static const struct format_queue queue = {
	.queue = 3,
	.durability = 2,
	.incarnation = 0xabcdef,
	.created_ms = 1600000000000,
	.modified_ms = 1600000000001,
	.capacity = 1000,
	.mode = 0640,
	.group = 100,
	.placement = 1,
	.placement_node = 2,
	.attributes = {30000, 0, 345600000},
	.name = "orders",
	.dlq = "orders-dead",
};

/* A frame with a record of each kind. */
static struct format_frame *frame_of_all(unsigned char bytes[static FRAME_BYTES])
{
	struct format_frame *frame = (void *)bytes;
	unsigned char *at = bytes + sizeof(*frame);

	memset(bytes, 0xee, FRAME_BYTES);
	memcpy(format_message_put(at, &message)->payload, "helloattr", 9);
	at += format_message_bytes(5, 4);
	format_delete_put(at, numbers, 3);
	at += format_delete_bytes(3);
	format_update_put(at, &update);
	at += sizeof(update);
	format_queue_put(at, &queue);
	at += format_queue_bytes(&queue);
	format_removed_put(at, 3);
	at += sizeof(struct format_removed);
	*frame = (struct format_frame){
		.bytes = (uint32_t)(at - bytes),
		.flags = FORMAT_END_OF_TURN,
		.lsn = 9,
		.turn = 4,
		.durable = 8,
		.file = SEED_FILE,
		.wall_ms = 1700000000004,
		.count = 5,
	};
	format_frame_seal(frame, format_seed(SEED_ID, SEED_FILE));
	return frame;
}

static const struct format_seen_id seen[2] = {
	{.key = {1, 2}, .id = {3, 4}, .sequence = 5, .sent_ms = 1700000000000},
	{.key = {6, 7}, .id = {8, 9}, .sequence = 10, .sent_ms = 1700000000001},
};

/* A frame of what only FIFO queues have. */
static struct format_frame *frame_of_fifo(unsigned char bytes[static FRAME_BYTES])
{
	struct format_frame *frame = (void *)bytes;
	struct format_queue fifo = queue;
	unsigned char *at = bytes + sizeof(*frame);

	memset(bytes, 0xee, FRAME_BYTES);
	memcpy(format_sequenced_put(at, &message, 0x123456789a)->payload, "helloattr", 9);
	((struct format_message *)(void *)at)->record.flags |= FORMAT_MOVED;
	at += format_sequenced_bytes(5, 4);
	fifo.type = FORMAT_FIFO;
	fifo.dedup_max = 1000000;
	fifo.sequence = 4194304;
	fifo.purged = 7;
	fifo.dedup_seed = 0xfedcba;
	strcpy(fifo.name, "orders.fifo");
	format_queue_put(at, &fifo);
	at += format_queue_bytes(&fifo);
	memcpy(format_seen_put(at, 3, 2)->ids, seen, sizeof(seen));
	at += format_seen_bytes(2);
	*frame = (struct format_frame){.bytes = (uint32_t)(at - bytes),
				       .flags = FORMAT_END_OF_TURN,
				       .lsn = 9,
				       .turn = 4,
				       .durable = 8,
				       .file = SEED_FILE,
				       .wall_ms = 1700000000004,
				       .count = 3};
	format_frame_seal(frame, format_seed(SEED_ID, SEED_FILE));
	return frame;
}

static enum format_fault check(const struct format_frame *frame)
{
	return format_frame_check(frame, frame->bytes, format_seed(SEED_ID, SEED_FILE), SEED_FILE);
}

static void seal(struct format_frame *frame)
{
	format_frame_seal(frame, format_seed(SEED_ID, SEED_FILE));
}

/* ---- the bytes -------------------------------------------------------------------------------- */

static unsigned char *hex(const char *text, size_t *ret_count)
{
	static unsigned char bytes[FRAME_BYTES];
	size_t count = 0;

	for (; *text != '\0'; text += 2) {
		unsigned byte;

		cr_assert_eq(sscanf(text, "%2x", &byte), 1);
		bytes[count++] = (unsigned char)byte;
	}
	*ret_count = count;
	return bytes;
}

/* As version 1.0 wrote them: a reader has to understand them for as long as it says so. */
static const char file_1_0[] =
	"524c4a4f55524e4c01000000001000000000000000000000050000000000000000000100000000008877665544332211"
	"0102030405060708090a0b0c0d0e0f100068e5cf8b010000090000000000000004000000000000000000000000000000"
	"000000000000000000000000000000000000000000000000000000007cd85efa";
static const char frame_1_0[] =
	"524c465268a9d6cf60020000010000000900000000000000040000000000000008000000000000000500000000000000"
	"0468e5cf8b010000050000007443c2ba60000000010000000b0000000000000003000000040000001111000000000000"
	"22220000000000000168e5cf8b0100000268e5cf8b010000020000006300000005000000040000000a00000000000000"
	"68656c6c6f61747472000000000000002000000002000300070000000000000008000000000000000900000000000000"
	"200000000300000006000000000000000368e5cf8b010000010000000500000070010000040000000300000002000000"
	"efcdab000000000000806e877401000001806e8774010000e803000000000000a0010000640000000100000002000000"
	"307500000000000000000000000000000070991400000000000000000000000000000000000000000000000000000000"
	"000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"00000000000000000000000000000000000000000000000000000000000000006f726465727300000000000000000000"
	"000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000006f72646572732d6465616400000000000000000000000000"
	"000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000010000000050000000300000000000000";

/* As version 1.1 wrote them: the frame of all that 1.0 knew of is the same. */
static const char file_1_1[] =
	"524c4a4f55524e4c01000100001000000000000000000000050000000000000000000100000000008877665544332211"
	"0102030405060708090a0b0c0d0e0f100068e5cf8b010000090000000000000004000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000099e80de7";
static const char fifo_file_1_1[] =
	"524c4a4f55524e4c01000100001000000200000000000000050000000000000000000100000000008877665544332211"
	"0102030405060708090a0b0c0d0e0f100068e5cf8b010000090000000000000004000000000000000000000000000000"
	"00000000000000000000000000000000000000000000000000000000f25d9dce";
static const char fifo_frame_1_1[] =
	"524c465287f17a19a8020000010000000900000000000000040000000000000008000000000000000500000000000000"
	"0468e5cf8b01000003000000f97185df68000000010300000b0000000000000003000000040000001111000000000000"
	"22220000000000000168e5cf8b0100000268e5cf8b010000020000006300000005000000040000000a00000000000000"
	"68656c6c6f61747472000000000000009a7856341200000090010000040000000300000002000000efcdab0000000000"
	"00806e877401000001806e8774010000e803000000000000a00100006400000001000000020000003075000000000000"
	"000000000000000000709914000000000000000000000000000000000000000000000000000000000000000000000000"
	"000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000006f72646572732e6669666f00000000000000000000000000"
	"000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"000000000000000000000000000000006f72646572732d64656164000000000000000000000000000000000000000000"
	"000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	"00000000000000000100000040420f0000004000000000000700000000000000badcfe00000000007000000007000200"
	"030000000000000001000000000000000200000000000000030000000000000004000000000000000500000000000000"
	"0068e5cf8b01000006000000000000000700000000000000080000000000000009000000000000000a00000000000000"
	"0168e5cf8b010000";

/* As version 1.2 writes them: frames are as before. */
static const char file_1_2[] =
	"524c4a4f55524e4c01000200001000000000000000000000050000000000000000000100000000008877665544332211"
	"0102030405060708090a0b0c0d0e0f100068e5cf8b010000090000000000000004000000000000000000000000000000"
	"00000000000000000000000000000000000000000000000000000000b6b9f8c0";
static const char fifo_file_1_2[] =
	"524c4a4f55524e4c01000200001000000200000000000000050000000000000000000100000000008877665544332211"
	"0102030405060708090a0b0c0d0e0f100068e5cf8b010000090000000000000004000000000000000000000000000000"
	"00000000000000000000000000000000000000000000000000000000dd0c68e9";
static const char trace_file_1_2[] =
	"524c4a4f55524e4c01000200001000000400000000000000050000000000000000000100000000008877665544332211"
	"0102030405060708090a0b0c0d0e0f100068e5cf8b010000090000000000000004000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000060d3d993";

static void expect_bytes(const char *what, const void *bytes, size_t count, const char *text)
{
	size_t want_count;
	const unsigned char *want = hex(text, &want_count), *have = bytes;

	cr_expect(count == want_count && memcmp(have, want, count) == 0, "%s: other bytes than its version has",
		  what);
	if (getenv("SHOW_BYTES")) /* for whoever changes the format */
		for (size_t i = 0; i < count; i++)
			printf("%02x%s", have[i], i + 1 == count ? "\n" : "");
}

Test(format, writes_the_bytes_of_version_1_2)
{
	_Alignas(8) unsigned char bytes[FRAME_BYTES];
	struct format_file file = file_head();
	struct format_frame *frame = frame_of_all(bytes);

	expect_bytes("file head", &file, sizeof(file), file_1_2);
	expect_bytes("frame", frame, frame->bytes, frame_1_0);
	file.features = FORMAT_FILE_FIFO;
	format_file_seal(&file);
	frame = frame_of_fifo(bytes);
	expect_bytes("file head, FIFO", &file, sizeof(file), fifo_file_1_2);
	expect_bytes("frame, FIFO", frame, frame->bytes, fifo_frame_1_1);
	file.features = FORMAT_FILE_TRACE;
	format_file_seal(&file);
	expect_bytes("file head, TRACE", &file, sizeof(file), trace_file_1_2);
}

Test(format, reads_the_bytes_of_version_1_2)
{
	static const char *const files[] = {file_1_2, fifo_file_1_2, trace_file_1_2};
	static const uint64_t features[] = {0, FORMAT_FILE_FIFO, FORMAT_FILE_TRACE};
	_Alignas(8) unsigned char bytes[FRAME_BYTES];
	const struct format_file *file = (const void *)bytes;
	size_t count;

	for (int i = 0; i < 3; i++) {
		memcpy(bytes, hex(files[i], &count), 128);
		cr_assert(format_file_check(file) == FORMAT_SOUND && file->features == features[i]);
	}
}

Test(format, reads_the_bytes_of_version_1_1)
{
	_Alignas(8) unsigned char bytes[FRAME_BYTES];
	const struct format_file *file = (const void *)bytes;
	const struct format_frame *frame = (const void *)bytes;
	const struct format_message *sent = (const void *)(bytes + 64);
	const struct format_seen *ids;
	struct format_queue found;
	size_t count;

	memcpy(bytes, hex(file_1_1, &count), 128);
	cr_assert(format_file_check(file) == FORMAT_SOUND && file->features == 0);
	memcpy(bytes, hex(fifo_file_1_1, &count), 128);
	cr_assert(format_file_check(file) == FORMAT_SOUND && file->features == FORMAT_FILE_FIFO);
	memcpy(bytes, hex(fifo_frame_1_1, &count), FRAME_BYTES);
	cr_assert_eq(check(frame), FORMAT_SOUND);
	cr_assert_eq(frame->count, 3);
	cr_expect_eq(format_sequence(sent), 0x123456789a);
	cr_expect_eq(memcmp(sent->payload, "helloattr", 9), 0);
	format_queue_read((const void *)(bytes + 64 + sent->record.bytes), &found);
	cr_expect(found.type == FORMAT_FIFO && found.dedup_max == 1000000);
	cr_expect(found.sequence == 4194304 && found.purged == 7 && found.dedup_seed == 0xfedcba);
	cr_expect_str_eq(found.name, "orders.fifo");
	ids = (const void *)(bytes + 64 + sent->record.bytes + found.record.bytes);
	cr_expect(ids->record.kind == FORMAT_SEEN && ids->record.count == 2 && ids->queue == 3);
	cr_expect_eq(memcmp(ids->ids, seen, sizeof(seen)), 0);
}

Test(format, reads_the_bytes_of_version_1_0)
{
	_Alignas(8) unsigned char bytes[FRAME_BYTES];
	const struct format_file *file = (const void *)bytes;
	const struct format_frame *frame = (const void *)bytes;
	const struct format_queue *found = (const void *)(bytes + 64 + 96 + 32 + 32);
	size_t count;

	memcpy(bytes, hex(file_1_0, &count), 128);
	cr_assert_eq(format_file_check(file), FORMAT_SOUND);
	cr_assert(file->number == 5 && file->first_lsn == 9 && file->first_turn == 4 && file->machine_id[15] == 16);
	memcpy(bytes, hex(frame_1_0, &count), FRAME_BYTES);
	cr_assert_eq(check(frame), FORMAT_SOUND);
	cr_assert(frame->count == 5 && frame->lsn == 9 && frame->turn == 4 && frame->durable == 8);
	cr_assert_eq(found->record.kind, FORMAT_QUEUE);
	cr_assert(strcmp(found->name, "orders") == 0 && strcmp(found->dlq, "orders-dead") == 0);
}

Test(format, fields_lie_where_the_head_of_the_file_says)
{
	cr_expect_eq(offsetof(struct format_file, features), 16);
	cr_expect_eq(offsetof(struct format_file, journal_id), 40);
	cr_expect_eq(offsetof(struct format_file, created_ms), 64);
	cr_expect_eq(offsetof(struct format_file, first_turn), 80);
	cr_expect_eq(offsetof(struct format_file, salt), 88);
	cr_expect_eq(offsetof(struct format_file, key_id), 104);
	cr_expect_eq(offsetof(struct format_file, crc), 124);
	cr_expect_eq(offsetof(struct format_frame, lsn), 16);
	cr_expect_eq(offsetof(struct format_frame, file), 40);
	cr_expect_eq(offsetof(struct format_frame, count), 56);
	cr_expect_eq(offsetof(struct format_message, sent_ms), 40);
	cr_expect_eq(offsetof(struct format_message, body_bytes), 64);
	cr_expect_eq(offsetof(struct format_message, origin), 72);
	cr_expect_eq(offsetof(struct format_queue, attributes), 64);
	cr_expect_eq(offsetof(struct format_queue, name), 192);
	cr_expect_eq(offsetof(struct format_queue, dlq), 280);
	cr_expect_eq(offsetof(struct format_queue, type), 368);
	cr_expect_eq(offsetof(struct format_queue, dedup_max), 372);
	cr_expect_eq(offsetof(struct format_queue, sequence), 376);
	cr_expect_eq(offsetof(struct format_queue, purged), 384);
	cr_expect_eq(offsetof(struct format_queue, dedup_seed), 392);
	cr_expect_eq(offsetof(struct format_seen, ids), 16);
	cr_expect_eq(offsetof(struct format_seen_id, sent_ms), 40);
}

Test(format, checksums_are_castagnoli_seeded_with_journal_and_file)
{
	_Alignas(8) unsigned char bytes[FRAME_BYTES];
	uint64_t both[2] = {SEED_ID, SEED_FILE};
	struct format_file file = file_head();
	struct format_frame *frame = frame_of_all(bytes);
	uint32_t seed = crc32c(both, 16, UINT32_MAX);

	cr_expect_eq(crc32c("123456789", 9, UINT32_MAX) ^ UINT32_MAX, 0xe3069283, "the test's own");
	cr_expect_eq(format_seed(SEED_ID, SEED_FILE), seed);
	cr_expect_eq(frame->head_crc, crc32c(bytes + 8, 52, seed));
	cr_expect_eq(frame->crc, crc32c(bytes + 8, frame->bytes - 8, seed));
	cr_expect_eq(file.crc, crc32c(&file, 124, UINT32_MAX));
}

/* ---- round trips ------------------------------------------------------------------------------ */

static const void *record_at(const struct format_frame *frame, int index)
{
	const unsigned char *at = (const unsigned char *)(frame + 1);

	while (index-- > 0)
		at += ((const struct format_record *)at)->bytes;
	return at;
}

/* Of a record without its own head. */
#define same_fields(a, b) (memcmp((const char *)(a) + 8, (const char *)(b) + 8, sizeof(*(b)) - 8) == 0)

Test(format, each_kind_of_record_comes_back_as_it_was)
{
	_Alignas(8) unsigned char bytes[FRAME_BYTES];
	const struct format_frame *frame = frame_of_all(bytes);
	const struct format_message *sent = record_at(frame, 0);
	const struct format_delete *deleted = record_at(frame, 1);
	const struct format_removed *removed = record_at(frame, 4);

	cr_assert_eq(check(frame), FORMAT_SOUND);
	cr_expect(sent->record.kind == FORMAT_MESSAGE && same_fields(sent, &message));
	cr_expect_eq(memcmp(sent->payload, "helloattr", 9), 0);
	cr_expect_eq(sent->record.bytes, 96);
	for (int i = 9; i < 16; i++)
		cr_expect_eq(sent->payload[i], 0, "what fills it up is zero");
	cr_expect(deleted->record.kind == FORMAT_DELETE && deleted->record.count == 3);
	cr_expect_eq(memcmp(deleted->numbers, numbers, sizeof(numbers)), 0);
	cr_expect(same_fields((const struct format_update *)record_at(frame, 2), &update));
	cr_expect(memcmp((const char *)record_at(frame, 3) + 8, (const char *)&queue + 8,
			 FORMAT_QUEUE_STANDARD_BYTES - 8) == 0);
	cr_expect(removed->record.kind == FORMAT_REMOVED && removed->queue == 3);
}

Test(format, a_message_may_be_empty_or_of_64_mib)
{
	uint32_t sizes[] = {0, 1, 7, 8, 9, 64 << 20};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		size_t count = format_message_bytes(sizes[i], sizes[i] % 3);
		unsigned char *at = malloc(count);
		struct format_message sized = {.number = 1, .body_bytes = sizes[i], .extra_bytes = sizes[i] % 3};

		format_message_put(at, &sized);
		cr_expect_eq(format_record_check((void *)at, count), FORMAT_SOUND, "%u", sizes[i]);
		cr_expect_eq(format_record_check((void *)at, count - 8), FORMAT_BAD_RECORD);
		free(at);
	}
}

Test(format, a_delete_may_have_65535_numbers)
{
	size_t bytes = format_delete_bytes(UINT16_MAX);
	uint64_t *many = calloc(UINT16_MAX, sizeof(*many));
	unsigned char *at = malloc(bytes);

	format_delete_put(at, many, UINT16_MAX);
	cr_expect_eq(format_record_check((void *)at, bytes), FORMAT_SOUND);
	free(at);
	free(many);
}

Test(format, names_of_files_are_numbers_of_ten_digits)
{
	char name[FORMAT_FILE_NAME_BYTES];
	static const char *const others[] = {"journal-1",	   "journal-00000000012",
					     "journal-000000000x", "journal-0000000000",
					     "journal-9999999999", "journal-spare",
					     "Journal-0000000001", "",
					     "journal-0000000001~"};

	format_file_name(FORMAT_FILE_NUMBER_MAX, name);
	cr_expect_str_eq(name, "journal-4294967295");
	cr_expect_eq(format_file_number(name), FORMAT_FILE_NUMBER_MAX);
	format_file_name(12, name);
	cr_expect_str_eq(name, "journal-0000000012");
	cr_expect_eq(format_file_number(name), 12);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		cr_expect_eq(format_file_number(others[i]), 0, "%s", others[i]);
}

/* ---- what is refused -------------------------------------------------------------------------- */

Test(format, each_flipped_bit_of_a_file_head_shows)
{
	struct format_file file = file_head();
	unsigned char *bytes = (void *)&file;

	for (size_t bit = 0; bit < sizeof(file) * 8; bit++) {
		bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
		cr_expect_neq(format_file_check(&file), FORMAT_SOUND, "bit %zu", bit);
		bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	cr_expect_eq(format_file_check(&file), FORMAT_SOUND);
}

Test(format, a_newer_major_version_or_an_unknown_feature_is_newer_and_a_newer_minor_is_not)
{
	struct format_file file = file_head();

	file.minor++;
	file.crc = crc32c(&file, 124, UINT32_MAX);
	cr_expect_eq(format_file_check(&file), FORMAT_SOUND);
	file.major++;
	file.crc = crc32c(&file, 124, UINT32_MAX);
	cr_expect_eq(format_file_check(&file), FORMAT_NEWER);
	file = file_head();
	for (int bit = 3; bit < 64; bit++) {
		file.features = UINT64_C(1) << bit;
		file.crc = crc32c(&file, 124, UINT32_MAX);
		cr_expect_eq(format_file_check(&file), FORMAT_NEWER);
	}
}

Test(format, a_file_head_is_blank_foreign_or_impossible)
{
	struct format_file file = {0};

	cr_expect_eq(format_file_check(&file), FORMAT_BLANK);
	memset(&file, 'x', sizeof(file));
	cr_expect_eq(format_file_check(&file), FORMAT_NO_HEAD);
	file = file_head();
	file.number = 0;
	file.crc = crc32c(&file, 124, UINT32_MAX);
	cr_expect_eq(format_file_check(&file), FORMAT_BAD_HEAD);
}

Test(format, each_flipped_bit_of_a_frame_shows)
{
	_Alignas(8) unsigned char bytes[FRAME_BYTES];
	struct format_frame *frame = frame_of_all(bytes);
	size_t count = frame->bytes;

	for (size_t bit = 0; bit < count * 8; bit++) {
		bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
		cr_expect_neq(format_frame_check(frame, count, format_seed(SEED_ID, SEED_FILE), SEED_FILE),
			      FORMAT_SOUND, "bit %zu", bit);
		bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	cr_expect_eq(check(frame), FORMAT_SOUND);
}

Test(format, a_frame_of_another_file_or_journal_is_none)
{
	_Alignas(8) unsigned char bytes[FRAME_BYTES];
	struct format_frame *frame = frame_of_all(bytes);

	cr_expect_neq(format_frame_check(frame, frame->bytes, format_seed(SEED_ID + 1, SEED_FILE), SEED_FILE),
		      FORMAT_SOUND);
	cr_expect_neq(format_frame_check(frame, frame->bytes, format_seed(SEED_ID, SEED_FILE + 1), SEED_FILE + 1),
		      FORMAT_SOUND);
}

/* The memory is just so long: a sanitizer sees a look behind it. */
Test(format, a_frame_that_ends_early_is_never_sound)
{
	_Alignas(8) unsigned char bytes[FRAME_BYTES];
	struct format_frame *frame = frame_of_all(bytes);
	uint32_t seed = format_seed(SEED_ID, SEED_FILE);

	for (size_t have = 0; have < frame->bytes; have++) {
		unsigned char *some = malloc(have);

		memcpy(some, bytes, have);
		cr_expect_eq(format_frame_check((void *)some, have, seed, SEED_FILE),
			     have < sizeof(*frame) ? FORMAT_NO_FRAME : FORMAT_SHORT);
		free(some);
	}
}

/* Right checksums do not excuse impossible values. */
Test(format, impossible_values_of_a_frame_are_refused)
{
	_Alignas(8) unsigned char bytes[FRAME_BYTES];
	struct format_frame *frame = frame_of_all(bytes);

	frame->count--;
	seal(frame);
	cr_expect_eq(check(frame), FORMAT_BAD_RECORD);
	frame = frame_of_all(bytes);
	frame->flags |= 4;
	seal(frame);
	cr_expect_eq(check(frame), FORMAT_BAD_FRAME);
	frame = frame_of_all(bytes);
	frame->flags |= FORMAT_ENCRYPTED; /* without a TAG */
	seal(frame);
	cr_expect_eq(check(frame), FORMAT_BAD_RECORD);
	frame = frame_of_all(bytes);
	frame->durable = frame->lsn;
	seal(frame);
	cr_expect_eq(check(frame), FORMAT_BAD_FRAME);
	frame = frame_of_all(bytes);
	frame->lsn = UINT64_MAX; /* there would be none after it */
	seal(frame);
	cr_expect_eq(check(frame), FORMAT_BAD_FRAME);
	frame = frame_of_all(bytes);
	frame->bytes -= 4;
	seal(frame);
	cr_expect_eq(check(frame), FORMAT_BAD_FRAME);
	frame->bytes -= 4; /* cuts into the last record */
	seal(frame);
	cr_expect_eq(check(frame), FORMAT_BAD_RECORD);
}

Test(format, a_tag_is_the_last_record_of_an_encrypted_frame_and_of_no_other)
{
	_Alignas(8) unsigned char bytes[FRAME_BYTES];
	struct format_frame *frame = frame_of_all(bytes);

	format_tag_put(bytes + frame->bytes);
	frame->bytes += sizeof(struct format_tag);
	frame->count++;
	seal(frame);
	cr_expect_eq(check(frame), FORMAT_BAD_RECORD);
	frame->flags |= FORMAT_ENCRYPTED;
	seal(frame);
	cr_expect_eq(check(frame), FORMAT_SOUND);
	format_removed_put(bytes + frame->bytes, 1);
	frame->bytes += sizeof(struct format_removed);
	frame->count++;
	seal(frame);
	cr_expect_eq(check(frame), FORMAT_BAD_RECORD);
}

/* A change of one record, and what it makes of it. */
static void expect_record(int index, size_t offset, uint64_t value, size_t width, enum format_fault fault)
{
	_Alignas(8) unsigned char bytes[FRAME_BYTES];
	struct format_frame *frame = frame_of_all(bytes);
	unsigned char *record = (unsigned char *)(uintptr_t)record_at(frame, index);

	memcpy(record + offset, &value, width);
	seal(frame);
	cr_expect_eq(check(frame), fault, "record %d, %zu bytes at %zu: %llu", index, width, offset,
		     (unsigned long long)value);
}

Test(format, impossible_records_are_refused)
{
	expect_record(0, 0, 0, 4, FORMAT_BAD_RECORD); /* bytes */
	expect_record(0, 0, 4, 4, FORMAT_BAD_RECORD);
	expect_record(0, 0, 97, 4, FORMAT_BAD_RECORD);
	expect_record(0, 0, UINT32_MAX - 7, 4, FORMAT_BAD_RECORD);
	expect_record(0, 4, 0, 1, FORMAT_UNKNOWN_KIND); /* kind */
	expect_record(0, 4, 6, 1, FORMAT_BAD_RECORD);	/* a TAG of 96 bytes */
	expect_record(0, 4, 7, 1, FORMAT_BAD_RECORD);	/* a SEEN without ids */
	expect_record(0, 4, 8, 1, FORMAT_UNKNOWN_KIND);
	expect_record(0, 4, 0x8008, 2, FORMAT_SOUND);	 /* OPTIONAL */
	expect_record(0, 5, 1, 1, FORMAT_BAD_RECORD);	 /* flags */
	expect_record(0, 6, 1, 2, FORMAT_BAD_RECORD);	 /* count */
	expect_record(0, 8, 0, 8, FORMAT_BAD_RECORD);	 /* number */
	expect_record(0, 64, 500, 4, FORMAT_BAD_RECORD); /* body */
	expect_record(0, 64, UINT32_MAX, 4, FORMAT_BAD_RECORD);
	expect_record(0, 68, UINT32_MAX - 4, 4, FORMAT_BAD_RECORD); /* their sum */
	expect_record(1, 6, 0, 2, FORMAT_BAD_RECORD);
	expect_record(1, 6, 2, 2, FORMAT_BAD_RECORD);
	expect_record(1, 6, 4, 2, FORMAT_BAD_RECORD);
	expect_record(2, 8, 0, 8, FORMAT_BAD_RECORD);
	expect_record(3, 192, 0, 1, FORMAT_BAD_RECORD);	       /* no name */
	expect_record(3, 192 + 87, 'x', 1, FORMAT_BAD_RECORD); /* that does not end */
	expect_record(3, 280 + 87, 'x', 1, FORMAT_BAD_RECORD);
	expect_record(4, 0, 8, 4, FORMAT_BAD_RECORD);
}

Test(format, what_only_fifo_queues_have_is_checked)
{
	_Alignas(8) unsigned char bytes[FRAME_BYTES];
	struct format_frame *frame = frame_of_fifo(bytes);
	struct format_message *sent = (void *)(bytes + 64);
	struct format_queue *defined = (void *)(bytes + 64 + sent->record.bytes);

	sent->record.flags = 0; /* its number would stand behind its end */
	cr_expect_eq(format_record_check(&sent->record, FRAME_BYTES), FORMAT_BAD_RECORD);
	sent->record.flags = 4;
	cr_expect_eq(format_record_check(&sent->record, FRAME_BYTES), FORMAT_BAD_RECORD);
	defined->record.flags = FORMAT_SEQUENCED;
	cr_expect_eq(format_record_check(&defined->record, sizeof(*defined)), FORMAT_BAD_RECORD);
	defined->record.flags = 0;
	cr_expect_eq(format_record_check(&defined->record, sizeof(*defined)), FORMAT_SOUND);
	defined->type = 2;
	cr_expect_eq(format_record_check(&defined->record, sizeof(*defined)), FORMAT_BAD_RECORD);
	defined->type = FORMAT_FIFO;
	defined->dedup_max = 0;
	cr_expect_eq(format_record_check(&defined->record, sizeof(*defined)), FORMAT_BAD_RECORD);
	cr_expect_eq(check(frame_of_fifo(bytes)), FORMAT_SOUND);
	(void)frame;
}

Test(format, each_fault_has_its_text)
{
	for (int fault = FORMAT_SOUND; fault <= FORMAT_NO_SALT; fault++)
		for (int other = FORMAT_SOUND; other < fault; other++)
			cr_expect_str_neq(format_fault_text(fault), format_fault_text(other));
	cr_expect_str_eq(format_fault_text(FORMAT_NO_SALT + 1), "unknown fault");
}
