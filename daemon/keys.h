/* The master keys that an engine or a reader was given: one that is written with, and others for what was written
 * before. Each file of a journal has a key of its own, derived from one of them (daemon/crypt.h).
 *
 * Where a key is: "keyring:DESCRIPTION" (a key of the type "user" in the kernel's key rings), else the path of a
 * file. What is there: 64 hexadecimal digits, in either case, and perhaps a line feed; nothing else. A file has to
 * be its reader's own or root's, and nobody else's to read or write.
 */
#ifndef DAEMON_KEYS_H
#define DAEMON_KEYS_H

#include "daemon/cipher.h"

#include <stdint.h>

enum { KEYS_MAX = 16, KEYS_ID_TEXT_BYTES = 17 };

struct key {
	unsigned char bytes[CIPHER_KEY_BYTES];
	uint64_t id;	    /* shows which one it is, and nothing of it; 0: no key, plain */
	uint64_t needed_by; /* newest file that needs it; 0: none */
};

struct keys;

/* `current` NULL: what is written is plain. `old`: up to a NULL; NULL: none. 0, or a negative errno and in words
 * what is wrong with which source. */
int keys_open(const char *current, const char *const *old, struct keys **ret_keys, char *ret_why, size_t why_bytes);
/* NULL: nothing. Forgets them. */
void keys_close(struct keys *keys);

/* NULL: there is none. Both also take NULL for no keys. */
const struct key *keys_current(const struct keys *keys);
const struct key *keys_find(const struct keys *keys, uint64_t id);

/* A file was found that needs this key; 0: that is plain. */
void keys_need(struct keys *keys, uint64_t id, uint64_t file);
/* The newest file that is not as one that is begun now: under another key, or plain, or not plain. 0: none. */
uint64_t keys_outdated(const struct keys *keys);
/* Is there one but the current that no file from `oldest` on needs any more, and that this was not said of? */
bool keys_let_go(struct keys *keys, uint64_t oldest, uint64_t *ret_id);

/* 16 hexadecimal digits. */
void keys_id_format(uint64_t id, char ret_text[static KEYS_ID_TEXT_BYTES]);

#endif
