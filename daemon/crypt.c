#include "daemon/crypt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)FORMAT_TAG_BYTES == (int)CIPHER_TAG_BYTES, "a tag fits");

struct crypt {
	struct cipher *cipher;
	uint64_t last_lsn; /* that was encrypted; 0: none */
};

/* ---- the file's key --------------------------------------------------------------------------- */

static int derive(const struct key *key, uint64_t journal_id, uint64_t file,
		  const unsigned char salt[static FORMAT_SALT_BYTES],
		  unsigned char ret_key[static CIPHER_KEY_BYTES])
{
	static const char what[] = "ringlease journal file";
	unsigned char info[sizeof(what) - 1 + 16];

	memcpy(info, what, sizeof(what) - 1);
	memcpy(info + sizeof(what) - 1, &journal_id, 8);
	memcpy(info + sizeof(what) - 1 + 8, &file, 8);
	return cipher_derive((struct cipher_bytes){key->bytes, sizeof(key->bytes)},
			     (struct cipher_bytes){salt, FORMAT_SALT_BYTES},
			     (struct cipher_bytes){info, sizeof(info)}, ret_key, CIPHER_KEY_BYTES);
}

int crypt_open(const struct key *key, uint64_t journal_id, uint64_t file,
	       const unsigned char salt[static FORMAT_SALT_BYTES], bool encrypts, struct crypt **ret_crypt)
{
	struct crypt *crypt = calloc(1, sizeof(*crypt));
	unsigned char own[CIPHER_KEY_BYTES];
	int error = crypt ? derive(key, journal_id, file, salt, own) : -ENOMEM;

	if (!error)
		error = cipher_open(own, encrypts, &crypt->cipher);
	cipher_forget(own, sizeof(own));
	if (error) {
		free(crypt);
		return error;
	}
	*ret_crypt = crypt;
	return 0;
}

void crypt_close(struct crypt *crypt)
{
	if (crypt == NULL)
		return;
	cipher_close(crypt->cipher);
	free(crypt);
}

/* ---- frames ----------------------------------------------------------------------------------- */

static struct format_record *record_at(struct format_frame *frame, size_t offset)
{
	return (struct format_record *)(void *)((unsigned char *)frame + offset);
}

/* Bytes at its beginning that stay plain. */
static size_t plain_bytes(const struct format_record *record)
{
	switch (record->kind) {
	case FORMAT_MESSAGE:
		return sizeof(struct format_message);
	case FORMAT_TAG:
		return sizeof(struct format_record);
	case FORMAT_SEEN:
		return sizeof(struct format_seen);
	default:
		return record->bytes;
	}
}

static int bind_plain(struct cipher *cipher, struct format_frame *frame)
{
	const size_t first = offsetof(struct format_frame, bytes);
	int error = cipher_bind(cipher, (unsigned char *)frame + first,
				offsetof(struct format_frame, head_crc) - first);

	for (size_t offset = sizeof(*frame); offset < frame->bytes && !error;) {
		const struct format_record *record = record_at(frame, offset);

		error = cipher_bind(cipher, record, plain_bytes(record));
		offset += record->bytes;
	}
	return error;
}

static int run_bodies(struct cipher *cipher, struct format_frame *frame)
{
	int error = 0;

	for (size_t offset = sizeof(*frame); offset < frame->bytes && !error;) {
		struct format_record *record = record_at(frame, offset);
		size_t plain = plain_bytes(record);

		if (record->kind == FORMAT_MESSAGE || record->kind == FORMAT_SEEN)
			error = cipher_run(cipher, (unsigned char *)record + plain, record->bytes - plain);
		offset += record->bytes;
	}
	return error;
}

/* All but the end. */
static int run(struct crypt *crypt, struct format_frame *frame)
{
	unsigned char nonce[CIPHER_NONCE_BYTES] = {0};
	int error;

	memcpy(nonce, &frame->lsn, sizeof(frame->lsn));
	error = cipher_begin(crypt->cipher, nonce);
	if (!error)
		error = bind_plain(crypt->cipher, frame);
	return error ? error : run_bodies(crypt->cipher, frame);
}

static unsigned char *tag_of(struct format_frame *frame)
{
	return (unsigned char *)frame + frame->bytes - FORMAT_TAG_BYTES;
}

int crypt_encrypt(struct crypt *crypt, struct format_frame *frame)
{
	int error = frame->lsn > crypt->last_lsn ? 0 : -EINVAL;

	if (!error) {
		crypt->last_lsn = frame->lsn;
		error = run(crypt, frame);
	}
	return error ? error : cipher_end_encrypting(crypt->cipher, tag_of(frame));
}

int crypt_decrypt(struct crypt *crypt, struct format_frame *frame)
{
	int error = run(crypt, frame);

	return error ? error : cipher_end_decrypting(crypt->cipher, tag_of(frame));
}
