/* JSON requests from any bytes, for every action: what is read has the members that the table says, and both
 * answers of it can be written. */
#include "gateway/answer.h"
#include "gateway/shape.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/words.h"

#include <stdlib.h>
#include <string.h>

enum { BODY_BYTES = 1 << 16 };

static const char *const words[] = {
	"{\"QueueUrl\":\"q\",",
	"{\"QueueName\":\"q\",",
	"\"MessageBody\":\"b\"",
	"\"MessageBody\":",
	"\"DelaySeconds\":",
	"\"Entries\":[",
	"{\"Id\":\"a\",",
	"\"ReceiptHandle\":\"r\"",
	"\"Attributes\":{",
	"\"AttributeNames\":[",
	"\"TagKeys\":[",
	"\"Tags\":{",
	"\"tags\":{",
	"\"MessageAttributes\":{\"n\":{",
	"\"StringValue\":",
	"\"StringListValues\":[",
	"\"BinaryValue\":",
	"\"DataType\":\"String\"",
	"\"a\":",
	"\"a\"",
	"\"\\u0000\"",
	"\"\\ud83d\\ude00\"",
	"\"\\ud800\"",
	"null",
	"true",
	"12",
	"-1",
	"1.5",
	"1e99",
	"9223372036854775808",
	"{",
	"}",
	"}}",
	"[",
	"]",
	",",
	":",
	"\"",
	"\\",
	"[[[[[[[[",
};

static void check(bool is_so)
{
	if (!is_so)
		abort();
}

/* More than the writer writes. */
static bool is_deep(const json_t *value, size_t depth)
{
	const char *key;
	size_t index;
	json_t *part;

	if (depth == 127)
		return true;
	json_object_foreach((json_t *)value, key, part) if (is_deep(part, depth + 1)) return true;
	json_array_foreach(value, index, part) if (is_deep(part, depth + 1)) return true;
	return false;
}

static void try_answers(const struct action_shape *shape, json_t *input)
{
	const struct action_shape mirror = {shape->action, shape->input, shape->input};
	size_t bytes = 0;
	char *text = xml_answer(&mirror, input, "r", &bytes);

	check(text != NULL && strlen(text) == bytes);
	free(text);
	text = json_answer(&mirror, input, &bytes);
	check(text != NULL ? strlen(text) == bytes : is_deep(input, 0));
	free(text);
}

static void try_body(const struct action_shape *shape, const char *body, size_t bytes)
{
	struct failure failure = {.code = FAILURE_NONE};
	json_t *input = NULL;

	if (!json_read(shape, body, bytes, &input, &failure)) {
		check(failure.code > FAILURE_NONE && failure.code < FAILURE_CODES && input == NULL);
		return;
	}
	for (const struct member *member = shape->input->members; member->name; member++)
		check(member->need == OPTIONAL || json_object_get(input, member->name) != NULL);
	check(shape_check(shape, input, &failure));
	try_answers(shape, input);
	json_decref(input);
}

/* ---- trees ----------------------------------------------------------------------------------------------- */

struct input {
	const uint8_t *bytes;
	size_t count;
};

static json_t *grow(const struct shape *shape, struct input *input);

static uint8_t take(struct input *input)
{
	if (input->count == 0)
		return 0;
	input->count--;
	return *input->bytes++;
}

static json_t *grow_text(struct input *input)
{
	size_t bytes = take(input) % 16;
	json_t *text;

	bytes = bytes < input->count ? bytes : input->count;
	text = json_text((const char *)input->bytes, bytes);
	input->bytes += bytes;
	input->count -= bytes;
	return text;
}

static json_t *grow_odd(uint8_t choice)
{
	switch (choice % 8) {
	case 0:
		return json_null();
	case 1:
		return json_true();
	case 2:
		return json_integer(choice);
	case 3:
		return json_real(1.5);
	case 4:
		return json_string("");
	case 5:
		return json_stringn("a\0b", 3);
	case 6:
		return json_array();
	default:
		return json_object();
	}
}

static json_t *grow_list(const struct shape *shape, struct input *input)
{
	json_t *list = json_array();

	for (int left = take(input) % 4; left > 0; left--)
		json_array_append_new(list, grow(shape->element, input));
	return list;
}

static json_t *grow_map(const struct shape *shape, struct input *input)
{
	json_t *map = json_object();

	for (int left = take(input) % 4; left > 0; left--) {
		char key[] = {(char)('a' + take(input) % 4), '\0'};

		json_object_set_new(map, key, grow(shape->element, input));
	}
	return map;
}

static json_t *grow_structure(const struct shape *shape, struct input *input)
{
	json_t *object = json_object();

	for (const struct member *member = shape->members; member->name; member++)
		if (take(input) % 4 != 0)
			json_object_set_new(object, member->name, grow(member->shape, input));
	return object;
}

static json_t *grow(const struct shape *shape, struct input *input)
{
	uint8_t choice = take(input);

	if (choice >= 240)
		return grow_odd(choice);
	switch (shape->kind) {
	case SHAPE_INTEGER:
		return json_integer(take(input) - 100);
	case SHAPE_LIST:
		return grow_list(shape, input);
	case SHAPE_MAP:
		return grow_map(shape, input);
	case SHAPE_STRUCTURE:
		return grow_structure(shape, input);
	default:
		return grow_text(input);
	}
}

static void try_tree(const struct action_shape *shape, struct input input)
{
	json_t *tree = grow(shape->input, &input);
	char *body = json_dumps(tree, JSON_ENCODE_ANY);

	check(body != NULL);
	try_body(shape, body, strlen(body));
	free(body);
	json_decref(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
	static char body[BODY_BYTES];
	size_t shapes_count, body_bytes;
	const struct action_shape *shapes = shape_all(&shapes_count), *shape;

	if (count == 0)
		return 0;
	shape = &shapes[bytes[0] % shapes_count];
	try_tree(shape, (struct input){bytes + 1, count - 1});
	try_body(shape, (const char *)bytes + 1, count - 1);
	body_bytes = words_write(words, sizeof(words) / sizeof(words[0]), bytes + 1, count - 1, body, sizeof(body));
	try_body(shape, body, body_bytes);
	return 0;
}
