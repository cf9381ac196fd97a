/* Trees from JSON text: yajl reads most of it, and every text gives the tree, or the refusal, that jansson has. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/json_tree.h"
#include "gateway/shape.h"
#include "tests/gateway/random_tree.h"
#include "tests/support/arguments.h"

enum { TEXT_BYTES_MAX = 64 * 1024, CHANGES = 200, TREES = 10 };

/* True: it was read. */
static bool expect_alike(const char *text, size_t bytes)
{
	json_error_t error = {.line = 0}, wanted_error = {.line = 0};
	json_t *wanted = json_loadb(text, bytes, JSON_ALLOW_NUL, &wanted_error);
	json_t *got = json_tree(text, bytes, &error);
	bool is_read = got != NULL;

	cr_expect_eq(is_read, wanted != NULL, "%.*s", (int)bytes, text);
	cr_expect(wanted == NULL || json_equal(got, wanted), "%.*s", (int)bytes, text);
	cr_expect(is_read || strcmp(error.text, wanted_error.text) == 0, "%.*s: %s", (int)bytes, text, error.text);
	json_decref(got);
	json_decref(wanted);
	return is_read;
}

static void expect_read(const char *text)
{
	cr_expect(expect_alike(text, strlen(text)), "%s", text);
}

static void expect_refused(const char *text, size_t bytes)
{
	cr_expect(!expect_alike(text, bytes), "%.*s", (int)bytes, text);
}

Test(json_tree, what_is_json_is_read)
{
	expect_read("{}");
	expect_read("[]");
	expect_read(" {\r\n\t} ");
	expect_read("{\"a\":\"b\",\"\":\"\",\"list\":[1,-20,0,-0,999999999999999999,[],{}],\"t\":true,\"f\":false,"
		    "\"n\":null}");
	expect_read("{ \"a\" : [ 1 , { \"b\" : \"c\" } ] }");
	expect_read("{\"a\":1,\"a\":2}");
	expect_read("{\"a\":9223372036854775807,\"b\":-9223372036854775808,\"c\":1.5,\"d\":1e3,\"e\":-0.0}");
	expect_read("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"\\t\":\"\\u0041\\u00e4\\u20ac\\u0000b\"}");
	expect_read("{\"a\":\"\\ud83d\\ude00\",\"b\":\"\\uD83D\\uDE00\",\"c\":\"\\\\ud83d\"}");
	expect_read("{\"gr\xc3\xbc\xc3\x9f"
		    "e\":\"\xe2\x82\xac \xf0\x9f\x98\x80 \x7f \xef\xbf\xbf\"}");
	expect_read("[[[[[[[[[[[[[[[[[[[[{\"a\":[1]}]]]]]]]]]]]]]]]]]]]]");
}

Test(json_tree, what_is_none_is_refused)
{
	static const char *const texts[] = {
		"",
		"1",
		"\"a\"",
		"{",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1,}",
		"{\"a\":[1,]}",
		"{\"a\":[1}}",
		"{\"a\":1]",
		"{\"a\":1}x",
		"{} {}",
		"{} []",
		"{}/**/",
		"{} \"a",
		"{} tr",
		"{\"a\":1 /* b */}",
		"{a:1}",
		"{'a':1}",
		"{\"a\":01}",
		"{\"a\":-}",
		"{\"a\":+1}",
		"{\"a\":1.}",
		"{\"a\":NaN}",
		"{\"a\":1e999}",
		"{\"a\":9223372036854775808}",
		"{\"a\":tru}",
		"{\"a\":truex}",
		"{\"a\":\"b}",
		"{\"a\":\"b\\\"}",
		"{\"a\":\"\\",
		"{\"a\":\"\\u",
		"{\"a\":\"\\x\"}",
		"{\"a\":\"\\u00g0\"}",
		"{\"a\":\"\\ud800\"}",
		"{\"a\":\"\\uD83D\\u0041\"}",
		"{\"a\":\"\\\\\\udc00\"}",
		"{\"\\ud800\":1}",
		"{\"a\\u0000\":1}",
		"{\"a\":\"\x01\"}",
		"{\"a\":\"\n\"}",
		"{\v}",
		"{\f}",
		"\xef\xbb\xbf{}",
		"{\"a\":\"\xc3\"}",
		"{\"a\":\"\xc0\x80\"}",
		"{\"a\":\"\xed\xa0\x80\"}",
		"{\"a\":\"\xf4\x90\x80\x80\"}",
		"{\"\xff\":1}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		expect_refused(texts[i], strlen(texts[i]));
	expect_refused("{\"a\":\"\0\"}", 9);
	expect_refused("{}\0", 3);
}

Test(json_tree, a_long_key_is_read)
{
	char text[TEXT_BYTES_MAX];

	for (int bytes = 254; bytes < 260; bytes++) {
		snprintf(text, sizeof(text), "{\"%0*d\":{\"a\":1}}", bytes, 0);
		expect_read(text);
	}
}

/* Whole, and cut off: yajl keeps both in memory that is measured beforehand. */
Test(json_tree, escapes_of_all_lengths_are_read)
{
	static char text[TEXT_BYTES_MAX];

	for (size_t bytes = 0; bytes < 30000; bytes += bytes < 100 ? 1 : bytes < 3000 ? 13 : 2999) {
		char *at = text + sprintf(text, "[\"\\n");

		memset(at, 'x', bytes);
		strcpy(at + bytes, "\",\"");
		memset(at + bytes + 3, 'y', bytes);
		strcpy(at + 2 * bytes + 3, "\"]");
		expect_read(text);
		expect_refused(text, strlen(text) - 2);
		at[bytes] = 'x';
		expect_refused(text, bytes + 2);
	}
}

Test(json_tree, nesting_has_an_end)
{
	char text[TEXT_BYTES_MAX];

	memset(text, '[', sizeof(text) / 2);
	memset(text + sizeof(text) / 2, ']', sizeof(text) / 2);
	expect_refused(text, sizeof(text));
}

/* A few bytes changed, put in or taken out. */
static size_t change(char *text, size_t bytes, uint64_t *state)
{
	static const char alphabet[] = "{}[]\":,\\ue0-1.tndD \n\v\x01\xc3\xa4\xed";

	for (uint32_t left = 1 + random_below(state, 3); left > 0 && bytes > 1; left--) {
		size_t at = random_below(state, (uint32_t)bytes);

		switch (random_below(state, 3)) {
		case 0:
			text[at] = alphabet[random_below(state, sizeof(alphabet) - 1)];
			break;
		case 1:
			memmove(text + at, text + at + 1, bytes-- - at - 1);
			break;
		default:
			memmove(text + at + 1, text + at, bytes++ - at);
			text[at] = alphabet[random_below(state, sizeof(alphabet) - 1)];
		}
	}
	return bytes;
}

Test(json_tree, what_is_changed_anywhere_is_read_as_jansson_does)
{
	uint64_t state = test_seed(1), read = 0;
	size_t count;
	const struct action_shape *shapes = shape_all(&count);
	char changed[TEXT_BYTES_MAX];

	for (uint32_t i = 0; i < TREES * count; i++) {
		json_t *value = random_tree(shapes[i % count].input, &state);
		char *text = json_dumps(value, i % 2 ? JSON_ENSURE_ASCII : JSON_COMPACT);
		size_t bytes = strlen(text);

		read += expect_alike(text, bytes);
		for (uint32_t left = CHANGES; left > 0 && bytes + 3 < sizeof(changed); left--) {
			memcpy(changed, text, bytes);
			read += expect_alike(changed, change(changed, bytes, &state));
		}
		free(text);
		json_decref(value);
	}
	cr_expect_gt(read, 2 * TREES * count, "next to nothing was JSON");
}
