/* One profile of the credentials file. */
#ifndef GATEWAY_CREDENTIALS_H
#define GATEWAY_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "gateway/call.h"

enum {
	KEY_ID_TEXT_BYTES = 129,
	SECRET_TEXT_BYTES = 129,
	USER_TEXT_BYTES = 65,
	TOKEN_DIGEST_BYTES = 32,
};

struct credentials;

struct credential {
	char user[USER_TEXT_BYTES];	/* the profile's name */
	char key_id[KEY_ID_TEXT_BYTES]; /* "": a profile without a key, for other programs */
	char secret[SECRET_TEXT_BYTES];
	char account[ACCOUNT_TEXT_BYTES];
	bool has_token;
	uint8_t token_digest[TOKEN_DIGEST_BYTES]; /* SHA-256 */
	unsigned line;				  /* of the file, where the profile begins */
};

/* A copy, to be wiped after use. False: nobody has this key. */
bool credentials_find(struct credentials *credentials, const char *key_id, struct credential *ret_credential);

/* The file, read: sorted by key_id, to free with profiles_free(). NULL: `ret_fault` says why, without the path.
 * Credentials without an account get `account`. */
struct profiles {
	unsigned count;
	struct credential list[];
};
struct profiles *profiles_read(FILE *file, const char *account, char *ret_fault, size_t fault_bytes);
void profiles_free(struct profiles *profiles);
/* NULL: none has it. */
const struct credential *profiles_find(const struct profiles *profiles, const char *key_id);

#endif
