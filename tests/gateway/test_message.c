/* Digests, allowed characters, numbers: what needs no queue. */
#include <criterion/criterion.h>
#include <string.h>

#include "gateway/attributes.h"
#include "gateway/message.h"
#include "gateway/number.h"

static struct rlq_attribute text_attribute(const char *name, const char *value)
{
	return (struct rlq_attribute){
		.name = name, .type = RLQ_STRING, .value = value, .value_bytes = (uint32_t)strlen(value)};
}

static void expect_md5(struct rlq_attribute *attributes, size_t count, const char *md5)
{
	char text[MD5_TEXT_BYTES];

	md5_of_attributes(attributes, count, text);
	cr_expect_str_eq(text, md5);
}

Test(message, the_digest_of_a_body_is_its_md5)
{
	char text[MD5_TEXT_BYTES];

	md5_of_body("This is a test", 14, text);
	cr_expect_str_eq(text, "ce114e4501d2f4e2dcea3e17b546f339");
	md5_of_body(NULL, 0, text);
	cr_expect_str_eq(text, "d41d8cd98f00b204e9800998ecf8427e");
}

Test(message, the_digest_of_a_number)
{
	struct rlq_attribute attribute = text_attribute("timestamp", "1493147359900");

	attribute.type = RLQ_NUMBER;
	expect_md5(&attribute, 1, "235c5c510d26fb653d073faed50ae77c");
}

Test(message, the_digest_of_a_text)
{
	struct rlq_attribute attribute = text_attribute("k", "x");

	expect_md5(&attribute, 1, "a45daa70926828a2f0a1db3418e6feb4");
}

Test(message, the_digest_of_several_is_over_their_sorted_names)
{
	struct rlq_attribute attributes[] = {text_attribute("Help.Me", "Me"), text_attribute("Hello", "There"),
					     text_attribute("General", "Kenobi")};

	expect_md5(attributes, 3, "4c360f3fdafd970e05fae2f149d997f5");
	cr_expect_str_eq(attributes[0].name, "General");
	expect_md5(attributes + 1, 2, "83fee93c1bcd8b9a5a923ffacdc636c7");
}

Test(message, the_digest_of_a_trace_header)
{
	struct rlq_attribute attribute = text_attribute(
		"AWSTraceHeader", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1");

	expect_md5(&attribute, 1, "5ae4d5d7636402d80f4eb6d213245a88");
}

Test(message, the_data_type_has_its_label)
{
	struct rlq_attribute attribute = text_attribute("a", "b");
	char text[TYPE_TEXT_BYTES], label[256];

	cr_expect(data_type_format(&attribute, text) == 6);
	cr_expect_str_eq(text, "String");
	attribute.type = RLQ_BINARY;
	attribute.type_label = "gif";
	cr_expect(data_type_format(&attribute, text) == 10);
	cr_expect_str_eq(text, "Binary.gif");
	memset(label, 'x', sizeof(label));
	label[255] = '\0';
	attribute.type_label = label;
	cr_expect(data_type_format(&attribute, text) == 255, "a label too long is cut");
}

static bool allows(const char *text)
{
	return text_is_allowed(text, strlen(text));
}

Test(message, characters_that_are_allowed)
{
	cr_expect(allows(""));
	cr_expect(allows("\t\n\r"));
	cr_expect(allows("a text of several words\twith\x7f and more"));
	cr_expect(allows("\xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbd \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf"));
	cr_expect(allows("12345678\xc3\xa4"), "behind a whole word");
	cr_expect(allows("1234567\xc3\xa4 12345678"), "across words");
}

Test(message, characters_that_are_not_allowed)
{
	static const char *const texts[] = {
		"\x01", "\x1f", "\x0b", "12345678\x08", "1234\033 678abcdefgh", "\xef\xbf\xbe", "\xef\xbf\xbf"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect(!allows(texts[i]), "%zu", i);
	cr_expect(!text_is_allowed("a\0b", 3));
	cr_expect(!text_is_allowed("12345678\0abcdefg", 16));
}

Test(message, bytes_that_are_no_utf8_are_not_allowed)
{
	static const char *const texts[] = {"\x80",
					    "\xff",
					    "\xc3",
					    "\xc3(",
					    "\xe2\x82",
					    "\xc0\xaf",
					    "\xe0\x80\xaf",
					    "\xf0\x80\x80\xaf",
					    "\xed\xa0\x80",
					    "\xf4\x90\x80\x80",
					    "\xf8\x88\x80\x80\x80"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect(!allows(texts[i]), "%zu", i);
}

Test(message, numbers)
{
	static const char *const numbers[] = {
		"0",
		"-1",
		"+1",
		"1.50",
		".5",
		"5.",
		"1e5",
		"1E-128",
		"1e126",
		"0.000",
		"12345678901234567890123456789012345678",
		"-0e999999999999999999999",
		"00000000000000000000000000000000000000000000000001.000000000000000000000"};
	static const char *const others[] = {"",
					     "-",
					     "abc",
					     "1x",
					     " 1",
					     "1 ",
					     "1e",
					     "1e+",
					     "1..2",
					     "1.2.3",
					     "e5",
					     ".",
					     "0x10",
					     "NaN",
					     "1e127",
					     "2e126",
					     "1.1e126",
					     "1e-129",
					     "0.9e-128",
					     "123456789012345678901234567890123456789",
					     "1e99999999999999999999999"};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		cr_expect(number_is_valid(numbers[i], strlen(numbers[i])), "%s", numbers[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		cr_expect(!number_is_valid(others[i], strlen(others[i])), "%s", others[i]);
}

Test(message, ids_are_1_to_128_letters_digits_and_punctuation)
{
	char id[RLQ_ID_MAX + 2];

	memset(id, 'i', sizeof(id));
	id[RLQ_ID_MAX + 1] = '\0';
	cr_expect(!message_id_is_valid(id));
	id[RLQ_ID_MAX] = '\0';
	cr_expect(message_id_is_valid(id));
	cr_expect(message_id_is_valid("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~aZ9"));
	cr_expect(!message_id_is_valid(""));
	cr_expect(!message_id_is_valid("a b"));
	cr_expect(!message_id_is_valid("\xc3\xa4"));
}

Test(message, sequence_numbers_have_20_digits)
{
	char text[SEQUENCE_TEXT_BYTES];

	sequence_format(1, text);
	cr_expect_str_eq(text, "10000000000000000001");
}

static bool selects(const char *by, const char *name)
{
	json_t *names = json_pack("[s]", by);
	bool is_selected = attribute_is_selected(name, names);

	json_decref(names);
	return is_selected;
}

Test(message, attributes_are_selected_by_name_by_prefix_or_all)
{
	cr_expect(selects("All", "a") && selects("*", "a") && selects(".*", "a"));
	cr_expect(selects("foo", "foo") && !selects("foo", "foobar") && !selects("foo", "Foo"));
	cr_expect(selects("foo.*", "foo.bar") && selects("foo.*", "foobar") && selects("foo.*", "foo"));
	cr_expect(!selects("foo.*", "fo") && !selects("foo.*", "xfoo"));
	cr_expect(!selects("all", "a") && !selects("foo*", "foobar") && !selects("", "a"));
}
