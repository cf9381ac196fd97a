/* Who calls, and what they may: SigV4 signatures, the file of credentials, queue policies. */
#ifndef GATEWAY_SECURITY_H
#define GATEWAY_SECURITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "gateway/call.h"
#include "gateway/failure.h"

/* ---- credentials: an AWS credentials file, profiles of aws_access_key_id, aws_secret_access_key, perhaps
 * aws_session_token, and aws_account_id (absent: the gateway's account). A profile is the IAM user of its name. */
struct credentials;
enum { CREDENTIALS_TEXT_BYTES = 256 };
/* NULL: `ret_fault` says what is wrong, and in which line. Read again, as a whole, when the file changes; one that
 * is wrong or gone then leaves in force what was read before. Thread-safe. */
struct credentials *credentials_open(const char *path, const char *account, char ret_fault[CREDENTIALS_TEXT_BYTES]);
void credentials_close(struct credentials *credentials);
/* Something for the log that opening it or the last signature_check() has found, each once: everybody may read the
 * file; it was changed, and the change is wrong. False: nothing. */
bool credentials_warning(struct credentials *credentials, char ret_warning[CREDENTIALS_TEXT_BYTES]);

/* ---- signatures -------------------------------------------------------------------------------- */

/* A request, as it came. */
struct signed_request {
	const char *method;
	const char *path;  /* as sent, percent-encoded */
	const char *query; /* as sent, without '?'; "": none */
	/* A header's value, by its name in any case; NULL: it is not there. Several of one name: joined by ','. */
	const char *(*header)(void *context, const char *name);
	void *context;
	const void *body;
	size_t body_bytes;
	int64_t now_s;	/* wall clock */
	bool is_secure; /* came by TLS */
};

struct caller {
	char account[ACCOUNT_TEXT_BYTES]; /* "": anonymous */
	char key_id[129];
	char user[65];	/* its profile's name */
	bool is_secure; /* as the request; also of anonymous ones */
};

/* Region of the credential scope, of Authorization or X-Amz-Credential: also where signatures are not checked.
 * False: there is none. */
bool signature_region(const struct signed_request *request, char ret_region[REGION_TEXT_BYTES]);

/* Checks it: MISSING_AUTHENTICATION is left to policies (anonymous caller, true); INCOMPLETE_SIGNATURE,
 * INVALID_CLIENT_TOKEN, SIGNATURE_DOES_NOT_MATCH, REQUEST_EXPIRED (15 minutes; presigned: X-Amz-Expires). As with
 * AWS the same signature may come again while it is good: SDKs send a request anew when an answer is lost. */
bool signature_check(struct credentials *credentials, const struct signed_request *request,
		     struct caller *ret_caller, struct failure *failure);

/* ---- policies ---------------------------------------------------------------------------------- */

/* Is it a policy that we can keep? INVALID_ATTRIBUTE_VALUE. */
bool policy_check(const char *policy, struct failure *failure);

/* May this caller do this ("SendMessage") to the queue? The owner's account: unless denied; others: if allowed.
 * `policy` may be NULL. ACCESS_DENIED. */
bool policy_allows(const char *policy, const struct caller *caller, const char *account, const char *action,
		   const char *queue_arn, struct failure *failure);

#endif
