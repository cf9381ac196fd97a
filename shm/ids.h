/* Group and deduplication ids: what may be one, and the keyed hashes by which groups and duplicates are found. The
 * key is the queue's incarnation, or its first one where hashes outlive it, so nobody can prepare ids that collide
 * before there is the queue. */
#ifndef SEG_IDS_H
#define SEG_IDS_H

#include "shm/message.h"

/* Characters of an id: 1 .. RLQ_ID_MAX letters, digits and punctuation of ASCII. 0: it is none. */
uint32_t id_length(const char *id);

static inline bool id_is_valid(const char *id)
{
	return id_length(id) != 0;
}

/* Never 0. */
uint64_t id_group_hash(uint64_t incarnation, const void *group, size_t bytes);

/* Never 0, 0. `group` NULL: the id counts in all of the queue, else in its group. */
struct id_key {
	uint64_t word[2];
};
struct id_key id_dedup_key(uint64_t seed, const void *group, size_t group_bytes, const void *id, size_t id_bytes);

/* Are both there, and of possible lengths, as in each message of a FIFO queue? */
static inline bool ids_are_whole(const struct message_ids *ids)
{
	return ids->group != NULL && ids->dedup != NULL && ids->group_bytes <= RLQ_ID_MAX &&
	       ids->dedup_bytes <= RLQ_ID_MAX;
}

/* The same for the ids of a message. RLQ_EDAMAGED: a message of a FIFO queue has both. */
int id_hash_message(const struct segment *segment, const struct message_ids *ids, uint64_t *ret_group,
		    struct id_key *ret_key);

#endif
