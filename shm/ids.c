#include "shm/ids.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* Are all eight from '!' to '~'? Each sum has its top bit set if its byte is above a bound; none carries, unless a
 * byte is not ASCII, which is seen anyway. */
static bool are_fit(const char *eight)
{
	uint64_t word;

	memcpy(&word, eight, sizeof(word));
	return ((~word & ~(word + EACH_BYTE(0x80 - 0x7f)) & (word + EACH_BYTE(0x80 - '!'))) & EACH_BYTE(0x80)) ==
	       EACH_BYTE(0x80);
}

uint32_t id_length(const char *id)
{
	size_t bytes = strnlen(id, RLQ_ID_MAX + 1), at;
	char last[8] = "!!!!!!!!";

	if (bytes > RLQ_ID_MAX)
		return 0;
	for (at = 0; at + sizeof(last) <= bytes; at += sizeof(last))
		if (!are_fit(id + at))
			return 0;
	for (size_t i = 0; at + i < bytes; i++)
		last[i] = id[at + i];
	return are_fit(last) ? (uint32_t)bytes : 0;
}

uint64_t id_group_hash(uint64_t incarnation, const void *group, size_t bytes)
{
	uint64_t hash = XXH3_64bits_withSeed(group, bytes, incarnation);

	return hash ? hash : 1;
}

/* Of the group's length, the group, and the id: no two pairs give the same bytes. */
struct id_key id_dedup_key(uint64_t seed, const void *group, size_t group_bytes, const void *id, size_t id_bytes)
{
	unsigned char text[1 + 2 * RLQ_ID_MAX];
	XXH128_hash_t hash;

	if (group == NULL)
		group_bytes = 0;
	text[0] = (unsigned char)group_bytes;
	if (group)
		memcpy(text + 1, group, group_bytes);
	memcpy(text + 1 + group_bytes, id, id_bytes);
	hash = XXH3_128bits_withSeed(text, 1 + group_bytes + id_bytes, seed);
	return (struct id_key){{hash.low64 || hash.high64 ? hash.low64 : 1, hash.high64}};
}

int id_hash_message(const struct segment *segment, const struct message_ids *ids, uint64_t *ret_group,
		    struct id_key *ret_key)
{
	if (!ids_are_whole(ids))
		return RLQ_EDAMAGED;
	*ret_group = id_group_hash(segment->incarnation, ids->group, ids->group_bytes);
	*ret_key = id_dedup_key(segment->dedup_seed, ids->dedup_in_group ? ids->group : NULL, ids->group_bytes,
				ids->dedup, ids->dedup_bytes);
	return 0;
}
