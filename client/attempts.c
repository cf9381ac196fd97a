/* Receive attempts of FIFO queues: who did not hear the answer to a receive asks again with the same attempt id,
 * and gets the same messages under the same leases, renewed.
 *
 * A message says in its slot by which attempt it was leased, and as which of its messages (links.ticket, which a
 * leased message has no other use for). The header remembers the last attempts: their ids, how many messages they
 * brought. Both are hints: an attempt that is not remembered, or of which a message has been changed, deleted or
 * given to somebody else, is a new one. Only then, or when an id is met again, slots are looked through for its
 * messages.
 *
 * Who is stopped amid this for longer than his lease writes into slots that others hold, and into a header that
 * remembers theirs. So a mark says of which lease it is, and counts for no other.
 */
#include "client/taking.h"

#include "ring/crashpoint.h"
#include "shm/fifo.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <string.h>

enum {
	WAYS = 4, /* places where an id may be remembered */
	INDEX_BITS = 10,
	HASH_BITS = 53,
};
_Static_assert(RLQ_BATCH_MAX <= 1 << INDEX_BITS, "which of its messages");

/* What a message of this attempt says, under this lease of it. */
static uint64_t mark_of(uint64_t key, uint64_t nonce, uint64_t generation, uint32_t receives, size_t index)
{
	uint64_t words[4] = {key, nonce, generation, receives};

	return TICKET_IS_ATTEMPT | (uint64_t)index << HASH_BITS |
	       (XXH3_64bits(words, sizeof(words)) & ((UINT64_C(1) << HASH_BITS) - 1));
}

static size_t mark_index(uint64_t mark)
{
	return (mark >> HASH_BITS) & ((1 << INDEX_BITS) - 1);
}

static bool is_same_attempt(uint64_t mark, uint64_t other)
{
	const uint64_t index_bits = ((UINT64_C(1) << INDEX_BITS) - 1) << HASH_BITS;

	return ((mark ^ other) & ~index_bits) == 0;
}

/* ---- what is remembered ----------------------------------------------------------------------- */

static uint64_t stamp_pack(uint64_t boot_ms, size_t count)
{
	return boot_ms << 16 | (count & 0xffff);
}

static bool is_in_window(const struct rlq_queue *queue, uint64_t stamp)
{
	uint64_t window_ms = seg_attribute(queue->seg, ATTRIBUTE_DEDUP_WINDOW_MS);

	return queue->seg->clock.boot_ms - (stamp >> 16) < window_ms;
}

/* Where this id is remembered, or else is to be: the place of the oldest. */
static struct seg_attempt *attempt_find(struct rlq_queue *queue, uint64_t key, bool *ret_is_known)
{
	struct seg_attempt *all = queue->seg->header->attempt, *oldest = NULL;

	for (uint32_t i = 0; i < WAYS; i++) {
		struct seg_attempt *at = &all[(key + i) % SEG_ATTEMPT_COUNT];
		/* relaxed, and so all of them: hints */
		uint64_t stamp = load_relaxed(&at->stamp);

		*ret_is_known = load_relaxed(&at->key) == key && is_in_window(queue, stamp); /* relaxed */
		if (*ret_is_known)
			return at;
		if (oldest == NULL || stamp < load_relaxed(&oldest->stamp)) /* relaxed */
			oldest = at;
	}
	return oldest;
}

void attempt_begin(struct rlq_queue *queue, struct demand *demand)
{
	size_t bytes = strlen(demand->attempt_id);

	demand->attempt_key = XXH3_64bits_withSeed(demand->attempt_id, bytes, queue->seg->incarnation);
	demand->attempt = attempt_find(queue, demand->attempt_key, &demand->attempt_is_known);
}

/* ---- the same again --------------------------------------------------------------------------- */

/* One message of an attempt. */
struct again {
	uint32_t ring, slot;
	struct slot_word word; /* state FREE: not found */
};

struct search {
	uint64_t key, nonce;
	struct again *again;
	size_t count, found;
};

/* Notes the message in this slot if it is of the attempt. False: not what it should be. */
static bool note(struct search *search, const struct segment *segment, uint32_t ring, uint32_t slot)
{
	const struct slot *at = &segment->ring[ring].slots[slot];
	uint64_t says = load_relaxed(&fifo_links(at)->ticket); /* relaxed: a hint; of which lease, it says itself */
	size_t index = mark_index(says);
	struct slot_word word;

	if (!(says & TICKET_IS_ATTEMPT))
		return true;
	word = slot_read_stable(at);
	if (word_state(word) != SLOT_LEASED ||
	    !is_same_attempt(says,
			     mark_of(search->key, search->nonce, word_generation(word), word_receives(word), 0)))
		return true;
	if (index >= search->count || word_state(search->again[index].word) != SLOT_FREE)
		return false;
	search->again[index] = (struct again){.ring = ring, .slot = slot, .word = word};
	search->found++;
	return true;
}

/* Are all messages of the attempt still leased by it? Where they are. */
static bool find_all(struct search *search, const struct segment *segment)
{
	for (uint32_t i = 0; i < rings_count(segment->rings); i++) {
		uint32_t ring = rings_at(segment->rings, i);

		for (uint32_t slot = 0; slot <= segment->ring[ring].mask; slot++)
			if (!note(search, segment, ring, slot))
				return false;
	}
	return search->found == search->count;
}

/* Renews a lease, or ends it if it is for no time, and copies its message. */
static int take_again(struct rlq_queue *queue, struct demand *demand, const struct again *again,
		      struct rlq_message *ret_message)
{
	const struct ring *ring = &queue->seg->ring[again->ring];
	struct ring_taken taken = {.slot = again->slot,
				   .word = word_with_deadline(again->word, (uint32_t)demand->terms.deadline_ms)};
	struct taking taking = taking_begin(queue, demand, again->ring);
	int took;

	if (!ring_set_deadline(ring, again->slot, again->word, SLOT_LEASED, demand->terms.deadline_ms))
		return 0;
	took = taking_message(&taking, &taken, ret_message);
	if (took == 1 && demand->terms.stay_visible)
		seg_make_ready(queue->seg, again->ring, again->slot, taken.word);
	return took;
}

int attempt_again(struct rlq_queue *queue, struct demand *demand, struct rlq_message *ret_messages, size_t max)
{
	struct search search = {
		.key = demand->attempt_key,
		.nonce = load_relaxed(&demand->attempt->nonce),		 /* relaxed: a hint */
		.count = load_relaxed(&demand->attempt->stamp) & 0xffff, /* relaxed: as above */
	};
	size_t taken = 0;

	if (!demand->attempt_is_known || search.count == 0 || search.count > RLQ_BATCH_MAX ||
	    (demand->flags & RLQ_RECEIVE_IN_PLACE))
		return 0;
	search.again = arena_take(&queue->arena, search.count * sizeof(*search.again));
	if (search.again == NULL)
		return 0;
	memset(search.again, 0, search.count * sizeof(*search.again));
	if (!find_all(&search, queue->seg))
		return 0;
	for (; taken < search.count && taken < max; taken++)
		if (take_again(queue, demand, &search.again[taken], &ret_messages[taken]) != 1)
			break;
	return (int)taken;
}

/* ---- a new one -------------------------------------------------------------------------------- */

/* Killed before the count is noted: the attempt is not remembered. */
void attempt_note(struct rlq_queue *queue, struct demand *demand, const struct rlq_message *messages, size_t count)
{
	struct segment *segment = queue->seg;
	struct seg_attempt *attempt = demand->attempt;
	uint64_t nonce = queue->id_seed + ++queue->id_count;

	store_relaxed(&attempt->stamp, 0); /* relaxed: hints, all of them */
	CRASH_POINT(attempt_forgotten);
	store_relaxed(&attempt->key, demand->attempt_key); /* relaxed */
	CRASH_POINT(attempt_written);
	store_relaxed(&attempt->nonce, nonce); /* relaxed */
	CRASH_POINT(attempt_written);
	for (size_t i = 0; i < count; i++) {
		struct receipt_parts parts;
		struct slot *slot;

		receipt_unpack(&messages[i].receipt, &parts);
		slot = &segment->ring[parts.ring].slots[parts.slot];
		store_relaxed(&fifo_links(slot)->ticket, mark_of(demand->attempt_key, nonce, parts.generation,
								 parts.receives, i)); /* relaxed */
		CRASH_POINT(attempt_marked);
	}
	store_relaxed(&attempt->stamp, stamp_pack(segment->clock.boot_ms, count)); /* relaxed */
	CRASH_POINT(attempt_noted);
}
