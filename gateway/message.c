#include "gateway/message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/md5.h>

#include "gateway/utf8.h"

/* ---- digests ---------------------------------------------------------------------------------- */

static void digest_format(struct md5_ctx *context, char ret_text[MD5_TEXT_BYTES])
{
	static const char digit[] = "0123456789abcdef";
	uint8_t digest[MD5_DIGEST_SIZE];

	md5_digest(context, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++) {
		ret_text[2 * i] = digit[digest[i] >> 4];
		ret_text[2 * i + 1] = digit[digest[i] & 15];
	}
	ret_text[2 * sizeof(digest)] = '\0';
}

void md5_of_body(const void *body, size_t bytes, char ret_text[MD5_TEXT_BYTES])
{
	struct md5_ctx context;

	md5_init(&context);
	if (bytes > 0)
		md5_update(&context, bytes, body);
	digest_format(&context, ret_text);
}

static void md5_add(struct md5_ctx *context, const void *bytes, size_t count)
{
	const uint8_t length[] = {(uint8_t)(count >> 24), (uint8_t)(count >> 16), (uint8_t)(count >> 8),
				  (uint8_t)count};

	md5_update(context, sizeof(length), length);
	md5_update(context, count, bytes);
}

static int compare_names(const void *a, const void *b)
{
	const struct rlq_attribute *left = a, *right = b;

	return strcmp(left->name, right->name);
}

void md5_of_attributes(struct rlq_attribute *attributes, size_t count, char ret_text[MD5_TEXT_BYTES])
{
	struct md5_ctx context;

	md5_init(&context);
	if (count > 1)
		qsort(attributes, count, sizeof(*attributes), compare_names);
	for (size_t i = 0; i < count; i++) {
		const uint8_t transport = attributes[i].type == RLQ_BINARY ? 2 : 1;
		char type[TYPE_TEXT_BYTES];
		size_t type_bytes = data_type_format(&attributes[i], type);

		md5_add(&context, attributes[i].name, strlen(attributes[i].name));
		md5_add(&context, type, type_bytes);
		md5_update(&context, sizeof(transport), &transport);
		md5_add(&context, attributes[i].value, attributes[i].value_bytes);
	}
	digest_format(&context, ret_text);
}

size_t data_type_format(const struct rlq_attribute *attribute, char ret_text[TYPE_TEXT_BYTES])
{
	static const char types[][8] = {[RLQ_STRING] = "String", [RLQ_NUMBER] = "Number", [RLQ_BINARY] = "Binary"};
	const char *label = attribute->type_label;
	size_t bytes = 6; /* each of them */

	memcpy(ret_text, types[attribute->type], bytes);
	if (label && *label) {
		size_t label_bytes = strnlen(label, TYPE_TEXT_BYTES - bytes - 2);

		ret_text[bytes++] = '.';
		memcpy(ret_text + bytes, label, label_bytes);
		bytes += label_bytes;
	}
	ret_text[bytes] = '\0';
	return bytes;
}

void sequence_format(uint64_t sequence, char ret_text[SEQUENCE_TEXT_BYTES])
{
	snprintf(ret_text, SEQUENCE_TEXT_BYTES, "%" PRIu64, UINT64_C(10000000000000000000) + sequence);
}

/* ---- texts ------------------------------------------------------------------------------------ */

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* Has one of 8 bytes its highest bit, or is it less than a blank? May say so of what is none. */
static bool word_is_special(uint64_t word)
{
	return ((word | (word - EACH_BYTE(0x20))) & EACH_BYTE(0x80)) != 0;
}

static bool is_allowed(uint32_t code)
{
	if (code < 0x20)
		return code == '\t' || code == '\n' || code == '\r';
	return code != 0xfffe && code != 0xffff;
}

bool text_is_allowed(const char *text, size_t bytes)
{
	uint64_t word;
	uint32_t code;

	while (bytes > 0) {
		size_t count = sizeof(word);

		if (bytes >= count)
			memcpy(&word, text, count);
		if (bytes < count || word_is_special(word)) {
			count = utf8_character(text, bytes, &code);
			if (count == 0 || !is_allowed(code))
				return false;
		}
		text += count;
		bytes -= count;
	}
	return true;
}

bool message_id_is_valid(const char *id)
{
	size_t length = 0;

	for (; id[length]; length++)
		if (length == RLQ_ID_MAX || id[length] <= ' ' || id[length] > '~')
			return false;
	return length > 0;
}
