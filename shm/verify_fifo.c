/* What must hold of a FIFO queue's tables at any moment, whoever was killed; what has changed while it was read is
 * not judged. */
#include "shm/fifo.h"
#include "shm/message.h"
#include "shm/verify_check.h"

static const char *const kind_name[SEG_TABLE_KINDS] = {"groups", "tokens", "ids"};

/* ---- lists and regions ------------------------------------------------------------------------ */

static bool check_listed_region(struct check *check, uint32_t kind, uint32_t nth)
{
	const struct word128 *region =
		&check->segment->header->region[table_region((enum seg_table_kind)kind, nth)];
	uint64_t low = load_acquire(&region->low), id = load_acquire(&region->high) >> 32;
	uint32_t order = region_order(low);

	if ((low & 15) == REGION_EMPTY || (low & 15) > REGION_LIVE)
		fault(check, "table %u of %s is listed, yet in state %u", nth, kind_name[kind],
		      (unsigned)(low & 15));
	else if (order > TABLE_ORDER_MAX || id == 0)
		fault(check, "table %u of %s has order %u, id %llu", nth, kind_name[kind], order,
		      (unsigned long long)id);
	else
		return true;
	return false;
}

static void check_unlisted_region(struct check *check, uint32_t kind, uint32_t nth)
{
	const struct word128 *region =
		&check->segment->header->region[table_region((enum seg_table_kind)kind, nth)];
	uint64_t low = load_acquire(&region->low);
	uint32_t row = (uint32_t)(low >> 12) & 0xfff;
	bool has_order = region_order(low) <= TABLE_ORDER_MAX;
	bool is_possible = low == 0 || ((low & 15) == REGION_BUSY && has_order && row > 0 && row < SEG_ROW_COUNT) ||
			   ((low & 15) == REGION_LIVE && has_order && row == 0);

	if (!is_possible || (low != 0 && !seg_is_fifo(check->segment)))
		fault(check, "table %u of %s is not listed, and its state cannot be (%llx)", nth, kind_name[kind],
		      (unsigned long long)low);
}

static bool check_kind(struct check *check, uint32_t kind)
{
	uint64_t list = tables_list(check->segment->header, (enum seg_table_kind)kind);
	uint32_t count = rings_count(list), listed = 0;

	if (!seg_is_fifo(check->segment) ? list != 0 : count == 0 || count > TABLES_OF_A_KIND) {
		fault(check, "the list of tables of %s has %u entries", kind_name[kind], count);
		return false;
	}
	for (uint32_t i = 0; i < count; i++) {
		uint32_t nth = rings_at(list, i);

		if (nth >= TABLES_OF_A_KIND || (listed >> nth & 1)) {
			fault(check, "the list of tables of %s names table %u%s", kind_name[kind], nth,
			      nth < TABLES_OF_A_KIND ? " twice" : "");
			return false;
		}
		listed |= 1u << nth;
		if (!check_listed_region(check, kind, nth))
			return false;
	}
	for (uint32_t nth = 0; nth < TABLES_OF_A_KIND; nth++)
		if (!(listed >> nth & 1))
			check_unlisted_region(check, kind, nth);
	return true;
}

bool check_tables_listed(struct check *check)
{
	bool good = true;

	for (uint32_t kind = 0; kind < SEG_TABLE_KINDS; kind++)
		good &= check_kind(check, kind);
	return good;
}

/* ---- cells ------------------------------------------------------------------------------------ */

struct seen_cell {
	const struct word128 *cell;
	uint32_t table;
	uint64_t index, low, high;
};

/* What was read of the chain was read of this one. */
static bool is_still(const struct seen_cell *seen)
{
	return load_acquire(&seen->cell->low) == seen->low && load_acquire(&seen->cell->high) == seen->high;
}

/* The slot of a link, if it is a message of that generation; else NULL. */
static const struct slot *slot_of(const struct segment *segment, uint64_t link)
{
	uint32_t ring, slot;
	const struct ring *in = link & LINK_USED ? fifo_place(segment, link & LINK_MASK, &ring, &slot) : NULL;
	struct slot_word word;

	if (in == NULL)
		return NULL;
	word = slot_read_stable(&in->slots[slot]);
	return link_is_of(link, word) && word_state(word) != SLOT_FREE ? &in->slots[slot] : NULL;
}

static void check_place(struct check *check, const struct seen_cell *seen, const struct slot *head)
{
	const struct groups *groups = &check->segment->groups;
	uint64_t group = fifo_group(head), first;
	uint32_t order = groups->table[seen->table].order;
	bool is_frozen = seen->low & GROUP_FROZEN;

	if (group_path_find(order, group, seen->index) == group_path_cells(order)) {
		if (is_still(seen))
			fault(check, "cell %llu of table %u: its group %llx has no place there",
			      (unsigned long long)seen->index, seen->table, (unsigned long long)group);
	} else if (!is_frozen && groups_head(groups, group, &first) == GROUP_OK &&
		   first != (seen->low & LINK_MASK) && is_still(seen)) {
		fault(check, "cell %llu of table %u: its group %llx is found in another cell",
		      (unsigned long long)seen->index, seen->table, (unsigned long long)group);
	}
}

static void check_live_cell(struct check *check, const struct seen_cell *seen)
{
	const struct slot *head = slot_of(check->segment, seen->low & LINK_MASK);
	const struct slot *tail = slot_of(check->segment, seen->high & LINK_MASK);
	uint64_t first, last;

	if (head == NULL || tail == NULL) {
		if (is_still(seen))
			fault(check, "cell %llu of table %u: its %s %llx is no message",
			      (unsigned long long)seen->index, seen->table, head == NULL ? "head" : "tail",
			      (unsigned long long)(head == NULL ? seen->low : seen->high));
		return;
	}
	check_place(check, seen, head);
	first = load_acquire(&fifo_links(head)->sequence);
	last = load_acquire(&fifo_links(tail)->sequence);
	if ((first > last || fifo_group(head) != fifo_group(tail)) && is_still(seen))
		fault(check, "cell %llu of table %u: from number %llu to %llu is no chain",
		      (unsigned long long)seen->index, seen->table, (unsigned long long)first,
		      (unsigned long long)last);
}

static void check_cell(struct check *check, uint32_t table, uint64_t index)
{
	const struct word128 *cell = &check->segment->groups.table[table].cells[index];
	struct seen_cell seen = {.cell = cell, .table = table, .index = index, .low = load_acquire(&cell->low)};

	seen.high = load_acquire(&cell->high);
	if (!is_still(&seen))
		return;
	if (seen.low != 0)
		check_live_cell(check, &seen);
	if ((seen.low & GROUP_FROZEN) && !(seen.high & GROUP_SEALED) && is_still(&seen))
		fault(check, "cell %llu of table %u is frozen, yet not sealed", (unsigned long long)index, table);
}

/* ---- tokens ----------------------------------------------------------------------------------- */

static void check_tokens(struct check *check)
{
	for (uint32_t i = 0; i < check->segment->token_count; i++) {
		const struct ready *ready = &check->segment->tokens[i];
		uint64_t head = load_acquire(&ready->ends->head); /* before the tail, which is not less */
		uint64_t tail = load_seq(&ready->ends->tail);

		if (head > tail || tail > UINT64_MAX / 4)
			fault(check, "tokens %u: head %llu and tail %llu cannot be", i, (unsigned long long)head,
			      (unsigned long long)tail);
	}
}

void check_tables(struct check *check)
{
	const struct groups *groups = &check->segment->groups;

	for (uint32_t table = 0; table < groups->table_count; table++)
		for (uint64_t index = 0; index < UINT64_C(1) << groups->table[table].order; index++)
			check_cell(check, table, index);
	check_tokens(check);
}

/* ---- messages --------------------------------------------------------------------------------- */

void check_in_chain(struct check *check, uint32_t ring, uint32_t slot, struct slot_word word)
{
	const struct slot *at = &check->segment->ring[ring].slots[slot];
	uint64_t sequence = load_acquire(&fifo_links(at)->sequence);
	enum group_result result = groups_keep(&check->segment->groups, fifo_link(ring, slot, word));
	struct slot_word now = slot_read_stable(at);

	if (word_generation(now) != word_generation(word) || word_state(now) != word_state(word))
		return;
	if (sequence == 0 || sequence > load_seq(&check->segment->header->sequence))
		fault(check, "ring %u slot %u: number %llu was never given", ring, slot,
		      (unsigned long long)sequence);
	else if (result == GROUP_NONE || result == GROUP_DAMAGED)
		fault(check, "ring %u slot %u: the message is in no chain of its group", ring, slot);
}
