/* A fast hash for telling images apart; not for secrets. */
#ifndef TEST_IMAGES_HASH_H
#define TEST_IMAGES_HASH_H

#include "kmod-free/memory.h"

#include <string.h>

static inline uint64_t hash_word(uint64_t hash, uint64_t word)
{
	unsigned __int128 product = (unsigned __int128)(hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint64_t)product ^ (uint64_t)(product >> 64) ^ word << 1;
}

static inline uint64_t hash_bytes(const void *bytes, size_t count, uint64_t hash)
{
	const unsigned char *at = bytes;
	uint64_t word;

	for (; count >= sizeof(word); at += sizeof(word), count -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		hash = hash_word(hash, word);
	}
	word = 0;
	if (count > 0)
		memcpy(&word, at, count);
	return os_mix(hash_word(hash, word));
}

#endif
