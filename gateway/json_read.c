#include "gateway/json_scan.h"
#include "gateway/json_text.h"

#include <stdlib.h>

enum { DEPTH_MAX = 16, DIGITS_MAX = 18 };

struct reader {
	const char *at, *end;
	int depth;
};

static json_t *read_value(struct reader *reader);

static void skip_blanks(struct reader *reader)
{
	while (reader->at < reader->end &&
	       (*reader->at == ' ' || *reader->at == '\n' || *reader->at == '\r' || *reader->at == '\t'))
		reader->at++;
}

static bool take(struct reader *reader, char c)
{
	skip_blanks(reader);
	if (reader->at == reader->end || *reader->at != c)
		return false;
	reader->at++;
	return true;
}

/* What stands behind a backslash; 0: not here. */
static char unescaped(char c)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found = c ? strchr(from, c) : NULL;

	return found ? to[found - from] : '\0';
}

/* Texts beyond ASCII are checked. */
static json_t *text_of(const char *text, size_t bytes, uint64_t high)
{
	return high & EACH_BYTE(0x80) ? json_stringn(text, bytes) : json_stringn_nocheck(text, bytes);
}

/* From the first backslash on, at `at`. */
static json_t *read_escaped(struct reader *reader, const char *at, uint64_t high)
{
	size_t bytes = (size_t)(at - reader->at);
	char *copy = malloc((size_t)(reader->end - reader->at));
	json_t *text = NULL;

	if (copy == NULL)
		return NULL;
	memcpy(copy, reader->at, bytes);
	while (at < reader->end && *at == '\\' && reader->end - at > 1) {
		const char *plain = at + 2;
		const char c = unescaped(at[1]);

		if (c == '\0')
			break;
		copy[bytes++] = c;
		at = plain_end(plain, reader->end, &high);
		memcpy(copy + bytes, plain, (size_t)(at - plain));
		bytes += (size_t)(at - plain);
	}
	if (at < reader->end && *at == '"') {
		reader->at = at + 1;
		text = text_of(copy, bytes, high);
	}
	free(copy);
	return text;
}

/* Behind its quote. */
static json_t *read_text(struct reader *reader)
{
	uint64_t high = 0;
	const char *begin = reader->at, *at = plain_end(begin, reader->end, &high);

	if (at == reader->end)
		return NULL;
	if (*at == '\\')
		return read_escaped(reader, at, high);
	if (*at != '"')
		return NULL;
	reader->at = at + 1;
	return text_of(begin, (size_t)(at - begin), high);
}

static bool is_digit(const struct reader *reader, const char *at)
{
	return at < reader->end && *at >= '0' && *at <= '9';
}

static json_t *read_integer(struct reader *reader)
{
	const bool is_negative = *reader->at == '-';
	const char *begin = reader->at + is_negative, *at = begin;
	json_int_t number = 0;

	while (is_digit(reader, at) && at - begin < DIGITS_MAX)
		number = number * 10 + (*at++ - '0');
	if (at == begin || is_digit(reader, at) || (*begin == '0' && at - begin > 1) ||
	    (at < reader->end && (*at == '.' || *at == 'e' || *at == 'E')))
		return NULL;
	reader->at = at;
	return json_integer(is_negative ? -number : number);
}

static json_t *read_word(struct reader *reader, const char *word, json_t *value)
{
	size_t bytes = strlen(word);

	if ((size_t)(reader->end - reader->at) < bytes || memcmp(reader->at, word, bytes) != 0)
		return NULL;
	reader->at += bytes;
	return value; /* of a kind that is not counted */
}

/* A name of ASCII without escapes; behind it, its colon. */
static bool read_name(struct reader *reader, const char **ret_name, size_t *ret_bytes)
{
	uint64_t high = 0;
	const char *end;

	if (!take(reader, '"'))
		return false;
	end = plain_end(reader->at, reader->end, &high);
	if (end == reader->end || *end != '"' || high & EACH_BYTE(0x80))
		return false;
	*ret_name = reader->at;
	*ret_bytes = (size_t)(end - reader->at);
	reader->at = end + 1;
	return take(reader, ':');
}

static bool read_members(struct reader *reader, json_t *object)
{
	const char *name;
	size_t bytes;

	if (take(reader, '}'))
		return true;
	do {
		json_t *value = read_name(reader, &name, &bytes) ? read_value(reader) : NULL;

		if (value == NULL || json_object_setn_new_nocheck(object, name, bytes, value) < 0)
			return false;
	} while (take(reader, ','));
	return take(reader, '}');
}

static bool read_elements(struct reader *reader, json_t *array)
{
	if (take(reader, ']'))
		return true;
	do {
		json_t *value = read_value(reader);

		if (value == NULL || json_array_append_new(array, value) < 0)
			return false;
	} while (take(reader, ','));
	return take(reader, ']');
}

static json_t *read_container(struct reader *reader, json_t *container,
			      bool (*read)(struct reader *reader, json_t *container))
{
	bool is_read = container && reader->depth < DEPTH_MAX;

	reader->at++;
	reader->depth++;
	is_read = is_read && read(reader, container);
	reader->depth--;
	if (is_read)
		return container;
	json_decref(container);
	return NULL;
}

static json_t *read_value(struct reader *reader)
{
	skip_blanks(reader);
	if (reader->at == reader->end)
		return NULL;
	switch (*reader->at) {
	case '{':
		return read_container(reader, json_object(), read_members);
	case '[':
		return read_container(reader, json_array(), read_elements);
	case '"':
		reader->at++;
		return read_text(reader);
	case 't':
		return read_word(reader, "true", json_true());
	case 'f':
		return read_word(reader, "false", json_false());
	case 'n':
		return read_word(reader, "null", json_null());
	default:
		return read_integer(reader);
	}
}

json_t *json_text_read(const char *text, size_t bytes)
{
	struct reader reader = {.at = text, .end = text + bytes};
	json_t *object;

	skip_blanks(&reader);
	if (reader.at == reader.end || *reader.at != '{')
		return NULL;
	object = read_value(&reader);
	skip_blanks(&reader);
	if (object && reader.at == reader.end)
		return object;
	json_decref(object);
	return NULL;
}
