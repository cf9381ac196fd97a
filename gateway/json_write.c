#include "gateway/json_scan.h"
#include "gateway/json_text.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROOM_FIRST = 256 };

struct writer {
	char *text; /* NULL: it has failed */
	size_t bytes, room;
};

static void put(struct writer *writer, const char *text, size_t bytes)
{
	if (writer->text && writer->room - writer->bytes < bytes) {
		size_t room = 2 * writer->room + bytes;
		char *larger = realloc(writer->text, room);

		if (larger == NULL)
			free(writer->text);
		writer->text = larger;
		writer->room = room;
	}
	if (writer->text == NULL)
		return;
	memcpy(writer->text + writer->bytes, text, bytes);
	writer->bytes += bytes;
}

static void put_special(struct writer *writer, char c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *found = c ? strchr(from, c) : NULL;
	char escape[8] = {'\\', found ? to[found - from] : '\0'};

	if (!found)
		snprintf(escape, sizeof(escape), "\\u%04X", (unsigned)c);
	put(writer, escape, strlen(escape));
}

static void put_text(struct writer *writer, const char *text, size_t bytes)
{
	const char *end = text + bytes;
	uint64_t high = 0;

	put(writer, "\"", 1);
	for (;;) {
		const char *plain = plain_end(text, end, &high);

		put(writer, text, (size_t)(plain - text));
		if (plain == end)
			break;
		put_special(writer, *plain);
		text = plain + 1;
	}
	put(writer, "\"", 1);
}

static void put_value(struct writer *writer, const json_t *value);

static void put_object(struct writer *writer, json_t *object)
{
	const char *separator = "{", *name;
	size_t bytes;
	json_t *value;

	json_object_keylen_foreach(object, name, bytes, value)
	{
		put(writer, separator, 1);
		put_text(writer, name, bytes);
		put(writer, ":", 1);
		put_value(writer, value);
		separator = ",";
	}
	put(writer, "{}", *separator == '{' ? 2 : 0);
	put(writer, "}", *separator == '{' ? 0 : 1);
}

static void put_array(struct writer *writer, const json_t *array)
{
	json_t *element;
	size_t i;

	put(writer, "[", 1);
	json_array_foreach(array, i, element)
	{
		put(writer, ",", i > 0);
		put_value(writer, element);
	}
	put(writer, "]", 1);
}

static void put_integer(struct writer *writer, json_int_t number)
{
	char text[32];

	put(writer, text, (size_t)snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, number));
}

static void give_up(struct writer *writer)
{
	free(writer->text);
	writer->text = NULL;
}

static void put_value(struct writer *writer, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		put_object(writer, (json_t *)(uintptr_t)value);
		return;
	case JSON_ARRAY:
		put_array(writer, value);
		return;
	case JSON_STRING:
		put_text(writer, json_string_value(value), json_string_length(value));
		return;
	case JSON_INTEGER:
		put_integer(writer, json_integer_value(value));
		return;
	case JSON_TRUE:
		put(writer, "true", 4);
		return;
	case JSON_FALSE:
		put(writer, "false", 5);
		return;
	case JSON_NULL:
		put(writer, "null", 4);
		return;
	case JSON_REAL:
		give_up(writer);
	}
}

char *json_text_write(const json_t *value, size_t *ret_bytes)
{
	struct writer writer = {.text = malloc(ROOM_FIRST), .room = ROOM_FIRST};

	put_value(&writer, value);
	put(&writer, "", 1);
	*ret_bytes = writer.text ? writer.bytes - 1 : 0;
	return writer.text;
}
