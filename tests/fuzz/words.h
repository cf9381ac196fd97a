/* Bytes of a fuzzer as a text of words, so that random bytes get further than the first character. */
#ifndef TEST_FUZZ_WORDS_H
#define TEST_FUZZ_WORDS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A byte below twice the number of words is one of them, another itself. Returns the bytes of the text, less than
 * `text_max`. */
static inline size_t words_write(const char *const *words, size_t words_count, const uint8_t *bytes, size_t count,
				 char *ret_text, size_t text_max)
{
	size_t length = 0;

	for (size_t i = 0; i < count; i++) {
		const char *piece = (const char *)&bytes[i];
		size_t piece_bytes = 1;

		if (bytes[i] < 2 * words_count) {
			piece = words[bytes[i] / 2];
			piece_bytes = strlen(piece);
		}
		if (length + piece_bytes >= text_max)
			break;
		memcpy(ret_text + length, piece, piece_bytes);
		length += piece_bytes;
	}
	return length;
}

#endif
