/* What a request says of its signature: in its Authorization header, or, if it is presigned, in its query. */
#ifndef GATEWAY_CLAIM_H
#define GATEWAY_CLAIM_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/security.h"

enum claim_part {
	CLAIM_CREDENTIAL,
	CLAIM_SIGNED_HEADERS,
	CLAIM_SIGNATURE,
	CLAIM_DATE,
	CLAIM_EXPIRES, /* only if presigned */
	CLAIM_TOKEN,   /* may be absent */
	CLAIM_PARTS
};

/* Credential scope: key id, date, region, service, terminator. */
enum scope_part { SCOPE_KEY_ID, SCOPE_DATE, SCOPE_REGION, SCOPE_SERVICE, SCOPE_TERMINATOR, SCOPE_PARTS };

enum { DATE_TEXT_BYTES = 17 }; /* 20150830T123600Z */

struct claim {
	bool is_anonymous; /* it is not signed; nothing else is set */
	bool is_presigned;
	char *parts[CLAIM_PARTS]; /* as sent, decoded, ASCII; NULL: absent */
	char *scope_text, *scope[SCOPE_PARTS];
	char date[DATE_TEXT_BYTES];
	int64_t date_s;
};

/* Is it complete and well-formed, and of a valid region? INCOMPLETE_SIGNATURE, SIGNATURE_DOES_NOT_MATCH. To be
 * freed in any case. */
bool claim_read(const struct signed_request *request, struct claim *ret_claim, struct failure *failure);
void claim_free(struct claim *claim);

/* 20150830T123600Z, of seconds since 1970. */
void date_format(int64_t seconds, char ret_text[DATE_TEXT_BYTES]);

#endif
