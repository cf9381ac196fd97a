/* The rules of chains and cells, looked at after every step. */
#include "tests/interleave/groups_world.h"

unsigned message_number(uint64_t link)
{
	return link_slot(link) + CHAIN_SLOTS * (unsigned)(link >> 27 & LINK_GENERATION_MASK);
}

static struct slot_word word_of(uint32_t slot)
{
	const struct word128 *word = &groups_world.slots[slot].word;

	return (struct slot_word){{*(const uint64_t *)&word->low, *(const uint64_t *)&word->high}};
}

uint64_t link_now(uint32_t slot)
{
	return link_pack(0, slot, word_generation(word_of(slot)));
}

static const struct fifo_links *links_at(uint64_t link)
{
	return fifo_links(&groups_world.slots[link_slot(link)]);
}

static uint64_t peek(const atomic_u64 *word)
{
	return *(const uint64_t *)(const void *)word;
}

bool chain_has(unsigned group, unsigned message)
{
	const struct chain *chain = &groups_world.chains[group];

	for (unsigned i = 0; i < chain->count; i++)
		if (chain->message[i] == message)
			return true;
	return false;
}

/* From a cell's head on. */
static bool walk_chain(uint64_t head, uint64_t tail, struct chain *ret)
{
	uint64_t link = head, above = 0;
	unsigned behind_tail = 0;
	bool tail_met = false;

	*ret = (struct chain){0};
	for (;;) {
		const struct fifo_links *links = links_at(link);
		uint64_t next = peek(&links->next);

		if (!link_is_of(link, word_of(link_slot(link)))) {
			explore_fail("message %llu is in a chain, and its slot is freed", message_number(link));
			return false;
		}
		if (peek(&links->sequence) <= above || ret->count == CHAIN_SLOTS) {
			explore_fail("message %llu is not in order of its number", message_number(link));
			return false;
		}
		above = peek(&links->sequence);
		behind_tail += tail_met;
		tail_met |= link == tail;
		ret->message[ret->count++] = (uint8_t)message_number(link);
		if (next == link_unset(link) || next == link_closed(link))
			break;
		link = next;
	}
	if (!tail_met || behind_tail > 1)
		explore_fail("a tail is %llu behind", behind_tail);
	return tail_met;
}

static void note_heads(unsigned group)
{
	const struct chain *chain = &groups_world.chains[group];
	uint16_t bit = (uint16_t)(1u << (chain->count ? chain->message[0] : CHAIN_EMPTY));

	for (int actor = 0; actor <= ACTORS_MAX; actor++)
		groups_world.heads[actor][group] |= bit;
}

static void check_joined(unsigned group, unsigned message)
{
	uint64_t sequence = peek(&fifo_links(&groups_world.slots[message % CHAIN_SLOTS])->sequence);

	if (groups_world.joined[message])
		explore_fail("message %llu joined twice", message);
	if (sequence <= groups_world.last_sequence[group])
		explore_fail("message %llu joined with too low a number", message);
	groups_world.last_sequence[group] = sequence;
	groups_world.joined[message] = 1;
	groups_world.first[message] = groups_world.chains[group].count == 0;
}

static void check_popped(unsigned message)
{
	if (word_state(word_of(message % CHAIN_SLOTS)) != SLOT_HELD)
		explore_fail("message %llu was popped, and was not gone", message);
	groups_world.popped[message] = 1;
}

/* A step adds one at the end, or takes the first away. */
static void compare_chain(unsigned group, const struct chain *now)
{
	struct chain *before = &groups_world.chains[group];
	unsigned shift = now->count < before->count;

	if (now->count > before->count + 1u || now->count + 1u < before->count) {
		explore_fail("group %llu has lost messages, or got some again", group);
		return;
	}
	for (unsigned i = 0; i < now->count && i + shift < before->count; i++)
		if (now->message[i] != before->message[i + shift]) {
			explore_fail("message %llu is not where it was", before->message[i + shift]);
			return;
		}
	if (now->count > before->count)
		check_joined(group, now->message[now->count - 1]);
	else if (shift)
		check_popped(before->message[0]);
	*before = *now;
}

/* The group of the head in a cell, GROUP_NUMBERS if there is none. */
static unsigned group_in(const struct word128 *cell)
{
	uint64_t low = peek(&cell->low);

	return low == 0 ? GROUP_NUMBERS : (unsigned)(peek(&links_at(low)->group) - 2) / 2;
}

static void look_at_cell(const struct word128 *cell, uint8_t *sealed)
{
	bool is_sealed = peek(&cell->high) & GROUP_SEALED;

	if (*sealed && !is_sealed)
		explore_fail("a seal was taken off", 0);
	*sealed = is_sealed;
}

static bool view_has(uint64_t list, const struct word128 *cells)
{
	const struct groups *view = &groups_views[list];

	for (uint32_t i = 0; i < view->table_count; i++)
		if (view->table[i].cells == cells)
			return true;
	return false;
}

/* A table that was taken out is empty, and stays so. */
static void look_at_retired(void)
{
	uint64_t list = peek(&groups_world.list);

	for (uint64_t old = 0; old < list; old++) {
		const struct word128 *cells = groups_views[old].table[0].cells;

		for (unsigned i = 0; i < CELLS_EACH && !view_has(list, cells); i++)
			if (peek(&cells[i].low) != 0 || !(peek(&cells[i].high) & GROUP_SEALED))
				explore_fail("a table was taken out that was not done, list %llu", list);
	}
}

static void look_at_group(unsigned group)
{
	const struct word128 *live = NULL, *frozen = NULL;
	struct chain now = {0};

	for (unsigned i = 0; i < CELL_TABLES * CELLS_EACH; i++) {
		const struct word128 *cell = &groups_world.cells[i / CELLS_EACH][i % CELLS_EACH];
		const struct word128 **kind = peek(&cell->low) & GROUP_FROZEN ? &frozen : &live;

		if (group_in(cell) != group)
			continue;
		if (kind == &live && live)
			explore_fail("group %llu is in two cells", group);
		*kind = cell;
	}
	if (live && frozen && peek(&live->low) != (peek(&frozen->low) & LINK_MASK))
		explore_fail("group %llu went on while it is frozen", group);
	if (!live)
		live = frozen;
	if (live && !walk_chain(peek(&live->low) & LINK_MASK, peek(&live->high) & LINK_MASK, &now))
		return;
	compare_chain(group, &now);
	note_heads(group);
}

void groups_monitor(void)
{
	for (unsigned i = 0; i < CELL_TABLES * CELLS_EACH; i++)
		look_at_cell(&groups_world.cells[i / CELLS_EACH][i % CELLS_EACH],
			     &groups_world.sealed[i / CELLS_EACH][i % CELLS_EACH]);
	look_at_retired();
	for (unsigned group = 0; group < GROUP_NUMBERS; group++)
		look_at_group(group);
}
