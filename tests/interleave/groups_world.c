#include "tests/interleave/groups_world.h"

#include <stdio.h>
#include <string.h>

enum { LISTS_MAX = 8 };

struct groups_world groups_world;
struct ready groups_ready;
struct groups groups_views[LISTS_MAX];
uint64_t groups_newest;

static const struct ring ring_of_slots = {.slots = groups_world.slots, .mask = CHAIN_SLOTS - 1};
static struct ring_ends token_ends;

/* ---- names for the printed schedule --------------------------------------------------------------- */

static void show_link(uint64_t link, char *text, size_t bytes)
{
	snprintf(text, bytes, "%s%d%s", link & LINK_FLAG ? "!" : "",
		 link & LINK_USED ? (int)message_number(link) : -1, link & LINK_USED ? "" : "-");
}

static void show(const void *address, char *text, size_t bytes)
{
	size_t offset = (size_t)((const char *)address - (const char *)groups_world.slots);
	size_t cell = (size_t)((const char *)address - (const char *)groups_world.cells);
	char low[24], high[24];

	if (offset < sizeof(groups_world.slots)) {
		show_link(*(const uint64_t *)address, low, sizeof(low));
		snprintf(text, bytes, "slot %zu +%zu = %s (%#llx)", offset / sizeof(struct slot),
			 offset % sizeof(struct slot), low, (unsigned long long)*(const uint64_t *)address);
	} else if (cell < sizeof(groups_world.cells)) {
		const struct word128 *word = &groups_world.cells[0][0] + cell / sizeof(struct word128);

		show_link(*(const uint64_t *)&word->low, low, sizeof(low));
		show_link(*(const uint64_t *)&word->high, high, sizeof(high));
		snprintf(text, bytes, "cell %c%zu = {%s, %s}", "ABC"[cell / sizeof(groups_world.cells[0])],
			 cell / sizeof(struct word128) % CELLS_EACH, low, high);
	} else {
		snprintf(text, bytes, "%s = %#llx",
			 address == &groups_world.list	     ? "list"
			 : address == &groups_world.sequence ? "sequence"
			 : address == &token_ends.tail	     ? "tail"
			 : address == &token_ends.head	     ? "head"
							     : "word",
			 (unsigned long long)*(const uint64_t *)address);
	}
}

static const struct explore_model model = {
	.after_step = groups_monitor,
	.at_end = groups_at_end,
	.show = show,
};

/* What is read beside a word that decides is one step with it: the high half of a cell, group and number of a
 * message. The scenarios "..._reuse" take them apart. */
static bool is_beside(const void *address)
{
	size_t offset = (size_t)((const char *)address - (const char *)groups_world.slots);
	size_t cell = (size_t)((const char *)address - (const char *)groups_world.cells);

	if (offset < sizeof(groups_world.slots)) {
		offset %= sizeof(struct slot);
		return offset == 8 || offset > offsetof(struct slot, message.inline_bytes);
	}
	return cell < sizeof(groups_world.cells) && cell % sizeof(struct word128) == 8;
}

void groups_tear(void)
{
	explore_join(NULL);
}

/* "AB": the tables of a list, the oldest first. */
static void make_view(uint64_t list, const char *tables)
{
	struct groups *view = &groups_views[list];

	*view = (struct groups){.rings = &ring_of_slots,
				.listed = 1,
				.sequence = &groups_world.sequence,
				.list = &groups_world.list,
				.list_seen = list};
	for (; *tables; tables++)
		view->table[view->table_count++] =
			(struct group_table){.cells = groups_world.cells[*tables - 'A'], .order = 1};
}

void groups_begin(const char *const lists[], uint64_t list)
{
	explore_begin(&model);
	memset(&groups_world, 0, sizeof(groups_world));
	memset(&token_ends, 0, sizeof(token_ends));
	groups_ready = (struct ready){.ends = &token_ends, .cells = groups_world.tokens, .order = TOKEN_ORDER};
	for (groups_newest = 0; lists[groups_newest]; groups_newest++)
		make_view(groups_newest, lists[groups_newest]);
	groups_newest--;
	groups_world.list = list;
	explore_join(is_beside);
	explore_remember(&groups_world, sizeof(groups_world));
	explore_remember(&token_ends.tail, sizeof(uint64_t));
	explore_remember(&token_ends.head, sizeof(uint64_t));
	groups_have_tokens = false;
	groups_monitor();
}

void start_joined(unsigned group, uint32_t slot, enum slot_state state)
{
	struct slot *at = &groups_world.slots[slot];

	at->word.low = word_make(SLOT_WRITING, 0, OWNER_NONE, 0, 0).bits.low;
	fifo_begin(at, group_hash(group));
	groups_join(&groups_views[0], link_pack(0, slot, 0));
	at->word.low = word_make(state, 0, OWNER_NONE, 0, 0).bits.low;
	groups_monitor();
}

void start_lagging(uint32_t slot)
{
	groups_world.cells[0][0].high = link_pack(0, slot, 0);
	groups_monitor();
}
