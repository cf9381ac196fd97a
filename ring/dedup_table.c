/* Tables of deduplication: how large, when a newer one, when an older one goes, and who may still insert. */
#include "ring/dedup.h"

/* Ids for which a table is made, of those in the last window, or in the part of one that filled the last table. */
enum { GROW_TIMES = 4, TAKE_OVER_TIMES = 32 };

size_t dedup_table_bytes(uint32_t order)
{
	return sizeof(struct dedup_head) + (sizeof(struct dedup_entry) << order);
}

void dedup_table_place(struct dedup_table *ret, void *memory, uint32_t order)
{
	*ret = (struct dedup_table){
		.head = memory,
		.entries = (struct dedup_entry *)((struct dedup_head *)memory + 1),
		.order = order,
	};
}

uint32_t dedup_order_for(uint64_t ids)
{
	uint32_t order = DEDUP_ORDER_MIN;

	while (order < DEDUP_ORDER_MAX && UINT64_C(1) << order < 2 * ids)
		order++;
	return order;
}

/* If there is any. */
static const struct dedup_table *newest_of(const struct dedup *dedup)
{
	return &dedup->table[dedup->count > 0 ? dedup->count - 1 : 0];
}

/* Ids that a table takes. */
static uint64_t share_of(const struct dedup *dedup, const struct dedup_table *table)
{
	uint64_t half = dedup_cells(table) / 2;

	return half < dedup->ids_max ? half : dedup->ids_max;
}

static uint64_t window_of(const struct dedup_table *table)
{
	return load_relaxed(&table->head->window_ms); /* relaxed: written before the table was listed */
}

/* Has it been there for so long? */
static bool is_older_than(const struct dedup_table *table, uint64_t window_ms, uint64_t now_ms)
{
	/* relaxed: written before the table was listed */
	return (int64_t)(now_ms - load_relaxed(&table->head->born_ms)) >= (int64_t)window_ms;
}

static bool is_past_window(const struct dedup_table *table, uint64_t now_ms)
{
	return is_older_than(table, window_of(table), now_ms);
}

/* Has a purge forgotten something since it was begun? */
static bool is_purged_since(const struct dedup *dedup, const struct dedup_table *table)
{
	/* relaxed: a guess; and written before the table was listed */
	return load_relaxed(&dedup->marks->purged) > load_relaxed(&table->head->purged);
}

bool dedup_is_purged(const struct dedup *dedup)
{
	return dedup->count > 0 && is_purged_since(dedup, newest_of(dedup));
}

/* ---- a newer table -------------------------------------------------------------------------------- */

/* Because it is as full as it gets, unless it has the full size for a window that is not over, without a purge; or
 * by time, while there are two left for what comes next. */
bool dedup_is_due(const struct dedup *dedup, uint64_t now_ms)
{
	const struct dedup_table *newest = newest_of(dedup);
	bool is_past;
	uint64_t used;

	if (dedup->count == 0 || dedup->count == DEDUP_TABLES_MAX)
		return dedup->count == 0;
	is_past = is_past_window(newest, now_ms);
	used = load_relaxed(&newest->head->used); /* relaxed: a guess, and the CAS of the list decides */
	if (used >= share_of(dedup, newest) &&
	    (is_past || newest->order < dedup_order_for(dedup->ids_max) || is_purged_since(dedup, newest)))
		return true;
	return dedup->count == 1 && (is_past || window_of(newest) != dedup->window_ms) &&
	       (used > 0 || newest->order > dedup_order_for(0));
}

uint32_t dedup_next_order(const struct dedup *dedup, uint64_t now_ms)
{
	const struct dedup_table *newest = newest_of(dedup);
	uint64_t ids;

	if (dedup->count == 0)
		return dedup_order_for(0);
	if (dedup->count + 1 == DEDUP_TABLES_MAX)
		return dedup_order_for(dedup->ids_max); /* none comes after it */
	ids = load_relaxed(&newest->head->used);	/* relaxed: an estimate */
	ids *= is_past_window(newest, now_ms) ? GROW_TIMES : TAKE_OVER_TIMES;
	return dedup_order_for(ids < dedup->ids_max ? ids : dedup->ids_max);
}

/* What a small one had in its window counts in its successor too. */
void dedup_begin(const struct dedup *dedup, const struct dedup_table *table, uint64_t now_ms)
{
	uint64_t used = 0, purged = 0, sequence = 0;

	if (dedup->count > 0) { /* else it is the queue's first one */
		if (!is_past_window(newest_of(dedup), now_ms) && !dedup_is_purged(dedup))
			used = load_relaxed(&newest_of(dedup)->head->used); /* relaxed: an estimate, and so below */
		purged = load_relaxed(&dedup->marks->purged);		    /* relaxed: as above */
		sequence = load_relaxed(dedup->sequence);		    /* relaxed: as above */
	}
	/* relaxed: nobody knows the table before it is listed */
	store_relaxed(&table->head->used, used);
	CRASH_POINT(dedup_begun);
	store_relaxed(&table->head->born_ms, now_ms);
	CRASH_POINT(dedup_begun);
	store_relaxed(&table->head->window_ms, dedup->window_ms);
	CRASH_POINT(dedup_begun);
	store_relaxed(&table->head->purged, purged);
	CRASH_POINT(dedup_begun);
	store_relaxed(&table->head->sequence, sequence);
	CRASH_POINT(dedup_begun);
}

/* ---- how many ------------------------------------------------------------------------------------- */

static bool has_quota(const struct dedup *dedup, const struct dedup_quota *quota)
{
	/* relaxed: written before the table was listed */
	return dedup->count > 0 && quota->head == newest_of(dedup)->head &&
	       quota->born_ms == load_relaxed(&quota->head->born_ms);
}

/* Runs become short where they could be missed elsewhere. */
static uint64_t run_of(uint64_t left)
{
	uint64_t run = left / 64;

	return run < 1 ? 1 : run > DEDUP_RUN ? DEDUP_RUN : run;
}

/* OK: at least one. FULL: none is left. */
static enum dedup_result take_run(const struct dedup *dedup, struct dedup_quota *quota)
{
	const struct dedup_table *newest = newest_of(dedup);
	struct dedup_head *head = newest->head;
	uint64_t share = share_of(dedup, newest), used, run;

	do {
		used = load_relaxed(&head->used); /* relaxed: the CAS decides, on a word that orders nothing else */
		if (used >= share)
			return DEDUP_FULL;
		run = run_of(share - used);
	} while (!cas_ordered(&head->used, used, used + run, memory_order_relaxed));
	CRASH_POINT(dedup_reserved);
	*quota = (struct dedup_quota){
		.head = head,
		.born_ms = load_relaxed(&head->born_ms), /* relaxed: as above */
		.left = (uint32_t)run,
	};
	return DEDUP_OK;
}

enum dedup_result dedup_reserve(const struct dedup *dedup, struct dedup_quota *quota, uint64_t now_ms)
{
	if (!has_quota(dedup, quota) || quota->left == 0)
		if (dedup->count == 0 || take_run(dedup, quota) != DEDUP_OK)
			return dedup_is_due(dedup, now_ms) ? DEDUP_GROW : DEDUP_FULL;
	quota->left--;
	return DEDUP_OK;
}

uint64_t dedup_taken(const struct dedup *dedup)
{
	const struct dedup_head *head;
	uint64_t used, since;

	if (dedup->count == 0)
		return 0;
	head = newest_of(dedup)->head;
	used = load_relaxed(&head->used); /* relaxed: figures to be shown */
	if (!dedup_is_purged(dedup))
		return used;
	/* What was sent before the purge is not kept apart. Each id since has a number. */
	since = load_relaxed(dedup->sequence) - load_relaxed(&dedup->marks->purged); /* relaxed: as above */
	return since < used ? since : used;
}

void dedup_unreserve(const struct dedup *dedup, struct dedup_quota *quota)
{
	if (has_quota(dedup, quota))
		quota->left++;
	if (quota->left > DEDUP_RUN)
		dedup_give_back(dedup, quota);
}

void dedup_give_back(const struct dedup *dedup, struct dedup_quota *quota)
{
	if (has_quota(dedup, quota)) {
		/* relaxed: would do, it is a count */
		fetch_add_seq(&newest_of(dedup)->head->used, -(uint64_t)quota->left);
		CRASH_POINT(dedup_unreserved);
	}
	quota->left = 0;
}

/* ---- an older table goes ----------------------------------------------------------------------------- */

bool dedup_may_settle(const struct dedup *dedup, uint64_t now_ms)
{
	if (dedup->count < 2)
		return false;
	/* relaxed: a guess, each entry is looked at; and written before the table was listed. A purge of nothing is
	 * none. */
	return is_older_than(&dedup->table[1], window_of(&dedup->table[0]), now_ms) ||
	       (is_purged_since(dedup, &dedup->table[0]) &&
		load_relaxed(&dedup->marks->purged) >= load_relaxed(&dedup->table[1].head->sequence));
}

bool dedup_begin_settling(const struct dedup *dedup, struct dedup_settling *settling)
{
	/* [U7] Who notes an older mark has read the clock before, so before we do. */
	uint64_t purged = load_seq(&dedup->marks->purged);

	if (settling->is_through ? purged == settling->purged : settling->cursor != 0)
		return false;
	*settling = (struct dedup_settling){.purged = purged};
	return true;
}

static bool is_before(uint64_t one_ms, uint64_t other_ms)
{
	return (int64_t)(one_ms - other_ms) < 0;
}

/* Of entries that may count: what is LATE was so by the horizon, which only rises. */
static void note_end(const struct dedup *dedup, struct dedup_settling *settling, const struct dedup_entry *entry)
{
	/* relaxed: behind the control word */
	uint64_t ends_ms = load_relaxed(&entry->boot_ms) + window_of(&dedup->table[0]);
	uint64_t due_ms = ends_ms + DEDUP_MARGIN_MS;

	if (load_relaxed(&entry->sequence) <= settling->purged && is_before(settling->asked_ms, ends_ms)) {
		ends_ms = settling->asked_ms;
		due_ms = ends_ms + DEDUP_PURGE_MARGIN_MS;
	}
	if (!settling->any || is_before(settling->ends_ms, ends_ms))
		settling->ends_ms = ends_ms;
	if (!settling->any || is_before(settling->due_ms, due_ms))
		settling->due_ms = due_ms;
	settling->any = true;
}

/* A free cell is sealed, an entry read. HELP: its message is WRITING. */
static enum dedup_result settle_cell(const struct dedup *dedup, struct dedup_settling *settling,
				     struct dedup_entry *entry, uint64_t *ret_link)
{
	uint64_t control = load_acquire(&entry->control); /* [U2] */

	if (control == DEDUP_EMPTY) {
		if (cas_seq(&entry->control, DEDUP_EMPTY, DEDUP_SEALED)) { /* [U3] */
			CRASH_POINT(dedup_sealed);
			return DEDUP_OK;
		}
		control = load_acquire(&entry->control); /* [U2] */
	}
	if (control == DEDUP_SEALED || dedup_is_late(control))
		return DEDUP_OK;
	/* Whoever was to publish it may be dead; when the table is gone, it would be late. */
	if (dedup_is_taken(control) ||
	    (control != DEDUP_RESTORED && dedup_is_writing(dedup, control & LINK_MASK))) {
		*ret_link = control & LINK_MASK;
		return DEDUP_HELP;
	}
	note_end(dedup, settling, entry);
	return DEDUP_OK;
}

enum dedup_result dedup_settle(const struct dedup *dedup, struct dedup_settling *settling, uint32_t budget,
			       uint64_t *ret_link)
{
	const struct dedup_table *oldest = &dedup->table[0];

	for (uint32_t i = 0; settling->cursor < dedup_cells(oldest); i++) {
		if (i == budget)
			return DEDUP_BUSY;
		if (settle_cell(dedup, settling, &oldest->entries[settling->cursor], ret_link) == DEDUP_HELP)
			return DEDUP_HELP;
		settling->cursor++;
	}
	settling->is_through = true;
	return DEDUP_OK;
}

bool dedup_may_drop(const struct dedup *dedup, const struct dedup_settling *settling, uint64_t now_ms)
{
	if (dedup->count < 2 || !settling->is_through)
		return false;
	if (settling->any && is_before(now_ms, settling->due_ms))
		return false;
	/* [U6] Before the table leaves the list: who does not see it sees the horizon. */
	if (settling->any && (int64_t)settling->ends_ms > 0)
		raise_release(&dedup->marks->horizon_ms, settling->ends_ms);
	CRASH_POINT(dedup_horizon_raised);
	return true;
}

/* ---- after a restart ----------------------------------------------------------------------------------- */

bool dedup_restore(const struct dedup_table *table, const struct dedup_message *message)
{
	for (uint64_t i = 0; i < dedup_probes(table); i++) {
		struct dedup_entry *entry = dedup_cell(table, message->key, i);

		/* relaxed: the table is ours alone until it is listed */
		if (load_relaxed(&entry->control) != DEDUP_EMPTY)
			continue;
		dedup_copy(entry, message);
		store_relaxed(&entry->control, DEDUP_RESTORED); /* relaxed: as above */
		CRASH_POINT(dedup_completed);
		/* relaxed: as above */
		store_relaxed(&table->head->used, load_relaxed(&table->head->used) + 1);
		CRASH_POINT(dedup_reserved);
		return true;
	}
	return false;
}
