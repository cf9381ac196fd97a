#include "shm/trace.h"

#include "ringlease.h"

#include <stddef.h>

/* Bytes of the character there; 0: it is malformed. Reads no further than a zero. */
static size_t character_bytes(const unsigned char *at)
{
	/* The second byte tells what is overlong, a surrogate, or beyond U+10FFFF. */
	unsigned char least = at[0] == 0xe0 ? 0xa0 : at[0] == 0xf0 ? 0x90 : 0x80;
	unsigned char most = at[0] == 0xed ? 0x9f : at[0] == 0xf4 ? 0x8f : 0xbf;
	size_t bytes = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;

	if (bytes == 0 || at[0] > 0xf4 || (bytes > 1 && (at[1] < least || at[1] > most)))
		return 0;
	for (size_t i = 2; i < bytes; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	return bytes;
}

bool trace_is_valid(const char *text)
{
	size_t length = 0;

	while (text[length]) {
		size_t bytes = character_bytes((const unsigned char *)text + length);

		length += bytes;
		if (bytes == 0 || length > RLQ_TRACE_MAX)
			return false;
	}
	return length > 0;
}
