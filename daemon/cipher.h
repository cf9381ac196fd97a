/* AES-256-GCM in pieces, and HKDF-SHA-256. The one place that knows the library they come from: OpenSSL's
 * libcrypto. */
#ifndef DAEMON_CIPHER_H
#define DAEMON_CIPHER_H

#include <stdbool.h>
#include <stddef.h>

enum { CIPHER_KEY_BYTES = 32, CIPHER_NONCE_BYTES = 12, CIPHER_TAG_BYTES = 16 };

/* A key that is set up, and a text that is being worked on. For one thread at a time. */
struct cipher;

/* To encrypt or to decrypt; `key` is the caller's to forget afterwards. All answer 0 or a negative errno: -ENOMEM,
 * -ENOTSUP (the library has no such cipher). */
int cipher_open(const unsigned char key[static CIPHER_KEY_BYTES], bool encrypts, struct cipher **ret_cipher);
/* NULL: nothing. Forgets the key. */
void cipher_close(struct cipher *cipher);

/* A text: begin, bind what is only to be proved, then run over the text itself, in any pieces, then end. No two
 * texts may be encrypted with one key and one nonce. */
int cipher_begin(struct cipher *cipher, const unsigned char nonce[static CIPHER_NONCE_BYTES]);
int cipher_bind(struct cipher *cipher, const void *bytes, size_t count);
int cipher_run(struct cipher *cipher, void *bytes, size_t count); /* in place */
int cipher_end_encrypting(struct cipher *cipher, unsigned char ret_tag[static CIPHER_TAG_BYTES]);
/* -EBADMSG: text, nonce or what was bound are not what they were; what run() gave is worth nothing. */
int cipher_end_decrypting(struct cipher *cipher, const unsigned char tag[static CIPHER_TAG_BYTES]);

struct cipher_bytes {
	const void *bytes;
	size_t count;
};

/* HKDF (RFC 5869) with SHA-256. */
int cipher_derive(struct cipher_bytes secret, struct cipher_bytes salt, struct cipher_bytes info, void *ret_bytes,
		  size_t count);

/* Overwrites, whatever the compiler thinks of it. */
void cipher_forget(void *bytes, size_t count);

#endif
