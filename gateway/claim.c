#include "gateway/claim.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gateway/shape.h"

#define ALGORITHM "AWS4-HMAC-SHA256"

enum { SIGNED_HEADERS_MAX = 100, REGION_BYTES_MAX = REGION_TEXT_BYTES - 1 };

static const struct {
	const char *of_header, *of_query;
	bool is_needed;
} names[CLAIM_PARTS] = {
	[CLAIM_CREDENTIAL] = {"Credential", "X-Amz-Credential", true},
	[CLAIM_SIGNED_HEADERS] = {"SignedHeaders", "X-Amz-SignedHeaders", true},
	[CLAIM_SIGNATURE] = {"Signature", "X-Amz-Signature", true},
	[CLAIM_DATE] = {"X-Amz-Date", "X-Amz-Date", true},
	[CLAIM_EXPIRES] = {NULL, "X-Amz-Expires", false},
	[CLAIM_TOKEN] = {"X-Amz-Security-Token", "X-Amz-Security-Token", false},
};

/* What is sound here is ASCII; what is not would spoil the answer that quotes it. */
static char *ascii(char *text)
{
	for (char *c = text; c != NULL && *c != '\0'; c++)
		if (*c < 0x20 || *c > 0x7e)
			*c = '?';
	return text;
}

static char *header_copy(const struct signed_request *request, const char *name)
{
	const char *value = request->header(request->context, name);

	return value != NULL ? strdup(value) : NULL;
}

/* NAME=value of "AWS4-HMAC-SHA256 NAME=value, NAME=value". */
static char *authorization_part(const char *authorization, const char *name)
{
	static const char ends[] = ", \t";
	const char *text = authorization + strlen(ALGORITHM);
	size_t name_bytes = strlen(name);

	for (text += strspn(text, ends); *text != '\0'; text += strspn(text, ends)) {
		size_t bytes = strcspn(text, ends);

		if (bytes > name_bytes && strncmp(text, name, name_bytes) == 0 && text[name_bytes] == '=')
			return strndup(text + name_bytes + 1, bytes - name_bytes - 1);
		text += bytes;
	}
	return NULL;
}

static char *query_part(const struct signed_request *request, const char *name)
{
	return query_parameter(request->query, strlen(request->query), name);
}

static void parts_of_header(const struct signed_request *request, const char *authorization, struct claim *claim)
{
	char **parts = claim->parts;

	for (int part = CLAIM_CREDENTIAL; part <= CLAIM_SIGNATURE; part++)
		parts[part] = ascii(authorization_part(authorization, names[part].of_header));
	parts[CLAIM_DATE] = ascii(header_copy(request, "X-Amz-Date"));
	if (parts[CLAIM_DATE] == NULL)
		parts[CLAIM_DATE] = ascii(header_copy(request, "Date"));
	parts[CLAIM_TOKEN] = header_copy(request, "X-Amz-Security-Token");
}

static bool parts_read(const struct signed_request *request, struct claim *claim, struct failure *failure)
{
	const char *authorization = request->header(request->context, "Authorization");
	char *algorithm;
	bool is_ours;

	if (authorization != NULL) {
		if (strncmp(authorization, ALGORITHM " ", strlen(ALGORITHM " ")) != 0)
			return failure_set(failure, INCOMPLETE_SIGNATURE,
					   "Unsupported AWS 'algorithm' in the Authorization header: it must begin "
					   "with '" ALGORITHM " '.");
		parts_of_header(request, authorization, claim);
		return true;
	}
	algorithm = query_part(request, "X-Amz-Algorithm");
	for (int part = 0; part < CLAIM_PARTS; part++)
		claim->parts[part] = ascii(query_part(request, names[part].of_query));
	claim->is_presigned = algorithm != NULL || claim->parts[CLAIM_CREDENTIAL] != NULL ||
			      claim->parts[CLAIM_SIGNATURE] != NULL;
	claim->is_anonymous = !claim->is_presigned;
	is_ours = algorithm != NULL && strcmp(algorithm, ALGORITHM) == 0;
	free(algorithm);
	if (claim->is_presigned && !is_ours)
		return failure_set(failure, INCOMPLETE_SIGNATURE,
				   "AWS query-string parameters must include 'X-Amz-Algorithm=" ALGORITHM
				   "'. Re-examine the query-string parameters.");
	return true;
}

static bool is_complete(const struct claim *claim, struct failure *failure)
{
	for (int part = 0; part < CLAIM_PARTS; part++) {
		if (!names[part].is_needed || claim->parts[part] != NULL)
			continue;
		if (claim->is_presigned)
			return failure_set(failure, INCOMPLETE_SIGNATURE,
					   "AWS query-string parameters must include '%s'. Re-examine the "
					   "query-string parameters.",
					   names[part].of_query);
		if (part == CLAIM_DATE)
			return failure_set(failure, INCOMPLETE_SIGNATURE,
					   "Authorization header requires existence of either a 'X-Amz-Date' or "
					   "a 'Date' header.");
		return failure_set(failure, INCOMPLETE_SIGNATURE, "Authorization header requires '%s' parameter.",
				   names[part].of_header);
	}
	return true;
}

/* ---- scope ------------------------------------------------------------------------------------- */

/* False: it has not 5 parts. */
static bool scope_split(struct claim *claim)
{
	char *rest = claim->scope_text = strdup(claim->parts[CLAIM_CREDENTIAL]);
	int count = 0;

	while (rest != NULL && count < SCOPE_PARTS)
		claim->scope[count++] = strsep(&rest, "/");
	return count == SCOPE_PARTS && rest == NULL;
}

static bool is_region(const char *text)
{
	size_t bytes = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return bytes > 0 && bytes <= REGION_BYTES_MAX && text[bytes] == '\0';
}

static bool scope_read(struct claim *claim, struct failure *failure)
{
	if (!scope_split(claim))
		return failure_set(failure, INCOMPLETE_SIGNATURE,
				   "Credential must have exactly 5 slash-delimited elements, e.g. "
				   "keyid/date/region/service/term, got '%s'",
				   claim->parts[CLAIM_CREDENTIAL]);
	if (!is_region(claim->scope[SCOPE_REGION]))
		return failure_set(failure, SIGNATURE_DOES_NOT_MATCH,
				   "Credential should be scoped to a valid region, not '%s'.",
				   claim->scope[SCOPE_REGION]);
	return true;
}

bool signature_region(const struct signed_request *request, char ret_region[REGION_TEXT_BYTES])
{
	struct claim claim = {0};
	struct failure ignored = {0};
	bool is_there = parts_read(request, &claim, &ignored) && claim.parts[CLAIM_CREDENTIAL] != NULL &&
			scope_read(&claim, &ignored);

	if (is_there)
		strcpy(ret_region, claim.scope[SCOPE_REGION]);
	claim_free(&claim);
	return is_there;
}

/* ---- date -------------------------------------------------------------------------------------- */

void date_format(int64_t seconds, char ret_text[DATE_TEXT_BYTES])
{
	time_t time = (time_t)seconds;
	struct tm parts;

	if (gmtime_r(&time, &parts) == NULL || strftime(ret_text, DATE_TEXT_BYTES, "%Y%m%dT%H%M%SZ", &parts) == 0)
		strcpy(ret_text, "?");
}

/* Basic ISO 8601, or what HTTP's Date has. A date there is not (30 February) is none. */
static bool date_read(const char *text, struct claim *claim)
{
	struct tm parts = {0};
	const char *end = strptime(text, "%Y%m%dT%H%M%SZ", &parts);

	if (end != NULL && *end == '\0') {
		claim->date_s = (int64_t)timegm(&parts);
		date_format(claim->date_s, claim->date);
		return strcmp(text, claim->date) == 0;
	}
	memset(&parts, 0, sizeof(parts));
	end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
	claim->date_s = (int64_t)timegm(&parts);
	date_format(claim->date_s, claim->date);
	return end != NULL && *end == '\0';
}

bool claim_read(const struct signed_request *request, struct claim *ret_claim, struct failure *failure)
{
	const char *headers;
	int count = 1;

	memset(ret_claim, 0, sizeof(*ret_claim));
	if (!parts_read(request, ret_claim, failure))
		return false;
	if (ret_claim->is_anonymous)
		return true;
	if (!is_complete(ret_claim, failure) || !scope_read(ret_claim, failure))
		return false;
	if (!date_read(ret_claim->parts[CLAIM_DATE], ret_claim))
		return failure_set(failure, INCOMPLETE_SIGNATURE,
				   "Date must be in ISO-8601 'basic format'. Got '%s'. See "
				   "http://en.wikipedia.org/wiki/ISO_8601",
				   ret_claim->parts[CLAIM_DATE]);
	for (headers = ret_claim->parts[CLAIM_SIGNED_HEADERS]; (headers = strchr(headers, ';')) != NULL; headers++)
		count++;
	if (count > SIGNED_HEADERS_MAX)
		return failure_set(failure, INCOMPLETE_SIGNATURE, "'SignedHeaders' names more than %d headers.",
				   SIGNED_HEADERS_MAX);
	return true;
}

void claim_free(struct claim *claim)
{
	for (int part = 0; part < CLAIM_PARTS; part++)
		free(claim->parts[part]);
	free(claim->scope_text);
}
