/* Looks at all slots and blocks after each step: has one changed, and is every message in exactly one place? */
#include "tests/interleave/segments/judge.h"

#include "shm/extents.h"
#include "shm/message.h"

#include <string.h>

/* ---- numbers ---- */

unsigned number_of_bytes(const unsigned char *bytes, uint64_t count)
{
	for (uint64_t i = 1; i < count; i++)
		if (bytes[i] != bytes[0])
			return 0;
	return count > 0 && bytes[0] < MESSAGES_MAX ? bytes[0] : 0;
}

unsigned number_in(int queue, const struct slot *slot)
{
	const struct slot_message *message = &slot->message;
	uint64_t block = (message->block & ((UINT64_C(1) << BODY_INDEX_BITS) - 1)) - 1;

	if (message->block == 0 && world_is_fifo())
		return message->body_bytes <= SLOT_BYTES
			       ? number_of_bytes(cell_of_slot(queue, slot), message->body_bytes)
			       : 0;
	if (message->block == 0)
		return message->body_bytes <= SLOT_INLINE_BYTES
			       ? number_of_bytes(message->inline_bytes, message->body_bytes)
			       : 0;
	return block < BLOCKS_SEEN && message->body_bytes <= BLOCK_SEEN_BYTES
		       ? number_of_bytes(block_bytes(queue, (uint32_t)block), message->body_bytes)
		       : 0;
}

/* ---- after each step ---- */

static bool counts(const struct spot *spot, struct slot_word word)
{
	return is_one_of(word_state(word),
			 ONE(PENDING) | ONE(READY) | ONE(LEASED) | ONE(DELAYED) | ONE(DEAD) | ONE(MOVING)) ||
	       (word_state(word) == SLOT_MOVED && copy_is_arriving(spot->queue, word));
}

static void check_places(const uint8_t places[MESSAGES_MAX])
{
	if (places[0] > 0)
		explore_fail("the bytes of a message are not whole", 0);
	for (unsigned i = 1; i < MESSAGES_MAX; i++) {
		const struct account *account = &world.accounts[i];
		unsigned right = account->exists && !account->deleted;

		if (places[i] < right)
			explore_fail("message %llu is lost", i);
		if (places[i] > right)
			explore_fail(right ? "message %llu is in two places"
					   : "message %llu is there though it is deleted",
				     i);
	}
}

static void check_viewed(void)
{
	for (int i = 0; i < ACTORS_MAX; i++) {
		const struct viewed *viewed = &world.viewed[i];

		if (viewed->bytes && explore_actor(i)->status != ACTOR_DEAD &&
		    number_of_bytes(viewed->bytes, viewed->count) != viewed->number)
			explore_fail("the bytes that actor %llu reads in place have changed", (uint64_t)i);
	}
}

static void follow_queue(int queue, uint8_t places[MESSAGES_MAX])
{
	for (uint32_t ring = 0; ring < RINGS_SEEN; ring++) {
		for (uint32_t slot = 0; slot < slots_in(queue, ring); slot++) {
			struct spot spot = {queue, ring, slot, slot_in(queue, ring, slot)};
			struct slot_word to = word_in(spot.at), *seen = &world.seen[queue][ring][slot],
					 from = *seen;

			if (to.bits.low != from.bits.low || to.bits.high != from.bits.high) {
				*seen = to;
				judge_slot(&spot, from, to);
			}
			if (counts(&spot, to))
				places[number_in(queue, spot.at)]++;
		}
		for (uint32_t slot = slots_in(queue, ring); slot < SLOTS_SEEN; slot++)
			world.seen[queue][ring][slot] = (struct slot_word){{0, 0}};
	}
	for (uint32_t block = 0; block < BLOCKS_SEEN; block++) {
		uint64_t to = *block_word(queue, block), from = world.seen_block[queue][block];

		world.seen_block[queue][block] = to;
		if (to != from)
			judge_block(queue, block, from, to);
	}
}

void monitor_step(void)
{
	uint8_t places[MESSAGES_MAX] = {0};

	if (!world.files[DLQ].named && header_of(QUEUE)->attribute[ATTRIBUTE_DLQ] != 0)
		return; /* being set up */
	for (int queue = 0; queue < QUEUES; queue++)
		if (header_of(queue)->identity.incarnation != 0)
			follow_queue(queue, places);
	check_places(places);
	check_viewed();
}

static bool is_owed(const struct spot *spot)
{
	struct slot_word word = word_in(spot->at);

	return is_one_of(word_state(word), ONE(WRITING) | ONE(PASSED) | ONE(MOVING) | ONE(ARRIVING)) &&
	       is_owner(spot, word);
}

static bool is_block_owed(int queue, uint32_t block)
{
	uint64_t word = *block_word(queue, block);

	return block_is_owned(word) &&
	       actor_of_row(queue, block_owner_row(word), block_owner_serial(word)) == acting();
}

static bool is_region_owed(int queue, uint32_t ring)
{
	const struct word128 *region = &header_of(queue)->region[ring];

	return (region->low & 15) == REGION_BUSY &&
	       actor_of_row(queue, (uint32_t)(region->low >> 12) & 0xfff, (uint32_t)region->high) == acting();
}

void monitor_returned(void)
{
	for (int queue = 0; queue < QUEUES; queue++) {
		for (uint32_t ring = 0; ring < RINGS_SEEN; ring++) {
			for (uint32_t slot = 0; slot < slots_in(queue, ring); slot++)
				if (is_owed(&(struct spot){queue, ring, slot, slot_in(queue, ring, slot)}))
					explore_fail("slot %llu waits for somebody whose call is over", slot);
			if (is_region_owed(queue, ring))
				explore_fail("ring region %llu waits for somebody whose call is over", ring);
		}
		for (uint32_t block = 0; block < BLOCKS_SEEN; block++)
			if (is_block_owed(queue, block))
				explore_fail("block %llu waits for somebody whose call is over", block);
	}
}

/* In the final checks accesses follow each other in one step: only those to slots and blocks are looked at. */
void monitor_access(void)
{
	if (explore_current() < ACTORS_MAX || os_touched())
		monitor_step();
}

void monitor_begin(void)
{
	for (int queue = 0; queue < QUEUES; queue++) {
		for (uint32_t ring = 0; ring < RINGS_SEEN; ring++)
			for (uint32_t slot = 0; slot < slots_in(queue, ring); slot++)
				world.seen[queue][ring][slot] = word_in(slot_in(queue, ring, slot));
		for (uint32_t block = 0; block < BLOCKS_SEEN; block++)
			world.seen_block[queue][block] = *block_word(queue, block);
	}
}
