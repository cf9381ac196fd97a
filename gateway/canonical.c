#include "gateway/canonical.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/base16.h>
#include <nettle/sha2.h>

void sha256_text(const void *bytes, size_t count, char ret_text[SHA256_TEXT_BYTES])
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx context;

	sha256_init(&context);
	sha256_update(&context, count, bytes);
	sha256_digest(&context, sizeof(digest), digest);
	base16_encode_update(ret_text, sizeof(digest), digest);
	ret_text[SHA256_TEXT_BYTES - 1] = '\0';
}

/* Percent-encoded as AWS does it; up to 3 characters. Returns how many. */
static size_t encode(unsigned char c, bool is_path, char *text)
{
	static const char digits[] = "0123456789ABCDEF";

	if (isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~' || (is_path && c == '/')) {
		text[0] = (char)c;
		return 1;
	}
	text[0] = '%';
	text[1] = digits[c >> 4];
	text[2] = digits[c & 15];
	return 3;
}

/* Without empty parts, "." and "..", and encoded once more than it was sent: all services but S3 do it so. */
static bool put_path(FILE *out, const char *path)
{
	char *plain = malloc(strlen(path) + 2), code[3];
	bool ends_in_slash = path[0] == '\0' || path[strlen(path) - 1] == '/';
	size_t used = 0, bytes;

	if (plain == NULL)
		return false;
	for (; *path != '\0'; path += bytes) {
		path += strspn(path, "/");
		bytes = strcspn(path, "/");
		if (bytes == 2 && strncmp(path, "..", 2) == 0) {
			while (used > 0 && plain[--used] != '/')
				;
		} else if (bytes > 0 && !(bytes == 1 && path[0] == '.')) {
			plain[used++] = '/';
			memcpy(plain + used, path, bytes);
			used += bytes;
		}
	}
	if (used == 0 || ends_in_slash)
		plain[used++] = '/';
	for (size_t i = 0; i < used; i++) {
		bytes = encode((unsigned char)plain[i], true, code);
		fwrite(code, 1, bytes, out);
	}
	free(plain);
	return true;
}

/* ---- query ------------------------------------------------------------------------------------- */

struct parameter {
	const char *name, *value; /* encoded */
};

static int by_name_and_value(const void *a, const void *b)
{
	const struct parameter *one = a, *other = b;
	int order = strcmp(one->name, other->name);

	return order != 0 ? order : strcmp(one->value, other->value);
}

static int hex_value(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Decodes `bytes` of a query and encodes them the one way there is; ends with a zero. Returns the end. */
static char *recode(const char *text, size_t bytes, char *to)
{
	for (size_t i = 0; i < bytes; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '%' && bytes - i > 2 && isxdigit((unsigned char)text[i + 1]) &&
		    isxdigit((unsigned char)text[i + 2])) {
			c = (unsigned char)(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2]));
			i += 2;
		} else if (c == '+') {
			c = ' ';
		}
		to += encode(c, false, to);
	}
	*to++ = '\0';
	return to;
}

/* Returns how many. `texts` has room for 3 * strlen(query) + 2 a parameter. */
static size_t parameters_read(const char *query, bool skips_signature, struct parameter *parameters, char *texts)
{
	size_t count = 0, bytes;

	for (; *query != '\0'; query += bytes) {
		size_t name_bytes;

		query += strspn(query, "&");
		bytes = strcspn(query, "&");
		name_bytes = strcspn(query, "=&");
		if (bytes == 0)
			continue;
		parameters[count].name = texts;
		texts = recode(query, name_bytes, texts);
		parameters[count].value = texts;
		texts = recode(query + name_bytes + 1, bytes > name_bytes ? bytes - name_bytes - 1 : 0, texts);
		if (!skips_signature || strcmp(parameters[count].name, "X-Amz-Signature") != 0)
			count++;
	}
	return count;
}

static bool put_query(FILE *out, const char *query, bool skips_signature)
{
	size_t count = 1;
	struct parameter *parameters;
	char *texts;

	for (const char *c = query; *c != '\0'; c++)
		count += *c == '&';
	parameters = calloc(count, sizeof(*parameters));
	texts = malloc(3 * strlen(query) + 2 * count);
	if (parameters != NULL && texts != NULL) {
		count = parameters_read(query, skips_signature, parameters, texts);
		qsort(parameters, count, sizeof(*parameters), by_name_and_value);
		for (size_t i = 0; i < count; i++)
			fprintf(out, "%s%s=%s", i > 0 ? "&" : "", parameters[i].name, parameters[i].value);
	}
	free(texts);
	free(parameters);
	return parameters != NULL && texts != NULL;
}

/* ---- headers ----------------------------------------------------------------------------------- */

/* Trimmed, and each run of blanks one. */
static void put_value(FILE *out, const char *value)
{
	static const char blanks[] = " \t\r\n";

	for (value += strspn(value, blanks); *value != '\0'; value += strspn(value, blanks)) {
		size_t bytes = strcspn(value, blanks);

		fwrite(value, 1, bytes, out);
		value += bytes;
		if (value[strspn(value, blanks)] != '\0')
			fputc(' ', out);
	}
}

/* Of one that is signed and not there the value is empty, and the signature will not match. */
static bool put_headers(FILE *out, const struct signed_request *request, const char *signed_headers)
{
	char *names = strdup(signed_headers), *rest = names, *name;

	if (names == NULL)
		return false;
	while ((name = strsep(&rest, ";")) != NULL) {
		const char *value = request->header(request->context, name);

		fprintf(out, "%s:", name);
		put_value(out, value != NULL ? value : "");
		fputc('\n', out);
	}
	free(names);
	return true;
}

char *canonical_request(const struct signed_request *request, const char *signed_headers, bool skips_signature)
{
	char *text = NULL, body[SHA256_TEXT_BYTES];
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	bool is_good;

	if (out == NULL)
		return NULL;
	sha256_text(request->body, request->body_bytes, body);
	fprintf(out, "%s\n", request->method);
	is_good = put_path(out, request->path);
	fputc('\n', out);
	is_good = is_good && put_query(out, request->query, skips_signature);
	fputc('\n', out);
	is_good = is_good && put_headers(out, request, signed_headers);
	fprintf(out, "\n%s\n%s", signed_headers, body);
	is_good = is_good && !ferror(out);
	is_good = fclose(out) == 0 && is_good;
	if (!is_good) {
		free(text);
		return NULL;
	}
	return text;
}
