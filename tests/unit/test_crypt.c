/* Encryption: the library by published vectors, frames by bytes that another implementation has made. */
#include "daemon/crypt.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { FRAME_BYTES = 1024, FILE_NUMBER = 5, LSN = 9 };
static const uint64_t journal_id = 0x1122334455667788;

struct bytes {
	unsigned char at[160];
	size_t count;
};

static struct bytes hex(const char *text)
{
	struct bytes bytes = {.count = 0};

	for (; *text != '\0'; text += 2) {
		unsigned byte;

		cr_assert_eq(sscanf(text, "%2x", &byte), 1);
		bytes.at[bytes.count++] = (unsigned char)byte;
	}
	return bytes;
}

/* ---- published vectors ------------------------------------------------------------------------ */

/* Of "The Galois/Counter Mode of Operation", test cases 13 to 16: the AES-256 ones with nonces of 12 bytes. */
static const struct gcm {
	const char *key, *nonce, *bound, *plain, *encrypted, *tag;
} gcms[] = {
	{"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "", "", "",
	 "530f8afbc74536b9a963b4f1c4cb738b"},
	{"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "",
	 "00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18",
	 "d0d1c8a799996bf0265b98b5d48ab919"},
	{"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888", "",
	 "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5a"
	 "a0d"
	 "e657ba637b391aafd255",
	 "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e639"
	 "3ba"
	 "7a0abcc9f662898015ad",
	 "b094dac5d93471bdec1a502270e3cc6c"},
	{"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
	 "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	 "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5a"
	 "a0d"
	 "e657ba637b39",
	 "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e639"
	 "3ba"
	 "7a0abcc9f662",
	 "76fc6ece0f4e1768cddf8853bb2d551b"},
};

/* In pieces of so many bytes, of the bound ones too. */
static void run_gcm(struct cipher *cipher, const struct gcm *gcm, struct bytes *text, size_t piece)
{
	struct bytes nonce = hex(gcm->nonce), bound = hex(gcm->bound);

	cr_assert_eq(cipher_begin(cipher, nonce.at), 0);
	for (size_t at = 0; at < bound.count; at += piece)
		cr_assert_eq(
			cipher_bind(cipher, bound.at + at, bound.count - at < piece ? bound.count - at : piece), 0);
	for (size_t at = 0; at < text->count; at += piece)
		cr_assert_eq(cipher_run(cipher, text->at + at, text->count - at < piece ? text->count - at : piece),
			     0);
}

Test(crypt, aes_256_gcm_gives_what_its_authors_published,
     .description = "in pieces of any size, one text after another")
{
	for (size_t i = 0; i < sizeof(gcms) / sizeof(*gcms); i++) {
		struct bytes key = hex(gcms[i].key), encrypted = hex(gcms[i].encrypted), tag = hex(gcms[i].tag);
		struct cipher *to, *back;
		unsigned char made[CIPHER_TAG_BYTES];

		cr_assert_eq(cipher_open(key.at, true, &to), 0);
		cr_assert_eq(cipher_open(key.at, false, &back), 0);
		for (size_t piece = 1; piece < 70; piece += 7) {
			struct bytes plain = hex(gcms[i].plain), text = plain;

			run_gcm(to, &gcms[i], &text, piece);
			cr_assert_eq(cipher_end_encrypting(to, made), 0);
			cr_expect_eq(memcmp(text.at, encrypted.at, encrypted.count), 0, "%zu by %zu", i, piece);
			cr_expect_eq(memcmp(made, tag.at, sizeof(made)), 0, "%zu by %zu", i, piece);
			run_gcm(back, &gcms[i], &text, piece);
			cr_expect_eq(cipher_end_decrypting(back, tag.at), 0);
			cr_expect_eq(memcmp(text.at, plain.at, plain.count), 0, "%zu by %zu", i, piece);
			made[piece % 16] ^= 1;
			text = encrypted;
			run_gcm(back, &gcms[i], &text, piece);
			cr_expect_eq(cipher_end_decrypting(back, made), -EBADMSG);
		}
		cipher_close(to);
		cipher_close(back);
	}
}

/* RFC 5869, appendix A.1 to A.3. */
static const struct hkdf {
	const char *secret, *salt, *info, *derived;
} hkdfs[] = {
	{"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
	 "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
	{"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333"
	 "43536"
	 "3738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
	 "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939"
	 "49596"
	 "9798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
	 "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e"
	 "4e5e6"
	 "e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
	 "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600"
	 "c2f09"
	 "b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
	{"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
	 "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
};

Test(crypt, hkdf_gives_what_rfc_5869_has)
{
	for (size_t i = 0; i < sizeof(hkdfs) / sizeof(*hkdfs); i++) {
		struct bytes secret = hex(hkdfs[i].secret), salt = hex(hkdfs[i].salt), info = hex(hkdfs[i].info);
		struct bytes want = hex(hkdfs[i].derived), have;

		cr_assert_eq(cipher_derive((struct cipher_bytes){secret.at, secret.count},
					   (struct cipher_bytes){salt.at, salt.count},
					   (struct cipher_bytes){info.at, info.count}, have.at, want.count),
			     0);
		cr_expect_eq(memcmp(have.at, want.at, want.count), 0, "vector %zu", i);
	}
}

/* ---- frames ----------------------------------------------------------------------------------- */

static unsigned char salt[FORMAT_SALT_BYTES];

static struct key master(void)
{
	struct key key = {.id = 0x86d3dd1f67150ca6};

	for (size_t i = 0; i < sizeof(key.bytes); i++)
		key.bytes[i] = (unsigned char)i;
	for (size_t i = 0; i < sizeof(salt); i++)
		salt[i] = (unsigned char)(100 + i);
	return key;
}

/* Keys only of this test: whoever reads must not change what was opened before. */
static struct crypt *opened(bool encrypts)
{
	struct key key = master();
	struct crypt *crypt;

	cr_assert_eq(crypt_open(&key, journal_id, FILE_NUMBER, salt, encrypts, &crypt), 0);
	return crypt;
}

static unsigned char *put_message(unsigned char *at, uint64_t number, const char *body, const char *extra)
{
	struct format_message head = {
		.number = number,
		.queue = 3,
		.sender = 4,
		.id = {0x1111, 0x2222},
		.sent_ms = 1700000000001,
		.due_ms = 1700000000002,
		.receives = 2,
		.first_receive_ms = 99,
		.body_bytes = (uint32_t)strlen(body),
		.extra_bytes = (uint32_t)strlen(extra),
		.origin = 10,
	};
	unsigned char *payload = format_message_put(at, &head)->payload;

	memcpy(payload, body, strlen(body));
	memcpy(payload + strlen(body), extra, strlen(extra));
	return at + format_message_bytes(strlen(body), strlen(extra));
}

/* Plain, with room for the tag. */
static struct format_frame *plain_frame(unsigned char bytes[static FRAME_BYTES])
{
	static const uint64_t numbers[2] = {7, 8};
	struct format_frame *frame = (void *)bytes;
	unsigned char *at = bytes + sizeof(*frame);

	memset(bytes, 0xee, FRAME_BYTES);
	at = put_message(at, 11, "hello", "attr");
	format_delete_put(at, numbers, 2);
	at += format_delete_bytes(2);
	at = put_message(at, 12, "a second body", "");
	format_tag_put(at);
	at += sizeof(struct format_tag);
	*frame = (struct format_frame){
		.bytes = (uint32_t)(at - bytes),
		.flags = FORMAT_END_OF_TURN | FORMAT_ENCRYPTED,
		.lsn = LSN,
		.turn = 4,
		.durable = 8,
		.file = FILE_NUMBER,
		.wall_ms = 1700000000004,
		.count = 4,
	};
	return frame;
}

static struct format_frame *encrypted_frame(unsigned char bytes[static FRAME_BYTES])
{
	struct format_frame *frame = plain_frame(bytes);
	struct crypt *crypt = opened(true);

	cr_assert_eq(crypt_encrypt(crypt, frame), 0);
	crypt_close(crypt);
	format_frame_seal(frame, format_seed(journal_id, FILE_NUMBER));
	return frame;
}

/* As Python's `cryptography` makes them, from what daemon/format.h says. Version 1.0 with ENCRYPTED: a reader has
 * to understand them for as long as it says so. */
static const char file_encrypted[] =
	"524c4a4f55524e4c01000000001000000100000000000000050000000000000000000100000000008877665544332211"
	"0102030405060708090a0b0c0d0e0f100068e5cf8b010000090000000000000004000000000000006465666768696a6b"
	"6c6d6e6f70717273a60c15671fddd3860000000000000000000000000a504016";
static const char file_encrypted_1_2[] =
	"524c4a4f55524e4c01000200001000000100000000000000050000000000000000000100000000008877665544332211"
	"0102030405060708090a0b0c0d0e0f100068e5cf8b010000090000000000000004000000000000006465666768696a6b"
	"6c6d6e6f70717273a60c15671fddd386000000000000000000000000c031e62c";
static const char frame_encrypted[] =
	"524c46528f62a72830010000030000000900000000000000040000000000000008000000000000000500000000000000"
	"0468e5cf8b0100000400000068992d2a60000000010000000b0000000000000003000000040000001111000000000000"
	"22220000000000000168e5cf8b0100000268e5cf8b010000020000006300000005000000040000000a00000000000000"
	"f2c29d882f3235c821026fb51f12742c1800000002000200070000000000000008000000000000006000000001000000"
	"0c000000000000000300000004000000111100000000000022220000000000000168e5cf8b0100000268e5cf8b010000"
	"02000000630000000d000000000000000a000000000000001d601c5e48afb2b7d70d94e9bc5206ae1800000006000000"
	"177a9182618e967bd1bcc2428967467e";

static void expect_bytes(const char *what, const void *bytes, size_t count, const char *text)
{
	const unsigned char *have = bytes;

	cr_assert_eq(2 * count, strlen(text), "%s", what);
	for (size_t i = 0; i < count; i++) {
		char two[3];

		snprintf(two, sizeof(two), "%02x", have[i]);
		cr_assert_eq(strncmp(two, text + 2 * i, 2), 0, "%s: byte %zu", what, i);
	}
}

Test(crypt, writes_the_bytes_that_the_format_says)
{
	_Alignas(8) unsigned char bytes[FRAME_BYTES];
	struct format_frame *frame = encrypted_frame(bytes);
	struct key key = master();
	struct format_file head = {
		.features = FORMAT_FILE_ENCRYPTED,
		.number = FILE_NUMBER,
		.bytes = 1 << 16,
		.journal_id = journal_id,
		.machine_id = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
		.created_ms = 1700000000000,
		.first_lsn = LSN,
		.first_turn = 4,
		.key_id = key.id,
	};

	memcpy(head.salt, salt, sizeof(salt));
	format_file_seal(&head);
	expect_bytes("file head", &head, sizeof(head), file_encrypted_1_2);
	/* As 1.0 wrote it. */
	head.minor = 0;
	memcpy(&head.crc, (const unsigned char[]){0x0a, 0x50, 0x40, 0x16}, sizeof(head.crc));
	expect_bytes("file head of 1.0", &head, sizeof(head), file_encrypted);
	cr_expect_eq(format_file_check(&head), FORMAT_SOUND);
	expect_bytes("frame", frame, frame->bytes, frame_encrypted);
}

Test(crypt, a_frame_comes_back_as_it_was, .description = "and meanwhile shows all but the bodies")
{
	_Alignas(8) unsigned char bytes[FRAME_BYTES], plain[FRAME_BYTES];
	struct format_frame *before = plain_frame(plain), *frame = encrypted_frame(bytes);
	struct crypt *crypt = opened(false);

	cr_expect_eq(format_frame_check(frame, frame->bytes, format_seed(journal_id, FILE_NUMBER), FILE_NUMBER),
		     FORMAT_SOUND, "without a key");
	cr_expect_null(memmem(bytes, frame->bytes, "hello", 5));
	cr_expect_null(memmem(bytes, frame->bytes, "second", 6));
	cr_expect_eq(memcmp(bytes + 64, plain + 64, 80), 0, "what is known of a message");
	cr_assert_eq(crypt_decrypt(crypt, frame), 0);
	cr_expect_eq(memcmp(bytes + 64, plain + 64, before->bytes - 64 - FORMAT_TAG_BYTES), 0);
	crypt_close(crypt);
}

Test(crypt, each_byte_of_a_frame_is_proved, .description = "though the checksums are right again")
{
	_Alignas(8) unsigned char bytes[FRAME_BYTES];
	struct crypt *crypt = opened(false);
	size_t count = encrypted_frame(bytes)->bytes, proved = 0;

	for (size_t at = 8; at < count; at++) {
		struct format_frame *frame = encrypted_frame(bytes);
		uint32_t seed = format_seed(journal_id, FILE_NUMBER);

		bytes[at] ^= 1;
		if (at >= 60 && at < 64)
			continue; /* the head's own checksum */
		if (frame->bytes != count)
			continue; /* another length: no frame */
		format_frame_seal(frame, seed);
		if (format_frame_check(frame, count, seed, frame->file) != FORMAT_SOUND)
			continue; /* no possible one */
		cr_expect_eq(crypt_decrypt(crypt, frame), -EBADMSG, "byte %zu", at);
		proved++;
	}
	cr_expect_gt(proved, 200, "%zu of %zu", proved, count);
	crypt_close(crypt);
}

Test(crypt, a_frame_belongs_to_its_file_journal_salt_and_key)
{
	_Alignas(8) unsigned char bytes[FRAME_BYTES];
	struct key key = master(), other = key;
	unsigned char other_salt[FORMAT_SALT_BYTES] = {1};
	const struct {
		const struct key *key;
		uint64_t journal, file;
		const unsigned char *salt;
		int result;
	} tries[] = {
		{&key, journal_id, FILE_NUMBER, salt, 0},
		{&other, journal_id, FILE_NUMBER, salt, -EBADMSG},
		{&key, journal_id + 1, FILE_NUMBER, salt, -EBADMSG},
		{&key, journal_id, FILE_NUMBER + 1, salt, -EBADMSG},
		{&key, journal_id, FILE_NUMBER, other_salt, -EBADMSG},
	};

	other.bytes[31] ^= 1;
	for (size_t i = 0; i < sizeof(tries) / sizeof(*tries); i++) {
		struct crypt *crypt;

		cr_assert_eq(
			crypt_open(tries[i].key, tries[i].journal, tries[i].file, tries[i].salt, false, &crypt), 0);
		cr_expect_eq(crypt_decrypt(crypt, encrypted_frame(bytes)), tries[i].result, "%zu", i);
		crypt_close(crypt);
	}
}

Test(crypt, no_nonce_comes_twice)
{
	_Alignas(8) unsigned char bytes[FRAME_BYTES];
	struct format_frame *frame = plain_frame(bytes);
	struct crypt *crypt = opened(true);

	cr_assert_eq(crypt_encrypt(crypt, frame), 0);
	frame = plain_frame(bytes);
	cr_expect_eq(crypt_encrypt(crypt, frame), -EINVAL, "the same number");
	frame->lsn = LSN - 1;
	cr_expect_eq(crypt_encrypt(crypt, frame), -EINVAL, "a lower one");
	frame->lsn = LSN + 1;
	cr_expect_eq(crypt_encrypt(crypt, frame), 0);
	crypt_close(crypt);
}
