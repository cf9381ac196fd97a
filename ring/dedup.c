/* The walk: who was first with an id. ring/dedup.h has the protocol. */
#include "ring/dedup.h"

/* ---- what a link leads to --------------------------------------------------------------------- */

static bool is_listed(const struct dedup *dedup, uint64_t link)
{
	return dedup->listed >> link_ring(link) & 1;
}

/* NULL: the ring is not listed, or has no such slot. */
static struct slot *slot_of(const struct dedup *dedup, uint64_t link)
{
	const struct ring *ring = &dedup->rings[link_ring(link)];

	return is_listed(dedup, link) && link_slot(link) <= ring->mask ? &ring->slots[link_slot(link)] : NULL;
}

bool dedup_is_writing(const struct dedup *dedup, uint64_t link)
{
	const struct slot *slot = slot_of(dedup, link);
	struct slot_word word;

	if (slot == NULL)
		return false;
	word = slot_read(slot);
	return link_is_of(link, word) && (word_state(word) == SLOT_WRITING || word_state(word) == SLOT_PASSED);
}

static atomic_u64 *id_word(const struct slot *slot, int half)
{
	return (atomic_u64 *)(void *)&slot->message.id[half];
}

bool dedup_read(const struct dedup *dedup, uint64_t link, struct dedup_message *ret)
{
	const struct slot *slot = slot_of(dedup, link);
	const struct fifo_links *links;

	if (slot == NULL)
		return false;
	links = fifo_links(slot);
	/* relaxed: whoever gave us the link has acquired them, and the look at the word comes after */
	*ret = (struct dedup_message){
		.link = link,
		.key = {load_relaxed(&links->key[0]), load_relaxed(&links->key[1])},
		.id = {load_relaxed(id_word(slot, 0)), load_relaxed(id_word(slot, 1))},
		.sequence = load_relaxed(&links->sequence),
		.boot_ms = load_relaxed(&links->boot_ms),
		.purged = load_relaxed(&links->purged),
	};
	/* [U2] They are of this message if its slot still is: who claims it for another writes after that. */
	fence_acquire();
	return link_is_of(link, slot_read(slot));
}

void dedup_stamp(const struct dedup *dedup, struct slot *slot, uint64_t boot_ms, struct dedup_message *ret)
{
	struct fifo_links *links = fifo_links(slot);

	/* [U7] A purge that had ended before this send is seen. */
	ret->purged = load_seq(&dedup->marks->purged);
	ret->boot_ms = boot_ms;
	/* relaxed: ours until the join, which releases them */
	store_relaxed(&links->key[0], ret->key[0]);
	CRASH_POINT(dedup_stamped);
	store_relaxed(&links->key[1], ret->key[1]);
	CRASH_POINT(dedup_stamped);
	store_relaxed(&links->boot_ms, boot_ms);
	CRASH_POINT(dedup_stamped);
	store_relaxed(&links->purged, ret->purged);
	CRASH_POINT(dedup_stamped);
}

/* [U7] The mark rises to the last number given: who reads it before its join has a greater one. */
uint64_t dedup_purge(const struct dedup *dedup)
{
	uint64_t last = load_seq(dedup->sequence);

	raise_seq(&dedup->marks->purged, last);
	CRASH_POINT(dedup_purged);
	return last;
}

/* ---- what an entry says --------------------------------------------------------------------------- */

/* The message of an entry that is TAKEN, COMPLETE or RESTORED. OK; STALE, DAMAGED. */
static enum dedup_result read_entry(const struct dedup *dedup, const struct dedup_entry *entry, uint64_t control,
				    struct dedup_message *ret)
{
	if (dedup_is_taken(control)) {
		if (dedup_read(dedup, control, ret))
			return DEDUP_OK;
		/* [U2] Whoever published the message had completed the entry before. */
		if (dedup_is_taken(load_acquire(&entry->control)))
			return is_listed(dedup, control) ? DEDUP_DAMAGED : DEDUP_STALE;
	}
	/* relaxed: behind the control word, which acquires ([U2]) */
	*ret = (struct dedup_message){
		.link = control == DEDUP_RESTORED ? 0 : control & LINK_MASK,
		.key = {load_relaxed(&entry->key[0]), load_relaxed(&entry->key[1])},
		.id = {load_relaxed(&entry->id[0]), load_relaxed(&entry->id[1])},
		.sequence = load_relaxed(&entry->sequence),
		.boot_ms = load_relaxed(&entry->boot_ms),
	};
	return DEDUP_OK;
}

/* [U5] After the mark, the last number given: of all who were judged before the mark none has a greater one.
 * Anybody does it, and the first who does decides. */
static uint64_t cut_void(const struct dedup *dedup, struct dedup_entry *entry)
{
	uint64_t last = load_seq(dedup->sequence);

	cas_seq(&entry->voided, DEDUP_VOIDING, last);
	CRASH_POINT(dedup_void_cut);
	return load_acquire(&entry->voided); /* [U5] */
}

/* [U4] Asked after the judged message's number was given; pairs with [U5]. 0: the entry was not voided. */
static uint64_t voided_at(const struct dedup *dedup, struct dedup_entry *entry)
{
	uint64_t voided = load_seq(&entry->voided);

	return voided == DEDUP_VOIDING ? cut_void(dedup, entry) : voided;
}

/* Does the first message still count for this one? By stamps alone, so for ever and for all the same. */
static bool counts(const struct dedup_table *table, const struct dedup_message *first,
		   const struct dedup_message *message)
{
	/* relaxed: written before the table was listed */
	int64_t window_ms = (int64_t)load_relaxed(&table->head->window_ms);

	return first->key[0] == message->key[0] && first->key[1] == message->key[1] &&
	       (int64_t)(message->boot_ms - first->boot_ms) < window_ms && first->sequence > message->purged;
}

static void answer(struct dedup_answer *ret, struct dedup_entry *entry, const struct dedup_message *first)
{
	*ret = (struct dedup_answer){
		.entry = entry,
		.link = first->link,
		.id = {first->id[0], first->id[1]},
		.sequence = first->sequence,
	};
}

/* Another message's entry. DUPLICATE; NONE: pass it. A message whose number is not known was decided long ago: it
 * has its own entry further on, or was a duplicate of one voided since. */
static enum dedup_result judge_other(const struct dedup *dedup, const struct dedup_table *table,
				     struct dedup_entry *entry, uint64_t control,
				     const struct dedup_message *message, struct dedup_answer *ret)
{
	struct dedup_message first;
	enum dedup_result result;
	uint64_t voided;

	/* relaxed: behind the control word, which acquires ([U2]) */
	if (dedup_is_complete(control) && load_relaxed(&entry->key[0]) != message->key[0])
		return DEDUP_NONE;
	if (dedup_is_late(control))
		return DEDUP_NONE;
	result = read_entry(dedup, entry, control, &first);
	if (result != DEDUP_OK)
		return result;
	if (!counts(table, &first, message))
		return DEDUP_NONE;
	voided = voided_at(dedup, entry);
	if (voided != 0 && (message->sequence == 0 || message->sequence > voided))
		return DEDUP_NONE;
	answer(ret, entry, &first);
	ret->is_void = voided != 0;
	return DEDUP_DUPLICATE;
}

/* A new ring at the place of a retired one gives links again: of a message that is gone the entry is complete, and
 * of another key or number. */
static bool is_own(struct dedup_entry *entry, uint64_t control, const struct dedup_message *message)
{
	/* A look is of no message: of link 0, whose LATE would be the COMPLETE of the first slot's first message.
	 */
	if (message->link == 0)
		return false;
	if (control == message->link || control == dedup_late_of(message->link))
		return true;
	/* relaxed: behind the control word, or as it was decided */
	return control == dedup_complete_of(message->link) && load_relaxed(&entry->key[0]) == message->key[0] &&
	       load_relaxed(&entry->key[1]) == message->key[1] &&
	       (message->sequence == 0 || load_relaxed(&entry->sequence) == message->sequence);
}

/* FIRST, LATE. */
static enum dedup_result judge_own(const struct dedup *dedup, struct dedup_entry *entry, uint64_t control,
				   const struct dedup_message *message, struct dedup_answer *ret)
{
	struct dedup_message first = *message;

	if (dedup_is_late(control))
		return DEDUP_LATE;
	if (!dedup_is_taken(control))
		read_entry(dedup, entry, control, &first);
	answer(ret, entry, &first);
	return DEDUP_FIRST;
}

/* ---- the walk ----------------------------------------------------------------------------------- */

/* What is in a free cell of an older table now. */
static uint64_t seal(struct dedup_entry *entry)
{
	/* [U3] One CAS each, on one word, with [U1]: a seal or an entry. */
	bool sealed = cas_seq(&entry->control, DEDUP_EMPTY, DEDUP_SEALED);

	CRASH_POINT(dedup_sealed);
	return sealed ? DEDUP_SEALED : load_acquire(&entry->control); /* [U1] */
}

/* [U6] May a table have counted for it that is not in the caller's list any more? Behind the list: such a table has
 * raised the horizon before. */
static bool is_late(const struct dedup *dedup, const struct dedup_message *message)
{
	return message->boot_ms < load_acquire(&dedup->marks->horizon_ms);
}

/* What is in a free cell of the newest table now. */
static uint64_t insert(const struct dedup *dedup, struct dedup_entry *entry, const struct dedup_message *message)
{
	uint64_t control = is_late(dedup, message) ? dedup_late_of(message->link) : message->link;

	if (message->sequence == 0)
		return DEDUP_EMPTY;
	/* [U1] Linearisation point of a FIFO send; releases what stands in the slot, which [U1] in decide_in()
	 * acquires. Killed just before: joined, and anybody decides. Just after: it is first, and anybody publishes
	 * it. */
	if (!cas_seq(&entry->control, DEDUP_EMPTY, control))
		return load_acquire(&entry->control); /* [U1] */
	CRASH_POINT(dedup_inserted);
	return control;
}

/* Walks one table. NONE: go on in the next one. */
static enum dedup_result decide_in(const struct dedup *dedup, const struct dedup_table *table, bool is_newest,
				   const struct dedup_message *message, struct dedup_answer *ret)
{
	for (uint64_t i = 0; i < dedup_probes(table); i++) {
		struct dedup_entry *entry = dedup_cell(table, message->key, i);
		uint64_t control = load_acquire(&entry->control); /* [U1] */
		enum dedup_result result;

		if (control == DEDUP_EMPTY)
			control = is_newest ? insert(dedup, entry, message) : seal(entry);
		if (control == DEDUP_SEALED)
			return is_newest ? DEDUP_STALE : DEDUP_NONE;
		if (control == DEDUP_EMPTY)
			return DEDUP_LATE;
		result = is_own(entry, control, message) ? judge_own(dedup, entry, control, message, ret)
							 : judge_other(dedup, table, entry, control, message, ret);
		if (result != DEDUP_NONE)
			return result;
	}
	return DEDUP_NONE;
}

/* All cells of a probe may be taken: so say all who walk it, and go on in the next table. If there is none, nothing
 * was decided. A duplicate may have been first in a table that is gone: it was published then, and of a later one
 * of its id its owner is not to hear. */
enum dedup_result dedup_decide(const struct dedup *dedup, const struct dedup_message *message,
			       struct dedup_answer *ret)
{
	enum dedup_result result = DEDUP_NONE;

	for (uint32_t i = 0; i < dedup->count && result == DEDUP_NONE; i++)
		result = decide_in(dedup, &dedup->table[i], i + 1 == dedup->count, message, ret);
	if (result == DEDUP_DUPLICATE && is_late(dedup, message))
		return DEDUP_LATE;
	return result == DEDUP_NONE ? DEDUP_GROW : result;
}

/* Up to the end of its probe in this table there are other keys. */
static bool lacks(const struct dedup_table *table, bool is_newest, const uint64_t key[2])
{
	for (uint64_t i = 0; i < dedup_probes(table); i++) {
		struct dedup_entry *entry = dedup_cell(table, key, i);
		uint64_t control = load_relaxed(&entry->control); /* relaxed: a look, decided is later */

		if (control == DEDUP_EMPTY)
			return true;
		if (control == DEDUP_SEALED)
			return !is_newest;
		/* relaxed: as above */
		if (dedup_is_taken(control) || load_relaxed(&entry->key[0]) == key[0])
			return false;
	}
	return false;
}

bool dedup_lacks(const struct dedup *dedup, const uint64_t key[2])
{
	for (uint32_t i = 0; i < dedup->count; i++)
		if (!lacks(&dedup->table[i], i + 1 == dedup->count, key))
			return false;
	return true;
}

bool dedup_has_place(const struct dedup *dedup, const uint64_t key[2])
{
	const struct dedup_table *newest = &dedup->table[dedup->count - 1];
	uint64_t probes = dedup_probes(newest), spare = probes / DEDUP_SPARE;

	if (dedup->count < DEDUP_TABLES_MAX)
		return true;
	for (uint64_t i = 0; i < probes - spare; i++)
		if (load_relaxed(&dedup_cell(newest, key, i)->control) == DEDUP_EMPTY) /* relaxed: a look */
			return true;
	return false;
}

/* ---- an entry that is there, or not ------------------------------------------------------------------- */

static enum dedup_result find_in(const struct dedup_table *table, bool is_newest,
				 const struct dedup_message *message, struct dedup_entry **ret)
{
	for (uint64_t i = 0; i < dedup_probes(table); i++) {
		struct dedup_entry *entry = dedup_cell(table, message->key, i);
		uint64_t control =
			load_relaxed(&entry->control); /* relaxed: whose it is, and not older than it was decided */

		if (control == DEDUP_SEALED)
			return is_newest ? DEDUP_STALE : DEDUP_NONE;
		if (control == DEDUP_EMPTY)
			return DEDUP_NONE;
		if (is_own(entry, control, message)) {
			*ret = entry;
			return dedup_is_late(control) ? DEDUP_NONE : DEDUP_OK;
		}
	}
	return DEDUP_NONE;
}

/* The entry of a message that has been decided. */
static enum dedup_result find(const struct dedup *dedup, const struct dedup_message *message,
			      struct dedup_entry **ret)
{
	enum dedup_result result = DEDUP_NONE;

	for (uint32_t i = dedup->count; i-- > 0 && result == DEDUP_NONE;)
		result = find_in(&dedup->table[i], i + 1 == dedup->count, message, ret);
	return result;
}

static void copy_word(atomic_u64 *to, uint64_t value)
{
	/* relaxed: the control word releases it; all who copy, however late, write the same */
	store_relaxed(to, value);
	CRASH_POINT(dedup_copied);
}

void dedup_copy(struct dedup_entry *entry, const struct dedup_message *message)
{
	for (int half = 0; half < 2; half++) {
		copy_word(&entry->key[half], message->key[half]);
		copy_word(&entry->id[half], message->id[half]);
	}
	copy_word(&entry->sequence, message->sequence);
	copy_word(&entry->boot_ms, message->boot_ms);
}

void dedup_fill(struct dedup_entry *entry, const struct dedup_message *message)
{
	/* relaxed: whether there is anything to do */
	if (load_relaxed(&entry->control) != message->link || message->sequence == 0)
		return;
	dedup_copy(entry, message);
	/* [U2] Before the message is published, so who finds its slot gone finds the entry whole. */
	cas_seq(&entry->control, message->link, dedup_complete_of(message->link));
	CRASH_POINT(dedup_completed);
}

enum dedup_result dedup_ask_void(const struct dedup *dedup, const struct dedup_message *message)
{
	struct dedup_entry *entry;
	enum dedup_result result = find(dedup, message, &entry);

	if (result == DEDUP_OK)
		return dedup_is_void(entry) ? DEDUP_NONE : DEDUP_OK;
	return result == DEDUP_STALE ? DEDUP_STALE : DEDUP_OK;
}

enum dedup_result dedup_void(const struct dedup *dedup, const struct dedup_message *message)
{
	struct dedup_entry *entry;
	enum dedup_result result = find(dedup, message, &entry);

	if (result != DEDUP_OK)
		return result;
	cas_seq(&entry->voided, 0, DEDUP_VOIDING); /* [U5] */
	CRASH_POINT(dedup_void_marked);
	voided_at(dedup, entry);
	return DEDUP_OK;
}

bool dedup_is_void(const struct dedup_entry *entry)
{
	/* relaxed: behind the look at the first message's slot, which is freed after the void */
	return load_relaxed(&entry->voided) != 0;
}
