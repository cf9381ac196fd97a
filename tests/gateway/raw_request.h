/* A request as text, for signature_check(): "GET /?a=b HTTP/1.1\nHost: h\n\nbody". Lines may end in CR LF. */
#ifndef TEST_RAW_REQUEST_H
#define TEST_RAW_REQUEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gateway/security.h"

enum { RAW_HEADERS_MAX = 64, RAW_BYTES_MAX = 1 << 16 };

struct raw_request {
	char text[RAW_BYTES_MAX], joined[RAW_HEADERS_MAX + RAW_BYTES_MAX];
	struct {
		char *name, *value;
	} headers[RAW_HEADERS_MAX];
	unsigned header_count;
	struct signed_request request;
};

static inline const char *raw_header(void *context, const char *name)
{
	struct raw_request *raw = context;
	bool is_there = false;
	char *end = raw->joined;

	for (unsigned i = 0; i < raw->header_count; i++) {
		if (strcasecmp(raw->headers[i].name, name) != 0)
			continue;
		if (is_there)
			*end++ = ',';
		end = stpcpy(end, raw->headers[i].value);
		is_there = true;
	}
	return is_there ? raw->joined : NULL;
}

/* The line that begins at *text, without its end; moves on. */
static inline char *raw_line(char **text)
{
	char *line = strsep(text, "\n");
	size_t bytes = strlen(line);

	if (bytes > 0 && line[bytes - 1] == '\r')
		line[bytes - 1] = '\0';
	return line;
}

static inline void raw_first_line(struct raw_request *raw, char *line)
{
	char *version = strrchr(line, ' ');

	raw->request.method = strsep(&line, " ");
	if (line != NULL && version >= line)
		*version = '\0';
	raw->request.path = line != NULL ? strsep(&line, "?") : "/";
	raw->request.query = line != NULL ? line : "";
}

/* Of `bytes`, which may be anything. `raw` is large: not for the stack. */
static inline void raw_request_read(struct raw_request *raw, const void *bytes, size_t count, int64_t now_s)
{
	char *text = raw->text, *line;

	count = count < RAW_BYTES_MAX - 1 ? count : RAW_BYTES_MAX - 1;
	memcpy(raw->text, bytes, count);
	raw->text[count] = '\0';
	raw->header_count = 0;
	raw->request = (struct signed_request){.header = raw_header, .context = raw, .now_s = now_s};
	raw_first_line(raw, raw_line(&text));
	while (text != NULL && *(line = raw_line(&text)) != '\0') {
		char *name = strsep(&line, ":");

		if (line == NULL || raw->header_count == RAW_HEADERS_MAX)
			continue;
		raw->headers[raw->header_count].name = name;
		raw->headers[raw->header_count++].value = line + strspn(line, " \t");
	}
	raw->request.body = text != NULL ? text : "";
	raw->request.body_bytes = text != NULL ? (size_t)(raw->text + count - text) : 0;
}

#endif
