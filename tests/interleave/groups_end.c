/* When nobody can go on: whatever others have left, the next goes on, and finds all. */
#include "tests/interleave/groups_world.h"

static bool has_token(uint32_t slot)
{
	for (uint64_t i = groups_ready.ends->head; i < groups_ready.ends->tail; i++) {
		uint64_t cell = groups_world.tokens[i & ((1 << TOKEN_ORDER) - 1)];

		if (cell >> 27 & 1 && link_slot(cell) == slot)
			return true;
	}
	return false;
}

static void check_tokens(void)
{
	for (unsigned group = 0; group < GROUP_NUMBERS; group++) {
		const struct chain *chain = &groups_world.chains[group];
		uint32_t slot = chain->message[0] % CHAIN_SLOTS;

		if (chain->count > 0 && word_state(slot_read(&groups_world.slots[slot])) == SLOT_READY &&
		    !has_token(slot))
			explore_fail("the head in slot %llu is READY, and has no token", slot);
	}
}

/* What the sweep leaves of this slot is right. */
static void check_swept(uint32_t slot, const struct groups *view)
{
	unsigned message = message_number(link_now(slot));
	bool is_there = chain_has(0, message) || chain_has(1, message);
	enum slot_state state;

	groups_sweep(slot, view);
	state = word_state(slot_read(&groups_world.slots[slot]));
	if (!is_there && (state == SLOT_HELD || (state == SLOT_WRITING && groups_owner_is_dead(slot))))
		explore_fail("message %llu is in no chain, and is kept", message);
}

static void consume_all(unsigned group)
{
	uint64_t head;

	look_after(ACTORS_MAX, group);
	for (int i = 0; i < CHAIN_SLOTS && groups_find_head(ACTORS_MAX, group, groups_world.list, &head); i++) {
		struct slot *slot = &groups_world.slots[link_slot(head)];
		struct slot_word word = slot_read(slot);

		slot_change(slot, word, word_with_state(word, SLOT_HELD));
		groups_pop_head(group, head, groups_world.list, &(uint64_t){0});
	}
	if (groups_world.chains[group].count > 0)
		explore_fail("messages of group %llu are not found", group);
}

static void join_anew(unsigned group, uint32_t slot, const struct groups *view)
{
	struct slot *at = &groups_world.slots[slot];

	at->word.low = word_make(SLOT_WRITING, word_generation(slot_read(at)), OWNER_NONE, 0, 0).bits.low;
	fifo_begin(at, group_hash(group));
	if (groups_join(view, link_now(slot)) != GROUP_FIRST)
		explore_fail("group %llu does not begin again", group);
}

/* Whatever others have left, the next goes on. */
void groups_at_end(void)
{
	const struct groups *view = groups_view_now();
	uint64_t cursor = 0;
	enum group_result result;

	if (groups_have_tokens && !explore_any_death())
		check_tokens();
	for (uint32_t slot = 0; slot < CHAIN_SLOTS; slot++)
		check_swept(slot, view);
	result = groups_settle(view, &cursor, CELL_TABLES * CELLS_EACH);
	if (result != GROUP_OK)
		explore_fail("settle said %llu", result);
	if (view->table_count > 1 && !groups_oldest_is_done(view))
		explore_fail("the oldest table is not done", 0);
	consume_all(0);
	consume_all(1);
	if (groups_world.chains[0].count == 0)
		join_anew(0, 0, view);
}
