#include "gateway/sigv4.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/base16.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>

#include "gateway/canonical.h"
#include "gateway/claim.h"
#include "gateway/credentials.h"

enum {
	SKEW_S = 15 * 60,		  /* of two clocks; and how old what was signed may be */
	EXPIRES_MAX_S = 7 * 24 * 60 * 60, /* of X-Amz-Expires */
	STRING_TO_SIGN_BYTES = 512,
};

/* ---- what the signature covers ----------------------------------------------------------------- */

static bool scope_check(const struct claim *claim, const char *service, struct failure *failure)
{
	const char *date = claim->scope[SCOPE_DATE], *terminator = claim->scope[SCOPE_TERMINATOR];

	if (strcmp(claim->scope[SCOPE_SERVICE], service) != 0)
		return failure_set(failure, SIGNATURE_DOES_NOT_MATCH,
				   "Credential should be scoped to correct service: '%s'.", service);
	if (strcmp(terminator, "aws4_request") != 0)
		return failure_set(failure, SIGNATURE_DOES_NOT_MATCH,
				   "Credential should be scoped with a valid terminator: 'aws4_request', not '%s'.",
				   terminator);
	if (strlen(date) != 8 || strncmp(date, claim->date, 8) != 0)
		return failure_set(failure, SIGNATURE_DOES_NOT_MATCH,
				   "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date "
				   "from HTTP: '%s' != '%.8s', from '%s'.",
				   date, claim->date, claim->date);
	return true;
}

static bool is_signed(const char *signed_headers, const char *name)
{
	size_t bytes = strlen(name);

	for (const char *text = signed_headers;; text++) {
		if (strncmp(text, name, bytes) == 0 && (text[bytes] == ';' || text[bytes] == '\0'))
			return true;
		text = strchr(text, ';');
		if (text == NULL)
			return false;
	}
}

/* The host, lest a request be carried elsewhere; the target, which is the action; of the others AWS asks the same,
 * but they decide nothing. */
static bool headers_check(const struct signed_request *request, const struct claim *claim, struct failure *failure)
{
	const char *headers = claim->parts[CLAIM_SIGNED_HEADERS];

	if (!is_signed(headers, "host"))
		return failure_set(failure, SIGNATURE_DOES_NOT_MATCH,
				   "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
	if (request->header(request->context, "X-Amz-Target") != NULL && !is_signed(headers, "x-amz-target"))
		return failure_set(failure, SIGNATURE_DOES_NOT_MATCH,
				   "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.");
	return true;
}

/* ---- time -------------------------------------------------------------------------------------- */

/* Seconds from the date for which it is good; -1: no such number. */
static int64_t lifetime(const struct claim *claim)
{
	const char *text = claim->parts[CLAIM_EXPIRES];
	size_t digits;

	if (text == NULL)
		return SKEW_S;
	digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 6 || text[digits] != '\0' || atol(text) < 1 || atol(text) > EXPIRES_MAX_S)
		return -1;
	return atol(text);
}

static bool time_check(const struct claim *claim, int64_t now_s, struct failure *failure)
{
	int64_t lifetime_s = lifetime(claim);
	char now[DATE_TEXT_BYTES], limit[DATE_TEXT_BYTES];

	if (lifetime_s < 0)
		return failure_set(failure, INCOMPLETE_SIGNATURE,
				   "X-Amz-Expires should be a number of seconds from 1 to %d, not '%s'.",
				   EXPIRES_MAX_S, claim->parts[CLAIM_EXPIRES]);
	date_format(now_s, now);
	date_format(now_s - lifetime_s, limit);
	if (claim->date_s < now_s - lifetime_s && claim->parts[CLAIM_EXPIRES] == NULL)
		return failure_set(failure, REQUEST_EXPIRED,
				   "Signature expired: %s is now earlier than %s (%s - %d min.)", claim->date,
				   limit, now, SKEW_S / 60);
	if (claim->date_s < now_s - lifetime_s)
		return failure_set(failure, REQUEST_EXPIRED,
				   "Signature expired: %s is now earlier than %s (%s - %lld s.)", claim->date,
				   limit, now, (long long)lifetime_s);
	date_format(now_s + SKEW_S, limit);
	if (claim->date_s > now_s + SKEW_S)
		return failure_set(failure, REQUEST_EXPIRED,
				   "Signature not yet current: %s is still later than %s (%s + %d min.)",
				   claim->date, limit, now, SKEW_S / 60);
	return true;
}

/* ---- signature --------------------------------------------------------------------------------- */

static void hmac(const void *key, size_t key_bytes, const char *text, uint8_t ret_digest[SHA256_DIGEST_SIZE])
{
	struct hmac_sha256_ctx context;

	hmac_sha256_set_key(&context, key_bytes, key);
	hmac_sha256_update(&context, strlen(text), (const uint8_t *)text);
	hmac_sha256_digest(&context, SHA256_DIGEST_SIZE, ret_digest);
	explicit_bzero(&context, sizeof(context));
}

static void sign(const char *secret, const struct claim *claim, const char *text, char ret_text[SHA256_TEXT_BYTES])
{
	char key[4 + SECRET_TEXT_BYTES];
	uint8_t digest[SHA256_DIGEST_SIZE];
	int bytes = snprintf(key, sizeof(key), "AWS4%s", secret);

	hmac(key, (size_t)bytes, claim->scope[SCOPE_DATE], digest);
	for (int part = SCOPE_REGION; part <= SCOPE_TERMINATOR; part++)
		hmac(digest, sizeof(digest), claim->scope[part], digest);
	hmac(digest, sizeof(digest), text, digest);
	base16_encode_update(ret_text, sizeof(digest), digest);
	ret_text[SHA256_TEXT_BYTES - 1] = '\0';
	explicit_bzero(key, sizeof(key));
	explicit_bzero(digest, sizeof(digest));
}

/* False: what was signed, for the one who signed otherwise. Header values may be any bytes; an answer may not. */
static bool mismatch(char *canonical, const char *to_sign, struct failure *failure)
{
	for (char *c = canonical; *c != '\0'; c++)
		if ((*c < 0x20 && *c != '\n') || *c > 0x7e)
			*c = '?';
	return failure_set(failure, SIGNATURE_DOES_NOT_MATCH,
			   "The request signature we calculated does not match the signature you provided. Check "
			   "your AWS Secret Access Key and signing method. Consult the service documentation for "
			   "details.\n\nThe Canonical String for this request should have been\n'%s'\n\nThe "
			   "String-to-Sign should have been\n'%s'\n",
			   canonical, to_sign);
}

static bool signature_compare(const struct signed_request *request, const struct claim *claim, const char *secret,
			      struct failure *failure)
{
	const char *given = claim->parts[CLAIM_SIGNATURE];
	char *canonical = canonical_request(request, claim->parts[CLAIM_SIGNED_HEADERS], claim->is_presigned);
	char to_sign[STRING_TO_SIGN_BYTES], digest[SHA256_TEXT_BYTES], wanted[SHA256_TEXT_BYTES];
	bool is_equal;

	if (canonical == NULL)
		return failure_set(failure, INTERNAL_FAILURE, "out of memory");
	sha256_text(canonical, strlen(canonical), digest);
	snprintf(to_sign, sizeof(to_sign), "AWS4-HMAC-SHA256\n%s\n%s/%s/%s/%s\n%s", claim->date,
		 claim->scope[SCOPE_DATE], claim->scope[SCOPE_REGION], claim->scope[SCOPE_SERVICE],
		 claim->scope[SCOPE_TERMINATOR], digest);
	sign(secret, claim, to_sign, wanted);
	is_equal = strlen(given) == strlen(wanted) && memeql_sec(given, wanted, strlen(wanted)) != 0;
	if (!is_equal)
		mismatch(canonical, to_sign, failure);
	free(canonical);
	return is_equal;
}

/* A profile with a session token is of temporary keys, which go with it. Without one, any token is good: it is
 * AWS's way to know a session, and we have none. */
static bool token_is_good(const struct claim *claim, const struct credential *credential)
{
	const char *token = claim->parts[CLAIM_TOKEN];
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx context;

	if (!credential->has_token)
		return true;
	if (token == NULL)
		return false;
	sha256_init(&context);
	sha256_update(&context, strlen(token), (const uint8_t *)token);
	sha256_digest(&context, sizeof(digest), digest);
	return memeql_sec(digest, credential->token_digest, sizeof(digest)) != 0;
}

static bool claim_check(struct credentials *credentials, const char *service, const struct signed_request *request,
			const struct claim *claim, struct credential *credential, struct failure *failure)
{
	if (!scope_check(claim, service, failure) || !headers_check(request, claim, failure))
		return false;
	if (!credentials_find(credentials, claim->scope[SCOPE_KEY_ID], credential) ||
	    !token_is_good(claim, credential))
		return failure_set(failure, INVALID_CLIENT_TOKEN,
				   "The security token included in the request is invalid.");
	return time_check(claim, request->now_s, failure) &&
	       signature_compare(request, claim, credential->secret, failure);
}

bool sigv4_check(struct credentials *credentials, const char *service, const struct signed_request *request,
		 struct caller *ret_caller, struct failure *failure)
{
	struct credential credential = {0};
	struct caller caller = {.is_secure = request->is_secure};
	struct claim claim;
	bool is_good = claim_read(request, &claim, failure);

	if (is_good && !claim.is_anonymous) {
		is_good = claim_check(credentials, service, request, &claim, &credential, failure);
		strcpy(caller.account, credential.account);
		strcpy(caller.key_id, credential.key_id);
		strcpy(caller.user, credential.user);
	}
	if (is_good)
		*ret_caller = caller;
	explicit_bzero(&credential, sizeof(credential));
	claim_free(&claim);
	return is_good;
}

bool signature_check(struct credentials *credentials, const struct signed_request *request,
		     struct caller *ret_caller, struct failure *failure)
{
	return sigv4_check(credentials, "sqs", request, ret_caller, failure);
}
