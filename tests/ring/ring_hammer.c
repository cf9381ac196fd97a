/* Threads hammer one small ring: two producers, two consumers. Every message is deleted exactly once,
 * also those that a consumer gives back first. Needs ring/ only, so it runs on every machine that ring/
 * is built for. */
#include "ring/ring.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ORDER = 6,
	PRODUCERS = 2,
	CONSUMERS = 2,
	EACH = 300000, /* messages per producer */
	GIVE_BACK_EVERY = 7,
	LEASE_END_MS = 1000,
};

static struct ring ring;
static struct ring_ends ends;
static unsigned char deleted[PRODUCERS * EACH];
static atomic_u64 left = PRODUCERS * EACH;

static void fail(const char *what, uint64_t id)
{
	printf("%s: message %llu\n", what, (unsigned long long)id);
	exit(1);
}

static void *produce(void *argument)
{
	uint32_t number = *(const uint32_t *)argument;
	struct ring_cursor cursor = {0};

	for (uint64_t i = 0; i < EACH; i++) {
		struct ring_claim claim;
		enum ring_result result;
		struct slot_message *message;

		while ((result = ring_claim(&ring, &cursor, number + 1, &claim)) != RING_OK) {
			if (result == RING_DAMAGED)
				fail("damaged in claim", i);
			sched_yield();
		}
		message = &ring.slots[claim.slot].message;
		message->id[0] = number * (uint64_t)EACH + i;
		message->id[1] = ~message->id[0];
		if (ring_publish(&ring, &claim, number + 1) != RING_OK)
			fail("publish refused", message->id[0]);
	}
	return NULL;
}

/* Deletes what was taken, or gives it back the first time. */
static void settle(const struct ring_taken *taken)
{
	const struct slot_message *message = &ring.slots[taken->slot].message;
	uint64_t id = message->id[0];

	if (id >= PRODUCERS * EACH || message->id[1] != ~id)
		fail("torn or made up", id);
	if (id % GIVE_BACK_EVERY == 0 && word_receives(taken->word) == 1) {
		if (!ring_make_ready(&ring, taken->slot, taken->word))
			fail("release refused to its holder", id);
		return;
	}
	if (__atomic_exchange_n(&deleted[id], 1, __ATOMIC_RELAXED))
		fail("received again after its delete", id);
	if (!ring_free(&ring, taken->slot, taken->word))
		fail("delete refused to its holder", id);
	fetch_add_seq(&left, UINT64_MAX);
}

static void *consume(void *argument)
{
	struct ring_terms terms = {.deadline_ms = LEASE_END_MS};
	struct ring_cursor cursor = {0};

	(void)argument;
	while (load_acquire(&left) > 0) {
		struct ring_taken taken;
		enum ring_result result = ring_take(&ring, &cursor, &terms, &taken);

		if (result == RING_DAMAGED)
			fail("damaged in take", 0);
		if (result == RING_OK)
			settle(&taken);
		else
			sched_yield();
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[PRODUCERS + CONSUMERS];
	uint32_t numbers[PRODUCERS + CONSUMERS];
	void *memory = aligned_alloc(128, (ring_bytes(ORDER, false) + 127) & ~(size_t)127);

	memset(memory, 0, ring_bytes(ORDER, false));
	ring_place(&ring, &ends, memory, ORDER, false);
	for (uint32_t i = 0; i < PRODUCERS + CONSUMERS; i++) {
		numbers[i] = i;
		if (pthread_create(&threads[i], NULL, i < PRODUCERS ? produce : consume, &numbers[i]) != 0)
			return 1;
	}
	for (int i = 0; i < PRODUCERS + CONSUMERS; i++)
		pthread_join(threads[i], NULL);
	for (uint64_t id = 0; id < PRODUCERS * EACH; id++)
		if (!deleted[id])
			fail("lost", id);
	for (uint32_t slot = 0; slot < ring_slot_count(&ring); slot++)
		if (word_state(slot_read(&ring.slots[slot])) != SLOT_FREE)
			fail("slot not free at the end", slot);
	free(memory);
	return 0;
}
