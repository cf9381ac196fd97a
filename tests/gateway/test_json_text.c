/* The fast reader and writer of JSON against jansson: what they take, jansson takes likewise. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "gateway/json_text.h"
#include "gateway/shape.h"
#include "tests/gateway/random_tree.h"
#include "tests/support/arguments.h"

enum { TEXT_BYTES_MAX = 64 * 1024, CHANGES = 200, TREES = 40 };

static void expect_fast(const char *text)
{
	json_t *fast = json_text_read(text, strlen(text)), *slow = json_loads(text, 0, NULL);

	cr_expect_not_null(fast, "%s", text);
	cr_expect(json_equal(fast, slow), "%s", text);
	json_decref(fast);
	json_decref(slow);
}

static void expect_not_fast(const char *text, size_t bytes)
{
	json_t *fast = json_text_read(text, bytes);

	cr_expect_null(fast, "%s", text);
	json_decref(fast);
}

Test(json_text, what_is_common_is_read)
{
	expect_fast("{}");
	expect_fast(" {\r\n\t} ");
	expect_fast("{\"a\":\"b\",\"\":\"\",\"list\":[1,-20,0,-0,999999999999999999,[],{}],\"t\":true,\"f\":false,"
		    "\"n\":null}");
	expect_fast("{ \"a\" : [ 1 , { \"b\" : \"c\" } ] }");
	expect_fast("{\"a\":1,\"a\":2}");
	expect_fast("{\"body\":\"{\\\"a\\\":\\\"\\\\\\/\\b\\f\\n\\r\\t\\\"} and then a text of some length\"}");
	expect_fast("{\"body\":\"gr\xc3\xbc\xc3\x9f"
		    "e \xe2\x82\xac \xf0\x9f\x98\x80 \x7f, also behind \\\" \xc3\xa4\"}");
}

Test(json_text, what_is_not_is_left_to_jansson)
{
	static const char *const texts[] = {
		"",
		"[]",
		"\"a\"",
		"{",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1,}",
		"{\"a\":[1,]}",
		"{\"a\":[1}}",
		"{\"a\":1]",
		"{\"a\":1}x",
		"{a:1}",
		"{\"a\":01}",
		"{\"a\":-}",
		"{\"a\":1.5}",
		"{\"a\":1e3}",
		"{\"a\":+1}",
		"{\"a\":tru}",
		"{\"a\":truex}",
		"{\"a\":nul}",
		"{\"a\":\"b}",
		"{\"a\":\"b\\\"}",
		"{\"a\":\"\\",
		"{\"a\":\"\\x\"}",
		"{\"a\":\"\\u0041\"}",
		"{\"a\":1234567890123456789}",
		"{\"a\":\"\x01\"}",
		"{\"a\":\"\n\"}",
		"{\"a\":\"\xc3\"}",
		"{\"a\":\"\xed\xa0\x80\"}",
		"{\"a\":\"\xff\\n\"}",
		"{\"\xc3\xa4\":1}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		expect_not_fast(texts[i], strlen(texts[i]));
	expect_not_fast("{\"a\":\"\0\"}", 9);
	expect_not_fast("{}\0", 3);
}

Test(json_text, nesting_has_an_end)
{
	char text[TEXT_BYTES_MAX];
	size_t half = (sizeof(text) - 8) / 2;

	memset(text, '[', sizeof(text));
	memcpy(text, "{\"a\":", 5);
	memset(text + 5 + half, ']', half);
	text[5 + 2 * half] = '}';
	expect_not_fast(text, 5 + 2 * half + 1);
}

/* A few bytes changed, put in or taken out. */
static size_t change(char *text, size_t bytes, uint64_t *state)
{
	static const char alphabet[] = "{}[]\":,\\ue0-1.tn \n\x01\xc3\xa4";

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

/* True: it was read. */
static bool read_alike(const char *text, size_t bytes)
{
	json_t *fast = json_text_read(text, bytes), *slow;

	if (fast == NULL)
		return false;
	slow = json_loadb(text, bytes, JSON_ALLOW_NUL, NULL);
	cr_assert(json_equal(fast, slow), "%.*s", (int)bytes, text);
	json_decref(fast);
	json_decref(slow);
	return true;
}

Test(json_text, reads_and_writes_as_jansson_does)
{
	uint64_t state = test_seed(1), read = 0;
	size_t count;
	const struct action_shape *shapes = shape_all(&count);
	char changed[TEXT_BYTES_MAX];

	for (uint32_t i = 0; i < TREES * count; i++) {
		json_t *value = random_tree(shapes[i % count].input, &state);
		char *slow = json_dumps(value, JSON_COMPACT);
		size_t bytes = 0;
		char *fast = json_text_write(value, &bytes);

		cr_assert_str_eq(fast, slow);
		cr_assert_eq(bytes, strlen(slow));
		read += read_alike(slow, bytes);
		for (uint32_t left = CHANGES; left > 0; left--) {
			size_t changed_bytes;

			memcpy(changed, slow, bytes);
			changed_bytes = change(changed, bytes, &state);
			read += read_alike(changed, changed_bytes);
		}
		free(fast);
		free(slow);
		json_decref(value);
	}
	cr_expect_gt(read, TREES * count, "the fast reader reads next to nothing");
}

Test(json_text, writes_every_byte_as_jansson_does)
{
	json_t *object = json_object(), *list = json_array();
	char text[128], *slow, *fast;
	size_t bytes;

	for (int i = 0; i < 128; i++)
		text[i] = (char)i;
	json_object_set_new(object, "all", json_stringn(text, sizeof(text)));
	json_object_set_new(object, "e\xc3\xa4\"", json_string("\xf0\x9f\x98\x80"));
	json_array_append_new(list, json_integer(-9223372036854775807));
	json_array_append_new(list, json_true());
	json_array_append_new(list, json_false());
	json_array_append_new(list, json_null());
	json_array_append_new(list, json_object());
	json_array_append_new(list, json_array());
	json_object_set_new(object, "list", list);
	slow = json_dumps(object, JSON_COMPACT);
	fast = json_text_write(object, &bytes);
	cr_expect_str_eq(fast, slow);
	json_object_set_new(object, "fraction", json_real(1.5));
	cr_expect_null(json_text_write(object, &bytes));
	free(slow);
	free(fast);
	json_decref(object);
}
