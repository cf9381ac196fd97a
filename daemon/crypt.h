/* Frames of one encrypted file of a journal. What is encrypted, and under which key: daemon/format.h; why:
 * docs/adr/0010-encryption.md.
 *
 * No nonce comes twice under one key: the key belongs to one file, begun once with a random salt, and the nonce is
 * the number of the frame, which this refuses to encrypt unless it is higher than the one before.
 */
#ifndef DAEMON_CRYPT_H
#define DAEMON_CRYPT_H

#include "daemon/format.h"
#include "daemon/keys.h"

struct crypt;

/* For a file of this journal; its key is derived from `key`. 0 or a negative errno, as all below. */
int crypt_open(const struct key *key, uint64_t journal_id, uint64_t file,
	       const unsigned char salt[static FORMAT_SALT_BYTES], bool encrypts, struct crypt **ret_crypt);
/* NULL: nothing. */
void crypt_close(struct crypt *crypt);

/* In place. The head says all but its CRCs, and ENCRYPTED; the last record is a TAG, filled in by this. -EINVAL:
 * not a later frame than the one before. On failure the frame is to be overwritten: part of it may be plain. */
int crypt_encrypt(struct crypt *crypt, struct format_frame *frame);
/* In place; the frame was checked, and is ENCRYPTED. -EBADMSG: not what was encrypted; the frame is worth nothing.
 */
int crypt_decrypt(struct crypt *crypt, struct format_frame *frame);

#endif
