/* The form of a request that both sides sign, whatever became of it on the way: AWS's "canonical request". */
#ifndef GATEWAY_CANONICAL_H
#define GATEWAY_CANONICAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/security.h"

enum { SHA256_TEXT_BYTES = 65 };

/* Lower-case hexadecimal. */
void sha256_text(const void *bytes, size_t count, char ret_text[SHA256_TEXT_BYTES]);

/* `signed_headers`: "host;x-amz-date", as the request has it. `skips_signature`: the query has the signature, which
 * is of all the others. Text to free with free(); NULL: out of memory. */
char *canonical_request(const struct signed_request *request, const char *signed_headers, bool skips_signature);

#endif
