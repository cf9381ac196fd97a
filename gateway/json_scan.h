/* Texts of JSON, gone over eight bytes at a time. */
#ifndef GATEWAY_JSON_SCAN_H
#define GATEWAY_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* May one of 8 bytes be a quote, a backslash, or less than a blank? May say so of what is none. */
static inline bool word_is_special(uint64_t word)
{
	const uint64_t quote = word ^ EACH_BYTE('"'), backslash = word ^ EACH_BYTE('\\');

	return (((quote - EACH_BYTE(1)) & ~quote) | ((backslash - EACH_BYTE(1)) & ~backslash) |
		((word - EACH_BYTE(' ')) & ~word)) &
	       EACH_BYTE(0x80);
}

static inline bool is_special(char c)
{
	return c == '"' || c == '\\' || (unsigned char)c < ' ';
}

/* The first that is special, else `end`. `*high` gets the bits of all before it. */
static inline const char *plain_end(const char *at, const char *end, uint64_t *high)
{
	uint64_t word;

	while ((size_t)(end - at) >= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		if (word_is_special(word))
			break;
		*high |= word;
		at += sizeof(word);
	}
	for (; at < end && !is_special(*at); at++)
		*high |= (unsigned char)*at;
	return at;
}

#endif
