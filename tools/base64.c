#include "base64.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";

enum { PAD = 64 }; /* where the alphabet has its filler */

char *base64_encode(const void *bytes, size_t count)
{
	const uint8_t *from = bytes;
	char *text = malloc((count + 2) / 3 * 4 + 1);
	char *to = text;

	if (!text)
		return NULL;
	for (size_t i = 0; i < count; i += 3) {
		const size_t left = count - i;
		const uint32_t group = (uint32_t)from[i] << 16 | (left > 1 ? (uint32_t)from[i + 1] << 8 : 0) |
				       (left > 2 ? (uint32_t)from[i + 2] : 0);

		*to++ = alphabet[group >> 18];
		*to++ = alphabet[group >> 12 & 63];
		*to++ = alphabet[left > 1 ? group >> 6 & 63 : PAD];
		*to++ = alphabet[left > 2 ? group & 63 : PAD];
	}
	*to = '\0';
	return text;
}

static int digit(char c)
{
	const char *at = memchr(alphabet, c, PAD);

	return at ? (int)(at - alphabet) : -1;
}

/* Decodes four characters into at most three bytes; returns how many, or -1. */
static int decode_group(const char *text, uint8_t *ret_bytes)
{
	const int pad = (text[3] == '=') + (text[3] == '=' && text[2] == '=');
	uint32_t group = 0;

	for (int i = 0; i < 4; i++) {
		const int value = i >= 4 - pad ? 0 : digit(text[i]);

		if (value < 0)
			return -1;
		group = group << 6 | (uint32_t)value;
	}
	/* Bits that no byte uses must be zero, or two texts would mean the same bytes. */
	if ((pad == 1 && group & 0xff) || (pad == 2 && group & 0xffff))
		return -1;
	ret_bytes[0] = (uint8_t)(group >> 16);
	ret_bytes[1] = (uint8_t)(group >> 8);
	ret_bytes[2] = (uint8_t)group;
	return 3 - pad;
}

int base64_decode(const char *text, void **ret_bytes, size_t *ret_count)
{
	const size_t length = strlen(text);
	uint8_t *bytes;
	size_t count = 0;

	if (length % 4)
		return -1;
	bytes = malloc(length / 4 * 3 + 1);
	if (!bytes)
		return -1;
	for (size_t i = 0; i < length; i += 4) {
		uint8_t group[3];
		const int got = decode_group(text + i, group);

		if (got < 0 || (got < 3 && i + 4 != length)) {
			free(bytes);
			return -1;
		}
		memcpy(bytes + count, group, (size_t)got);
		count += (size_t)got;
	}
	*ret_bytes = bytes;
	*ret_count = count;
	return 0;
}
