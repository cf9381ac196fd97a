#include "tests/interleave/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct world world;
struct ring ring;
_Alignas(128) unsigned char arena[ARENA_WORDS * 8];
static _Alignas(128) struct ring_ends ends;

static const struct explore_model model = {
	.after_step = monitor_step,
	.at_end = check_end,
	.show = show_word,
};

/* The second half of a slot's word, read right after the first: one step with it, which spares most of the
 * states. The scenarios "torn_..." take the halves apart. */
static bool is_high_half(const void *address)
{
	size_t offset = (size_t)((const unsigned char *)address - arena);

	return offset < ring_slot_count(&ring) * sizeof(struct slot) && offset % sizeof(struct slot) == 8;
}

static void begin(uint32_t order, bool hint_is_low, bool has_marks)
{
	size_t bytes = ring_bytes(order, has_marks);

	if (bytes > sizeof(arena) || (1u << order) > SLOTS_MAX) {
		fprintf(stderr, "interleave: the arena is too small\n");
		exit(1);
	}
	explore_begin(&model);
	memset(&world, 0, sizeof(world));
	memset(&ends, 0, sizeof(ends));
	memset(arena, 0, sizeof(arena));
	ring_place(&ring, &ends, arena, order, has_marks);
	if (hint_is_low) {
		*ring.due.groups = UINT64_MAX;
		*ring.due.summary = UINT64_MAX;
	}
	explore_join(is_high_half);
	explore_remember(&world, sizeof(world));
	explore_remember(arena, bytes);
	explore_remember(&ends.tail, sizeof(uint64_t));
	explore_remember(&ends.head, sizeof(uint64_t));
	monitor_begin();
	journal_begin(has_marks);
}

void world_begin(uint32_t order, bool hint_is_low)
{
	begin(order, hint_is_low, false);
}

void world_begin_with_journal(uint32_t order, bool hint_is_low)
{
	begin(order, hint_is_low, true);
}

void tear_words(void)
{
	explore_join(NULL);
}

/* ---- tenants -------------------------------------------------------------------------------------- */

enum { NOISY = 1, QUIET = 2 };

/* The judgement itself is no part of what is explored. */
static const _Alignas(8) atomic_u32 live[TENANT_COUNT] = {[NOISY] = 100, [QUIET] = 1};
static const struct tenants tenants = {.live = live, .limit = 10, .any_is_noisy = true};

void start_tenants(unsigned noisy)
{
	world.noisy = (uint8_t)noisy;
}

const struct tenants *tenants_for(int actor)
{
	return world.noisy && !world.actors[actor].is_unfair ? &tenants : NULL;
}

void tenant_note(struct slot_message *message, unsigned number)
{
	if (world.noisy)
		message->block = block_with_tenant(0, world.noisy >> number & 1 ? NOISY : QUIET);
}

/* ---- start states --------------------------------------------------------------------------------- */

static void put(uint32_t slot, struct slot_word word)
{
	ring.slots[slot].word.low = word.bits.low;
	ring.slots[slot].word.high = word.bits.high;
	monitor_begin();
	journal_note(slot);
}

static void start_with(uint32_t slot, uint64_t generation, unsigned message, enum slot_state state,
		       uint32_t deadline_ms)
{
	put(slot, word_make(state, generation, OWNER_NONE, 1, deadline_ms));
	ring.slots[slot].message.id[0] = message;
	tenant_note(&ring.slots[slot].message, message);
	world.messages[message] = (struct account){
		.slot = slot, .generation = generation, .exists = 1, .epoch = 1, .holder = NOBODY, .received = 1};
}

void start_leased(uint32_t slot, uint64_t generation, unsigned message, uint32_t deadline_ms)
{
	start_with(slot, generation, message, SLOT_LEASED, deadline_ms);
	due_lower(&ring.due, slot, deadline_ms);
}

void start_delayed(uint32_t slot, uint64_t generation, unsigned message, uint32_t due_ms)
{
	start_with(slot, generation, message, SLOT_DELAYED, due_ms);
	due_lower(&ring.due, slot, due_ms);
}

void start_ready_again(uint32_t slot, uint64_t generation, unsigned message)
{
	start_with(slot, generation, message, SLOT_READY, 0);
	world.messages[message].is_ready = 1;
	world.messages[message].settled = 1;
	ring_set_again(&ring, slot);
}

void start_freed(uint32_t slot, uint64_t generation)
{
	put(slot, word_make(SLOT_FREE, generation, OWNER_NONE, 0, 0));
}

void start_ends(uint64_t position)
{
	ends.tail = ends.head = position;
}

void start_marked(uint32_t slot)
{
	bitmap_set(&ring.kept, slot);
}
